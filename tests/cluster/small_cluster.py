"""A master, two workers and a Connect server on loopback, by the scripts that containers run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
SETUP = HOME / "setup"
_READY_SECONDS = 90
# Small, and not compiled for long: five JVMs share two cores for a minute each.
SMALL = {
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1",
    "ONESOURCE_WORKER_CORES": "1",
    "ONESOURCE_WORKER_MEMORY": "1g",
    "ONESOURCE_EXECUTOR_MEMORY": "1g",
    "ONESOURCE_DRIVER_MEMORY": "1g",
}


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            s = held.enter_context(socket.socket())
            s.bind(("127.0.0.1", 0))
            ports.append(int(s.getsockname()[1]))
        return ports


@dataclass
class SmallCluster:
    """Its processes, each in a session of its own, so that all of it can be ended by id."""

    work: Path
    secret: Path
    ports: list[int] = field(default_factory=lambda: free_ports(5))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self.ports[0]}"

    @property
    def remote(self) -> str:
        return f"sc://127.0.0.1:{self.ports[1]}"

    def environment(self, worker: int = 0) -> dict[str, str]:
        """What a part of the cluster is told."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("ONESOURCE_", "SPARK_"))}
        return own | {
            **SMALL,
            "ONESOURCE_HOME": str(HOME),
            "ONESOURCE_SPARK_SECRET_FILE": str(self.secret),
            "ONESOURCE_MASTER_PORT": str(self.ports[0]),
            "ONESOURCE_CONNECT_PORT": str(self.ports[1]),
            "ONESOURCE_MASTER_UI_PORT": str(self.ports[2]),
            "ONESOURCE_WORKER_UI_PORT": str(self.ports[3 + worker]),
            "ONESOURCE_CLUSTER_WORK": str(self.work / str(worker)),
        }

    def start(self, role: str, worker: int = 0) -> None:
        name = f"{role}-{worker}"
        with (self.work / f"{name}.log").open("wb") as out:
            self.processes[name] = subprocess.Popen(
                [sys.executable, SETUP / "spark_cluster.py", role],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment(worker),
                start_new_session=True,
            )

    def wait(self, role: str, worker: int = 0) -> None:
        """Until the check that a container's health is asked by says yes."""
        deadline = time.monotonic() + _READY_SECONDS
        process = self.processes[f"{role}-{worker}"]
        log = self.work / f"{role}-{worker}.log"
        while not self.is_healthy(role, worker):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.5)

    def is_healthy(self, role: str, worker: int = 0) -> bool:
        asked = subprocess.run(
            [sys.executable, SETUP / "healthy.py", role],
            env=self.environment(worker),
            capture_output=True,
            check=False,
        )
        return asked.returncode == 0

    def alive(self) -> list[int]:
        """All processes of the cluster's sessions: executors and their Pythons, too."""
        sessions = {p.pid for p in self.processes.values()}
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(ValueError, ProcessLookupError, PermissionError):
                if os.getsid(int(entry.name)) in sessions and _runs(entry):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + 20
        while self.alive() and time.monotonic() < deadline:
            for process in self.processes.values():
                process.poll()
            time.sleep(0.2)
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait(10)


def _runs(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
