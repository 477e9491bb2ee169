"""`division`: needs the whole register in memory, so it works in batches, not in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from onesource.clean.standardisers.model import Answers, Argument, Context, Standardiser
from onesource.errors import OneSourceError

LEVELS = ("province", "city", "county", "town", "village")


def _division(
    values: Sequence[str | None],
    by_row: Mapping[str, Sequence[str | None] | None],
    fixed: Mapping[str, str],
    context: Context,
) -> Answers:
    from onesource.clean.standardisers.division import resolve_batch

    if context.division is None:
        raise OneSourceError(
            "there is no register of divisions",
            todo="deliver and run base.division, or keep schemas/samples/base/division",
        )
    nothing: Sequence[str | None] = [None] * len(values)
    days = [day_of(d) for d in by_row.get("date") or nothing]
    parents = by_row.get("parent") or nothing
    return resolve_batch(values, days, parents, context.division, fixed.get("level"))


def day_of(text: str | None) -> date | None:
    """The day that an argument gives, if it is one."""
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def iso_day(value: str) -> str | None:
    """What an argument must be that is no day."""
    return None if day_of(value) else "a day, such as 2019-01-01"


def _level(value: str) -> str | None:
    return None if value in LEVELS else f"one of {', '.join(LEVELS)}"


DIVISION = Standardiser(
    "division",
    "行政区划：代码或名称 → 指定日期有效的 12 位代码，附方法和可信度",
    "A division's code or name to the 12-digit code valid on a day, with method and confidence",
    (
        "OK",
        "EMPTY",
        "FMT",
        "COLLECTOR",
        "UNKNOWN",
        "AMBIGUOUS",
        "ABOLISHED",
        "NOT_YET",
        "PARENT_UNKNOWN",
        "TOO_COARSE",
    ),
    arguments=(
        Argument(
            "date", "代码应有效的日期", "the day on which the code must hold", iso_day, by_row=True
        ),
        Argument("parent", "上级区划", "the division in which it lies", by_row=True),
        Argument("level", "所要的层级", "the level wanted", _level),
    ),
    arrow=_division,
    lists=("division_crosswalk", "gb2260"),
    reads_divisions=True,
)
