"""Airflow's environment for tests: its Python, and settings of a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = PROJECT / ".venv-airflow" / "bin" / "python"


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """A clean environment: nothing of Airflow's or ours that this machine happens to have set."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "ONESOURCE"))}
    return env | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "ONESOURCE_COMMAND": str(PROJECT / ".venv" / "bin" / "onesource"),
        **settings,
    }


def ask(script: str, env: Mapping[str, str], *arguments: str, seconds: int = 120) -> Any:
    """Runs a script of this folder in Airflow's environment; it writes JSON into a file."""
    assert PYTHON.exists(), "Airflow's environment is missing: make setup-airflow"
    answer = Path(env["AIRFLOW_HOME"]) / f"{script}.json"
    answer.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name(script), answer, *arguments],
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return json.loads(answer.read_text())
