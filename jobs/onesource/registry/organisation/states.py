"""`registry.organisation`: one row an organisation, state of the world, and stretch of knowledge.

The register that keeps an organisation is the source of all its attributes; tax fills a missing
unified code, and tells with the meters whether it works; statistics give `industry_stat`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from onesource.registry.organisation import activity
from onesource.registry.organisation.checks import TABLE, marked, questions
from onesource.registry.organisation.planes import overlay, plane
from onesource.registry.organisation.touched import SOURCE, of_some, owned, touched
from onesource.registry.patch import Patch
from onesource.spark.written import put

REGISTER = (
    "name", "org_type", "status", "registrar", "registered_on", "cancelled_on", "revoked_on",
    "capital_yuan", "currency", "address", "county_code", "industry_reg", "parent_uscc",
    "legal_rep_name", "legal_rep_id_no",
)  # fmt: skip


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, Any]:
    """Reads the registers, the links, and what is served of tax, electricity and statistics.

    Built on from the last version for the organisations that `registry.organisation_source` says
    were touched. The conflicts are read off the rows that were written.
    """
    organisations = touched(ctx)
    links = of_some(inputs[SOURCE], organisations)
    if organisations is not None:
        links = put(spark, links, ctx.scratch / "links")
    found = activity.signs(inputs, links)
    found = put(spark, found, ctx.scratch / "signs") if found is not None else None
    states = _states(owned(inputs, links, organisations is not None), ctx)
    planes = {
        ("is_active", "active_reason"): activity.activity(found) if found is not None else None,
        ("industry_stat",): activity.industry(inputs, links),
    }
    for values, cells in planes.items():
        if cells is not None:
            states = overlay(states, plane(cells, values), values)
        else:
            kinds = {"is_active": "boolean"}
            states = states.withColumns(
                {v: F.lit(None).cast(kinds.get(v, "string")) for v in values}
            )
    last = activity.last_signs(found) if found is not None else None
    rows = _shaped(marked(states, last, ctx))
    conflicts = partial(questions, source=inputs[SOURCE], ctx=ctx)
    if organisations is None:
        return {TABLE: rows, "conflicts": conflicts}
    return {TABLE: Patch("org_id", organisations, rows, organisations), "conflicts": conflicts}


def _states(known: DataFrame, ctx: Any) -> DataFrame:
    """The states of the primary subjects, the first carried back to the day of registration."""
    own = known.where("is_primary").withColumns(
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
    stretch = F.struct("valid_from", "known_from", "known_to")
    # An organisation has one primary subject.
    every = F.collect_list(stretch).over(Window.partitionBy("org_id"))
    earlier = (
        "exists(_every, o -> o.valid_from < valid_from "
        "AND o.known_from < coalesce(known_to, TIMESTAMP '9999-12-31 00:00:00') "
        "AND known_from < coalesce(o.known_to, TIMESTAMP '9999-12-31 00:00:00'))"
    )
    first = F.expr(f"registered_on < valid_from AND NOT {earlier}")
    return (
        own.withColumn("_every", every)
        .withColumn("_first", F.when(first, F.lit(True)))
        .withColumn("valid_from", F.expr("CASE WHEN _first THEN registered_on ELSE valid_from END"))
        .drop("_every")
    )


def _shaped(states: DataFrame) -> DataFrame:
    """The contract's columns, with the source and reason of each attribute."""
    feed = F.col("feed")
    code = F.when(F.col("_from") == "fills null", F.lit("base.org_tax")).otherwise(feed)
    said = {
        **{name: (name, feed, F.lit("register")) for name in REGISTER},
        "uscc": ("_from", code, F.col("_from")),
        "is_active": (
            "active_reason", F.lit("base.org_tax,base.power_account"), F.col("active_reason"),
        ),
        "industry_stat": ("industry_stat", F.lit("base.stat_unit"), F.lit("register")),
        "valid_from": ("_first", feed, F.lit("carried back to the registration")),
    }  # fmt: skip
    # Nulls are left out of the text.
    sources = F.to_json(
        F.struct(
            *(
                F.when(F.col(there).isNotNull(), F.array(who, why)).alias(name)
                for name, (there, who, why) in said.items()
            )
        )
    )
    return states.select(
        "org_id", "uscc", *REGISTER, "industry_stat", "is_legal_person", "is_active",
        "active_reason", sources.alias("sources"), "is_disputed", "feed", "source_key",
        "state_from", "valid_from", "valid_to", "known_from", "known_to", "_conflicts",
    )  # fmt: skip
