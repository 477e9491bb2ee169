"""校核工单: a conflict between sources becomes one ticket, however often it is seen.

A conflict is (registry, entity, attribute, the unordered pair of values): who says which of the
two, and in which order they were delivered, makes no other ticket. What a registry table finds is
compared with what was seen before, and only the difference is put down.
"""

from __future__ import annotations

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.contracts.source_of_record import ANY, Rule
from onesource.lake.files import scratch
from onesource.lake.paths import scratch_path
from onesource.registry.places import CONFLICT_COLUMNS
from onesource.run.context import RunContext
from onesource.run.ticket_fold import GONE, RESTATED, SEEN
from onesource.run.ticket_log import EVENTS, TABLE, take_in
from onesource.run.working_days import WORKING_DAYS, due_date
from onesource.spark.written import put

__all__ = ["EVENTS", "TABLE", "due_date", "write_tickets"]

# What a builder may add: the rows (delivery/sheet/line) that say each value, the days allowed, and
# the ticket whose answer settles the conflict, though the sources go on to show it.
_OPTIONAL = {
    "evidence_a": "string",
    "evidence_b": "string",
    "due_days": "int",
    "settled_by": "string",
}


def write_tickets(ctx: RunContext, registry: str, conflicts: DataFrame) -> None:
    """Brings `registry.ticket` in line with the conflicts that a registry table shows now.

    conflicts: `registry, entity, attribute, value_a, source_a, value_b, source_b, owner,
    detail_zh, detail_en`, where `value_a` is the value served; and where the builder has them
    `evidence_a, evidence_b` (which rows say it: names of rows, never values), `due_days` and
    `settled_by`. Evidence is what tells that a newer delivery repeats a value that was settled.
    A conflict with `settled_by` raises nothing and opens nothing again. `owner` holds where the
    source-of-record list has no rule for the attribute.
    """
    rules = [r for r in ctx.catalogue.source_of_record.rules if r.registry == registry]
    today = [r for r in rules if r.holds_on(ctx.day)]
    # A calendar that ends too early must stop the step here, in words (P11).
    due_date(ctx.day, max([WORKING_DAYS, *(r.due_days for r in today)]))
    with scratch(scratch_path(ctx.settings, TABLE, f"{ctx.run}-{registry}")) as folder:
        # Found before the tickets are locked: the other tables need not wait for it.
        routed = _routed(ctx, conflicts.withColumn("registry", F.lit(registry)), today)
        found = put(ctx.spark, routed, folder)

        def difference(tickets: DataFrame) -> DataFrame:
            own = tickets.where(F.col("registry") == registry)
            return _difference(_keyed(found, own), own.where("is_seen"))

        take_in(ctx, registry, difference)


def ticket_id(registry: str, entity: str, attribute: str, a: str, b: str) -> Column:
    """SQL: the digest of a conflict's key; the names are expressions."""
    pair = [f"coalesce(CAST({v} AS STRING), '')" for v in (a, b)]
    cells = ", ".join(
        [
            *(f"coalesce(CAST({c} AS STRING), '')" for c in (registry, entity, attribute)),
            f"least({pair[0]}, {pair[1]})",
            f"greatest({pair[0]}, {pair[1]})",
        ]
    )
    return F.expr(f"substring(sha2(concat_ws(chr(31), {cells}), 256), 1, 16)")


def _routed(ctx: RunContext, conflicts: DataFrame, rules: list[Rule]) -> DataFrame:
    """Adds `route` (JSON: [[USCC, name], …] in the order in which departments are asked)."""
    for name, kind in _OPTIONAL.items():
        if name not in conflicts.columns:
            conflicts = conflicts.withColumn(name, F.lit(None).cast(kind))
    conflicts = conflicts.select(*CONFLICT_COLUMNS, *_OPTIONAL)
    codes = {str(d["name"]): str(d["uscc"]) for d in ctx.catalogue.city.departments}
    named = _lookup(F.col("owner"), codes)
    spoken = F.to_json(F.array(F.array(F.coalesce(named, F.lit("")), F.col("owner"))))
    routes = {r.attribute: json.dumps(route(ctx, r), ensure_ascii=False) for r in rules}
    days = {r.attribute: str(r.due_days) for r in rules}
    attribute = F.col("attribute")
    default_days = F.lit(int(days.get(ANY, WORKING_DAYS)))
    given = F.coalesce(F.col("due_days"), _lookup(attribute, days).cast("int"), default_days)
    return conflicts.withColumns(
        {
            "route": F.coalesce(
                _lookup(attribute, routes), F.lit(routes.get(ANY)).cast("string"), spoken
            ),
            "due_days": given,
        }
    ).drop("owner")


def _lookup(column: Column, words: dict[str, str]) -> Column:
    if not words:
        return F.lit(None).cast("string")
    pairs = [F.lit(x) for pair in sorted(words.items()) for x in pair]
    return F.create_map(*pairs)[column]


def route(ctx: RunContext, rule: Rule) -> list[list[str]]:
    """The departments that are asked in turn: the owner, then the providers' in their order, and
    at last the one that publishes the city's data."""
    city, feeds = ctx.catalogue.city, ctx.catalogue.feeds
    codes = [rule.owner_uscc] if rule.owner_uscc else []
    for provider in rule.providers:
        feed = feeds.get(provider.feed)
        codes.append((feed.properties.provider_uscc if feed else None) or "")
    codes.append(city.open_publisher_uscc)
    found: dict[str, str] = {}
    for code in codes:
        name = city.department(code, ctx.day.isoformat()) if code else None
        if code == rule.owner_uscc:
            name = rule.owner_name(ctx.day)
        if code and name:  # one that was dissolved by then is not asked
            found.setdefault(code, name)
    return [[code, name] for code, name in found.items()]


def _keyed(conflicts: DataFrame, tickets: DataFrame) -> DataFrame:
    """One row a ticket, with `ticket_id` and `evidence_key`.

    A conflict of a decided value with one of the values that it was decided between is the same
    question come again, and so the same ticket.
    """
    decided = tickets.where("decided_value IS NOT NULL").selectExpr(
        "ticket_id AS d_id",
        "entity AS d_entity",
        "attribute AS d_attribute",
        "decided_value AS d_value",
        "array(coalesce(value_a, ''), coalesce(value_b, '')) AS d_pair",
    )
    a, b = "coalesce(c.value_a, '')", "coalesce(c.value_b, '')"
    again = (
        "c.entity = d_entity AND c.attribute = d_attribute AND "
        f"(({a} = d_value AND array_contains(d_pair, {b})) "
        f"OR ({b} = d_value AND array_contains(d_pair, {a})))"
    )
    own = ticket_id("registry", "entity", "attribute", "value_a", "value_b")
    places = "array_sort(array(coalesce(evidence_a, ''), coalesce(evidence_b, '')))"
    rows = (
        conflicts.alias("c")
        .join(decided, F.expr(again), "left")
        .withColumns(
            {
                "ticket_id": F.coalesce("settled_by", "d_id", own),
                "evidence_key": F.expr(
                    "CASE WHEN coalesce(evidence_a, evidence_b) IS NOT NULL "
                    f"THEN substring(sha2(array_join({places}, '|'), 256), 1, 16) END"
                ),
            }
        )
        .drop("d_id", "d_entity", "d_attribute", "d_value", "d_pair")
    )
    rest = [c for c in rows.columns if c != "ticket_id"]
    first = rows.groupBy("ticket_id").agg(F.min(F.struct(*rest)).alias("c"))
    return first.select("ticket_id", "c.*")


def _difference(found: DataFrame, seen: DataFrame) -> DataFrame:
    """Events: SEEN for what is new, or said by other rows; RESTATED for that of what an answer
    settles; GONE for what is not there any more."""
    before = seen.selectExpr(
        "ticket_id AS t_id",
        "registry AS t_registry",
        "entity AS t_entity",
        "attribute AS t_attribute",
        "evidence_key AS t_key",
    )
    joined = found.join(before, found["ticket_id"] == before["t_id"], "full_outer")
    event = F.expr(
        f"CASE WHEN ticket_id IS NULL THEN '{GONE}' "
        "WHEN t_id IS NULL OR NOT (evidence_key <=> t_key) "
        f"THEN if(settled_by IS NULL, '{SEEN}', '{RESTATED}') END"
    )
    return (
        joined.withColumns(
            {
                "event": event,
                "ticket_id": F.coalesce("ticket_id", "t_id"),
                "registry": F.coalesce("registry", "t_registry"),
                "entity": F.coalesce("entity", "t_entity"),
                "attribute": F.coalesce("attribute", "t_attribute"),
                "who": F.lit("onesource"),
            }
        )
        .where("event IS NOT NULL")
        .drop("t_id", "t_registry", "t_entity", "t_attribute", "t_key")
    )
