"""Airflow as `make airflow` starts it, in a home of its own, and questions to its API."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.dags.airflow_env import PROJECT, PYTHON, environment

PASSWORDS = "simple_auth_manager_passwords.json.generated"
READY_SECONDS = 180


class NotInTime(AssertionError):
    """Something did not happen; the message holds what the starter said."""


@dataclass(frozen=True)
class Running:
    """A running Airflow. said: its starter's words. first_page: seconds from the start to an
    answer at `/`."""

    home: Path
    port: int
    said: Path
    first_page: float

    def ask(self, path: str, body: Any = None, token: str = "") -> Any:
        """An answer of the API. Raises HTTPError."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def ask_again(self, path: str, body: Any, token: str) -> Any:
        """As `ask`; 503 is Airflow's word for a SQLite that is being written to: it waits."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.ask(path, body, token)
            except urllib.error.HTTPError as e:
                if e.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(1)

    def token(self) -> str:
        password = json.loads((self.home / PASSWORDS).read_text())["admin"]
        made = self.ask("/auth/token", {"username": "admin", "password": password})
        return str(made["access_token"])

    def within(self, seconds: float, holds: Callable[[], object]) -> None:
        """Waits until it holds. Raises NotInTime."""
        within(seconds, holds, self.said)


@contextmanager
def running_airflow(home: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """Starts it on a free port, gives it when it is ready, and ends it and all that it started."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = int(s.getsockname()[1])
    own = {"ONESOURCE_AIRFLOW_HOME": str(home), "ONESOURCE_AIRFLOW_PORT": str(port)}
    said = home.with_name(f"{home.name}.start.log")
    said.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with said.open("w") as out:
        process = subprocess.Popen(
            [PYTHON, PROJECT / "setup" / "airflow_start.py"],
            env=environment(home, {**settings, **own}),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        within(READY_SECONDS, lambda: _answers(port), said)
        first_page = time.monotonic() - began
        within(READY_SECONDS, lambda: "is ready after" in said.read_text(), said)
        yield Running(home, port, said, first_page)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def within(seconds: float, holds: Callable[[], object], said: Path) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds} s; {said.read_text()}")
        time.sleep(0.3)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return b"<html" in page.read().lower()
    except OSError:
        return False
