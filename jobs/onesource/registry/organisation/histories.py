"""Numbers, names, events and relations of organisations, all from the registers' rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.organisation.records import name_key, records, subjects

ID_HISTORY = "registry.organisation_id_history"
NAME_HISTORY = "registry.organisation_name_history"
EVENT = "registry.organisation_event"
RELATION = "registry.organisation_relation"


def _known(inputs: Mapping[str, DataFrame]) -> DataFrame:
    rows = records(inputs)
    who = subjects(rows).select("feed", "source_key", "org_id", "withheld")
    return rows.join(who, ["feed", "source_key"])


def build_ids(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """One row an organisation and number: unified code, 15-digit number, organisation code, tax
    number. `known_from`: since when the lake knows it."""
    known = _known(inputs)
    kinds = {
        "uscc": "uscc",
        "registration_no": "registration_no",
        "organisation_code": "coalesce(organisation_code, substring(uscc, 9, 9))",
        "tax_no": "tax_no",
    }
    parts = [
        known.select("org_id", F.lit(k).alias("id_type"), F.expr(v).alias("id_no"),
                     "feed", "registered_on", "valid_from", "known_from", "withheld")
        for k, v in kinds.items()
    ]  # fmt: skip
    every = reduce(DataFrame.unionByName, parts).where("id_no IS NOT NULL")
    table = every.groupBy("org_id", "id_type", "id_no").agg(
        F.min("feed").alias("feed"),
        F.min(F.coalesce("registered_on", "valid_from")).alias("valid_from"),
        F.min("known_from").alias("known_from"),
        F.bool_or("withheld").alias("is_disputed"),
    )
    reason = (
        "CASE id_type WHEN 'uscc' THEN 'unified' WHEN 'tax_no' THEN 'tax' ELSE 'before 2015' END"
    )
    return {ID_HISTORY: table.withColumn("reason", F.expr(reason))}


def build_names(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """One row an organisation and name that it bears or bore; `name_key` is for search."""
    now = _known(inputs).where("known_to IS NULL AND name IS NOT NULL")
    borne = now.select(
        "org_id", "name", "valid_from",
        F.expr("coalesce(valid_to, DATE '9999-12-31')").alias("_to"), "known_from", "feed",
    )  # fmt: skip
    former = (
        now.where("former_names IS NOT NULL")
        .withColumn("_n", F.explode(F.split("former_names", "[；;]")))
        .select(
            "org_id",
            F.trim("_n").alias("name"),
            F.lit(None).cast("date").alias("valid_from"),
            F.col("valid_from").alias("_to"),
            "known_from",
            "feed",
        )
        .where("name <> ''")
    )
    every = borne.unionByName(former).withColumn("name_key", name_key("name"))
    table = (
        every.groupBy("org_id", "name_key")
        .agg(
            F.max_by("name", F.struct("_to", "name")).alias("name"),
            F.min("valid_from").alias("valid_from"),
            F.expr("nullif(max(_to), DATE '9999-12-31')").alias("valid_to"),
            F.min("known_from").alias("known_from"),
            F.min("feed").alias("feed"),
        )
        .where("name_key IS NOT NULL")
        .withColumn("is_current", F.col("valid_to").isNull())
    )
    return {NAME_HISTORY: table}


def build_events(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """One row an organisation, day and kind of event; the founding also where only its day is
    told."""
    known = _known(inputs)
    told = known.where("change_type IS NOT NULL").select(
        "org_id", F.col("change_type").alias("event"), F.col("valid_from").alias("happened_on"),
        "predecessor_uscc", "successor_uscc", "succession_share", "known_from", "feed",
    )  # fmt: skip
    nothing = F.lit(None)
    dated = {
        "设立": ("registered_on", "registered_on IS NOT NULL"),
        "注销": ("cancelled_on", "cancelled_on IS NOT NULL AND status LIKE '注销%'"),
        "吊销": ("revoked_on", "revoked_on IS NOT NULL"),
    }
    parts = [told]
    for word, (day, where) in dated.items():
        parts.append(
            known.where(where).select(
                "org_id",
                F.lit(word).alias("event"),
                F.col(day).alias("happened_on"),
                nothing.cast("string").alias("predecessor_uscc"),
                nothing.cast("string").alias("successor_uscc"),
                nothing.cast("decimal(6,4)").alias("succession_share"),
                "known_from",
                "feed",
            )
        )
    table = (
        reduce(DataFrame.unionByName, parts)
        .groupBy("org_id", "event", "happened_on")
        .agg(
            F.max("predecessor_uscc").alias("predecessor_uscc"),
            F.max("successor_uscc").alias("successor_uscc"),
            F.max("succession_share").alias("succession_share"),
            F.min("known_from").alias("known_from"),
            F.min("feed").alias("feed"),
        )
    )
    return {EVENT: table}


def build_relations(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """One row a pair and kind: branch → firm, old → new with the share that went over.

    Only pairs of which both stand in the registers; either side may have told it.
    """
    known = _known(inputs)
    kinds: dict[str, str] = {}
    for r in ctx.catalogue.codelists["org_change"].rows:
        if r.extra.get("relation"):
            kinds[r.code] = r.extra["relation"]
    kind = F.create_map(*[F.lit(x) for item in kinds.items() for x in item])[F.col("change_type")]
    codes = known.where("uscc IS NOT NULL AND NOT withheld").select(
        F.col("uscc").alias("_other_uscc"), F.col("org_id").alias("_other")
    ).distinct()  # fmt: skip
    share = F.coalesce("succession_share", F.lit(1)).cast("decimal(6,4)")
    after = known.where("successor_uscc IS NOT NULL").select(
        F.col("successor_uscc").alias("_other_uscc"), "org_id", "change_type", "status",
        share.alias("share"), F.col("valid_from").alias("since"), "known_from", "feed",
    ).join(codes, "_other_uscc")  # fmt: skip
    before = known.where("predecessor_uscc IS NOT NULL").select(
        F.col("predecessor_uscc").alias("_other_uscc"), "org_id", "change_type", "status",
        share.alias("share"), F.col("valid_from").alias("since"), "known_from", "feed",
    ).join(codes, "_other_uscc")  # fmt: skip
    above = known.where("parent_uscc IS NOT NULL").select(
        F.col("parent_uscc").alias("_other_uscc"), "org_id", "org_type",
        F.coalesce("registered_on", "valid_from").alias("since"), "known_from", "feed",
    ).join(codes, "_other_uscc")  # fmt: skip
    is_branch = F.col("org_type").isin("2100", "9200")
    succession = F.coalesce(kind, F.lit("succession")).alias("relation")
    rows = [
        after.select(F.col("org_id").alias("from_org_id"), F.col("_other").alias("to_org_id"),
                     succession, "share", "since", "known_from", "feed"),
        before.select(F.col("_other").alias("from_org_id"), F.col("org_id").alias("to_org_id"),
                      succession, "share", "since", "known_from", "feed"),
        above.select(F.col("org_id").alias("from_org_id"), F.col("_other").alias("to_org_id"),
                     F.when(is_branch, "branch").otherwise("supervised").alias("relation"),
                     F.lit(None).cast("decimal(6,4)").alias("share"), "since", "known_from",
                     "feed"),
    ]  # fmt: skip
    table = (
        reduce(DataFrame.unionByName, rows)
        .where("from_org_id <> to_org_id")
        .groupBy("from_org_id", "to_org_id", "relation")
        .agg(
            F.max("share").alias("share"),
            F.min("since").alias("since"),
            F.min("known_from").alias("known_from"),
            F.min("feed").alias("feed"),
        )
    )
    return {RELATION: table}
