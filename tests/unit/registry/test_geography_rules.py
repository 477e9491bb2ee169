"""Each rule of the geography tables passes on a sound sample and fails on one broken in its way,
and no other rule fails with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.quality.gate import run_gate
from onesource.quality.load import file_rules
from onesource.spark.local import local_rows

HOME = Path(__file__).resolve().parents[3]
CITY = "141100000000"
COUNTIES = [f"1411{n}000000" for n in ("02", *range(21, 31), 81, 82)]
TOWN, VILLAGE = "141102100000", "141102100201"
KNOWN = datetime(2024, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


@cache
def catalogue() -> Catalogue:
    return load_catalogue(HOME / "schemas", odcs=False)


def failing(
    spark: SparkSession, table: str, rows: list[Row], others: Mapping[str, list[Row]] | None = None
) -> set[str]:
    """The rules of the table's own file that fail on these rows."""

    def frame(name: str, of: list[Row]) -> Any:
        fields = catalogue().tables[name].fields
        extra = {"_delivery_id": "string", "_issues": "string"} if "silver" in name else {}
        schema = {f.name: f.spark_type for f in fields} | extra
        values = [tuple(r.get(n) for n in schema) for r in of]
        return local_rows(
            spark, values, ", ".join(f"`{n}` {t}" for n, t in schema.items())
        ).coalesce(1)

    contract = catalogue().tables[table]
    result = run_gate(
        frame(table, rows),
        file_rules(contract, HOME / "expectations", catalogue()),
        table=table,
        phase="batch" if table.startswith("silver") else "table",
        run_id="r",
        step="s",
        tables={n: frame(n, of) for n, of in (others or {}).items()},
    )
    assert all(r.error is None for r in result.results), [r.error for r in result.results]
    return {r.rule.id for r in result.results if not r.success}


def snapshot() -> dict[str, Row]:
    names = {CITY: "吕梁市", **dict.fromkeys(COUNTIES, "某县"), TOWN: "甲镇", VILLAGE: "子村委会"}
    parents = {**dict.fromkeys(COUNTIES, CITY), TOWN: COUNTIES[0], VILLAGE: TOWN}
    day = date(2020, 6, 30)
    return {
        c: {"as_of": day, "code": c, "name": n, "parent_code": parents.get(c, "140000000000")}
        for c, n in names.items()
    }


def test_a_sound_snapshot_passes(spark: SparkSession) -> None:
    assert failing(spark, "silver.base_division", list(snapshot().values())) == set()


@pytest.mark.parametrize(
    ("rule", "code", "change"),
    [
        ("parent_is_the_code_above", VILLAGE, {"parent_code": COUNTIES[0]}),
        ("parent_is_in_the_snapshot", TOWN, None),
        ("all_counties_in_every_snapshot", COUNTIES[5], None),
        ("kind_of_village_fits_its_code", VILLAGE, {"name": "子社区居委会"}),
    ],
)
def test_a_broken_snapshot_fails_just_that_rule(
    spark: SparkSession, rule: str, code: str, change: Row | None
) -> None:
    rows = snapshot()
    if change is None:
        del rows[code]
    else:
        rows[code].update(change)
    assert failing(spark, "silver.base_division", list(rows.values())) == {rule}


FEATURE: Row = {
    "source": "s",
    "code": COUNTIES[0],
    "name": "某区",
    "crs": "WGS-84",
    "geometry": '{"type": "Polygon", "coordinates": []}',
}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, set()),
        ({"crs": "CGCS2000"}, set()),
        ({"crs": "Beijing 54"}, {"crs_is_known"}),
        ({"geometry": '{"type": "Point", "coordinates": []}'}, {"geometry_is_geojson"}),
    ],
)
def test_delivered_polygons(spark: SparkSession, change: Row, rules: set[str]) -> None:
    assert failing(spark, "silver.base_boundary", [{**FEATURE, **change}]) == rules


def register() -> list[Row]:
    levels = {CITY: "city", **dict.fromkeys(COUNTIES, "county"), TOWN: "town", VILLAGE: "village"}
    return [
        {
            "scheme": "stat",
            "code": row["code"],
            "name": row["name"],
            "level": levels[row["code"]],
            "parent_code": row["parent_code"],
            "valid_from": date(2016, 7, 31),
            "known_from": KNOWN,
        }
        for row in snapshot().values()
    ]


def test_a_sound_register_passes(spark: SparkSession) -> None:
    assert failing(spark, "registry.division", register()) == set()


def broken_register(rule: str) -> list[Row]:
    rows = register()
    if rule == "parent_holds_at_the_time":
        return [r for r in rows if r["code"] != TOWN]
    if rule == "one_state_on_a_day":
        return [*rows, {**rows[-1], "name": "丑村委会", "valid_from": date(2018, 10, 31)}]
    if rule == "periods_run_forward":
        return [*rows[:-1], {**rows[-1], "valid_from_earliest": date(2017, 1, 1)}]
    if rule == "thirteen_counties":
        return [r for r in rows if r["code"] != COUNTIES[5]]
    assert rule == "no_snapshot_closes_half_of_the_codes"
    villages = [
        {**rows[-1], "code": f"141102100{n}", "valid_to": date(2017, 10, 31)}
        for n in range(300, 340)
    ]
    return [*rows, *villages]


@pytest.mark.parametrize(
    "rule",
    [
        "parent_holds_at_the_time",
        "one_state_on_a_day",
        "periods_run_forward",
        "thirteen_counties",
        "no_snapshot_closes_half_of_the_codes",
    ],
)
def test_a_broken_register_fails_just_that_rule(spark: SparkSession, rule: str) -> None:
    assert failing(spark, "registry.division", broken_register(rule)) == {rule}


def edge(**change: Any) -> Row:
    row = {
        "edge_id": "1",
        "scheme": "stat",
        "level": "town",
        "event": "merge",
        "old_code": "141102200000",
        "new_code": TOWN,
        "weight": Decimal(1),
        "method": "merge (inferred)",
        "confidence": Decimal("0.8"),
        "code_reused": False,
        "snapshot_before": date(2020, 6, 30),
        "snapshot_after": date(2021, 10, 31),
    }
    return {**row, **change}


@pytest.mark.parametrize(
    ("rows", "rules"),
    [
        ([edge()], set()),
        ([edge(weight=Decimal("0.6")), edge(event="split", weight=Decimal("0.4"))], set()),
        ([edge(event="split", weight=Decimal("0.2"))], set()),
        ([edge(event="created")], {"sides_fit_the_event"}),
        ([edge(new_code=None)], {"sides_fit_the_event"}),
        ([edge(weight=Decimal("0.6"))], {"shares_of_a_gone_unit_sum_to_one"}),
        ([edge(snapshot_after=date(2020, 6, 30))], {"snapshots_run_forward"}),
    ],
)
def test_edges_of_the_successor_table(
    spark: SparkSession, rows: list[Row], rules: set[str]
) -> None:
    assert failing(spark, "registry.division_successor", rows) == rules


def polygons() -> list[Row]:
    return [
        {
            "code": code,
            "source": "s",
            "name": "某县",
            "level": "county",
            "crs": "wgs84",
            "is_primary": True,
            "is_valid": True,
            "area_km2": Decimal("1624.385"),
            "declared_area_km2": Decimal("1624"),
            "overlap_km2": Decimal(0),
        }
        for code in COUNTIES
    ]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (None, {}),
        ("polygons_are_valid", {"is_valid": False}),
        ("divisions_do_not_overlap", {"overlap_km2": Decimal("0.2")}),
        ("area_as_the_source_states_it", {"declared_area_km2": Decimal("1700")}),
        (
            "city_area_within_one_per_cent",
            {"area_km2": Decimal("2000"), "declared_area_km2": Decimal("2000")},
        ),
        ("every_county_has_a_boundary", {"is_primary": False}),
    ],
)
def test_polygons_of_the_registry(spark: SparkSession, rule: str | None, change: Row) -> None:
    rows = polygons()
    rows[3].update(change)
    others = {"registry.division": register()}
    assert failing(spark, "registry.boundary", rows, others) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("rows", "rules"),
    [
        ([{"mine_id": "M1", "county_code": COUNTIES[0]}], set()),
        ([{"mine_id": "M1", "county_code": None}], {"county_is_found"}),
        ([{"mine_id": "M1", "county_code": "140100000000"}], {"county_lies_in_the_city"}),
    ],
)
def test_mines(spark: SparkSession, rows: list[Row], rules: set[str]) -> None:
    assert failing(spark, "registry.mine", rows) == rules


@pytest.mark.parametrize(
    ("original", "rules"),
    [("p1", set()), ("p9", {"a_double_points_to_an_original"})],
)
def test_doubles_of_plants(spark: SparkSession, original: str, rules: set[str]) -> None:
    first = {"plant_id": "p1", "county_code": COUNTIES[0]}
    double = {"plant_id": "p2", "county_code": COUNTIES[0], "duplicate_of": original}
    assert failing(spark, "registry.power_plant", [first, double]) == rules
