"""`registry.division` and `registry.division_successor` built from a silver table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from pyspark.sql import DataFrame, SparkSession

from onesource.clean.geography.history import Statement
from onesource.registry import division, division_successor
from onesource.registry.snapshots import Spoken, speakers
from onesource.spark.local import local_rows

SILVER = (
    "as_of date, code string, name string, parent_code string, _delivery_id string, "
    "_statement_at timestamp, _received_at timestamp"
)
Y2018, Y2019, Y2020 = date(2018, 10, 31), date(2019, 10, 31), date(2020, 6, 30)
CITY, COUNTY = "141100000000", "141126000000"
OLD, NEW, SPLIT = "141126202000", "141126104000", "141126203000"


def hour(n: int) -> datetime:
    return datetime(2024, 1, 1, n, tzinfo=UTC)


def snapshot(day: date, received: int, towns: dict[str, str]) -> list[tuple[object, ...]]:
    """A delivery: the city, one county, the towns, and two villages in each town."""
    units = {CITY: ("吕梁市", "140000000000"), COUNTY: ("石楼县", CITY)}
    for code, name in towns.items():
        units[code] = (name, COUNTY)
        for n, village in ((200, "前山村委会"), (201, "张家河村委会")):
            units[f"{code[:9]}{n}"] = (village, code)
    said = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [
        (day, code, name, parent, f"d{day:%Y}", said, hour(received))
        for code, (name, parent) in units.items()
    ]


@pytest.fixture(scope="module")
def silver(spark: SparkSession) -> DataFrame:
    rows = snapshot(Y2018, 1, {OLD: "前山乡"})
    rows += snapshot(Y2020, 2, {NEW: "辛关镇"})
    rows += snapshot(Y2019, 3, {OLD: "前山乡"})  # arrives last, lies in between
    return local_rows(spark, rows, SILVER)


def built(spark: SparkSession, silver: DataFrame, module: object) -> DataFrame:
    tables = module.build(spark, {"silver.base_division": silver}, SimpleNamespace())  # type: ignore[attr-defined]
    return tables[module.TABLE]  # type: ignore[attr-defined,no-any-return]


def test_the_town_holds_until_the_first_snapshot_without_it(
    spark: SparkSession, silver: DataFrame
) -> None:
    table = built(spark, silver, division).where("known_to IS NULL")
    (old,) = table.where(f"code = '{OLD}'").collect()
    (new,) = table.where(f"code = '{NEW}'").collect()
    assert (old["valid_from"], old["valid_to"]) == (Y2018, Y2020)
    assert old["valid_from_earliest"] is None
    assert (new["valid_from"], new["valid_from_earliest"]) == (Y2020, date(2019, 11, 1))
    assert (new["scheme"], new["level"], new["valid_to"]) == ("stat", "town", None)


def test_what_was_believed_before_the_late_snapshot_is_kept(
    spark: SparkSession, silver: DataFrame
) -> None:
    rows = built(spark, silver, division).where(f"code = '{NEW}'").collect()
    before, now = sorted(rows, key=lambda r: r["known_from"])
    assert before["valid_from_earliest"] == date(2018, 11, 1)
    assert before["known_to"] == now["known_from"]
    assert now["valid_from_earliest"] == date(2019, 11, 1)


def test_the_key_is_unique_and_columns_stand_as_the_contract_says(
    spark: SparkSession, silver: DataFrame
) -> None:
    table = built(spark, silver, division)
    key = ["scheme", "code", "valid_from", "known_from"]
    assert table.count() == table.select(*key).distinct().count()
    assert table.columns[:10] == [
        *("scheme", "code", "name", "level", "parent_code"),
        *("valid_from", "valid_to", "valid_from_earliest", "known_from", "known_to"),
    ]


def test_the_successor_of_the_town_is_found_from_its_villages(
    spark: SparkSession, silver: DataFrame
) -> None:
    (edge,) = built(spark, silver, division_successor).where("level = 'town'").collect()
    assert (edge["event"], edge["old_code"], edge["new_code"]) == ("merge", OLD, NEW)
    assert edge["method"] == "merge (inferred)"
    assert (edge["snapshot_before"], edge["snapshot_after"]) == (Y2019, Y2020)
    assert float(edge["weight"]) == 1.0


def test_rows_that_no_reader_sees_are_passed_over(spark: SparkSession, silver: DataFrame) -> None:
    hidden = silver.selectExpr("*", "'deleted' AS _state")
    shown = silver.selectExpr("*", "CAST(NULL AS STRING) AS _state")
    table = built(spark, shown.unionByName(hidden.where("name = 'nobody'")), division)
    assert table.count() == built(spark, silver, division).count()


# Which prefectures a snapshot speaks for.
FIRST = Statement(Y2018, hour(1), hour(1), "a")
SECOND = Statement(Y2019, hour(2), hour(2), "b")


def test_a_snapshot_of_one_prefecture_says_nothing_of_another() -> None:
    found = speakers([Spoken(FIRST, "1411"), Spoken(SECOND, "1401")])
    assert found == {"1411": [FIRST], "1401": [SECOND]}


def test_a_snapshot_of_the_province_speaks_for_a_prefecture_that_is_gone() -> None:
    spoken = [Spoken(FIRST, "3700"), Spoken(FIRST, "3712"), Spoken(SECOND, "3700")]
    assert speakers(spoken)["3712"] == [FIRST, SECOND]
