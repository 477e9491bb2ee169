"""The state of the lake in one structure, found without a JVM: what `onesource status` shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from onesource.config import BEIJING, Settings, now
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, Contract
from onesource.ingest import landing
from onesource.ingest.expected import DUE, LATE, MISSING, REPORTED, Expected, expected_rows
from onesource.lake import ops
from onesource.lake.manifest import Served, read_manifest
from onesource.run import ledger
from onesource.run.ledger import HELD, PENDING, TableState
from onesource.run.ticket_list import DepartmentTickets, by_department

# 更新周期 → days within which the next delivery is promised, with a day's grace.
PROMISE_DAYS = {
    "实时": 1,
    "每日": 2,
    "每周": 8,
    "每月": 32,
    "每季度": 93,
    "每半年": 185,
    "每年": 367,
}


@dataclass(frozen=True)
class TableStatus:
    """One table. verdict: `passed`, `held`, `waiting` or `failed`."""

    table: str
    name_zh: str
    verdict: str
    version: int | None
    rows: int | None
    served_at: str | None
    inputs: dict[str, int]
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class FeedStatus:
    """One feed. owed: 应报 so far; reported 已报, late 迟报, due 待报, missing 漏报."""

    feed: str
    name_zh: str
    deliveries: int
    waiting: int
    held: tuple[dict[str, str], ...]
    quarantined_rows: int
    refused: int
    last_received: str | None
    promise_days: int | None
    is_fresh: bool | None
    owed: int
    reported: int
    late: int
    due: int
    missing: int
    missing_units: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    run: str | None
    served_at: str | None
    day: str
    tables: tuple[TableStatus, ...]
    feeds: tuple[FeedStatus, ...]
    open_tickets: dict[str, int]
    tickets: tuple[DepartmentTickets, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def overview(settings: Settings, day: date | None = None) -> Overview:
    """Reads the manifest, the ledger, landing's records and the open tickets."""
    catalogue = load_catalogue(settings.schemas)
    manifest = read_manifest(settings)
    known = ledger.states(settings)
    failures = _failures(settings)
    today = day or now().astimezone(BEIJING).date()
    tables = tuple(
        _table(table, c, manifest.tables.get(table), known.get(table), failures.get(table))
        for table, c in catalogue.tables.items()
    )
    feeds = tuple(_feeds(settings, catalogue, known, today))
    asked = by_department(settings, catalogue, today)
    return Overview(
        manifest.run,
        manifest.at,
        today.isoformat(),
        tables,
        feeds,
        {d.owner: d.waiting for d in asked if d.waiting},
        asked,
    )


def _failures(settings: Settings) -> dict[str, dict[str, Any]]:
    return {str(e["table"]): e for e in ops.rows(settings, "failures")}


def _table(
    table: str,
    contract: Contract,
    served: Served | None,
    state: TableState | None,
    failure: dict[str, Any] | None,
) -> TableStatus:
    said = state.verdict if state is not None else None
    verdict = said if said not in (None, PENDING) else "waiting"
    zh, en = (state.reason_zh, state.reason_en) if state and verdict == HELD else ("", "")
    if failure and str(failure["at"]) > (state.at if state else ""):
        verdict, zh, en = "failed", "出错", str(failure["reason_en"])
    return TableStatus(
        table,
        contract.business_name,
        verdict,
        served.version if served else None,
        served.rows if served else None,
        served.at if served else None,
        dict(served.inputs) if served else {},
        zh,
        en,
    )


def _feeds(
    settings: Settings, catalogue: Catalogue, known: dict[str, TableState], today: date
) -> list[FeedStatus]:
    owed: dict[str, list[Expected]] = {}
    for row in expected_rows(settings, catalogue, today, scopes(known, catalogue)):
        owed.setdefault(row.feed, []).append(row)
    refused = Counter(str(r.get("feed")) for r in ops.rows(settings, "refusals"))
    found = []
    for feed in catalogue.feeds.values():
        records = landing.records(settings, feed)
        state = known.get(feed.table, TableState())
        found.append(_feed(feed, records, state, owed.get(feed.id, []), refused[feed.id], today))
    return found


def scopes(known: dict[str, TableState], catalogue: Catalogue) -> dict[str, dict[str, list[str]]]:
    """Feed → delivery → the scopes found in its rows, from the ledger."""
    return {
        feed.id: {
            d: list(row.get("scopes") or ()) for d, row in known[feed.table].deliveries.items()
        }
        for feed in catalogue.feeds.values()
        if feed.table in known
    }


def _feed(
    feed: Contract,
    records: list[landing.Record],
    state: TableState,
    owed: list[Expected],
    refused: int,
    today: date,
) -> FeedStatus:
    names = {r.delivery_id: r.file_name for r in records}
    held = tuple(
        {
            "delivery": d,
            "file": names.get(d, ""),
            "reason_zh": str(row.get("reason_zh") or ""),
            "reason_en": str(row.get("reason_en") or ""),
        }
        for d, row in state.deliveries.items()
        if row.get("outcome") == HELD
    )
    last = max((r.received_at for r in records), default=None)
    promise = PROMISE_DAYS.get(feed.properties.update_cycle or "")
    by = Counter(e.status for e in owed)
    missing = [
        f"{e.unit_name or e.unit or ''} {e.period or ''}".strip()
        for e in owed
        if e.status == MISSING
    ]
    return FeedStatus(
        feed.id,
        feed.business_name,
        len(records),
        sum(1 for r in records if r.delivery_id not in state.deliveries),
        held,
        sum(int(d.get("quarantined") or 0) for d in state.deliveries.values()),
        refused,
        last,
        promise,
        _fresh(last, promise, today),
        len(owed) - by[DUE],
        by[REPORTED],
        by[LATE],
        by[DUE],
        by[MISSING],
        tuple(missing[:20]),
    )


def _fresh(last: str | None, promise: int | None, today: date) -> bool | None:
    if promise is None or last is None:
        return None
    received = datetime.fromisoformat(last).astimezone(BEIJING).date()
    return today - received <= timedelta(days=promise)
