"""What a full statement says that its scope had not said before: only that is kept of it.

A register that comes every month says of nearly every key what it said the month before. Of a
statement the table keeps a mark, and rows only for keys of which it says something else than the
statement before it, in the order of the world's days. What it said of any other key is what the
nearest kept row before it says; a key without one it lacked.

"Before it" has to be right at every moment of knowledge, for a history is told for each of them:
where statements were received in another order than that of their days, a statement may follow
one statement today and followed another last week. So a row is left out only where it repeats
every statement that it ever followed (`follows`), and a late statement that comes between two
others makes the row after it be kept again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.bitemporal import LACKED, SAID
from onesource.contracts.model import Contract
from onesource.spark.local import local_rows

NOTHING = -1  # before a scope's first statement


@dataclass(frozen=True, order=True)
class Mark:
    """That a scope was spoken for. `place` sorts a world's marks by day, then by statement."""

    world: str
    place: tuple[str, str, str]  # day (ISO), order, scope
    received: int  # microseconds since 1970
    is_new: bool

    @property
    def order(self) -> str:
        return self.place[1]

    @property
    def scope(self) -> str:
        return self.place[2]


def follows(received: Sequence[int], at: int) -> list[int]:
    """The statements that came just before number `at` at some moment since it was known.

    received: of the statements of a scope, in the order of their days. NOTHING: none was there.
    """
    found: list[int] = []
    nearest: float = inf  # the earliest receipt of those between
    own = received[at]
    for before in range(at - 1, -1, -1):
        known = max(received[before], own)
        if nearest > known:
            found.append(before)
        nearest = min(nearest, received[before])
        if nearest <= own:
            return found
    return [*found, NOTHING]


@dataclass(frozen=True)
class Check:
    """Statement `at` of a world needs its row kept where it says otherwise than `before`."""

    world: str
    at: int
    before: int


def checks(marks: Sequence[Mark]) -> list[Check]:
    """What is to be compared when the new ones among one world's sorted marks come in."""
    received = [m.received for m in marks]
    return [
        Check(m.world, at, before)
        for at, m in enumerate(marks)
        for before in follows(received, at)
        if m.is_new or (before != NOTHING and marks[before].is_new)
    ]


@dataclass(frozen=True)
class Plan:
    """The marks of the worlds that a batch speaks for, and what is to be compared.

    numbers: `_scope, _order, _world, _at, _is_new` of every mark, with what its row repeats.
    asks: `_world, _checks` (array of at, before). watched: `_world, _at` of the old marks
    that a check names. is_first: nothing was said before, and each world is spoken for once.
    """

    numbers: DataFrame
    asks: DataFrame
    watched: DataFrame
    is_first: bool


def plan(spark: SparkSession, marks: Iterable[Mark]) -> Plan:
    worlds: dict[str, list[Mark]] = {}
    for mark in sorted(set(marks)):
        worlds.setdefault(mark.world, []).append(mark)
    asked = {w: checks(found) for w, found in worlds.items()}
    numbers = [
        (m.scope, m.order, w, at, m.is_new)
        for w, found in worlds.items()
        for at, m in enumerate(found)
    ]
    watched = {
        (w, at)
        for w, found in asked.items()
        for c in found
        for at in (c.at, c.before)
        if at != NOTHING and not worlds[w][at].is_new
    }
    return Plan(
        local_rows(
            spark,
            numbers,
            "_scope string, _order string, _world string, _at int, _is_new boolean",
        ),
        local_rows(
            spark,
            [(w, [{"at": c.at, "before": c.before} for c in f]) for w, f in asked.items()],
            "_world string, _checks array<struct<at:int,before:int>>",
        ),
        local_rows(spark, sorted(watched), "_world string, _watched int"),
        all(len(found) == 1 and found[0].is_new for found in worlds.values()),
    )


def words_sql(feed: Contract) -> str:
    """A fingerprint (128 bits) of what a row says of its key; equal words, equal fingerprints."""
    said = [n for n in feed.field_names if n not in feed.key and n != feed.properties.period]
    # A hash passes over what is null: whether it is null is hashed, too.
    cells = ", ".join(f"`{n}`, isnull(`{n}`)" for n in said) or "0"
    return f"concat_ws(':', xxhash64({cells}), xxhash64('another', {cells}))"


def compared(kept: DataFrame, batch: DataFrame, feed: Contract, made: Plan) -> DataFrame:
    """For every key of the worlds: what it was said to be at each mark that is looked at.

    kept: rows kept of the worlds' keys (`_state` SAID, LACKED, or null), with the `_world, _at`
    of their marks. batch: the new rows.
    Gives the key, `_world` and `_said`: mark number → fingerprint; null or missing: lacked.
    """
    key = list(feed.key)
    light = [*key, "_world", "_at", "_words"]
    words = F.expr(f"CASE WHEN _state <=> '{LACKED}' THEN NULL ELSE {words_sql(feed)} END")
    numbers = F.broadcast(made.numbers)
    old = kept.withColumn("_words", words).select(*light)
    # Of an old statement that is looked at, the nearest row kept before it tells what it said.
    told = (
        old.join(F.broadcast(made.watched), "_world")
        .where("_at <= _watched")
        .groupBy(*key, "_world", "_watched")
        .agg(F.max(F.struct("_at", "_words")).alias("_m"))
        .select(*key, "_world", F.col("_watched").alias("_at"), "_m._words")
    )
    new = batch.withColumn("_words", words).join(numbers, ["_scope", "_order"]).select(*light)
    return (
        told.unionByName(new)
        .groupBy(*key, "_world")
        .agg(F.map_from_entries(F.collect_list(F.struct("_at", "_words"))).alias("_said"))
    )


def telling(facts: DataFrame, made: Plan, feed: Contract) -> DataFrame:
    """The key, `_world` and `_at` of every row that has to be kept now (see `compared`)."""
    differs = "NOT (try_element_at(_said, c.at) <=> try_element_at(_said, c.before))"
    wanted = f"array_distinct(transform(filter(_checks, c -> {differs}), c -> c.at))"
    return facts.join(F.broadcast(made.asks), "_world").select(
        *feed.key, "_world", F.explode(F.expr(wanted)).alias("_at")
    )


def departures(facts: DataFrame, made: Plan, feed: Contract) -> DataFrame:
    """How many keys each new statement lacks that the one before it in its world had.

    Gives `_order, _had, _lacks`; a statement before which nothing was said is not among them.
    """
    each = facts.join(F.broadcast(made.asks), "_world").select(
        "_world", "_said", F.explode("_checks").alias("c")
    )
    had = "try_element_at(_said, c.before) IS NOT NULL"
    counted = (
        each.where(had)
        .groupBy("_world", F.col("c.at").alias("_at"), F.col("c.before").alias("_before"))
        .agg(
            F.count("*").alias("_had"),
            F.expr("count_if(try_element_at(_said, c.at) IS NULL)").alias("_lacks"),
        )
    )
    # The nearest statement before is the one to which it is compared.
    nearest = counted.groupBy("_world", "_at").agg(
        F.max(F.struct("_before", "_had", "_lacks")).alias("m")
    )
    new = made.numbers.where("_is_new").select("_world", "_at", "_order")
    return nearest.join(F.broadcast(new), ["_world", "_at"]).select("_order", "m._had", "m._lacks")


def rows_to_keep(
    needed: DataFrame, kept: DataFrame, batch: DataFrame, marks: DataFrame, feed: Contract
) -> DataFrame:
    """The rows that are to be added: of the batch, of what it lacks, and of statements after it.

    needed: what `telling` found, with the mark's `_scope, _order, _is_new`. marks: the marks'
    own columns. A row of an older statement is told by the row before that says the same: where
    its words stand, `_delivery_id` and `_line` say.
    """
    key = list(feed.key)
    fields = [n for n in feed.field_names if n not in key]
    own = ["_statement_at", "_received_at"]
    new = needed.where("_is_new").select(*key, *PLACE_OF_ROW)
    present = batch.join(new, [*key, *PLACE_OF_ROW], "left_semi").withColumn("_state", F.lit(SAID))
    lacked = (
        new.join(batch.select(*key, *PLACE_OF_ROW), [*key, *PLACE_OF_ROW], "left_anti")
        .join(F.broadcast(marks.select(*PLACE_OF_ROW, "_delivery_id", *own)), [*PLACE_OF_ROW])
        .withColumn("_state", F.lit(LACKED))
    )
    # A key of which nothing was kept before was lacked, and is now said to have been.
    told = kept.drop(*PLACE_OF_ROW, *own).alias("t")
    older = needed.where("NOT _is_new").alias("w")
    same = [F.expr(f"w.`{n}` = t.`{n}`") for n in [*key, "_world"]]
    again = older.join(told, [*same, F.expr("t._at <= w._at")], "left")
    again = again.selectExpr(
        *[f"w.`{n}`" for n in (*key, "_world", *PLACE_OF_ROW)],
        "w._at AS _wanted",
        "t._at AS _at",
        *[f"t.`{n}`" for n in fields],
        *[f"t.`{n}`" for n in _TECHNICAL if n in told.columns],
        f"CASE WHEN t._at IS NULL OR t._state <=> '{LACKED}' THEN '{LACKED}' ELSE '{SAID}' END "
        "AS _state",
    )
    by = ", ".join(f"`{n}`" for n in key)
    rank = f"row_number() OVER (PARTITION BY {by}, _world, _wanted ORDER BY _at DESC)"
    again = (
        again.withColumn("_n", F.expr(rank))
        .where("_n = 1 AND (_at IS NULL OR _at < _wanted)")
        .join(F.broadcast(marks.select(*PLACE_OF_ROW, *own)), [*PLACE_OF_ROW])
    )
    columns = [*key, *fields, *_TECHNICAL, "_state"]
    return (
        present.select(*columns)
        .unionByName(lacked.select(*[c for c in columns if c in lacked.columns]), True)
        .unionByName(again.select(*columns))
    )


PLACE_OF_ROW = ("_scope", "_order")
_TECHNICAL = (
    "_issues",
    "_delivery_id",
    "_sheet",
    "_line",
    "_statement_at",
    "_received_at",
    "_scope",
    "_order",
)
