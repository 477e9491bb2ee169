"""Resolves setup/requirements.in anew into setup/requirements.txt, with hashes.

The resolver (uv) is put into an environment of its own that is thrown away; it is no dependency.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="onesource-lock-") as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        tools = Path(place) / "bin"
        subprocess.run([tools / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        done = subprocess.run(
            [
                *(tools / "uv", "pip", "compile", "--quiet", "--upgrade"),
                *("--python-version", "3.11", "--generate-hashes", "--native-tls"),
                *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
                *("--output-file", "setup/requirements.txt", "setup/requirements.in"),
            ],
            cwd=ROOT,
            env=os.environ | {"UV_NO_PROGRESS": "1"},
            check=False,
        )
    if done.returncode == 0:
        print("setup/requirements.txt is written; make test sets the new packages up")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
