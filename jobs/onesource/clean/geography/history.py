"""When each division held, as far as full snapshots tell, and since when the lake knows it.

Definition. A *statement* is one full snapshot: the state of every unit on a day. Two of them only
bound the date of a change between them:

* `valid_from`: the first snapshot that has the state; `valid_from_earliest`: the day after the
  last snapshot before it that lacks it (null: there is none, the start is unknown);
* `valid_to` (half-open): the first later snapshot that lacks the state (null: none does);
  `valid_to_earliest`: the day after the last snapshot that has it.

What was believed at an instant follows from the statements received up to then, for each day the
latest of them. A belief is known from the first instant at which it follows until the first at
which it no longer does. Both are functions of the set of statements and of their recorded
receipts, so that the order of processing cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from onesource.clean.geography.names import clean, level_of


class State(NamedTuple):
    """What a snapshot says about a code."""

    name: str
    parent_code: str


Holding = Mapping[str, State]  # code → state


@dataclass(frozen=True, order=True)
class Statement:
    """One snapshot as received. `said_at` decides between two for one day, then the receipt."""

    as_of: date
    said_at: datetime
    received_at: datetime
    ident: str


class Validity(NamedTuple):
    """A state of a code and the days between which it holds; half-open, None = open."""

    code: str
    name: str
    level: str
    parent_code: str
    valid_from: date
    valid_to: date | None
    valid_from_earliest: date | None
    valid_to_earliest: date | None


class Belief(NamedTuple):
    """A validity and the instants between which the lake held it to be so."""

    validity: Validity
    known_from: datetime
    known_to: datetime | None


def state(name: str, parent_code: str) -> State:
    """A state whose name is freed of padding (`兴　县`), so that padding is no change."""
    return State(clean(name), parent_code)


def validities(snapshots: Sequence[tuple[date, Holding]]) -> set[Validity]:
    """The states of all codes that follow from snapshots, given in the order of their days."""
    days = [day for day, _ in snapshots]
    found: set[Validity] = set()
    for code in {c for _, holding in snapshots for c in holding}:
        level = level_of(code)
        start = 0
        states = [holding.get(code) for _, holding in snapshots]
        for i in range(1, len(states) + 1):
            if i < len(states) and states[i] == states[start]:
                continue
            said = states[start]
            if said is not None:
                found.add(_validity(code, level, said, days, start, i))
            start = i
    return found


def _validity(
    code: str, level: str, said: State, days: Sequence[date], first: int, after: int
) -> Validity:
    """The state that stands in the snapshots `first` to before `after`."""
    ends = after < len(days)
    return Validity(
        code=code,
        name=said.name,
        level=level,
        parent_code=said.parent_code,
        valid_from=days[first],
        valid_to=days[after] if ends else None,
        valid_from_earliest=days[first - 1] + timedelta(days=1) if first else None,
        valid_to_earliest=days[after - 1] + timedelta(days=1) if ends else None,
    )


def believed_at(statements: Iterable[Statement], instant: datetime) -> list[Statement]:
    """For each day the statement that held at an instant, in the order of the days."""
    latest: dict[date, Statement] = {}
    for s in statements:
        if s.received_at <= instant and (s.as_of not in latest or latest[s.as_of] < s):
            latest[s.as_of] = s
    return [latest[day] for day in sorted(latest)]


def beliefs(statements: Iterable[Statement], holdings: Mapping[str, Holding]) -> list[Belief]:
    """Everything that was ever believed. `holdings`: a statement's ident → what it holds.

    A statement without a holding held nothing here (every unit of the area was gone).
    """
    said = sorted(set(statements))
    nothing: Holding = {}
    open_: dict[Validity, datetime] = {}
    closed: list[Belief] = []
    for instant in sorted({s.received_at for s in said}):
        chosen = believed_at(said, instant)
        now = validities([(s.as_of, holdings.get(s.ident, nothing)) for s in chosen])
        for validity in [v for v in open_ if v not in now]:
            closed.append(Belief(validity, open_.pop(validity), instant))
        for validity in now:
            open_.setdefault(validity, instant)
    return closed + [Belief(v, since, None) for v, since in open_.items()]
