"""Coordinate systems against published points, and areas against known ones."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from onesource.errors import UsageError
from onesource.registry import crs

# WGS-84, GCJ-02, BD-09 of the same five places (gcoord 1.0.7, MIT, agrees to 1e-6 degrees).
PLACES = np.array(
    [
        (111.150733, 37.517641, 111.157088, 37.518407, 111.163613, 37.524281),
        (110.792275, 37.640852, 110.798084, 37.641460, 110.804613, 37.647318),
        (111.778818, 37.146294, 111.785255, 37.146765, 111.791856, 37.152440),
        (112.155841, 37.551970, 112.162446, 37.552754, 112.168982, 37.558622),
        (116.397451, 39.909187, 116.403695, 39.910591, 116.410067, 39.916930),
    ]
)
TENTH_MM = 1e-9  # degrees


def test_published_points_are_met_to_a_millionth_of_a_degree() -> None:
    gcj = crs.wgs_to_gcj(PLACES[:, 0], PLACES[:, 1])
    assert np.abs(np.column_stack(gcj) - PLACES[:, 2:4]).max() < 1e-6
    bd = crs.gcj_to_bd(*gcj)
    assert np.abs(np.column_stack(bd) - PLACES[:, 4:6]).max() < 1e-6


@given(st.floats(73.5, 135.0), st.floats(18.0, 53.5), st.sampled_from(["gcj02", "bd09"]))
def test_there_and_back_is_less_than_a_tenth_of_a_millimetre(
    lon: float, lat: float, system: str
) -> None:
    start = np.array([lon]), np.array([lat])
    shifted = crs.wgs_to_gcj(*start)
    if system == "bd09":
        shifted = crs.gcj_to_bd(*shifted)
    back = crs.to_wgs84(*shifted, system)
    assert abs(back[0][0] - lon) < TENTH_MM
    assert abs(back[1][0] - lat) < TENTH_MM


@pytest.mark.parametrize(
    ("declared", "name"),
    [("WGS84", "wgs84"), ("WGS-84", "wgs84"), ("EPSG:4490", "cgcs2000"), ("GCJ-02", "gcj02")],
)
def test_declared_systems_are_known_by_their_usual_names(declared: str, name: str) -> None:
    assert crs.known(declared) == name


@pytest.mark.parametrize("declared", ["", None, "unknown", "Beijing 54"])
def test_no_system_is_guessed(declared: str | None) -> None:
    assert crs.known(declared) is None


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(UsageError, match="beijing54"):
        crs.to_wgs84(PLACES[:, 0], PLACES[:, 1], "beijing54")


def test_the_area_of_a_square_degree_is_the_integral_of_the_area_element() -> None:
    axis, e2 = 6378137.0, 0.00669437999014
    step = np.radians(1.0) / 100_000
    phi = np.radians(37.0) + step * (np.arange(100_000) + 0.5)
    element = axis**2 * (1 - e2) * np.cos(phi) / (1 - e2 * np.sin(phi) ** 2) ** 2
    integral = float(np.sum(element) * step * np.radians(1.0) / 1e6)
    assert crs.area_km2(shapely.box(111, 37, 112, 38)) == pytest.approx(integral, rel=1e-9)


def test_the_whole_ellipsoid_has_its_known_area() -> None:
    assert crs.area_km2(shapely.box(-180, -90, 180, 90)) == pytest.approx(510_065_621.7, rel=1e-9)
