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


# Every moment at which more was known of an organisation, and what was known by then.
_MOMENTS = "collect_set(known) OVER (PARTITION BY org_id)"
_HEARD = "filter(_moments, k -> k >= known)"


def activity(found: DataFrame) -> DataFrame:
    """`org_id, k, start, is_active, active_reason`: what the signs known at a moment `k` say."""
    heard = found.withColumn("_moments", F.expr(_MOMENTS)).select(
        "org_id", "month", "sign", "amount", F.explode(F.expr(_HEARD)).alias("k")
    )
    # A sign of life lasts; but nothing starts where no source says anything.
    lasting = [F.expr(f"CAST(add_months(month, {i}) AS DATE)") for i in range(WINDOW)]
    near = (
        heard.withColumn("start", F.explode(F.array(*lasting)))
        .groupBy("org_id", "k", "start")
        .agg(
            F.bool_or(F.expr("month = start")).alias("_starts"),
            (F.max("amount") > 0).alias("is_active"),
            F.concat_ws(
                ",", F.sort_array(F.collect_set(F.expr("CASE WHEN amount > 0 THEN sign END")))
            ).alias("_signs"),
        )
        .where("_starts")
    )
    reason = F.expr("coalesce(nullif(_signs, ''), 'none')")
    return near.withColumn("active_reason", reason).drop("_starts", "_signs")


def last_signs(found: DataFrame) -> DataFrame:
    """`org_id, _last_tax, _last_power`: the latest months with sales, and with electricity."""
    each = {
        f"_last_{sign}": F.expr(f"max(month) FILTER (WHERE sign = '{sign}')")
        for _, _, _, sign in _SIGNS
    }
    return found.where("amount > 0").groupBy("org_id").agg(*(c.alias(n) for n, c in each.items()))


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
    heard = said.withColumn("_moments", F.expr(_MOMENTS)).withColumn("k", F.explode(F.expr(_HEARD)))
    return heard.groupBy("org_id", "k", "start").agg(
        F.max_by("industry_stat", F.struct("_order", "industry_stat")).alias("industry_stat")
    )
