"""Every DAG loads, from the contracts alone, as they say, and without the jobs' libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Kind
from onesource.contracts.schedule import load_schedules, tables_named
from onesource.errors import ContractError
from onesource.run.plan import build_graph
from tests.dags.airflow_env import PROJECT, ask, environment
from tests.dags.open_kind import city_of_kinds, publish_kinds
from tests.integration.small_city import feed, key, make_city

SECTORS = {"base", "energy"}
OTHERS = {"registries", "open_release", "maintenance", "freshness"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("airflow")
    env = environment(home, {"ONESOURCE_INBOX": str(home / "inbox")})
    yield ask("describe_dags.py", env, str(PROJECT / "dags"))


def test_every_dag_loads_and_each_is_one_we_know(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert set(found["dags"]) == SECTORS | OTHERS


def test_no_dag_brings_a_library_of_the_jobs_along(found: dict[str, Any]) -> None:
    assert found["heavy"] == []


def test_every_table_of_a_sector_is_built_once_and_told_of_once(found: dict[str, Any]) -> None:
    catalogue = load_catalogue(PROJECT / "schemas")
    told = [
        name
        for dag in found["dags"].values()
        for task in dag["tasks"].values()
        for name in task["outlets"]
    ]
    assert sorted(told) == sorted(catalogue.tables)


def test_a_sector_goes_from_the_inbox_to_what_is_served(found: dict[str, Any]) -> None:
    tasks = found["dags"]["energy"]["tasks"]
    assert tasks["ingest"]["before"] == ["deliver"]
    assert tasks["silver"]["before"] == ["ingest"]
    assert tasks["gate.coal_daily"]["before"] == ["silver"]
    assert "gate.coal_daily" in tasks["curate"]["before"]
    assert tasks["serve.curated_energy_coal_output_month"]["before"] == ["curate"]
    assert "feed:energy.coal_daily" in tasks["silver"]["arguments"]
    assert tasks["silver"]["arguments"][-4:-2] == ["--through", "silver"]


def test_what_starts_a_dag_is_what_it_reads_and_does_not_build(found: dict[str, Any]) -> None:
    energy = set(found["dags"]["energy"]["assets"])
    assert {"inbox/energy", "feed/energy.coal_daily", "registry.mine"} <= energy
    assert not {a for a in energy if a.startswith(("silver.energy", "curated.energy"))}
    assert "silver.energy_coal_mine" in found["dags"]["registries"]["assets"]
    assert found["dags"]["open_release"]["assets"] == []


def test_all_that_writes_a_sector_waits_for_one_slot(found: dict[str, Any]) -> None:
    for name in (*SECTORS, "registries"):
        tasks = found["dags"][name]["tasks"].values()
        writers = [t for t in tasks if "run" in t["arguments"][:1]]
        assert writers
        assert {t["pool"] for t in writers} == {f"write_{name}"}
    assert all(d["max_active_runs"] == 1 for d in found["dags"].values())
    assert not any(d["catchup"] or d["paused"] for d in found["dags"].values())


def test_every_dag_of_tables_links_their_contracts(found: dict[str, Any]) -> None:
    for name in SECTORS:
        folder = PROJECT / "schemas" / "feeds" / name
        contracts = [f.relative_to(PROJECT).as_posix() for f in folder.glob("*.yaml")]
        assert contracts
        assert all(c in found["dags"][name]["doc"] for c in contracts)


def test_a_contract_says_how_patient_and_how_important_it_is(tmp_path: Path) -> None:
    patient = {"retries": 5, "retry_minutes": 1, "timeout_minutes": 9, "tier": 1}
    city = make_city(
        tmp_path,
        feed("base.one", [key("id")], properties={"schedule": patient, "update_cycle": "每月"}),
        feed("energy.two", [key("id")], properties={"schedule": {"cron": "7 * * * *"}}),
    )
    env = environment(tmp_path / "airflow", {"ONESOURCE_HOME": str(city.settings.home)})
    found = ask("describe_dags.py", env, str(PROJECT / "dags"))
    assert found["errors"] == {}
    # There is no registry and no open dataset, and so no DAG for them.
    assert set(found["dags"]) == {"base", "energy", "maintenance", "freshness"}
    silver = found["dags"]["base"]["tasks"]["silver"]
    assert (silver["retries"], silver["retry_minutes"], silver["timeout"]) == (5, 1, 540)
    assert silver["backoff"]
    assert "tier 1" in found["dags"]["base"]["tags"]
    assert load_schedules(city.settings.home).sectors[1].crons == ("7 * * * *",)


def test_a_feed_with_a_time_of_its_own_does_not_silence_its_neighbours(tmp_path: Path) -> None:
    seldom = {"schedule": {"cron": "0  6 1 1 *"}}
    city = make_city(
        tmp_path,
        feed("base.one", [key("id")], properties={**seldom, "update_cycle": "每年"}),
        feed("base.two", [key("id")], properties={"update_cycle": "每日"}),
        feed("base.three", [key("id")], properties={"update_cycle": "每月"}),
        feed("energy.four", [key("id")], properties={"update_cycle": "每日"}),
        feed("energy.five", [key("id")], properties={"update_cycle": "实时"}),
    )
    base, energy = load_schedules(city.settings.home).sectors
    assert set(base.crons) == {"0 6 1 1 *", "30 1 * * *"}
    assert energy.crons == ("*/15 * * * *",)


def test_the_release_is_made_when_and_as_patiently_as_its_datasets_say(tmp_path: Path) -> None:
    city = city_of_kinds(tmp_path)
    publish_kinds(city, cron="0 5 * * *")
    env = environment(tmp_path / "airflow", {"ONESOURCE_HOME": str(city.settings.home)})
    found = ask("describe_dags.py", env, str(PROJECT / "dags"))
    release = found["dags"]["open_release"]["tasks"]["release"]
    assert (release["retries"], release["retry_minutes"]) == (3, 0.05)
    planned = load_schedules(city.settings.home).release
    assert planned is not None and planned.crons == ("0 5 * * *",)


@pytest.mark.parametrize("cron", ["60 1 * * *", "*/0 1 * * *", "5-1 * * * *", "at one * * *"])
def test_a_time_that_never_comes_is_refused_with_the_name_of_its_contract(
    tmp_path: Path, cron: str
) -> None:
    city = make_city(tmp_path, feed("base.one", [key("id")]))
    city.write(feed("base.one", [key("id")], properties={"schedule": {"cron": cron}}))
    with pytest.raises(ContractError, match=r"one\.yaml.*cron"):
        load_schedules(city.settings.home)


def test_a_broken_contract_is_an_import_error_and_not_an_empty_folder(tmp_path: Path) -> None:
    city = make_city(tmp_path, feed("base.one", [key("id")]))
    (city.settings.schemas / "feeds" / "base" / "one.yaml").write_text(
        "apiVersion: v3.1.0\nid: x\n"
    )
    env = environment(tmp_path / "airflow", {"ONESOURCE_HOME": str(city.settings.home)})
    errors = ask("describe_dags.py", env, str(PROJECT / "dags"))["errors"]
    assert any("one.yaml:1" in text for text in errors.values())


def test_the_scheduler_reads_the_same_inputs_as_the_run(settings: Settings) -> None:
    catalogue = load_catalogue(settings.schemas)
    graph = build_graph(settings, catalogue)
    scheduled = load_schedules(settings.home).tables
    assert set(scheduled) == set(graph.contracts)
    for name, table in scheduled.items():
        served = set(graph.all_inputs(name)) - {name}
        assert set(table.inputs) == served, name


def test_a_table_that_only_a_comment_or_a_text_names_is_no_input() -> None:
    sql = "-- not silver.base_a\nSELECT 'registry.b' FROM curated.base_c /* silver.base_d */"
    assert tables_named(sql) == {"curated.base_c"}


def test_only_feeds_have_a_gate_of_their_own(found: dict[str, Any]) -> None:
    scheduled = load_schedules(PROJECT).tables.values()
    feeds = {f"gate.{t.name}" for t in scheduled if t.kind is Kind.FEED}
    gates = {t for d in found["dags"].values() for t in d["tasks"] if t.startswith("gate.")}
    assert gates == feeds
