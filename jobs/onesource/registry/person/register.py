"""What the police's register says: full statements and change records of one person, in order.

A full states how things stand on its day; a change record says the day of the change. Where a
full shows a new address, the day on which the person moved there (何时迁来本址) dates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from onesource.registry.person.model import DIED, DUPLICATE, MOVED_OUT, Status, Voice

# 变动类型 → what the person is after it. Any other change leaves it registered.
AFTER = {DIED: Status.DEAD, MOVED_OUT: Status.MOVED_OUT, DUPLICATE: Status.DUPLICATE}


@dataclass(frozen=True, slots=True)
class Registration:
    """What the register makes of the person in one stretch."""

    start: date
    stop: date | None
    status: str
    source: str

    def holds_on(self, day: date) -> bool:
        return self.start <= day and (self.stop is None or day < self.stop)


def register_words(voices: Sequence[Voice]) -> Iterable[tuple[Voice, date]]:
    """The register's voices, each with the day from which what it says holds."""
    before: date | None = None
    for v in sorted(voices, key=_in_order):
        start = v.said_from
        moved = _day(v.values.get("moved_in_on"))
        # The first word holds since the person came to the address; a later one that shows a new
        # address, too.
        if (
            v.event == "state"
            and moved is not None
            and moved < start
            and (before is None or moved > before)
        ):
            start = moved
        before = start if before is None else max(before, start)
        yield v, start


def registration_of(voices: Sequence[Voice]) -> list[Registration]:
    """The stretches in which the person is, or is no longer, registered in the city."""
    marks: list[tuple[date, int, str, str]] = []
    for v, start in register_words(voices):
        marks.append((start, 1, AFTER.get(v.event, Status.REGISTERED), v.source))
        if v.event == "state" and v.said_to is not None:
            # The full no longer has the person. A change record of the day or before explains it.
            marks.append((v.said_to, 0, Status.CANCELLED, v.source))
    return _stretches(sorted(marks))


def _stretches(marks: Sequence[tuple[date, int, str, str]]) -> list[Registration]:
    found: list[Registration] = []
    for day, said, status, source in marks:
        last = found[-1] if found else None
        if last is not None:
            gone = last.status != Status.REGISTERED
            if said == 0 and gone:
                continue  # the change record said why before the full showed it
            if status == last.status:
                continue
            found[-1] = Registration(last.start, day, last.status, last.source)
        found.append(Registration(day, None, status, source))
    return [r for r in found if r.stop is None or r.stop > r.start]


def _in_order(v: Voice) -> tuple[date, object, str]:
    return (v.said_from, v.statement_at, v.said_order)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
