"""Two clocks as rectangles: what was said from a day on, known from a moment on.

An attribute that another source tells fills the whole plane of (world, knowledge), with null where
nothing was said; laid over an organisation's states it cuts them, and never leaves hole or overlap.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_FIRST_DAY, _LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"
_FIRST, _LAST = "TIMESTAMP '1900-01-01 00:00:00'", "TIMESTAMP '9999-12-31 00:00:00'"


def plane(cells: DataFrame, values: Sequence[str]) -> DataFrame:
    """cells: `org_id, k, start` and values: what is believed at the moment k, from `start` on.

    For every k all of the organisation's starts known by then must be there, once. Returns `org_id,
    p_from, p_to, q_from, q_to` and values: stretches without holes over all days and moments.
    """
    # Everything is done within an organisation, so that the rows move but once.
    nothing = ", ".join(
        f"CAST(NULL AS {cells.schema[v].dataType.simpleString()}) AS {v}" for v in values
    )
    own = ", ".join(values)
    moments = f"array_prepend(sort_array(collect_set(k) OVER (PARTITION BY org_id)), {_FIRST})"
    first = "row_number() OVER (PARTITION BY org_id, k ORDER BY start) = 1"
    nobody = f"struct({_FIRST_DAY} AS start, {nothing})"
    # Before the first start nothing was said, and before the first moment nothing at all.
    whole = (
        f"CASE WHEN NOT _is_first THEN array(struct(k, struct(start, {own}) AS cell)) "
        f"WHEN k = _moments[1] THEN array(struct(k, struct(start, {own}) AS cell), "
        f"struct(k, {nobody} AS cell), struct({_FIRST} AS k, {nobody} AS cell)) "
        f"ELSE array(struct(k, struct(start, {own}) AS cell), struct(k, {nobody} AS cell)) END"
    )
    every = (
        cells.withColumns({"_moments": F.expr(moments), "_is_first": F.expr(first)})
        .select("org_id", "_moments", F.expr(f"inline({whole})"))
        .select("org_id", "_moments", "k", "cell.*")
    )
    # A start that says what the one before it said is left out.
    order = "OVER (PARTITION BY org_id, k ORDER BY start)"
    same = " AND ".join(f"lag({v}) {order} <=> {v}" for v in values)
    every = every.withColumn("_same", F.expr(f"row_number() {order} > 1 AND {same}"))
    every = every.where("NOT _same").withColumns(
        {
            "p_to": F.expr(f"coalesce(lead(start) {order}, {_LAST_DAY})"),
            "_i": F.expr("array_position(_moments, k)"),
        }
    )
    every = every.withColumn(
        "_after", F.expr(f"coalesce(try_element_at(_moments, CAST(_i + 1 AS INT)), {_LAST})")
    )
    cell = ", ".join(["org_id", "start", "p_to", *values])
    placed = every.withColumn(
        "_run", F.expr(f"_i - row_number() OVER (PARTITION BY {cell} ORDER BY _i)")
    )
    return (
        placed.groupBy("org_id", F.col("start").alias("p_from"), "p_to", "_run", *values)
        .agg(F.min("k").alias("q_from"), F.max("_after").alias("q_to"))
        .drop("_run")
    )


def overlay(states: DataFrame, over: DataFrame, values: Sequence[str]) -> DataFrame:
    """Cuts the states (`org_id, valid_from, valid_to, known_from, known_to`, …) by the plane."""
    s = states.alias("s")
    joined = s.join(
        over.alias("o"),
        F.expr(
            "s.org_id = o.org_id "
            f"AND o.p_from < coalesce(s.valid_to, {_LAST_DAY}) AND s.valid_from < o.p_to "
            f"AND o.q_from < coalesce(s.known_to, {_LAST}) AND s.known_from < o.q_to"
        ),
        "left",
    )
    ends = ("valid_from", "valid_to", "known_from", "known_to")
    kept = [F.col(f"s.{c}").alias(c) for c in states.columns if c not in ends]
    return joined.select(
        *kept,
        F.expr("greatest(s.valid_from, o.p_from)").alias("valid_from"),
        F.expr(f"nullif(least(coalesce(s.valid_to, {_LAST_DAY}), o.p_to), {_LAST_DAY})").alias(
            "valid_to"
        ),
        F.expr("greatest(s.known_from, o.q_from)").alias("known_from"),
        F.expr(f"nullif(least(coalesce(s.known_to, {_LAST}), o.q_to), {_LAST})").alias("known_to"),
        *(F.col(f"o.{v}").alias(v) for v in values),
    )
