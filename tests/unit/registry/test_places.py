"""The county of a mine and of a power plant, from hints that agree or do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from pyspark.sql import DataFrame, SparkSession

from onesource.config import Settings
from onesource.registry import mine, power_plant
from onesource.registry.places import county_in_name, name_heads, registry_index
from onesource.spark.local import local_rows

LISHI, LIULIN, JIAOKOU, XIAOYI = "141102000000", "141125000000", "141130000000", "141181000000"
NAMES = {
    "141100000000": "吕梁市",
    LISHI: "离石区",
    LIULIN: "柳林县",
    JIAOKOU: "交口县",
    XIAOYI: "孝义市",
    "141102006000": "交口街道",
    "141181100000": "兑镇镇",
}
HEADS = {
    "山西": "140000000000",
    "吕梁": "141100000000",
    "离石": LISHI,
    "柳林": LIULIN,
    "交口县": JIAOKOU,
    "交口": JIAOKOU,
}


@pytest.mark.parametrize(
    ("name", "county"),
    [
        ("山西柳林大庄煤矿有限责任公司", LIULIN),
        ("山西吕梁离石交口煤业有限公司", LISHI),
        ("交口县旺庄煤矿", JIAOKOU),
        ("山西宏盛安泰煤业有限公司", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_tells_the_county_with_which_it_begins(name: str | None, county: str | None) -> None:
    assert county_in_name(HEADS, name) == county


@pytest.fixture(scope="module")
def divisions(spark: SparkSession) -> dict[str, DataFrame]:
    rows = [(code, name, date(2023, 6, 30), None, None) for code, name in NAMES.items()]
    schema = "code string, name string, valid_from date, valid_to date, known_to timestamp"
    steps = (
        "event string, old_code string, new_code string, weight double, method string, "
        "confidence double, snapshot_after date"
    )
    return {
        "registry.division": local_rows(spark, rows, schema),
        "registry.division_successor": local_rows(spark, [], steps),
    }


@pytest.fixture
def boundary(spark: SparkSession) -> Iterator[DataFrame]:
    """离石 and 柳林 as two squares side by side; the others have none."""
    rows = [
        (LISHI, "county", True, True, shapely.to_wkt(shapely.box(111.1, 37.0, 111.2, 37.1))),
        (LIULIN, "county", True, True, shapely.to_wkt(shapely.box(111.0, 37.0, 111.1, 37.1))),
    ]
    yield local_rows(
        spark,
        rows,
        "code string, level string, is_primary boolean, is_valid boolean, geometry string",
    )


MINE = (
    "mine_id string, status string, name_cn string, name_en string, name_aka string, "
    "capacity_mtpa decimal(20,6), mine_type string, gas_level string, longitude decimal(20,6), "
    "latitude decimal(20,6), location_accuracy string, address_cn string"
)


def a_mine(
    spark: SparkSession, lon: float | None, address: str, name: str = "", accuracy: str = "Exact"
) -> DataFrame:
    row = (
        "M1",
        "Operating",
        name,
        "",
        "",
        1,
        "",
        "",
        lon,
        37.05 if lon else None,
        accuracy,
        address,
    )
    schema = MINE.replace("decimal(20,6)", "double").replace(
        "capacity_mtpa double", "capacity_mtpa int"
    )
    return local_rows(spark, [row], schema)


def found(
    spark: SparkSession, settings: Settings, inputs: dict[str, DataFrame]
) -> tuple[Any, list[Any]]:
    tables = mine.build(spark, inputs, SimpleNamespace(settings=settings))
    (row,) = tables[mine.TABLE].collect()
    return row, tables["conflicts"].collect()


def test_point_address_and_name_that_agree_are_no_question(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    mines = a_mine(spark, 111.05, "山西省吕梁市柳林县王家沟乡", "山西柳林大庄煤矿")
    inputs = {**divisions, "silver.energy_coal_mine": mines, "registry.boundary": boundary}
    row, questions = found(spark, settings, inputs)
    assert (row["county_code"], row["county_method"]) == (LIULIN, "point")
    assert row["county_by_address"] == row["county_by_name"] == LIULIN
    assert not row["is_disputed"]
    assert row["is_within_tolerance"] is None
    assert questions == []


def test_an_address_in_another_county_is_asked_about(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    mines = a_mine(spark, 111.05, "山西省吕梁市离石区交口街道贺家塔村")
    inputs = {**divisions, "silver.energy_coal_mine": mines, "registry.boundary": boundary}
    row, (question,) = found(spark, settings, inputs)
    assert row["county_code"] == LIULIN
    assert row["county_by_address"] == LISHI  # and not 交口县
    assert row["is_disputed"]
    assert not row["is_within_tolerance"]
    assert (question["value_a"], question["source_a"]) == (LIULIN, "point")
    assert (question["value_b"], question["source_b"]) == (LISHI, "address")
    assert question["entity"] == "M1"
    assert "M1" in question["detail_zh"]


def test_hints_that_name_the_same_other_county_are_one_question(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    mines = a_mine(spark, 111.05, "山西省吕梁市离石区", "山西吕梁离石西山煤业")
    inputs = {**divisions, "silver.energy_coal_mine": mines, "registry.boundary": boundary}
    _, (question,) = found(spark, settings, inputs)
    assert question["source_b"] == "address,name"
    assert "地址、名称" in question["detail_zh"]


def test_a_point_within_500_metres_of_the_stated_county_says_so_in_the_question(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    mines = a_mine(spark, 111.098, "山西省吕梁市离石区")  # some 180 m west of the border
    inputs = {**divisions, "silver.energy_coal_mine": mines, "registry.boundary": boundary}
    row, (question,) = found(spark, settings, inputs)
    assert row["county_code"] == LIULIN
    assert row["is_disputed"]
    assert row["is_within_tolerance"]
    assert "500 m" in question["detail_en"]


def test_an_approximate_point_gives_way_to_the_address(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    mines = a_mine(spark, 111.05, "山西省吕梁市离石区", accuracy="Approximate")
    inputs = {**divisions, "silver.energy_coal_mine": mines, "registry.boundary": boundary}
    row, (question,) = found(spark, settings, inputs)
    assert (row["county_code"], row["county_method"]) == (LISHI, "address")
    assert (question["source_a"], question["source_b"]) == ("address", "point")


def test_an_address_without_its_county_is_read_by_its_town(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame]
) -> None:
    mines = a_mine(spark, None, "山西省吕梁市兑镇偏店村")
    row, _ = found(spark, settings, {**divisions, "silver.energy_coal_mine": mines})
    assert (row["county_code"], row["county_method"]) == (XIAOYI, "address")


def test_without_boundaries_the_point_says_so(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame]
) -> None:
    mines = a_mine(spark, 111.05, "山西省吕梁市柳林县")
    row, _ = found(spark, settings, {**divisions, "silver.energy_coal_mine": mines})
    assert row["county_by_point"] is None
    assert row["point_method"] == "no_boundary"
    assert row["county_code"] == LIULIN


def test_the_index_knows_provinces_from_the_code_list(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame]
) -> None:
    index = registry_index(divisions, SimpleNamespace(settings=settings))
    heads = name_heads(index)
    assert heads["山西"] == "140000000000"
    assert heads["柳林"] == LIULIN
    assert "河北" not in heads


def test_a_double_plant_keeps_its_row_and_is_asked_about(
    spark: SparkSession, settings: Settings, divisions: dict[str, DataFrame], boundary: DataFrame
) -> None:
    rows = [
        ("p1", "Liulin Liansheng power station", 2000, 2008, 111.05, "Tracker", "141125"),
        ("p2", "Liulin 1 Coal", 1400, 1995, 111.06, "About", "141125"),
        ("p3", "Lishi power station", 100, 2007, 111.15, "Tracker", "离石区"),
    ]
    plants = local_rows(
        spark,
        rows,
        "plant_id string, plant_name string, capacity_mw int, commissioned_year int, "
        "longitude double, source string, county_code_claimed string",
    ).selectExpr(
        "*",
        "'Coal' AS fuel",
        "37.05D AS latitude",
        "NULL AS county_name_claimed",
        "IF(plant_id = 'p3', 'B', 'A Energy') AS owner",
        "'Xuecun' AS location",
    )
    inputs = {**divisions, "silver.energy_power_plant": plants, "registry.boundary": boundary}
    tables = power_plant.build(spark, inputs, SimpleNamespace(settings=settings))
    table = {r["plant_id"]: r for r in tables[power_plant.TABLE].collect()}
    assert len(table) == 3
    assert table["p2"]["duplicate_of"] == "p1"
    assert table["p1"]["duplicate_of"] is None
    assert table["p3"]["county_by_claim"] == table["p3"]["county_by_point"] == LISHI
    (question,) = tables["conflicts"].collect()
    assert (question["attribute"], question["entity"]) == ("duplicate_of", "p2")
