"""One night of the demo through Airflow, against the same by command line. Prints JSON.

    .venv/bin/python benchmarks/airflow_overhead.py [--nights 20]

The same files (the sample divisions, and so many simulated nights of the energy sector) go into two
empty lakes: by `onesource deliver` and `onesource run`, which ends with the release; and into the
inbox of a running Airflow, until every run of a DAG has ended and the release is made. Then both do
a night with nothing new. `in_commands_s` is what the DAGs' tasks took, one after another; Airflow's
own time lies between them. More JVMs (a step each) and the order of arrival (what comes before its
registry is built again) are part of the difference. Tables that came out with another content are
listed: a registry and what shows its `known_from` differ by the moments of the two runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from onesource.cli.demo import FAULTS, SEED, START  # noqa: E402
from onesource.config import Settings  # noqa: E402
from onesource.contracts.load import load_catalogue  # noqa: E402
from onesource.lake.digest import content_digest  # noqa: E402
from onesource.lake.manifest import read_manifest  # noqa: E402
from onesource.simulate.energy import simulate_energy  # noqa: E402
from tests.dags.running_airflow import Running, running_airflow  # noqa: E402

LONGEST_NIGHT_SECONDS = 3600
# So long without a running DAG, and nothing more comes of what was served.
QUIET_SECONDS = 12


def places(folder: Path) -> dict[str, str]:
    return {
        "ONESOURCE_HOME": str(PROJECT),
        "ONESOURCE_CACHE": str(PROJECT / ".cache"),
        "ONESOURCE_LAKE": str(folder / "lake"),
        "ONESOURCE_KEYS": str(folder / "keys"),
        "ONESOURCE_OPEN": str(folder / "open"),
        "ONESOURCE_INBOX": str(folder / "inbox"),
        "ONESOURCE_INBOX_SECONDS": "2",
        "ONESOURCE_INBOX_SETTLE_SECONDS": "1",
    }


def by_command(where: dict[str, str], deliveries: Path | None) -> float:
    """Seconds of a night by command line."""
    began = time.monotonic()
    calls = [["deliver", str(deliveries)]] if deliveries else []
    for arguments in (*calls, ["run"]):
        done = subprocess.run(
            [PROJECT / ".venv" / "bin" / "onesource", *arguments],
            env=os.environ | where,
            capture_output=True,
            text=True,
            check=False,
        )
        # Some of the simulated faults are held: that is the demo.
        assert done.returncode in (0, 3), done.stderr[-2000:]
    return time.monotonic() - began


def by_airflow(airflow: Running, inbox: Path, deliveries: Path | None) -> float:
    """Seconds of a night through Airflow: the sectors when files come (or are asked), what follows
    from them, then the release."""
    token = airflow.token()
    began = time.monotonic()
    if deliveries:
        for sector in sorted(deliveries.iterdir()):
            shutil.copytree(sector, inbox / sector.name, dirs_exist_ok=True)
        airflow.within(120, lambda: runs(airflow, token, "state=running"))
    else:
        for sector in ("base", "energy"):
            trigger(airflow, token, sector)
    waited = quiet(airflow, token)
    trigger(airflow, token, "open_release")
    waited += quiet(airflow, token)
    return time.monotonic() - began - waited


def trigger(airflow: Running, token: str, dag: str) -> None:
    airflow.ask_again(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None}, token)


def runs(airflow: Running, token: str, which: str) -> list[dict[str, Any]]:
    told = airflow.ask(f"/api/v2/dags/~/dagRuns?limit=100&{which}", token=token)
    return list(told["dag_runs"])


def quiet(airflow: Running, token: str) -> float:
    """Waits until nothing runs any more; returns the seconds of quiet that it waited for."""
    since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal since
        if runs(airflow, token, "state=running&state=queued"):
            since = time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS

    airflow.within(LONGEST_NIGHT_SECONDS, is_quiet)
    return time.monotonic() - since


def task_seconds(airflow: Running, token: str, begun: set[str]) -> tuple[float, int]:
    """The sum of all tasks' durations, and how many ran, but of the runs in `begun`."""
    total, count = 0.0, 0
    for run in runs(airflow, token, "order_by=-start_date"):
        if run["dag_run_id"] in begun:
            continue
        path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances?limit=200"
        for task in airflow.ask(path.replace("+", "%2B"), token=token)["task_instances"]:
            if task["duration"]:
                total, count = total + task["duration"], count + 1
    return total, count


def digests(where: dict[str, str]) -> dict[str, str]:
    """The content of every served table."""
    settings = Settings.from_environment(where)
    tables = load_catalogue(settings.schemas).tables
    served = read_manifest(settings).tables
    return {t: content_digest(settings, tables[t], s.version) for t, s in served.items()}


def measure(nights: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="onesource-overhead-") as place:
        folder = Path(place)
        deliveries = folder / "deliveries"
        shutil.copytree(PROJECT / "schemas" / "samples" / "base", deliveries / "base")
        simulate_energy(
            load_catalogue(PROJECT / "schemas"),
            deliveries / "energy",
            nights=nights,
            seed=SEED,
            faults=FAULTS,
            start=START,
        )
        shutil.rmtree(deliveries / "energy" / "_truth", ignore_errors=True)
        one, other = places(folder / "command"), places(folder / "airflow")
        found: dict[str, Any] = {
            "nights": nights,
            "files": sum(1 for f in deliveries.rglob("*") if f.is_file()),
            "command_line_s": round(by_command(one, deliveries), 1),
            "command_line_nothing_new_s": round(by_command(one, None), 1),
        }
        with running_airflow(folder / "airflow" / "home", other) as airflow:
            found |= through_airflow(airflow, Path(other["ONESOURCE_INBOX"]), deliveries)
        found["airflow_overhead_s"] = round(found["airflow_s"] - found["command_line_s"], 1)
        ours, theirs = digests(one), digests(other)
        found["tables"] = len(ours)
        found["tables_that_differ"] = sorted(
            t for t in {*ours, *theirs} if ours.get(t) != theirs.get(t)
        )
        return found


def through_airflow(airflow: Running, inbox: Path, deliveries: Path) -> dict[str, Any]:
    token = airflow.token()
    quiet(airflow, token)  # the runs that a new Airflow begins with
    before = {r["dag_run_id"] for r in runs(airflow, token, "order_by=-start_date")}
    seconds = by_airflow(airflow, inbox, deliveries)
    in_commands, tasks = task_seconds(airflow, token, before)
    return {
        "first_page_s": round(airflow.first_page, 1),
        "airflow_s": round(seconds, 1),
        "tasks": tasks,
        "in_commands_s": round(in_commands, 1),
        "airflow_nothing_new_s": round(by_airflow(airflow, inbox, None), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--nights", type=int, default=20)
    print(json.dumps({"airflow_overhead": measure(parser.parse_args().nights)}))
