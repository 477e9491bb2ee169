"""`registry.power_plant`: power plants with their county, and the records that are one plant.

Nothing is removed: a record found to be another's double keeps its row with `duplicate_of`, so
that sums over `duplicate_of IS NULL` count each plant once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.places import (
    CONFLICT_COLUMNS,
    Fields,
    boundaries_of,
    conflicts,
    public,
    registry_index,
    with_county,
)
from onesource.registry.plant_match import duplicates

TABLE = "registry.power_plant"
OWNER = "市发展和改革委员会"
_COLUMNS = (
    "plant_id",
    "plant_name",
    "fuel",
    "capacity_mw",
    "commissioned_year",
    "owner",
    "location",
    "longitude",
    "latitude",
    "source",
)
_MATCH_SQL = "plant_id string, duplicate_of string, duplicate_score double, duplicate_reason string"
_MATCH_FIELDS: list[pa.Field[Any]] = [
    pa.field("plant_id", pa.string()),
    pa.field("duplicate_of", pa.string()),
    pa.field("duplicate_score", pa.float64()),
    pa.field("duplicate_reason", pa.string()),
]
_MATCH = pa.schema(_MATCH_FIELDS)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads `silver.energy_power_plant`, the two division tables and, if served, the boundaries.

    Also returns `conflicts`: disputed counties, and each pair of records that is one plant.
    """
    plants = visible(inputs["silver.energy_power_plant"]).select(
        *_COLUMNS, F.coalesce("county_code_claimed", "county_name_claimed").alias("_claim")
    )
    fields = Fields("longitude", "latitude", claim="_claim")
    found = with_county(plants, fields, registry_index(inputs, ctx), boundaries_of(inputs))
    matches = plants.groupBy("fuel").applyInArrow(_matches, _MATCH_SQL)
    matches = matches.withColumn("duplicate_score", F.col("duplicate_score").cast("decimal(5,4)"))
    table = public(found, _COLUMNS).join(matches, "plant_id", "left")
    return {
        TABLE: table,
        "conflicts": conflicts(found, TABLE, "plant_id", OWNER).unionByName(_doubles(table)),
    }


def _matches(table: pa.Table) -> pa.Table:
    rows = [dict(zip(_MATCH.names, match, strict=True)) for match in duplicates(table.to_pylist())]
    return pa.Table.from_pylist(rows, schema=_MATCH)


def _doubles(table: DataFrame) -> DataFrame:
    """One question per double: is it the same plant?"""
    other = table.select(
        F.col("plant_id").alias("duplicate_of"), F.col("plant_name").alias("_other")
    )
    rows = table.join(other, "duplicate_of")
    texts = {
        "detail_zh": ("电站 ", " 与 ", " 疑为同一电站，请核实（"),
        "detail_en": ("plant ", " and ", " seem to be one plant: are they? ("),
    }
    return rows.select(
        F.lit(TABLE).alias("registry"),
        F.col("plant_id").alias("entity"),
        F.lit("duplicate_of").alias("attribute"),
        F.col("plant_name").alias("value_a"),
        F.col("source").alias("source_a"),
        F.col("_other").alias("value_b"),
        F.lit(TABLE).alias("source_b"),
        F.lit(OWNER).alias("owner"),
        *(
            F.concat(
                F.lit(t[0]),
                "plant_id",
                F.lit(t[1]),
                "duplicate_of",
                F.lit(t[2]),
                "duplicate_reason",
                F.lit("）" if column == "detail_zh" else ")"),
            ).alias(column)
            for column, t in texts.items()
        ),
    ).select(*CONFLICT_COLUMNS)
