"""`onesource simulate`: writes a synthetic city's deliveries, and the truth beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.simulate.energy import DEFAULT_START, simulate_energy

SECTORS = ("energy",)


def simulate_command(
    settings: Settings,
    out: Path,
    only: str,
    nights: int,
    seed: int,
    faults: str,
    start: date | None,
) -> int:
    """Raises UsageError for a sector that cannot be simulated."""
    if only not in SECTORS:
        raise UsageError(
            f"the sector {only} cannot be simulated", todo=f"one of {', '.join(SECTORS)}"
        )
    catalogue = load_catalogue(settings.schemas)
    made = simulate_energy(
        catalogue, out, nights=nights, seed=seed, faults=faults, start=start or DEFAULT_START
    )
    print(
        f"{made.files} files of {len(made.nights)} nights in {out}, all synthetic; "
        f"{made.faults} planted faults, the truth is in {out / '_truth'}"
    )
    return 0
