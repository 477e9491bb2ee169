"""Departments' promises: what should have come and did not, and when to tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_DAY = timedelta(days=1)
# Eight in the morning in the city, on a day before any that counts.
_MORNING = datetime(2010, 1, 1, tzinfo=UTC)
_SHOWN = 6


def overdue(feeds: list[Mapping[str, Any]]) -> Iterator[tuple[datetime, str]]:
    """Of each feed with a promise: the moment at which it is overdue, and a line about it."""
    for f in feeds:
        if f["last_received"] is None or f["promise_days"] is None:
            continue
        last = datetime.fromisoformat(f["last_received"])
        yield (
            last + timedelta(days=f["promise_days"]),
            f"overdue 超时 {f['feed']} {f['name_zh']}: last received {last:%Y-%m-%d %H:%M} UTC, "
            f"promised every {f['promise_days']} days",
        )


def missing(feeds: list[Mapping[str, Any]]) -> Iterator[tuple[datetime, str]]:
    """Of each feed of which units owe reports: the first moment to tell of it, and a line."""
    for f in feeds:
        if f["missing"]:
            units = f["missing_units"][:_SHOWN]
            more = f["missing"] - len(units)
            yield (
                _MORNING,
                f"missing 漏报 {f['feed']} {f['name_zh']}: {f['missing']} of {f['owed']} reports "
                f"owed 应报: {', '.join(units)}{f' and {more} more' if more else ''}",
            )


def falls_due(deadline: datetime, start: datetime, end: datetime) -> bool:
    """Did the deadline, or a whole number of days after it, fall into [start, end)?"""
    if deadline >= end:
        return False
    first = (start - deadline) // _DAY
    days = max(0, first if deadline + first * _DAY >= start else first + 1)
    return bool(start <= deadline + days * _DAY < end)
