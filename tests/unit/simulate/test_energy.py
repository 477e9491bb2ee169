"""Simulated coal: the same bytes each time, and a truth that the files bear out."""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.ingest.readers import read
from onesource.simulate.energy import Simulated, simulate_energy
from onesource.simulate.identifiers import uscc, with_wrong_check
from onesource.simulate.mines import SHARES, history, mines
from onesource.simulate.workbook import FIRST_LINE, MASSES


def _digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _truth(made: Simulated, name: str) -> list[dict[str, str]]:
    with (made.out / "_truth" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_call_writes_the_same_bytes_and_another_seed_does_not(
    own_catalogue: Catalogue, heavy: Simulated, tmp_path: Path
) -> None:
    again = simulate_energy(own_catalogue, tmp_path / "again", nights=4, seed=11, faults="heavy")
    other = simulate_energy(own_catalogue, tmp_path / "other", nights=4, seed=12, faults="heavy")
    assert _digests(again.out) == _digests(heavy.out)
    assert _digests(other.out) != _digests(heavy.out)


def test_an_earlier_simulation_is_replaced_and_anything_else_is_left_alone(
    own_catalogue: Catalogue, tmp_path: Path
) -> None:
    city = tmp_path / "city"
    simulate_energy(own_catalogue, city, nights=2, seed=1, faults="none")
    simulate_energy(own_catalogue, city, nights=1, seed=1, faults="none")
    assert [p.name for p in sorted(city.iterdir())] == ["2024-01-21", "_truth"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(UsageError, match="no simulation"):
        simulate_energy(own_catalogue, tmp_path / "mine", nights=1, seed=1)
    with pytest.raises(UsageError, match="at least one night"):
        simulate_energy(own_catalogue, city, nights=0, seed=1)


def test_the_mines_have_the_real_shares_of_the_counties(own_catalogue: Catalogue) -> None:
    made = mines(own_catalogue.city.counties, seed=3)
    for county, (count, capacity) in SHARES.items():
        own = [m for m in made if m.county_code == county]
        assert len(own) == count
        assert sum(m.capacity_mtpa for m in own) == capacity
    assert "141126" not in {m.county_code for m in made}  # 石楼 has no mine
    assert len({m.uscc for m in made}) == len(made) == 91


def test_sums_of_month_and_year_start_again(own_catalogue: Catalogue) -> None:
    from datetime import date

    mine = mines(own_catalogue.city.counties, seed=3)[0]
    days = history(mine, date(2023, 12, 30), date(2024, 2, 2), seed=3)
    by_day = {d.day: d for d in days}
    new_year, february = by_day[date(2024, 1, 1)], by_day[date(2024, 2, 1)]
    assert new_year.year_t == new_year.month_t == new_year.output_t
    assert february.month_t == february.output_t
    assert february.year_t == by_day[date(2024, 1, 31)].year_t + february.output_t


def test_a_made_up_credit_code_has_a_right_check_digit_and_a_spoilt_one_has_not() -> None:
    # A code whose check digit is published: GB 32100's own construction must give it back.
    assert uscc("91", "110000", "60003734") == "91110000600037341L"
    assert with_wrong_check("91110000600037341L") != "91110000600037341L"


def test_clean_reports_say_the_truth(own_catalogue: Catalogue, tmp_path: Path) -> None:
    made = simulate_energy(own_catalogue, tmp_path / "c", nights=2, seed=5, faults="none")
    feed = own_catalogue.feeds["energy.coal_daily"]
    told: dict[tuple[str, str], str] = {}
    for path in made.out.rglob("*.xlsx"):
        for batch in read(path, feed, path.name):
            for r in batch.to_pylist():
                told[r["report_date"], r["mine_uscc"]] = r["output_day_t"]
    true = {
        (r["report_date"].replace("-", ""), r["mine_uscc"]): r["output_day_t"]
        for r in _truth(made, "coal_daily.csv")
    }
    assert told == true
    assert len(true) == 2 * 91
    assert _truth(made, "faults.csv") == []


def test_a_report_looks_as_a_county_makes_it(own_catalogue: Catalogue, tmp_path: Path) -> None:
    made = simulate_energy(own_catalogue, tmp_path / "c", nights=1, seed=5, faults="none")
    book = openpyxl.load_workbook(made.out / "2024-01-21" / "煤矿日报_141125_20240120.xlsx")
    page = book["柳林县"]
    assert page["A1"].value == "柳林县煤矿生产日报表"
    assert re.fullmatch(r"日期：2024.*", page["A2"].value)
    assert re.fullmatch(r"填报时间：2024-01-21 0\d:\d\d", page["G2"].value)
    assert page["M2"].value == "单位：吨"
    assert "F3:H3" in {str(r) for r in page.merged_cells.ranges}
    names = [row[1].value for row in page.iter_rows(min_row=FIRST_LINE)]
    assert names.count("小计") == 2  # 26 mines, a subtotal after every ten
    assert names[-2] == "合计"
    assert str(page.cell(page.max_row, 1).value).startswith("制表人")


def test_every_fault_stands_where_the_ledger_says(
    own_catalogue: Catalogue, heavy: Simulated
) -> None:
    feed = own_catalogue.feeds["energy.coal_daily"]
    columns = {"output_day_t": 6, "mine_uscc": 3, "mine_name": 2, "stock_t": 13}
    seen = Counter[str]()
    for fault in _truth(heavy, "faults.csv"):
        path = heavy.out / fault["file"]
        if not fault["line"] or fault["field"] not in columns or not path.name.endswith(".xlsx"):
            continue
        if not path.exists():  # it went into a zip
            continue
        page = openpyxl.load_workbook(path)[fault["sheet"]]
        cell = page.cell(int(fault["line"]), columns[fault["field"]]).value
        assert str(cell) == fault["written"], fault
        seen[fault["kind"]] += 1
    assert seen["name_variant"] and seen["correction"]
    assert feed.field("output_day_t").required


def test_late_swapped_resent_and_zipped_reports_are_there(heavy: Simulated) -> None:
    faults = _truth(heavy, "faults.csv")
    kinds = {f["kind"] for f in faults}
    assert {"correction", "swapped_nights", "resent", "zipped", "late_report"} <= kinds
    for fault in faults:
        if fault["kind"] == "zipped":
            archive, _, member = fault["file"].rpartition("/")
            with zipfile.ZipFile(heavy.out / archive) as zipped:
                assert member in zipped.namelist()
        elif fault["kind"] == "resent":
            copy = heavy.out / fault["file"]
            assert copy.name != fault["written"]
            first = list(heavy.out.rglob(fault["written"]))
            archived = not first  # the first one may have gone into a zip
            assert archived or first[0].read_bytes() == copy.read_bytes()
        elif fault["kind"] == "missing_report":
            assert not list(heavy.out.rglob(fault["file"]))


def test_the_truth_says_what_must_be_served(heavy: Simulated) -> None:
    rows = _truth(heavy, "coal_daily.csv")
    states = Counter(r["state"] for r in rows)
    assert set(states) == {"served", "quarantined", "missing"}
    assert len(rows) == 4 * 91
    wrong = [
        r for r in rows if r["state"] == "served" and r["served_output_t"] != r["output_day_t"]
    ]
    kinds = {f["kind"] for f in _truth(heavy, "faults.csv")}
    assert bool(wrong) == bool(kinds & {"spike", "unit_unlabelled"})


def test_masses_in_ten_thousand_tonnes_lose_nothing(
    own_catalogue: Catalogue, tmp_path: Path
) -> None:
    rates = tmp_path / "rates.yaml"
    rates.write_text("unit_10kt: 1\n", encoding="utf-8")
    made = simulate_energy(own_catalogue, tmp_path / "c", nights=1, seed=5, faults=str(rates))
    feed = own_catalogue.feeds["energy.coal_daily"]
    true = {r["mine_uscc"]: int(r["output_day_t"]) for r in _truth(made, "coal_daily.csv")}
    for path in made.out.rglob("*.xlsx"):
        for batch in read(path, feed, path.name):
            for r in batch.to_pylist():
                assert r["mass_unit"] == "万吨"
                assert round(float(r["output_day_t"]) * 10_000, 6) == true[r["mine_uscc"]]
    assert "output_day_t" in MASSES
