"""Coordinates and addresses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from onesource.clean.standardisers import Use, standardise
from tests.unit.clean.both_engines import (
    Table,
    answers,
    check_alike,
    check_without_a_jvm,
    context,
)

LISHI = "111.150733,37.517641"
# WGS-84, GCJ-02, BD-09 of the same points.
POINTS = [
    (LISHI, "111.157088,37.518407", "111.163613,37.524281"),
    ("110.792275,37.640852", "110.798084,37.641460", "110.804613,37.647318"),
    ("111.778818,37.146294", "111.785255,37.146765", "111.791856,37.152440"),
    ("112.155841,37.551970", "112.162446,37.552754", "112.168982,37.558622"),
    ("116.397451,39.909187", "116.403695,39.910591", "116.410067,39.916930"),
]
TABLES: list[Table] = [
    (
        "coordinates",
        {},
        [
            (LISHI, LISHI, "OK", ""),
            ("37.517641,111.150733", LISHI, "OK", "swapped=1"),
            ("111.150733，37.517641", LISHI, "OK", ""),
            ("111.150733 37.517641", LISHI, "OK", ""),
            ("POINT(111.150733 37.517641)", LISHI, "OK", ""),
            ("[111.150733, 37.517641]", LISHI, "OK", ""),
            ("lat:37.517641, lon:111.150733", LISHI, "OK", ""),
            ("111,150733 37,517641", LISHI, "OK", "decimal_comma=1"),
            ("111,150733;37,517641", LISHI, "OK", "decimal_comma=1"),
            ("111°09′E 37°31′N", "111.150000,37.516667", "OK", "dms=1"),
            ("N37°31′ E111°09′", "111.150000,37.516667", "OK", "dms=1"),
            ("东经111°09′03″，北纬37°31′03″", "111.150833,37.517500", "OK", "dms=1"),
            ("111度9分3秒,37度31分3秒", "111.150833,37.517500", "OK", "dms=1"),
            ("111°09'03\"E 37°31'03\"N", "111.150833,37.517500", "OK", "dms=1"),
            ("111°75′E 37°31′N", None, "FMT", ""),
            ("0,0", None, "SUSPECT", ""),
            ("-111.15,37.5", None, "RANGE", ""),
            ("200,100", None, "RANGE", ""),
            ("37512345.6,4152345.6", None, "PROJECTED", "zone=37"),
            ("512345.6,4152345.6", None, "PROJECTED", "zone=unknown"),
            ("111.15", None, "FMT", ""),
            ("111.15,37.5,1000", None, "FMT", ""),
            ("经纬度不详", None, "FMT", ""),
            ("无", None, "EMPTY", ""),
            ("", None, "EMPTY", ""),
        ],
    ),
    ("coordinates", {"crs": "cgcs2000"}, [(LISHI, LISHI, "OK", "crs=cgcs2000")]),
    ("coordinates", {"crs": "gcj02"}, [(g, w, "OK", "crs=gcj02") for w, g, _ in POINTS]),
    ("coordinates", {"crs": "bd09"}, [(b, w, "OK", "crs=bd09") for w, _, b in POINTS]),
    (
        "coordinates",
        {"lat": "37.517641"},
        [("111,150733", LISHI, "OK", ""), ("111.150733", LISHI, "OK", ""), ("", None, "EMPTY", "")],
    ),
    (
        "address",
        {},
        [
            ("离石区交口街道", "离石区交口街道", "OK", "county=离石区;town=交口街道"),
            ("山西省吕梁市兑镇偏店村", "山西省吕梁市兑镇偏店村", "OK", "city=吕梁市;town=兑镇"),
            ("孝义市兑镇偏店村", "孝义市兑镇偏店村", "OK", "county=孝义市"),
            ("临县 碛口镇 西湾村", "临县碛口镇西湾村", "OK", "village=西湾村"),
            ("兴　县蔚汾镇", "兴县蔚汾镇", "OK", "match_level=3;match_score=100"),
            ("吕梁地区离石市凤山路9号", "吕梁地区离石市凤山路9号", "OK", "no=9号;city=吕梁地区"),
            ("山西省临汾市乡宁县昌宁镇", "山西省临汾市乡宁县昌宁镇", "OK", "county=乡宁县"),
            ("凤城镇县医院", "凤城镇县医院", "OK", "match_level=3;match_score=50"),
            (
                "离石区滨河街道永宁中路１２号3号楼2单元501室",
                "离石区滨河街道永宁中路12号3号楼2单元501室",
                "OK",
                "road=永宁中路;building=3号楼;unit=2单元;room=501",
            ),
            ("离石区??路", None, "LOST_CHARACTER", ""),
            ("123", None, "FMT", ""),
            ("无", None, "EMPTY", ""),
        ],
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t[0]} {dict(t[1])}")
def test_examples(table: Table) -> None:
    check_without_a_jvm(table)


def test_both_engines_answer_alike(spark: SparkSession) -> None:
    for name, args, examples in TABLES:
        check_alike(spark, name, [e[0] for e in examples], **args)


def test_the_latitude_may_stand_in_a_column_of_its_own(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("111,150733", "37,517641")], "lon string, lat string")
    uses = [
        Use("lon", "place", "coordinates", {"lat": "$lat_read"}),
        Use("lat", "lat_read", "text"),
    ]
    (row,) = standardise(frame, uses, context()).collect()
    assert row.place.verdict == "FMT"  # free text is no number: the decimal comma was not read
    uses[1] = Use("lat", "lat_read", "decimal", {"decimal": ","})
    (row,) = standardise(frame, uses, context()).collect()
    assert row.place.value == LISHI


def gcj02(lon: float, lat: float) -> tuple[float, float]:
    """The published shift, written independently of the SQL."""
    a, ee, pi = 6378245.0, 0.00669342162296594323, math.pi
    x, y = lon - 105, lat - 35
    waves = (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves
    north += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves
    east += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    magic = 1 - ee * math.sin(math.radians(lat)) ** 2
    north = north * 180 / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * pi)
    east = east * 180 / (a / math.sqrt(magic) * math.cos(math.radians(lat)) * pi)
    return lon + east, lat + north


@given(st.lists(st.tuples(st.floats(74, 135), st.floats(18, 53)), min_size=1, max_size=50))
@settings(max_examples=20, deadline=None)
def test_gcj02_is_taken_back_to_the_sixth_decimal(points: list[tuple[float, float]]) -> None:
    shifted = [gcj02(*p) for p in points]
    raws = [f"{lon:.9f},{lat:.9f}" for lon, lat in shifted]
    for point, (value, verdict, _) in zip(
        points, answers("coordinates", raws, crs="gcj02"), strict=True
    ):
        assert verdict == "OK" and value is not None
        found = [float(v) for v in value.split(",")]
        assert max(abs(a - b) for a, b in zip(point, found, strict=True)) < 1e-6
