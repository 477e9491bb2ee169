"""Addresses read into levels, with the division valid on a day. All of them are made up."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from onesource.clean.geography.address import Address, AddressReader, county_of
from onesource.clean.geography.house import group, house, number
from onesource.clean.geography.written import written
from onesource.clean.standardisers import Use, standardise
from onesource.clean.standardisers.division import shipped_index
from tests.unit.clean.both_engines import answers, context

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
READER = AddressReader(shipped_index(SCHEMAS))
BEFORE, AFTER = date(2019, 1, 1), date(2023, 12, 1)


def read(raw: str, day: date | None = None, county: str | None = None) -> Address:
    cell = written(raw)
    assert cell.verdict == "OK", cell
    return READER.read(cell.text, day, county)


# raw → code of the division, level
PLACES = [
    # A street called like a county, and a county in front of it.
    ("离石区交口街道", "141102006000", 3),
    ("交口县水头镇", "141130100000", 3),
    ("吕梁市离石区交口街道交口村", "141102006", 4),
    # No county: the town is the only one of its name.
    ("山西省吕梁市兑镇偏店村", "141181100208", 4),
    ("孝义市兑镇镇偏店村", "141181100208", 4),
    ("碛口镇西湾村12号", "141124109207", 5),
    # What was written twice.
    ("山西省吕梁市山西省吕梁市临县碛口镇西湾村12号", "141124109207", 5),
    ("临县临县碛口镇", "141124109000", 3),
    ("兴县兴县蔚汾镇", "141123100000", 3),
    ("方山县方山县大武镇", "141128103000", 3),
    ("汾阳市汾阳市场12号", "141182000000", 5),  # not twice: a market
    ("山西省吕梁市山西吕梁临县碛口镇", "141124109000", 3),
    ("临县碛口镇碛口镇西湾村西湾村5号", "141124109207", 5),
    ("兴县兴县经济技术开发区", "141123400000", 3),  # not twice: its name
    # Width, blanks, marks between.
    ("临县　碛口镇 西湾村１２号", "141124109207", 5),
    ("山西省/吕梁市/临县/碛口镇", "141124109000", 3),
    ("033000 离石区滨河街道", "141102001000", 3),
    # Former and short names.
    ("吕梁地区离石市凤山路9号", "141102000000", 5),
    ("山西吕梁临县碛口镇", "141124109000", 3),
    ("离石区滨河街道办事处", "141102001000", 3),
    ("临县碛口镇西湾三组12号", "141124109207", 5),
    # Levels that are missing.
    ("吕梁市", "141100000000", 1),
    ("山西省", "140000000000", 1),
    ("离石区", "141102000000", 2),
    ("临县西湾村", "141124", 4),
    ("离石区永宁中路12号", "141102000000", 5),
    ("陕西省榆林市榆阳区青山路12号", "610802000000", 5),
    ("河南省周口市", "411600000000", 1),
    # Nothing of a division.
    ("永宁中路12号", None, 5),
    ("北京路12号", None, 5),
    ("太阳升起的地方", None, 0),
]


@pytest.mark.parametrize(("raw", "code", "level"), PLACES, ids=lambda x: str(x))
def test_an_address_is_read_from_the_largest_unit_down(
    raw: str, code: str | None, level: int
) -> None:
    found = read(raw)
    assert (found.division_code or "").startswith(code or ""), found
    assert (found.division_code is None, found.match_level) == (code is None, level), found
    assert 0 <= found.match_score <= 1


@pytest.mark.parametrize(
    ("raw", "before", "after"),
    [
        # 前山乡 went into 辛关镇 in 2020, 洪相乡 became 洪相镇 in 2021.
        ("石楼县前山乡", "141126202000", "141126104000"),
        ("交城县洪相乡12号", "141122200000", "141122106000"),
        ("交城县洪相镇12号", "141122200000", "141122106000"),
        ("汾阳市南薰街道办事处12号", "141182400000", "141182001000"),
        ("交城县东坡底乡", "141122202000", "141122202000"),
        ("临县碛口镇", "141124109000", "141124109000"),
    ],
)
def test_the_code_is_that_of_the_day_and_the_successor_stands_beside_it(
    raw: str, before: str, after: str
) -> None:
    then, now, latest = (read(raw, day) for day in (BEFORE, AFTER, None))
    assert (then.division_code, then.division_now) == (before, after)
    assert (now.division_code, now.division_now) == (after, after)
    assert latest.division_code == after


def test_a_village_of_a_town_that_was_merged_is_found_on_both_sides_of_the_merger() -> None:
    index = READER.index
    gone = [
        v
        for vs in index.versions.values()
        for v in vs
        if v.code.startswith("141126202") and v.level == "village" and v.holds_on(BEFORE)
    ]
    assert gone
    for village in gone:
        found = read(f"石楼县前山乡{village.name}3号", BEFORE)
        assert found.division_code == village.code
        assert found.division_now and found.division_now.startswith("141126104")


def test_a_day_before_the_register_begins_is_answered_from_its_first_state() -> None:
    assert read("石楼县前山乡", date(1999, 1, 1)).division_code == "141126202000"


def test_the_county_beside_an_address_finds_what_the_address_leaves_out() -> None:
    assert read("西湾村12号").division_code is None
    found = read("西湾村12号", county="141124")
    assert (found.division_code, found.village) == ("141124109207", "西湾村")
    assert read("西湾村12号", county="临县").division_code == "141124109207"
    bare = read("永宁中路12号", county="141102000000")
    assert (bare.division_code, bare.method) == ("141102000000", "county_beside")
    # A county that was 142331 until 1995.
    assert read("永宁中路12号", county="142331").division_code == "141102000000"
    assert bare.match_score < read("离石区永宁中路12号").match_score


def test_an_address_in_another_county_than_the_source_says_keeps_its_own_and_says_so() -> None:
    found = read("临县碛口镇西湾村", county="141102000000")
    assert found.division_code == "141124109207"
    assert "county_differs" in found.note
    assert found.match_score < read("临县碛口镇西湾村").match_score


def test_a_town_of_two_counties_is_known_by_its_village_or_the_county_beside_it() -> None:
    assert (read("三交镇12号").division_code, read("三交镇12号").verdict) == (
        "141100000000",
        "AMBIGUOUS",
    )
    assert county_of(read("三交镇12号", county="柳林县").division_code) == "141125000000"
    index = READER.index
    homes = {}
    for versions in index.versions.values():
        for v in versions:
            if v.code.startswith(("141124105", "141125105")) and v.level == "village":
                homes.setdefault(v.name, set()).add(v.code[:6])
    known = [n for n, counties in homes.items() if len(counties) == 1]
    assert len(known) > 20
    for name in known:
        found = read(f"三交镇{name}12号").division_code or ""
        assert found[:6] in homes[name], name


def test_a_village_or_town_in_no_register_is_read_by_its_word() -> None:
    found = read("临县碛口镇样例村12号")
    assert (found.town, found.village, found.division_code) == (
        "碛口镇",
        "样例村",
        "141124109000",
    )
    assert found.match_score == pytest.approx(0.9)
    assert read("临县磧口镇西湾村5号").division_code == "141124109207"  # misspelt: 碛口镇
    # One character away, but another word: a street.
    assert read("文水县凤城街12号").division_code == "141121000000"
    strange = read("临县样例镇12号")
    assert (strange.town, strange.division_code) == ("样例镇", "141124000000")


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("12号3号楼2单元501室", {"no": "12", "building": "3", "unit": "2", "room": "501"}),
        ("12号3幢二单元501", {"no": "12", "building": "3", "unit": "2", "room": "501"}),
        ("12号3栋2单元501户", {"no": "12", "building": "3", "unit": "2", "room": "501"}),
        ("3#楼2单元501", {"building": "3", "unit": "2", "room": "501"}),
        ("3-2-501", {"building": "3", "unit": "2", "room": "501"}),
        ("3号楼-2-501", {"building": "3", "unit": "2", "room": "501"}),
        ("A座1203室", {"building": "A", "room": "1203"}),
        ("永宁中路12号院", {"road": "永宁中路", "no": "12"}),
        ("永宁中路十二号", {"road": "永宁中路", "no": "12"}),
        ("永宁中路12-3号", {"road": "永宁中路", "no": "12-3"}),
        ("永宁中路12之3号", {"road": "永宁中路", "no": "12-3"}),
        ("12附1号", {"no": "12附1"}),
        ("12号附1号", {"no": "12附1"}),
        ("甲12号", {"no": "甲12"}),
        ("9号501室", {"no": "9", "room": "501"}),
        ("二道街5号", {"road": "二道街", "no": "5"}),
        ("新建路北二巷5号", {"road": "新建路北二巷", "no": "5"}),
        ("307国道12号", {"road": "307国道", "no": "12"}),
        ("龙山路样例小区3号楼", {"road": "龙山路样例小区", "building": "3"}),
        ("第三村民小组12号", {"village_group": "3组", "no": "12"}),
        ("3组12号", {"village_group": "3组", "no": "12"}),
        ("三队12号", {"village_group": "3组", "no": "12"}),
        ("第十二生产队", {"village_group": "12组"}),
        ("5号楼3层", {"building": "5", "room": "3层"}),
        ("县医院", {"rest": "县医院"}),
        ("501", {"rest": "501"}),
        ("一百二十三号", {"no": "123"}),
    ],
)
def test_what_stands_behind_the_village_is_read_by_its_form(
    raw: str, parts: dict[str, str]
) -> None:
    found = house(raw)
    plain = {"village_group": group(found.village_group) if found.village_group else ""}
    plain |= {k: number(getattr(found, k)) for k in ("no", "building", "unit", "room")}
    plain |= {"road": found.road, "rest": found.rest}
    assert {k: v for k, v in plain.items() if v} == parts


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (None, "EMPTY"),
        ("", "EMPTY"),
        ("　", "EMPTY"),
        ("不详", "EMPTY"),
        ("—", "EMPTY"),
        ("123", "FMT"),
        ("Room 501, Building 3, Lishi", "FMT"),
        ("县" * 5000, "FMT"),
        ("离石区\x00滨河街道", "FMT"),
        ("离石区??路", "LOST_CHARACTER"),
        ("离石区\ufffd路", "LOST_CHARACTER"),
        ("测试地址", "SUSPECT"),
        ("离石区滨河街道", "OK"),
    ],
)
def test_what_is_no_address_says_why(raw: str | None, verdict: str) -> None:
    assert written(raw).verdict == verdict
    assert answers("address", [raw])[0][1] == verdict


NAMES = "山西省 吕梁市 吕梁 临县 离石区 交口县 交口街道 碛口镇 西湾村 前山乡 永宁中路"
PARTS = "一 二 12 号 楼 单元 501 室 组 - , 村 镇 街 a 县 市 场 小区 甲"
PIECES = st.sampled_from(f"{NAMES} {PARTS}".split())


@given(st.lists(PIECES, min_size=1, max_size=12).map("".join), st.sampled_from([None, "141124"]))
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange_and_no_character_is_read_twice(
    raw: str, county: str | None
) -> None:
    cell = written(raw)
    if cell.verdict != "OK":
        return
    found = READER.read(cell.text, BEFORE, county)
    assert 0 <= found.match_level <= 5 and 0 <= found.match_score <= 1
    told = sum(map(len, (found.postal, *found[1:6], *found.house)))
    assert told <= len(cell.text)
    assert found == READER.read(cell.text, BEFORE, county)
    if found.division_code:
        assert READER.index.on(found.division_code, BEFORE) or found.division_code[:4] != "1411"


def test_the_longest_text_is_read_at_once() -> None:
    started = time.process_time()
    for piece in ("一", "村", "1", "号", "1-", "街道", "临县", "12号楼"):
        read(("临县" + piece * 300)[:300])
    assert time.process_time() - started < 2


def test_the_standardiser_takes_day_and_county_from_the_row(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        [("石楼县前山乡", "2019-01-01", None), ("西湾村12号", None, "141124")],
        "address string, day string, county string",
    )
    uses = [
        Use("address", "out", "address", {"date": "$day_read", "county": "$county_read"}),
        Use("day", "day_read", "date"),
        Use("county", "county_read", "text"),
    ]
    first, second = (r.out.detail for r in standardise(frame, uses, context()).collect())
    assert "division=141126202000" in first and "division_now=141126104000" in first
    assert "division=141124109207" in second


def test_the_county_of_a_code() -> None:
    assert county_of("141124109207") == "141124000000"
    assert county_of("141100000000") is None
    assert county_of(None) is None
