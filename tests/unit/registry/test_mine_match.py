"""Mines of one list and rights of another: likeness of names, distance."""

from __future__ import annotations

from typing import Any

from onesource.registry.land.mine_match import likeness, links


def mine(name: str, lon: float | None = 110.9, county: str = "141125000000") -> dict[str, Any]:
    return {"mine": name, "name_cn": name, "longitude": lon, "latitude": 37.4,
            "location_accuracy": "Exact", "county_code": county}  # fmt: skip


def right(number: str, name: str, lon: float | None = 110.905) -> dict[str, Any]:
    return {"right_no": number, "mine_name": name, "holder_name": None, "longitude": lon,
            "latitude": 37.4, "county_code": "141125000000"}  # fmt: skip


def test_a_name_without_place_and_legal_form_is_the_same() -> None:
    assert likeness("山西柳林大庄煤矿有限责任公司", "大庄煤矿") == 1.0


def test_two_numbered_pits_of_one_firm_are_two() -> None:
    assert likeness("样例煤业有限公司第一煤矿", "样例煤业有限公司第二煤矿") <= 0.3


def test_alike_and_near_is_a_match() -> None:
    (found,) = links([mine("柳林大庄煤矿")], [right("C1", "山西大庄煤业有限公司")])
    assert (found.right, found.rule) == ("C1", "name_near")
    assert found.distance_m is not None and 400 < found.distance_m < 500


def test_alike_but_three_kilometres_away_is_none() -> None:
    (found,) = links([mine("柳林大庄煤矿")], [right("C1", "大庄煤矿", 110.94)])
    assert (found.right, found.rule) == (None, "none")


def test_near_with_another_name_is_none() -> None:
    (found,) = links([mine("柳林大庄煤矿")], [right("C1", "同德焦煤")])
    assert found.right is None


def test_without_a_place_the_name_in_the_county_decides() -> None:
    (found,) = links([mine("柳林大庄煤矿", None)], [right("C1", "大庄煤矿")])
    assert (found.right, found.rule) == ("C1", "name_county")


def test_a_right_goes_to_one_mine_whatever_the_order() -> None:
    mines = [mine("柳林大庄煤矿"), mine("大庄煤矿二井", 110.91)]
    rights = [right("C1", "大庄煤矿"), right("C2", "大庄煤矿二井", 110.912)]
    assert links(mines, rights) == links(mines[::-1], rights[::-1])
    assert {x.mine: x.right for x in links(mines, rights)} == {
        "柳林大庄煤矿": "C1", "大庄煤矿二井": "C2"
    }  # fmt: skip
