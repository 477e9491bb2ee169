"""`onesource simulate`: writes a synthetic city's deliveries, and the truth beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.simulate.city.city import simulate_city
from onesource.simulate.energy import DEFAULT_START, simulate_energy
from onesource.simulate.orgs.city import simulate_orgs

PARTS = ("all", "base", "energy")


def simulate_command(
    settings: Settings,
    out: Path,
    only: str,
    people: int,
    nights: int,
    seed: int,
    faults: str,
    start: date | None,
) -> int:
    """Raises UsageError for a part of the city that cannot be simulated."""
    if only not in PARTS:
        raise UsageError(
            f"the sector {only} cannot be simulated", todo=f"one of {', '.join(PARTS)}"
        )
    catalogue = load_catalogue(settings.schemas)
    first = start or DEFAULT_START
    if only != "base":
        made = simulate_energy(catalogue, out, nights=nights, seed=seed, faults=faults, start=first)
        print(
            f"{made.files} files of {len(made.nights)} nights in {out}, all synthetic; "
            f"{made.faults} planted faults, the truth is in {out / '_truth'}"
        )
    if only != "energy":
        city = simulate_city(
            catalogue, settings.schemas, out, people=people, nights=nights, seed=seed,
            faults=faults, start=first, clear=only == "base",
        )  # fmt: skip
        print(
            f"{city.people} people, {city.files} files with {city.rows} rows in {out}, all "
            f"synthetic; {city.faults} planted faults, the truth is in {out / '_truth'}"
        )
        orgs = simulate_orgs(
            catalogue, out, people=people, nights=nights, seed=seed, faults=faults, start=first
        )
        print(
            f"{orgs.organisations} organisations, {orgs.files} files in {out}, all synthetic; "
            f"{orgs.faults} planted faults"
        )
    return 0
