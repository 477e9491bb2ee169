"""`make bench`: every benchmark of this folder, one after another; prints one JSON object.

    .venv/bin/python benchmarks/run.py [NAME…]

Each benchmark is a program of its own that prints JSON and begins with an empty lake, so that no
one warms another. One that fails stands in the result with its last words, and the exit code is 1.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# They take an hour, or need a city that was simulated and run: `make bench-city`, `make score`.
ON_DEMAND = ("city", "score")


def main(names: list[str]) -> int:
    programs = sorted(p for p in HERE.glob("*.py") if _is_program(p))
    chosen = [p for p in programs if (p.stem in names if names else p.stem not in ON_DEMAND)]
    if len(chosen) < len(names):
        known = ", ".join(p.stem for p in programs)
        print(f"there is no such benchmark; there are: {known}", file=sys.stderr)
        return 2
    results = {p.stem: _measured(p) for p in chosen}
    print(json.dumps({"machine": _machine(), **results}, indent=1, ensure_ascii=False))
    return 1 if any("failed" in r for r in results.values()) else 0


def _is_program(path: Path) -> bool:
    """Others hold what several benchmarks share."""
    is_run = path.name == Path(__file__).name
    return not is_run and '__name__ == "__main__"' in path.read_text(encoding="utf-8")


def _measured(program: Path) -> dict[str, Any]:
    print(f"{program.stem} …", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, program], stdout=subprocess.PIPE, text=True, cwd=HERE.parent, check=False
    )
    try:
        # Whatever a library says first, the result is the last JSON object.
        value = json.loads(done.stdout[done.stdout.index("{") :])
    except ValueError:
        words = done.stdout.strip().splitlines()[-1:] or ["no result"]
        return {"failed": words[0], "exit_code": done.returncode}
    return value if done.returncode == 0 else value | {"failed": f"exit code {done.returncode}"}


def _machine() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
