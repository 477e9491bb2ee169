"""Sets the project up: environment, locked dependencies, Java, Delta jars, class-data archive.

Run by `make setup` (and by every target that needs it) with a bare Python 3.11; imports nothing
but the standard library. Each part leaves a digest of what it was made from in
`.cache/setup.stamp`; a part whose digest stands there is not done again, so that a second call
only reads a few small files. A part that was cut short is begun anew.

Environment: `ONESOURCE_JARS` a folder with the two Delta jars (closed networks);
`ONESOURCE_IVY_SETTINGS` an Ivy settings file (a mirror); pip's own variables (`PIP_INDEX_URL`,
`PIP_CERT`, …) hold for the packages; `https_proxy` for both.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import delta_jars
from packages import install_packages
from telling import SetupError, say

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
STAMP = CACHE / "setup.stamp"


def digest_of(*parts: str | Path) -> str:
    """One digest over texts and the contents of files."""
    h = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        h.update(f"{len(data)}:".encode() + data)
    return h.hexdigest()


def read_stamp() -> dict[str, str]:
    """What earlier calls finished: part → digest. An unreadable stamp counts as none."""
    try:
        value = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Replaces the stamp in one step, so that it is never half written."""
    part = STAMP.with_name(f"{STAMP.name}.{os.getpid()}")
    part.write_text(json.dumps(stamp, indent=1, sort_keys=True) + "\n")
    part.replace(STAMP)


@contextmanager
def only_one() -> Iterator[None]:
    """Lets one set-up of this checkout run at a time; the second waits, then finds all done."""
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this checkout is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python() -> Path:
    return VENV / "bin" / "python"


def ask_project(code: str) -> str:
    """Runs a few lines in the new environment and returns what they print."""
    done = subprocess.run(
        [python(), "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise SetupError(lines[-1].split("OneSourceError: ")[-1])
    return done.stdout.strip()


def find_java() -> tuple[Path, str]:
    """The Java home that the jobs will use (the search is theirs), and its version text."""
    home = Path(
        ask_project(
            "from pathlib import Path; from onesource.spark.java import find_java_home;"
            f"print(find_java_home(Path({str(CACHE)!r})))"
        )
    )
    shown = subprocess.run(
        [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
    )
    return home, shown.stderr.strip()


def build_archive(java_home: Path) -> None:
    """Lets a typical small job run once and keeps the classes it loaded.

    Starts of Spark then take about half the time. Without the archive everything works, only
    slower: a failure is a warning.
    """
    if " " in str(ROOT):
        # Measured with 17 and 21: no class from a jar whose path has a space is taken from it.
        say("  none in a path with a space; everything works, Spark starts slower")
        return
    if java_home == CACHE / "java":
        _complete_wheel_runtime(java_home)
    archive, part = CACHE / "onesource.jsa", CACHE / f"onesource.jsa.{os.getpid()}"
    archive.unlink(missing_ok=True)
    env = os.environ | {
        "ONESOURCE_JSA_DUMP": str(part),
        "JAVA_HOME": str(java_home),
        # Thousands of classes cannot be kept, and each would be told of.
        "JAVA_TOOL_OPTIONS": "-Xlog:disable -Xlog:all=error:stderr",
    }
    log = CACHE / "setup-archive.log"
    with log.open("w") as out:
        code = subprocess.run(
            [python(), ROOT / "setup" / "warm.py"],
            env=env,
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code == 0 and part.is_file():
        part.replace(archive)
        return
    part.unlink(missing_ok=True)
    say(f"warning: no class-data archive (see {log}); everything works, Spark starts slower")


def _complete_wheel_runtime(java_home: Path) -> None:
    """The Java from the wheel comes without its own class archive, on which ours must build."""
    subprocess.run(
        [java_home / "bin" / "java", "-Xshare:dump", "-Xlog:disable"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


class Parts:
    """Does the parts of the set-up that are not done yet."""

    def __init__(self) -> None:
        self.stamp = read_stamp()

    def is_done(self, name: str, digest: str, *results: Path) -> bool:
        return self.stamp.get(name) == digest and all(r.exists() for r in results)

    def part(
        self, name: str, digest: str, words: str, work: Callable[[], None], *results: Path
    ) -> None:
        """Does `work` unless this very part is done and its results are there."""
        if self.is_done(name, digest, *results):
            return
        start = time.monotonic()
        say(words)
        work()
        self.stamp[name] = digest
        write_stamp(self.stamp)
        say(f"  done in {time.monotonic() - start:.0f} s")


def set_up() -> bool:
    """Does what is missing. Returns whether anything had to be done."""
    setup = ROOT / "setup"
    parts = Parts()
    before = dict(parts.stamp)
    # The environment holds absolute paths: a moved checkout needs a new one. Which Python 3.11
    # runs this is no reason for another: shells and schedulers find different ones.
    packages = digest_of("1", str(ROOT), setup / "requirements.txt", ROOT / "pyproject.toml")
    parts.part(
        "packages",
        packages,
        "1/4 Python packages into .venv (about 2 minutes the first time)",
        lambda: install_packages(ROOT, VENV, CACHE),
        python(),
        VENV / "bin" / "onesource",
    )
    wanted = delta_jars.wanted(setup / "jars.txt")
    jars = digest_of("1", setup / "jars.txt")
    # What Java there is may change from day to day: the search is repeated only then.
    on_path = str(Path(shutil.which("java") or "none").resolve())
    java_key = digest_of("1", packages, os.environ.get("JAVA_HOME", ""), on_path)
    archive_key = digest_of("1", java_key, jars, setup / "warm.py", session_file())
    files = [CACHE / "jars" / jar.file_name for jar in wanted]
    if parts.is_done("jars", jars, *files) and parts.is_done("archive", archive_key):
        return parts.stamp != before
    say("2/4 Java")
    home, version = find_java()
    say(f"  {home}: {version.splitlines()[0] if version else 'no version told'}")
    parts.part(
        "jars",
        jars,
        "3/4 the two Delta jars into .cache/jars",
        lambda: delta_jars.fetch(wanted, CACHE, home, VENV),
        *files,
    )
    # Only another Java, jar, session or warm-up needs another archive, not another PATH.
    content = digest_of("1", packages, str(home), version, jars, setup / "warm.py", session_file())
    parts.part(
        "archive content",
        content,
        "4/4 class-data archive, so that Spark starts faster",
        lambda: build_archive(home),
    )
    parts.stamp["archive"] = archive_key
    write_stamp(parts.stamp)
    return True


def session_file() -> Path:
    return ROOT / "jobs" / "onesource" / "spark" / "session.py"


def main() -> int:
    if sys.version_info[:2] != (3, 11):
        say(f"Python 3.11 is needed, this is {sys.version.split()[0]}")
        return 1
    os.chdir(ROOT)
    try:
        CACHE.mkdir(exist_ok=True)
        with only_one():
            if set_up():
                say("ready")
    except SetupError as e:
        say(f"error: {e}")
        return 1
    except PermissionError as e:
        say(f"error: {e.filename or ROOT} cannot be written by this user; use a copy of your own")
        return 1
    except OSError as e:
        say(f"error: {e}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next call goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
