"""What the curated energy tables say, on tiny tables that can be reckoned by hand.

All mines, stations and figures are made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from onesource.config import BEIJING, Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.curate.sqlfiles import load_sql, rewrite
from onesource.spark.local import local_rows
from tests.integration.breaking import typed

SETTINGS = Settings.from_environment({})
LIULIN = "141125000000"
USCC = "91141125MA9X0016XX"  # synthetic
# A mine of 1.2 Mt a year: 100,000 t a month.
CAPACITY = 1_200_000


@cache
def catalogue() -> Catalogue:
    return load_catalogue(SETTINGS.schemas, odcs=False)


def table(spark: SparkSession, name: str, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Rows of a contract's table; what is not given is null."""
    fields = {f.name: f.spark_type for f in catalogue().tables[name].fields}
    values = [tuple(typed(r.get(n), t) for n, t in fields.items()) for r in rows]
    return local_rows(spark, values, ", ".join(f"`{n}` {t}" for n, t in fields.items()))


def codelist(spark: SparkSession, name: str) -> DataFrame:
    rows = catalogue().codelists[name].rows
    extra = sorted({k for r in rows for k in r.extra})
    columns = ["code", "name", "parent", *extra, "valid_from", "valid_to"]
    values = [
        (r.code, r.name, r.parent, *(r.extra.get(k) for k in extra), r.valid_from, r.valid_to)
        for r in rows
    ]
    frame = local_rows(spark, values, ", ".join(f"`{c}` string" for c in columns))
    return frame.withColumns({c: F.col(c).cast("date") for c in ("valid_from", "valid_to")})


def select(spark: SparkSession, name: str, **inputs: DataFrame) -> list[Row]:
    """The rows that a curated table's SQL makes of these inputs (`silver_x` for `silver.x`)."""
    contract = catalogue().tables[f"curated.{name}"]
    sql = load_sql(SETTINGS.sql / contract.sector / f"{contract.name}.sql")
    views = {}
    for at, needed in enumerate(sql.inputs):
        layer, _, rest = needed.partition(".")
        frame = codelist(spark, rest) if layer == "codelist" else inputs[f"{layer}_{rest}"]
        views[needed] = f"_sql_test_{at}"
        frame.createOrReplaceTempView(views[needed])
    made = spark.sql(rewrite(sql, views))
    assert set(made.columns) == set(contract.field_names)
    return made.collect()


def days(
    month: str, outputs: Sequence[float], *, reported: str | None = None, **more: Any
) -> list[dict[str, Any]]:
    """The daily rows of one mine from the first of a month on."""
    year, number = map(int, month.split("-"))
    return [
        {
            "county_code": LIULIN,
            "report_date": date(year, number, day),
            "mine_uscc": USCC,
            "mine_name": "样例煤矿",
            "capacity_t_per_year": CAPACITY,
            "output_day_t": t,
            "output_month_t": sum(outputs[:day]),
            "reported_at": reported or datetime(year, number, day, 20, tzinfo=BEIJING),
            **more,
        }
        for day, t in enumerate(outputs, start=1)
    ]


def judged(spark: SparkSession, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Row]:
    daily = table(spark, "silver.energy_coal_daily", rows)
    made = select(spark, "energy_coal_overproduction", silver_energy_coal_daily=daily)
    return {(r["month"], r["rule"]): r for r in made}


def test_a_month_of_exactly_110_percent_of_its_plan_is_not_over(spark: SparkSession) -> None:
    exact = judged(spark, days("2023-03", [3_548] * 31, plan_month_t=Decimal("99989.09090")))
    over = judged(spark, days("2023-03", [110_000, 1], plan_month_t=100_000))
    at = judged(spark, days("2023-03", [110_000, 0], plan_month_t=100_000))
    assert at["2023-03", "month_over_plan"]["is_over"] is False
    assert over["2023-03", "month_over_plan"]["is_over"] is True
    assert exact["2023-03", "month_over_plan"]["output_t"] == 31 * 3_548
    assert ("2023-03", "month_without_plan") not in over


@pytest.mark.parametrize(
    ("month", "tonnes", "over"),
    [
        ("2015-06", 100_000, False),  # a twelfth of capacity, exactly
        ("2015-06", 100_001, True),
        ("2016-06", 84_000, False),  # 276 days: 84 % of a twelfth
        ("2016-06", 84_001, True),
        ("2016-12", 84_001, True),
        ("2017-01", 84_001, False),
    ],
)
def test_without_a_plan_the_limit_is_that_of_the_month_judged(
    spark: SparkSession, month: str, tonnes: int, over: bool
) -> None:
    made = judged(spark, days(month, [tonnes - 1_000, 1_000]))
    assert made[month, "month_without_plan"]["is_over"] is over


def test_major_hazards_are_judged_only_since_they_are_defined(spark: SparkSession) -> None:
    before = judged(spark, days("2015-11", [130_000]))
    after = judged(spark, days("2015-12", [130_000]))
    assert ("2015-11", "month_major_hazard") not in before
    assert after["2015-12", "month_major_hazard"]["is_over"] is True
    limit = judged(spark, days("2019-05", [120_000]))["2019-05", "month_major_hazard"]
    assert (limit["is_over"], limit["limit_t"]) == (False, Decimal("120000.000"))


def test_the_year_is_the_mines_own_sum_where_reports_begin_within_it(spark: SparkSession) -> None:
    late = days("2022-11", [1_000], output_year_t=1_320_001)
    made = judged(spark, late)
    assert made["2022-11", "year_major_hazard"]["is_over"] is True
    assert made["2022-11", "year_major_hazard"]["output_t"] == Decimal("1320001.000")
    sums = judged(spark, [*days("2022-01", [1_000_000]), *days("2022-02", [320_000])])
    assert sums["2022-02", "year_major_hazard"]["is_over"] is False
    assert sums["2022-02", "year_major_hazard"]["output_t"] == Decimal("1320000.000")


def test_a_month_with_days_unreported_is_the_mines_own_sum(spark: SparkSession) -> None:
    whole = days("2023-03", [4_000] * 31, plan_month_t=100_000)
    late = judged(spark, whole[20:])
    assert late["2023-03", "month_over_plan"]["output_t"] == Decimal("124000.000")
    assert late["2023-03", "month_over_plan"]["is_over"] is True
    assert late["2023-03", "month_over_plan"]["days_reported"] == 11
    # Where all days are there they hold: a correction re-states a day, not the sums behind it.
    whole[0]["output_day_t"] = 1_000
    complete = judged(spark, whole)
    assert complete["2023-03", "month_over_plan"]["output_t"] == Decimal("121000.000")


def test_a_month_counts_its_days_mines_doubts_and_late_corrections(spark: SparkSession) -> None:
    rows = [
        *days("2023-02", [3_000, 3_100, 40_000]),
        *days("2023-02", [2_000] * 28, mine_uscc="91141125MA9X0017XX", plan_month_t=60_000),
    ]
    rows[1]["reported_at"] = datetime(2023, 3, 3, 0, tzinfo=BEIJING)
    rows[0]["reported_at"] = datetime(2023, 3, 2, 23, 59, tzinfo=BEIJING)
    daily = table(spark, "silver.energy_coal_daily", rows)
    [row] = select(spark, "energy_coal_output_month", silver_energy_coal_daily=daily)
    assert (row["county_code"], row["county_name"], row["month"]) == ("141125", "柳林县", "2023-02")
    assert row["output_t"] == 46_100 + 56_000
    assert row["output_doubtful_t"] == 40_000  # above twice 1.2 Mt / 330
    assert row["output_cumulative_t"] == 46_100 + 56_000
    assert row["plan_t"] == 60_000
    assert (row["mines_count"], row["report_days"], row["mine_days"]) == (2, 28, 31)
    assert row["coverage"] == Decimal("0.553571")
    assert (row["doubtful_mine_days"], row["restated_mine_days"]) == (1, 1)


def test_a_county_without_a_mine_stands_with_nothing_and_a_mine_without_a_county_is_not_lost(
    spark: SparkSession,
) -> None:
    mines = table(
        spark,
        "registry.mine",
        [
            {"mine_id": "M1", "status": "Operating", "capacity_mtpa": "3", "county_code": LIULIN},
            {"mine_id": "M2", "status": "Operating", "capacity_mtpa": "1", "county_code": LIULIN,
             "gas_level": "突出矿井", "is_disputed": True},
            {"mine_id": "M2", "status": "Proposed", "capacity_mtpa": "5", "county_code": LIULIN},
            {"mine_id": "M3", "status": "Operating", "capacity_mtpa": "2"},
        ],
    )  # fmt: skip
    made = {
        r["county_code"]: r
        for r in select(spark, "energy_mine_capacity_county", registry_mine=mines)
    }
    assert len(made) == 14
    liulin = made["141125"]
    assert (liulin["operating_mines"], liulin["operating_capacity_mtpa"]) == (2, 4)
    assert liulin["largest_share"] == Decimal("0.750000")
    assert (liulin["proposed_mines"], liulin["gassy_mines"], liulin["disputed_mines"]) == (1, 1, 1)
    shilou = made["141126"]
    assert (shilou["operating_mines"], shilou["operating_capacity_mtpa"]) == (0, 0)
    assert made["unknown"]["operating_mines"] == 1


def test_a_stations_day_counts_what_was_reported_and_no_power_below_zero(
    spark: SparkSession,
) -> None:
    power = ["-0.2", "10", "20", "52"]
    rows = [
        {
            "station_id": "s1",
            "interval_start": datetime(2024, 1, 1, 10, 15 * i, tzinfo=BEIJING),
            "energy_kind": "pv",
            "capacity_mw": 50,
            "power_mw": p,
        }
        for i, p in enumerate(power)
    ]
    output = table(spark, "silver.energy_renewable_output", rows)
    [row] = select(spark, "energy_renewable_day", silver_energy_renewable_output=output)
    assert (row["energy_mwh"], row["peak_mw"]) == (Decimal("20.5000"), 52)
    assert row["full_load_hours"] == Decimal("0.4100")
    assert (row["points"], row["negative_points"], row["above_capacity_points"]) == (4, 1, 1)
    assert row["coverage"] == Decimal("0.041667")
