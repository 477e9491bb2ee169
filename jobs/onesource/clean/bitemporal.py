"""Histories on two clocks: what held in the world, and since when the lake knew it.

`valid_from/valid_to` in the world and `known_from/known_to` in the lake are half-open; null is
open. The table is a function of the set of statements alone, so every order of processing gives
the same one:

* a statement's row starts at its `valid_from` (the contract's field, else the statement's day) and
  lasts until the key's next start, or its own `valid_to` when that is earlier;
* a full statement that lacks a key, and a deletion, end it on the statement's day;
* what was believed at a moment is what follows from the statements received by then; `known_from`
  and `known_to` bound how long a row was believed.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction

COLUMNS = {
    "valid_from": "date",
    "valid_to": "date",
    "known_from": "timestamp",
    "known_to": "timestamp",
}


def recompute(
    before: DataFrame, batch: DataFrame, feed: Contract, statements: DataFrame
) -> DataFrame | None:
    """The whole table after the batch: evidence, marks of statements, and the visible history.

    before: the table now. batch: accepted rows. statements: `_scope, _delivery_id, _statement_at,
    _received_at, _order` of the batch's statements (also of those without rows).
    """
    names = before.columns
    evidence = before.where("_state = 'evidence'").unionByName(
        batch.withColumn("_state", F.lit("evidence")), allowMissingColumns=True
    )
    marks = before.where("_state = 'statement'").unionByName(
        statements.withColumn("_state", F.lit("statement")), allowMissingColumns=True
    )
    history = timeline(evidence, marks, feed)
    return (
        evidence.select(*names)
        .unionByName(marks.select(*names))
        .unionByName(history.select(*names))
    )


def timeline(evidence: DataFrame, marks: DataFrame, feed: Contract) -> DataFrame:
    """The visible rows: one per key, stretch of the world, and stretch of knowledge."""
    events = _events(evidence, marks, feed)
    key = list(feed.key)
    said = events.select(*key, F.col("_received_at").alias("_k")).distinct()
    believed = said.alias("k").join(
        events.alias("e"),
        [F.expr(f"k.`{n}` <=> e.`{n}`") for n in key] + [F.expr("e._received_at <= k._k")],
    )
    believed = believed.select("e.*", "k._k")
    world = _world(believed, key)
    return _known(world, said, key, feed)


def _events(evidence: DataFrame, marks: DataFrame, feed: Contract) -> DataFrame:
    """One row per key and statement that speaks for it: `_start, _stop, _present, _values`."""
    p = feed.properties
    day = "to_date(_statement_at)"
    start = f"coalesce(CAST(`{p.valid_from}` AS DATE), {day})" if p.valid_from else day
    stop = f"CAST(`{p.valid_to}` AS DATE)" if p.valid_to else "CAST(NULL AS DATE)"
    others = [n for n in feed.field_names if n not in feed.key]
    own = {p.valid_from, p.valid_to}
    values = ", ".join(f"'{n}', `{n}`" for n in others if n not in own)
    present = "TRUE"
    change = feed.delivery.change_type
    if feed.correction is Correction.CHANGE_LOG and change:
        words = ", ".join("'" + w.replace("'", "\\'") + "'" for w in change.delete)
        present = f"coalesce(`{change.field}` NOT IN ({words}), TRUE)"
        values = ", ".join(f"'{n}', `{n}`" for n in others if n not in own | {change.field})
        start = f"CASE WHEN {present} THEN {start} ELSE {day} END"
    said = evidence.drop(*[n for n in COLUMNS if n not in feed.field_names]).withColumns(
        {
            "_start": F.expr(start),
            "_stop": F.expr(stop),
            "_present": F.expr(present),
            "_values": F.expr(f"to_json(named_struct({values}))" if values else "''"),
        }
    )
    if feed.correction is not Correction.REPLACE:
        return said
    return said.unionByName(_absences(said, marks, feed), allowMissingColumns=True)


def _absences(said: DataFrame, marks: DataFrame, feed: Contract) -> DataFrame:
    """The keys of a scope that a full statement of the scope does not hold."""
    keys = said.select(*feed.key, "_scope").distinct()
    spoken = marks.select("_scope", "_delivery_id", "_statement_at", "_received_at", "_order")
    expected = keys.join(spoken, "_scope")
    here = [F.expr(f"a.`{n}` <=> b.`{n}`") for n in (*feed.key, "_delivery_id")]
    absent = expected.alias("a").join(said.alias("b"), here, "left_anti")
    return absent.withColumns(
        {
            "_start": F.expr("to_date(_statement_at)"),
            "_present": F.lit(False),
            "_values": F.lit(None).cast("string"),
        }
    )


def _world(believed: DataFrame, key: list[str]) -> DataFrame:
    """For each moment of knowledge `_k`: the stretches of the world that were believed."""
    by = ", ".join(f"`{n}`" for n in [*key, "_k"])
    latest = believed.withColumn(
        "_n", F.expr(f"row_number() OVER (PARTITION BY {by}, _start ORDER BY _order DESC)")
    ).where("_n = 1")
    ordered = f"OVER (PARTITION BY {by} ORDER BY _start)"
    # A stretch that says what the one before said, without a hole between, continues it.
    chained = latest.withColumns(
        {
            "_same": F.expr(
                f"coalesce(_present AND lag(_present) {ordered} "
                f"AND lag(_values) {ordered} <=> _values "
                f"AND coalesce(lag(_stop) {ordered} >= _start, TRUE), FALSE)"
            )
        }
    ).withColumn("_island", F.expr(f"sum(CASE WHEN _same THEN 0 ELSE 1 END) {ordered}"))
    bounded = chained.withColumn("_next", F.expr(f"lead(_start) {ordered}"))
    island = ", ".join(f"`{n}`" for n in [*key, "_k", "_island"])
    whole = bounded.withColumns(
        {
            "_first": F.expr(f"row_number() OVER (PARTITION BY {island} ORDER BY _start)"),
            "valid_to": F.expr(
                "last_value(CASE WHEN _stop IS NULL THEN _next "
                "ELSE least(_stop, coalesce(_next, _stop)) END) "
                f"OVER (PARTITION BY {island} ORDER BY _start "
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
            ),
        }
    )
    return (
        whole.where("_first = 1 AND _present AND (valid_to IS NULL OR valid_to > _start)")
        .withColumn("valid_from", F.col("_start"))
        .drop("_n", "_same", "_island", "_next", "_first")
    )


def _known(world: DataFrame, said: DataFrame, key: list[str], feed: Contract) -> DataFrame:
    """Joins equal beliefs of successive moments: `known_from`, `known_to`."""
    by = ", ".join(f"`{n}`" for n in key)
    moments = said.withColumns(
        {
            "_i": F.expr(f"row_number() OVER (PARTITION BY {by} ORDER BY _k)"),
            "_after": F.expr(f"lead(_k) OVER (PARTITION BY {by} ORDER BY _k)"),
        }
    )
    same = [F.expr(f"w.`{n}` <=> m.`{n}`") for n in [*key, "_k"]]
    placed = world.alias("w").join(moments.alias("m"), same).select("w.*", "m._i", "m._after")
    belief = f"{by}, valid_from, valid_to, _values"
    placed = placed.withColumn(
        "_run", F.expr(f"_i - row_number() OVER (PARTITION BY {belief} ORDER BY _i)")
    )
    run = f"PARTITION BY {belief}, _run ORDER BY _i"
    frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    rows = placed.withColumns(
        {
            "_nth": F.expr(f"row_number() OVER ({run})"),
            "known_from": F.expr(f"first_value(_k) OVER ({run} {frame})"),
            "known_to": F.expr(f"last_value(_after) OVER ({run} {frame})"),
        }
    ).where("_nth = 1")
    wanted: list[Column] = []
    for name in feed.field_names:
        if name not in COLUMNS:
            wanted.append(F.col(name))
    technical = [c for c in rows.columns if c in _CARRIED]
    return rows.select(*wanted, *COLUMNS, *technical).withColumn(
        "_state", F.lit(None).cast("string")
    )


_CARRIED = (
    "_issues",
    "_delivery_id",
    "_sheet",
    "_line",
    "_statement_at",
    "_received_at",
    "_order",
    "_scope",
)
