"""Where the voices on one person contradict each other, and a department must say who is right.

A conflict is seen in what is believed now. A value that failed its check is no voice (it left an
issue on its row), and a name that only an export damaged is no contradiction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from onesource.registry.person.death import Death, active_after, reported
from onesource.registry.person.model import ATTRIBUTES, COMPARED, POLICE, Status, Voice
from onesource.registry.person.names import illegible, plain
from onesource.registry.person.survive import Person, Providers, Won


class Conflict(NamedTuple):
    """As `registry.ticket` keeps it, but for the owner, whom the source-of-record list names."""

    entity: str
    attribute: str
    value_a: str
    source_a: str
    value_b: str
    source_b: str
    evidence_a: str
    evidence_b: str
    detail_zh: str
    detail_en: str


def conflicts_of(
    person: Person, state: Sequence[object], providers: Providers
) -> Iterator[Conflict]:
    """The conflicts of one person by its voices and what won (the state of its latest row)."""
    death = state[-1]
    won: Mapping[str, Won | None] = dict(zip(ATTRIBUTES, state, strict=False))  # type: ignore[arg-type]
    for attribute in COMPARED:
        winner = won[attribute]
        if winner is not None:
            yield from _against(person, attribute, winner, providers)
    if isinstance(death, Death):
        yield from _of_death(person, death)
    yield from _vanished(person, state)


def _against(
    person: Person, attribute: str, winner: Won, providers: Providers
) -> Iterator[Conflict]:
    known = providers.get(attribute, {})
    said: dict[str, Voice] = {}
    mine: Voice | None = None
    before: set[str] = set()  # what the winner's rank said until it came to say this
    since: datetime | None = None
    for v in sorted(person.voices, key=attrgetter("order")):
        value = v.values.get(attribute)
        if value is None or v.source not in known:
            continue
        if known[v.source].rank == known[winner.source].rank:
            if value != winner.value:
                before.add(value)
                since = None
            elif before and since is None:
                since = v.statement_at
        if _has_ended(v):
            continue
        if v.source == winner.source and value == winner.value:
            mine = v
        if known[v.source].rank != known[winner.source].rank:
            said[f"{v.source}|{v.source_key}|{v.role}"] = v  # the later word of a row holds
    seen: set[str] = set()
    for v in said.values():
        value = v.values[attribute]
        if value in seen or _agree(attribute, winner.value, value):
            continue
        if value in before and since is not None and v.statement_at <= since:
            continue  # it said what the register said, too, before the change
        seen.add(value)
        yield Conflict(
            person.person_id,
            attribute,
            winner.value,
            winner.source,
            value,
            v.source,
            mine.place if mine else "",
            v.place,
            f"两个来源的{_WORDS[attribute]}不一致",
            f"two sources differ on {attribute}",
        )


def _has_ended(v: Voice) -> bool:
    """Is the word over? Other words end by a later statement, or by not being in it; one whose
    line says how long it holds speaks on where that day was to come when the line was stated.

    The day is that of the statement, not of the receipt: a file that comes late says no less than
    one that comes in time.
    """
    if v.said_to is None:
        return False
    said = v.statement_at if v.ends_by_itself else v.known_from
    return v.said_to <= said.date()


_WORDS = {"name": "姓名", "sex": "性别", "birth_date": "出生日期", "ethnicity": "民族"}


def _agree(attribute: str, a: str, b: str) -> bool:
    if attribute != "name":
        return a == b
    return plain(a) == plain(b) or illegible(a, b)


# Who keeps a list of people now. A marriage or a birth certificate is of a day gone by.
_REGISTERS = frozenset(
    {
        *(*POLICE, "base.residence_permit", "base.low_income", "base.disability"),
        *("base.social_insurance", "base.enrolment", "base.medical_insurance"),
    }
)


def _says_living(v: Voice) -> bool:
    """Does the voice speak of a living person? One known from its death alone is no question."""
    return v.source in _REGISTERS and reported(v) is None


def _of_death(person: Person, death: Death) -> Iterator[Conflict]:
    by_source = {v.source: v for v in person.voices}
    first = by_source[death.sources[0]]
    if not death.confirmed and any(_says_living(v) for v in person.voices):
        yield Conflict(
            person.person_id,
            "death_date",
            death.on.isoformat(),
            first.source,
            "",
            "",
            first.place,
            "",
            "仅一个来源报告死亡，待核实",
            "one source alone reports the death",
        )
    active = active_after(person.voices, death)
    if active:
        last = max(active, key=lambda v: (v.said_from, v.order))
        yield Conflict(
            person.person_id,
            "activity_after_death",
            death.on.isoformat(),
            first.source,
            last.said_from.isoformat(),
            last.source,
            first.place,
            last.place,
            "死亡日期之后仍有业务记录：死亡有误，或冒用身份",
            "something was done after the day of death: a wrong death, or a stolen identity",
        )


def _vanished(person: Person, state: Sequence[object]) -> Iterator[Conflict]:
    """The full no longer has the person, and no change record says why."""
    if state[-2] != Status.CANCELLED:
        return
    last = max(
        (v for v in person.voices if v.source in POLICE),
        key=lambda v: (v.said_to is not None, v.said_to or v.said_from, v.order),
    )
    yield Conflict(
        person.person_id,
        "status",
        Status.REGISTERED,
        last.source,
        Status.CANCELLED,
        last.source,
        last.place,
        "",
        "户籍全量中不再出现，且无变动记录",
        "the full register no longer has the person, and no change record says why",
    )
