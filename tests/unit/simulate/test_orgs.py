"""The simulated organisations: the same for the same seed, with sound numbers and their truth."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from onesource.contracts.departments import uscc_problem
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.simulate.orgs.city import simulate_orgs
from onesource.simulate.orgs.faults import org_rates
from onesource.simulate.orgs.model import legacy_number

HOME = Path(__file__).parents[3]
START = date(2024, 1, 20)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(HOME / "schemas", odcs=False)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    out = tmp_path_factory.mktemp("orgs")
    simulate_orgs(catalogue, out, people=4000, nights=3, seed=5, faults="none", start=START)
    return out


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_writes_the_same_bytes(
    tmp_path: Path, city: Path, catalogue: Catalogue
) -> None:
    simulate_orgs(catalogue, tmp_path, people=4000, nights=3, seed=5, faults="none", start=START)
    files = sorted(p.relative_to(city) for p in city.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((city / f).read_bytes() == (tmp_path / f).read_bytes() for f in files)


def test_every_unified_code_is_sound_and_one_thing_has_it(city: Path) -> None:
    holders: dict[str, set[str]] = {}
    for row in read(city / "_truth" / "orgs.csv"):
        assert uscc_problem(row["uscc"]) is None
        holders.setdefault(row["uscc"], set()).add(row["truth"])
    assert all(len(h) == 1 for h in holders.values())


def test_every_delivered_row_has_its_thing(city: Path) -> None:
    rows = read(city / "_truth" / "org_rows.csv")
    file = f"{date(2024, 1, 21)}/qiye_full_141125_20240120.csv"
    truth = {int(r["line"]): r["entity"] for r in rows if r["file"] == file}
    lines = (city / file).read_text("gb18030").splitlines()
    codes = {r["truth"]: {r["uscc"]} for r in read(city / "_truth" / "orgs.csv")}
    assert len(truth) == len(lines) - 1
    assert all(next(iter(codes[truth[n]])) in lines[n - 1] for n in truth)


def test_a_successor_exists_and_the_old_one_is_gone(city: Path) -> None:
    latest = {r["uscc"]: r for r in read(city / "_truth" / "orgs.csv")}
    gone = [r for r in latest.values() if r["successor"]]
    assert gone
    assert all(r["successor"] in latest and r["status"].startswith("注销") for r in gone)


def test_without_faults_nothing_is_planted(city: Path) -> None:
    assert read(city / "_truth" / "org_faults.csv") == []


def test_a_rate_out_of_range_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "rates.yaml"
    wrong.write_text("org_no_uscc: 2\n")
    with pytest.raises(UsageError, match="org_no_uscc"):
        org_rates(str(wrong))


def test_a_former_number_has_fifteen_digits_and_a_fitting_check_digit() -> None:
    rest = 10
    for c in legacy_number("141125", 4711):
        rest = (rest + int(c)) % 10 or 10
        last, rest = rest, rest * 2 % 11
    assert last == 1
