"""A bitemporal silver table after a batch: only the keys that the batch speaks for are told anew.

`bitemporal.timeline` is the one definition of a history; here it is called on the keys concerned,
with all that was ever said of them. The table gets the rest back as it was, in one commit. What
full statements repeat is not kept again (`repeats`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean import bitemporal, repeats
from onesource.clean.stage import Staged
from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction
from onesource.lake import delta
from onesource.spark.written import put

_MARK = "statement"
_PLACE = list(bitemporal.PLACE)
_FEW = 200_000  # rows of evidence that one task tells in seconds


def apply(
    spark: SparkSession,
    path: Path,
    feed: Contract,
    staged: Staged,
    batch: DataFrame,
    statements: DataFrame,
    columns: Mapping[str, str],
) -> tuple[int | None, DataFrame | None]:
    """Brings a batch into the table. Returns the version, or None for nothing; and the keys that
    are told anew, in the batch's folder, or None where all of them are new.

    batch: the accepted rows. statements: `_scope, _delivery_id, _statement_at, _received_at,
    _order` of what the batch speaks for (also where it has no rows). columns: the table's.
    """
    table = delta.read(spark, path)
    batch = batch.withColumn("_state", F.lit(bitemporal.SAID))
    marks = statements if feed.correction is Correction.REPLACE else None
    said = batch if marks is None else _said_anew(spark, feed, staged, table, batch, marks)
    concerned = put(spark, said.select(*feed.key).distinct(), staged.folder / "concerned")
    before = table.where(f"_state IS NULL OR _state <> '{_MARK}'").join(
        concerned, list(feed.key), "left_semi"
    )
    is_new = before.isEmpty()
    if not is_new:
        said = _evidence(before, feed).unionByName(said, True).dropDuplicates([*feed.key, *_PLACE])
        said = put(spark, said, staged.folder / "said")
        if said.count() <= _FEW:
            # One task: no shuffle between the many windows of a history.
            said = said.coalesce(1)
    rows = _shaped(_settled(spark, said, feed, staged), columns)
    if marks is not None:
        rows = rows.unionByName(_shaped(marks.withColumn("_state", F.lit(_MARK)), columns))
    if is_new:
        nothing = marks is None and concerned.isEmpty()
        return (None if nothing else delta.write(rows, path, mode="append")), None
    # Marks have no key and stay.
    if table.count() >= delta.MANY_ROWS:
        made = put(spark, rows, staged.folder / "made")
        key = [f"kept.`{k}`" for k in feed.key]
        version = delta.replace_rows(spark, path, key=key, gone=concerned, rows=made)
        return version, concerned
    rest = table.join(concerned, list(feed.key), "left_anti").select(*columns)
    whole = rest.unionByName(rows)
    return delta.write(whole, path, mode="overwrite", replace_where="true"), concerned


def absences(
    spark: SparkSession, path: Path, feed: Contract, batch: DataFrame, statements: DataFrame
) -> dict[str, tuple[int, int]]:
    """For each delivery whose full statement is the newest of its scope: what holds there now, and
    how much of it the statement lacks (rows of the table's key).

    batch, statements: as for `apply`. A late statement is not the newest, and a first one has
    nothing to lack.
    """
    table = delta.read(spark, path)
    world = F.expr(bitemporal.world_sql(feed)).alias("_world")
    marks = table.where(f"_state = '{_MARK}'").select(world, "_order")
    last = marks.groupBy("_world").agg(F.max("_order").alias("_last"))
    newest = (
        statements.select(world, "_delivery_id", "_order")
        .join(last, "_world")
        .where("_order > _last")
        .select("_world", "_delivery_id")
        .distinct()
    )
    key = list(feed.key)
    holds = table.where("_state IS NULL AND known_to IS NULL AND valid_to IS NULL")
    asked = holds.select(world, *key).distinct().join(F.broadcast(newest), "_world")
    said = batch.select("_delivery_id", *key).distinct().withColumn("_said", F.lit(1))
    found = (
        asked.join(said, ["_delivery_id", *key], "left")
        .groupBy("_delivery_id")
        .agg(F.count("*").alias("held"), F.expr("count_if(_said IS NULL)").alias("lacked"))
    )
    return {r["_delivery_id"]: (r["held"], r["lacked"]) for r in found.collect()}


def _settled(spark: SparkSession, said: DataFrame, feed: Contract, staged: Staged) -> DataFrame:
    """What the table keeps of these keys. Most keys of a first load are told in one pass."""
    several = said.groupBy(*feed.key).count().where("count > 1").select(*feed.key)
    several = put(spark, several, staged.folder / "several")
    if several.isEmpty():
        return bitemporal.alone(said, feed)
    key = list(feed.key)
    rest = bitemporal.settled(said.join(several, key, "left_semi"), feed)
    alone = bitemporal.alone(said.join(several, key, "left_anti"), feed)
    return alone.unionByName(rest, allowMissingColumns=True)


def _said_anew(
    spark: SparkSession,
    feed: Contract,
    staged: Staged,
    table: DataFrame,
    batch: DataFrame,
    statements: DataFrame,
) -> DataFrame:
    """What full statements say that is not kept already: rows to add to the evidence."""
    marks, made = _plan(spark, feed, table, statements)
    if made.is_first:
        return batch
    kept = _kept(table, feed, made)
    facts = repeats.compared(kept, batch, feed, made)
    needed = repeats.telling(facts, made, feed).join(F.broadcast(made.numbers), ["_world", "_at"])
    needed = put(spark, needed, staged.folder / "needed")
    return repeats.rows_to_keep(needed, kept, batch, marks, feed)


def _plan(
    spark: SparkSession, feed: Contract, table: DataFrame, statements: DataFrame
) -> tuple[DataFrame, repeats.Plan]:
    """The marks of the worlds that the batch speaks for, old and new, and what to compare."""
    columns = ["_scope", "_order", "_delivery_id", "_statement_at", "_received_at"]
    every = (
        table.where(f"_state = '{_MARK}'")
        .select(*columns, F.lit(False).alias("_is_new"))
        .unionByName(statements.select(*columns, F.lit(True).alias("_is_new")))
        .withColumns(
            {
                "_world": F.expr(bitemporal.world_sql(feed)),
                "_day": F.expr(f"CAST({bitemporal.day_sql(feed)} AS STRING)"),
                "_known": F.expr("unix_micros(_received_at)"),
            }
        )
    )
    spoken = every.where("_is_new").select("_world").distinct()
    marks = every.join(F.broadcast(spoken), "_world", "left_semi")
    found = [
        repeats.Mark(r["_world"], (r["_day"], r["_order"], r["_scope"]), r["_known"], r["_is_new"])
        for r in marks.collect()
    ]
    return marks, repeats.plan(spark, found)


def _kept(table: DataFrame, feed: Contract, made: repeats.Plan) -> DataFrame:
    """The rows that stand for what older statements of these worlds said, with their numbers."""
    old = made.numbers.where("NOT _is_new").select(*_PLACE, "_world", "_at")
    rows = table.where(_is_evidence(feed))
    return rows.join(F.broadcast(old), _PLACE)


def _is_evidence(feed: Contract) -> str:
    hidden = f"_state IN ('{bitemporal.SAID}', '{bitemporal.LACKED}')"
    return f"({hidden} OR _state IS NULL)" if bitemporal.shown_is_evidence(feed) else hidden


def _evidence(before: DataFrame, feed: Contract) -> DataFrame:
    """All that was said of the keys, one row a key and statement."""
    clocks = [n for n in bitemporal.COLUMNS if n not in feed.field_names]
    rows = before.where(_is_evidence(feed)).drop(*clocks)
    return rows.withColumn("_state", F.expr(f"coalesce(_state, '{bitemporal.SAID}')"))


def _shaped(rows: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    present: Sequence[str] = rows.columns
    return rows.select(
        *[F.col(n) if n in present else F.lit(None).cast(t).alias(n) for n, t in columns.items()]
    )
