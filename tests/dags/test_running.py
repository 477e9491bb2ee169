"""Every DAG, run in one process against a small real lake: the command is really called."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from onesource.lake.manifest import read_manifest
from tests.dags.airflow_env import PROJECT, ask, environment
from tests.dags.open_kind import (
    add_registry,
    city_of_kinds,
    divisions,
    publish_kinds,
    settings_for,
)
from tests.integration.small_city import SmallCity

# The sector twice: the second time with nothing new. A release of the day that somebody asks for.
RUNS = ("base", "registries", "open_release@2024-02-03", "base", "freshness", "maintenance")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    made = city_of_kinds(tmp_path_factory.mktemp("city"))
    add_registry(made)
    publish_kinds(made)
    return made


@pytest.fixture(scope="module")
def told(city: SmallCity) -> dict[str, Any]:
    put(city, "thing_20240101.csv", "id,kind,size\n1,a,1\n2,a,2\n3,b,3\n")
    put(city, "thing_20240102.csv", "id,kind,size\n4,a,4\n5,a,5000\n")
    put(city, *divisions())
    put(city, "nobody_expects_this.txt", "x")
    env = environment(
        city.inbox.parent / "airflow",
        {**settings_for(city), "ONESOURCE_INBOX_SETTLE_SECONDS": "0.01"},
    )
    found: dict[str, Any] = ask("run_dags.py", env, str(PROJECT / "dags"), *RUNS, seconds=600)
    return found


@pytest.fixture(scope="module")
def runs(told: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told["runs"]
    return found


def put(city: SmallCity, name: str, text: str) -> None:
    city.file(name, text, folder="base")


def test_every_dag_was_run_and_ended_well(told: dict[str, Any]) -> None:
    assert set(told["dags"]) == {name.partition("@")[0] for name in RUNS}
    assert [r["state"] for r in told["runs"]] == ["success"] * len(RUNS)


def test_a_delivery_is_served_and_its_event_tells_version_rows_and_verdict(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    served = read_manifest(city.settings).tables
    events = runs[0]["events"]
    assert set(events) == {"silver.base_thing", "silver.base_division", "curated.base_kind"}
    for table, said in events.items():
        assert (said["version"], said["rows"]) == (served[table].version, served[table].rows)
    assert events["curated.base_kind"]["verdict"] == "passed"
    assert city.rows("curated.base_kind") == [
        {"kind": "a", "things_count": 2},
        {"kind": "b", "things_count": 1},
    ]


def test_a_held_delivery_is_a_red_gate_with_its_reason_and_the_run_goes_on(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    first = runs[0]
    assert first["tasks"]["gate.thing"] == "failed"
    assert "thing_20240102.csv" in first["reasons"]["gate.thing"]
    assert first["events"]["silver.base_thing"]["verdict"] == "held"
    assert first["tasks"]["gate.division"] == "success"
    assert first["tasks"]["curate"] == first["tasks"]["report"] == first["state"] == "success"


def test_people_are_told_once_of_what_is_held_and_what_was_refused(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    lines = (city.inbox.parent / "alerts.txt").read_text().splitlines()
    assert len([ln for ln in lines if "silver.base_thing" in ln]) == 1
    assert len([ln for ln in lines if "nobody_expects_this.txt" in ln]) == 1


def test_a_feed_of_which_there_is_nothing_to_say_costs_no_process(
    runs: list[dict[str, Any]],
) -> None:
    tasks = runs[0]["tasks"]
    assert tasks["gate.other"] == tasks["serve.silver_base_other"] == "skipped"


def test_the_registries_are_built_from_what_the_sector_served(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    assert runs[1]["events"]["registry.division"] == {
        "version": read_manifest(city.settings).tables["registry.division"].version,
        "rows": 12,
        "verdict": "passed",
    }


def test_the_release_is_of_the_day_that_was_asked_for(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    assert runs[2]["tasks"] == {"release": "success", "held": "skipped", "report": "success"}
    (release,) = (city.settings.open / "releases").iterdir()
    assert release.name.startswith("20240203-")
    with (release / "datasets" / "kind" / "kind.csv").open(encoding="utf-8") as f:
        assert list(csv.reader(f)) == [["kind", "things_count"], ["a", "2"], ["b", "1"]]


def test_a_second_run_with_nothing_new_tells_nothing(runs: list[dict[str, Any]]) -> None:
    second = runs[3]
    # The registry is new since the first: the sector looked, and its tables stand on it no more
    # than before.
    assert second["events"] == {}
    shown = {s for t, s in second["tasks"].items() if t.startswith(("gate.", "serve."))}
    assert shown == {"skipped"}


def test_what_was_handed_in_is_kept_and_the_inbox_is_empty(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    assert not any((city.inbox / "base").iterdir())
    kept = {f.name for f in (city.inbox / ".taken" / "base").rglob("*") if f.is_file()}
    names = {"thing_20240101.csv", "thing_20240102.csv", "nobody_expects_this.txt"}
    assert kept == names | {divisions()[0]}
    assert runs[3]["tasks"]["deliver"] == "success", "what was taken is not looked at again"
