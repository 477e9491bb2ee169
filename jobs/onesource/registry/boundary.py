"""`registry.boundary`: the polygons of divisions in WGS-84, with what was found wrong with them.

One row per division and source. Several sources of one boundary stay side by side, each with the
coordinate system that it declared; `is_primary` marks the one that points are looked up in: a
source in WGS-84 or CGCS2000 before one that had to be shifted, then the latest, then by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import shapely
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from onesource.clean.geography.names import level_of
from onesource.clean.silver import visible
from onesource.registry import crs

TABLE = "registry.boundary"
# Below 1,000 m² an overlap is the rounding of coordinates along a border drawn twice (November
# 2026: the two public files of 13 counties at hand have no overlap above it).
SLIVER_KM2 = 0.001
_GEOMETRY_FIELDS: list[pa.Field[Any]] = [
    pa.field("code", pa.string()),
    pa.field("name", pa.string()),
    pa.field("level", pa.string()),
    pa.field("source", pa.string()),
    pa.field("crs", pa.string()),
    pa.field("version", pa.date32()),
    pa.field("approval_no", pa.string()),
    pa.field("is_valid", pa.bool_()),
    pa.field("invalid_reason", pa.string()),
    pa.field("vertices", pa.int64()),
    pa.field("area_km2", pa.float64()),
    pa.field("declared_area_km2", pa.float64()),
    pa.field("min_lon", pa.float64()),
    pa.field("min_lat", pa.float64()),
    pa.field("max_lon", pa.float64()),
    pa.field("max_lat", pa.float64()),
    pa.field("geometry", pa.string()),
]
_GEOMETRY = pa.schema(_GEOMETRY_FIELDS)
_GEOMETRY_SQL = (
    "code string, name string, level string, source string, crs string, version date, "
    "approval_no string, is_valid boolean, invalid_reason string, vertices bigint, "
    "area_km2 double, declared_area_km2 double, min_lon double, min_lat double, max_lon double, "
    "max_lat double, geometry string"
)
_OVERLAP_SQL = "source string, code string, overlap_km2 double, overlaps_with string"
_OVERLAP_FIELDS: list[pa.Field[Any]] = [
    pa.field("source", pa.string()),
    pa.field("code", pa.string()),
    pa.field("overlap_km2", pa.float64()),
    pa.field("overlaps_with", pa.string()),
]
_OVERLAP = pa.schema(_OVERLAP_FIELDS)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads `silver.base_boundary` (one row per feature, `geometry` as GeoJSON text)."""
    rows = visible(inputs["silver.base_boundary"]).select(
        "code",
        "name",
        "source",
        "crs",
        "approval_no",
        F.col("area_km2").cast("double").alias("declared_area_km2"),
        F.to_date("_statement_at").alias("version"),
        "geometry",
    )
    shapes = rows.mapInArrow(_shapes, _GEOMETRY_SQL)
    overlaps = shapes.groupBy(
        "source", "level", F.substring("code", 1, 2).alias("_province")
    ).applyInArrow(_overlaps, _OVERLAP_SQL)
    native = F.col("crs").isin("wgs84", "cgcs2000")
    rank = F.row_number().over(
        Window.partitionBy("code").orderBy(
            F.col("is_valid").desc(), native.desc(), F.col("version").desc(), "source"
        )
    )
    found = shapes.join(overlaps, ["source", "code"], "left")
    return {
        TABLE: found.select(
            "code",
            "name",
            "level",
            "source",
            "crs",
            "version",
            "approval_no",
            (rank == 1).alias("is_primary"),
            "is_valid",
            "invalid_reason",
            "vertices",
            F.round("area_km2", 3).cast("decimal(12,3)").alias("area_km2"),
            F.round("declared_area_km2", 3).cast("decimal(12,3)").alias("declared_area_km2"),
            F.coalesce(F.round("overlap_km2", 3), F.lit(0.0))
            .cast("decimal(12,3)")
            .alias("overlap_km2"),
            "overlaps_with",
            "min_lon",
            "min_lat",
            "max_lon",
            "max_lat",
            "geometry",
        )
    }


def _shapes(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [describe(row) for row in batch.to_pylist()]
        yield from pa.Table.from_pylist(rows, schema=_GEOMETRY).to_batches()


def describe(row: Mapping[str, Any]) -> dict[str, Any]:
    """One feature: polygon in WGS-84 (WKT, 7 decimals: 1 cm), area, and what is wrong with it."""
    system = crs.known(row["crs"])
    found: dict[str, Any] = {
        **{k: row[k] for k in ("code", "name", "source", "version", "approval_no")},
        "declared_area_km2": row["declared_area_km2"],
        "level": level_of(row["code"]),
        "crs": system,
        "is_valid": False,
    }
    shape = shapely.from_geojson(row["geometry"], on_invalid="ignore")
    if system is None:
        return {**found, "invalid_reason": "no coordinate system declared that is known"}
    if shape is None or shape.is_empty:
        return {**found, "invalid_reason": "no geometry"}
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        return {**found, "invalid_reason": f"{shape.geom_type} is no polygon"}
    shape = crs.geometry_to_wgs84(shape, system)
    text = shapely.to_wkt(shape, rounding_precision=7)
    west, south, east, north = shape.bounds
    inside = abs(west) <= 180 and abs(east) <= 180 and abs(south) <= 90 and abs(north) <= 90
    reason = shapely.is_valid_reason(shape) if inside else "coordinates are no degrees"
    return {
        **found,
        "is_valid": reason == "Valid Geometry",
        "invalid_reason": None if reason == "Valid Geometry" else reason,
        "vertices": int(shapely.get_num_coordinates(shape)),
        "area_km2": crs.area_km2(shape) if inside else None,
        "min_lon": round(west, 7),
        "min_lat": round(south, 7),
        "max_lon": round(east, 7),
        "max_lat": round(north, 7),
        "geometry": text,
    }


def _overlaps(table: pa.Table) -> pa.Table:
    rows = [r for r in table.to_pylist() if r["is_valid"]]
    return pa.Table.from_pylist(overlaps(rows), schema=_OVERLAP)


def overlaps(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each polygon of one source and level that overlaps others: how much, and with which.

    rows: `source, code, geometry` (WKT). The borders of divisions of one level only touch.
    """
    shapes = [shapely.from_wkt(r["geometry"]) for r in rows]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared: dict[int, dict[int, float]] = {}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if a < b:
            area = crs.area_km2(shapely.intersection(shapes[a], shapes[b]))
            if area > SLIVER_KM2 and math.isfinite(area):
                shared.setdefault(a, {})[b] = area
                shared.setdefault(b, {})[a] = area
    return [
        {
            "source": rows[i]["source"],
            "code": rows[i]["code"],
            "overlap_km2": sum(others.values()),
            "overlaps_with": ",".join(sorted(rows[j]["code"] for j in others)),
        }
        for i, others in sorted(shared.items())
    ]
