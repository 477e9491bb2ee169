"""Small contracts for the tests of readers: real YAML, through the real loader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from onesource.contracts.load import load_contract
from onesource.contracts.model import Contract, Kind

MakeFeed = Callable[..., Contract]


@pytest.fixture
def make_feed(tmp_path: Path) -> MakeFeed:
    """`make_feed({"code": "编号*", "name": "名称"}, format="csv", …)`.

    A star marks the key, `!` a required field; a dict gives the field's custom properties, with
    `header` for its businessName. Other arguments are settings of the delivery.
    """

    made: dict[str, Contract] = {}

    def make(fields: dict[str, str | dict[str, Any]], **delivery: Any) -> Contract:
        said = repr((fields, delivery))
        if said not in made:
            made[said] = load(fields, delivery)
        return made[said]

    def load(fields: dict[str, str | dict[str, Any]], delivery: dict[str, Any]) -> Contract:
        delivery = {"pattern": r".*", "format": "csv", **delivery}
        raw = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "base.sample",
            "name": "样例",
            "version": "1.0.0",
            "status": "draft",
            "domain": "base",
            "schema": [{"name": "sample", "properties": [_field(n, f) for n, f in fields.items()]}],
            "customProperties": [
                {"property": "delivery", "value": delivery},
                {"property": "catalogue_code", "value": "0001"},
                {"property": "provider_uscc", "value": "11141100012345678X"},
                {"property": "steward", "value": "data"},
                {"property": "permanent_uri", "value": "https://example.org/sample"},
                {"property": "update_cycle", "value": "每月"},
            ],
        }
        path = tmp_path / "feeds" / "base" / "sample.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return load_contract(path, Kind.FEED)

    return make


def _field(name: str, said: str | dict[str, Any]) -> dict[str, Any]:
    custom = {"header": said} if isinstance(said, str) else dict(said)
    header = custom.pop("header")
    out: dict[str, Any] = {
        "name": name,
        "businessName": header.rstrip("*!"),
        "logicalType": custom.pop("type", "string"),
    }
    if header.endswith("*"):
        out |= {"primaryKey": True, "primaryKeyPosition": 1, "required": True}
    if header.endswith("!"):
        out["required"] = True
    if custom:
        out["customProperties"] = [{"property": k, "value": v} for k, v in custom.items()]
    return out
