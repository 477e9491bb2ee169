"""A rotation ends when every table was made with the new key, and an old key goes only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource import person_keys
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.errors import OneSourceError
from onesource.lake.manifest import Served, serve
from onesource.person_keys import PersonKey
from onesource.run import ledger, rotation
from onesource.run.engine import is_mixed
from onesource.run.plan import build_graph
from tests.integration.persons_city import persons_city
from tests.integration.small_city import SmallCity

TABLES = (
    "silver.health_visit",
    "silver.poverty_card",
    "registry.person_token",
    "curated.health_visits",
    "curated.poverty_cards",
)


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return persons_city(tmp_path)


def made(city: SmallCity, table: str, key: PersonKey, verdict: str = "passed") -> None:
    version = None if verdict == "held" else key.version
    event = {"kind": "step", "table": table, "verdict": verdict, "version": version, "rows": 1}
    ledger.record(city.settings, f"r{key.version}", {**event, "person_key": key.id})


def mixed(city: SmallCity, key: PersonKey) -> bool:
    return is_mixed(city.settings, build_graph(city.settings, _catalogue(city)), key)


def _catalogue(city: SmallCity) -> Catalogue:
    return load_catalogue(city.settings.schemas)


def test_the_tables_that_hold_tokens_or_keys_are_known(city: SmallCity) -> None:
    assert sorted(rotation.keyed_tables(city.settings)) == sorted(TABLES)


def test_nothing_is_served_while_a_table_of_the_old_key_is_left(city: SmallCity) -> None:
    old = person_keys.ring(city.settings.keys).current
    new = person_keys.add_version(city.settings.keys)
    for table in TABLES[:4]:
        made(city, table, old)
    for table in TABLES[:3]:
        made(city, table, new)
    assert mixed(city, new)
    made(city, TABLES[3], new, "held")  # it was looked at, and keeps its version of before
    assert mixed(city, new)
    made(city, TABLES[3], new)
    assert not mixed(city, new)  # the fifth was never made: it has no old key


def test_a_key_with_which_a_served_table_was_made_is_not_destroyed(city: SmallCity) -> None:
    old = person_keys.ring(city.settings.keys).current
    made(city, TABLES[0], old)
    serve(city.settings, "r1", {TABLES[0]: Served(1)})
    new = person_keys.add_version(city.settings.keys)
    states = [(s.key.name, s.state, s.tables) for s in rotation.status(city.settings)]
    assert states == [("v1", "in use", (TABLES[0],)), ("v2", "waits", ())]
    person_keys.activate(city.settings.keys, new.version)
    with pytest.raises(OneSourceError, match="health_visit was made with v1"):
        rotation.retire(city.settings, 1)
    made(city, TABLES[0], new)
    rotation.retire(city.settings, 1)
    assert [k.name for k in person_keys.ring(city.settings.keys).keys] == ["v2"]


def test_another_key_under_the_same_name_is_another_key(city: SmallCity) -> None:
    old = person_keys.ring(city.settings.keys).current
    made(city, TABLES[0], old)
    for path in city.settings.keys.iterdir():
        path.unlink()
    with pytest.raises(OneSourceError, match="the person key is gone"):
        rotation.status(city.settings)
    person_keys.begin(city.settings.keys, 1)
    assert mixed(city, person_keys.ring(city.settings.keys).current)
