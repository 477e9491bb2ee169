"""Figures against a second source of the same year, and against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from onesource.registry.yearbook.figures import (
    DEPOSITS,
    GDP,
    IMPLIED,
    PARTS,
    PER_CAPITA,
    POPULATION,
    RURAL,
    SAVINGS,
    URBAN,
    Book,
    Doubt,
    Spot,
    moves,
)

# Registered and resident population of a county differ by some per cent even where nothing is
# wrong; one year-book row moved to the next county differs by more, save between equal counties.
POPULATION_TOLERANCE = 0.15
CENSUS_TOLERANCE = 0.12
_YEARS_AROUND = 3
_LIKE_POPULATION, _LIKE_IMPLIED = 0.08, 0.06
# Years of the two censuses and of the estimate in silver.base_county_census.
CENSUS_YEARS = (2000, 2010, 2018)


@dataclass(frozen=True)
class Usual:
    """What the product implies for a county round a year; era: under which definition."""

    level: float
    rounding: float
    era: int


class Populations:
    """The year-book's population beside the implied one."""

    def __init__(self, book: Book) -> None:
        self.book = book

    @cached_property
    def eras(self) -> dict[int, int]:
        """Year → number of common jumps so far: 0 until per-head figures change their base."""
        era, found = 0, {}
        for move in moves(self.book, IMPLIED):
            era += move.is_break
            found[move.year] = era
        return found

    @cached_property
    def usual(self) -> dict[tuple[str, int], Usual]:
        """By county and year: the median of the years around it in the same era."""
        spots = [s for s in self.book.levels if s.indicator == IMPLIED]
        found = {}
        for a in spots:
            era = self.eras[a.year]
            near = [
                self.book.levels[b]
                for b in spots
                if b.county == a.county
                and self.eras[b.year] == era
                and abs(b.year - a.year) <= _YEARS_AROUND
            ]
            found[a.county, a.year] = Usual(median(near), self.book.rounding(a), era)
        return found

    def nearest(self, county: str, year: int) -> Usual | None:
        """The usual implied population of the year, or of the nearest one within three."""
        for away in range(_YEARS_AROUND + 1):
            for y in (year - away, year + away):
                if (county, y) in self.usual:
                    return self.usual[county, y]
        return None

    @cached_property
    def printed(self) -> dict[Spot, Usual]:
        """Each printed population that has a second opinion."""
        spots = (s for s in self.book.levels if s.indicator == POPULATION)
        return {s: u for s in spots if (u := self.nearest(s.county, s.year))}

    def differs(self, spot: Spot) -> bool:
        usual = self.printed[spot]
        gap = abs(self.book.levels[spot] - usual.level)
        return gap > POPULATION_TOLERANCE + self.book.rounding(spot) + usual.rounding


def population_doubts(people: Populations) -> Iterator[Doubt]:
    """Populations that differ from the implied ones, and years in which most of them do."""
    book = people.book
    by_year: dict[int, list[Spot]] = {}
    for spot in people.printed:
        by_year.setdefault(spot.year, []).append(spot)
    for spots in by_year.values():
        differing = {s for s in spots if people.differs(s)}
        first_era = all(people.printed[s].era == 0 for s in spots)
        whole_year = first_era and len(spots) >= 3 and 2 * len(differing) >= len(spots)
        for spot in spots:
            usual = people.printed[spot]
            if spot in differing and usual.era == 0:
                like = _like(spot, book.levels[spot], people, _LIKE_POPULATION)
                yield Doubt(spot, "IMPLIED_POPULATION_DIFFERS", math.exp(usual.level), like)
            elif spot in differing:
                yield Doubt(spot, "POPULATION_BASIS_DIFFERS", math.exp(usual.level))
            elif whole_year:
                yield Doubt(spot, "ROWS_SHIFTED_THIS_YEAR", math.exp(usual.level))


def implied_doubts(people: Populations) -> Iterator[Doubt]:
    """Product and product per head that do not belong to each other."""
    book = people.book
    for spot, level in book.levels.items():
        if spot.indicator != IMPLIED:
            continue
        usual = people.usual[spot.county, spot.year]
        if abs(level - usual.level) > book.bound(spot).step + usual.rounding:
            like = _like(spot, level, people, _LIKE_IMPLIED)
            asked = Spot(PER_CAPITA, spot.county, spot.year)
            yield Doubt(asked, "IMPLIED_POPULATION_JUMPS", math.exp(usual.level), like)


def _like(spot: Spot, level: float, people: Populations, fit: float) -> str | None:
    """The other county whose usual implied population of the year is nearest, within `fit`."""
    near = [
        (abs(level - usual.level), county)
        for (county, year), usual in people.usual.items()
        if year == spot.year and county != spot.county and abs(level - usual.level) < fit
    ]
    return min(near)[1] if near else None


def census_doubts(book: Book, counted: Mapping[str, tuple[float, ...]]) -> Iterator[Doubt]:
    """Against the censuses, between which a county grows evenly.

    counted: county → persons in the years of CENSUS_YEARS. Later years have no census.
    """
    for spot, level in book.levels.items():
        if spot.indicator not in (POPULATION, IMPLIED) or spot.county not in counted:
            continue
        expected = _counted_level(counted[spot.county], spot.year)
        if expected is not None and abs(level - expected) > CENSUS_TOLERANCE + book.rounding(spot):
            asked = POPULATION if spot.indicator == POPULATION else PER_CAPITA
            yield Doubt(Spot(asked, spot.county, spot.year), "CENSUS_DIFFERS", math.exp(expected))


def _counted_level(persons: tuple[float, ...], year: int) -> float | None:
    for i in range(len(CENSUS_YEARS) - 1):
        first, last = CENSUS_YEARS[i], CENSUS_YEARS[i + 1]
        a, b = persons[i], persons[i + 1]
        if first <= year <= last and a > 0 and b > 0:
            share = (year - first) / (last - first)
            return math.log(a) + (math.log(b) - math.log(a)) * share - math.log(10_000)
    return None


def row_doubts(book: Book) -> Iterator[Doubt]:
    """Figures of one county and year that contradict each other."""
    for county, year in sorted({(s.county, s.year) for s in book.values}):

        def get(indicator: str, at: tuple[str, int] = (county, year)) -> float | None:
            return book.get(indicator, *at)

        total, parts = get(GDP), [p for i in PARTS if (p := get(i)) is not None]
        complete = total is not None and len(parts) == len(PARTS)
        # 0.5 % and two units of 10,000 yuan: parts and sum are rounded each for itself.
        if complete and abs(sum(parts) - (total or 0)) > 0.005 * abs(total or 0) + 20_000:
            yield Doubt(Spot(GDP, county, year), "PARTS_DO_NOT_SUM", sum(parts))
        urban = get(URBAN)
        for indicator in RURAL:
            rural = get(indicator)
            if rural is not None and urban is not None and rural >= urban:
                yield Doubt(Spot(indicator, county, year), "RURAL_ABOVE_URBAN", urban)
        savings, deposits = get(SAVINGS), get(DEPOSITS)
        if savings is not None and deposits is not None and savings > deposits:
            yield Doubt(Spot(SAVINGS, county, year), "SAVINGS_ABOVE_DEPOSITS", deposits)
    for spot, value in book.values.items():
        if value < 0:
            yield Doubt(spot, "NEGATIVE")
