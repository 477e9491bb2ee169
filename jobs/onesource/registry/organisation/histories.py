"""Numbers, names, events and relations of organisations, all from the registers' rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.organisation.records import name_key
from onesource.registry.organisation.touched import SOURCE, of_some, owned, touched
from onesource.registry.patch import Patch
from onesource.spark.written import put

ID_HISTORY = "registry.organisation_id_history"
NAME_HISTORY = "registry.organisation_name_history"
EVENT = "registry.organisation_event"
RELATION = "registry.organisation_relation"


def build_ids(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """One row an organisation and number: unified code, 15-digit number, organisation code, tax
    number. `known_from`: since when the lake knows it."""
    return {ID_HISTORY: _by_organisations(inputs, ctx, _ids)}


def _ids(known: DataFrame) -> DataFrame:
    kinds = {
        "uscc": "uscc",
        "registration_no": "registration_no",
        "organisation_code": "coalesce(organisation_code, substring(uscc, 9, 9))",
        "tax_no": "tax_no",
    }
    each = [F.struct(F.lit(k).alias("id_type"), F.expr(v).alias("id_no")) for k, v in kinds.items()]
    every = known.select(
        "org_id", "feed", "registered_on", "valid_from", "known_from", "withheld",
        F.inline(F.array(*each)),
    ).where("id_no IS NOT NULL")  # fmt: skip
    table = every.groupBy("org_id", "id_type", "id_no").agg(
        F.min("feed").alias("feed"),
        F.min(F.coalesce("registered_on", "valid_from")).alias("valid_from"),
        F.min("known_from").alias("known_from"),
        F.bool_or("withheld").alias("is_disputed"),
    )
    reason = (
        "CASE id_type WHEN 'uscc' THEN 'unified' WHEN 'tax_no' THEN 'tax' ELSE 'before 2015' END"
    )
    return table.withColumn("reason", F.expr(reason))


def build_names(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """One row an organisation and name that it bears or bore; `name_key` is for search."""
    return {NAME_HISTORY: _by_organisations(inputs, ctx, _names)}


def _names(known: DataFrame) -> DataFrame:
    now = known.where("known_to IS NULL AND name IS NOT NULL")
    borne = F.expr("struct(name, valid_from, coalesce(valid_to, DATE '9999-12-31') AS _to)")
    former = F.expr(
        "transform(split(former_names, '[；;]'), n -> "
        "struct(trim(n) AS name, CAST(NULL AS DATE) AS valid_from, valid_from AS _to))"
    )
    every = now.select(
        "org_id",
        "known_from",
        "feed",
        F.inline(F.concat(F.array(borne), F.coalesce(former, F.array()))),
    ).withColumn("name_key", name_key("name"))
    return (
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


def build_events(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """One row an organisation, day and kind of event; the founding also where only its day is
    told."""
    return {EVENT: _by_organisations(inputs, ctx, _events)}


def _events(known: DataFrame) -> DataFrame:
    succession = ("predecessor_uscc", "successor_uscc", "succession_share")
    told = F.struct(
        F.col("change_type").alias("event"), F.col("valid_from").alias("happened_on"), *succession
    )
    dated = {
        "设立": "registered_on",
        "注销": "CASE WHEN status LIKE '注销%' THEN cancelled_on END",
        "吊销": "revoked_on",
    }
    days = [
        F.struct(
            F.when(F.expr(day).isNotNull(), word).alias("event"),
            F.expr(day).alias("happened_on"),
            *(F.lit(None).cast(known.schema[c].dataType).alias(c) for c in succession),
        )
        for word, day in dated.items()
    ]
    every = known.select("org_id", "known_from", "feed", F.inline(F.array(told, *days)))
    return (
        every.where("event IS NOT NULL")
        .groupBy("org_id", "event", "happened_on")
        .agg(
            F.max("predecessor_uscc").alias("predecessor_uscc"),
            F.max("successor_uscc").alias("successor_uscc"),
            F.max("succession_share").alias("succession_share"),
            F.min("known_from").alias("known_from"),
            F.min("feed").alias("feed"),
        )
    )


def _by_organisations(
    inputs: Mapping[str, DataFrame],
    ctx: Any,
    make: Callable[[DataFrame], DataFrame],
) -> DataFrame | Patch:
    """A table that says of each organisation what follows from its own rows alone.

    Built on from the last version for the organisations that were touched. make: the table from
    rows of `owned`.
    """
    organisations = touched(ctx)
    source = of_some(inputs[SOURCE], organisations)
    rows = make(owned(inputs, source, organisations is not None))
    if organisations is None:
        return rows
    return Patch("org_id", organisations, rows, organisations)


def build_relations(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """One row a pair and kind: branch → firm, old → new with the share that went over.

    Only pairs of which both stand in the registers; either side may have told it.
    """
    known = owned(inputs, inputs[SOURCE])
    kinds: dict[str, str] = {}
    for r in ctx.catalogue.codelists["org_change"].rows:
        if r.extra.get("relation"):
            kinds[r.code] = r.extra["relation"]
    kind = F.create_map(*[F.lit(x) for item in kinds.items() for x in item])[F.col("change_type")]
    succession = F.coalesce(kind, F.lit("succession"))
    above = F.when(F.col("org_type").isin("2100", "9200"), "branch").otherwise("supervised")
    share = F.coalesce("succession_share", F.lit(1)).cast("decimal(6,4)")
    since = F.col("valid_from")

    def said(other: str, is_from: bool, relation: Column, share: Column, since: Column) -> Column:
        return F.struct(
            F.col(other).alias("_other_uscc"), F.lit(is_from).alias("_is_from"),
            relation.alias("relation"), share.alias("share"), since.alias("since"),
        )  # fmt: skip

    none = F.lit(None).cast("decimal(6,4)")
    words = F.array(
        said("successor_uscc", True, succession, share, since),
        said("predecessor_uscc", False, succession, share, since),
        said("parent_uscc", True, above, none, F.coalesce("registered_on", "valid_from")),
    )
    telling = known.where("coalesce(successor_uscc, predecessor_uscc, parent_uscc) IS NOT NULL")
    told = put(
        spark,
        telling.select("org_id", "known_from", "feed", F.inline(words)).where(
            "_other_uscc IS NOT NULL"
        ),
        ctx.scratch / "told",
    )
    # Few are named by another.
    named = F.broadcast(told.select(F.col("_other_uscc").alias("uscc")).distinct())
    codes = (
        known.where("NOT withheld")
        .join(named, "uscc", "left_semi")
        .select(F.col("uscc").alias("_other_uscc"), F.col("org_id").alias("_other"))
        .distinct()
    )
    ends = {
        "from_org_id": F.when(F.col("_is_from"), F.col("org_id")).otherwise(F.col("_other")),
        "to_org_id": F.when(F.col("_is_from"), F.col("_other")).otherwise(F.col("org_id")),
    }
    table = (
        told.join(codes, "_other_uscc")
        .withColumns(ends)
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
