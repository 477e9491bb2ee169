"""The environments and the locked packages in them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from telling import Counter, SetupError, say

# What pip prints → what that means for the person who waits.
_REASONS = (
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded package is not the one that was locked (hash mismatch); a broken download "
        "or a changed file: clear pip's cache and try again, and do not go on if it stays so",
    ),
    (
        r"No space left on device|Errno 28",
        "the disk is full; about 3 GB are needed",
    ),
    (
        r"NewConnectionError|Max retries exceeded|Name or service not known|Connection (refused|"
        r"reset|aborted)|timed out|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|"
        r"Temporary failure in name resolution",
        "the package registry cannot be reached; check the network, or tell pip of a mirror "
        "(PIP_INDEX_URL), a proxy (https_proxy) or a certificate (PIP_CERT)",
    ),
    (
        r"No matching distribution found|Could not find a version",
        "the package registry has not what was locked; check the mirror (PIP_INDEX_URL) and that "
        "this machine is Linux or macOS on x86-64 or arm64",
    ),
    (r"Permission denied", "a folder cannot be written by this user; use a copy of your own"),
)


def install_packages(root: Path, venv: Path, cache: Path) -> None:
    """Makes `.venv` hold exactly what is locked, and the project itself, editable.

    An environment that an earlier call left half done, or that belongs to another place or
    Python, is made anew. Raises SetupError.
    """
    lock = root / "setup" / "requirements.txt"

    def install_project(log: Path) -> None:
        _pip(venv, cache, log, ["--no-deps", "--no-build-isolation", "-e", str(root)], 0)

    fill_environment(venv, cache, lock, cache / "setup-packages.log", install_project)


def fill_environment(
    venv: Path, cache: Path, lock: Path, log: Path, finish: Callable[[Path], None]
) -> None:
    """Makes the environment hold exactly what `lock` names, then lets `finish(log)` add to it.

    Until `finish` has ended the environment counts as unfinished. Raises SetupError.
    """
    unfinished = venv / ".unfinished"
    if venv.exists() and (unfinished.exists() or not _is_ours(venv)):
        say("  the environment is unfinished or belongs elsewhere: making it anew")
        shutil.rmtree(venv)
    if not venv.exists():
        _create(venv, cache)
    unfinished.touch()
    log.unlink(missing_ok=True)
    total = len(re.findall(r"^[A-Za-z0-9]\S*==", lock.read_text(), re.MULTILINE))
    _pip(venv, cache, log, ["--require-hashes", "-r", str(lock)], total)
    finish(log)
    unfinished.unlink()


def _is_ours(venv: Path) -> bool:
    """Does the environment stand where it was made, with a Python that runs?"""
    try:
        told = subprocess.run(
            [
                venv / "bin" / "python",
                "-c",
                "import sys; print(sys.version_info[:2]); print(sys.prefix)",
            ],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        # Scripts carry the place of the environment in their first lines.
        script = (venv / "bin" / "pip").read_text()
    except OSError:
        return False
    return told == f"(3, 11)\n{venv}\n" and str(venv) in script


def _create(venv: Path, cache: Path) -> None:
    missing = [m for m in ("venv", "ensurepip") if importlib.util.find_spec(m) is None]
    if missing:
        raise SetupError(
            f"this Python has no module {' and '.join(missing)}; install it (Debian, Ubuntu: "
            "apt-get install python3.11-venv), or name another Python: make PYTHON=/path …"
        )
    # Not the environment's own Python, which may be the one that was just removed.
    base = getattr(sys, "_base_executable", sys.executable)
    done = subprocess.run(
        [base, "-m", "venv", str(venv)],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(cache),
    )
    if done.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        words = " ".join((done.stderr + done.stdout).split())[-400:]
        raise SetupError(f"the environment could not be made: {words}")


def _environment(cache: Path) -> dict[str, str]:
    """pip's environment: a cache of our own where the user has no home."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    home = env.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        env["HOME"] = str(cache)
        env.setdefault("PIP_CACHE_DIR", str(cache / "pip"))
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    # A user's own settings of these would put packages elsewhere.
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"):
        env.pop(name, None)
    return env


def _pip(venv: Path, cache: Path, log: Path, arguments: list[str], total: int) -> None:
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--progress-bar", "off"]
    counter = Counter(total, "packages looked at")
    with (
        log.open("a") as out,
        subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(cache),
        ) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            out.write(line)
            if total and line.startswith(("Collecting ", "Requirement already satisfied")):
                counter.step()
            if total and line.startswith("Installing collected packages"):
                counter.end()
                say("  all there; unpacking")
    if pip.returncode:
        counter.end()
        raise SetupError(explain(log.read_text(), log))


def explain(told: str, log: Path) -> str:
    """One line about what pip could not do, with where to read more."""
    for pattern, words in _REASONS:
        if re.search(pattern, told):
            return f"{words} (pip's words: {log})"
    errors = [ln for ln in told.splitlines() if ln.startswith("ERROR")] or told.splitlines()[-1:]
    return f"pip failed: {errors[0] if errors else 'no message'} (all of it: {log})"
