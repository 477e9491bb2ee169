"""Does an organisation work? What tax and electricity say, month by month.

In a month it is active if it declared sales or used electricity in it or in the two months before;
inactive if a source knows it and none saw either; unknown (null) if no source knows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.clean.silver import visible

# Months that one sign of life lasts: declarations by the quarter are usual (judgement, 2026-11).
WINDOW = 3
_SIGNS = (
    ("base_org_tax", "tax_no", "declared_yuan", "tax"),
    ("base_power_account", "account_no", "used_kwh", "power"),
)


def signs(inputs: Mapping[str, DataFrame], links: DataFrame) -> DataFrame | None:
    """`org_id, month (first day), sign, amount, known`: what each source saw of a month."""
    parts: DataFrame | None = None
    for feed, key, amount, word in _SIGNS:
        if f"silver.{feed}" not in inputs:
            continue
        rows = visible(inputs[f"silver.{feed}"]).select(
            F.col(key).alias("source_key"),
            F.expr("to_date(concat(substring(CAST(month AS STRING), 1, 7), '-01'))").alias("month"),
            F.coalesce(F.col(amount).cast("double"), F.lit(0.0)).alias("amount"),
            "_received_at",
        )
        to = links.where((F.col("feed") == feed.replace("_", ".", 1)) & F.col("org_id").isNotNull())
        part = (
            rows.join(to.select("source_key", "org_id", "known_from"), "source_key")
            .groupBy("org_id", "month")
            .agg(
                F.sum("amount").alias("amount"),
                F.max(F.greatest("_received_at", "known_from")).alias("known"),
            )
            .withColumn("sign", F.lit(word))
        )
        parts = part if parts is None else parts.unionByName(part)
    return parts


def activity(found: DataFrame) -> DataFrame:
    """`org_id, k, start, is_active, active_reason`: what the signs known at a moment `k` say."""
    moments = found.select("org_id", F.col("known").alias("k")).distinct()
    heard = moments.join(found, "org_id").where("known <= k")
    starts = heard.select("org_id", "k", F.col("month").alias("start")).distinct()
    near = (
        starts.join(heard, ["org_id", "k"])
        .where(f"month <= start AND month > add_months(start, -{WINDOW})")
        .groupBy("org_id", "k", "start")
        .agg(
            (F.max("amount") > 0).alias("is_active"),
            F.concat_ws(
                ",", F.sort_array(F.collect_set(F.expr("CASE WHEN amount > 0 THEN sign END")))
            ).alias("_signs"),
        )
    )
    near = near.withColumn("active_reason", F.expr("coalesce(nullif(_signs, ''), 'none')"))
    return near.drop("_signs")


def industry(inputs: Mapping[str, DataFrame], links: DataFrame) -> DataFrame | None:
    """`org_id, k, start, industry_stat` from the statistical register, by year."""
    if "silver.base_stat_unit" not in inputs:
        return None
    to = links.where("feed = 'base.stat_unit' AND org_id IS NOT NULL")
    said = (
        visible(inputs["silver.base_stat_unit"])
        .join(to.select(F.col("source_key").alias("unit_no"), "org_id", "known_from"), "unit_no")
        .where("industry_stat IS NOT NULL")
        .select(
            "org_id",
            F.expr("make_date(CAST(year AS INT), 1, 1)").alias("start"),
            F.greatest("_received_at", "known_from").alias("known"),
            "industry_stat",
            "_order",
        )
    )
    moments = said.select("org_id", F.col("known").alias("k")).distinct()
    heard = moments.join(said, "org_id").where("known <= k")
    latest = heard.groupBy("org_id", "k", "start").agg(
        F.max_by("industry_stat", F.struct("_order", "industry_stat")).alias("industry_stat")
    )
    return latest
