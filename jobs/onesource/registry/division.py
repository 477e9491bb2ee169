"""`registry.division`: every division code, bitemporal, from full snapshots.

One row per code, state and period in which the lake believed it. The snapshots are statistical
codes (`scheme` = stat). What the days mean is defined in `onesource.clean.geography.history`:
two snapshots only bound the date of a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.geography.history import Holding, Statement, beliefs
from onesource.registry.snapshots import micros, per_area, rows_of

TABLE = "registry.division"
_SCHEMA = (
    "code string, name string, level string, parent_code string, valid_from date, valid_to date, "
    "valid_from_earliest date, valid_to_earliest date, known_from bigint, known_to bigint"
)
_FIELDS: list[pa.Field[Any]] = [
    pa.field("code", pa.string()),
    pa.field("name", pa.string()),
    pa.field("level", pa.string()),
    pa.field("parent_code", pa.string()),
    pa.field("valid_from", pa.date32()),
    pa.field("valid_to", pa.date32()),
    pa.field("valid_from_earliest", pa.date32()),
    pa.field("valid_to_earliest", pa.date32()),
    pa.field("known_from", pa.int64()),
    pa.field("known_to", pa.int64()),
]
_ARROW = pa.schema(_FIELDS)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads `silver.base_division` (one row per code and snapshot)."""
    found = per_area(rows_of(inputs["silver.base_division"]), _SCHEMA, _table)
    return {
        TABLE: found.select(
            F.lit("stat").alias("scheme"),
            "code",
            "name",
            "level",
            "parent_code",
            "valid_from",
            "valid_to",
            "valid_from_earliest",
            F.timestamp_micros("known_from").alias("known_from"),
            F.timestamp_micros("known_to").alias("known_to"),
            "valid_to_earliest",
        )
    }


def _table(statements: list[Statement], held: Mapping[str, Holding]) -> pa.Table:
    rows = [
        {
            **belief.validity._asdict(),
            "known_from": micros(belief.known_from),
            "known_to": None if belief.known_to is None else micros(belief.known_to),
        }
        for belief in beliefs(statements, held)
    ]
    return pa.Table.from_pylist(rows, schema=_ARROW)
