"""The builders of `registry.person_source` and of what is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.person import arrow
from onesource.registry.person.identity import identified
from onesource.registry.person.links import with_links
from onesource.registry.person.model import ATTRIBUTES, PERSON_ID_SQL
from onesource.registry.person.survive import Provider, Providers
from onesource.registry.person.voices import voices

SOURCE, PERSON = "registry.person_source", "registry.person"
# One line may be believed anew: it is a voice of its own for each stretch on either clock.
_VOICE = ", ".join(
    f"coalesce(CAST({c} AS STRING), '')"
    for c in ("source", "source_key", "role", "delivery_id", "sheet", "line", "said_from",
              "known_from")
)  # fmt: skip


def build_source(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """Every source's word on every person, and whose it is: one row a voice.

    Reads the silver tables of the feeds of persons that are served.
    """
    spoken = with_links(spark, identified(voices(inputs)), ctx)
    owners = _owners(spoken)
    found = spoken.join(F.broadcast(owners), "_atom", "left").withColumns(
        {
            "person_id": F.expr(f"coalesce(person_id, {PERSON_ID_SQL.format(seed='_atom')})"),
            "match_rule": F.expr("coalesce(match_rule, 'none')"),
            "_order": F.col("said_order"),
            "voice_id": F.expr(f"substring(sha2(concat_ws('|', {_VOICE}), 256), 1, 24)"),
        }
    )
    return {SOURCE: found.drop("_number", "_speaker", "said_order", "former_name")}


def _owners(spoken: DataFrame) -> DataFrame:
    """`_atom, person_id` where a component has several atoms; elsewhere the atom is the seed."""
    rows = several_atoms(spoken.withColumn("_order", F.col("said_order")))
    return by_component(rows).mapInArrow(arrow.atom_owners, "_atom string, person_id string")


def several_atoms(spoken: DataFrame) -> DataFrame:
    """The voices of components of more than one atom: people whose number changed."""
    several = (
        spoken.where("_component IS NOT NULL")
        .groupBy("_component")
        .agg(F.expr("count(DISTINCT _atom)").alias("n"))
        .where("n > 1")
        .select("_component")
    )
    return spoken.join(several, "_component", "left_semi")


def by_component(rows: DataFrame) -> DataFrame:
    """The voices, those of a component together and in an order that any run repeats."""
    order = ("_component", "statement_at", "_order", "source", "source_key", "role", "line")
    return (
        rows.select(*arrow.READ)
        .repartition("_component")
        .sortWithinPartitions(*order, "said_from", "known_from")
    )


def build_person(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, Any]:
    """One row per person, stretch of the world and stretch of knowledge; conflicts beside it.

    Reads `registry.person_source`. The conflicts are kept on the rows (`_conflicts`), so that
    the voices are walked through once.
    """
    source = inputs[SOURCE]
    providers = providers_of(ctx)
    spoken = by_component(source.where("_component IS NOT NULL"))
    rows = spoken.mapInArrow(partial(_survivors, providers=providers), arrow.SPARK_SCHEMA)
    return {PERSON: rows, "conflicts": partial(_conflicts, source=source, ctx=ctx)}


def _survivors(batches: Iterable[pa.RecordBatch], providers: Providers) -> Iterator[pa.RecordBatch]:
    return arrow.survivors(batches, providers)


def providers_of(ctx: Any) -> dict[str, dict[str, Provider]]:
    """Attribute → feed → provider, from the source-of-record list of the day."""
    sor = ctx.catalogue.source_of_record
    return {
        attribute: {
            p.feed: Provider(p.rank, p.max_age_days)
            for p in sor.attribute(PERSON, attribute, ctx.day).providers
            if p.fills_null or p.rank == 1
        }
        for attribute in ATTRIBUTES
    }


# Conflicts that are no attribute of the list: who is asked.
_ASKED_ABOUT = {"activity_after_death": "death_date", "status": "hukou_division_code"}


def _conflicts(rows: DataFrame, *, source: DataFrame, ctx: Any) -> DataFrame:
    """The conflicts on the rows, and the numbers that two people use, with who is asked."""
    found = rows.where("_conflicts IS NOT NULL").selectExpr("inline(_conflicts)")
    found = found.unionByName(_shared_numbers(rows, source))
    sor = ctx.catalogue.source_of_record
    owners = {
        attribute: sor.attribute(
            PERSON, _ASKED_ABOUT.get(attribute, attribute), ctx.day
        ).owner_name(ctx.day)
        for attribute in (*ATTRIBUTES, "death_date", *_ASKED_ABOUT)
    }
    pairs = ", ".join(f"'{a}', '{name}'" for a, name in sorted(owners.items()))
    return found.withColumn("owner", F.expr(f"map({pairs})[attribute]"))


def _shared_numbers(rows: DataFrame, source: DataFrame) -> DataFrame:
    """One number with two people: both stay, and the police are asked once a pair."""
    numbered = source.where("id_no IS NOT NULL AND person_id IS NOT NULL AND known_to IS NULL")
    who = numbered.groupBy("id_no", "person_id").agg(
        F.expr("min_by(struct(source, concat_ws('/', delivery_id, sheet, line) AS place), "
               "struct(source NOT IN ('base.resident', 'base.resident_change'), statement_at, "
               "_order))").alias("said"),
    )  # fmt: skip
    shared = (
        who.groupBy("id_no")
        .agg(F.expr("sort_array(collect_list(struct(said, person_id)))").alias("people"))
        .where("size(people) > 1")
        .selectExpr("people[0] AS a", "explode(slice(people, 2, size(people))) AS b")
    )
    return shared.selectExpr(
        "a.person_id AS entity",
        "'id_no' AS attribute",
        "a.person_id AS value_a",
        "a.said.source AS source_a",
        "b.person_id AS value_b",
        "b.said.source AS source_b",
        "a.said.place AS evidence_a",
        "b.said.place AS evidence_b",
        "concat('同一证件号码下有两人：', a.person_id, '、', b.person_id) AS detail_zh",
        "concat('two people use one number: ', a.person_id, ', ', b.person_id) AS detail_en",
    )
