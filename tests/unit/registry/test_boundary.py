"""Boundary polygons: validity, coordinate system, area and overlap."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from pyspark.sql import SparkSession

from onesource.registry.boundary import TABLE, build, describe, overlaps
from onesource.spark.local import local_rows

SQUARE = shapely.box(111.0, 37.0, 111.1, 37.1)
BOW = shapely.Polygon([(111, 37), (111.1, 37.1), (111.1, 37), (111, 37.1)])


def feature(
    geometry: Any = SQUARE, crs: str | None = "WGS-84", code: str = "141124000000"
) -> dict[str, Any]:
    text = geometry if isinstance(geometry, str) else shapely.to_geojson(geometry)
    return {
        "code": code,
        "name": "临县",
        "source": "s",
        "crs": crs,
        "version": None,
        "approval_no": None,
        "declared_area_km2": None,
        "geometry": text,
    }


def test_a_valid_polygon_has_its_area_and_box() -> None:
    row = describe(feature())
    assert row["is_valid"]
    assert row["level"] == "county"
    assert row["area_km2"] == pytest.approx(98.6, abs=0.2)
    assert (row["min_lon"], row["max_lat"]) == (111.0, 37.1)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (feature(BOW), "Self-intersection"),
        (feature(crs=None), "no coordinate system"),
        (feature(crs="Beijing 54"), "no coordinate system"),
        (feature("not GeoJSON"), "no geometry"),
        (feature(json.dumps({"type": "Point", "coordinates": [111, 37]})), "Point is no polygon"),
        (feature(shapely.box(37_500_000, 4_100_000, 37_510_000, 4_110_000)), "no degrees"),
    ],
)
def test_what_is_wrong_with_a_polygon_is_said(broken: dict[str, Any], reason: str) -> None:
    row = describe(broken)
    assert not row["is_valid"]
    assert reason in row["invalid_reason"]


def test_a_shifted_polygon_is_moved_back_by_some_500_metres() -> None:
    moved = shapely.from_wkt(describe(feature(crs="GCJ-02"))["geometry"])
    east = (SQUARE.centroid.x - moved.centroid.x) * 111_320 * 0.799
    assert 450 < east < 650
    assert moved.centroid.y == pytest.approx(SQUARE.centroid.y, abs=0.002)


def shape(code: str, west: float) -> dict[str, Any]:
    text = shapely.to_wkt(shapely.box(west, 37.0, west + 0.1, 37.1))
    return {"source": "s", "code": code, "geometry": text}


def test_neighbours_that_only_touch_do_not_overlap() -> None:
    assert overlaps([shape("a", 111.0), shape("b", 111.1)]) == []


def test_an_overlap_is_measured_and_laid_on_both() -> None:
    found = overlaps([shape("a", 111.0), shape("b", 111.05), shape("c", 111.3)])
    assert [(f["code"], f["overlaps_with"]) for f in found] == [("a", "b"), ("b", "a")]
    assert found[0]["overlap_km2"] == pytest.approx(49.3, abs=0.1)


def test_a_source_in_wgs84_goes_before_one_that_had_to_be_shifted(spark: SparkSession) -> None:
    text = shapely.to_geojson(SQUARE)
    received = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        ("141124000000", "临县", "amap", "GCJ-02", text, received),
        ("141124000000", "临县", "osm", "WGS84", text, received),
        ("141125000000", "柳林县", "amap", "GCJ-02", text, received),
    ]
    silver = local_rows(
        spark,
        rows,
        "code string, name string, source string, crs string, geometry string, "
        "_statement_at timestamp",
    ).selectExpr(
        "*", "CAST(NULL AS STRING) AS approval_no", "CAST(NULL AS DECIMAL(12,3)) AS area_km2"
    )
    table = build(spark, {"silver.base_boundary": silver}, SimpleNamespace())[TABLE]
    found = {(r["code"][:6], r["source"]): r for r in table.collect()}
    assert found["141124", "osm"]["is_primary"]
    assert not found["141124", "amap"]["is_primary"]
    assert found["141125", "amap"]["is_primary"]
    assert found["141124", "amap"]["overlaps_with"] == "141125000000"
    assert found["141124", "osm"]["overlap_km2"] == 0
