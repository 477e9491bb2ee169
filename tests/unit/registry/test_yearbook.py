"""Doubts about year-book series: each check finds what is planted and leaves sound series alone.

All figures are made up: four counties that grow evenly from 2001 to 2010.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.contracts.load import load_codelist
from onesource.registry.yearbook.figures import Book, Bounds, Spot, moves
from onesource.registry.yearbook.questions import find_doubts, years_asked

HOME = Path(__file__).resolve().parents[3]
YEARS = range(2001, 2011)
# county → population in 10k persons, gross product of 2001 in yuan
COUNTIES = {"A": (60.0, 9e8), "B": (25.0, 3e8), "C": (12.0, 2e8), "D": (40.0, 2.5e9)}
Figures = dict[Spot, float]


@pytest.fixture(scope="module")
def bounds() -> Bounds:
    return Bounds(load_codelist(HOME / "schemas" / "codelists" / "yearbook_checks.csv"))


@pytest.fixture
def sound() -> Figures:
    figures: Figures = {}
    for county, (people, product) in COUNTIES.items():
        for year in YEARS:
            gdp = product * 1.12 ** (year - 2001)
            figures[Spot("population_10k", county, year)] = people + 0.1 * (year - 2001)
            figures[Spot("gdp_yuan", county, year)] = gdp
            figures[Spot("gdp_primary_yuan", county, year)] = gdp * 0.2
            figures[Spot("gdp_secondary_yuan", county, year)] = gdp * 0.5
            figures[Spot("gdp_tertiary_yuan", county, year)] = gdp * 0.3
            figures[Spot("gdp_per_capita_yuan", county, year)] = gdp / people / 10_000
            figures[Spot("urban_income_yuan", county, year)] = 9000 * 1.1 ** (year - 2001) + people
            figures[Spot("rural_income_yuan", county, year)] = 3000 * 1.1 ** (year - 2001) + people
    return figures


def _reasons(
    figures: Figures, bounds: Bounds, counted: dict[str, tuple[float, ...]] | None = None
) -> dict[tuple[str, int], set[str]]:
    found: dict[tuple[str, int], set[str]] = {}
    for d in find_doubts(figures, counted or {}, bounds):
        found.setdefault((d.spot.county, d.spot.year), set()).add(d.reason)
    return found


def test_a_sound_book_raises_no_question(sound: Figures, bounds: Bounds) -> None:
    assert _reasons(sound, bounds) == {}


@pytest.mark.parametrize("factor", [10, 0.1, 10_000])
def test_a_figure_in_another_unit_is_named_alone(
    sound: Figures, bounds: Bounds, factor: float
) -> None:
    spot = Spot("gdp_yuan", "B", 2005)
    sound[spot] *= factor
    found = _reasons(sound, bounds)
    assert set(found) == {("B", 2005)}
    assert "UNIT_FACTOR" in found["B", 2005]
    assert "PARTS_DO_NOT_SUM" in found["B", 2005]


def test_exchanged_rows_of_two_counties_are_both_named_and_say_whose_they_look_like(
    sound: Figures, bounds: Bounds
) -> None:
    for indicator in {s.indicator for s in sound if s.indicator.startswith("gdp")}:
        a, b = Spot(indicator, "A", 2006), Spot(indicator, "B", 2006)
        sound[a], sound[b] = sound[b], sound[a]
    doubts = find_doubts(sound, {}, bounds)
    assert {(d.spot.county, d.spot.year) for d in doubts} == {("A", 2006), ("B", 2006)}
    like = {(d.spot.county, d.like) for d in doubts if d.reason == "IMPLIED_POPULATION_JUMPS"}
    assert like == {("A", "B"), ("B", "A")}


def test_populations_one_row_off_for_years_are_named_by_the_product_alone(
    sound: Figures, bounds: Bounds
) -> None:
    # Steady from year to year: only the second source shows it.
    order = list(COUNTIES)
    for year in range(2003, 2009):
        old = [sound[Spot("population_10k", c, year)] for c in order]
        for c, value in zip(order, old[1:] + old[:1], strict=True):
            sound[Spot("population_10k", c, year)] = value
    doubts = find_doubts(sound, {}, bounds)
    asked = years_asked(doubts)
    for county in order:
        assert asked[county, "population_10k", "IMPLIED_POPULATION_DIFFERS"] == tuple(
            range(2003, 2009)
        )
    assert {d.like for d in doubts if d.spot.county == "A"} == {"B"}


def test_in_a_year_of_shifted_rows_the_county_that_fits_by_chance_is_asked_about_too(
    sound: Figures, bounds: Bounds
) -> None:
    for county in ("A", "B", "C"):
        sound[Spot("population_10k", county, 2004)] *= 2
    found = _reasons(sound, bounds)
    assert found["D", 2004] == {"ROWS_SHIFTED_THIS_YEAR"}


def test_a_common_jump_of_the_implied_population_is_a_change_of_definition_not_an_error(
    sound: Figures, bounds: Bounds
) -> None:
    # From 2007 product is divided by residents, a fifth fewer than the registered.
    for county in COUNTIES:
        for year in range(2007, 2011):
            sound[Spot("gdp_per_capita_yuan", county, year)] /= 0.8
    found = _reasons(sound, bounds)
    assert all(found[c, 2007] >= {"DEFINITION_CHANGE"} for c in COUNTIES)
    assert all(found[c, 2009] == {"POPULATION_BASIS_DIFFERS"} for c in COUNTIES)
    assert not any("IMPLIED_POPULATION_DIFFERS" in reasons for reasons in found.values())


def test_columns_moved_by_one_are_named(sound: Figures, bounds: Bounds) -> None:
    rural, urban = Spot("rural_income_yuan", "C", 2008), Spot("urban_income_yuan", "C", 2008)
    sound[rural], sound[urban] = sound[urban], sound[rural]
    assert "RURAL_ABOVE_URBAN" in _reasons(sound, bounds)["C", 2008]
    del sound[urban]
    assert "MISSING" in _reasons(sound, bounds)["C", 2008]


def test_the_row_of_the_year_before_is_named(sound: Figures, bounds: Bounds) -> None:
    for indicator in ("urban_income_yuan", "rural_income_yuan"):
        sound[Spot(indicator, "D", 2006)] = sound[Spot(indicator, "D", 2005)]
    assert "SAME_AS_OTHER_YEAR" in _reasons(sound, bounds)["D", 2006]


def test_a_census_contradicts_a_series_that_is_sound_in_itself(
    sound: Figures, bounds: Bounds
) -> None:
    counted = {"B": (180_000.0, 185_000.0, 190_000.0)}
    found = _reasons(sound, bounds, counted)
    assert set(found) == {("B", y) for y in YEARS}
    assert found["B", 2003] == {"CENSUS_DIFFERS"}


def test_a_whole_county_in_another_unit_is_seen_beside_the_others(
    sound: Figures, bounds: Bounds
) -> None:
    for year in YEARS:
        sound[Spot("gdp_yuan", "C", year)] *= 10_000
    found = _reasons(sound, bounds)
    assert all("UNIT_FACTOR" in found["C", y] for y in YEARS)
    assert {c for c, _ in found} == {"C"}


@pytest.mark.parametrize("year", [2001, 2005, 2010])
def test_a_year_of_all_counties_in_another_unit_is_named_once(
    sound: Figures, bounds: Bounds, year: int
) -> None:
    for county in COUNTIES:
        for indicator in ("urban_income_yuan", "rural_income_yuan"):
            sound[Spot(indicator, county, year)] *= 10_000
    found = _reasons(sound, bounds)
    assert set(found) == {(c, year) for c in COUNTIES}
    assert all("UNIT_FACTOR" in reasons for reasons in found.values())


def test_a_negative_figure_is_named(sound: Figures, bounds: Bounds) -> None:
    sound[Spot("gdp_primary_yuan", "A", 2004)] *= -1
    assert _reasons(sound, bounds)["A", 2004] >= {"NEGATIVE", "PARTS_DO_NOT_SUM"}


def test_real_growth_is_no_error(sound: Figures, bounds: Bounds) -> None:
    # A mine opens: product doubles in 2005 and stays; people do not.
    for year in range(2005, 2011):
        for s in [s for s in sound if s.county == "C" and s.year == year]:
            if s.indicator.startswith("gdp"):
                sound[s] *= 2
    assert _reasons(sound, bounds) == {}


def test_moves_leave_doubted_figures_out(sound: Figures, bounds: Bounds) -> None:
    bad = Spot("population_10k", "A", 2003)
    sound[bad] *= 50
    book = Book(sound, bounds)
    with_all = {m.year: m.growth for m in moves(book, "population_10k")}
    without = {m.year: m.growth for m in moves(book, "population_10k", [bad])}
    assert with_all.keys() == without.keys()
    assert max(abs(g or 0) for g in without.values()) < 0.01
