"""One sector under a real scheduler: files come into the inbox, and the tables are served; a task
that is killed is tried again, and what it did is there once."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onesource.lake import ops
from onesource.lake.manifest import read_manifest
from tests.dags.airflow_env import PROJECT, PYTHON, environment
from tests.integration.small_city import SmallCity, feed, field, key, make_city

SOON = {"retries": 3, "retry_minutes": 0.05}
THING = feed(
    "base.thing",
    [key("id"), field("kind")],
    pattern=r"thing_.*\.csv",
    correction="append",
    properties={"schedule": SOON},
)
READY_SECONDS, SERVED_SECONDS = 180, 420


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    made = make_city(tmp_path_factory.mktemp("city"), THING)
    made.curated(
        "base.kind",
        "SELECT kind, count(*) AS things_count FROM silver.base_thing GROUP BY kind",
        [key("kind"), field("things_count", "integer")],
        schedule=SOON,
    )
    return made


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def airflow(city: SmallCity, port: int) -> Iterator[Path]:
    """Airflow as `make airflow` starts it, in a home of its own; ended at the end."""
    s, home = city.settings, city.inbox.parent / "airflow"
    env = environment(
        home,
        {
            "ONESOURCE_HOME": str(s.home),
            "ONESOURCE_LAKE": str(s.lake),
            "ONESOURCE_KEYS": str(s.keys),
            "ONESOURCE_CACHE": str(s.cache),
            "ONESOURCE_SPARK": "local[2]",
            "ONESOURCE_DRIVER_MEMORY": "2g",
            "ONESOURCE_INBOX": str(city.inbox),
            "ONESOURCE_INBOX_SECONDS": "1",
            "ONESOURCE_INBOX_SETTLE_SECONDS": "0.5",
            "ONESOURCE_AIRFLOW_HOME": str(home),
            "ONESOURCE_AIRFLOW_PORT": str(port),
        },
    )
    said = city.inbox.parent / "start.log"
    with said.open("w") as out:
        process = subprocess.Popen(
            [PYTHON, PROJECT / "setup" / "airflow_start.py"],
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        within(READY_SECONDS, lambda: "is ready after" in said.read_text(), said)
        yield home
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def within(seconds: float, holds: Callable[[], object], said: Path | None = None) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s; {said.read_text() if said else ''}")
        time.sleep(0.5)


def task_that_runs(word: str, lake: Path) -> int | None:
    """The process of the Airflow task whose command has this word, on this lake."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if "run" not in command or word not in command:
                continue
            if f"ONESOURCE_LAKE={lake}".encode() in (folder / "environ").read_bytes():
                return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    return None


def test_it_answers_on_this_machine_only_and_its_password_is_its_own(
    airflow: Path, port: int
) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
        assert b"<html" in page.read().lower()
    with socket.socket() as other:
        # Loopback has many addresses; who listens on all of them listens on this one as well.
        assert other.connect_ex(("127.0.0.2", port)) != 0
    password = airflow / "simple_auth_manager_passwords.json.generated"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert stat.S_IMODE(airflow.stat().st_mode) == 0o700
    assert len(password.read_text()) > 30


def test_files_in_the_inbox_are_served_although_a_task_is_killed(
    airflow: Path, city: SmallCity
) -> None:
    lake = city.settings.lake
    city.file("thing_1.csv", "id,kind\n1,a\n2,a\n3,b\n", folder="base")
    found: list[int] = []

    def silver_runs() -> bool:
        pid = task_that_runs("silver", lake)
        found.extend([pid] if pid else [])
        return bool(pid)

    within(SERVED_SECONDS, silver_runs)
    os.kill(found[0], signal.SIGKILL)
    within(SERVED_SECONDS, lambda: "curated.base_kind" in read_manifest(city.settings).tables)
    assert city.rows("curated.base_kind") == [
        {"kind": "a", "things_count": 2},
        {"kind": "b", "things_count": 1},
    ]
    passed = [
        e
        for e in ops.rows(city.settings, "steps")
        if e["table"] == "silver.base_thing" and e.get("verdict") == "passed"
    ]
    assert len(passed) == 1
    tries = list(airflow.glob("logs/dag_id=base/run_id=*/task_id=silver/attempt=2.log"))
    assert len(tries) == 1
