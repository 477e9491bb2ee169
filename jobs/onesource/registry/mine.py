"""`registry.mine`: the city's coal mines with the county in which each stands, and why.

One row per mine and status: a working mine and its planned expansion share a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.places import (
    Fields,
    boundaries_of,
    conflicts,
    public,
    registry_index,
    with_county,
)

TABLE = "registry.mine"
# Who keeps the list of mines and is asked when its places contradict each other.
OWNER = "市能源局"
_COLUMNS = (
    "mine_id",
    "status",
    "name_cn",
    "name_en",
    "name_aka",
    "capacity_mtpa",
    "mine_type",
    "gas_level",
    "longitude",
    "latitude",
    "location_accuracy",
    "address_cn",
)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads `silver.energy_coal_mine`, the two division tables and, if served, the boundaries.

    Also returns `conflicts`: for each mine the hints that contradict the county chosen.
    """
    mines = visible(inputs["silver.energy_coal_mine"])
    claim = "county_claimed" if "county_claimed" in mines.columns else None
    fields = Fields(
        "longitude", "latitude", "address_cn", claim, "name_cn", accuracy="location_accuracy"
    )
    mines = mines.select(*_COLUMNS, *([claim] if claim else []))
    found = with_county(mines, fields, registry_index(inputs, ctx), boundaries_of(inputs))
    return {
        TABLE: public(found, _COLUMNS),
        "conflicts": conflicts(found, TABLE, "mine_id", OWNER).withColumn(
            "detail_zh", F.concat(F.lit("煤矿 "), "entity", F.lit("："), "detail_zh")
        ),
    }
