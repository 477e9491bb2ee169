"""`registry.division_successor`: what became of each division code between two snapshots.

Rows and rules: `onesource.clean.geography.successors`. It follows from the snapshots as they are
believed now; an earlier belief is found in the earlier version of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.geography.history import Holding, Statement
from onesource.clean.geography.successors import chain
from onesource.registry.snapshots import current, per_area, rows_of

TABLE = "registry.division_successor"
_SCHEMA = (
    "level string, event string, old_code string, old_name string, new_code string, "
    "new_name string, weight double, method string, evidence string, confidence double, "
    "code_reused boolean, snapshot_before date, snapshot_after date"
)
_FIELDS: list[pa.Field[Any]] = [
    pa.field("level", pa.string()),
    pa.field("event", pa.string()),
    pa.field("old_code", pa.string()),
    pa.field("old_name", pa.string()),
    pa.field("new_code", pa.string()),
    pa.field("new_name", pa.string()),
    pa.field("weight", pa.float64()),
    pa.field("method", pa.string()),
    pa.field("evidence", pa.string()),
    pa.field("confidence", pa.float64()),
    pa.field("code_reused", pa.bool_()),
    pa.field("snapshot_before", pa.date32()),
    pa.field("snapshot_after", pa.date32()),
]
_ARROW = pa.schema(_FIELDS)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads `silver.base_division` (one row per code and snapshot)."""
    found = per_area(rows_of(inputs["silver.base_division"]), _SCHEMA, _table)
    # One text key, for old and new code may be null: 2021-10-31:merge:141122201000:141122100000.
    edge = F.concat_ws(
        ":",
        F.col("snapshot_after").cast("string"),
        "event",
        F.coalesce("old_code", F.lit("-")),
        F.coalesce("new_code", F.lit("-")),
    )
    return {
        TABLE: found.select(
            edge.alias("edge_id"),
            F.lit("stat").alias("scheme"),
            "level",
            "event",
            "old_code",
            "old_name",
            "new_code",
            "new_name",
            F.col("weight").cast("decimal(9,6)").alias("weight"),
            "method",
            "evidence",
            F.col("confidence").cast("decimal(5,4)").alias("confidence"),
            "code_reused",
            "snapshot_before",
            "snapshot_after",
        )
    }


def _table(statements: list[Statement], held: Mapping[str, Holding]) -> pa.Table:
    rows = [event._asdict() for event in chain(current(statements, held))]
    return pa.Table.from_pylist(rows, schema=_ARROW)
