"""A city with a registry of made-up things whose name two feeds tell; for the tests of tickets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from tests.integration.small_city import CITY, USCC, SmallCity, feed, field, key, make_city

SECOND, STEWARD = "11141100MB9X00015W", "11141100MB9X001116"  # synthetic
PROJECT = Path(__file__).resolve().parents[2]
_WHERE = "concat_ws('/', {0}._delivery_id, {0}._sheet, {0}._line)"


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """The first feed's word is served, or what a department decided."""
    a = inputs["silver.energy_first"].alias("a")
    b = inputs["silver.energy_second"].alias("b")
    both = a.join(b, "thing_id")
    served = "a.name"
    if "registry.decision" in inputs:
        holds = "known_to IS NULL AND registry = 'registry.thing' AND attribute = 'name'"
        decided = inputs["registry.decision"].where(holds).alias("d")
        both = both.join(decided, both["thing_id"] == decided["entity"], "left")
        served = "coalesce(d.decided_value, a.name)"
    differ = both.where(f"a.name <> b.name OR {served} <> a.name")
    conflicts = differ.selectExpr(
        "'registry.thing' AS registry",
        "thing_id AS entity",
        "'name' AS attribute",
        "a.name AS value_a",
        "'energy.first' AS source_a",
        f"CASE WHEN a.name <> b.name THEN b.name ELSE {served} END AS value_b",
        "'energy.second' AS source_b",
        "'无名局' AS owner",
        "'名称不一致' AS detail_zh",
        "'names differ' AS detail_en",
        f"{_WHERE.format('a')} AS evidence_a",
        f"{_WHERE.format('b')} AS evidence_b",
    )
    return {
        "registry.thing": both.selectExpr("thing_id", f"{served} AS name"),
        "conflicts": conflicts,
    }


def make_ticket_city(folder: Path) -> SmallCity:
    """A city in which two feeds of two departments tell the names of things."""
    city = make_city(
        folder,
        feed("energy.first", [key("thing_id"), field("name")]),
        feed(
            "energy.second", [key("thing_id"), field("name")], properties={"provider_uscc": SECOND}
        ),
    )
    home = city.settings.home
    for part in (
        "schemas/registry/ticket.yaml",
        "schemas/registry/ticket_event.yaml",
        "schemas/registry/decision.yaml",
        "schemas/feeds/base/ticket_answer.yaml",
        "schemas/codelists/ticket_answer.csv",
        "schemas/curated/base/ticket_score.yaml",
        "expectations/silver/base/ticket_answer.yaml",
        "jobs/sql/base/ticket_score.sql",
    ):
        (home / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / part, home / part)
    made = CITY | {
        "departments": [
            {"uscc": USCC, "name": "甲局", "valid_from": "2003-01-01"},
            {"uscc": SECOND, "name": "乙局", "valid_from": "2003-01-01"},
            {"uscc": STEWARD, "name": "数据局", "valid_from": "2003-01-01"},
        ],
        "open": {"publisher_uscc": STEWARD},
    }
    (home / "schemas/city.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), "utf-8")
    registry = feed("energy.thing", [key("thing_id"), field("name", identifier="direct")])
    properties = {
        "builder": "tests.integration.ticket_registry:build",
        "inputs": ["silver.energy_first", "silver.energy_second"],
        "optional_inputs": ["registry.decision"],
    }
    registry |= {
        "id": "registry.thing",
        "domain": "registry",
        "customProperties": [{"property": k, "value": v} for k, v in properties.items()],
    }
    (home / "schemas/registry/thing.yaml").write_text(yaml.safe_dump(registry), "utf-8")
    rule = {
        "registry": "registry.thing",
        "attributes": ["name"],
        "providers": [{"feeds": ["energy.first"]}, {"feeds": ["energy.second"]}],
    }
    (home / "schemas/source_of_record.yaml").write_text(yaml.safe_dump({"rules": [rule]}), "utf-8")
    return city
