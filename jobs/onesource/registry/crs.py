"""Coordinate systems in China, and areas on the ellipsoid, for arrays of coordinates.

GCJ-02 (Amap, Tencent) is WGS-84 shifted by a published approximation; BD-09 (Baidu) is a further
shift of GCJ-02. CGCS2000 and WGS-84 agree within centimetres and are treated as one. The inverse
is found by fixed-point iteration; ten steps bring the round trip below 0.1 mm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from onesource.errors import UsageError

Floats = npt.NDArray[np.float64]

# Ellipsoid of the GCJ-02 formula (Krasovsky), as published.
_A, _EE = 6378245.0, 0.00669342162296594323
_BD = np.pi * 3000.0 / 180.0
_STEPS = 10
# WGS-84 ellipsoid.
_AXIS, _FLATTENING = 6378137.0, 1 / 298.257223563

# Words under which departments declare a coordinate system.
NAMES = {
    "wgs84": "wgs84",
    "wgs-84": "wgs84",
    "epsg:4326": "wgs84",
    "4326": "wgs84",
    "urn:ogc:def:crs:ogc:1.3:crs84": "wgs84",
    "crs84": "wgs84",
    "cgcs2000": "cgcs2000",
    "epsg:4490": "cgcs2000",
    "4490": "cgcs2000",
    "gcj02": "gcj02",
    "gcj-02": "gcj02",
    "bd09": "bd09",
    "bd-09": "bd09",
}


def known(declared: str | None) -> str | None:
    """The name used here for a declared system, or None."""
    return NAMES.get((declared or "").strip().lower())


def _sines(v: Floats, *terms: tuple[float, float]) -> Floats:
    """Two thirds of the sum of amplitude · sin(π·v·frequency)."""
    total = sum((a * np.sin(np.pi * v * f) for a, f in terms), np.zeros_like(v))
    return np.asarray(total * 2.0 / 3.0, dtype=np.float64)


def _shift(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The published polynomial and waves, in metres before scaling; x, y from 105°E, 35°N."""
    common = _sines(x, (20.0, 6.0), (20.0, 2.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east = east + common + _sines(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north = north + common + _sines(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    return east, north


def wgs_to_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees to degrees."""
    east, north = _shift(lon - 105.0, lat - 35.0)
    radians = np.radians(lat)
    magic = 1 - _EE * np.sin(radians) ** 2
    root = np.sqrt(magic)
    dlat = north * 180.0 / (_A * (1 - _EE) / (magic * root) * np.pi)
    dlon = east * 180.0 / (_A / root * np.cos(radians) * np.pi)
    return lon + dlon, lat + dlat


def gcj_to_wgs(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The inverse, by iteration."""
    guess_lon, guess_lat = lon.copy(), lat.copy()
    for _ in range(_STEPS):
        shown_lon, shown_lat = wgs_to_gcj(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon - (shown_lon - lon), guess_lat - (shown_lat - lat)
    return guess_lon, guess_lat


def gcj_to_bd(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    radius = np.sqrt(lon * lon + lat * lat) + 0.00002 * np.sin(lat * _BD)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def bd_to_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The inverse, by iteration."""
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _ in range(_STEPS):
        shown_lon, shown_lat = gcj_to_bd(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon - (shown_lon - lon), guess_lat - (shown_lat - lat)
    return guess_lon, guess_lat


def to_wgs84(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Degrees in `crs` (wgs84, cgcs2000, gcj02, bd09) to WGS-84. Raises UsageError."""
    if crs in ("wgs84", "cgcs2000"):
        return lon, lat
    if crs == "gcj02":
        return gcj_to_wgs(lon, lat)
    if crs == "bd09":
        return gcj_to_wgs(*bd_to_gcj(lon, lat))
    raise UsageError(f"the coordinate system {crs} is not known")


def geometry_to_wgs84(geometry: Any, crs: str) -> Any:
    """A shapely geometry with every vertex moved to WGS-84."""
    if crs in ("wgs84", "cgcs2000"):
        return geometry

    def move(points: Floats) -> Floats:
        return np.column_stack(to_wgs84(points[:, 0], points[:, 1], crs))

    return shapely.transform(geometry, move)


def area_km2(geometry: Any) -> float:
    """Area on the WGS-84 ellipsoid in km².

    Every vertex is put on the cylinder x = a·λ, y = a·q(φ)/2 with
    q = (1−e²)·[sin φ/(1−e²·sin²φ) + artanh(e·sin φ)/e], on which areas are those of the ellipsoid
    (Snyder, Map Projections, formula 3-12); edges between vertices are taken as straight there.
    """
    e2 = _FLATTENING * (2 - _FLATTENING)
    e = np.sqrt(e2)

    def flatten(points: Floats) -> Floats:
        sine = np.sin(np.radians(points[:, 1]))
        q = (1 - e2) * (sine / (1 - e2 * sine**2) + np.arctanh(e * sine) / e)
        return np.column_stack([_AXIS * np.radians(points[:, 0]), _AXIS * q / 2])

    return float(shapely.area(shapely.transform(geometry, flatten))) / 1e6
