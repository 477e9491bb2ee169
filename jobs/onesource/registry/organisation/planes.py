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


def plane(events: DataFrame, values: Sequence[str]) -> DataFrame:
    """events: `org_id, k, start` and values: what is believed at the moment k, from `start` on.

    For every k all of the organisation's starts known by then must be there. Returns `org_id,
    p_from, p_to, q_from, q_to` and values: stretches without holes over all days and moments.
    """
    cells = events.select("org_id", "k", "start", *values)
    nothing = [F.lit(None).cast(cells.schema[v].dataType).alias(v) for v in values]
    before = cells.select("org_id", "k", F.expr(_FIRST_DAY).alias("start"), *nothing).distinct()
    never = cells.select(
        "org_id", F.expr(_FIRST).alias("k"), F.expr(_FIRST_DAY).alias("start"), *nothing
    ).distinct()
    every = cells.unionByName(before).unionByName(never)
    every = _without_repeats(every, values)
    ends = every.withColumn(
        "p_to",
        F.expr(f"coalesce(lead(start) OVER (PARTITION BY org_id, k ORDER BY start), {_LAST_DAY})"),
    )
    moments = every.select("org_id", "k").distinct()
    moments = moments.withColumns(
        {
            "_i": F.expr("row_number() OVER (PARTITION BY org_id ORDER BY k)"),
            "_after": F.expr(f"coalesce(lead(k) OVER (PARTITION BY org_id ORDER BY k), {_LAST})"),
        }
    )
    placed = ends.join(moments, ["org_id", "k"])
    cell = ", ".join(["org_id", "start", "p_to", *values])
    placed = placed.withColumn(
        "_run", F.expr(f"_i - row_number() OVER (PARTITION BY {cell} ORDER BY _i)")
    )
    return (
        placed.groupBy("org_id", F.col("start").alias("p_from"), "p_to", "_run", *values)
        .agg(F.min("k").alias("q_from"), F.max("_after").alias("q_to"))
        .drop("_run")
    )


def _without_repeats(every: DataFrame, values: Sequence[str]) -> DataFrame:
    """Leaves out a start that says what the one before it said."""
    order = "OVER (PARTITION BY org_id, k ORDER BY start)"
    packed = f"to_json(struct({', '.join(values)}))"
    marked = every.withColumn("_v", F.expr(packed)).withColumns(
        {"_before": F.expr(f"lag(_v) {order}"), "_n": F.expr(f"row_number() {order}")}
    )
    return marked.where("_n = 1 OR NOT (_v <=> _before)").drop("_v", "_before", "_n")


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
