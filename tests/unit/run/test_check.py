"""`onesource check` finds every mistake, names its place, and finds nothing in what is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from onesource.config import Settings
from onesource.contracts.findings import Weight
from onesource.run.check import check
from tests.unit.small_project import SmallProject

HOME = Path(__file__).resolve().parents[3]
DAY = date(2024, 1, 1)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallProject:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return SmallProject(tmp_path / "project")


def errors(settings: Settings) -> list[str]:
    return [f.line() for f in check(settings, DAY) if f.weight is Weight.ERROR]


def test_this_project_has_no_errors() -> None:
    settings = Settings.from_environment({"ONESOURCE_HOME": str(HOME)})
    found = [f.line() for f in check(settings) if f.weight is Weight.ERROR]
    assert found == []


def test_a_right_project_has_no_errors(project: SmallProject) -> None:
    assert errors(project.settings) == []


Break = Callable[[SmallProject], object]
MISTAKES: dict[str, tuple[Break, str, str]] = {
    "an unknown custom property": (
        lambda p: p.change(p.feed, "property: steward", "property: stewart"),
        "schemas/feeds/energy/coal.yaml:11",
        "stewart",
    ),
    "an unknown sector": (
        lambda p: p.change(p.city, "energy: 能源, ", ""),
        "schemas/feeds/energy/coal.yaml:1",
        "sector energy",
    ),
    "a provider with a wrong check character": (
        lambda p: p.change(p.feed, "value: 11141100MB9X00015W", "value: 11141100MB9X00015X"),
        "schemas/feeds/energy/coal.yaml:1",
        "check character",
    ),
    "an unknown code list": (
        lambda p: p.change(p.feed, "value: gas", "value: gass"),
        "schemas/feeds/energy/coal.yaml:29",
        "there is no gass",
    ),
    "a code list with two meanings": (
        lambda p: p.codes.write_text(p.codes.read_text() + "high,超高,,\n"),
        "schemas/codelists/gas.csv",
        "two meanings",
    ),
    "an unknown standardiser": (
        lambda p: p.change(
            p.feed, "property: codelist, value: gas", "property: standardiser, value: x"
        ),
        "schemas/feeds/energy/coal.yaml:29",
        "no standardiser x",
    ),
    "an argument that the standardiser does not take": (
        lambda p: p.change(
            p.feed,
            "property: codelist, value: gas",
            "property: standardiser, value: {name: text, x: y}",
        ),
        "schemas/feeds/energy/coal.yaml:29",
        "no argument x",
    ),
    "a partition by no field": (
        lambda p: p.change(
            p.feed,
            "  - property: delivery",
            "  - {property: partition_by, value: [month]}\n  - property: delivery",
        ),
        "schemas/feeds/energy/coal.yaml:1",
        "partition_by names month",
    ),
    "a type that Spark does not know": (
        lambda p: p.change(
            p.feed, "logicalType: number", "logicalType: number\n        physicalType: dezimal"
        ),
        "schemas/feeds/energy/coal.yaml:34",
        "no type of Spark",
    ),
    "a type that does not fit": (
        lambda p: p.change(
            p.feed, "logicalType: number", "logicalType: number\n        physicalType: date"
        ),
        "schemas/feeds/energy/coal.yaml:34",
        "does not hold",
    ),
    "a name of a person that is open": (
        lambda p: p.change(
            p.feed,
            "          - {property: codelist, value: gas}",
            "          - {property: identifier, value: direct}\n"
            "          - {property: personal, value: pi}\n"
            "          - {property: opening, value: 可公开}",
        ),
        "schemas/feeds/energy/coal.yaml:29",
        "opening is 可公开",
    ),
    "a curated contract without SQL": (
        lambda p: p.sql.unlink(),
        "schemas/curated/energy/coal_status.yaml:1",
        "no SQL file",
    ),
    "SQL without a contract": (
        lambda p: p.sql.with_name("other.sql").write_text(p.sql.read_text()),
        "jobs/sql/energy/other.sql",
        "no contract",
    ),
    "SQL that reads an unknown table": (
        lambda p: p.change(p.sql, "silver.energy_coal", "silver.energy_cole"),
        "jobs/sql/energy/coal_status.sql",
        "silver.energy_cole",
    ),
    "SQL that makes other columns": (
        lambda p: p.change(p.sql, "count(*) AS mines_count", "count(*) AS mines"),
        "jobs/sql/energy/coal_status.sql",
        "mines_count",
    ),
    "a curated table made of itself": (
        lambda p: p.change(p.sql, "silver.energy_coal", "curated.energy_coal_status"),
        "schemas/curated/energy/coal_status.yaml:1",
        "depend on each other",
    ),
    "rules without a contract": (
        lambda p: p.home.joinpath("expectations/x.yaml").write_text("rules: []\n"),
        "expectations/x.yaml",
        "",
    ),
    "a contract in a place where nobody looks": (
        lambda p: p.feed.rename(p.home / "schemas/feeds/coal.yaml"),
        "schemas/feeds/coal.yaml",
        "never read",
    ),
    "a report owed by an unknown list": (
        lambda p: p.change(
            p.feed,
            "format: csv}",
            "format: csv, expects: {units: villages, period: month, due_days: 5}}",
        ),
        "schemas/feeds/energy/coal.yaml:1",
        "villages",
    ),
    "one header for two fields": (
        lambda p: p.change(p.feed, "value: [日产量]", "value: [瓦斯等级]"),
        "schemas/feeds/energy/coal.yaml:34",
        "瓦斯等级",
    ),
    "a registry table whose builder is not there": (
        lambda p: _registry(p, "onesource.registry.nothing:build"),
        "schemas/registry/thing.yaml",
        "cannot be loaded",
    ),
}


def _registry(project: SmallProject, builder: str) -> None:
    path = project.home / "schemas/registry/thing.yaml"
    path.parent.mkdir()
    text = project.curated.read_text()
    for old, new in (
        ("curated.energy_coal_status", "registry.thing"),
        (
            "domain: energy",
            f"domain: registry\ncustomProperties:\n  - {{property: builder, value: '{builder}'}}",
        ),
    ):
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_at_its_place(project: SmallProject, name: str) -> None:
    mistake, where, words = MISTAKES[name]
    mistake(project)
    found = errors(project.settings)
    assert any(f.startswith(f"error: {where}") and words in f for f in found), found


def test_all_mistakes_are_found_at_once(project: SmallProject) -> None:
    project.change(project.feed, "property: steward", "property: stewart")
    project.change(project.feed, "property: unit", "property: unitt")
    project.change(project.feed, "format: csv", "format: doc")
    project.codes.write_text("code\nx\n")
    project.change(project.city, "00015W, name: 旧局", "00015X, name: 旧局")
    found = "\n".join(errors(project.settings))
    for word in ("stewart", "unitt", "format", "gas.csv", "旧局"):
        assert word in found


def test_a_file_that_cannot_be_loaded_brings_no_false_followers(project: SmallProject) -> None:
    project.change(project.feed, "property: steward", "property: stewart")
    found = errors(project.settings)
    assert not any("coal_status" in f for f in found), found


def test_findings_have_places_relative_to_the_project(project: SmallProject) -> None:
    project.sql.unlink()
    assert not any(str(project.home) in f for f in errors(project.settings))
