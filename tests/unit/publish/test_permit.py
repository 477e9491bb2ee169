"""Publication is denied by default: each guard is seen to refuse, by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml

from onesource.errors import ContractError
from tests.unit.publish.open_city import OPEN_WORDS, OpenCity


def own(city: OpenCity, name: str, **properties: Any) -> None:
    """Sets custom properties of one field of the open contract."""
    field = city.field(name)
    kept = [p for p in field.get("customProperties", []) if p["property"] not in properties]
    field["customProperties"] = kept + [{"property": k, "value": v} for k, v in properties.items()]


def source_field(city: OpenCity, layer: str, place: str, name: str, **properties: Any) -> None:
    """Sets custom properties of a field of a contract below."""
    path = city.settings.schemas / layer / place
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    for f in contract["schema"][0]["properties"]:
        if f["name"] == name:
            f["customProperties"] = [{"property": k, "value": v} for k, v in properties.items()]
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")


def source_opening(city: OpenCity, opening: str = "可公开", disclosure: str = "主动公开") -> None:
    path = city.settings.schemas / "curated/energy/coal_month.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    said = {**OPEN_WORDS, "opening": opening, "disclosure": disclosure}
    contract["customProperties"] = [{"property": k, "value": v} for k, v in said.items()]
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")


def forbid(city: OpenCity, resource: str) -> None:
    city.negative += f"{resource},法,因,局,2024-01-01,,\n"


@pytest.fixture
def open_source(city: OpenCity) -> OpenCity:
    source_opening(city)
    return city


def test_what_is_approved_and_open_goes_out(open_source: OpenCity) -> None:
    assert open_source.refusals() == []


BREAKS: dict[str, tuple[Callable[[OpenCity], object], str | None, str]] = {
    "no such approval": (
        lambda c: c.custom("open").update(approval="A-9"), None, "there is no approval A-9"),
    "an approval for another dataset": (
        lambda c: setattr(c, "approvals", c.approvals.replace("coal_month,county", "x,county")),
        None, "is for x"),
    "an approval without this column": (
        lambda c: setattr(c, "approvals", c.approvals.replace(";output_t", "")),
        "output_t", "does not cover the column output_t"),
    "the dataset is closed": (
        lambda c: c.set("opening", "不可公开"), None, "is closed: 开放属性"),
    "the dataset may not be shared": (
        lambda c: c.set("sharing", "不予"), None, "is closed: 共享属性"),
    "the dataset is of level 3": (
        lambda c: c.set("security_level", "L3"), None, "is closed: 安全级别 L3"),
    "a column is closed": (
        lambda c: own(c, "county_name", opening="不可公开"), "county_name", "is closed"),
    "a column is of level 4": (
        lambda c: own(c, "output_t", security_level="L4"), "output_t", "output_t is closed"),
    "a column identifies a person": (
        lambda c: own(c, "county_name", identifier="direct"), "county_name", "identifies persons"),
    "the source's column identifies a person": (
        lambda c: source_field(c, "curated", "energy/coal_month.yaml", "county_name",
                               personal="pi"), "county_name", "identifies persons"),
    "a column comes from a delivered one that identifies a person": (
        lambda c: source_field(c, "feeds", "energy/coal_day.yaml", "county_code",
                               identifier="direct"), "county_code", "silver.energy_coal_day"),
    "only a sum of what identifies a person": (
        lambda c: source_field(c, "feeds", "energy/coal_day.yaml", "output_t",
                               identifier="direct"), "output_t", "silver.energy_coal_day"),
    "a column comes from a delivered one that is closed": (
        lambda c: source_field(c, "feeds", "energy/coal_day.yaml", "county_code",
                               opening="不可公开"), "county_code", "county_code is closed"),
    "the source has no such column": (
        lambda c: own(c, "output_t", source_column="output"), "output_t", "no column output"),
    "the source is on the negative list": (
        lambda c: forbid(c, "curated.energy_coal_month"),
        None, "on the negative list"),
    "a column is on the negative list": (
        lambda c: forbid(c, "*.output_t"),
        "output_t", "on the negative list"),
    "a delivered column is on the negative list": (
        lambda c: forbid(c, "silver.*.output_t"),
        "output_t", "silver.energy_coal_day.output_t is on the negative list"),
    "the source is closed and there is no disclosure rule": (
        lambda c: source_opening(c, opening="不可公开"), None, "a disclosure rule is needed"),
    "open under conditions that are not stated": (
        lambda c: c.set("opening", "依条件公开"), None, "none is stated"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_guard_refuses_and_says_which_column(open_source: OpenCity, name: str) -> None:
    break_it, column, words = BREAKS[name]
    break_it(open_source)
    found = open_source.refusals()
    assert any(r.column == column and words in r.en for r in found), found
    assert all(r.zh for r in found)


def test_a_sum_of_a_closed_column_goes_out(open_source: OpenCity) -> None:
    source_field(open_source, "feeds", "energy/coal_day.yaml", "output_t", opening="不可公开")
    assert open_source.refusals() == []


def test_an_approval_ends_on_its_day(open_source: OpenCity) -> None:
    assert open_source.refusals(date(2024, 12, 31)) == []
    assert "not in force" in open_source.refusals(date(2025, 1, 1))[0].en
    assert "not in force" in open_source.refusals(date(2023, 12, 31))[0].en


def test_a_name_that_must_be_public_goes_out_by_the_law_that_is_named(
    open_source: OpenCity,
) -> None:
    own(open_source, "county_name", identifier="direct", lawful_publication="《条例》第十条")
    assert open_source.refusals() == []


def test_a_row_of_the_negative_list_that_has_ended_forbids_nothing(open_source: OpenCity) -> None:
    open_source.negative += "*.output_t,法,因,局,2020-01-01,2024-01-01,\n"
    assert open_source.refusals() == []


def test_a_missing_list_is_no_permission(open_source: OpenCity) -> None:
    open_source.write()
    (open_source.settings.schemas / "negative_list.csv").unlink()
    with pytest.raises(ContractError, match="without it nothing may be published"):
        open_source.sources()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A-1,x,a,b,c,2024-01-01,,\n", "stands twice"),
        ("A-2,x,,b,c,2024-01-01,,\n", "columns is empty"),
        ("A-2,x,a,b,c,,,\n", "valid_from is empty"),
        ("A-2,x,a,b,c,1.1.2024,,\n", "is no day"),
        ("A-2,x,a,b\n", "another number of cells"),
    ],
)
def test_a_mistake_in_the_approvals_is_named_with_its_line(
    open_source: OpenCity, line: str, words: str
) -> None:
    open_source.approvals += line
    open_source.write()
    with pytest.raises(ContractError, match=words) as e:
        open_source.sources()
    assert "approvals.csv:3" in e.value.line()
