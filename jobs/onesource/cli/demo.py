"""`onesource demo`: sample and simulated deliveries, one run with its release, and what to try."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from onesource.cli.run import run_command
from onesource.cli.simulate import simulate_command
from onesource.cli.status import show
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.run.overview import overview
from onesource.simulate.energy import simulate_energy

# A month's end lies inside: the month's output and its late corrections can be seen.
NIGHTS, SEED, FAULTS, START = 20, 2017, "real", date(2024, 1, 20)
PEOPLE, CITY_NIGHTS = 20_000, 3


def demo_command(settings: Settings) -> int:
    """Fills the lake; called again with nothing new, it changes nothing. Exit code 0 when the
    lake serves, although a gate may hold some of the planted faults; else that of the run."""
    inbox = settings.cache / "demo"
    if not (inbox / "complete").exists():
        print(f"simulating {NIGHTS} nights of coal and renewable reports (synthetic) …", flush=True)
        catalogue = load_catalogue(settings.schemas)
        simulate_energy(
            catalogue, inbox / "deliveries", nights=NIGHTS, seed=SEED, faults=FAULTS, start=START
        )
        print(f"simulating {PEOPLE:,} people and {CITY_NIGHTS} nights (synthetic) …", flush=True)
        simulate_command(settings, inbox / "city", "base", PEOPLE, CITY_NIGHTS, SEED, FAULTS, START)
        (inbox / "complete").touch()
    print("delivering …", flush=True)
    _deliver(
        settings, [settings.schemas / "samples" / "base", inbox / "deliveries", inbox / "city"]
    )
    day = START + timedelta(days=NIGHTS)
    code = run_command(settings, [], None, day, debug=False)
    found = overview(settings, day)
    print()
    show(found)
    print(_next(settings))
    # Held deliveries are part of the show: the faults were planted.
    return 0 if code == 3 and any(t.version is not None for t in found.tables) else code


def _deliver(settings: Settings, paths: list[Path]) -> None:
    """Hands the files in, as anybody would: by the command, in a process of its own.

    Its reading threads must not live on in the process that starts the JVM: on Linux a fork
    beside them can crash.
    """
    command = [sys.executable, "-m", "onesource.cli.main", "deliver", *map(str, paths)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"ONESOURCE_HOME": str(settings.home)},
    )
    print(done.stderr, end="")
    print(done.stdout.rstrip().rsplit("\n", 1)[-1])


def _next(settings: Settings) -> str:
    return f"""
The lake is in {settings.lake}, the open release in {settings.open}. A page to look at:

  {settings.open / "latest" / "index.html"}

Seven things to try:

  .venv/bin/onesource sql "SELECT county_code, month, output_t FROM \
curated.energy_coal_output_month ORDER BY 2, 1"
  .venv/bin/onesource quarantine energy.coal_daily
  .venv/bin/onesource quality show silver.energy_coal_daily
  .venv/bin/onesource tickets list
  .venv/bin/onesource sql --csv one.csv "SELECT 'person_id=' || person_id AS who FROM \
registry.person WHERE is_disputed AND known_to IS NULL AND current_address <> '' LIMIT 1"
  tail -1 one.csv | .venv/bin/onesource explain registry.person
  .venv/bin/onesource release verify "{settings.open / "latest"}"
"""
