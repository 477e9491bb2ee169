"""The project's own contracts, and one small simulation that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.simulate.energy import Simulated, simulate_energy

HOME = Path(__file__).resolve().parents[3]
NIGHTS = 4


@pytest.fixture(scope="session")
def own_catalogue() -> Catalogue:
    return load_catalogue(HOME / "schemas", odcs=False)


@pytest.fixture(scope="session")
def heavy(own_catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    out = tmp_path_factory.mktemp("simulated") / "city"
    return simulate_energy(own_catalogue, out, nights=NIGHTS, seed=11, faults="heavy")
