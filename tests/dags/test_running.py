"""Every DAG, run in one process against a small real lake: the command is really called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onesource.lake.manifest import read_manifest
from tests.dags.airflow_env import PROJECT, ask, environment
from tests.integration.small_city import SmallCity, feed, field, key, make_city

THING = feed(
    "base.thing",
    [key("id"), field("kind"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
)
SMALL = {
    "id": "sizes_are_small",
    "expectation": "expect_column_max_to_be_between",
    "kwargs": {"column": "size", "max_value": 100},
    "severity": "hold",
    "dimension": "accuracy",
    "owner": "provider",
    "zh": "过大",
    "en": "sizes must be small",
}
OTHER = feed("base.other", [key("id")])
TOTAL = "SELECT kind, count(*) AS things_count FROM silver.base_thing GROUP BY kind"
COLUMNS = [key("kind"), field("things_count", "integer")]
DAGS = ("base", "base", "freshness", "maintenance")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    made = make_city(tmp_path_factory.mktemp("city"), THING, OTHER)
    made.curated("base.kind", TOTAL, COLUMNS)
    made.rules("silver.base_thing", [SMALL])
    return made


@pytest.fixture(scope="module")
def runs(city: SmallCity) -> list[dict[str, Any]]:
    """The sector twice (the second time with nothing new), then what looks after the lake."""
    put(city, "thing_20240101.csv", "id,kind,size\n1,a,1\n2,a,2\n3,b,3\n")
    put(city, "thing_20240102.csv", "id,kind,size\n4,a,4\n5,a,5000\n")
    put(city, "nobody_expects_this.txt", "x")
    s = city.settings
    env = environment(
        city.inbox.parent / "airflow",
        {
            "ONESOURCE_HOME": str(s.home),
            "ONESOURCE_LAKE": str(s.lake),
            "ONESOURCE_KEYS": str(s.keys),
            "ONESOURCE_CACHE": str(s.cache),
            "ONESOURCE_SPARK": "local[2]",
            "ONESOURCE_DRIVER_MEMORY": "2g",
            "ONESOURCE_INBOX": str(city.inbox),
            "ONESOURCE_ALERTS": str(city.inbox.parent / "alerts.txt"),
            "ONESOURCE_INBOX_SETTLE_SECONDS": "0.01",
        },
    )
    found: list[dict[str, Any]] = ask("run_dags.py", env, str(PROJECT / "dags"), *DAGS, seconds=600)
    return found


def put(city: SmallCity, name: str, text: str) -> None:
    city.file(name, text, folder="base")


def test_a_delivery_is_served_and_its_event_tells_version_rows_and_verdict(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    served = read_manifest(city.settings).tables
    events = runs[0]["events"]
    assert set(events) == {"silver.base_thing", "curated.base_kind"}
    for table, told in events.items():
        assert (told["version"], told["rows"]) == (served[table].version, served[table].rows)
    assert events["curated.base_kind"]["verdict"] == "passed"
    assert city.rows("curated.base_kind") == [
        {"kind": "a", "things_count": 2},
        {"kind": "b", "things_count": 1},
    ]


def test_a_held_delivery_is_a_red_gate_with_its_reason_and_the_run_goes_on(
    runs: list[dict[str, Any]],
) -> None:
    first = runs[0]
    assert first["tasks"]["gate.thing"] == "failed"
    assert "thing_20240102.csv" in first["reasons"]["gate.thing"]
    assert first["events"]["silver.base_thing"]["verdict"] == "held"
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


def test_a_second_run_with_nothing_new_tells_nothing(runs: list[dict[str, Any]]) -> None:
    second = runs[1]
    assert second["events"] == {}
    assert second["state"] == "success"
    shown = {s for t, s in second["tasks"].items() if t.startswith(("gate.", "serve."))}
    assert shown == {"skipped"}


def test_what_was_handed_in_is_kept_and_the_inbox_is_empty(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    assert not any((city.inbox / "base").iterdir())
    kept = {f.name for f in (city.inbox / ".taken" / "base").rglob("*") if f.is_file()}
    assert kept == {"thing_20240101.csv", "thing_20240102.csv", "nobody_expects_this.txt"}


def test_the_dags_of_the_whole_lake_run(runs: list[dict[str, Any]]) -> None:
    assert [(r["dag"], r["state"]) for r in runs[2:]] == [
        ("freshness", "success"),
        ("maintenance", "success"),
    ]


def test_folders_of_earlier_batches_are_not_looked_at(
    runs: list[dict[str, Any]], city: SmallCity
) -> None:
    assert Path(city.inbox, ".taken").name.startswith(".")
    assert runs[1]["tasks"]["deliver"] == "success"
