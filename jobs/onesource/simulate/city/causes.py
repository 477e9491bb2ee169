"""What must give a ticket, by what was really written: read off the rows as they go out.

A planted conflict counts only where the delivered values show it. `expected` says how far:
`ticket` exactly one must be raised, `possible` one may be (a number on the way was spoilt, so
that the row need not be found), `listed` no ticket, but a line among the payments after death.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onesource.simulate.city import calendar
from onesource.simulate.city.kinds import PERSON_KINDS
from onesource.simulate.city.numbers import Objects, texts
from onesource.simulate.city.people import People
from onesource.simulate.city.rows import Planted, Rows

TICKET, POSSIBLE, LISTED = "ticket", "possible", "listed"
# Faults after which a number no longer says whose row it is.
_SPOILT = frozenset({"id_check", "id_excel", "id_swapped", "id_missing"})
# Registers that say somebody lives, by saying anything of it; certificates are of a day gone by.
_REGISTERS = frozenset(
    {
        *("base.resident", "base.residence_permit", "base.low_income", "base.disability"),
        *("base.social_insurance", "base.enrolment", "base.medical_insurance"),
    }
)
_AUTHORITIES = frozenset({"base.death_certificate", "base.cremation", "base.resident_change"})
_INSURERS = frozenset({"base.social_insurance", "base.medical_insurance"})


class Cause(NamedTuple):
    """A line of `conflicts.csv`, but for the file and line of a planted fault."""

    kind: str
    entity: str
    attribute: str
    other: str
    expected: str


@dataclass
class Causes:
    """Hears every part before it is written; says at the end what the parts together contradict.

    first: the first night, whose full has a second registration beside the first.
    """

    first: str
    living: set[str] = field(default_factory=set)
    deaths: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unclear: set[str] = field(default_factory=set)  # a report of a death whose number is spoilt
    paid: dict[str, str] = field(default_factory=dict)  # the last month paid
    missing: set[str] = field(default_factory=set)  # whom the last full lacks
    registered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Contradictions planted in rows, by feed and the row's key: what a later row replaces is none.
    planted: dict[tuple[str, str], list[tuple[str, Planted, str]]] = field(default_factory=dict)

    def hear(self, rows: Rows) -> None:
        if "subject" not in rows.who or not len(rows):
            return
        who, sound, dead = rows.who["subject"], _sound(rows), _says_dead(rows)
        named = who != ""
        for e in who[dead & sound & named]:
            self.deaths[e].add(rows.feed)
        self.unclear |= set(who[dead & ~sound & named])
        if rows.feed in _REGISTERS:
            self.living |= set(who[~dead & sound & named])
        self._hear_paid(rows, who, sound & ~dead & named)
        if rows.feed == "base.resident":
            self.missing -= set(who)
            self.missing |= {f.entity for f in rows.faults if f.kind == "row_missing"}
            if rows.file.startswith(self.first):
                for e in who[sound & named]:
                    self.registered[e] += 1
        self._hear_planted(rows, sound)

    def _hear_planted(self, rows: Rows, sound: NDArray[np.bool_]) -> None:
        if any(feed == rows.feed for feed, _ in self.planted):
            for k in range(len(rows)):
                self.planted.pop((rows.feed, _key(rows, k)), None)
        for f in rows.faults:
            if f.row is not None and PERSON_KINDS[f.kind][1] == TICKET:
                expected = TICKET if sound[f.row] else POSSIBLE
                said = self.planted.setdefault((rows.feed, _key(rows, f.row)), [])
                said.append((rows.file, f, expected))

    def expected(self) -> dict[tuple[str, Planted], str]:
        """File and planted fault → what becomes of it, of those that no later row replaced."""
        return {(file, f): e for said in self.planted.values() for file, f, e in said}

    def _hear_paid(self, rows: Rows, who: Objects, heard: NDArray[np.bool_]) -> None:
        if rows.feed == "base.social_insurance":
            heard = heard & (rows.columns["status"] == "退休")
            months = rows.columns["last_paid_month"]
        elif rows.feed == "base.low_income":
            months = texts([rows.file[:7]] * len(rows))
        else:
            return
        for e, month in zip(who[heard], months[heard], strict=True):
            self.paid[e] = max(month, self.paid.get(e, ""))

    def of_the_world(self, p: People) -> Iterator[Cause]:
        """Conflicts that stand when the last night is over."""
        for b, a in sorted(p.shared_no.items()):
            both = self.registered[p.entity[a]] and self.registered[p.entity[b]]
            expected = TICKET if both else POSSIBLE
            yield Cause("shared_number", p.entity[b], "id_no", p.entity[a], expected)
        for i in sorted(p.second_no):
            expected = TICKET if self.registered[p.entity[i]] > 1 else POSSIBLE
            yield Cause("second_registration", p.entity[i], "second_registration", "", expected)
        for e, feeds in sorted(self.deaths.items()):
            if e in self.living and (len(feeds) == 1 or not feeds & _AUTHORITIES):
                expected = POSSIBLE if e in self.unclear else TICKET
                yield Cause("death_one_source", e, "death_date", "", expected)
        for e in sorted(self.unclear - set(self.deaths)):
            yield Cause("death_one_source", e, "death_date", "", POSSIBLE)
        dies = dict(zip(p.entity, p.death, strict=True))
        for e, month in sorted(self.paid.items()):
            if e in self.deaths and calendar.day(dies[e]).strftime("%Y-%m") < month:
                yield Cause("paid_after_death", e, "payment_after_death", "", LISTED)
        for e in sorted(self.missing):
            yield Cause("row_missing", e, "status", "", TICKET)


# What names a row in its feed.
_KEYS = {
    "base.social_insurance": ("personal_no", "insurance_type"),
    "base.medical_insurance": ("personal_no",),
    "base.enrolment": ("student_no",),
    "base.residence_permit": ("permit_no",),
    "base.cremation": ("record_no",),
    "base.low_income": ("certificate_no", "relation"),
}


def _key(rows: Rows, k: int) -> str:
    names = _KEYS.get(rows.feed, ("certificate_no",))
    return "|".join(str(rows.columns[name][k]) for name in names)


def _sound(rows: Rows) -> NDArray[np.bool_]:
    """Which rows have a number that still says whose they are."""
    if "id_no" not in rows.columns:
        return np.zeros(len(rows), dtype=bool)
    sound = np.array(rows.columns["id_no"] != "", dtype=bool)
    for f in rows.faults:
        if f.row is not None and f.field == "id_no" and f.kind in _SPOILT:
            sound[f.row] = False
    sound[list(rows.shifted)] = False
    return sound


def _says_dead(rows: Rows) -> NDArray[np.bool_]:
    if rows.feed in ("base.death_certificate", "base.cremation"):
        return np.ones(len(rows), dtype=bool)
    if rows.feed == "base.resident_change":
        found: NDArray[np.bool_] = rows.columns["change_type"] == "02"
        return found
    if rows.feed in _INSURERS:
        ended: NDArray[np.bool_] = rows.columns["status"] == "死亡终止"
        return ended
    return np.zeros(len(rows), dtype=bool)
