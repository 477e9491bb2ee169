"""Days as whole numbers since 1970-01-01, and their texts."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from onesource.simulate.city.numbers import Ints, Objects, texts

EPOCH = date(1970, 1, 1)
FIRST = (date(1890, 1, 1) - EPOCH).days
LAST = (date(2080, 1, 1) - EPOCH).days


def number(day: date) -> int:
    return (day - EPOCH).days


def day(n: int) -> date:
    return EPOCH + timedelta(days=int(n))


@lru_cache(maxsize=8)
def _table(form: str) -> Objects:
    days = (EPOCH + timedelta(days=n) for n in range(FIRST, LAST))
    return texts([form.format(d) for d in days])


def written(days: Ints, form: str = "{0:%Y-%m-%d}") -> Objects:
    """The texts of days."""
    found: Objects = _table(form)[np.asarray(days) - FIRST]
    return found


@lru_cache(maxsize=1)
def _compact() -> Ints:
    return np.array([int(t) for t in _table("{0:%Y%m%d}")], dtype=np.int64)


def compact(days: Ints) -> Ints:
    """yyyymmdd as numbers."""
    found: Ints = _compact()[np.asarray(days) - FIRST]
    return found


def years(days: Ints) -> Ints:
    return compact(days) // 10_000
