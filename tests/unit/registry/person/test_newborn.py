"""Whose child a certificate without a number names."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from onesource.contracts.model import Catalogue
from onesource.registry.person.newborn import unnamed_twins
from tests.unit.registry.person.test_build import (
    build,
    catalogue,  # noqa: F401
    resident,
)

MOTHER, FATHER, CHILD = "142325199001010029", "142325198801010016", "142325202402010019"
STRANGER = "14232519910101002X"


def test_a_child_without_a_name_is_nobodys_where_there_are_twins() -> None:
    rows = {
        "row_id": ["a", "b", "c", "d"],
        "name": [None, "王一", None, None],
        "mother_id_no": [MOTHER, MOTHER, STRANGER, None],
        "birth_date": ["2024-02-01"] * 4,
        "birth_order": [1, 2, 1, 1],
    }
    assert unnamed_twins(pa.table(rows)) == {"a"}


@pytest.mark.parametrize(("mother", "found"), [(MOTHER, True), (STRANGER, False)])
def test_a_certificate_finds_the_child_in_the_household_of_the_mother_it_names(
    spark: SparkSession,
    catalogue: Catalogue,  # noqa: F811
    mother: str,
    found: bool,
) -> None:
    home: dict[str, Any] = {"household_no": "H9", "county_code": "141123000000"}
    made = build(
        spark,
        catalogue,
        resident=[
            resident("1", "王大明", FATHER, sex="1", birth_date="1988-01-01", **home),
            resident("2", "李娟", MOTHER, sex="2", birth_date="1990-01-01", **home),
            resident("3", "王一", CHILD, "2024-03-31", sex="1", birth_date="2024-02-01", **home),
            resident("4", "赵敏", STRANGER, sex="2", birth_date="1991-01-01"),
        ],
        birth_certificate=[
            {"certificate_no": "R1", "sex": "1", "birth_date": "2024-02-01", "birth_order": 1,
             "mother_id_no": mother, "on": "2024-02-04"}
        ],
    )  # fmt: skip
    (said,) = made.source.where("source = 'base.birth_certificate'").collect()
    (child,) = made.person.where(f"id_no = '{CHILD}'").select("person_id").distinct().collect()
    assert (said["person_id"] == child["person_id"]) is found
