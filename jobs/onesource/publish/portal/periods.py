"""Places on a time axis, for years, quarters, months, days and moments alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

_YEAR = re.compile(r"(\d{4})年?")
_QUARTER = re.compile(r"(\d{4})-?[Qq]([1-4])")
_MONTH = re.compile(r"(\d{4})[-/年]?(0[1-9]|1[0-2])月?")


@dataclass(frozen=True)
class Period:
    """One value of a time column. at: days since 0001-01-01, of its beginning."""

    at: float
    text: str


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class TimeAxis:
    """The periods of a column in order. step: the usual distance, in days; None: irregular."""

    periods: tuple[Period, ...]
    unit: str
    step: float | None

    @property
    def first(self) -> Period:
        return self.periods[0]

    @property
    def last(self) -> Period:
        return self.periods[-1]

    def follows(self, before: float, after: float) -> bool:
        """Is `after` the next period, so that a line may join the two?"""
        return self.step is None or after - before <= self.step * 1.5

    def ticks(self, count: int) -> tuple[Tick, ...]:
        """At most `count` ticks that fall on round dates."""
        if self.unit == "order":
            every = -(-len(self.periods) // count)
            return tuple(Tick(p.at, p.text) for p in self.periods[::every])
        first, last = (_day(p.at) for p in (self.first, self.last))
        months = (last.year - first.year) * 12 + last.month - first.month
        if self.unit in ("day", "moment") and months < 2:
            return self._day_ticks(count)
        fit = (1, 3, 6) if self.unit != "year" else ()
        for every in (*fit, 12, 24, 60, 120, 240, 600, 1200):
            if months // every > count:
                continue
            ticks = _month_ticks(first, months, every)
            if len(ticks) <= count:
                return ticks or (Tick(self.first.at, self.first.text),)
        return (Tick(self.first.at, self.first.text), Tick(self.last.at, self.last.text))

    def _day_ticks(self, count: int) -> tuple[Tick, ...]:
        days = int(self.last.at) - int(self.first.at)
        every = next(n for n in (1, 2, 5, 7, 14, 31) if days // n < count or n == 31)
        return tuple(
            Tick(float(at), date.fromordinal(at).strftime("%m-%d"))
            for at in range(int(self.first.at), int(self.last.at) + 1, every)
        )


def time_axis(values: Sequence[Any]) -> TimeAxis:
    """The axis of the distinct values; text that is no time is put in order of its characters."""
    texts = sorted({str(v) for v in values})
    by_text = {t: _read(t) for t in texts}
    read = {t: r for t, r in by_text.items() if r is not None}
    units = {unit for _, unit in read.values()}
    if len(read) < len(texts) or len(units) != 1:
        return TimeAxis(tuple(Period(float(i), t) for i, t in enumerate(texts)), "order", None)
    periods = sorted((Period(at, t) for t, (at, _) in read.items()), key=lambda p: p.at)
    return TimeAxis(tuple(periods), units.pop(), _step([p.at for p in periods]))


def _read(text: str) -> tuple[float, str] | None:
    if found := _YEAR.fullmatch(text):
        return _ordinal(int(found[1]), 1), "year"
    if found := _QUARTER.fullmatch(text):
        return _ordinal(int(found[1]), int(found[2]) * 3 - 2), "quarter"
    if found := _MONTH.fullmatch(text):
        return _ordinal(int(found[1]), int(found[2])), "month"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    of_day = (moment.hour * 60 + moment.minute) / 1440
    return moment.toordinal() + of_day, "day" if len(text) <= 10 else "moment"


def _ordinal(year: int, month: int) -> float:
    return float(date(max(year, 1), month, 1).toordinal())


def _day(at: float) -> date:
    return date.fromordinal(int(at))


def _step(at: Sequence[float]) -> float | None:
    """The least distance, if half of all distances are about that; else the axis is irregular."""
    gaps = [b - a for a, b in pairwise(at)]
    if not gaps:
        return None
    least = min(gaps)
    return least if sum(g <= least * 1.5 for g in gaps) * 2 >= len(gaps) else None


def _month_ticks(first: date, months: int, every: int) -> tuple[Tick, ...]:
    begin = first.year * 12 + first.month - 1
    ticks = []
    for at in range(-(-begin // every) * every, begin + months + 1, every):
        year, month = divmod(at, 12)
        if at == begin and first.day > 1:
            continue
        text = f"{year}" if every >= 12 else f"{year}-{month + 1:02d}"
        ticks.append(Tick(float(date(year, month + 1, 1).toordinal()), text))
    return tuple(ticks)
