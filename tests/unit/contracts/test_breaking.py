"""Which changes of a contract break a provider or a reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from onesource.contracts.breaking import Step, compare, needed_version, version_parts
from tests.unit.small_project import FEED

Raw = dict[str, Any]


def field(raw: Raw, name: str) -> Raw:
    found: Raw = next(f for f in raw["schema"][0]["properties"] if f["name"] == name)
    return found


def delivery(raw: Raw) -> Raw:
    value: Raw = raw["customProperties"][-1]["value"]
    return value


def changed(change: Callable[[Raw], object]) -> list[tuple[Step, str | None]]:
    old, new = yaml.safe_load(FEED), yaml.safe_load(FEED)
    change(new)
    return [(c.step, c.field) for c in compare(old, new)]


def remove(raw: Raw, name: str) -> None:
    raw["schema"][0]["properties"].remove(field(raw, name))


def add(raw: Raw, **more: Any) -> None:
    raw["schema"][0]["properties"].append(
        {"name": "new", "businessName": "新", "logicalType": "string", **more}
    )


BREAKING: dict[str, tuple[Callable[[Raw], object], str | None]] = {
    "a field removed": (lambda r: remove(r, "gas"), "gas"),
    "another logical type": (lambda r: field(r, "gas").update(logicalType="integer"), "gas"),
    "another physical type": (lambda r: field(r, "gas").update(physicalType="int"), "gas"),
    "a field more in the key": (lambda r: field(r, "gas").update(primaryKey=True), None),
    "a field that became required": (lambda r: field(r, "gas").update(required=True), "gas"),
    "a required field added": (lambda r: add(r, required=True), "new"),
    "a value taken from a list": (lambda r: field(r, "status")["enum"].pop(), "status"),
    "a list where there was none": (lambda r: field(r, "gas").update(enum=[{"value": "x"}]), "gas"),
    "a pattern where there was none": (
        lambda r: field(r, "gas").update(logicalTypeOptions={"pattern": "^x"}),
        "gas",
    ),
    "a higher minimum": (
        lambda r: field(r, "output_t")["logicalTypeOptions"].update(minimum=1),
        "output_t",
    ),
    "a lower maximum": (
        lambda r: field(r, "output_t")["logicalTypeOptions"].update(maximum=999),
        "output_t",
    ),
    "another unit": (
        lambda r: field(r, "output_t")["customProperties"][0].update(value="kg"),
        "output_t",
    ),
    "another code list": (
        lambda r: field(r, "gas")["customProperties"][0].update(value="other"),
        "gas",
    ),
    "a header no longer accepted": (
        lambda r: field(r, "output_t")["customProperties"].pop(),
        "output_t",
    ),
    "another Chinese name, the old one forgotten": (
        lambda r: field(r, "gas").update(businessName="瓦斯"),
        "gas",
    ),
    "another history": (
        lambda r: r["customProperties"].append({"property": "history", "value": "bitemporal"}),
        None,
    ),
    "another correction": (lambda r: delivery(r).update(correction="append"), None),
    "a control file demanded": (lambda r: delivery(r).update(control_file="required"), None),
}
ADDITIVE: dict[str, Callable[[Raw], object]] = {
    "a field added": lambda r: add(r),
    "a value added to a list": lambda r: field(r, "status")["enum"].append({"value": "关闭"}),
    "a lower minimum": lambda r: field(r, "output_t")["logicalTypeOptions"].update(minimum=-1),
    "a bound dropped": lambda r: field(r, "output_t")["logicalTypeOptions"].pop("maximum"),
    "another scope where nothing is replaced": lambda r: delivery(r).update(
        replace_scope=["mine_id"]
    ),
    "another header accepted": lambda r: field(r, "output_t")["customProperties"][1][
        "value"
    ].append("当日产量"),
}
WORDS: dict[str, Callable[[Raw], object]] = {
    "a description": lambda r: field(r, "gas").update(description="New words."),
    "the steward": lambda r: r["customProperties"][2].update(value="another"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_needs_a_major_version(name: str) -> None:
    change, where = BREAKING[name]
    assert (Step.MAJOR, where) in changed(change)


@pytest.mark.parametrize("name", ADDITIVE)
def test_an_addition_needs_a_minor_version_only(name: str) -> None:
    assert {step for step, _ in changed(ADDITIVE[name])} == {Step.MINOR}


@pytest.mark.parametrize("name", WORDS)
def test_other_words_need_a_patch_only(name: str) -> None:
    assert [step for step, _ in changed(WORDS[name])] == [Step.PATCH]


def test_another_scope_breaks_a_feed_whose_files_replace_each_other() -> None:
    old, new = yaml.safe_load(FEED), yaml.safe_load(FEED)
    delivery(old).update(correction="replace", replace_scope=[])
    delivery(new).update(correction="replace", replace_scope=["mine_id"])
    assert [c.step for c in compare(old, new)] == [Step.MAJOR]


def test_nothing_changed_is_no_change_whatever_the_version_says() -> None:
    assert changed(lambda r: r.update(version="9.0.0")) == []


def test_the_wanted_version_follows_from_the_largest_change() -> None:
    old = yaml.safe_load(FEED)
    removed = yaml.safe_load(FEED)
    remove(removed, "gas")
    add(removed)
    assert needed_version("1.2.3", compare(old, removed)) == "2.0.0"
    assert version_parts("1.10.0") > version_parts("1.9.9")
