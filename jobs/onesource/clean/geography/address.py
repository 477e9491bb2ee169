"""One raw address: its levels, the division in which it lies on a day, and how sure that is.

`AddressReader.read` is a pure function of the text, the county that the source names beside it
(if any) and a day. Province, city, county, town and village are read from the largest unit down
by the names that ever held (`fullname`), so that 离石区交口街道 lies in 离石区; what stands behind
them by its form (`house`).

`match_level`, the deepest level read: 0 nothing; 1 province or city; 2 county; 3 town; 4 village,
group, road or estate; 5 house number, building, unit or room.

`match_score`, 0 to 1: the share of the characters that was read as some level, times the
certainty of the division. That begins with 1 and is lowered by 0.05 for each level left out
between two that are written, and by 0.2 for a town that is misspelt; then times 0.9 for each
town or village that is in no register, 0.95 where the county comes from beside the address, 0.7
where the address names another county than the source does, the certainty of each step along the
table of successors, and 0.5 where no division was found. The factors are judgement (November
2026): they order addresses, they are no probability.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from onesource.clean.geography.fullname import Named
from onesource.clean.geography.heads import COUNTY, MORE, TOWN, VILLAGE, HeadReader, Reading
from onesource.clean.geography.house import House, house
from onesource.clean.geography.index import FOREVER, DivisionIndex, Version
from onesource.clean.geography.names import WIDTH, level_of, up
from onesource.clean.geography.resolve import Resolver
from onesource.clean.geography.walk import Answer

_POSTAL = re.compile("[0-9]{6}(?=[^0-9])")
# What people put between the parts; between digits the dash counts: 3-2-501.
_BETWEEN = re.compile("[,;、|/。·]+|(?<![0-9A-Za-z])[-—.]+|[-—.]+(?![0-9A-Za-z])")
_HEAD = re.compile("[^0-9A-Za-z]*")
_KEPT = 200_000  # heads, rests and counties remembered: some 100 MB at most


class Address(NamedTuple):
    """The levels as they are written (empty: not written) and the division they mean.

    division_code: the deepest division that is known, by its code on the day; division_now: the
    same unit in the latest state of the register (another code where it was recoded or merged).
    county_code: the county of division_code. verdict: OK or the reason why no division was found
    at the depth that is written: UNKNOWN, AMBIGUOUS, ABOLISHED, NOT_YET. note: further findings.
    """

    postal: str
    province: str
    city: str
    county: str
    town: str
    village: str
    house: House
    division_code: str | None
    division_now: str | None
    method: str
    verdict: str
    note: tuple[str, ...]
    match_level: int
    match_score: float


class _Parts(NamedTuple):
    """plain: without the postal code and what stands between parts; head + tail, where the head
    holds no digit and no letter (and ends with `MORE` where a tail follows)."""

    postal: str
    plain: str
    head: str
    tail: str


class _Placed(NamedTuple):
    code: str | None
    now: str | None
    method: str
    verdict: str
    certainty: float
    note: tuple[str, ...]


# From and to (half-open, None: open), and what the names meant then.
_Stretch = tuple[date | None, date | None, Reading, _Placed]


class Span(NamedTuple):
    """A stretch of days (half-open, None: open) in which an address means one division."""

    valid_from: date | None
    valid_to: date | None
    address: Address


class AddressReader:
    """Reads addresses against one index. Remembers what names meant: heads of addresses come
    again and again (a city of 3.4 million people has some 20,000)."""

    def __init__(self, index: DivisionIndex) -> None:
        self.index = index
        self._resolver = Resolver(index)
        self._heads = HeadReader(index, self._resolver)
        days = {d for vs in index.versions.values() for v in vs for d in (v.valid_from, v.valid_to)}
        self._turns = sorted(d for d in days if d is not None)
        own = {
            d
            for vs in index.versions.values()
            for v in vs
            if v.source == "register"
            for d in (v.valid_from, v.valid_to)
        }
        self._own_turns = sorted(d for d in own if d is not None)[1:]  # the first begins it
        self._readings: dict[tuple[str, str | None], Reading] = {}
        self._places: dict[tuple[str, str | None, int], tuple[Reading, _Placed]] = {}
        self._stretches: dict[tuple[str, str | None], list[_Stretch]] = {}
        # As many as there are names in the register, and days on which it changed.
        self._units: dict[tuple[tuple[Version, ...], int], Answer] = {}
        self._houses: dict[str, House] = {}

    def read(self, text: str, day: date | None = None, county: str | None = None) -> Address:
        """text: as `written` leaves it. day: None for the latest state. county: code or name of
        the county that the source gives beside the address."""
        parts = _parted(text)
        reading, placed = self._placed(parts.head, county or None, day)
        return self._address(parts, reading, placed)

    def through_time(self, text: str, county: str | None = None) -> list[Span]:
        """`read` for every day: one span for each stretch in which the division has one code, in
        order and without a hole. The register changes on the days of its snapshots; of other
        prefectures the latest state is taken in each stretch."""
        parts = _parted(text)
        key = (parts.head, county or None)
        stretches = self._stretches.get(key)
        if stretches is None:
            if len(self._stretches) >= _KEPT:
                self._stretches.clear()
            stretches = self._stretches[key] = self._through(*key)
        # What stands behind the names is the same at all times.
        return [
            Span(start, end, self._address(parts, reading, placed))
            for start, end, reading, placed in stretches
        ]

    def _through(self, head: str, county: str | None) -> list[_Stretch]:
        found: list[_Stretch] = []
        for start, end in pairwise([None, *self._own_turns, None]):
            # The day before the first turn: the register's first state.
            day = end - timedelta(days=1) if end else None
            reading, placed = self._placed(head, county, day)
            if found and (found[-1][3].code, found[-1][3].verdict) == (placed.code, placed.verdict):
                start = found.pop()[0]
            found.append((start, end, reading, placed))
        return found

    def _address(self, parts: _Parts, reading: Reading, placed: _Placed) -> Address:
        left = reading.left.removesuffix(MORE)
        found = self._house(left + parts.tail)
        level = _level(reading.surfaces, found)
        told = len(parts.plain) - len(found.rest)
        score = placed.certainty * told / len(parts.plain) if level else 0.0
        return Address(
            parts.postal,
            *reading.surfaces,
            found,
            placed.code,
            placed.now,
            placed.method,
            placed.verdict,
            placed.note,
            level,
            round(score, 4),
        )

    def turn(self, day: date | None) -> int:
        """The number of the period in which the register says the same as on that day."""
        return bisect_right(self._turns, day or FOREVER)

    def _placed(self, head: str, county: str | None, day: date | None) -> tuple[Reading, _Placed]:
        key = (head, county, self.turn(day))
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= _KEPT:
                self._places.clear()
                self._readings.clear()
            reading = self._readings.get((head, county))
            if reading is None:
                reading = self._readings[head, county] = self._heads.read(head, county)
            found = self._places[key] = reading, self._place(reading, day)
        return found

    def _house(self, text: str) -> House:
        found = self._houses.get(text)
        if found is None:
            if len(self._houses) >= _KEPT:
                self._houses.clear()
            found = self._houses[text] = house(text)
        return found

    # ---- divisions

    def _place(self, reading: Reading, day: date | None) -> _Placed:
        """The deepest division of the reading that has one code on the day."""
        first: Answer | None = None
        for _, versions in reversed(reading.steps):
            answer = self._at(versions, day)
            first = first or answer
            if answer.code:
                sure = reading.certainty * answer.confidence
                return self._now(reading, versions, answer, first, sure, day)
        if reading.county:
            held = self._resolver.resolve(reading.county, day, level="county")
            now = self._resolver.resolve(reading.county, None, level="county").code
            note = (*reading.note, *(n for n in held.note if n.startswith("day=")))
            return _Placed(held.code, now, "county_beside", "OK", reading.certainty, note)
        verdict = first.verdict if first else "UNKNOWN"
        note = (*reading.note, *(first.note if first else ()))
        cities = {up(v.code, "city") for _, versions in reading.steps for v in versions}
        # 三交镇 is in two counties: at least the city is known.
        city = cities.pop() if len(cities) == 1 else None
        return _Placed(city, city, "", verdict, reading.certainty * 0.5, note)

    def _at(self, versions: tuple[Version, ...], day: date | None) -> Answer:
        key = (versions, self.turn(day))
        found = self._units.get(key)
        if found is None:
            found = self._units[key] = self._on(versions, day)
        return found

    def _on(self, versions: tuple[Version, ...], day: date | None) -> Answer:
        """The one unit among the candidates on the day; of a village that is gone, its town."""
        answer = self._resolver.pick(versions, day, (), Named(versions, "", 1.0, "full_name"))
        town = next((n[5:] for n in answer.note if n.startswith("town=")), None)
        if answer.code is None and town:
            above = self._resolver.resolve(town, day)
            if above.code:
                return Answer(above.code, "OK", "town_of_gone_village", 0.9, above.name)
        return answer

    def _now(
        self,
        reading: Reading,
        versions: tuple[Version, ...],
        answer: Answer,
        first: Answer,
        sure: float,
        day: date | None,
    ) -> _Placed:
        now = self._at(versions, None).code
        if now is None:
            later = self._resolver.resolve(answer.code, None)
            now = later.code
        note = [*reading.note, *answer.note]
        if first is not answer:
            note += [f"below={first.verdict}"]
        if now != answer.code:
            note.append(f"now={now or 'none'}")
        return _Placed(answer.code, now, answer.method, first.verdict, round(sure, 4), tuple(note))


def _parted(text: str) -> _Parts:
    postal = _POSTAL.match(text)
    plain = _BETWEEN.sub("", text[postal.end() :] if postal else text)
    cut = _HEAD.match(plain).end()  # type: ignore[union-attr]  # it matches nothing, too
    head = plain[:cut] + (MORE if cut < len(plain) else "")
    return _Parts(postal[0] if postal else "", plain, head, plain[cut:])


def _level(surfaces: tuple[str, ...], found: House) -> int:
    if found.no or found.building or found.unit or found.room:
        return 5
    if surfaces[VILLAGE] or found.road or found.village_group:
        return 4
    if surfaces[TOWN]:
        return 3
    if surfaces[COUNTY]:
        return 2
    return 1 if surfaces[0] or surfaces[1] else 0


@lru_cache(maxsize=1 << 16)
def county_of(code: str | None) -> str | None:
    """The county of a division, or None for a city and above."""
    if code is None or WIDTH[level_of(code)] < WIDTH["county"]:
        return None
    return up(code, "county")
