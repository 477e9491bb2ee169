"""Of the city's voices those that a night can alter, so that the others stay as they are.

Who is who is decided by numbers, names and the police's key (`identity`): a row that changed can
alter the persons that have one of its numbers, now or before, those of its unit, and those that
share a number with them. Nobody else. (Whom departments decided on is looked at every night.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.person.identity import NUMBER, ROW, UNIT
from onesource.registry.person.model import AS_SAID
from onesource.registry.person.voices import COLUMNS, COMPARED, SPEAKERS, voices
from onesource.spark.written import put

# Where a night touches more voices than this, the whole is built anew: it is not dearer then.
MANY = 400_000
_RENAMED = {"former_name": "_former_name", "said_order": "_order"}


def as_voices(rows: DataFrame) -> DataFrame:
    """Rows of `registry.person_source` as the voices that they were made from."""
    names = {name: _RENAMED.get(name, name) for name in COLUMNS}
    whole = rows.where(f"{AS_SAID} IS NULL").select(
        *[F.col(there).alias(name) for name, there in names.items()], *COMPARED
    )
    # A voice that a decision cut has several rows.
    own = {name: f"{AS_SAID}.{name}" for name in ("id_no", "known_from", "known_to")}
    cut = rows.where(f"{AS_SAID} IS NOT NULL").select(
        *[F.col(there).alias(name) for name, there in (names | own).items()], *COMPARED
    )
    return whole.unionByName(cut.distinct())


def changed_rows(
    inputs: Mapping[str, DataFrame],
    before: DataFrame,
    tables: Sequence[str],
    told: Callable[[str], DataFrame | None],
) -> tuple[DataFrame, DataFrame]:
    """The voices of the tables that changed, and `_row` of the rows of which another is said now.

    before: `registry.person_source` as it was. tables: names of silver tables, all in `inputs`.
    told: the keys of a table whose rows are others now, where that is known; of such a table only
    the voices of these keys are looked at.
    """
    if not tables:
        return as_voices(before.limit(0)), before.limit(0).selectExpr(f"{ROW} AS _row")
    silver = {t: inputs[t] for t in tables}
    then: list[DataFrame] = []
    for speaker in {s.feed: s for s in SPEAKERS if s.table in tables}.values():
        rows = before.where(F.col("source") == speaker.feed)
        keys = told(speaker.table)
        if keys is not None:
            # A voice's key is made of its table's key alone.
            own = keys.selectExpr(f"{speaker.key} AS source_key").distinct()
            rows = rows.join(F.broadcast(own), "source_key", "left_semi")
            some = F.broadcast(keys.distinct())
            silver[speaker.table] = silver[speaker.table].join(some, keys.columns, "left_semi")
        then.append(as_voices(rows))
    now = voices(silver)
    was = reduce(DataFrame.unionByName, then)
    signed = _hashed(now, 1).unionByName(_hashed(was, -1))
    differing = signed.groupBy("_row", "_hash").agg(F.sum("_sign").alias("_n")).where("_n <> 0")
    return now, differing.select("_row").distinct()


def _hashed(rows: DataFrame, sign: int) -> DataFrame:
    said = [F.col(c) for c in (*COLUMNS, *COMPARED)]
    return rows.select(
        F.expr(ROW).alias("_row"), F.xxhash64(*said).alias("_hash"), F.lit(sign).alias("_sign")
    )


def reached(
    spark: SparkSession, before: DataFrame, fresh: DataFrame, changed: DataFrame, folder: Path
) -> DataFrame:
    """`_component` (as it was) of all that rows which changed can alter."""
    old = before.withColumns({"_row": F.expr(ROW), "_number": F.expr(NUMBER)})
    there = old.join(F.broadcast(changed), "_row", "left_semi")
    said = fresh.selectExpr(f"{NUMBER} AS _number", f"{UNIT} AS _unit").unionByName(
        there.select("_number", "_unit")
    )
    keys = put(spark, said.distinct(), folder / "keys")
    numbers = keys.select("_number").dropna().distinct().withColumn("_a", F.lit(1))
    units = keys.select("_unit").dropna().distinct().withColumn("_b", F.lit(1))
    found = put(
        spark,
        old.join(F.broadcast(numbers), "_number", "left")
        .join(F.broadcast(units), "_unit", "left")
        .join(F.broadcast(changed.withColumn("_c", F.lit(1))), "_row", "left")
        .where("_component IS NOT NULL AND (_a = 1 OR _b = 1 OR _c = 1)")
        .select("_component")
        .distinct(),
        folder / "reached",
    )
    return _with_sharers(spark, old, found, folder)


def _with_sharers(spark: SparkSession, old: DataFrame, found: DataFrame, folder: Path) -> DataFrame:
    """Adds those who share a number with one of them, and so on."""
    shared = put(
        spark,
        old.where("_is_shared AND _component IS NOT NULL")
        .select("_component", "_number")
        .distinct(),
        folder / "shared",
    )
    step = 0
    size = found.count()
    while True:
        numbers = shared.join(F.broadcast(found), "_component", "left_semi").select("_number")
        more = shared.join(F.broadcast(numbers.distinct()), "_number", "left_semi")
        step += 1
        wider = found.unionByName(more.select("_component")).distinct()
        found = put(spark, wider, folder / f"reached_{step}")
        grown = found.count()
        if grown == size:
            return found
        size = grown
