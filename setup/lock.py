"""Resolves setup/requirements*.in anew into the .txt beside each, with hashes.

Names on the command line (`requirements-airflow`) restrict it to these. The resolver (uv) is put
into an environment of its own that is thrown away; it is no dependency.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(names: Sequence[str] = ()) -> int:
    sources = sorted((ROOT / "setup").glob("requirements*.in"))
    chosen = [s for s in sources if not names or s.stem in names]
    with tempfile.TemporaryDirectory(prefix="onesource-lock-") as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        tools = Path(place) / "bin"
        subprocess.run([tools / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        failed = [s.name for s in chosen if not _lock(tools / "uv", s)]
    if failed or not chosen:
        print(f"not resolved: {', '.join(failed) or ', '.join(names)}", file=sys.stderr)
        return 1
    print(f"{', '.join(s.stem for s in chosen)}: locked anew; make test sets the packages up")
    return 0


def _lock(uv: Path, source: Path) -> bool:
    """Writes the lock beside one list of requirements."""
    target = source.with_suffix(".txt")
    done = subprocess.run(
        [
            *(uv, "pip", "compile", "--quiet", "--upgrade"),
            *("--python-version", "3.11", "--generate-hashes", "--native-tls"),
            *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
            *("--output-file", target.relative_to(ROOT), source.relative_to(ROOT)),
        ],
        cwd=ROOT,
        env=os.environ | {"UV_NO_PROGRESS": "1"},
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
