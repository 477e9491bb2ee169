"""Which division a point lies in: three square counties side by side at 37° N."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import shapely
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from onesource.registry import crs
from onesource.registry.crs_detector import Agreement, agreement, detect_crs
from onesource.registry.points import Boundaries, located, supports_claim
from onesource.spark.local import local_rows

A, B, C = "141101000000", "141102000000", "141103000000"
M = 1 / 111_320.0  # a metre, in degrees of latitude
THREE = Boundaries(
    (A, B, C),
    tuple(
        shapely.to_wkt(shapely.box(west, 37.0, west + 0.1, 37.1)) for west in (111.0, 111.1, 111.15)
    ),
)


def where(lon: float, lat: float) -> tuple[str | None, str, float | None]:
    codes, methods, metres = THREE.locate(np.array([lon]), np.array([lat]))
    return codes[0], methods[0], metres[0]


def test_a_point_inside_belongs_to_the_polygon() -> None:
    assert where(111.05, 37.05) == (A, "inside", 0.0)


def test_a_point_on_the_border_belongs_to_the_smaller_code() -> None:
    assert where(111.1, 37.05) == (A, "border", 0.0)


def test_a_corner_of_the_map_belongs_to_its_polygon() -> None:
    assert where(111.0, 37.0) == (A, "border", 0.0)


def test_a_point_inside_two_that_overlap_belongs_to_the_smaller_code() -> None:
    assert where(111.17, 37.05) == (B, "inside", 0.0)


def test_a_point_just_outside_belongs_to_the_nearest_and_says_how_far() -> None:
    code, method, metres = where(111.05, 37.1 + 300 * M)
    assert (code, method) == (A, "near")
    assert metres == pytest.approx(300, abs=1)


@pytest.mark.parametrize(("metres", "method"), [(499, "near"), (501, "outside")])
def test_the_tolerance_ends_at_500_metres(metres: float, method: str) -> None:
    assert where(111.05, 37.1 + metres * M)[1] == method


def test_no_point_is_no_county() -> None:
    for lon, lat in [(float("nan"), 37.05), (0.0, 0.0), (111.05, 370.0)]:
        assert where(lon, lat) == (None, "no_point", None)


def test_a_claim_is_supported_inside_and_up_to_500_metres_away() -> None:
    lon = np.array([111.05, 111.1 + 300 * M, 111.14, 111.05])
    claims = [A, A, A, "999999000000"]
    assert THREE.within_tolerance(lon, np.full(4, 37.05), claims) == [True, True, False, None]


def test_boundaries_travel_to_workers_as_text() -> None:
    assert THREE.shapes
    again = pickle.loads(pickle.dumps(THREE))
    assert again.locate(np.array([111.05]), np.array([37.05])) == ([A], ["inside"], [0.0])


def both_edges() -> tuple[np.ndarray, np.ndarray]:
    """Points some ten metres inside the western and the eastern border of A."""
    lat = np.linspace(37.01, 37.09, 20)
    return np.concatenate([np.full(20, 111.0001), np.full(20, 111.0999)]), np.tile(lat, 2)


def test_a_batch_of_shifted_points_is_known_for_what_it_is() -> None:
    lon, lat = both_edges()
    shifted = crs.wgs_to_gcj(lon, lat)
    assert agreement(THREE, lon, lat, [A] * 40).verdict == "wgs84"
    assert agreement(THREE, *shifted, [A] * 40).verdict == "gcj02"


@pytest.mark.parametrize(
    ("wgs84", "gcj02", "verdict"),
    [(95, 90, "unknown"), (96, 90, "wgs84"), (90, 96, "gcj02"), (0, 0, "unknown")],
)
def test_more_than_five_points_of_difference_decide(wgs84: int, gcj02: int, verdict: str) -> None:
    assert Agreement(100, wgs84, gcj02).verdict == verdict


def test_without_claims_the_system_is_unknown() -> None:
    assert agreement(THREE, np.array([111.05]), np.array([37.05]), [None]).verdict == "unknown"


def test_spark_columns_answer_as_the_arrays_do(spark: SparkSession) -> None:
    rows = [("111.05", "37.05", A), ("111.1", "37.05", B), ("111.05", "40", A), (None, None, A)]
    frame = local_rows(spark, rows, "lon string, lat string, claimed string").select(
        F.col("lon").cast("decimal(20,6)"), F.col("lat").cast("decimal(20,6)"), "claimed"
    )
    lon, lat = F.col("lon"), F.col("lat")
    found = frame.select(
        located(THREE)(lon, lat).alias("at"),
        supports_claim(THREE)(lon, lat, F.col("claimed")).alias("ok"),
    ).collect()
    assert [r["at"]["code"] for r in found] == [A, A, None, None]
    assert [r["at"]["method"] for r in found] == ["inside", "border", "outside", "no_point"]
    assert [r["ok"] for r in found] == [True, True, False, None]


def test_the_detector_judges_each_delivery_by_itself(spark: SparkSession) -> None:
    lon, lat = both_edges()
    shifted = crs.wgs_to_gcj(lon, lat)
    rows = [("d1", float(x), float(y), A) for x, y in zip(lon, lat, strict=True)]
    rows += [("d2", float(x), float(y), A) for x, y in zip(*shifted, strict=True)]
    frame = local_rows(spark, rows, "delivery string, lon double, lat double, claimed string")
    found = detect_crs(frame, THREE, "lon", "lat", "claimed", ["delivery"]).collect()
    assert {r["delivery"]: r["verdict"] for r in found} == {"d1": "wgs84", "d2": "gcj02"}
