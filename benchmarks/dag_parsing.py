"""How long Airflow takes to read the DAGs of 60 feeds: at most 2 s. Prints JSON.

Run by hand: `.venv/bin/python benchmarks/dag_parsing.py`. The feeds are copies of the project's
own, shared out over its sectors; Airflow's environment reads them three times, the median counts.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.dags.airflow_env import ask, environment  # noqa: E402

FEEDS, MOST_SECONDS, TIMES = 60, 2.0, 3


def grow(home: Path, feeds: int) -> None:
    """Copies contracts under new names until there are so many feeds."""
    shutil.copytree(PROJECT / "schemas", home / "schemas")
    shutil.copytree(PROJECT / "jobs" / "sql", home / "jobs" / "sql")
    own = sorted((home / "schemas" / "feeds").glob("*/*.yaml"))
    for n in range(feeds - len(own)):
        source = own[n % len(own)]
        copy = source.with_stem(f"{source.stem}_{n}")
        sector = source.parent.name
        text = source.read_text(encoding="utf-8")
        copy.write_text(
            re.sub(
                rf"^id: {sector}\.{source.stem}$", f"id: {sector}.{copy.stem}", text, flags=re.M
            ),
            encoding="utf-8",
        )


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="onesource-parse-") as place:
        home = Path(place) / "home"
        grow(home, FEEDS)
        env = environment(Path(place) / "airflow", {"ONESOURCE_HOME": str(home)})
        found = [ask("describe_dags.py", env, str(PROJECT / "dags")) for _ in range(TIMES)]
    assert not found[0]["errors"], found[0]["errors"]
    gates = {t for d in found[0]["dags"].values() for t in d["tasks"] if t.startswith("gate.")}
    seconds = statistics.median(f["seconds"] for f in found)
    cpu = statistics.median(f["cpu_seconds"] for f in found)
    told = {
        "dag_parsing": {
            "feeds": len(gates),
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu, 2),
            "limit": MOST_SECONDS,
        }
    }
    print(json.dumps(told))
    return int(seconds > MOST_SECONDS or len(gates) < FEEDS)


if __name__ == "__main__":
    sys.exit(main())
