"""`registry.mine_link`: the list of mines against the rights to mine, and who works without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.land.mine_match import links
from onesource.registry.places import CONFLICT_COLUMNS

TABLE = "registry.mine_link"
OWNER_FEED = "base.mining_right"
_SQL = (
    "mine string, right_no string, score double, rule string, distance_m double, "
    "name_likeness double"
)
_FIELDS: list[pa.Field[Any]] = [
    pa.field("mine", pa.string()),
    pa.field("right_no", pa.string()),
    pa.field("score", pa.float64()),
    pa.field("rule", pa.string()),
    pa.field("distance_m", pa.float64()),
    pa.field("name_likeness", pa.float64()),
]
_ARROW = pa.schema(_FIELDS)
_WORKING = "Operating"


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads the mines, the rights and, if served, the daily output.

    Also returns `conflicts`: mines that work, and have no right or one that ran out.
    """
    mines = inputs["registry.mine"].withColumn("mine", F.concat_ws("|", "mine_id", "status"))
    now = inputs["registry.mining_right"].where("valid_to IS NULL AND known_to IS NULL")
    found = _matched(mines, now).join(
        now.select("right_no", "org_id", "right_from", "right_to", "holder_uscc"),
        "right_no",
        "left",
    )
    table = mines.select("mine", "mine_id", "status", "name_cn").join(found, "mine", "left")
    table = _judged(table, inputs, ctx.day)
    shown = table.select(
        "mine_id", "status", "right_no", "org_id",
        F.col("score").cast("decimal(5,4)").alias("score"), "rule",
        F.col("distance_m").cast("decimal(10,1)").alias("distance_m"),
        F.col("name_likeness").cast("decimal(5,4)").alias("name_likeness"), "has_valid_right",
    )  # fmt: skip
    return {TABLE: shown, "conflicts": _questions(table, ctx)}


def _matched(mines: DataFrame, rights: DataFrame) -> DataFrame:
    """The links of all mines: some hundred rows on each side, compared in one place."""
    wanted = ("longitude", "latitude", "county_code")
    left = mines.select(
        F.lit("m").alias("side"), "mine", "name_cn", F.lit(None).cast("string").alias("other"),
        "location_accuracy", *(F.col(c).cast("string").alias(c) for c in wanted),
    )  # fmt: skip
    right = rights.select(
        F.lit("r"), "right_no", "mine_name", "holder_name", F.lit(None).cast("string"),
        *(F.col(c).cast("string") for c in wanted),
    )  # fmt: skip
    every = left.union(right).withColumn("all", F.lit("all"))
    return every.groupBy("all").applyInArrow(_links, _SQL)


def _links(table: pa.Table) -> pa.Table:
    rows = table.to_pylist()
    mines = [r for r in rows if r["side"] == "m"]
    rights = [
        {**r, "right_no": r["mine"], "mine_name": r["name_cn"], "holder_name": r["other"]}
        for r in rows
        if r["side"] == "r"
    ]
    return pa.Table.from_pylist(list(_named(mines, rights)), schema=_ARROW)


def _named(mines: list[dict[str, Any]], rights: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for link in links(mines, rights):
        yield dict(zip(_ARROW.names, link, strict=True))


def _judged(table: DataFrame, inputs: Mapping[str, DataFrame], day: date) -> DataFrame:
    """`worked_on`: the last day with output of a mine whose right's holder reports, else null;
    `has_valid_right` on that day, else on the day of the run."""
    if "silver.energy_coal_daily" in inputs:
        daily = (
            visible(inputs["silver.energy_coal_daily"])
            .where("output_day_t > 0")
            .groupBy(F.col("mine_uscc").alias("holder_uscc"))
            .agg(F.max("report_date").alias("worked_on"))
        )
        table = table.join(daily, "holder_uscc", "left")
    else:
        table = table.withColumn("worked_on", F.lit(None).cast("date"))
    judged = F.coalesce("worked_on", F.lit(day))
    valid = (
        F.col("right_no").isNotNull()
        & (F.coalesce("right_from", judged) <= judged)
        & (judged <= F.coalesce("right_to", judged))
    )
    return table.withColumn("has_valid_right", F.coalesce(valid, F.lit(False)))


def _questions(table: DataFrame, ctx: Any) -> DataFrame:
    contract = ctx.catalogue.feeds[OWNER_FEED]
    uscc = contract.properties.provider_uscc or ""
    owner = ctx.catalogue.city.department(uscc, ctx.day.isoformat()) or uscc
    odd = table.where((F.col("status") == _WORKING) & ~F.col("has_valid_right"))
    expired = F.col("right_no").isNotNull()
    return odd.select(
        F.lit(TABLE).alias("registry"),
        F.col("mine_id").alias("entity"),
        F.lit("right_no").alias("attribute"),
        F.col("status").alias("value_a"),
        F.lit("registry.mine").alias("source_a"),
        F.when(expired, F.concat("right_no", F.lit(" "), F.col("right_to").cast("string")))
        .otherwise("")
        .alias("value_b"),
        F.lit(OWNER_FEED).alias("source_b"),
        F.lit(owner).alias("owner"),
        F.when(
            expired, F.concat(F.lit("煤矿 "), "mine_id", F.lit("：在生产，采矿许可证已过有效期"))
        )
        .otherwise(F.concat(F.lit("煤矿 "), "mine_id", F.lit("：在生产，未找到采矿许可证")))
        .alias("detail_zh"),
        F.when(expired, F.concat(F.lit("mine "), "mine_id", F.lit(" works, and its right ran out")))
        .otherwise(F.concat(F.lit("mine "), "mine_id", F.lit(" works, and no right was found")))
        .alias("detail_en"),
    ).select(*CONFLICT_COLUMNS)
