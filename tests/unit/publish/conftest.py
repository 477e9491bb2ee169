"""The small open city, for every test of publishing."""

from __future__ import annotations

import pytest

from tests.unit.conftest import SmallLake
from tests.unit.publish.open_city import OpenCity


@pytest.fixture
def city(small_lake: SmallLake) -> OpenCity:
    return OpenCity(small_lake)
