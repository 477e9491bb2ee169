"""The JSON Schema for editors accepts our contracts and refuses slips in custom properties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from onesource.contracts.every_error import contract_files
from onesource.contracts.jsonschema import contract_schema
from onesource.contracts.load import dates_as_text
from tests.unit.contracts.test_breaking import Raw, delivery, field
from tests.unit.small_project import FEED

HOME = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def validator() -> Any:
    from onesource.clean.standardisers import names

    schema = contract_schema(names())
    jsonschema.Draft201909Validator.check_schema(schema)
    return jsonschema.Draft201909Validator(schema)


def test_every_contract_of_the_project_is_accepted(validator: Any) -> None:
    files = [path for path, _ in contract_files(HOME / "schemas")]
    assert files
    for path in files:
        raw = dates_as_text(yaml.safe_load(path.read_text(encoding="utf-8")))
        assert [e.message for e in validator.iter_errors(raw)] == [], path


SLIPS: dict[str, Callable[[Raw], object]] = {
    "an unknown property": lambda r: r["customProperties"].append(
        {"property": "colour", "value": "red"}
    ),
    "an unknown word": lambda r: delivery(r).update(correction="sometimes"),
    "an unknown part of a delivery": lambda r: delivery(r).update(patern="x"),
    "a field property on a contract": lambda r: r["customProperties"].append(
        {"property": "unit", "value": "t"}
    ),
    "an unknown field property": lambda r: field(r, "gas")["customProperties"].append(
        {"property": "steward", "value": "x"}
    ),
    "an unknown standardiser": lambda r: field(r, "gas")["customProperties"].append(
        {"property": "standardiser", "value": "no_such"}
    ),
    "a field without a Chinese name": lambda r: field(r, "gas").pop("businessName"),
    "a property without a value": lambda r: r["customProperties"].append({"property": "steward"}),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_seen_while_typing(validator: Any, name: str) -> None:
    raw = yaml.safe_load(FEED)
    assert list(validator.iter_errors(raw)) == []
    SLIPS[name](raw)
    assert list(validator.iter_errors(raw))


@pytest.mark.parametrize("value", ["boolean", {"name": "boolean"}, {"name": "boolean", "args": {}}])
def test_a_standardiser_may_be_a_name_or_have_arguments(validator: Any, value: Any) -> None:
    raw = yaml.safe_load(FEED)
    properties = field(raw, "gas")["customProperties"]
    properties.append({"property": "standardiser", "value": value})
    assert list(validator.iter_errors(raw)) == []
