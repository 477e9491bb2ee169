"""The real errors of the county year-book are named by county and years, from the raw files.

On a machine without the folder of reference data these tests are skipped; where it is, a missing
file fails them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onesource.clean.standardisers.division import resolve_division, shipped_index
from onesource.contracts.load import load_codelist, load_contract
from onesource.contracts.model import Contract, Kind
from onesource.ingest.readers import inspect, read
from onesource.registry.yearbook.figures import PRINTED, Bounds, Spot
from onesource.registry.yearbook.questions import find_doubts, years_asked

HOME = Path(__file__).resolve().parents[2]
REFERENCE = HOME.parent / "shared" / "reference"
STATS = REFERENCE / "stats"
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="no folder ../shared/reference on this machine"
)
SERIES = ("population", "gdp", "income", "financial_services")
NAMES = {
    "141123": "兴县", "141124": "临县", "141126": "石楼县", "141127": "岚县", "141128": "方山县",
    "141129": "中阳县",
}  # fmt: skip
# What a bare number in a column of the file means, in the contract's own unit.
_WORTH = {"万元": 1e4, "亿元": 1e8, "元": 1.0}


@pytest.fixture(scope="module")
def yearbook() -> Contract:
    return load_contract(HOME / "schemas" / "feeds" / "base" / "county_yearbook.yaml", Kind.FEED)


@pytest.fixture(scope="module")
def bounds() -> Bounds:
    return Bounds(load_codelist(HOME / "schemas" / "codelists" / "yearbook_checks.csv"))


def _file(series: str) -> Path:
    return STATS / f"luliang_county_{series}_2000_2022_raw.csv"


def _worth(feed: Contract, name: str) -> float:
    return _WORTH.get(feed.field(name).standardiser.args.get("unit", ""), 1.0)


@pytest.fixture(scope="module")
def printed(yearbook: Contract) -> dict[Spot, float]:
    index = shipped_index(HOME / "schemas")
    figures: dict[Spot, float] = {}
    for series in SERIES:
        path = _file(series)
        for batch in read(path, yearbook, path.name):
            for row in batch.to_pylist():
                code, verdict, _ = resolve_division(row["county_code"], None, index)
                assert verdict == "OK" and code is not None
                for name in PRINTED:
                    if row[name]:
                        spot = Spot(name, code[:6], int(float(row["year"])))
                        figures[spot] = float(row[name]) * _worth(yearbook, name)
    return figures


@pytest.fixture(scope="module")
def counted() -> dict[str, tuple[float, ...]]:
    feed = load_contract(HOME / "schemas" / "feeds" / "base" / "county_census.yaml", Kind.FEED)
    path = STATS / "luliang_county_population_census.csv"
    names = ("population_2000", "population_2010", "population_2018_estimate")
    return {
        r["county_code"]: tuple(float(r[n]) for n in names)
        for batch in read(path, feed, path.name)
        for r in batch.to_pylist()
    }


@pytest.mark.parametrize("series", SERIES)
def test_the_four_series_are_one_feed(yearbook: Contract, series: str) -> None:
    path = _file(series)
    found = re.fullmatch(yearbook.delivery.pattern, path.name)
    assert found and found["series"] == series
    seen = inspect(path, yearbook, path.name)
    assert not seen.unknown and seen.rows > 80


def test_census_files_are_no_series_of_the_yearbook(yearbook: Contract) -> None:
    others = [p.name for p in STATS.glob("*.csv") if p.name not in {_file(s).name for s in SERIES}]
    assert len(others) >= 5
    assert not [n for n in others if re.fullmatch(yearbook.delivery.pattern, n)]


def test_codes_of_before_2003_are_those_of_the_same_counties(printed: dict[Spot, float]) -> None:
    assert {s.county for s in printed if s.year == 2001} == set(NAMES)
    assert {s.county for s in printed} == set(NAMES)


def test_populations_in_the_wrong_row_are_named_by_county_and_years(
    printed: dict[Spot, float], bounds: Bounds
) -> None:
    """2006–2014 each county has the next one's population, 2016 the one's before; found without
    any census, though each of these series is steady from year to year."""
    asked = years_asked(find_doubts(printed, {}, bounds))
    wrong = (*range(2006, 2015), 2016)
    for county in NAMES:
        years = {
            y
            for (c, i, reason), found in asked.items()
            if (c, i) == (county, "population_10k")
            and reason in ("IMPLIED_POPULATION_DIFFERS", "ROWS_SHIFTED_THIS_YEAR")
            for y in found
        }
        assert years == set(wrong), NAMES[county]


def test_a_shifted_population_says_whose_it_is(printed: dict[Spot, float], bounds: Bounds) -> None:
    like = {
        (NAMES[d.spot.county], d.spot.year): NAMES[d.like]
        for d in find_doubts(printed, {}, bounds)
        if d.spot.indicator == "population_10k" and d.like
    }
    assert like["兴县", 2006] == "临县"
    assert like["石楼县", 2006] == "岚县"
    assert like["临县", 2016] == "兴县"
    assert like["方山县", 2016] == "岚县"


def test_the_change_from_registered_to_resident_population_is_named(
    printed: dict[Spot, float], bounds: Bounds
) -> None:
    asked = years_asked(find_doubts(printed, {}, bounds))
    for county in NAMES:
        assert asked[county, "gdp_per_capita_yuan", "DEFINITION_CHANGE"] == (2020,)
    basis = {NAMES[c] for c, _, r in asked if r == "POPULATION_BASIS_DIFFERS"}
    assert {"兴县", "临县"} <= basis  # most of whose people live elsewhere


def test_the_other_errors_are_named(printed: dict[Spot, float], bounds: Bounds) -> None:
    asked = years_asked(find_doubts(printed, {}, bounds))
    named = {(NAMES[c], i, r): years for (c, i, r), years in asked.items()}
    assert named["石楼县", "gdp_primary_yuan", "NEGATIVE"] == (2001,)
    assert named["石楼县", "gdp_yuan", "OUT_OF_LINE"] == (2001,)
    assert named["兴县", "population_10k", "MOVES_AGAINST_IMPLIED"] == (2015,)
    assert named["兴县", "savings_yuan", "MISSING"] == (2012,)
    assert named["中阳县", "savings_yuan", "SAME_AS_OTHER_YEAR"] == (2007, 2008)
    assert named["兴县", "loans_yuan", "DEFINITION_CHANGE"] == (2010,)


def test_the_censuses_agree_with_the_doubts_and_add_none_to_sound_figures(
    printed: dict[Spot, float], counted: dict[str, tuple[float, ...]], bounds: Bounds
) -> None:
    without = {d.spot for d in find_doubts(printed, {}, bounds)}
    found = [d for d in find_doubts(printed, counted, bounds) if d.reason == "CENSUS_DIFFERS"]
    assert len(found) > 40
    assert {d.spot for d in found} <= without


def test_most_of_the_book_is_not_doubted(printed: dict[Spot, float], bounds: Bounds) -> None:
    doubted = {d.spot for d in find_doubts(printed, {}, bounds)} & set(printed)
    assert len(doubted) < 0.1 * len(printed)


@pytest.mark.parametrize("factor", [10.0, 10_000.0])
def test_a_planted_unit_error_is_named_wherever_it_stands(
    printed: dict[Spot, float], bounds: Bounds, factor: float
) -> None:
    known = {(d.spot, d.reason) for d in find_doubts(printed, {}, bounds)}
    spots = [s for s in sorted(printed) if s.indicator in ("gdp_yuan", "savings_yuan")]
    for spot in spots[::17]:
        spoilt = {**printed, spot: printed[spot] * factor}
        new = {d.spot for d in find_doubts(spoilt, {}, bounds) if (d.spot, d.reason) not in known}
        assert (spot.county, spot.year) in {(s.county, s.year) for s in new}, spot
