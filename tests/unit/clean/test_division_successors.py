"""What became of a division: each rule on two snapshots of a few units."""

from __future__ import annotations

from datetime import date

from onesource.clean.geography.history import Holding, state
from onesource.clean.geography.successors import Event, compare

BEFORE, AFTER = date(2020, 6, 30), date(2021, 10, 31)
COUNTY = {"141122000000": "交城县"}


def snapshot(**units: str) -> Holding:
    """`t201="岭底乡"` is the town 141122201000, `v201001="甲村委会"` a village of it."""
    names = dict(COUNTY)
    for key, name in units.items():
        names[f"141122{key[1:]}".ljust(12, "0")] = name
    return {code: state(name, "-") for code, name in names.items()}


def events(before: Holding, after: Holding) -> list[Event]:
    return compare(before, after, BEFORE, AFTER)


def edges(found: list[Event], level: str = "village") -> set[tuple[str, str | None, str | None]]:
    def short(code: str | None) -> str | None:
        return code[6:] if code else None

    return {(e.event, short(e.old_code), short(e.new_code)) for e in found if e.level == level}


def test_equal_snapshots_have_no_events() -> None:
    same = snapshot(t200="洪相乡", v200201="甲村委会")
    assert events(same, same) == []


def test_a_town_upgraded_to_another_code_is_recoded_with_its_villages() -> None:
    found = events(
        snapshot(t200="洪相乡", v200201="甲村委会", v200202="乙村委会"),
        snapshot(t106="洪相镇", v106201="甲村委会", v106202="乙村委会"),
    )
    assert edges(found, "town") == {("recode", "200000", "106000")}
    assert edges(found) == {("recode", "200201", "106201"), ("recode", "200202", "106202")}


def test_a_town_is_merged_where_most_of_its_villages_reappear_and_split_for_the_rest() -> None:
    found = events(
        snapshot(
            t201="岭底乡",
            t100="天宁镇",
            t103="水峪贯镇",
            v100001="东社区居委会",
            v201201="甲村委会",
            v201202="乙村委会",
            v201203="丙村委会",
            v201204="丁村委会",
        ),
        snapshot(
            t100="天宁镇",
            t103="水峪贯镇",
            v100001="东社区居委会",
            v100211="甲村委会",
            v100212="乙村委会",
            v103211="丙村委会",
        ),
    )
    towns = {e.new_name: e for e in found if e.level == "town"}
    assert towns["天宁镇"].event == "merge"
    assert towns["天宁镇"].method == "merge (inferred)"
    assert towns["天宁镇"].evidence == "2 of 3 villages found again stand there"
    assert towns["天宁镇"].weight == 0.666667
    assert towns["天宁镇"].confidence == 0.5  # two of the four villages there were
    assert towns["水峪贯镇"].event == "split"
    assert sum(e.weight or 0 for e in towns.values()) == 1.0
    assert ("abolished", "201204", None) in edges(found)


def test_a_town_whose_villages_vanish_is_abolished() -> None:
    found = events(snapshot(t201="岭底乡", v201201="甲村委会"), snapshot())
    assert edges(found, "town") == {("abolished", "201000", None)}


def test_a_new_town_made_of_villages_of_one_that_goes_on_is_a_split() -> None:
    found = events(
        snapshot(t100="天宁镇", v100201="甲村委会", v100202="乙村委会"),
        snapshot(t100="天宁镇", t400="开发区", v100201="甲村委会", v400202="乙村委会"),
    )
    assert edges(found, "town") == {("split", "100000", "400000")}
    assert next(e.weight for e in found if e.level == "town") == 0.5


def test_a_new_town_of_unknown_villages_is_created() -> None:
    found = events(snapshot(), snapshot(t400="开发区", v400001="甲社区居委会"))
    assert edges(found, "town") == {("created", None, "400000")}


def test_another_word_for_the_committee_is_a_rename_without_doubt() -> None:
    found = events(
        snapshot(t100="天宁镇", v100201="上村委会"), snapshot(t100="天宁镇", v100201="上村村委会")
    )
    assert [(e.event, e.confidence) for e in found] == [("rename", 1.0)]


def test_a_renumbered_street_is_recoded_not_renamed() -> None:
    found = events(
        snapshot(t001="滨河街道", v001001="永东社区居委会", v001002="城中社区居委会"),
        snapshot(t001="滨河街道", v001001="城中社区居委会", v001002="前瓦社区居委会"),
    )
    assert edges(found) == {
        ("abolished", "001001", None),
        ("recode", "001002", "001001"),
        ("created", None, "001002"),
    }
    assert all(e.code_reused for e in found)


def test_a_village_and_its_community_become_one() -> None:
    found = events(
        snapshot(t001="莲花池街道", v001001="段家坪社区居委会", v001204="段家坪村村委会"),
        snapshot(t001="莲花池街道", v001010="段家坪社区居委会"),
    )
    assert edges(found) == {("merge", "001001", "001010"), ("merge", "001204", "001010")}


def test_a_name_that_stands_twice_in_the_county_goes_to_the_town_that_took_its_own() -> None:
    found = events(
        snapshot(
            t201="甲乡",
            t202="乙乡",
            v201201="杜家沟村委会",
            v202201="杜家沟村委会",
            v201202="子村委会",
            v202202="丑村委会",
        ),
        snapshot(
            t101="甲镇",
            t102="乙镇",
            v101205="杜家沟村委会",
            v102206="杜家沟村委会",
            v101202="子村委会",
            v102202="丑村委会",
        ),
    )
    assert ("recode", "201201", "101205") in edges(found)
    assert ("recode", "202201", "102206") in edges(found)


def test_a_code_reused_in_another_town_is_not_taken_for_a_move() -> None:
    found = events(
        snapshot(t100="甲镇", t200="乙乡", v100201="李家沟村委会", v200201="后李家沟村委会"),
        snapshot(t100="甲镇", t200="乙乡", v100201="复兴村委会", v200201="李家沟村委会"),
    )
    assert edges(found) == {("rename", "100201", "100201"), ("rename", "200201", "200201")}


def test_a_county_that_became_a_city_keeps_its_towns_and_villages() -> None:
    def county(code: str, name: str) -> Holding:
        names = {f"{code}000000": name, f"{code}100000": "甲镇", f"{code}100201": "子村委会"}
        return {c: state(n, "-") for c, n in names.items()}

    found = events(county("141125", "柳林县"), county("141183", "柳林市"))
    assert {(e.level, e.event) for e in found} == {
        ("county", "recode"),
        ("town", "recode"),
        ("village", "recode"),
    }
