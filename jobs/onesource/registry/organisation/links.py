"""`registry.organisation_source`: what every source calls an organisation, and why it is that one.

The order of rules: the unified code, the tax number, the organisation code, then the name within
one county. A number or a name that two organisations have decides nothing; a name alone, across
counties, never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.organisation.records import code9, name_key, records, subjects

TABLE = "registry.organisation_source"
# Feed → the field by which the source knows its thing.
EVIDENCE: Mapping[str, str] = {
    "base_org_tax": "tax_no",
    "base_power_account": "account_no",
    "base_water_account": "account_no",
    "base_stat_unit": "unit_no",
}
RULES = ("uscc", "tax_no", "organisation_code", "name_county", "former_name_county")
_COLUMNS = (
    "feed", "source_key", "org_id", "rule", "score", "is_primary", "known_from", "subject_uscc",
)  # fmt: skip


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads the registers, and what is served of tax, meters and statistics."""
    rows = records(inputs)
    who = subjects(rows)
    own = who.select(
        "feed",
        "source_key",
        "org_id",
        F.when(F.col("is_primary"), "register").otherwise("same_register").alias("rule"),
        F.lit(1.0).alias("score"),
        "is_primary",
        "known_from",
        F.when(~F.col("withheld"), F.col("subject_uscc")).alias("subject_uscc"),
    )
    known = rows.join(
        who.select("feed", "source_key", "org_id", "withheld"), ["feed", "source_key"]
    )
    said = _evidence(inputs)
    if said is None:
        return {TABLE: own.select(*_COLUMNS)}
    return {TABLE: own.select(*_COLUMNS).unionByName(_linked(said, known).select(*_COLUMNS))}


def _evidence(inputs: Mapping[str, DataFrame]) -> DataFrame | None:
    """One row a source's thing: its latest words and when it was first heard of."""
    parts = []
    for feed, key in EVIDENCE.items():
        if f"silver.{feed}" not in inputs:
            continue
        rows = visible(inputs[f"silver.{feed}"])
        period = "month" if "month" in rows.columns else "year"

        def latest(name: str, rows: DataFrame = rows, period: str = period) -> Any:
            column = name if name in rows.columns else "CAST(NULL AS STRING)"
            return F.expr(
                f"max_by({column}, struct(CAST({period} AS STRING), _order)) "
                f"FILTER (WHERE {column} IS NOT NULL)"
            ).alias(name)

        parts.append(
            rows.groupBy(F.col(key).alias("source_key"))
            .agg(
                *(latest(n) for n in ("uscc", "name", "county_code", "organisation_code")),
                F.min("_received_at").alias("known_from"),
            )
            .select(
                F.lit(feed.replace("_", ".", 1)).alias("feed"),
                "*",
                (F.col("source_key") if key == "tax_no" else F.lit(None).cast("string")).alias(
                    "tax_no"
                ),
            )
        )
    return reduce(DataFrame.unionByName, parts) if parts else None


def numbers(known: DataFrame) -> DataFrame:
    """`kind, value, org_id, number_known`: numbers and names that only one organisation has."""
    numbered = known.where("NOT withheld")
    inner = "CASE WHEN uscc IS NOT NULL THEN substring(uscc, 9, 9) END"
    county = "substring(county_code, 1, 6)"
    kinds = [
        numbered.select(F.lit("uscc").alias("kind"), F.col("uscc").alias("value"), "org_id", _K),
        numbered.select(F.lit("tax_no"), "tax_no", "org_id", _K),
        numbered.select(F.lit("tax_no"), "uscc", "org_id", _K),
        numbered.select(F.lit("organisation_code"), "organisation_code", "org_id", _K),
        numbered.select(F.lit("organisation_code"), F.expr(inner), "org_id", _K),
        known.select(
            F.lit("name_county"),
            F.concat_ws("|", F.expr(county), name_key("name")),
            "org_id",
            _K,
        ),
        known.withColumn("_f", F.explode(F.split("former_names", "[；;]"))).select(
            F.lit("former_name_county"),
            F.concat_ws("|", F.expr(county), name_key("_f")),
            "org_id",
            _K,
        ),
    ]
    every = reduce(DataFrame.union, kinds).where("value IS NOT NULL AND value LIKE '_%'")
    return (
        every.groupBy("kind", "value")
        .agg(
            F.min("org_id").alias("org_id"),
            F.max("org_id").alias("_other"),
            F.min("known_from").alias("number_known"),
        )
        .where("org_id = _other")
        .drop("_other")
    )


_K = "known_from"


def _linked(said: DataFrame, known: DataFrame) -> DataFrame:
    """The source's things with the organisation that the first rule finds; null where none does."""
    county = "substring(county_code, 1, 6)"
    name = F.concat_ws("|", F.expr(county), name_key("name"))
    keyed = said.withColumn("_code9", code9("organisation_code")).withColumns(
        {
            "_uscc": F.coalesce("uscc", F.expr("CASE WHEN length(tax_no) = 18 THEN tax_no END")),
            # A 15-digit tax number holds county and organisation code.
            "_code": F.coalesce(
                "_code9", F.expr("CASE WHEN length(tax_no) = 15 THEN substring(tax_no, 7, 9) END")
            ),
            "_name": F.when(F.col("name").isNotNull() & F.col("county_code").isNotNull(), name),
        }
    )
    values = ("_uscc", "tax_no", "_code", "_name", "_name")
    tries = F.array(
        *(
            F.struct(F.lit(i).alias("place"), F.lit(k).alias("kind"), F.col(v).alias("value"))
            for i, (k, v) in enumerate(zip(RULES, values, strict=True))
        )
    )
    asked = keyed.select("feed", "source_key", "known_from", "uscc", F.explode(tries).alias("t"))
    found = asked.select("feed", "source_key", "t.*").join(numbers(known), ["kind", "value"])
    best = found.groupBy("feed", "source_key").agg(
        F.min_by(F.struct("org_id", "kind", "number_known"), "place").alias("b")
    )
    scores = F.create_map(*[F.lit(x) for x in _flat(_SCORES)])
    return said.join(best, ["feed", "source_key"], "left").select(
        "feed",
        "source_key",
        F.col("b.org_id").alias("org_id"),
        F.col("b.kind").alias("rule"),
        scores[F.col("b.kind")].alias("score"),
        F.lit(False).alias("is_primary"),
        F.greatest("known_from", "b.number_known").alias("known_from"),
        F.col("uscc").alias("subject_uscc"),
    )


# How far a rule can be trusted: judgement, to be measured against the synthetic truth.
_SCORES = {
    "uscc": 1.0,
    "tax_no": 0.99,
    "organisation_code": 0.98,
    "name_county": 0.95,
    "former_name_county": 0.9,
}


def _flat(pairs: Mapping[str, float]) -> list[str | float]:
    return [x for pair in pairs.items() for x in pair]
