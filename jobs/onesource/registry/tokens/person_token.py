"""`registry.person_token`: the id token of every number that a person ever had → person_id, dated.

An 18-digit number of a person born in the 1900s has a second form of 15 digits (GB 11643: without
the century and the check digit), and the other way round; a feed may bring either, so both forms
have a row. No number stands here, only tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.errors import OneSourceError
from onesource.person_keys import PersonKey
from onesource.registry.patch import Before, Patch
from onesource.registry.tokens.forms import forms
from onesource.spark.person_columns import id_token
from onesource.spark.written import put

HISTORY = "registry.person_id_history"
TABLE = "registry.person_token"


def build(
    spark: SparkSession, inputs: Mapping[str, DataFrame], context: Any
) -> Mapping[str, DataFrame | Patch]:
    """One row a token, person and interval; `is_shared` where another person has it too, both
    believed at one time. Built on from the last version for the tokens of the people touched."""
    key = getattr(context, "key", None)
    if key is None:
        raise OneSourceError(f"{TABLE}: there is no person key to make tokens with")
    before: Before | None = context.before
    told = before.told(HISTORY) if before is not None else None
    if before is None or told is None:
        return {TABLE: tokens(inputs[HISTORY], key)}
    people = told.distinct()
    mine = tokens(_of(inputs[HISTORY], people), key).select("id_token")
    found = _of(before.rows, people).select("id_token").unionByName(mine).distinct()
    touched = put(spark, found, context.scratch / "tokens")
    # Whoever else has one of these tokens: whether it is shared follows from all of them.
    others = before.rows.join(F.broadcast(touched), "id_token", "left_semi").select("person_id")
    every = tokens(_of(inputs[HISTORY], people.unionByName(others).distinct()), key)
    rows = every.join(F.broadcast(touched), "id_token", "left_semi")
    return {TABLE: Patch("id_token", touched, rows, touched)}


def _of(rows: DataFrame, people: DataFrame) -> DataFrame:
    return rows.join(F.broadcast(people), "person_id", "left_semi")


def tokens(history: DataFrame, key: PersonKey) -> DataFrame:
    """The rows of the table from those of `registry.person_id_history`."""
    rows = history.where("id_no IS NOT NULL").select(
        "person_id",
        "id_type",
        F.explode(_forms(F.col("id_no"))).alias("_form"),
        "valid_from",
        "valid_to",
        "known_from",
        "known_to",
    )
    made = rows.withColumn("id_token", id_token(F.col("_form"), key)).drop("_form")
    by_interval = "id_token, person_id, valid_from, known_from"
    # Two forms of one number in the history give one token twice: one row is enough.
    one = f"row_number() OVER (PARTITION BY {by_interval} ORDER BY known_to DESC NULLS FIRST)"
    made = made.withColumn("_one", F.expr(one)).where("_one = 1").drop("_one")
    believed = "CASE WHEN known_to IS NULL THEN person_id END"
    people = f"size(collect_set({believed}) OVER (PARTITION BY id_token))"
    return made.withColumn("is_shared", F.expr(f"{people} > 1 AND known_to IS NULL")).select(
        "id_token", "person_id", "id_type", "is_shared",
        "valid_from", "valid_to", "known_from", "known_to",
    )  # fmt: skip


def _forms(column: Any) -> Any:
    def make(values: Any) -> Any:
        found = [[] if v is None else forms(v) for v in values.to_pylist()]
        return pa.array(found, pa.list_(pa.string()))

    make.__annotations__ = {"values": pa.Array, "return": pa.Array}
    function: Any = F.arrow_udf(make, "array<string>")  # type: ignore[attr-defined]
    return function(column)
