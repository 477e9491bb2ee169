"""A registry of made-up things whose name two feeds tell; for the tests of tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

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
