"""Survivorship: of all that is said of a person, what holds, since when, and by whose word.

Per attribute the source-of-record list names the providers in order. The word of the first that
says something valid holds; a later one fills what those before leave empty, and stands in where
theirs is older than its maximum age. Within a provider the later word holds. A value that fails
its check never wins. Pure: voices in, rows out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from operator import attrgetter
from typing import NamedTuple

from onesource.registry.person.belief import Belief, Stretch, beliefs, moments, nightly
from onesource.registry.person.death import Death, death_of
from onesource.registry.person.model import (
    ATTRIBUTES,
    DECISION,
    IDENTITY,
    LASTING,
    POLICE,
    Reason,
    Status,
    Voice,
    person_id,
)
from onesource.registry.person.register import (
    Registration,
    register_of,
    register_words,
    registration_of,
)


@dataclass(frozen=True, slots=True)
class Provider:
    """A source of an attribute: its rank (1 the first), and after how many days it is stale."""

    rank: int
    max_age_days: int | None = None


Providers = Mapping[str, Mapping[str, Provider]]  # attribute → feed → provider


class Word(NamedTuple):
    """One source's value of one attribute, from a day until a day."""

    start: date
    stop: date | None
    rank: int  # 0: decided by a department
    max_age_days: int | None
    order: tuple[datetime, str, str]
    value: str
    source: str


class Won(NamedTuple):
    """The value that holds, who says it, and why it won."""

    value: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of one person at one moment: who it is, and the voices that speak of it."""

    person_id: str
    atoms: frozenset[str]
    voices: tuple[Voice, ...]


def persons_at(voices: Sequence[Voice], moment: datetime | None) -> list[Person]:
    """The persons of a component as they were known at a moment (None: by all that was ever said).

    Atoms are one person where a unit that is known then has them both.
    """
    known = [v for v in voices if moment is None or v.is_known(moment)]
    if not known:
        return []
    if all(v.atom == known[0].atom for v in known):  # nearly always
        return [_person(known)]
    root: dict[str, str] = {}

    def find(a: str) -> str:
        while root[a] != a:
            a = root[a]
        return a

    by_unit: dict[str, str] = {}
    for v in known:
        root.setdefault(v.atom, v.atom)
        if v.unit is not None:
            first = by_unit.setdefault(v.unit, v.atom)
            a, b = sorted((find(first), find(v.atom)))
            root[b] = a
    groups: dict[str, list[Voice]] = defaultdict(list)
    for v in known:
        groups[find(v.atom)].append(v)
    return [_person(group) for _, group in sorted(groups.items())]


def _person(voices: list[Voice]) -> Person:
    first = min(voices, key=attrgetter("precedence"))
    return Person(person_id(first.atom), frozenset(v.atom for v in voices), tuple(voices))


def survive(voices: Sequence[Voice], providers: Providers) -> dict[str, list[Belief]]:
    """All rows of `registry.person` of one component: person_id → beliefs.

    A belief's state is a tuple: the attributes' `Won` (or None) in the order of `ATTRIBUTES`, then
    the status and the `Death` (or None).
    """
    at = nightly(moments((v.known_from, v.known_to) for v in voices))
    worlds: dict[str, dict[datetime, list[Stretch]]] = defaultdict(dict)
    for moment in at:
        for person in persons_at(voices, moment):
            worlds[person.person_id][moment] = world(person.voices, providers)
    return {pid: beliefs(at, partial(_at, by_moment)) for pid, by_moment in worlds.items()}


def _at(by_moment: Mapping[datetime, list[Stretch]], moment: datetime) -> list[Stretch]:
    return by_moment.get(moment, [])


def world(voices: Sequence[Voice], providers: Providers) -> list[Stretch]:
    """One person's stretches, by the voices given."""
    words = _words(voices, providers)
    decided = [v for v in voices if v.source == DECISION]
    registration = registration_of(register_of(voices), decided)
    death = death_of(voices)
    firsts = [w.start for said in words.values() for w in said if w.source in POLICE]
    starts = firsts or [w.start for said in words.values() for w in said]
    if not starts:
        return []
    begin = min(starts)
    points: dict[date, list[tuple[int, Won | None]]] = {begin: []}
    numbers = _timeline(words["id_no"], begin) if "id_no" in words else []
    for place, attribute in enumerate(ATTRIBUTES):
        if attribute not in words:
            continue
        for day, won in (
            numbers
            if attribute == "id_no"
            else _timeline(words[attribute], begin, attribute, numbers)
        ):
            points.setdefault(day, []).append((place, won))
    for r in registration:
        for cut in (r.start, r.stop):
            if cut is not None and cut > begin:
                points.setdefault(cut, [])
    if death is not None and death.on > begin:
        points.setdefault(death.on, [])
    return _stretches(points, registration, death)


def _stretches(
    points: Mapping[date, Sequence[tuple[int, Won | None]]],
    registration: Sequence[Registration],
    death: Death | None,
) -> list[Stretch]:
    """The stretches between the points at which a value, or why it holds, or the status changes.

    points: the changes of a day, each with the attribute's place. That another source repeats a
    value cuts nothing; the last that did is named.
    """
    state: list[Won | None] = [None] * len(ATTRIBUTES)
    starts: list[tuple[date, tuple[object, ...]]] = []
    before: tuple[str, Death | None] | None = None
    for day in sorted(points):
        changed = False
        for place, won in points[day]:
            changed = changed or not _same(state[place], won)
            state[place] = won
        held = next((r for r in registration if r.holds_on(day)), None)
        dead = death if death is not None and death.on <= day else None
        status = status_of(held, dead)
        if changed or before != (status, dead):
            starts.append((day, (*state, status, dead)))
            before = status, dead
        elif points[day]:  # another source says the same: it is the one to name
            starts[-1] = (starts[-1][0], (*state, status, dead))
    ends = [*(day for day, _ in starts[1:]), None]
    return [(day, until, said) for (day, said), until in zip(starts, ends, strict=True)]


def _same(a: Won | None, b: Won | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.value == b.value and a.reason == b.reason


def _words(voices: Sequence[Voice], providers: Providers) -> dict[str, list[Word]]:
    words: dict[str, list[Word]] = defaultdict(list)
    for voice, start in _dated(voices):
        order = voice.order
        for attribute, value in voice.values.items():
            known = providers.get(attribute)
            provider = known.get(voice.source) if known else None
            if provider is None:
                continue
            stop = None if attribute in LASTING else voice.said_to
            rank, age = provider.rank, provider.max_age_days
            words[attribute].append(Word(start, stop, rank, age, order, value, voice.source))
    for voice in voices:
        if voice.source == DECISION:
            _decide(words, voice)
    for said in words.values():
        # The later word first; equal ones by what they say, so that no order of arrival matters.
        if len(said) > 1:
            said.sort(key=lambda w: (w.value, w.source))
            said.sort(key=lambda w: (w.start, w.order), reverse=True)
    return words


def _decide(words: dict[str, list[Word]], decision: Voice) -> None:
    """Adds what a department decided: it goes before every source from the day of the decision.

    It ends where the first of the list says something new after that. A value that was said
    before already is no news: it opens the ticket again, and until the next answer what was
    decided is served (DOMAIN 5.6).
    """
    for attribute, value in decision.values.items():
        if attribute not in ATTRIBUTES or attribute in IDENTITY:
            continue
        said = words[attribute]
        at = decision.statement_at
        known = {value, *(w.value for w in said if w.order[0] <= at)}
        news = [w.start for w in said if w.rank == 1 and w.order[0] > at and w.value not in known]
        stop = min(news, default=None)
        if stop is None or stop > decision.said_from:
            said.append(Word(decision.said_from, stop, 0, None, decision.order, value, DECISION))


def _dated(voices: Sequence[Voice]) -> Iterable[tuple[Voice, date]]:
    """Each voice with the day from which its word holds."""
    yield from register_words(register_of(voices))
    yield from ((v, v.said_from) for v in voices if v.source not in POLICE)


def _timeline(
    words: Sequence[Word],
    begin: date,
    attribute: str = "",
    numbers: Sequence[tuple[date, Won | None]] = (),
) -> list[tuple[date, Won | None]]:
    """What wins of an attribute, and from which day on: `begin` and later, in order.

    words: the later first. numbers: the same of the resident number, by which sex and birth are
    checked.
    """
    if len(words) == 1:  # nearly always: nothing to choose
        [word] = words
        start = max(word.start, begin)
        if word.stop is not None and word.stop <= start:
            return []
        won = Won(word.value, word.source, _reason(word, (), False))
        return [(start, won)] if word.stop is None else [(start, won), (word.stop, None)]
    must_be = _check(attribute, numbers[0][1]) if len(numbers) == 1 else None
    best = min(words, key=_rank)
    if (
        best.start <= begin
        and best.stop is None
        and best.max_age_days is None
        and (attribute not in _CHECKED or len(numbers) < 2)
        and (must_be is None or must_be == best.value)
        and sum(w.rank == best.rank for w in words) == 1
    ):  # it never fails, ends or grows old, and nobody comes before it
        return [(begin, Won(best.value, best.source, _reason(best, (), False)))]
    cuts = {begin, *(d for w in words for d in (w.start, w.stop) if d is not None and d > begin)}
    if len({w.rank for w in words}) > 1:
        cuts |= {d for w in words if (d := _stale_on(w)) is not None and d > begin}
    if attribute not in _CHECKED:
        return [(day, _winner(words, day, None)) for day in sorted(cuts)]
    cuts |= {day for day, _ in numbers}
    found: list[tuple[date, Won | None]] = []
    number: Won | None = None
    ahead = list(reversed(numbers))
    for day in sorted(cuts):
        while ahead and ahead[-1][0] <= day:
            number = ahead.pop()[1]
        found.append((day, _winner(words, day, _check(attribute, number))))
    return found


_rank = attrgetter("rank")


def _stale_on(word: Word) -> date | None:
    if word.max_age_days is None:
        return None
    return word.start + timedelta(days=word.max_age_days)


# What the resident number says, too.
_CHECKED = ("sex", "birth_date")


def _check(attribute: str, number: Won | None) -> str | None:
    """What the attribute must be by the resident number, where the number says it."""
    if number is None or len(number.value) != 18 or not number.value[:17].isdigit():
        return None
    if attribute == "sex":
        return "1" if int(number.value[16]) % 2 else "2"
    if attribute == "birth_date":
        n = number.value
        return f"{n[6:10]}-{n[10:12]}-{n[12:14]}"
    return None


def _winner(words: Sequence[Word], day: date, must_be: str | None) -> Won | None:
    """The word that holds on a day: fresh before stale, by rank, the later within a rank.

    words: the later first.
    """
    alive = [w for w in words if w.start <= day and (w.stop is None or day < w.stop)]
    if not alive:
        return None
    if len(alive) == 1:
        return Won(alive[0].value, alive[0].source, _reason(alive[0], (), False))
    stale = {id(w) for w in alive if (d := _stale_on(w)) is not None and d <= day}
    failing = {id(w) for w in alive if w.rank and must_be is not None and w.value != must_be}
    if len(failing) == len(alive):
        failing = set()  # nobody agrees with the number: it may be the number that is wrong
    best = min(alive, key=lambda w: (id(w) in failing, id(w) in stale, w.rank))
    before = [w for w in alive if w.rank < best.rank]
    reason = _reason(best, before, any(id(w) in failing for w in before))
    return Won(best.value, best.source, reason)


def _reason(word: Word, before: Sequence[Word], failed: bool) -> str:
    if word.rank == 0:
        return Reason.DECIDED
    if word.rank == 1:
        return Reason.AUTHORITATIVE
    if not before:
        return Reason.FILLS_NULL
    return Reason.VALID if failed else Reason.FRESHER


def status_of(registration: Registration | None, death: Death | None) -> str:
    """人员状态 of a stretch."""
    if death is not None:
        return Status.DEAD if death.confirmed else Status.MAYBE_DEAD
    return registration.status if registration is not None else Status.NOT_REGISTERED


def sources_json(won: Iterable[Won | None]) -> str:
    """Which source won each attribute and why: `{"name": ["base.resident", "authoritative"]}`.

    The same few texts repeat over a city, so a column of them costs little.
    """
    return _sources_json(tuple((w.source, w.reason) if w is not None else None for w in won))


@lru_cache(maxsize=65_536)
def _sources_json(won: tuple[tuple[str, str] | None, ...]) -> str:
    found = {a: said for a, said in zip(ATTRIBUTES, won, strict=True) if said is not None}
    return json.dumps(found, separators=(",", ":"))
