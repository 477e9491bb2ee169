"""From what was said, and when the lake learned it, to rows on two clocks.

A *statement* gives one state's value from a day on (half-open, null: open), and is believed from
one time of receipt until another. What was believed at a moment follows from the statements that
were believed then; rows of successive moments that say the same are one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from onesource.config import BEIJING

State = Any  # whatever can be compared; a tuple of attributes
Stretch = tuple[date, date | None, State]  # valid_from, valid_to, what held


@dataclass(frozen=True, slots=True)
class Belief:
    """One state in one stretch of the world, and how long it was believed."""

    valid_from: date
    valid_to: date | None
    known_from: datetime
    known_to: datetime | None
    state: State


def moments(known: Iterable[tuple[datetime, datetime | None]]) -> list[datetime]:
    """The times of receipt at which what is believed may change, in order."""
    return sorted({moment for pair in known for moment in pair if moment is not None})


def nightly(at: Sequence[datetime]) -> list[datetime]:
    """Of each day (Beijing) the last moment.

    A night's files come minutes apart, and what would follow from the first half of them was
    never served to anyone: the registry learns by the day.
    """
    last = {moment.astimezone(BEIJING).date(): moment for moment in sorted(at)}
    return list(last.values())


def beliefs(at: Sequence[datetime], world: Callable[[datetime], Sequence[Stretch]]) -> list[Belief]:
    """The rows on two clocks.

    at: the moments, ascending. world: what is believed from a moment on, stretches in order.
    """
    rows: list[Belief] = []
    open_rows: dict[Stretch, datetime] = {}
    for moment in at:
        now = dict.fromkeys(world(moment))
        for stretch in [s for s in open_rows if s not in now]:
            rows.append(_closed(stretch, open_rows.pop(stretch), moment))
        for stretch in now:
            open_rows.setdefault(stretch, moment)
    rows += [_closed(stretch, since, None) for stretch, since in open_rows.items()]
    return sorted(rows, key=lambda b: (b.known_from, b.valid_from, b.known_to or datetime.max))


def _closed(stretch: Stretch, since: datetime, until: datetime | None) -> Belief:
    start, end, state = stretch
    return Belief(start, end, since, until, state)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Neighbouring stretches with the same state become one; empty ones go."""
    found: list[Stretch] = []
    for start, end, state in stretches:
        if end is not None and end <= start:
            continue
        if found and found[-1][1] == start and found[-1][2] == state:
            found[-1] = (found[-1][0], end, state)
        else:
            found.append((start, end, state))
    return found


def projected(rows: Sequence[Belief], of: Callable[[State], State | None]) -> list[Belief]:
    """The same beliefs about a part of the state only; None: nothing to say of it then.

    For the histories: a row of `person` is cut when any attribute changes, a row of
    `person_name_history` only when the name does.
    """

    def world(moment: datetime) -> list[Stretch]:
        then = [
            r
            for r in rows
            if r.known_from <= moment and (r.known_to is None or moment < r.known_to)
        ]
        then.sort(key=lambda r: r.valid_from)
        parts = [(r.valid_from, r.valid_to, of(r.state)) for r in then]
        return [s for s in joined(parts) if s[2] is not None]

    return beliefs(moments((r.known_from, r.known_to) for r in rows), world)
