"""`registry.organisation`: one row an organisation, state of the world, and stretch of knowledge.

The register that keeps an organisation is the source of all its attributes; tax fills a missing
unified code, and tells with the meters whether it works; statistics give `industry_stat`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.organisation import activity
from onesource.registry.organisation.checks import TABLE, disputed, questions
from onesource.registry.organisation.planes import overlay
from onesource.registry.organisation.records import records, subjects

REGISTER = (
    "name", "org_type", "status", "registrar", "registered_on", "cancelled_on", "revoked_on",
    "capital_yuan", "currency", "address", "county_code", "industry_reg", "parent_uscc",
    "legal_rep_name", "legal_rep_id_no",
)  # fmt: skip


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads the registers, the links, and what is served of tax, electricity and statistics."""
    links = inputs["registry.organisation_source"]
    # Each of these is read many times below: as one plan they would be computed as often, and the
    # plan itself grows until the driver gives up.
    rows = records(inputs).localCheckpoint()
    who = subjects(rows).localCheckpoint()
    states = _states(rows, who, links, ctx)
    found = activity.signs(inputs, links)
    found = found.localCheckpoint() if found is not None else None
    planes = [
        (activity.activity(found) if found is not None else None, ("is_active", "active_reason")),
        (activity.industry(inputs, links), ("industry_stat",)),
    ]
    for over, values in planes:
        if over is not None:
            states = overlay(states.localCheckpoint(), over.localCheckpoint(), values)
        else:
            kinds = {"is_active": "boolean"}
            states = states.withColumns(
                {v: F.lit(None).cast(kinds.get(v, "string")) for v in values}
            )
    states = states.localCheckpoint()
    believed = states.where("known_to IS NULL")
    twins = who.where("withheld")
    asked = questions(believed.where("valid_to IS NULL"), twins, found, believed, ctx)
    asked = asked.localCheckpoint()
    return {TABLE: _shaped(disputed(states, asked)), "conflicts": asked}


def _states(rows: DataFrame, who: DataFrame, links: DataFrame, ctx: Any) -> DataFrame:
    """The states of the primary subjects, the first carried back to the day of registration."""
    own = rows.join(
        who.where("is_primary").select("feed", "source_key", "org_id", "subject_uscc", "withheld"),
        ["feed", "source_key"],
    )
    filled = _missing_codes(who, links)
    own = own.join(filled, "org_id", "left").withColumns(
        {
            "_from": F.expr(
                "CASE WHEN withheld THEN 'withheld: another has it' "
                "WHEN uscc IS NOT NULL THEN 'register' "
                "WHEN subject_uscc IS NOT NULL THEN 'another row of the register' "
                "WHEN _fill IS NOT NULL THEN 'fills null' END"
            ),
            "uscc": F.expr("CASE WHEN NOT withheld THEN coalesce(uscc, subject_uscc, _fill) END"),
            "state_from": F.col("valid_from"),
        }
    )
    types: dict[str, str] = {}
    for r in ctx.catalogue.codelists["org_type"].rows:
        types[r.code] = r.extra["is_legal_person"]
    legal = F.create_map(*[F.lit(x) for item in types.items() for x in item])
    own = own.withColumn("is_legal_person", legal[F.col("org_type")] == "true")
    return _carried_back(own)


def _carried_back(own: DataFrame) -> DataFrame:
    """What a register says of an organisation first holds since it was registered: what it was
    like in between is not known better."""
    early = own.where("registered_on < valid_from").select(
        "feed", "source_key", "valid_from", "known_from"
    )
    others = own.select(
        F.col("feed").alias("f2"),
        F.col("source_key").alias("s2"),
        F.col("valid_from").alias("v2"),
        F.col("known_from").alias("k2"),
        F.col("known_to").alias("t2"),
    )
    known = own.select("feed", "source_key", "valid_from", "known_from", "known_to")
    later = known.join(
        others,
        F.expr(
            "feed = f2 AND source_key = s2 AND v2 < valid_from "
            "AND k2 < coalesce(known_to, TIMESTAMP '9999-12-31 00:00:00') "
            "AND known_from < coalesce(t2, TIMESTAMP '9999-12-31 00:00:00')"
        ),
        "left_semi",
    )
    key = ["feed", "source_key", "valid_from", "known_from"]
    firsts = early.join(later.select(*key), key, "left_anti").withColumn("_first", F.lit(True))
    return own.join(firsts, key, "left").withColumn(
        "valid_from", F.expr("CASE WHEN _first THEN registered_on ELSE valid_from END")
    )


def _missing_codes(who: DataFrame, links: DataFrame) -> DataFrame:
    """`org_id, _fill`: the one code that tax gives for an organisation whose register has none."""
    lacking = who.groupBy("org_id").agg(F.max("subject_uscc").alias("_own")).where("_own IS NULL")
    said = links.where("feed = 'base.org_tax' AND org_id IS NOT NULL AND subject_uscc IS NOT NULL")
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


def _shaped(states: DataFrame) -> DataFrame:
    """The contract's columns, with the source and reason of each attribute."""
    why = [
        x
        for name in REGISTER
        for x in (
            F.lit(name),
            F.when(F.col(name).isNotNull(), F.array(F.col("feed"), F.lit("register"))),
        )
    ]
    code = F.when(F.col("_from") == "fills null", F.lit("base.org_tax")).otherwise(F.col("feed"))
    sources = F.create_map(
        *why,
        F.lit("uscc"),
        F.when(F.col("_from").isNotNull(), F.array(code, F.col("_from"))),
        F.lit("is_active"),
        F.when(
            F.col("active_reason").isNotNull(),
            F.array(F.lit("base.org_tax,base.power_account"), F.col("active_reason")),
        ),
        F.lit("industry_stat"),
        F.when(
            F.col("industry_stat").isNotNull(), F.array(F.lit("base.stat_unit"), F.lit("register"))
        ),
        F.lit("valid_from"),
        F.when(F.col("_first"), F.array(F.col("feed"), F.lit("carried back to the registration"))),
    )
    return states.select(
        "org_id", "uscc", *REGISTER, "industry_stat", "is_legal_person", "is_active",
        "active_reason", F.to_json(F.map_filter(sources, lambda _, v: v.isNotNull())).alias(
            "sources"
        ),
        "is_disputed", "feed", "source_key", "state_from", "valid_from", "valid_to", "known_from",
        "known_to",
    )  # fmt: skip
