"""The synthetic people: the same bytes from the same seed, sound numbers, honest truth."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.ingest.readers import read
from onesource.simulate.city import calendar, people, places
from onesource.simulate.city.city import simulate_city
from onesource.simulate.city.employers import employer
from onesource.simulate.city.numbers import check_digit, numbers, rank_within, scattered
from onesource.simulate.energy import simulate_energy

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
SAMPLES = SCHEMAS / "samples" / "base" / "division"
# The month's end lies inside: the second night brings the register in full again.
START = date(2024, 1, 30)


def _simulate(
    catalogue: Catalogue, out: Path, *, processes: int = 1, faults: str = "heavy"
) -> Path:
    simulate_city(
        catalogue, SCHEMAS, out, people=600, nights=3, seed=5, faults=faults, start=START,
        processes=processes,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def city(own_catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _simulate(own_catalogue, tmp_path_factory.mktemp("people") / "city")


def _digests(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _persons(folder: Path) -> dict[str, dict[str, str]]:
    rows = pq.read_table(folder / "_truth" / "persons.parquet").to_pylist()
    return {r["entity"]: r for r in rows}


def _truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "_truth" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _delivered(
    catalogue: Catalogue, folder: Path
) -> dict[tuple[str, int], tuple[str, dict[str, str]]]:
    """(file, line) → the feed and the row, as the reader of the lake reads them."""
    out = {}
    for path in sorted(folder.glob("2*/*")):
        (feed,) = [
            f for f in catalogue.feeds.values() if re.fullmatch(f.delivery.pattern, path.name)
        ]
        for batch in read(path, feed, path.name):
            for row in batch.to_pylist():
                out[path.relative_to(folder).as_posix(), row["_line"]] = (feed.id, row)
    return out


def test_two_processes_write_the_bytes_of_one(
    own_catalogue: Catalogue, city: Path, tmp_path: Path
) -> None:
    assert _digests(_simulate(own_catalogue, tmp_path / "again", processes=2)) == _digests(city)


def test_every_file_is_of_one_feed_and_every_row_of_a_person_is_told_truly(
    own_catalogue: Catalogue, city: Path
) -> None:
    rows, persons = _delivered(own_catalogue, city), _persons(city)
    spoilt = {(f["file"], f["line"]) for f in _truth(city, "person_faults")}
    renamed = {r["entity"] for r in _truth(city, "person_attribute") if r["attribute"] == "name"}
    checked = Counter[str]()
    for told in pq.read_table(city / "_truth" / "delivered.parquet").to_pylist():
        feed, row = rows[told["file"], told["line"]]
        field = {"subject": "name"}.get(told["role"], f"{told['role']}_name")
        clean = (told["file"], str(told["line"])) not in spoilt and told["entity"] not in renamed
        if clean and row.get(field):
            assert row[field] == persons[told["entity"]]["name"], told
            checked[feed] += 1
    assert len(checked) == 12


def test_a_planted_fault_stands_where_the_truth_says(own_catalogue: Catalogue, city: Path) -> None:
    rows = _delivered(own_catalogue, city)
    kinds = Counter[str]()
    for fault in _truth(city, "person_faults"):
        if fault["line"] and fault["field"]:
            _, row = rows[fault["file"], int(fault["line"])]
            if row["_raw"] is None:
                assert (row[fault["field"]] or "").strip() == fault["written"].strip(), fault
            kinds[fault["kind"]] += 1
    assert {"id_check", "id_15", "id_excel", "name_other", "birth_other", "two_phones"} <= set(
        kinds
    )


def test_a_city_without_faults_is_clean(own_catalogue: Catalogue, tmp_path: Path) -> None:
    out = _simulate(own_catalogue, tmp_path / "clean", faults="none")
    assert _truth(out, "person_faults") == []
    wrong = [
        row["id_no"]
        for feed, row in _delivered(own_catalogue, out).values()
        if feed == "base.medical_insurance"
        and (n := row["id_no"] or "")
        and re.fullmatch("1[0-9]{16}[0-9X]", n)
        and check_digit(n[:17]) != n[17]
    ]
    assert wrong == []


def test_the_conflicts_of_the_world_are_told(city: Path) -> None:
    kinds = Counter(c["kind"] for c in _truth(city, "conflicts"))
    assert {"shared_number", "second_registration", "death_one_source"} <= set(kinds)


def test_nothing_outside_the_truth_names_an_entity(city: Path) -> None:
    entity = re.compile(rb"[EH]\d{11}")
    for path in city.glob("2*/*"):
        if path.suffix in (".csv", ".json"):
            assert not entity.search(path.read_bytes()), path.name
    assert (city / "_SYNTHETIC.md").is_file()


def test_numbers_are_those_of_the_standard() -> None:
    made = numbers(np.array([142326]), np.array([19750615]), np.array([123]))
    assert list(made) == ["142326197506151231"]


def test_a_register_numbers_everybody_differently_and_no_two_registers_alike() -> None:
    index = np.arange(5000)
    one, other = scattered(index, "a/1", 9), scattered(index, "b/1", 9)
    assert len(set(one)) == len(set(other)) == 5000
    assert not set(zip(one, other, strict=True)) & set(zip(one, one, strict=True))
    assert {len(n) for n in one} == {9}


def test_ranks_count_within_equal_keys() -> None:
    keys = np.array([1, 2, 1, 1, 2])
    assert rank_within(keys).tolist() == [0, 0, 1, 2, 1]


def test_shares_are_those_of_the_city(own_catalogue: Catalogue) -> None:
    todo = places.chunks(60_000, own_catalogue.city.counties)
    day = calendar.number(START)
    made = [people.make(3, c, SAMPLES, day, 2) for c in todo]
    total = sum(len(p) for p in made)
    young = sum(int((p.ages(day) < 15).sum()) for p in made) / total
    old = sum(int((p.ages(day) >= 60).sum()) for p in made) / total
    homes = sum(int(p.household.max()) + 1 for p in made)
    assert young == pytest.approx(0.194, abs=0.02)
    assert old == pytest.approx(0.167, abs=0.02)
    assert total / homes == pytest.approx(2.58, abs=0.08)
    away: dict[str, list[float]] = defaultdict(list)
    for p in made:
        away[p.chunk.county].append(float(1 - p.here[p.registered].mean()))
    assert 0.35 <= np.mean(away["141123"]) <= 0.45 and 0.35 <= np.mean(away["141124"]) <= 0.45
    assert np.mean(away["141181"]) < 0.15
    whole = [n for p in made for i, n in enumerate(p.id_no) if i not in p.shared_no]
    assert len(set(whole)) == len(whole)
    assert sum(n.startswith("1423") for n in whole) / total > 0.5


def test_villages_that_lost_their_code_go_on_under_the_new_one() -> None:
    before = places.villages(SAMPLES, "20191031")["141126"]
    after = places.renewed(before, SAMPLES, "20230630")
    assert any(a.code != b.code for a, b in zip(before, after, strict=True))
    now = {v.code for v in places.villages(SAMPLES, "20230630")["141126"]}
    assert sum(v.code in now for v in after) > sum(v.code in now for v in before)


def test_an_employer_is_a_function_of_seed_county_and_number() -> None:
    assert employer(1, "141125", 7) == employer(1, "141125", 7) != employer(1, "141125", 8)
    assert len({employer(1, "141125", k)[0] for k in range(300)}) == 300


def test_a_city_needs_people_and_a_known_profile(own_catalogue: Catalogue, tmp_path: Path) -> None:
    for many, faults in ((5, "real"), (500, "wild")):
        with pytest.raises(UsageError):
            simulate_city(
                own_catalogue, SCHEMAS, tmp_path / "out", people=many, nights=1, seed=1,
                faults=faults, start=START,
            )  # fmt: skip


def test_the_energy_of_a_city_does_not_depend_on_its_people(
    own_catalogue: Catalogue, tmp_path: Path
) -> None:
    alone, both = tmp_path / "alone", tmp_path / "both"
    for out in (alone, both):
        simulate_energy(own_catalogue, out, nights=1, seed=5, faults="real", start=START)
    simulate_city(
        own_catalogue, SCHEMAS, both, people=200, nights=1, seed=5, start=START, processes=1,
        clear=False,
    )  # fmt: skip
    kept, now = _digests(alone), _digests(both)
    del kept["_truth/simulation.json"]
    assert {k: now[k] for k in kept} == kept
