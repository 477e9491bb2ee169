"""One address for all ways in which it is written, and its division by the day. All made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import DataFrame, SparkSession

from onesource.clean.geography.address import AddressReader
from onesource.clean.geography.standard import Standards, address_id
from onesource.clean.geography.written import written
from onesource.clean.standardisers.division import shipped_index
from onesource.config import Settings
from onesource.registry.address import tables
from onesource.registry.patch import Before, Patch
from onesource.spark.written import put

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
READER = AddressReader(shipped_index(SCHEMAS))
STANDARDS = Standards(READER.index)


def found(raw: str, county: str | None = None) -> tuple[str, str]:
    standard = STANDARDS.of(READER.read(written(raw).text, None, county))
    return address_id(standard), standard.text


@pytest.mark.parametrize(
    "other",
    [
        "临县碛口镇西湾村3幢2单元501",
        "碛口镇西湾村三号楼二单元501室",
        "山西省吕梁市临县碛口镇西湾村委会3号楼2单元501户",
        "山西省吕梁市　临县碛口镇西湾村３号楼２单元５０１室",
        "临县临县碛口镇西湾村3#楼2单元501室",
        "033200山西吕梁临县碛口镇西湾村3-2-501",
    ],
)
def test_the_ways_of_writing_one_address_have_one_identifier(other: str) -> None:
    first, text = found("山西省吕梁市临县碛口镇西湾村3号楼2单元501室")
    assert found(other) == (first, text)
    assert text == "山西省吕梁市临县碛口镇西湾村委会3号楼2单元501室"


@pytest.mark.parametrize(
    "other",
    [
        "临县碛口镇西湾村13号",
        "临县碛口镇西湾村12号附1号",
        "临县碛口镇西湾村12号楼",
        "临县碛口镇西湾村3组12号",
        "临县碛口镇样例村12号",
        "临县碛口镇12号",
        "临县碛口镇西湾村12号县医院",
        "兴县蔚汾镇12号",
    ],
)
def test_another_address_has_another_identifier(other: str) -> None:
    assert found(other)[0] != found("临县碛口镇西湾村12号")[0]


def test_the_name_before_and_after_a_merger_is_one_address() -> None:
    assert found("石楼县前山乡样例路12号") == found("石楼县辛关镇样例路12号")


def test_the_stretches_of_an_address_follow_one_another_and_change_the_code_only() -> None:
    spans = READER.through_time("石楼县前山乡12号")
    assert [s.address.division_code for s in spans] == ["141126202000", "141126104000"]
    assert [(s.valid_from, s.valid_to) for s in spans] == [
        (None, date(2020, 6, 30)),
        (date(2020, 6, 30), None),
    ]
    assert {s.address.division_now for s in spans} == {"141126104000"}
    for day in (date(1990, 1, 1), date(2020, 6, 29), date(2020, 6, 30), date(2030, 1, 1)):
        (held,) = [
            s.address
            for s in spans
            if (s.valid_from is None or s.valid_from <= day)
            and (s.valid_to is None or day < s.valid_to)
        ]
        assert held.division_code == READER.read("石楼县前山乡12号", day).division_code
    assert len(READER.through_time("河南省周口市样例路1号")) == 1


def test_the_tables_join_people_and_organisations_to_one_address(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "registry_index", lambda *_: READER.index)
    people = spark.createDataFrame(
        [
            ("P1", "山西省吕梁市临县碛口镇西湾村12号", "141124109207"),
            ("P2", "西湾村十二号", "141124109207"),
            ("P3", "山西省吕梁市临县碛口镇西湾村12号", "141124109207"),
            ("P4", "石楼县前山乡5号", "141126104000"),
            ("P5", "不详", None),
            ("P6", None, "141124109207"),
        ],
        "person_id string, address string, division_code string",
    )
    firms = spark.createDataFrame(
        [("O1", "临县碛口镇西湾村12号", "141124000000"), ("O2", "Room 5", None)],
        "org_id string, address string, county_code string",
    )
    inputs = {"registry.person_address_history": people, "registry.organisation": firms}
    rows = tables.build_written(spark, inputs, SimpleNamespace(settings=settings, before=None))
    made = rows[tables.WRITTEN]
    assert isinstance(made, DataFrame)
    ways = made.cache()
    by_text = {r.written: r for r in ways.where("valid_to IS NULL").collect()}
    assert len(by_text) == 6
    homes = {r.address_id for t, r in by_text.items() if "西湾" in t}
    assert len(homes) == 1
    assert by_text["不详"].address_id is None and by_text["不详"].verdict == "EMPTY"
    assert by_text["Room 5"].verdict == "FMT"
    assert ways.where("written LIKE '石楼%'").count() == 2
    table = tables.build(spark, {tables.WRITTEN: ways}, None)[tables.ADDRESS].collect()
    at = {r.address_id: r for r in table}
    (home,) = homes
    assert (at[home].ways_count, at[home].village, at[home].house_no) == (3, "西湾村委会", "12")
    assert (at[home].division_code, at[home].county_code) == ("141124109207", "141124000000")
    assert (at[home].match_level, float(at[home].match_score)) == (5, 1.0)
    assert len(table) == 2
    ways.unpersist()


def test_only_texts_that_are_new_are_read_and_the_table_is_as_if_all_had_been(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tables, "registry_index", lambda *_: READER.index)
    shape = "org_id string, address string, county_code string"
    source = "registry.organisation"
    last = spark.createDataFrame(
        [("O1", "临县碛口镇西湾村12号", "141124000000"), ("O2", "Room 5", None)], shape
    )
    now = spark.createDataFrame(
        [
            ("O1", "临县碛口镇西湾村12号", "141124000000"),
            ("O2", "石楼县前山乡5号", None),
            ("O3", "临县碛口镇西湾村12号", None),
        ],
        shape,
    )
    whole = SimpleNamespace(settings=settings, before=None)
    was = tables.build_written(spark, {source: last}, whole)[tables.WRITTEN]
    assert isinstance(was, DataFrame)
    was = put(spark, was, tmp_path / "was")
    before = Before(was, frozenset({source}))
    night = SimpleNamespace(settings=settings, before=before, scratch=tmp_path)
    patch = tables.build_written(spark, {source: now}, night)[tables.WRITTEN]
    assert isinstance(patch, Patch)
    assert {r.written for r in patch.rows.collect()} == {"石楼县前山乡5号", "临县碛口镇西湾村12号"}
    made = patch.rest(was).unionByName(patch.rows)
    every = tables.build_written(spark, {source: now}, whole)[tables.WRITTEN]
    assert isinstance(every, DataFrame)
    assert sorted(map(str, made.collect())) == sorted(map(str, every.collect()))
    # Where the divisions changed, every text may mean another place.
    moved = Before(was, frozenset({"registry.division"}))
    night = SimpleNamespace(settings=settings, before=moved, scratch=tmp_path)
    assert isinstance(tables.build_written(spark, {source: now}, night)[tables.WRITTEN], DataFrame)


def test_what_is_served_may_be_neither_people_nor_organisations(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "registry_index", lambda *_: READER.index)
    rows = tables.build_written(spark, {}, SimpleNamespace(settings=settings, before=None))
    made = rows[tables.WRITTEN]
    assert isinstance(made, DataFrame)
    assert made.count() == 0
