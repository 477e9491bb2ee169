"""Starts a part of a Spark standalone cluster, or all of a small one on this machine's loopback.

    .venv/bin/python setup/spark_cluster.py master | worker | connect | all

A part becomes the program itself: a container that runs it ends when it ends. `all` starts a
master, two workers and a Connect server, tells when they are ready, and ends them all on Ctrl-C,
SIGTERM or when one of them dies. What can be set: jobs/onesource/spark/cluster.py; and
ONESOURCE_CLUSTER_WORK, the folder for settings, logs and what executors spill (`.cache/cluster`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

import healthy
from telling import SetupError, say

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.spark.cluster import ROLES, Place, Program, program

WORKERS = 2
_READY_SECONDS = 120
_GRACE_SECONDS = 15


def work_folder(settings: Settings) -> Path:
    return Path(os.environ.get("ONESOURCE_CLUSTER_WORK") or settings.cache / "cluster").absolute()


def become(role: str) -> None:
    """Replaces this process with the program."""
    settings = Settings.from_environment()
    made = program(role, settings, Place.from_environment(), work_folder(settings) / role)
    os.execve(made.command[0], made.command, made.env)


def start(made: Program, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            made.command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=made.env,
            start_new_session=True,
        )


def run_all() -> None:
    """Starts all of it, waits until it is ready, and looks after it until it is ended."""
    settings, place = Settings.from_environment(), Place.from_environment()
    work = work_folder(settings)
    work.mkdir(parents=True, exist_ok=True)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, role, where in _parts(place):
            made = program(role, settings, where, work / name)
            running[name] = start(made, work / f"{name}.log")
            _wait(running, name, role, where, work)
        say(f"the cluster is ready: {place.master}, sc://{place.host}:{place.connect_port}")
        while True:
            _look(running, work)
            time.sleep(1)
    finally:
        end(running)


def _parts(place: Place) -> list[tuple[str, str, Place]]:
    """Name, role and place of each process, in the order in which they start."""
    workers = [
        (f"worker-{i + 1}", "worker", replace(place, worker_ui=place.worker_ui + i))
        for i in range(WORKERS)
    ]
    return [("master", "master", place), *workers, ("connect", "connect", place)]


def _wait(
    running: dict[str, subprocess.Popen[bytes]], name: str, role: str, place: Place, work: Path
) -> None:
    begun = time.monotonic()
    while not healthy.answers(role, place.host, healthy.port_of(role, vars(place))):
        _look(running, work)
        if time.monotonic() - begun > _READY_SECONDS:
            raise SetupError(f"the cluster's {name} did not get ready (log: {work / name}.log)")
        time.sleep(0.3)


def _look(running: dict[str, subprocess.Popen[bytes]], work: Path) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise SetupError(
                f"the cluster's {name} ended ({process.returncode}); log: {work / name}.log"
            )


def end(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ends the last that was started first: a worker then takes its executors with it."""
    for process in reversed(running.values()):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in reversed(running.values()):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in (*ROLES, "all"):
        say(f"error: say which part: {', '.join((*ROLES, 'all'))}")
        return 2
    try:
        if arguments[0] != "all":
            become(arguments[0])
        signal.signal(signal.SIGTERM, _interrupt)
        run_all()
    except (SetupError, OneSourceError, OSError) as e:
        say(f"error: {e}")
        return 1
    except KeyboardInterrupt:
        say("the cluster has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
