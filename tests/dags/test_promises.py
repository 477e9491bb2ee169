"""When people are told that something should have come and did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from onesource_airflow.promises import falls_due, missing, overdue

HOUR = timedelta(hours=1)
DEADLINE = datetime(2024, 3, 1, 2, 20, tzinfo=UTC)


def feed(**more: Any) -> dict[str, Any]:
    return {
        "feed": "energy.coal_daily",
        "name_zh": "煤矿日报",
        "last_received": "2024-02-28T02:20:00+00:00",
        "promise_days": 2,
        "owed": 26,
        "missing": 0,
        "missing_units": [],
        **more,
    }


def told_at(deadline: datetime, first: datetime, hours: int) -> list[datetime]:
    """The hours, of so many one after another, in which people are told."""
    starts = [first + n * HOUR for n in range(hours)]
    return [s for s in starts if falls_due(deadline, s, s + HOUR)]


def test_a_deadline_is_told_of_in_its_hour_and_then_once_a_day() -> None:
    first = DEADLINE.replace(minute=10) - timedelta(days=1)
    assert told_at(DEADLINE, first, 24 * 4) == [
        DEADLINE.replace(minute=10) + timedelta(days=n) for n in range(3)
    ]


def test_a_deadline_on_the_hour_belongs_to_the_hour_that_it_begins() -> None:
    assert told_at(DEADLINE, DEADLINE - 3 * HOUR, 6) == [DEADLINE]


def test_a_feed_is_overdue_when_its_promise_has_passed() -> None:
    ((moment, line),) = overdue([feed()])
    assert moment == DEADLINE
    assert "energy.coal_daily" in line and "every 2 days" in line


def test_a_feed_without_a_promise_or_never_begun_is_not_overdue() -> None:
    assert not [*overdue([feed(promise_days=None), feed(last_received=None)])]


def test_one_county_that_owes_a_report_is_told_of_although_the_feed_is_fresh() -> None:
    units = [f"{n}县" for n in range(9)]
    ((moment, line),) = missing([feed(missing=12, missing_units=units), feed()])
    assert "12 of 26" in line and "5县 and 6 more" in line and "6县" not in line
    day = datetime(2024, 3, 1, 5, 10, tzinfo=UTC)
    (hour,) = told_at(moment, day, 24)
    assert hour <= datetime(2024, 3, 2, 0, tzinfo=UTC) < hour + HOUR, "at eight in Beijing"
