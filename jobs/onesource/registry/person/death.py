"""Deaths by the rule of two sources (DOMAIN 5.2).

A person is dead as soon as one authority reports it and another source bears it out. By one
word alone it is a suspicion, which the police are asked about. The fact's date is the health
authority's, else the crematorium's, else that of the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter

from onesource.registry.person.model import (
    ALIVE,
    DECISION,
    DIED,
    INSURANCE_ENDED_BY_DEATH,
    Voice,
)

# Who reports deaths → its rank for the date. The first three are authorities.
_REPORTS = {
    "base.death_certificate": 1,
    "base.cremation": 2,
    "base.resident_change": 3,
    "base.medical_insurance": 4,
    "base.social_insurance": 5,
}
_AUTHORITIES = 3


@dataclass(frozen=True, slots=True)
class Death:
    """A death: its day, whether two sources bear it out, and who says so, by rank."""

    on: date
    confirmed: bool
    sources: tuple[str, ...]


def death_of(voices: Sequence[Voice]) -> Death | None:
    """What the voices together say of the person's death; None: nobody reports one.

    What a department decided on it holds until somebody reports another day after that.
    """
    decided = [v for v in voices if v.source == DECISION and _decides(v) is not None]
    if not decided:
        return _by_reports(voices)
    last = max(decided, key=attrgetter("order"))
    before = {reported(v) for v in voices if v.statement_at <= last.statement_at}
    later = [v for v in voices if v.statement_at > last.statement_at]
    new = _by_reports([v for v in later if reported(v) not in before])
    word = _decides(last) or ""
    if word in ALIVE:
        return new
    if new is not None:
        return replace(new, confirmed=True)
    return Death(date.fromisoformat(word), True, (DECISION,))


def _decides(v: Voice) -> str | None:
    return v.values.get("death_date") or v.values.get("activity_after_death")


def _by_reports(voices: Sequence[Voice]) -> Death | None:
    reports: dict[int, tuple[date, str]] = {}
    for v in sorted(voices, key=attrgetter("order")):
        day = reported(v)
        if day is not None:
            reports[_REPORTS[v.source]] = (day, v.source)  # the later word of a source holds
    if not reports:
        return None
    first = min(reports)
    confirmed = len(reports) > 1 and first <= _AUTHORITIES
    return Death(reports[first][0], confirmed, tuple(reports[r][1] for r in sorted(reports)))


def reported(v: Voice) -> date | None:
    """The day of death that a voice reports; None: it reports none."""
    if v.source not in _REPORTS:
        return None
    if v.event == "death":
        return _day(v.values.get("death_date")) or v.said_from
    if v.event == DIED:
        return _day(v.values.get("death_date")) or v.said_from
    words = {v.values.get("insurance_status"), v.values.get("medical_status")}
    return v.said_from if INSURANCE_ENDED_BY_DEATH in words else None


def active_after(voices: Sequence[Voice], death: Death) -> list[Voice]:
    """The voices that say the person did something after the day of death.

    A marriage, a move or an enrolment needs the living; a register that still carries the person
    does not: deregistration comes thirty to ninety days later.
    """
    return [v for v in voices if v.source in _ACTIVITY and v.said_from > death.on]


_ACTIVITY = frozenset({"base.marriage", "base.residence_permit", "base.enrolment"})


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
