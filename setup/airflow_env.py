"""Sets Airflow's own environment up: `.venv-airflow`, with the locked packages.

Run by `make airflow` and `make test` with a bare Python 3.11, beside `setup/bootstrap.py`, whose
stamp and lock it shares: a second call only reads a few small files. The two environments share no
package. Airflow reads the contracts (`jobs/onesource/contracts`) and the operators of `dags/lib`
from where they stand: a `.pth` file names the two folders.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bootstrap
from packages import fill_environment
from telling import SetupError, say

ROOT = bootstrap.ROOT
VENV = ROOT / ".venv-airflow"
LOCK = ROOT / "setup" / "requirements-airflow.txt"
FOLDERS = (ROOT / "jobs", ROOT / "dags" / "lib")


def name_folders(venv: Path) -> None:
    """Lets the environment's Python import from the project's folders."""
    (site,) = venv.glob("lib/python3.11/site-packages")
    (site / "onesource.pth").write_text("".join(f"{f}\n" for f in FOLDERS))


def set_up() -> bool:
    """Does what is missing. Returns whether anything had to be done."""
    parts = bootstrap.Parts()
    before = dict(parts.stamp)
    parts.part(
        "airflow",
        bootstrap.digest_of("1", str(ROOT), LOCK),
        "Airflow's packages into .venv-airflow (about 2 minutes the first time)",
        lambda: fill_environment(
            VENV,
            bootstrap.CACHE,
            LOCK,
            bootstrap.CACHE / "setup-airflow.log",
            lambda _: name_folders(VENV),
        ),
        VENV / "bin" / "airflow",
    )
    return parts.stamp != before


def main() -> int:
    if sys.version_info[:2] != (3, 11):
        say(f"Python 3.11 is needed, this is {sys.version.split()[0]}")
        return 1
    os.chdir(ROOT)
    try:
        bootstrap.CACHE.mkdir(exist_ok=True)
        with bootstrap.only_one():
            if set_up():
                say("Airflow's environment is ready")
    except (SetupError, OSError) as e:
        say(f"error: {e}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next call goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
