"""Tickets of a lake from before the log of events (contract 1.0.0): they become events."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.run.ticket_fold import GONE, SEEN
from onesource.run.working_days import WORKING_DAYS

_PAIR = "least(coalesce(value_a, ''), coalesce(value_b, '')), " + (
    "greatest(coalesce(value_a, ''), coalesce(value_b, ''))"
)
_KEPT = (
    *("registry", "entity", "attribute", "value_a", "source_a", "value_b", "source_b"),
    *("detail_zh", "detail_en"),
)


def is_old(tickets: DataFrame) -> bool:
    return "rounds" not in tickets.columns


def as_events(old: DataFrame) -> DataFrame:
    """What the old rows say: when each conflict was seen first, and when it was gone.

    The number of a ticket may change: the two values count in either order now. Where two old
    tickets are one, it was gone only if both were closed.
    """
    number = (
        f"substring(sha2(concat_ws(chr(31), registry, entity, attribute, {_PAIR}), 256), 1, 16)"
    )
    said = old.withColumns(
        {
            "ticket_id": F.expr(number),
            "route": F.to_json(F.array(F.array(F.lit(""), F.col("owner")))),
            "due_days": F.lit(WORKING_DAYS),
            "who": F.lit("onesource"),
        }
    )
    common = (*_KEPT, "route", "due_days", "who")
    last = "max(closed_on) AS closed_on, bool_and(state = 'CLOSED') AS is_gone"
    tickets = said.groupBy("ticket_id").agg(
        F.expr(f"min_by(struct({', '.join(common)}, opened_on), opened_on) AS first"),
        *(F.expr(e) for e in last.split(", ")),
    )
    first = ("ticket_id", *(f"first.{c} AS {c}" for c in common))
    seen = tickets.selectExpr(
        *first,
        f"'{SEEN}' AS event",
        "first.opened_on AS day",
        "CAST(first.opened_on AS TIMESTAMP) AS at",
    )
    gone = tickets.where("is_gone").selectExpr(
        *first,
        f"'{GONE}' AS event",
        "closed_on AS day",
        "CAST(closed_on AS TIMESTAMP) + INTERVAL 1 HOUR AS at",
    )
    return seen.unionByName(gone)
