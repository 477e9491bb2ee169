"""Figures against the county's other years, and against the other counties of the year."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from onesource.registry.yearbook.by_source import Populations
from onesource.registry.yearbook.figures import (
    IMPLIED,
    PARTS,
    PER_CAPITA,
    POPULATION,
    Book,
    Doubt,
    Move,
    Spot,
    moves,
)

_PLACES_AROUND = 3
_POWER_OF_TEN = 1.8  # ln: six times; nearer to one than that is no other unit
_DRIFT = 0.06
_SHARED_DIGITS, _SHARED_DIGITS_OF_A_ROW = 4, 3


@dataclass(frozen=True)
class Around:
    """What the county's years around (three on each side) say of a figure.

    All without the growth that the counties have in common. slack: 2 at the ends of a series,
    where the years lie on one side only.
    """

    spot: Spot
    flat: float
    expected: float
    trend: float
    slack: float
    rounding: float
    step: float
    fit: float

    @property
    def gap(self) -> float:
        return abs(self.flat - self.expected)

    @property
    def is_out_of_line(self) -> bool:
        return self.gap > self.slack * self.step + self.rounding

    @property
    def may_be_exchanged(self) -> bool:
        return self.gap > max(3 * self.fit, 0.6 * self.slack * self.step) + self.rounding


def neighbours(book: Book, indicator: str, doubted: Collection[Spot]) -> list[Around]:
    """A second opinion for every figure that has two trusted ones around it."""
    trend = {m.year: m.trend for m in moves(book, indicator, doubted)}
    by_county: dict[str, list[Spot]] = defaultdict(list)
    for spot in sorted(book.levels):
        if spot.indicator == indicator and spot.year in trend:
            by_county[spot.county].append(spot)
    found = []
    for spots in by_county.values():
        for place, spot in enumerate(spots):
            near = [
                b
                for at, b in enumerate(spots)
                if at != place and abs(at - place) <= _PLACES_AROUND and b not in doubted
            ]
            if len(near) < 2:
                continue
            bound = book.bound(spot)
            one_side = all(b.year > spot.year for b in near) or all(
                b.year < spot.year for b in near
            )
            found.append(
                Around(
                    spot,
                    flat=book.levels[spot] - trend[spot.year],
                    expected=median(book.levels[b] - trend[b.year] for b in near),
                    trend=trend[spot.year],
                    slack=2.0 if one_side else 1.0,
                    rounding=book.rounding(spot),
                    step=bound.step,
                    fit=bound.fit,
                )
            )
    return found


def neighbour_doubts(book: Book, doubted: Collection[Spot]) -> Iterator[Doubt]:
    """Figures out of line, figures that look like another county's, and years full of these."""
    for indicator in book.indicators:
        if indicator == IMPLIED:
            continue
        around = neighbours(book, indicator, doubted)
        by_year: dict[int, list[Around]] = defaultdict(list)
        for a in around:
            by_year[a.spot.year].append(a)
            if a.is_out_of_line:
                reason = "UNIT_FACTOR" if is_power_of_ten(a.gap) else "OUT_OF_LINE"
                yield Doubt(a.spot, reason, math.exp(a.expected + a.trend))
        for year in by_year.values():
            like = {a.spot: other for a in year if (other := _donor(a, year))}
            for spot, other in like.items():
                yield Doubt(spot, "LIKE_OTHER_COUNTY", None, other)
            # Two exchanged counties are no shift of all rows.
            if len(like) >= 3 and 2 * len(like) > len(year):
                for a in year:
                    expected = math.exp(a.expected + a.trend)
                    yield Doubt(a.spot, "ROWS_SHIFTED_THIS_YEAR", expected)


def _donor(a: Around, year: list[Around]) -> str | None:
    """The county whose expected value the figure meets, if that county's own is displaced too."""
    if not a.may_be_exchanged:
        return None
    near = [
        (abs(a.flat - b.expected), b.spot.county)
        for b in year
        if b.spot != a.spot and b.may_be_exchanged and abs(a.flat - b.expected) < a.fit + a.rounding
    ]
    return min(near)[1] if near else None


def is_power_of_ten(gap: float) -> bool:
    """Is a distance of levels that of another unit: about ten, a hundred, ten thousand times?"""
    tens = gap / math.log(10)
    return gap > _POWER_OF_TEN and abs(tens - round(tens)) < 0.2


def jump_doubts(book: Book, doubted: Collection[Spot]) -> Iterator[Doubt]:
    """Years in which all counties jump together: another definition, or another unit."""
    for indicator in book.indicators:
        for year, step in _jumps(moves(book, indicator, doubted)):
            reason = "UNIT_FACTOR" if is_power_of_ten(abs(step)) else "DEFINITION_CHANGE"
            asked = PER_CAPITA if indicator == IMPLIED else indicator
            for spot, level in book.levels.items():
                if spot.indicator == indicator and spot.year == year:
                    expected = math.exp(level - step)
                    yield Doubt(Spot(asked, spot.county, year), reason, expected)


def _jumps(found: list[Move]) -> Iterator[tuple[int, float]]:
    """(year, step) of each break that is not the way back after one odd year.

    Where a series begins with a year in another unit, it is that year that is asked about.
    """
    for place, move in enumerate(found):
        if not move.is_break or (place and _undoes(move, found[place - 1])):
            continue
        growth = move.growth or 0.0
        odd_year = place + 1 < len(found) and _undoes(found[place + 1], move)
        if place == 1 and abs(growth) > _POWER_OF_TEN and not odd_year:
            yield found[0].year, -growth
        else:
            yield move.year, growth


def _undoes(move: Move, before: Move) -> bool:
    """Is it the way back from the break before it?"""
    growth = move.growth or 0.0
    return (
        move.is_break and before.is_break and abs(growth + (before.growth or 0)) < 0.5 * abs(growth)
    )


def drift_doubts(people: Populations, doubted: Collection[Spot]) -> Iterator[Doubt]:
    """Two years of a population, at most three apart, that part from what the product implies.

    The one that lies further from the implied population is asked about.
    """
    book = people.book
    by_county: dict[str, list[Spot]] = defaultdict(list)
    for spot in sorted(people.printed):
        if spot not in doubted:
            by_county[spot.county].append(spot)
    for spots in by_county.values():
        for a, b in pairwise(spots):
            usual_a, usual_b = people.printed[a], people.printed[b]
            if usual_a.era != usual_b.era or b.year - a.year > 3:
                continue
            off_a = book.levels[a] - usual_a.level
            off_b = book.levels[b] - usual_b.level
            half_units = 0.5 / book.values[a] + 0.5 / book.values[b]
            if abs(off_b - off_a) > _DRIFT + half_units:
                spot, usual = (b, usual_b) if abs(off_b) >= abs(off_a) else (a, usual_a)
                yield Doubt(spot, "MOVES_AGAINST_IMPLIED", math.exp(usual.level))


def repeated_doubts(book: Book) -> Iterator[Doubt]:
    """The same figure in another year of the county, or in another county of the year.

    One of four digits is enough, or two of three in the same two rows: fewer meet by chance.
    """
    same: dict[tuple[str, float], list[Spot]] = defaultdict(list)
    for spot, value in book.values.items():
        computed = spot.indicator in (IMPLIED, PER_CAPITA)
        if not computed and _digits(spot, value) >= _SHARED_DIGITS_OF_A_ROW:
            same[spot.indicator, value].append(spot)
    pairs = [
        (a, b)
        for spots in same.values()
        for a in spots
        for b in spots
        if (a.county == b.county) != (a.year == b.year)
    ]
    rows = Counter((a.county, a.year, b.county, b.year) for a, b in pairs)
    for a, b in pairs:
        value = book.values[a]
        if _digits(a, value) >= _SHARED_DIGITS or rows[a.county, a.year, b.county, b.year] >= 2:
            own = a.county == b.county
            reason = "SAME_AS_OTHER_YEAR" if own else "SAME_AS_OTHER_COUNTY"
            yield Doubt(a, reason, value, None if own else b.county)


def _digits(spot: Spot, value: float) -> int:
    """Digits of a figure that are not zeros at its end."""
    whole = round(value * 10_000 if spot.indicator == POPULATION else value)
    return len(str(abs(whole)).rstrip("0"))


def magnitude_doubts(book: Book) -> Iterator[Doubt]:
    """A hundred times the other counties' middle, or a hundredth: every year in another unit.

    Not for the sectors of the product, which may truly be that small.
    """
    by_year: dict[tuple[str, int], list[Spot]] = defaultdict(list)
    for spot in book.levels:
        if spot.indicator not in (IMPLIED, *PARTS):
            by_year[spot.indicator, spot.year].append(spot)
    for spots in by_year.values():
        for spot in spots:
            others = [book.levels[o] for o in spots if o != spot]
            if len(others) >= 2 and abs(book.levels[spot] - median(others)) > math.log(100):
                yield Doubt(spot, "UNIT_FACTOR", math.exp(median(others)))


def coverage_doubts(book: Book) -> Iterator[Doubt]:
    """Figures missing where others have them, and figures where hardly another county has one."""
    for indicator in book.indicators:
        if indicator == IMPLIED:
            continue
        spots = [s for s in book.values if s.indicator == indicator]
        counties = Counter(s.year for s in spots)
        most = max(counties.values())
        years: dict[str, set[int]] = defaultdict(set)
        for spot in spots:
            years[spot.county].add(spot.year)
            if most >= 4 and 3 * counties[spot.year] < most:
                yield Doubt(spot, "UNEXPECTED")
        for county, known in years.items():
            for year, count in counties.items():
                if min(known) < year < max(known) and year not in known and 2 * count >= most:
                    yield Doubt(Spot(indicator, county, year), "MISSING")
