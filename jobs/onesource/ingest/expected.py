"""Who must report what and when: 应报, 已报, 漏报, computed from `expects` and the deliveries."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from onesource.config import BEIJING, Settings
from onesource.contracts.model import Catalogue, Contract
from onesource.contracts.properties import Expects
from onesource.errors import ContractError
from onesource.ingest import landing

REPORTED, LATE, DUE, MISSING = "已报", "迟报", "待报", "漏报"


@dataclass(frozen=True)
class Expected:
    """One report that a unit owes (应报) for a period, and whether it came.

    status: 已报 (came in time), 迟报 (came late), 待报 (not due yet), 漏报 (missing).
    """

    feed: str
    unit: str | None
    unit_name: str | None
    period: str | None
    period_end: date | None
    due_at: datetime | None
    status: str
    delivery_id: str | None
    received_at: str | None


def expected_rows(
    settings: Settings,
    catalogue: Catalogue,
    today: date,
    scopes: Mapping[str, Mapping[str, Iterable[str]]] | None = None,
) -> Iterator[Expected]:
    """Every report owed up to `today`, feed by feed, the oldest period first.

    scopes: feed → delivery id → scopes (JSON text) found in the rows, for feeds whose scope does
    not stand in the file's name.
    """
    for feed in catalogue.feeds.values():
        if feed.delivery.expects is not None:
            found = (scopes or {}).get(feed.id, {})
            yield from _of_feed(settings, catalogue, feed, feed.delivery.expects, today, found)


def _of_feed(
    settings: Settings,
    catalogue: Catalogue,
    feed: Contract,
    expects: Expects,
    today: date,
    scopes: Mapping[str, Iterable[str]],
) -> Iterator[Expected]:
    records = landing.records(settings, feed)
    came: dict[tuple[str | None, str | None], landing.Record] = {}
    first: date | None = None
    for record in sorted(records, key=lambda r: r.received_at):
        for scope in _scopes(record, scopes.get(record.delivery_id, ())):
            unit = _unit(scope.get(expects.unit)) if expects.unit else None
            start = _period_start(expects, scope, record)
            if start is not None:
                first = start if first is None else min(first, start)
            label = _label(expects.period, start) if start else None
            came.setdefault((unit, label), record)
    since = date.fromisoformat(expects.since) if expects.since else first
    units = reporting_units(catalogue, feed, expects)
    for start in _periods(expects, since, today):
        end = _period_end(expects.period, start) if start else None
        due = _due(end, expects.due_days) if end else None
        label = _label(expects.period, start) if start else None
        for unit, name in units.items():
            got = came.get((_unit(unit), label))
            yield Expected(
                feed.id,
                unit,
                name,
                label,
                end,
                due,
                _status(got, due, today),
                got.delivery_id if got else None,
                got.received_at if got else None,
            )


def reporting_units(
    catalogue: Catalogue, feed: Contract, expects: Expects
) -> Mapping[str, str] | dict[None, None]:
    """The units that owe a report: code → name. Raises ContractError for an unknown list."""
    if expects.unit is None:
        return {None: None}
    counties = catalogue.city.counties
    if isinstance(expects.units, list):
        return {u: counties.get(u[:6], u) for u in expects.units}
    if expects.units == "counties":
        return counties
    units = catalogue.city.reporting_units.get(expects.units)
    if units is None:
        raise ContractError(
            f"expects.units: {expects.units} is not among the reporting_units of city.yaml",
            where=f"{feed.path}:1",
        )
    return {u: counties.get(u[:6], u) for u in units}


def _scopes(record: landing.Record, found: Iterable[str]) -> list[dict[str, Any]]:
    parsed = [json.loads(s) for s in found if s.startswith("{")]
    return parsed or [dict(record.scope)]


def _unit(value: str | None) -> str | None:
    """Units are compared by county: `141126`, `141126000000` are one."""
    if value is None:
        return None
    return value[:6] if value.isdigit() and len(value) in (6, 9, 12) else value


def _period_start(
    expects: Expects, scope: Mapping[str, Any], record: landing.Record
) -> date | None:
    if expects.period == "none":
        return None
    text = scope.get(expects.period_field) if expects.period_field else None
    if text is None:
        moment = datetime.fromisoformat(record.statement_at).astimezone(BEIJING).date()
        return _floor(expects.period, moment)
    for form in ("%Y-%m-%d", "%Y-%m", "%Y%m%d", "%Y%m", "%Y"):
        try:
            return _floor(expects.period, datetime.strptime(str(text)[:10], form).date())
        except ValueError:
            continue
    return None


_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def _floor(period: str, day: date) -> date:
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    n = _MONTHS[period]
    return date(day.year, (day.month - 1) // n * n + 1, 1)


def _period_end(period: str, start: date) -> date:
    """The last day of the period."""
    if period == "day":
        return start
    if period == "week":
        return start + timedelta(days=6)
    month = start.month + _MONTHS[period] - 1
    return date(start.year, month, calendar.monthrange(start.year, month)[1])


def _due(end: date, days: float) -> datetime:
    return datetime.combine(end + timedelta(days=1), time(), BEIJING) + timedelta(days=days)


def _label(period: str, start: date) -> str:
    if period in ("day", "week"):
        return start.isoformat()
    if period == "month":
        return f"{start:%Y-%m}"
    if period == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    if period == "half_year":
        return f"{start.year}-H{1 if start.month < 7 else 2}"
    return f"{start.year}"


def _periods(expects: Expects, since: date | None, today: date) -> Iterator[date | None]:
    if expects.period == "none":
        yield None
        return
    if since is None:
        return
    until = date.fromisoformat(expects.until) if expects.until else today
    day = _floor(expects.period, since)
    # Only periods that have begun: what lies in the future is not owed yet.
    while day <= min(until, today):
        yield day
        day = _floor(expects.period, _period_end(expects.period, day) + timedelta(days=1))


def _status(got: landing.Record | None, due: datetime | None, today: date) -> str:
    if got is not None:
        received = datetime.fromisoformat(got.received_at)
        return LATE if due is not None and received > due else REPORTED
    if due is not None and datetime.combine(today, time(), BEIJING) < due:
        return DUE
    return MISSING
