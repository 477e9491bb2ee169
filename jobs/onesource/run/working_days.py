"""Working days by the Chinese calendar: holidays, and the weekends that are worked instead."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from onesource.errors import OneSourceError

WORKING_DAYS = 10  # 51号文: a department answers a doubt within ten working days


@lru_cache(maxsize=4096)
def due_date(opened: date, days: int = WORKING_DAYS) -> date:
    """The day that is `days` working days after `opened`.

    Raises OneSourceError when the calendar ends before (P11).
    """
    import chinese_calendar

    day, left = opened, days
    while left:
        day += timedelta(days=1)
        try:
            left -= chinese_calendar.is_workday(day)
        except NotImplementedError as e:
            raise OneSourceError(
                f"the calendar of working days ends before {day}",
                todo="update the package chinesecalendar",
            ) from e
    return day
