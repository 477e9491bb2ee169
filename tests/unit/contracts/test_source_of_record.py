"""数源清单: who is the source of an attribute on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.source_checks import check_source_of_record
from onesource.contracts.source_of_record import load_source_of_record, read_source_of_record
from onesource.errors import ContractError
from tests.unit.small_project import SmallProject

REAL = load_catalogue(Settings.from_environment({}).schemas, odcs=False)

LIST = """\
rules:
  - registry: registry.thing
    attributes: [name, size]
    valid_to: 2019-02-01
    owner: 11141100MB9X00015W
    providers:
      - {feeds: [energy.old]}
  - registry: registry.thing
    attributes: [name, size]
    valid_from: 2019-02-01
    due_days: 5
    providers:
      - {feeds: [energy.coal, energy.other]}
      - {feeds: [energy.third], fills_null: false, max_age_days: 30}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "source_of_record.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ContractError) as e:
        load_source_of_record(written(folder, text))
    return e.value.line()


def test_the_rule_of_the_day_is_found_with_its_providers_in_order(tmp_path: Path) -> None:
    listed = load_source_of_record(written(tmp_path, LIST))
    before = listed.attribute("registry.thing", "name", date(2019, 1, 31))
    after = listed.attribute("registry.thing", "name", date(2019, 2, 1))
    assert [p.feed for p in before.providers] == ["energy.old"]
    found = [(p.feed, p.rank, p.fills_null, p.max_age_days) for p in after.providers]
    assert found == [
        ("energy.coal", 1, True, None),
        ("energy.other", 1, True, None),
        ("energy.third", 2, False, 30),
    ]
    assert (before.due_days, after.due_days) == (10, 5)


def test_an_attribute_without_a_rule_is_an_error_that_names_it(tmp_path: Path) -> None:
    listed = load_source_of_record(written(tmp_path, LIST))
    with pytest.raises(ContractError, match=r"no rule names registry\.thing\.colour on 2020"):
        listed.attribute("registry.thing", "colour", date(2020, 1, 1))


def test_a_star_speaks_for_what_no_other_rule_names(tmp_path: Path) -> None:
    star = LIST + (
        "  - {registry: registry.thing, attributes: ['*'], owner: 11141100MB9X00015W,\n"
        "     providers: [{feeds: [energy.any]}]}\n"
    )
    listed = load_source_of_record(written(tmp_path, star))
    day = date(2020, 1, 1)
    assert listed.attribute("registry.thing", "colour", day).providers[0].feed == "energy.any"
    assert listed.attribute("registry.thing", "name", day).providers[0].feed == "energy.coal"


def test_two_rules_on_one_day_are_refused(tmp_path: Path) -> None:
    line = refused(tmp_path, LIST.replace("valid_to: 2019-02-01", "valid_to: 2019-03-01"))
    assert "source_of_record.yaml:8: registry.thing.name: two rules hold on 2019-02-01" in line


def test_a_day_without_a_rule_is_refused(tmp_path: Path) -> None:
    line = refused(tmp_path, LIST.replace("valid_to: 2019-02-01", "valid_to: 2019-01-01"))
    assert "no rule holds from 2019-01-01 to before 2019-02-01" in line


def test_a_last_rule_that_ends_is_refused(tmp_path: Path) -> None:
    line = refused(tmp_path, LIST.replace("due_days: 5", "valid_to: 2024-01-01"))
    assert "no rule holds from 2024-01-01 on" in line


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("[energy.old]", "[]", ":7: rules[0].providers[0].feeds: Tuple should have at least 1"),
        ("due_days: 5", "due_days: 0", ":11: rules[1].due_days: Input should be greater than"),
        ("fills_null: false", "fills: false", ":14: rules[1].providers[1].fills: Extra inputs"),
        ("energy.other]", "energy.coal]", ":13: rules[1].providers[0]: the feed energy.coal"),
        ("[name, size]", "[name, name]", ":3: rules[0].attributes[1]: name stands twice"),
        ("registry.thing", "silver.thing", ":2: rules[0].registry: String should match"),
        (
            "valid_to: 2019-02-01",
            "valid_to: 2019-02-31",
            ": is no valid YAML (day is out",
        ),
        ("rules:", "rule:", ":1: must be one list, `rules`"),
    ],
)
def test_an_error_names_file_line_and_field(tmp_path: Path, good: str, bad: str, said: str) -> None:
    assert said in refused(tmp_path, LIST.replace(good, bad, 1))


def test_all_errors_are_found_at_once(tmp_path: Path) -> None:
    text = LIST.replace("due_days: 5", "due_days: 0").replace("[energy.old]", "[]")
    assert len(read_source_of_record(written(tmp_path, text))[1]) == 2


def test_without_a_file_the_list_is_empty(tmp_path: Path) -> None:
    assert load_source_of_record(tmp_path / "none.yaml").rules == ()


def test_the_owner_is_the_provider_of_the_first_feed_unless_one_is_named(tmp_path: Path) -> None:
    project = SmallProject(tmp_path)
    written(project.settings.schemas, LIST)
    listed = load_catalogue(project.settings.schemas).source_of_record
    after = listed.attribute("registry.thing", "size", date(2020, 1, 1))
    assert after.owner_uscc == "11141100MB9X00015W"
    assert after.owner_name(date(2020, 1, 1)) == "新局"
    assert after.owner_name(date(2018, 1, 1)) == "旧局"
    assert after.owner_name(date(1990, 1, 1)) == "旧局"  # before it was founded: its first name


def test_the_digest_is_that_of_the_day(tmp_path: Path) -> None:
    listed = load_source_of_record(written(tmp_path, LIST))
    remarked = load_source_of_record(written(tmp_path, "# A remark.\n" + LIST))
    before, after = date(2019, 1, 31), date(2019, 2, 1)
    assert listed.digest(before) == remarked.digest(before)
    assert listed.digest(before) != listed.digest(after)
    assert listed.digest(after) == listed.digest(date(2024, 1, 1))
    other = load_source_of_record(written(tmp_path, LIST.replace("days: 30", "days: 31")))
    assert other.digest(before) == listed.digest(before)
    assert other.digest(after) != listed.digest(after)


def test_the_check_names_an_unknown_feed_attribute_and_owner() -> None:
    path = REAL.source_of_record.path
    assert path is not None
    day = date(2024, 1, 1)
    mine = [r for r in REAL.source_of_record.rules if r.registry == "registry.mine"]
    first = mine[0].providers[0]

    def found(**changed: object) -> list[str]:
        listed = REAL.source_of_record.model_copy(
            update={"rules": (mine[0].model_copy(update=changed),)}
        )
        catalogue = replace(REAL, source_of_record=listed)
        return [f.what for f in check_source_of_record(catalogue, day, whole=True)]

    assert found() == []
    assert found(attribute="nmae") == ["registry.mine has no attribute nmae"]
    other = first.model_copy(update={"feed": "energy.coal_mind"})
    assert found(providers=(other,)) == ["there is no feed energy.coal_mind"]
    assert "its check character does not fit" in found(owner_uscc="11141100MB9X0004XB")[0]
    assert "neither owner nor" in found(owner_uscc="")[0]
    after = found(owner_uscc="11141100MB9X00082T", valid_from=date(2024, 4, 1))
    assert after == []  # on 2024-01-01 that department was still there
    gone = found(registry="registry.nothing")
    assert gone == ["registry.nothing is no registry table, so its rules have no effect"]


def test_each_attribute_of_the_city_has_one_owner_today() -> None:
    for rule in REAL.source_of_record.rules:
        if rule.registry in REAL.tables:
            assert rule.owner_name(date(2024, 1, 1)).startswith("市")
