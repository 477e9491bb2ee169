"""Mines without a valid right, from tiny tables. All data are made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

from pyspark.sql import SparkSession

from onesource.contracts.load import load_catalogue
from onesource.registry.land import mine_link
from onesource.spark.local import local_rows

HOME = Path(__file__).parents[3]
PLACE = "longitude double, latitude double, county_code string"


def test_a_mine_that_works_on_an_expired_right_or_none_is_a_question(spark: SparkSession) -> None:
    county = "141125000000"
    mines = local_rows(
        spark,
        [
            ("M1", "Operating", "柳林大庄煤矿", "Exact", 110.90, 37.4, county),
            ("M2", "Operating", "柳林同德煤矿", "Exact", 110.80, 37.4, county),
            ("M3", "Operating", "柳林金家庄煤矿", "Exact", 110.70, 37.4, county),
            ("M4", "Closed", "柳林老窑煤矿", "Exact", 110.60, 37.4, county),
        ],
        f"mine_id string, status string, name_cn string, location_accuracy string, {PLACE}",
    )
    rights = local_rows(
        spark, [
            ("C1", "大庄煤业", None, date(2030, 1, 1), 110.901, 37.4, county),
            ("C2", "同德煤业", "O1", date(2023, 1, 1), 110.801, 37.4, county),
        ],
        f"right_no string, mine_name string, org_id string, right_to date, {PLACE}",
    ).selectExpr(
        "*", "'x' AS holder_name", "'u' AS holder_uscc", "DATE '2015-01-01' AS right_from",
        "CAST(NULL AS DATE) AS valid_to", "CAST(NULL AS TIMESTAMP) AS known_to",
    )  # fmt: skip
    catalogue = load_catalogue(HOME / "schemas", odcs=False)
    ctx = SimpleNamespace(catalogue=catalogue, day=date(2024, 2, 1))
    built = mine_link.build(spark, {"registry.mine": mines, "registry.mining_right": rights}, ctx)
    found = {r.mine_id: r for r in built[mine_link.TABLE].collect()}
    assert (found["M1"].right_no, found["M1"].has_valid_right) == ("C1", True)
    assert (found["M2"].right_no, found["M2"].org_id, found["M2"].has_valid_right) == (
        "C2", "O1", False
    )  # fmt: skip
    asked = {q.entity: q.value_b for q in built["conflicts"].collect()}
    assert asked == {"M2": "C2 2023-01-01", "M3": ""}
