"""What the police's register says: full statements and change records of one person, in order.

A full states how things stand on its day; a change record says the day of the change. Where a
full shows a new address, the day on which the person moved there (何时迁来本址) dates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter

from onesource.registry.person.model import (
    DECISION,
    DIED,
    DUPLICATE,
    MOVED_OUT,
    POLICE,
    SAME_PERSON,
    Status,
    Voice,
)

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


# 户籍人员状态 of the register's own rows that is no registration.
_STATED = {"2": Status.IN_TRANSIT, "3": Status.MOVED_OUT}
# A certificate of removal is used within thirty days, and the register is written up within ten
# more (DOMAIN 5.2). Who was taken in nowhere by then has left.
TRANSIT = timedelta(days=40)

STATUSES = frozenset(v for k, v in vars(Status).items() if not k.startswith("_"))


def register_of(voices: Sequence[Voice]) -> list[Voice]:
    """The register's voices that count for one person.

    Who stands in the register twice is one person with one registration: what was cancelled as a
    repetition, and what a department found to be one, does not speak beside the first.
    """
    own = [v for v in voices if v.source in POLICE]
    if len({v.unit for v in own}) < 2:
        return own
    found = (v for v in voices if v.source == DECISION and SAME_PERSON & {*v.values.values()})
    joined = {v.atom for v in found}
    first = min(own, key=attrgetter("precedence")).unit
    out = {v.unit for v in own if v.event == DUPLICATE or (v.atom in joined and v.unit != first)}
    return [v for v in own if v.unit not in out] or own


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


def registration_of(voices: Sequence[Voice], decisions: Sequence[Voice] = ()) -> list[Registration]:
    """The stretches in which the person is, or is no longer, registered in the city.

    decisions: on the status; what the register says of a later day holds again.
    """
    marks: list[tuple[date, int, str, str]] = [
        (d.said_from, 2, d.values["status"], d.source)
        for d in decisions
        if d.values.get("status") in STATUSES
    ]
    for v, start in register_words(voices):
        status = _status_after(v)
        marks.append((start, 1, status, v.source))
        if status == Status.IN_TRANSIT and v.event == MOVED_OUT:
            marks.append((start + TRANSIT, 0, Status.MOVED_OUT, v.source))
        if v.event == "state" and v.said_to is not None:
            # The full no longer has the person. A change record of the day or before explains it.
            marks.append((v.said_to, 0, Status.CANCELLED, v.source))
    return _stretches(sorted(marks))


def _status_after(v: Voice) -> str:
    stated = _STATED.get(v.values.get("hukou_status", ""))
    if stated is not None and v.event in ("state", MOVED_OUT):
        return stated
    return AFTER.get(v.event, Status.REGISTERED)


def _stretches(marks: Sequence[tuple[date, int, str, str]]) -> list[Registration]:
    found: list[Registration] = []
    for day, said, status, source in marks:
        last = found[-1] if found else None
        if last is not None:
            if said == 0 and last.status == Status.IN_TRANSIT:
                status = Status.MOVED_OUT
            elif said == 0 and (last.status != Status.REGISTERED or status == Status.MOVED_OUT):
                # The change record said why before the full showed it; or was taken in meanwhile.
                continue
            if status == last.status:
                continue
            found[-1] = Registration(last.start, day, last.status, last.source)
        found.append(Registration(day, None, status, source))
    return [r for r in found if r.stop is None or r.stop > r.start]


def _in_order(v: Voice) -> tuple[date, object]:
    return (v.said_from, v.order)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
