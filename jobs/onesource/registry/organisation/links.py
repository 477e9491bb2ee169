"""`registry.organisation_source`: what every source calls an organisation, and why it is that one.

The order of rules: the unified code, the tax number, the organisation code, then the name within
one county. A number or a name that two organisations have decides nothing; a name alone, across
counties, never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.organisation.records import DIGEST, code9, name_key, records, subjects
from onesource.registry.organisation.touched import SOURCE, difference
from onesource.registry.patch import Before, Patch
from onesource.spark.written import put

TABLE = SOURCE
# Feed → the field by which the source knows its thing.
EVIDENCE: Mapping[str, str] = {
    "base_org_tax": "tax_no",
    "base_power_account": "account_no",
    "base_water_account": "account_no",
    "base_stat_unit": "unit_no",
}
RULES = ("uscc", "tax_no", "organisation_code", "name_county", "former_name_county")
# What a source's thing is known by; kept on its row, so that its feed need not be read again.
_KNOWN_BY = {
    "feed": "string", "source_key": "string", "subject_uscc": "string", "_code": "string",
    "_name": "string", "_heard": "timestamp", "_said": "bigint",
}  # fmt: skip
# `_withheld_uscc`: a code that another has. `_first_org_id`: who. `_fill`: the code that tax gives.
_OF_REGISTERS = {"_withheld_uscc": "string", "_first_org_id": "string", "_fill": "string"}
_COLUMNS = (
    "feed", "source_key", "org_id", "rule", "score", "is_primary", "known_from", "subject_uscc",
    *_OF_REGISTERS, *(c for c in _KNOWN_BY if c.startswith("_")),
)  # fmt: skip
# Of the registers' rows what decides who is who.
_DECIDES = (
    "feed", "source_key", "uscc", "registration_no", "organisation_code", "tax_no", "name",
    "former_names", "county_code", "registered_on", "valid_from", "known_from",
)  # fmt: skip
_COUNTY = "substring(county_code, 1, 6)"


def build(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """Reads the registers, and what is served of tax, meters and statistics.

    The rows are all made; of a feed that is as it was for the last version nothing is read but
    that version. What differs from it is the patch.
    """
    before: Before | None = ctx.before
    spoken = records(inputs)
    spoken = spoken.withColumn("_hash", F.xxhash64(*spoken.columns)).select(*_DECIDES, "_hash")
    rows = put(spark, spoken, ctx.scratch / "records")
    who = put(spark, subjects(rows), ctx.scratch / "subjects")
    said = _evidence(spark, inputs, ctx)
    if said is None:
        made = _of_registers(who, None)
    else:
        known = rows.join(
            who.select("feed", "source_key", "org_id", "withheld"), ["feed", "source_key"]
        )
        linked = put(spark, _linked(said, numbers(known)), ctx.scratch / "linked")
        made = _of_registers(who, linked).unionByName(linked)
    if before is None:
        return {TABLE: made}
    return {TABLE: difference(spark, put(spark, made, ctx.scratch / "made"), ctx)}


def _of_registers(who: DataFrame, linked: DataFrame | None) -> DataFrame:
    """The rows of the registers' own subjects."""
    filled = who.select("org_id", F.lit(None).cast("string").alias("_fill")).limit(0)
    if linked is not None:
        filled = _missing_codes(who, linked)
    own = who.withColumns(
        {
            "rule": F.when(F.col("is_primary"), "register").otherwise("same_register"),
            "score": F.lit(1.0),
            "_withheld_uscc": F.when(F.col("withheld"), F.col("subject_uscc")),
            "_first_org_id": F.when(F.col("withheld"), F.col("first_org_id")),
            "subject_uscc": F.when(~F.col("withheld"), F.col("subject_uscc")),
            "_said": F.col("said"),
        }
    )
    return _filled_up(own.join(F.broadcast(filled), "org_id", "left"), _KNOWN_BY)


def _filled_up(rows: DataFrame, kinds: Mapping[str, str]) -> DataFrame:
    """The columns of the table: those that the rows have not are null."""
    return rows.withColumns(
        {n: F.lit(None).cast(t) for n, t in kinds.items() if n not in rows.columns}
    ).select(*_COLUMNS)


def _missing_codes(who: DataFrame, linked: DataFrame) -> DataFrame:
    """`org_id, _fill`: the one code that tax gives for an organisation whose register has none."""
    lacking = who.groupBy("org_id").agg(F.max("subject_uscc").alias("_own")).where("_own IS NULL")
    said = linked.where("feed = 'base.org_tax' AND org_id IS NOT NULL AND subject_uscc IS NOT NULL")
    taken = who.where("subject_uscc IS NOT NULL").select("subject_uscc")
    one = (
        said.join(lacking.select("org_id"), "org_id")
        .join(taken, "subject_uscc", "left_anti")
        .groupBy("org_id")
        .agg(F.min("subject_uscc").alias("_fill"), F.max("subject_uscc").alias("_other"))
        .where("_fill = _other")
    )
    alone = one.groupBy("_fill").agg(F.min("org_id").alias("org_id"), F.count("*").alias("_n"))
    return alone.where("_n = 1").select("org_id", "_fill")


def _evidence(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> DataFrame | None:
    """One row a source's thing (`_KNOWN_BY`): its latest words, when it was first heard of, and
    the digest of all its rows."""
    before: Before | None = ctx.before
    parts = []
    for feed, key in EVIDENCE.items():
        table, name = f"silver.{feed}", feed.replace("_", ".", 1)
        if table not in inputs:
            continue
        if before is not None and table not in before.changed:
            parts.append(before.rows.where(F.col("feed") == name).select(*_KNOWN_BY))
        else:
            said = _said(visible(inputs[table]), name, key)
            parts.append(put(spark, said, ctx.scratch / feed))
    return reduce(DataFrame.unionByName, parts) if parts else None


# All that is read of a source, by this table and by the others: what the digest is of.
_READ = (
    "month", "year", "uscc", "name", "county_code", "organisation_code", "declared_yuan",
    "used_kwh", "industry_stat", "_received_at", "_order",
)  # fmt: skip


def _said(rows: DataFrame, feed: str, key: str) -> DataFrame:
    period = "month" if "month" in rows.columns else "year"

    def latest(name: str) -> Column:
        if name not in rows.columns:
            return F.lit(None).cast("string").alias(name)
        return F.expr(
            f"max_by({name}, struct(CAST({period} AS STRING), _order)) "
            f"FILTER (WHERE {name} IS NOT NULL)"
        ).alias(name)

    words = rows.withColumn("_hash", F.xxhash64(*(c for c in _READ if c in rows.columns)))
    found = words.groupBy(F.col(key).alias("source_key")).agg(
        *(latest(n) for n in ("uscc", "name", "county_code", "organisation_code")),
        F.min("_received_at").alias("_heard"),
        F.expr(DIGEST).alias("_said"),
    )
    where = F.col("name").isNotNull() & F.col("county_code").isNotNull()
    return found.withColumns(
        {
            "feed": F.lit(feed),
            "subject_uscc": F.col("uscc"),
            "_code": code9("organisation_code"),
            "_name": F.when(where, F.concat_ws("|", F.expr(_COUNTY), name_key("name"))),
        }
    ).select(*_KNOWN_BY)


def numbers(known: DataFrame) -> DataFrame:
    """`kind, value, org_id, number_known`: numbers and names that only one organisation has."""
    numbered = {
        "uscc": ("uscc",),
        "tax_no": ("tax_no", "uscc"),
        "organisation_code": (
            "organisation_code",
            "CASE WHEN uscc IS NOT NULL THEN substring(uscc, 9, 9) END",
        ),
    }
    own = [
        F.struct(
            F.lit(kind).alias("kind"), F.expr(f"CASE WHEN NOT withheld THEN {v} END").alias("value")
        )
        for kind, values in numbered.items()
        for v in values
    ]

    def named(kind: str, name: str) -> Column:
        value = F.concat_ws("|", F.expr(_COUNTY), name_key(name))
        return F.struct(F.lit(kind).alias("kind"), value.alias("value"))

    short = known.select(
        "org_id", "known_from", F.explode(F.array(*own, named("name_county", "name"))).alias("n")
    )
    former = known.where("former_names IS NOT NULL").withColumn(
        "_f", F.explode(F.split("former_names", "[；;]"))
    )
    long = former.select("org_id", "known_from", named("former_name_county", "_f").alias("n"))
    return (
        short.unionByName(long)
        .select("org_id", "known_from", "n.kind", "n.value")
        .where("value IS NOT NULL AND value <> ''")
        .groupBy("kind", "value")
        .agg(
            F.min("org_id").alias("org_id"),
            F.max("org_id").alias("_other"),
            F.min("known_from").alias("number_known"),
        )
        .where("org_id = _other")
        .drop("_other")
    )


def _linked(said: DataFrame, known: DataFrame) -> DataFrame:
    """The source's things with the organisation that the first rule finds; null where none does."""
    keyed = said.withColumn("tax_no", F.expr("CASE WHEN feed = 'base.org_tax' THEN source_key END"))
    # A 15-digit tax number holds county and organisation code.
    values = (
        "coalesce(subject_uscc, CASE WHEN length(tax_no) = 18 THEN tax_no END)",
        "tax_no",
        "coalesce(_code, CASE WHEN length(tax_no) = 15 THEN substring(tax_no, 7, 9) END)",
        "_name",
        "_name",
    )
    tries = F.array(
        *(
            F.struct(F.lit(i).alias("place"), F.lit(k).alias("kind"), F.expr(v).alias("value"))
            for i, (k, v) in enumerate(zip(RULES, values, strict=True))
        )
    )
    asked = keyed.select("feed", "source_key", F.explode(tries).alias("t"))
    asked = asked.select("feed", "source_key", "t.*").where("value IS NOT NULL")
    best = (
        asked.join(known, ["kind", "value"])
        .groupBy("feed", "source_key")
        .agg(F.min_by(F.struct("org_id", "kind", "number_known"), "place").alias("b"))
    )
    scores = F.create_map(*[F.lit(x) for x in _flat(_SCORES)])
    found = said.join(best, ["feed", "source_key"], "left").withColumns(
        {
            "org_id": F.col("b.org_id"),
            "rule": F.col("b.kind"),
            "score": scores[F.col("b.kind")],
            "is_primary": F.lit(False),
            "known_from": F.greatest("_heard", "b.number_known"),
        }
    )
    return _filled_up(found, _OF_REGISTERS)


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
