"""Histories on two clocks: what held in the world, and since when the lake knew it.

`valid_from/valid_to` in the world and `known_from/known_to` in the lake are half-open; null is
open. The history of a key is a function of the set of statements alone, so every order of
processing gives the same one:

* a statement's row starts at its `valid_from` (the contract's field, else the statement's day) and
  lasts until the key's next start, or its own `valid_to` when that is earlier;
* a full statement holds from its start on until a later one of the same scope speaks, whatever
  earlier ones said of that time; one that lacks a key ends it, in that scope, on its day;
* a key that several scopes hold (a person in two counties' files) has the row of the scope that
  began last to say what it says; one scope's silence ends nothing that another holds;
* a deletion ends the key on the statement's day;
* what was believed at a moment is what follows from the statements received by then; `known_from`
  and `known_to` bound how long a row was believed.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction
from onesource.ingest.statements import scope_parts

COLUMNS = {
    "valid_from": "date",
    "valid_to": "date",
    "known_from": "timestamp",
    "known_to": "timestamp",
}
# Rows that nobody is shown: what a statement said of a key, and that it lacked the key.
SAID, LACKED = "evidence", "absence"
# A statement without rows of its own is known by these.
PLACE = ("_scope", "_order")
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
_ENDLESS = "date_add(DATE'9999-12-31', 1)"


def settled(said: DataFrame, feed: Contract) -> DataFrame:
    """All rows that the table keeps of these keys: the visible history and hidden evidence.

    said: everything that was said of the keys (`_state`: evidence or absence), one row a key and
    statement. A visible row stands for its evidence, too, unless the contract has fields of its
    own named as the clocks.
    """
    history = timeline(said, feed)
    hidden = said
    if shown_is_evidence(feed):
        seen = history.select(*feed.key, F.col("_scope").alias("_s"), F.col("_order").alias("_o"))
        same = [F.expr(f"h.`{n}` = s.`{n}`") for n in feed.key]
        same += [F.expr("h._scope <=> s._s"), F.expr("h._order = s._o")]
        hidden = said.alias("h").join(seen.distinct().alias("s"), same, "left_anti")
    return history.unionByName(hidden, allowMissingColumns=True)


def shown_is_evidence(feed: Contract) -> bool:
    """Does a visible row hold every value that its statement's row held?"""
    return not set(COLUMNS) & set(feed.field_names)


def alone(said: DataFrame, feed: Contract) -> DataFrame:
    """Of keys of which one thing was said: it is the whole history, as `timeline` would find."""
    one = _events(said, feed)
    shown = "_present AND (_stop IS NULL OR _stop > _start)"
    made = {
        "valid_from": F.expr(f"CASE WHEN {shown} THEN _start END"),
        "valid_to": F.expr(f"CASE WHEN {shown} THEN _stop END"),
        "known_from": F.expr(f"CASE WHEN {shown} THEN _received_at END"),
        "known_to": F.lit(None).cast("timestamp"),
        "_state": F.expr(f"CASE WHEN {shown} THEN NULL ELSE _state END"),
    }
    fields = [n for n in feed.field_names if n not in COLUMNS]
    if shown_is_evidence(feed):
        return one.select(*fields, *_CARRIED, *[c.alias(n) for n, c in made.items()])
    visible = one.where(shown).select(*fields, *_CARRIED, *[c.alias(n) for n, c in made.items()])
    return visible.unionByName(said, allowMissingColumns=True)


def timeline(said: DataFrame, feed: Contract) -> DataFrame:
    """The visible rows: one per key, stretch of the world, and stretch of knowledge.

    said: as for `settled`. A statement that repeats what its scope said before may be left out.
    """
    events = _events(said, feed)
    key = list(feed.key)
    moments = events.select(*key, F.col("_received_at").alias("_k")).distinct()
    believed = moments.join(events, key).where("_received_at <= _k")
    replace = feed.correction is Correction.REPLACE
    by = [*key, "_k", "_world"] if replace else [*key, "_k"]
    world = _stretches(_holding(believed, by, replace=replace), by)
    if replace and world_parts(feed):
        world = _over_scopes(world, [*key, "_k"])
    return _known(world, moments, key, feed)


def world_parts(feed: Contract) -> tuple[str, ...]:
    """The parts of a full statement's scope that are no time."""
    return tuple(p for p in scope_parts(feed) if p != feed.properties.period)


def world_sql(feed: Contract) -> str:
    """What a full statement speaks for at whatever time: its scope without the period."""
    parts = world_parts(feed)
    if parts == scope_parts(feed) or feed.correction is not Correction.REPLACE:
        return "coalesce(_scope, '*')"
    if not parts:
        return "'*'"
    cells = ", ".join(f"'{p}', get_json_object(_scope, '$.{p}')" for p in parts)
    return f"to_json(named_struct({cells}))"


def day_sql(feed: Contract) -> str:
    """The day of which a statement speaks: the first of its period, else that of the statement."""
    said = "to_date(_statement_at)"
    period = feed.properties.period
    if period is None or feed.correction is not Correction.REPLACE:
        return said
    digits = f"regexp_replace(get_json_object(_scope, '$.{period}'), '[^0-9]', '')"
    # A year begins on 1 January, a month on its first; of anything else only the statement tells.
    parts = ["left({d}, 4)"] + [
        f"coalesce(nullif(substr({{d}}, {at}, 2), ''), '01')" for at in (5, 7)
    ]
    day = "concat_ws('-', " + ", ".join(parts).format(d=digits) + ")"
    return (
        f"coalesce(CASE WHEN length({digits}) IN (4, 6, 8) THEN try_cast({day} AS DATE) END, "
        f"{said})"
    )


def _events(said: DataFrame, feed: Contract) -> DataFrame:
    """Each thing said with `_start, _stop, _present, _values, _world, _day`."""
    p = feed.properties
    day = day_sql(feed)
    start = f"coalesce(CAST(`{p.valid_from}` AS DATE), {day})" if p.valid_from else day
    stop = f"CAST(`{p.valid_to}` AS DATE)" if p.valid_to else "CAST(NULL AS DATE)"
    hidden = {p.valid_from, p.valid_to}
    if feed.correction is Correction.REPLACE:
        hidden.add(p.period)
    present = f"_state = '{SAID}'"
    change = feed.delivery.change_type
    if feed.correction is Correction.CHANGE_LOG and change:
        words = ", ".join("'" + w.replace("'", "\\'") + "'" for w in change.delete)
        present = f"coalesce(`{change.field}` NOT IN ({words}), TRUE)"
        hidden.add(change.field)
    others = [n for n in feed.field_names if n not in feed.key and n not in hidden]
    values = ", ".join(f"'{n}', `{n}`" for n in others)
    if p.valid_from:
        start = f"CASE WHEN {present} THEN {start} ELSE {day} END"
    clocks = [n for n in COLUMNS if n not in feed.field_names and n in said.columns]
    return said.drop(*clocks).withColumns(
        {
            "_start": F.expr(start),
            "_stop": F.expr(f"CASE WHEN {present} THEN {stop} END"),
            "_present": F.expr(present),
            "_values": F.expr(f"to_json(named_struct({values}))" if values else "''"),
            "_world": F.expr(world_sql(feed)),
            "_day": F.expr(day),
        }
    )


def _holding(believed: DataFrame, by: list[str], *, replace: bool) -> DataFrame:
    """The events that a later statement does not overrule, at most one a start."""
    keys = ", ".join(f"`{n}`" for n in by)
    if not replace:
        rank = f"row_number() OVER (PARTITION BY {keys}, _start ORDER BY _order DESC)"
        return believed.withColumn("_n", F.expr(rank)).where("_n = 1").drop("_n")
    later = (
        f"min(_start) OVER (PARTITION BY {keys} ORDER BY _day, _order, _scope "
        "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
    )
    return (
        believed.withColumn("_later", F.expr(later))
        .where("_later IS NULL OR _start < _later")
        .drop("_later")
    )


def _stretches(held: DataFrame, by: list[str]) -> DataFrame:
    """Each present event with `valid_from, valid_to`; equal ones without a hole are one."""
    keys = ", ".join(f"`{n}`" for n in by)
    ordered = f"OVER (PARTITION BY {keys} ORDER BY _start)"
    bounded = held.withColumn("_next", F.expr(f"lead(_start) {ordered}")).withColumns(
        {
            "valid_from": F.col("_start"),
            "valid_to": F.expr(
                "CASE WHEN _stop IS NULL THEN _next ELSE least(_stop, coalesce(_next, _stop)) END"
            ),
        }
    )
    present = bounded.where("_present AND (valid_to IS NULL OR valid_to > valid_from)")
    return _joined(present.drop("_next", "_start", "_stop", "_present"), by)


def _joined(stretches: DataFrame, by: list[str]) -> DataFrame:
    """Stretches that touch and say the same become one, with the first one's row."""
    keys = ", ".join(f"`{n}`" for n in by)
    ordered = f"OVER (PARTITION BY {keys} ORDER BY valid_from)"
    goes_on = f"lag(_values) {ordered} <=> _values AND lag(valid_to) {ordered} <=> valid_from"
    chained = stretches.withColumn("_new", F.expr(f"CASE WHEN {goes_on} THEN 0 ELSE 1 END"))
    chained = chained.withColumn("_island", F.expr(f"sum(_new) {ordered}"))
    island = f"PARTITION BY {keys}, _island ORDER BY valid_from"
    whole = chained.withColumns(
        {
            "_end": F.expr(
                f"last_value(valid_to) OVER ({island} "
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
            )
        }
    )
    return (
        whole.where("_new = 1")
        .withColumn("valid_to", F.col("_end"))
        .drop("_new", "_island", "_end")
    )


def _over_scopes(stretches: DataFrame, by: list[str]) -> DataFrame:
    """One row a moment of the world where several scopes hold the key: the newest stretch."""
    end = f"coalesce(valid_to, {_ENDLESS})"
    bounds = stretches.select(
        *by, F.explode(F.expr(f"array(valid_from, {end})")).alias("_from")
    ).distinct()
    keys = ", ".join(f"`{n}`" for n in by)
    bounds = bounds.withColumn(
        "_to", F.expr(f"lead(_from) OVER (PARTITION BY {keys} ORDER BY _from)")
    ).where("_to IS NOT NULL")
    pieces = bounds.join(stretches, by).where(f"valid_from <= _from AND {end} > _from")
    rank = f"row_number() OVER (PARTITION BY {keys}, _from ORDER BY valid_from DESC, _world DESC)"
    chosen = pieces.withColumn("_n", F.expr(rank)).where("_n = 1")
    cut = chosen.withColumns(
        {"valid_from": F.col("_from"), "valid_to": F.expr(f"nullif(_to, {_ENDLESS})")}
    )
    return _joined(cut.drop("_n", "_from", "_to"), by)


def _known(world: DataFrame, said: DataFrame, key: list[str], feed: Contract) -> DataFrame:
    """Joins equal beliefs of successive moments: `known_from`, `known_to`."""
    by = ", ".join(f"`{n}`" for n in key)
    moments = said.withColumns(
        {
            "_i": F.expr(f"row_number() OVER (PARTITION BY {by} ORDER BY _k)"),
            "_after": F.expr(f"lead(_k) OVER (PARTITION BY {by} ORDER BY _k)"),
        }
    )
    placed = world.join(moments, [*key, "_k"])
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
    wanted: list[Column] = [F.col(n) for n in feed.field_names if n not in COLUMNS]
    return rows.select(*wanted, *COLUMNS, *_CARRIED).withColumn(
        "_state", F.lit(None).cast("string")
    )
