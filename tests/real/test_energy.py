"""Mines, plants and the year of a photovoltaic station, from the real files as they are.

On a machine without the folder of reference data these tests are skipped; where it is, a missing
file fails them.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from onesource.contracts.load import load_contract
from onesource.contracts.model import Contract, Kind
from onesource.ingest.readers import inspect, read

HOME = Path(__file__).resolve().parents[2]
REFERENCE = HOME.parent / "shared" / "reference"
SECTOR = REFERENCE / "sector"
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="no folder ../shared/reference on this machine"
)
MINES = SECTOR / "coal_mines_luliang_gem_raw.csv"
PLANTS = SECTOR / "power_plants_luliang_wri.csv"
PV = SECTOR / "pv_site1_50MW_2019_15min.csv"


def _contract(name: str) -> Contract:
    return load_contract(HOME / "schemas" / "feeds" / "energy" / f"{name}.yaml", Kind.FEED)


def _rows(path: Path, feed: Contract) -> list[dict[str, Any]]:
    return [r for batch in read(path, feed, path.name) for r in batch.to_pylist()]


@pytest.mark.parametrize(
    ("path", "name", "rows"),
    [(MINES, "coal_mine", 113), (PLANTS, "power_plant", 8), (PV, "renewable_output", 35_040)],
)
def test_the_real_headers_are_those_of_the_contract(path: Path, name: str, rows: int) -> None:
    feed = _contract(name)
    assert re.fullmatch(feed.delivery.pattern, path.name)
    seen = inspect(path, feed, path.name)
    assert (seen.rows, seen.unknown, seen.malformed) == (rows, (), 0)
    assert not [n for n in seen.missing if feed.field(n).required]


def test_the_parsed_copy_of_the_mine_list_is_not_taken_for_the_published_one() -> None:
    feed = _contract("coal_mine")
    assert not re.fullmatch(feed.delivery.pattern, "coal_mines_luliang_gem.csv")


def test_a_working_mine_and_its_expansion_are_two_rows_of_one_number() -> None:
    rows = _rows(MINES, _contract("coal_mine"))
    keys = Counter((r["mine_id"], r["status"]) for r in rows)
    assert max(keys.values()) == 1
    assert {(i, s) for i, s in keys if i == "M5228"} == {
        ("M5228", "Operating"),
        ("M5228", "Proposed"),
    }


def test_capacities_with_decimal_commas_are_those_of_the_parsed_copy() -> None:
    feed = _contract("coal_mine")
    assert feed.field("capacity_mtpa").standardiser.args == {"decimal": ","}
    with (SECTOR / "coal_mines_luliang_gem.csv").open(encoding="utf-8", newline="") as file:
        parsed = {
            (r["gem_mine_id"], r["status"]): Decimal(r["capacity_mtpa"])
            for r in csv.DictReader(file)
            if r["capacity_mtpa"]
        }
    for r in _rows(MINES, feed):
        value = Decimal(r["capacity_mtpa"].replace(",", "."))
        assert value == parsed[r["mine_id"], r["status"]]


def _fails_an_anchor(feed: Contract, row: dict[str, str]) -> bool:
    """Would a key or fatal field of the row send it to quarantine?"""
    for f in feed.fields:
        if not (f.primary_key or f.properties.fatal):
            continue
        value = row.get(f.name) or ""
        pattern = f.options.get("pattern")
        if f.required and not value:
            return True
        if pattern and not re.search(pattern, value):
            return True
    return False


def test_no_row_of_the_real_list_fails_an_anchor() -> None:
    feed = _contract("coal_mine")
    assert not [r["mine_id"] for r in _rows(MINES, feed) if _fails_an_anchor(feed, r)]


@pytest.mark.parametrize(
    "at", ["name_en", "status_detail", "opening_year", "closing_year", "region"]
)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_row_whose_cells_moved_from_some_column_on_fails_an_anchor(at: str, by: int) -> None:
    feed = _contract("coal_mine")
    names = list(feed.field_names)
    start = names.index(at)
    for row in _rows(MINES, feed):
        cells = [row[n] or "" for n in names]
        if by < 0:
            moved = [*cells[:start], *cells[start + 1 :], ""]
        else:
            moved = [*cells[:start], "", *cells[start:-1]]
        assert _fails_an_anchor(feed, dict(zip(names, moved, strict=True))), row["mine_id"]


def test_the_photovoltaic_year_is_whole_and_sane() -> None:
    feed = _contract("renewable_output")
    rows = _rows(PV, feed)
    starts = [datetime.fromisoformat(r["interval_start"]) for r in rows]
    assert all(b - a == timedelta(minutes=15) for a, b in pairwise(starts))
    assert (starts[0], len(set(starts))) == (datetime(2019, 1, 1), 35_040)
    assert {(r["station_id"], r["energy_kind"], r["capacity_mw"]) for r in rows} == {
        ("site1", "pv", "50")
    }
    power = [Decimal(r["power_mw"]) for r in rows]
    assert min(power) >= 0 and max(power) <= Decimal(50) * Decimal("1.02")
    energy = sum(power) * Decimal("0.25")
    assert round(energy) == 85_210
    assert round(energy / 50) == 1_704


def test_humidities_that_wrapped_below_zero_are_outside_their_bounds() -> None:
    feed = _contract("renewable_output")
    bound = feed.field("humidity_percent").options["maximum"]
    odd = [r for r in _rows(PV, feed) if Decimal(r["humidity_percent"] or 0) > bound]
    # Tenths of per cent in 16 bits without a sign: a little below zero reads as 6,55x.
    assert odd and min(Decimal(r["humidity_percent"]) for r in odd) > 6_500
