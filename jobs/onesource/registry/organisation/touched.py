"""Which organisations a night touched, and the registers' rows of those.

`registry.organisation_source` keeps of every source's thing a digest of what was said of it. Where
that, the organisation that it means, or what decides on its code is another than in the last
version, the organisation is touched: all else that is built of it is built from these rows and
from this table alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.organisation.records import FEEDS, records
from onesource.registry.patch import Before, Patch
from onesource.spark.written import put

SOURCE = "registry.organisation_source"
# One row of that table.
ROW = "concat(feed, '|', source_key)"
# Where a night touches more than this, as the first day of a month with its tax and meters does,
# all are built: it is not dearer then.
MANY = 60_000


def touched(ctx: Any) -> DataFrame | None:
    """`org_id` of those that may be others than in the last version; None: all may be."""
    before: Before | None = ctx.before
    told = before.told(SOURCE) if before is not None else None
    if told is None:
        return None
    found = told.distinct()
    return None if found.count() > MANY else found


def of_some(rows: DataFrame, organisations: DataFrame | None) -> DataFrame:
    """The rows of these organisations; None: of all."""
    if organisations is None:
        return rows
    return rows.join(F.broadcast(organisations), "org_id", "left_semi")


def owned(inputs: Mapping[str, DataFrame], source: DataFrame, few: bool = False) -> DataFrame:
    """The registers' rows (`records`) with `org_id, subject_uscc, is_primary, withheld, _fill`.

    `subject_uscc`: the subject's own code, also where it is withheld. source: the rows of
    `registry.organisation_source` of the organisations wanted. few: they are some, not most.
    """
    who = source.where(F.col("feed").isin(*FEEDS)).select(
        "feed",
        "source_key",
        "org_id",
        F.coalesce("subject_uscc", "_withheld_uscc").alias("subject_uscc"),
        "is_primary",
        F.col("_withheld_uscc").isNotNull().alias("withheld"),
        "_fill",
    )
    return records(inputs).join(F.broadcast(who) if few else who, ["feed", "source_key"])


def difference(spark: SparkSession, made: DataFrame, ctx: Any) -> Patch:
    """What a version of `registry.organisation_source` has otherwise than the one before.

    made: the whole table as it is now, put down. Tells the organisations of its rows.
    """
    rows = {"now": made, "then": ctx.before.rows}
    signed = [
        frame.select(
            F.expr(ROW).alias("_row"),
            F.xxhash64(*made.columns).alias("_hash"),
            F.lit(1 if name == "now" else -1).alias("_sign"),
        )
        for name, frame in rows.items()
    ]
    differing = (
        signed[0].unionByName(signed[1]).groupBy("_row", "_hash").agg(F.sum("_sign").alias("_n"))
    )
    changed = put(
        spark, differing.where("_n <> 0").select("_row").distinct(), ctx.scratch / "changed"
    )
    now, then = (
        frame.withColumn("_row", F.expr(ROW)).join(F.broadcast(changed), "_row", "left_semi")
        for frame in rows.values()
    )
    told = now.select("org_id").unionByName(then.select("org_id")).dropna()
    return Patch(ROW, changed, now.drop("_row"), told)
