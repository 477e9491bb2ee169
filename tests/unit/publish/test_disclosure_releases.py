"""A dataset under its rule, release after release: what the folders of earlier releases tell."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from onesource.contracts.disclosure import DisclosureRule
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.reader import Source
from onesource.publish import protection
from onesource.publish.disclosure import Protected
from onesource.publish.latest import in_order
from tests.unit.publish.made_up_tables import NIGHT, PERSONS, hidden, one_line, people, rule


def contract(name: str, its_rule: DisclosureRule, columns: tuple[str, ...]) -> Contract:
    """As much of a contract as disclosure control reads."""
    terms = SimpleNamespace(disclosure_rule=its_rule, made_column="conf_status")
    fields = (*columns, "conf_status")
    return cast(
        Contract, SimpleNamespace(id=f"open.{name}", name=name, open=terms, field_names=fields)
    )


class Nights:
    """Publishes a dataset again and again, as the nightly release does."""

    def __init__(self, folder: Path, dataset: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.dataset = folder, dataset
        self.releases: list[Path] = []
        self.versions: list[pa.Table] = []
        monkeypatch.setattr(protection, "open_version", self._open)

    def _open(self, table: str, path: Path, version: int) -> Source:
        if version >= len(self.versions) or self.versions[version] is None:
            raise OneSourceError(f"version {version} of {table} is gone")
        data = self.versions[version]
        return Source(table, version, path, data.schema, lambda: ds.dataset(data))

    def publish(self, name: str, cells: pa.Table, who: pa.Table, **more: Any) -> Protected:
        self.versions.append(who)
        newest = len(self.versions) - 1
        # By name, as the folder lists them: within a day that is no order in time.
        names = sorted(p.name for p in self.releases)
        done = protection.protected(
            self.dataset,
            cells,
            lambda table: self._open(table, self.folder, newest),
            [self.folder / n for n in reversed(in_order(self.folder, names))],
            **more,
        )
        folder = self.folder / name / "datasets" / self.dataset.name
        folder.mkdir(parents=True)
        pq.write_table(done.table, folder / f"{self.dataset.name}.parquet")
        said = {
            "release": name,
            "previous": self.releases[-1].name if self.releases else None,
            "datasets": {self.dataset.name: {"disclosure": dict(done.proof)}},
        }
        (self.folder / name / "manifest.json").write_text(json.dumps(said))
        self.releases.append(self.folder / name)
        return done


@pytest.fixture
def coal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    dataset = contract("coal", rule("county", tolerance=0.0005), ("county", "t"))
    return Nights(tmp_path, dataset, monkeypatch)


MONTHS = ("county", "month")


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    dimensions = [{"column": "county", "total": "all"}, {"column": "month"}]
    frozen = rule(*dimensions, **PERSONS, frozen={"period": "month"})
    return Nights(tmp_path, contract("visits", frozen, (*MONTHS, "n")), monkeypatch)


def march(people_in_a: int) -> tuple[pa.Table, pa.Table]:
    cells, who = people({("a", "03"): people_in_a, ("b", "03"): 30}, list(MONTHS))
    return cells.filter(pa.array([m == "03" for m in cells["month"].to_pylist()])), who


def shown(done: Protected) -> int | None:
    return next(r["n"] for r in done.table.to_pylist() if r["county"] == "a")


def test_the_daily_growth_of_mines_that_stay_is_shown_and_a_new_mine_is_not(coal: Nights) -> None:
    nights = [NIGHT, {c: [v + 1 for v in m] for c, m in NIGHT.items()}]
    first, second = (coal.publish(f"2026010{i}-aa", *one_line(n)[:2]) for i, n in enumerate(nights))
    assert hidden(second) == hidden(first) == {"a", "b"}
    third = coal.publish("20260103-aa", *one_line(nights[1] | {"d": [7, 7, 7, 5]})[:2])
    assert {"d", "all"} <= hidden(third)


def test_without_the_version_of_then_any_change_is_one_of_few(coal: Nights) -> None:
    coal.publish("20260101-aa", *one_line(NIGHT)[:2])
    coal.versions[0] = None
    second = coal.publish("20260102-aa", *one_line(NIGHT | {"d": [7, 7, 7]})[:2])
    assert {"d", "all"} <= hidden(second)


def test_a_restatement_counts_once_though_its_line_stays_in_the_list(visits: Nights) -> None:
    late = {"03": "late report"}
    assert shown(visits.publish("20260401-aa", *march(20))) == 20
    assert shown(visits.publish("20260402-aa", *march(29))) == 20
    restated = visits.publish("20260403-aa", *march(29), restated=late)
    assert shown(restated) == 29 and restated.proof["frozen"]["restated"] == late
    assert shown(visits.publish("20260404-aa", *march(30), restated=late)) == 29
    again = {"03": "second late report"}
    assert shown(visits.publish("20260405-aa", *march(40), restated=again)) == 40


def test_of_two_releases_of_one_day_the_later_holds_whatever_its_name(visits: Nights) -> None:
    visits.publish("20260401-ff", *march(20))
    visits.publish("20260401-aa", *march(29), restated={"03": "late report"})
    assert shown(visits.publish("20260402-aa", *march(29))) == 29
