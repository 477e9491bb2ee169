"""What a run would do, found without a JVM and without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from onesource.config import BEIJING, Settings, now
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Contract, Kind
from onesource.curate.persons import uses_person_key
from onesource.ingest import landing
from onesource.lake import delta
from onesource.lake.manifest import read_manifest
from onesource.lake.paths import table_path
from onesource.quality.suite import rules_for
from onesource.run import ledger
from onesource.run.active_key import active_key
from onesource.run.definition import definition, feed_definition, step_digest
from onesource.run.ledger import HELD, TableState
from onesource.run.plan import build_graph, division_versions, select
from onesource.run.ticket_answers import DECISION
from onesource.run.ticket_log import EVENTS
from onesource.run.ticket_log import TABLE as TICKETS


@dataclass(frozen=True)
class Planned:
    """action: `process`, `rebuild`, `build`, `recover`, `nothing` or `wait`."""

    table: str
    action: str
    why: str = ""


def preview(
    settings: Settings, words: Sequence[str], through: str | None, day: date | None = None
) -> list[Planned]:
    """One entry a selected table, in building order. `day`: the run's (None: today)."""
    day = day or now().astimezone(BEIJING).date()
    catalogue = load_catalogue(settings.schemas)
    graph = build_graph(settings, catalogue)
    known = ledger.states(settings)
    versions = {t: s.version for t, s in read_manifest(settings).tables.items()}
    planned: dict[str, Planned] = {}
    for table in select(graph, catalogue, words, through):
        if table in (TICKETS, EVENTS, DECISION):  # they follow from what the others find
            continue
        contract = graph.contracts[table]
        rules = rules_for(contract, settings.expectations, catalogue)
        sql = graph.sql.get(table)
        state = known.get(table, TableState())
        if contract.kind is Kind.FEED:
            divisions = division_versions(graph, versions, contract)
            feed = catalogue.feeds[contract.id]
            key = active_key(settings) if feed.tokens else None
            digest = feed_definition(feed, catalogue, rules, divisions, key)
            planned[table] = _feed(settings, feed, state, digest)
            continue
        key = active_key(settings) if uses_person_key(contract, sql) else None
        digest = definition(contract, catalogue, rules, sql, day, key)
        inputs = graph.all_inputs(table)
        changing = [
            t for t in inputs if t in planned and planned[t].action not in ("nothing", "wait")
        ]
        missing = [t for t in graph.inputs[table] if t not in versions and t not in changing]
        if missing:
            planned[table] = Planned(table, "wait", f"{missing[0]} was never served")
        elif changing:
            planned[table] = Planned(table, "build", f"after {', '.join(changing)}")
        else:
            read = {t: versions[t] for t in inputs if t in versions}
            same = state.step == step_digest(table, read, digest)
            planned[table] = _table(table, state, same)
    return list(planned.values())


def _table(table: str, state: TableState, same: bool) -> Planned:
    if not same:
        return Planned(table, "build", "an input or the definition changed")
    return Planned(table, "nothing", "held: " + state.reason_en if state.verdict == HELD else "")


def _feed(settings: Settings, feed: Contract, state: TableState, digest: str) -> Planned:
    records = landing.records(settings, feed)
    path = table_path(settings, feed)
    if delta.latest_version(path) != state.head:
        return Planned(feed.table, "recover", "a run ended inside this step")
    if state.deliveries and state.definition != digest:
        return Planned(feed.table, "rebuild", f"the definition changed; {len(records)} deliveries")
    pending = [r for r in records if r.delivery_id not in state.deliveries]
    if pending:
        return Planned(feed.table, "process", f"{len(pending)} deliveries")
    held = sum(1 for d in state.deliveries.values() if d.get("outcome") == HELD)
    why = f"{held} deliveries held" if held else ("" if records else "nothing was delivered yet")
    return Planned(feed.table, "nothing", why)
