"""Names beside the same number."""

from __future__ import annotations

import pytest

from onesource.registry.person.names import clusters, compatible, illegible


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("王小明", "王小明"),
        ("张国华", "張國華"),
        ("买买提·吐尔逊", "买买提吐尔逊"),
        ("王䶮", "王?"),
        ("王明", "??"),
        ("王小明", "王*明"),
        ("王小明", "王小名"),
        ("王明", "王小明"),
        ("王小明", "WANG XIAOMING"),
        ("阿卜杜热西提·阿卜杜拉", "阿卜杜热西提·阿"),
    ],
)
def test_what_typing_and_exporting_do_to_a_name_is_the_same_person(a: str, b: str) -> None:
    assert compatible(a, b)
    assert compatible(b, a)


@pytest.mark.parametrize(
    ("a", "b"), [("王小明", "李建国"), ("王小明", "王建国"), ("王小明", "张小明")]
)
def test_another_name_is_another_person(a: str, b: str) -> None:
    assert not compatible(a, b)


def test_a_damaged_name_is_no_contradiction_but_a_typed_one_is() -> None:
    assert illegible("王䶮", "王?")
    assert illegible("王小明", "WANG XIAOMING")
    assert not illegible("王小明", "王小名")


def test_a_renaming_joins_what_stands_on_either_side_of_it() -> None:
    # The register knows both names; insurance has the old one, school the new one.
    assert clusters([["王小明", "李建国"], ["王小明"], ["李建国"]]) == [0, 0, 0]
    assert clusters([["王小明"], ["李建国"], ["王小名"]]) == [0, 1, 0]


def test_who_belongs_together_does_not_depend_on_who_comes_first() -> None:
    assert clusters([["李建国"], ["王小名"], ["王小明"]]) == [0, 1, 1]


def test_two_registrations_with_names_that_nearly_agree_are_two_people() -> None:
    both = [["张辉"], ["张瑞"], ["张辉"], ["张瑞"]]
    assert clusters(both, [True, True, False, False]) == [0, 1, 0, 1]
    assert clusters([["张辉"], ["张瑞"]], [True, False]) == [0, 0], "a slip of the pen"
    assert clusters([["張國華"], ["张国华"]], [True, True]) == [0, 0], "written alike"


def test_who_gives_no_name_joins_one_and_makes_no_two_of_them_one() -> None:
    assert clusters([["杜玉梅"], [], ["严志䘵"]], [True, False, False]) == [0, 0, 1]
    # A registration without a name is the person who has no other one.
    assert clusters([["杜玉梅"], [], ["严志䘵"]], [True, True, False]) == [0, 1, 1]
    assert clusters([["杜玉梅"], ["??"], ["YAN ZHILU"], ["严志䘵"]]) == [0, 0, 0, 1]
    assert clusters([[], []]) == [0, 0]
    assert clusters([["张?"], ["李建国"]]) == [0, 1]
