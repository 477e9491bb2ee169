"""The histories of a person, and its households: `registry.person` seen by some attributes only.

A row of `person` is cut whenever any attribute changes; a history's row only when its own do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.patch import Before, Patch
from onesource.registry.person.belief import Belief, projected
from onesource.registry.person.numbers import numbers_with_reasons
from onesource.spark.written import put

PERSON, SOURCE = "registry.person", "registry.person_source"
MEMBER, HOUSEHOLD = "registry.household_member", "registry.household"
_CLOCKS = ("valid_from", "valid_to", "known_from", "known_to")
_TIME = pa.timestamp("us", tz="UTC")
_ROWS = 20_000
HEAD = "户主"
REGISTERED, LOW_INCOME = "户籍户", "低保家庭"


def build_ids(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.person_id_history`: every number a person had, and why it changed.

    A number of fifteen digits is the same number in its old form: it has a row of its own.
    """
    return {"registry.person_id_history": by_people(spark, inputs, ctx, _ids)}


def _ids(inputs: Mapping[str, DataFrame]) -> DataFrame:
    found = history(inputs[PERSON], ("id_type", "id_no")).where("id_no IS NOT NULL")
    return numbers_with_reasons(found, inputs[SOURCE])


def build_names(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.person_name_history`: every name a person had."""
    return {"registry.person_name_history": by_people(spark, inputs, ctx, _names)}


def _names(inputs: Mapping[str, DataFrame]) -> DataFrame:
    return history(inputs[PERSON], ("name",)).where("name IS NOT NULL")


def build_addresses(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.person_address_history`: where a person was registered, and where it lived."""
    return {"registry.person_address_history": by_people(spark, inputs, ctx, _addresses)}


def _addresses(inputs: Mapping[str, DataFrame]) -> DataFrame:
    kinds = (
        ("户籍", "hukou_division_code", "hukou_address"),
        ("现住", "current_division_code", "current_address"),
    )
    found: DataFrame | None = None
    for kind, division, address in kinds:
        part = (
            history(inputs[PERSON], (division, address))
            .where(f"{division} IS NOT NULL OR {address} IS NOT NULL")
            .withColumnsRenamed({division: "division_code", address: "address"})
            .withColumn("address_kind", F.lit(kind))
        )
        found = part if found is None else found.unionByName(part)
    assert found is not None
    return found


def build_members(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.household_member`: who belongs to which household, as what, and when.

    户籍户 from the register, 低保家庭 from the lists of civil affairs: two kinds that need not
    have the same members.
    """
    return {MEMBER: by_people(spark, inputs, ctx, _members)}


def _members(inputs: Mapping[str, DataFrame]) -> DataFrame:
    registered = (
        history(inputs[PERSON], ("household_no", "relation_to_head"))
        .where("household_no IS NOT NULL")
        .withColumn("household_kind", F.lit(REGISTERED))
    )
    supported = (
        inputs[SOURCE]
        .where("source = 'base.low_income' AND person_id IS NOT NULL")
        .selectExpr(
            "person_id",
            "get_json_object(attributes, '$.low_income_household_no') AS household_no",
            "get_json_object(attributes, '$.low_income_relation') AS relation_to_head",
            "said_from AS valid_from",
            "said_to AS valid_to",
            "known_from",
            "known_to",
            f"'{LOW_INCOME}' AS household_kind",
        )
        .where("household_no IS NOT NULL")
        .dropDuplicates(["person_id", "household_no", "valid_from", "known_from"])
    )
    rows = registered.unionByName(supported)
    return rows.withColumn("household_id", F.expr(_HOUSEHOLD_ID))


def by_people(
    spark: SparkSession,
    inputs: Mapping[str, DataFrame],
    ctx: Any,
    make: Callable[[Mapping[str, DataFrame]], DataFrame],
) -> DataFrame | Patch:
    """A table that says of each person what follows from its own rows alone.

    Built on from the last version for the people whom the last patches of `registry.person`
    touched. make: the table from rows of its inputs, all of which have `person_id`.
    """
    before: Before | None = ctx.before
    told = before.told(PERSON) if before is not None else None
    if told is None:
        return make(inputs)
    people = put(spark, told.distinct(), ctx.scratch / "people")
    some = {t: f.join(F.broadcast(people), "person_id", "left_semi") for t, f in inputs.items()}
    return Patch("person_id", people, make(some), people)


# A household's number is its department's own: the kind belongs to the key.
_HOUSEHOLD_ID = (
    "concat('H', upper(substring(sha2(concat(household_kind, household_no), 256), 1, 20)))"
)


def build_households(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.household`: one row per household and stretch in which it has the same head.

    Reads `registry.household_member` and, for the place, `registry.person`. Built on from the last
    version for the households of the people whom the last patches touched.
    """
    members, before = inputs[MEMBER], ctx.before
    told = before.told(MEMBER) if before is not None else None
    if told is None:
        return {HOUSEHOLD: _households(members, inputs[PERSON], ctx)}
    people = put(spark, told.distinct(), ctx.scratch / "people")
    led = before.rows.join(
        F.broadcast(people.withColumnRenamed("person_id", "head_person_id")),
        "head_person_id",
        "left_semi",
    )
    lived = members.join(F.broadcast(people), "person_id", "left_semi")
    found = led.select("household_id").unionByName(lived.select("household_id"))
    touched = put(spark, found.distinct(), ctx.scratch / "households")
    some = members.join(F.broadcast(touched), "household_id", "left_semi")
    rows = _households(some, inputs[PERSON], ctx)
    return {HOUSEHOLD: Patch("household_id", touched, rows, touched)}


def _households(members: DataFrame, people: DataFrame, ctx: Any) -> DataFrame:
    heads = members.where(_is_head(ctx))
    latest = "max_by(hukou_division_code, struct(valid_from, known_from)) AS division_code"
    place = (
        people.where("known_to IS NULL")
        .join(heads.select("person_id").distinct(), "person_id", "left_semi")
        .groupBy("person_id")
        .agg(F.expr(latest))
    )
    rows = heads.join(place, "person_id", "left").selectExpr(
        "household_id", "household_kind", "household_no", "person_id AS head_person_id",
        "division_code", *_CLOCKS,
    )  # fmt: skip
    return rows.dropDuplicates(["household_id", "head_person_id", "valid_from", "known_from"])


def _is_head(ctx: Any) -> str:
    codes = ctx.catalogue.codelists["gbt4761"].rows
    heads = ", ".join(f"'{c.code}'" for c in codes if c.name == HEAD)
    return f"relation_to_head IN ({heads})"


def history(rows: DataFrame, attributes: Sequence[str]) -> DataFrame:
    """`person_id`, the attributes and the four clocks: joined where only something else changed."""
    kept = rows.select("person_id", *attributes, *_CLOCKS)
    own = "OVER (PARTITION BY person_id)"
    # Of most people all that is known was learned at once, and is believed still: nothing is to be
    # told for each moment of knowledge.
    once = f"min(known_from) {own} = max(known_from) {own} AND count(known_to) {own} = 0"
    told = kept.withColumn("_once", F.expr(once))
    several = (
        told.where("NOT _once")
        .drop("_once")
        .repartition("person_id")
        .sortWithinPartitions("person_id", "known_from", "valid_from")
        .mapInArrow(partial(_project, attributes=tuple(attributes)), kept.schema)
    )
    return _known_once(told.where("_once").drop("_once"), attributes).unionByName(several)


def _known_once(rows: DataFrame, attributes: Sequence[str]) -> DataFrame:
    """The same for people of whom all was learned at one moment: neighbours that agree are one."""
    ordered = "OVER (PARTITION BY person_id ORDER BY valid_from)"
    same = " AND ".join(
        [f"lag(valid_to) {ordered} <=> valid_from"]
        + [f"lag(`{a}`) {ordered} <=> `{a}`" for a in attributes]
    )
    starts = f"CASE WHEN row_number() {ordered} > 1 AND {same} THEN 0 ELSE 1 END"
    numbered = rows.withColumn("_starts", F.expr(starts)).withColumn(
        "_nth", F.expr(f"sum(_starts) {ordered}")
    )
    first = [F.first(a, ignorenulls=False).alias(a) for a in attributes]
    return (
        numbered.groupBy("person_id", "_nth")
        .agg(
            *first,
            F.min("valid_from").alias("valid_from"),
            F.expr("max_by(valid_to, valid_from)").alias("valid_to"),
            F.min("known_from").alias("known_from"),
            F.expr("CAST(NULL AS TIMESTAMP)").alias("known_to"),
        )
        .select("person_id", *attributes, *_CLOCKS)
    )


def _project(
    batches: Iterable[pa.RecordBatch], attributes: tuple[str, ...]
) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    schema: pa.Schema | None = None
    person: str | None = None
    beliefs: list[Belief] = []
    for batch in batches:
        schema = batch.schema
        for row in batch.to_pylist():
            if row["person_id"] != person:
                rows += _rows(person, beliefs, attributes)
                person, beliefs = row["person_id"], []
            state = tuple(row[a] for a in attributes)
            start, end, known, until = (row[c] for c in _CLOCKS)
            beliefs.append(Belief(start, end, known, until, state))
        if len(rows) >= _ROWS:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
            rows = []
    rows += _rows(person, beliefs, attributes)
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def _rows(
    person: str | None, beliefs: list[Belief], attributes: tuple[str, ...]
) -> list[dict[str, Any]]:
    found = projected(beliefs, lambda state: state)
    return [
        {
            "person_id": person,
            **dict(zip(attributes, b.state, strict=True)),
            **{c: getattr(b, c) for c in _CLOCKS},
        }
        for b in found
    ]
