"""Runs the command `onesource` of the jobs' environment and keeps what it says.

The process has a group of its own, so that nothing of it (the JVM) outlives a task that is ended;
should the task's process be killed outright, the kernel ends the command (Linux). A run that was
cut off leaves the lake as the next run expects it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onesource_airflow import places

# As `onesource run` ends.
PASSED, FAILED, USAGE, HELD = 0, 1, 2, 3
_GRACE_SECONDS = 20
# Asks the kernel to end it with its parent (PR_SET_PDEATHSIG is 1), then becomes the command. Said
# here in a process that is new: between fork and exec nothing but the kernel may be called where
# the parent has threads.
_BOUND_TO_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
# Airflow's own settings and secrets are none of the jobs' business.
_OURS = ("AIRFLOW", "PYTHON", "VIRTUAL_ENV", "_AIRFLOW")


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code and its lines, standard output and error in one."""

    code: int
    lines: tuple[str, ...]

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else "it said nothing"


class OneSource:
    """One call of the command."""

    def __init__(self, arguments: Sequence[str], say: Callable[[str], None]) -> None:
        self.arguments, self.say = list(arguments), say
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> Said:
        """Runs it to its end; every line is said as it comes. Raises OSError if it cannot start."""
        self.say("onesource " + " ".join(self.arguments))
        lines: list[str] = []
        with subprocess.Popen(
            [*_bound(places.command()), *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment(),
            start_new_session=True,
        ) as self._process:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                lines.append(line.rstrip("\n"))
                self.say(lines[-1])
        return Said(self._process.returncode, tuple(lines))

    def end(self) -> None:
        """Asks the command and all that it started to end, and makes them."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        _signal_group(process.pid, signal.SIGKILL)


def output_of(arguments: Sequence[str]) -> str:
    """Standard output of a command that only reads. Raises RuntimeError with its own words."""
    done = subprocess.run(
        [str(places.command()), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"onesource {' '.join(arguments)} failed")
    return done.stdout


def environment() -> dict[str, str]:
    """The command's environment: this one's without what is Airflow's; lines come as they are
    said."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    return env | {"ONESOURCE_HOME": str(places.home()), "PYTHONUNBUFFERED": "1"}


def _bound(command: Path) -> list[str]:
    """The words that start the command so that it ends with this process, where that is known how.

    Raises OSError where there is no such program.
    """
    if not os.access(command, os.X_OK):
        raise FileNotFoundError(f"there is no program {command}")
    if sys.platform != "linux":
        return [str(command)]
    return [sys.executable, "-I", "-S", "-c", _BOUND_TO_PARENT, str(os.getpid()), str(command)]


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
