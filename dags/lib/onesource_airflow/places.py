"""Where things are, as the environment says; the same names as for the command `onesource`."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from onesource.contracts.schedule import Schedules, load_schedules

_CHECKOUT = Path(__file__).resolve().parents[3]


def home() -> Path:
    """The project's folder: ONESOURCE_HOME, else the checkout that this file is in."""
    return Path(os.environ.get("ONESOURCE_HOME") or _CHECKOUT).resolve()


def command() -> Path:
    """The command of the jobs' environment: ONESOURCE_COMMAND, else that of `.venv`."""
    return Path(os.environ.get("ONESOURCE_COMMAND") or _CHECKOUT / ".venv" / "bin" / "onesource")


def inbox() -> Path:
    """The folder with one folder a sector into which departments put files: ONESOURCE_INBOX."""
    return Path(os.environ.get("ONESOURCE_INBOX") or home() / "inbox").absolute()


def source_url() -> str:
    """The address under which people see the project's files: ONESOURCE_SOURCE_URL."""
    return (os.environ.get("ONESOURCE_SOURCE_URL") or home().as_uri()).rstrip("/")


@lru_cache(maxsize=1)
def schedules() -> Schedules:
    """The contracts' schedules, read once a process: each parse of the DAGs is one."""
    return load_schedules(home())
