"""GeoJSON: properties, geometry and the declared coordinate system."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import inspect, read

MakeFeed = Callable[..., Contract]
FIELDS = {"code": {"header": "代码*", "aliases": ["adcode"]}, "geometry": "边界"}
POINT = '{"type": "Point", "coordinates": [111.10, 37.500000]}'


def collection(tmp_path: Path, features: str, more: str = "") -> Path:
    path = tmp_path / "f.geojson"
    path.write_text(
        f'{{"type": "FeatureCollection", {more} "features": [{features}]}}', encoding="utf-8"
    )
    return path


def feature(code: int, geometry: str = POINT, more: str = "") -> str:
    return (
        f'{{"type": "Feature", "properties": {{"adcode": "{code}"{more}}}, "geometry": {geometry}}}'
    )


def crs(name: str) -> str:
    return f'"crs": {json.dumps({"type": "name", "properties": {"name": name}})},'


def refusal(path: Path, feed: Contract) -> str:
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, feed, path.name)
    assert path.name in str(e.value)
    return e.value.reason


def test_properties_are_columns_and_the_geometry_keeps_its_digits(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    named = feature(1, more=', "name": "甲"')
    path = collection(tmp_path, f"{named}, {feature(2, 'null')}")
    feed = make_feed(FIELDS, format="geojson")
    found: list[dict[str, Any]] = [r for b in read(path, feed, path.name) for r in b.to_pylist()]
    assert [(r["_line"], r["code"], r["geometry"], r["_extra"]) for r in found] == [
        (1, "1", '{"type":"Point","coordinates":[111.10,37.500000]}', [("name", "甲")]),
        (2, "2", None, None),
    ]


def test_a_large_geometry_is_no_huge_cell(make_feed: MakeFeed, tmp_path: Path) -> None:
    ring = ",".join(["[111.123456,37.123456]"] * 60_000)
    path = collection(tmp_path, feature(1, f'{{"type":"Polygon","coordinates":[[{ring}]]}}'))
    assert inspect(path, make_feed(FIELDS, format="geojson"), path.name).rows == 1


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"),
        ("urn:ogc:def:crs:EPSG::4326", "wgs84"),
        ("EPSG:4490", "cgcs2000"),
        ("GCJ-02", "gcj02"),
        ("BD09", "bd09"),
    ],
)
def test_the_declared_system_must_be_that_of_the_contract(
    make_feed: MakeFeed, tmp_path: Path, name: str, system: str
) -> None:
    path = collection(tmp_path, feature(1), crs(name))
    assert inspect(path, make_feed(FIELDS, format="geojson", crs=system), path.name).rows == 1
    other = "gcj02" if system != "gcj02" else "wgs84"
    assert refusal(path, make_feed(FIELDS, format="geojson", crs=other)) == "CRS"


def test_a_system_declared_behind_or_in_the_features_counts_too(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(FIELDS, format="geojson", crs="wgs84")
    path = collection(tmp_path, feature(1, more=', "crs": "GCJ-02"'))
    assert refusal(path, feed) == "CRS"
    behind = f'{{"type":"FeatureCollection","features":[{feature(1)}],{crs("GCJ02")[:-1]}}}'
    path.write_text(behind, encoding="utf-8")
    assert refusal(path, feed) == "CRS"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "FORMAT"),
        ('{"type":"Topology","features":[]}', "FORMAT"),
        ('{"type":"FeatureCollection"}', "FORMAT"),
        (f'{{"type":"FeatureCollection","features":[{feature(1)}]}} x', "FORMAT"),
        (f'{{"type":"FeatureCollection","features":[{feature(1)}', "TRUNCATED"),
        ('{"type":"FeatureCollection","features":[]}', "EMPTY"),
        ("", "EMPTY"),
        (
            '{"type":"FeatureCollection","features":'
            '[{"type":"Feature","properties":{"x":1},"geometry":null}]}',
            "HEADER",
        ),
    ],
)
def test_what_is_no_whole_collection_is_refused(
    make_feed: MakeFeed, tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "f.geojson"
    path.write_text(text, encoding="utf-8")
    assert refusal(path, make_feed(FIELDS, format="geojson")) == reason


def test_an_element_that_is_no_feature_is_malformed(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = collection(tmp_path, f'{feature(1)}, {{"type": "Point"}}')
    found = inspect(path, make_feed(FIELDS, format="geojson"), path.name)
    assert (found.rows, found.malformed) == (2, 1)
