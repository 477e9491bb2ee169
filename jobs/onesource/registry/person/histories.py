"""The histories of a person, and its households: `registry.person` seen by some attributes only.

A row of `person` is cut whenever any attribute changes; a history's row only when its own do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.person.belief import Belief, projected

PERSON, SOURCE = "registry.person", "registry.person_source"
_CLOCKS = ("valid_from", "valid_to", "known_from", "known_to")
_TIME = pa.timestamp("us", tz="UTC")
_ROWS = 20_000
HEAD = "户主"
REGISTERED, LOW_INCOME = "户籍户", "低保家庭"


def build_ids(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.person_id_history`: every number a person had, and why it changed.

    A number of fifteen digits is the same number in its old form: it has a row of its own.
    """
    table = "registry.person_id_history"
    found = history(inputs[PERSON], ("id_type", "id_no")).where("id_no IS NOT NULL")
    by = "PARTITION BY person_id, known_to IS NULL ORDER BY valid_from, known_from"
    changed = found.withColumn(
        "reason",
        F.expr(f"CASE WHEN lag(id_no) OVER ({by}) IS NULL THEN '首次' ELSE '变更' END"),
    )
    return {table: changed}


def build_names(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.person_name_history`: every name a person had."""
    table = "registry.person_name_history"
    return {table: history(inputs[PERSON], ("name",)).where("name IS NOT NULL")}


def build_addresses(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.person_address_history`: where a person was registered, and where it lived."""
    rows = inputs[PERSON]
    kinds = (
        ("户籍", "hukou_division_code", "hukou_address"),
        ("现住", "current_division_code", "current_address"),
    )
    found: DataFrame | None = None
    for kind, division, address in kinds:
        part = (
            history(rows, (division, address))
            .where(f"{division} IS NOT NULL OR {address} IS NOT NULL")
            .withColumnsRenamed({division: "division_code", address: "address"})
            .withColumn("address_kind", F.lit(kind))
        )
        found = part if found is None else found.unionByName(part)
    assert found is not None
    return {"registry.person_address_history": found}


def build_members(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.household_member`: who belongs to which household, as what, and when.

    户籍户 from the register, 低保家庭 from the lists of civil affairs: two kinds that need not
    have the same members.
    """
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
    rows = registered.unionByName(supported).withColumn("household_id", F.expr(_HOUSEHOLD_ID))
    return {"registry.household_member": rows}


# A household's number is its department's own: the kind belongs to the key.
_HOUSEHOLD_ID = (
    "concat('H', upper(substring(sha2(concat(household_kind, household_no), 256), 1, 20)))"
)


def build_households(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.household`: one row per household and stretch in which it has the same head.

    Reads `registry.household_member` and, for the place, `registry.person`.
    """
    members = inputs["registry.household_member"]
    heads = members.where(_is_head(ctx))
    place = inputs[PERSON].where("known_to IS NULL").selectExpr(
        "person_id", "hukou_division_code AS division_code",
        "row_number() OVER (PARTITION BY person_id ORDER BY valid_from DESC) AS n",
    ).where("n = 1").drop("n")  # fmt: skip
    rows = heads.join(place, "person_id", "left").selectExpr(
        "household_id", "household_kind", "household_no", "person_id AS head_person_id",
        "division_code", *_CLOCKS,
    )  # fmt: skip
    once = ["household_id", "head_person_id", "valid_from", "known_from"]
    return {"registry.household": rows.dropDuplicates(once)}


def _is_head(ctx: Any) -> str:
    codes = ctx.catalogue.codelists["gbt4761"].rows
    heads = ", ".join(f"'{c.code}'" for c in codes if c.name == HEAD)
    return f"relation_to_head IN ({heads})"


def history(rows: DataFrame, attributes: Sequence[str]) -> DataFrame:
    """`person_id`, the attributes and the four clocks: joined where only something else changed."""
    kept = rows.select("person_id", *attributes, *_CLOCKS)
    counted = kept.withColumn("_n", F.expr("count(*) OVER (PARTITION BY person_id)"))
    # Most people have one row, which is its own history.
    single = counted.where("_n = 1").drop("_n")
    types = {f.name: f.dataType.simpleString() for f in kept.schema.fields}
    schema = ", ".join(f"`{n}` {t}" for n, t in types.items())
    several = (
        counted.where("_n > 1")
        .drop("_n")
        .repartition("person_id")
        .sortWithinPartitions("person_id", "known_from", "valid_from")
        .mapInArrow(partial(_project, attributes=tuple(attributes)), schema)
    )
    return single.unionByName(several)


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
