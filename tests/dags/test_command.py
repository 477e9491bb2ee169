"""The command in a process of its own: what it says, what it sees, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from onesource_airflow.command import OneSource, output_of

from tests.dags.airflow_env import PROJECT

Stands = Callable[[str], Path]


@pytest.fixture
def stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stands:
    """A shell script that is called in the place of `onesource`."""

    def make(text: str) -> Path:
        program = tmp_path / "onesource"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        monkeypatch.setenv("ONESOURCE_COMMAND", str(program))
        return program

    return make


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]
    except FileNotFoundError:
        return False


def wait_for(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_its_lines_are_kept_in_order_with_how_it_ended(stands_in: Stands) -> None:
    stands_in("echo one $1; echo two >&2; exit 3")
    heard: list[str] = []
    said = OneSource(["run"], heard.append).run()
    assert (said.code, said.lines, said.last) == (3, ("one run", "two"), "two")
    assert heard == ["onesource run", "one run", "two"]


def test_it_sees_no_secret_of_airflow(stands_in: Stands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "a secret")
    monkeypatch.setenv("ONESOURCE_LAKE", "/a/lake")
    stands_in("env")
    said = OneSource([], lambda _: None).run()
    assert "ONESOURCE_LAKE=/a/lake" in said.lines
    assert not any("AIRFLOW" in line or "a secret" in line for line in said.lines)


def test_when_a_task_is_ended_the_command_and_all_that_it_started_are(
    stands_in: Stands, tmp_path: Path
) -> None:
    stands_in(f"sleep 300 & echo $! $$ > {tmp_path}/pids; wait")
    running = OneSource([], lambda _: None)
    thread = threading.Thread(target=running.run)
    thread.start()
    assert wait_for(lambda: len((tmp_path / "pids").read_text().split()) == 2
                    if (tmp_path / "pids").exists() else False)  # fmt: skip
    pids = [int(p) for p in (tmp_path / "pids").read_text().split()]
    assert all(map(is_alive, pids))
    running.end()
    thread.join(30)
    assert wait_for(lambda: not any(map(is_alive, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel does it on Linux only")
def test_when_a_task_is_killed_outright_the_command_ends(stands_in: Stands, tmp_path: Path) -> None:
    stands_in(f"echo $$ > {tmp_path}/pid; exec sleep 300")
    text = (
        f"import sys; sys.path.insert(0, {str(PROJECT / 'dags' / 'lib')!r})\n"
        "from onesource_airflow.command import OneSource\n"
        "OneSource([], print).run()\n"
    )
    task = subprocess.Popen([sys.executable, "-c", text], env=dict(os.environ))
    assert wait_for(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
    pid = int((tmp_path / "pid").read_text())
    task.send_signal(signal.SIGKILL)
    task.wait(20)
    assert wait_for(lambda: not is_alive(pid))


def test_a_question_that_fails_says_why(stands_in: Stands) -> None:
    stands_in("echo no lake there >&2; exit 1")
    with pytest.raises(RuntimeError, match="no lake there"):
        output_of(["status", "--json"])
