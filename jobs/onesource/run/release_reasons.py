"""Why a table's rows may differ from those of the release before: for `CHANGES.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from onesource.config import BEIJING, Settings
from onesource.contracts.model import Contract, Kind
from onesource.ingest import landing
from onesource.ingest.landing import Record
from onesource.lake.manifest import Manifest
from onesource.run.ledger import HELD, TableState
from onesource.run.plan import Graph

_NAMED = 3  # corrected scopes that are named; the others are counted


def reasons(
    settings: Settings,
    graph: Graph,
    manifest: Manifest,
    states: Mapping[str, TableState],
    since: str | None,
) -> dict[str, list[str]]:
    """Served table → sentences, Chinese and English: deliveries that came and were loaded, which of
    them said anew what had been said before, and tables that are held.

    since: ISO time of the versions behind the release before; None: there is none, and what came is
    no difference.
    """
    feeds = {
        table: _of_feed(settings, contract, states.get(table, TableState()), since, manifest.at)
        for table, contract in graph.contracts.items()
        if since and manifest.at and contract.kind is Kind.FEED and table in manifest.tables
    }
    found: dict[str, list[str]] = {}
    for table in graph.order:
        if table not in manifest.tables:
            continue
        above = _above(graph, table)
        found[table] = [feeds[t] for t in (table, *above) if feeds.get(t)]
        found[table] += [
            f"{t} 被扣留，仍用上一版 is held, its last good version is used"
            for t in above
            if states.get(t, TableState()).verdict == HELD
        ]
    return found


def _above(graph: Graph, table: str) -> list[str]:
    seen: dict[str, None] = {}
    waiting = list(graph.all_inputs(table))
    while waiting:
        t = waiting.pop(0)
        if t not in seen:
            seen[t] = None
            waiting += graph.all_inputs(t)
    return list(seen)


def _of_feed(
    settings: Settings,
    feed: Contract,
    state: TableState,
    since: str,
    until: str,
) -> str:
    """What came to a feed after `since`, not after `until`, and was loaded; empty: nothing."""
    first, last = datetime.fromisoformat(since), datetime.fromisoformat(until)
    said: dict[str, Record] = {}
    new, again = 0, {}
    for record in sorted(landing.records(settings, feed), key=_received):
        outcome = state.deliveries.get(record.delivery_id, {})
        if outcome.get("outcome") != "loaded":
            continue
        is_new = first < _received(record) <= last
        new += is_new
        for scope in outcome.get("scopes", ()):
            if is_new and scope in said:
                again[scope] = record
            said[scope] = record
    if not new:
        return ""
    name = feed.business_name
    if not again:
        return f"{name}新到 {new} 份报送。 {new} new deliveries of {feed.id}."
    shown = "；".join(_shown(scope) for scope in sorted(again)[:_NAMED])
    more = "……" if len(again) > _NAMED else ""
    days = sorted({_received(r).astimezone(BEIJING).date().isoformat() for r in again.values()})
    on = days[0] if len(days) == 1 else f"{days[0]}/{days[-1]}"
    return (
        f"{name}新到 {new} 份报送，其中更正 {len(again)} 处（{shown}{more}，{on} 收到）。 "
        f"{new} new deliveries of {feed.id}, which correct {len(again)} earlier statements."
    )


def _received(record: Record) -> datetime:
    return datetime.fromisoformat(record.received_at)


def _shown(scope: str) -> str:
    """`{"county_code": "141126", "month": "2024-05"}` → `141126 2024-05`."""
    if not scope.startswith("{"):
        return "全部 all of it"  # a statement that speaks for the whole feed
    return " ".join(str(v) for v in json.loads(scope).values() if v is not None)
