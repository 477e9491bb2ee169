"""Under a real scheduler: files come into the inbox, a release appears, although a task is killed
and the scheduler too; what they did is there once. Then a range of days is run again."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import stat
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onesource.lake import ops
from tests.dags.open_kind import city_of_kinds, publish_kinds, settings_for
from tests.dags.running_airflow import PASSWORDS, Running, running_airflow
from tests.integration.small_city import SmallCity

FIRST_PAGE_SECONDS, RELEASED_SECONDS, AGAIN_SECONDS = 60, 480, 180
INBOX = {"ONESOURCE_INBOX_SECONDS": "1", "ONESOURCE_INBOX_SETTLE_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    made = city_of_kinds(tmp_path_factory.mktemp("city"))
    publish_kinds(made, cron="* * * * *")
    return made


@pytest.fixture(scope="module")
def airflow(city: SmallCity) -> Iterator[Running]:
    with running_airflow(city.inbox.parent / "airflow", settings_for(city) | INBOX) as running:
        yield running


def processes() -> Iterator[tuple[int, int, list[str]]]:
    """Of each process: its number, its parent's, its command."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        yield int(folder.name), parent, words


def is_set(pid: int, variable: str) -> bool:
    """Is it so in the process's environment? Raises OSError when the process is gone."""
    return variable.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def task_that_runs(layer: str, lake: Path) -> int | None:
    """The Airflow task whose `onesource run --through LAYER` is at work on this lake."""
    for pid, parent, words in processes():
        try:
            if {"run", layer} <= set(words) and is_set(pid, f"ONESOURCE_LAKE={lake}"):
                return parent
        except OSError:
            continue
    return None


def scheduler_of(home: Path) -> int | None:
    """The scheduler that serves this home; its workers are its children."""
    found = {}
    for pid, parent, words in processes():
        try:
            if "scheduler" in words and is_set(pid, f"AIRFLOW_HOME={home}"):
                found[pid] = parent
        except OSError:
            continue
    return next((pid for pid, parent in found.items() if parent not in found), None)


def test_it_answers_soon_on_this_machine_only_and_its_password_is_its_own(
    airflow: Running,
) -> None:
    assert airflow.first_page < FIRST_PAGE_SECONDS
    with socket.socket() as other:
        # Loopback has many addresses; who listens on all of them listens on this one as well.
        assert other.connect_ex(("127.0.0.2", airflow.port)) != 0
    password = airflow.home / PASSWORDS
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert stat.S_IMODE(airflow.home.stat().st_mode) == 0o700
    assert len(json.loads(password.read_text())["admin"]) >= 24
    with pytest.raises(urllib.error.HTTPError, match="401"):
        airflow.ask("/auth/token", {"username": "admin", "password": "admin"})


def test_a_release_appears_although_a_task_and_the_scheduler_are_killed(
    airflow: Running, city: SmallCity
) -> None:
    lake, said = city.settings.lake, airflow.said
    city.file("thing_20240101.csv", "id,kind,size\n1,a,1\n2,a,2\n3,b,3\n", folder="base")
    found: list[int] = []

    def at_work(layer: str) -> bool:
        found[:] = [pid for pid in [task_that_runs(layer, lake)] if pid]
        return bool(found)

    airflow.within(RELEASED_SECONDS, lambda: at_work("bronze"))
    os.kill(found[0], signal.SIGKILL)
    airflow.within(RELEASED_SECONDS, lambda: at_work("silver"))
    scheduler = scheduler_of(airflow.home)
    assert scheduler is not None
    os.kill(scheduler, signal.SIGKILL)
    airflow.within(30, lambda: "scheduler ended" in said.read_text())

    released = city.settings.open / "latest" / "datasets" / "kind" / "kind.csv"
    airflow.within(RELEASED_SECONDS, released.exists)
    with released.open(encoding="utf-8") as f:
        assert list(csv.reader(f)) == [["kind", "things_count"], ["a", "2"], ["b", "1"]]
    built = [e["table"] for e in ops.rows(city.settings, "steps") if e.get("version") is not None]
    assert sorted(built) == ["bronze.base_thing", "curated.base_kind", "silver.base_thing"]
    assert len(city.rows("silver.base_thing")) == 3


def test_a_range_of_days_is_run_again_without_a_second_effect(
    airflow: Running, city: SmallCity
) -> None:
    token, steps = airflow.token(), len(list(ops.rows(city.settings, "steps")))
    wanted = {
        "dag_id": "base",
        "from_date": "2024-02-29T00:00:00+08:00",
        "to_date": "2024-03-01T23:59:00+08:00",
        "reprocess_behavior": "none",
        "max_active_runs": 1,
        "dag_run_conf": {},
    }
    airflow.ask_again("/api/v2/backfills", wanted, token)

    def runs() -> list[dict[str, Any]]:
        told = airflow.ask("/api/v2/dags/base/dagRuns?run_type=backfill", token=token)
        return sorted(told["dag_runs"], key=lambda r: r["logical_date"])

    airflow.within(AGAIN_SECONDS, lambda: [r["state"] for r in runs()] == ["success"] * 2)
    logs = [
        "".join(
            log.read_text()
            for log in airflow.home.glob(f"logs/dag_id=base/run_id={r['dag_run_id']}/**/*.log")
        )
        for r in runs()
    ]
    assert "--through silver --date 2024-02-29" in logs[0]
    assert "--through silver --date 2024-03-01" in logs[1]
    assert len(list(ops.rows(city.settings, "steps"))) == steps
