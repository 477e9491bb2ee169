"""The series of a county year-book, their bounds, and what is common to all counties.

Levels are natural logarithms throughout, so that ten times too much and ten times too little
count alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from statistics import median
from typing import NamedTuple

from onesource.contracts.model import CodeList

POPULATION = "population_10k"
IMPLIED = "implied_population_10k"
GDP = "gdp_yuan"
PARTS = ("gdp_primary_yuan", "gdp_secondary_yuan", "gdp_tertiary_yuan")
PER_CAPITA = "gdp_per_capita_yuan"
URBAN = "urban_income_yuan"
RURAL = ("rural_income_yuan", "rural_net_income_yuan")
LOANS, DEPOSITS, SAVINGS = "loans_yuan", "deposits_yuan", "savings_yuan"
PRINTED = (POPULATION, GDP, *PARTS, PER_CAPITA, URBAN, *RURAL, LOANS, DEPOSITS, SAVINGS)


class Spot(NamedTuple):
    """One figure of the year-book."""

    indicator: str
    county: str
    year: int


@dataclass(frozen=True)
class Doubt:
    """Why a figure is doubted; `expected` is what the second opinion gives, in its own unit.

    like: the county whose value it looks like.
    """

    spot: Spot
    reason: str
    expected: float | None = None
    like: str | None = None


@dataclass(frozen=True)
class Bound:
    """How far a figure may lie from what is expected; see schemas/codelists/yearbook_checks.csv."""

    name: str
    step: float
    common: float
    fit: float
    valid_from: str
    valid_to: str

    def holds_in(self, year: int) -> bool:
        """The bound of a figure is the one in force at the end of its year."""
        return self.valid_from <= date(year, 12, 31).isoformat() < self.valid_to


class Bounds:
    """All bounds, by indicator and year."""

    def __init__(self, codes: CodeList) -> None:
        self._rows: dict[str, list[Bound]] = {}
        for row in codes.rows:
            bound = Bound(
                name=row.name,
                step=float(row.extra["step"]),
                common=float(row.extra["common"]),
                fit=float(row.extra["fit"]),
                valid_from=row.valid_from or "0001-01-01",
                valid_to=row.valid_to or "9999-12-31",
            )
            self._rows.setdefault(row.code, []).append(bound)

    def at(self, indicator: str, year: int) -> Bound | None:
        """The bound in force, or None: then the figure is not judged."""
        return next((b for b in self._rows.get(indicator, ()) if b.holds_in(year)), None)


class Book:
    """All figures. A figure without a bound in its year is left out."""

    def __init__(self, values: Mapping[Spot, float], bounds: Bounds) -> None:
        self.bounds = bounds
        self.values = {
            s: v for s, v in (*values.items(), *_implied(values)) if bounds.at(s.indicator, s.year)
        }

    def of(self, indicator: str) -> Iterator[tuple[Spot, float]]:
        return ((s, v) for s, v in self.values.items() if s.indicator == indicator)

    def get(self, indicator: str, county: str, year: int) -> float | None:
        return self.values.get(Spot(indicator, county, year))

    def bound(self, spot: Spot) -> Bound:
        bound = self.bounds.at(spot.indicator, spot.year)
        assert bound is not None, "figures without a bound are left out of the book"
        return bound

    @cached_property
    def levels(self) -> dict[Spot, float]:
        return {s: math.log(v) for s, v in self.values.items() if v > 0}

    @cached_property
    def indicators(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.indicator for s in self.values))

    def rounding(self, spot: Spot) -> float:
        """Half a unit of the last printed digit, as a share of the figure.

        Population is printed in whole or tenths of 10k persons, product a head in 0.01 of 10,000
        yuan; the others have digits enough.
        """
        if spot.indicator == POPULATION:
            value = self.values[spot]
            return (0.5 if value == math.floor(value) else 0.05) / value
        if spot.indicator in (IMPLIED, PER_CAPITA):
            a_head = self.get(PER_CAPITA, spot.county, spot.year)
            return 50 / a_head if a_head else 0.0
        return 0.0


def _implied(values: Mapping[Spot, float]) -> Iterator[tuple[Spot, float]]:
    """The population by which the product was divided, in 10k persons."""
    for spot, a_head in values.items():
        product = values.get(Spot(GDP, spot.county, spot.year))
        if spot.indicator == PER_CAPITA and product and product > 0 and a_head > 0:
            yield Spot(IMPLIED, spot.county, spot.year), product / a_head / 10_000


@dataclass(frozen=True)
class Move:
    """How all counties moved together since the year before (the median of their steps).

    is_break: at least two thirds of three or more counties moved the same way, further than the
    bound: no growth, but another definition or unit. trend: the sum of all moves so far.
    """

    year: int
    growth: float | None
    is_break: bool
    trend: float


def moves(book: Book, indicator: str, without: Iterable[Spot] = ()) -> list[Move]:
    """The common moves of an indicator, year by year; doubted figures are left out."""
    left_out = set(without)
    steps: dict[int, list[float]] = {}
    before: dict[str, float] = {}
    spots = sorted((s for s in book.levels if s.indicator == indicator), key=lambda s: s.year)
    for spot in spots:
        if spot in left_out:
            continue
        level = book.levels[spot]
        found = steps.setdefault(spot.year, [])
        if spot.county in before:
            found.append(level - before[spot.county])
        before[spot.county] = level
    made: list[Move] = []
    trend = 0.0
    for year, found in sorted(steps.items()):
        growth = median(found) if found else None
        trend += growth or 0.0
        bound = book.bounds.at(indicator, year)
        made.append(Move(year, growth, bool(bound) and _is_break(found, bound), trend))
    return made


def _is_break(steps: list[float], bound: Bound | None) -> bool:
    if bound is None or len(steps) < 3 or abs(median(steps)) <= bound.common:
        return False
    up = sum(s > 0.5 * bound.common for s in steps)
    down = sum(s < -0.5 * bound.common for s in steps)
    return 3 * max(up, down) >= 2 * len(steps)
