"""A whole city: from its first delivery to served registries, and a night of changes. Prints JSON.

    make bench-city [PEOPLE=3400000] [NIGHTS=3]

Simulates the city (real faults), delivers and runs night after night in a lake of its own, and asks
for a person by number. Aims (3.4 million people on 2 cores): simulated in 12 minutes and 8 GB; 5
million delivered rows to served registries in 20 minutes and 14 GB; a night in 3 minutes; a person
by number in 1 s. Takes an hour at full size, so `make bench` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from memory import Memory

SEED, START = "2017", date(2024, 1, 20)
DIVISIONS = Path(__file__).parents[1] / "schemas" / "samples" / "base"
# A step's line of `onesource run`: its table, its verdict, its seconds.
STEP = re.compile(r"^\S* *(\S+): passed, .*?([\d.]+) s$", re.MULTILINE)
# Time and peak memory of a command, and what it printed.
Took = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=3_400_000)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder to work in, and to leave as it is")
    args = parser.parse_args()
    if args.keep is not None:
        print(json.dumps(measured(args.keep, args.people, args.nights), indent=1))
    else:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(Path(folder), args.people, args.nights), indent=1))
    return 0


def measured(folder: Path, people: int, nights: int) -> dict[str, Any]:
    out = folder / "deliveries"
    found: dict[str, Any] = {"people": people}
    if not out.is_dir():
        made = command(
            folder, "simulate", "--people", str(people), "--nights", str(nights), "--seed", SEED,
            "--faults", "real", "--only", "base", "--start", START.isoformat(), "--out", str(out),
        )  # fmt: skip
        found["simulate"] = {k: made[k] for k in ("seconds", "peak_memory_gb")}
    days = sorted(d.name for d in out.iterdir() if d.name[:1].isdigit())
    for day in days:
        rows = sum(_lines(f) for f in (out / day).glob("*.csv"))
        # The divisions come first: addresses are read by them.
        also = [str(DIVISIONS)] if day == days[0] else []
        taken = command(folder, "deliver", *also, str(out / day))
        ran = command(folder, "run", "--through", "registry", "--date", day)
        steps = {name: float(seconds) for name, seconds in STEP.findall(ran["output"])}
        found[day] = {
            "csv_rows": rows,
            "deliver_seconds": taken["seconds"],
            "run_seconds": ran["seconds"],
            "peak_memory_gb": max(taken["peak_memory_gb"], ran["peak_memory_gb"]),
            "exit_code": ran["exit_code"],
            "steps": dict(sorted(steps.items(), key=lambda s: -s[1])[:12]),
        }
    found["person_by_number"] = _by_number(folder)
    return found


def _by_number(folder: Path) -> dict[str, float]:
    """Seconds of the whole command, and of a second one when the files are in memory."""
    query = "SELECT id_no FROM registry.person WHERE id_no IS NOT NULL LIMIT 1"
    answer = folder / "one.csv"
    command(folder, "sql", query, "--csv", str(answer), "--purpose", "benchmark")
    number = answer.read_text(encoding="utf-8").split()[1]
    asked = f"SELECT * FROM registry.person WHERE id_no = '{number}'"
    first = command(folder, "sql", "-", "--purpose", "benchmark", given=asked)
    second = command(folder, "sql", "-", "--purpose", "benchmark", given=asked)
    return {"first_seconds": first["seconds"], "again_seconds": second["seconds"]}


def command(folder: Path, *words: str, given: str = "") -> Took:
    """Runs one command of OneSource in the benchmark's own lake."""
    env = os.environ | {
        "ONESOURCE_LAKE": str(folder / "lake"),
        "ONESOURCE_KEYS": str(folder / "keys"),
        "ONESOURCE_OPEN": str(folder / "open"),
    }
    print(f"onesource {' '.join(words[:2])} …", file=sys.stderr, flush=True)
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "onesource.cli.main", *words],
        env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    with Memory(process.pid) as memory:
        output, _ = process.communicate(given)
    return {
        "seconds": round(time.monotonic() - start, 1),
        "peak_memory_gb": round(memory.peak / 1e9, 2),
        "exit_code": process.returncode,
        "output": output,
    }


def _lines(file: Path) -> int:
    with file.open("rb") as f:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: f.read(1 << 20), b"")) - 1


if __name__ == "__main__":
    sys.exit(main())
