"""Coordinates and addresses."""

from __future__ import annotations

import csv
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from onesource.clean.standardisers import Use, standardise
from onesource.config import Settings
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
            # Seconds of sixty and more hundredths are seconds all the same.
            ("111°09′02.64″E 37°31′03.51″N", "111.150733,37.517642", "OK", "dms=1"),
            ("E111°9'2.64\"N37°31'3.51\"", "111.150733,37.517642", "OK", "dms=1"),
            ("37°31′3.51″,111°9′2.64″", "111.150733,37.517642", "OK", "swapped=1;dms=1"),
            ("111 ° 9 ′ 2.64 ″, 37 ° 31 ′ 3.51 ″", "111.150733,37.517642", "OK", ""),
            ("111:09:02.64,37:31:03.51", "111.150733,37.517642", "OK", "dms=1"),
            ("111-09-02.64 37-31-03.51", "111.150733,37.517642", "OK", "dms=1"),
            ("111°09,37°31", "111.150000,37.516667", "OK", "dms=1"),
            ("经度111.150733纬度37.517641", LISHI, "OK", ""),
            ("东经111.150733°北纬37.517641°", LISHI, "OK", ""),
            ('{"lat":37.517641,"lng":111.150733}', LISHI, "OK", ""),
            ("WGS84:111.150733,37.517641", LISHI, "OK", ""),
            ("约111.15,37.5", None, "FMT", ""),
            ("GCJ02:111.15,37.5", None, "FMT", ""),
            ("111°09′60″E,37°31′N", None, "FMT", ""),
            ("112.549248,37.857014", None, "SUSPECT", "default_of=太原"),
            ("112.549249,37.857014", "112.549249,37.857014", "OK", ""),
            ("19512345,4152345", None, "PROJECTED", "zone=19"),
            ("12372000,4510000", None, "PROJECTED", "zone=unknown"),
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
            ("兴　县蔚汾镇", "兴县蔚汾镇", "OK", "match_level=3;match_score=1.00"),
            ("吕梁地区离石市凤山路9号", "吕梁地区离石市凤山路9号", "OK", "no=9号;city=吕梁地区"),
            ("山西省临汾市乡宁县昌宁镇", "山西省临汾市乡宁县昌宁镇", "OK", "county=乡宁县"),
            ("凤城镇县医院", "凤城镇县医院", "OK", "match_level=3;match_score=0.50"),
            (
                "离石区滨河街道永宁中路１２号3号楼2单元501室",
                "离石区滨河街道永宁中路12号3号楼2单元501室",
                "OK",
                "road=永宁中路;building=3号楼;unit=2单元;room=501",
            ),
            # The word for what a town is stands in its name, too.
            ("汾阳市杏花村镇东堡村", "汾阳市杏花村镇东堡村", "OK", "town=杏花村镇;village=东堡村"),
            ("岚县东村镇", "岚县东村镇", "OK", "match_level=3;match_score=1.00"),
            ("中阳县宁乡镇", "中阳县宁乡镇", "OK", "town=宁乡镇"),
            ("孝义市兑镇镇偏店村", "孝义市兑镇镇偏店村", "OK", "town=兑镇镇;village=偏店村"),
            ("凤城镇镇政府", "凤城镇镇政府", "OK", "town=凤城镇"),
            ("离石区吴城镇街上村委会", "离石区吴城镇街上村委会", "OK", "village=街上村委会"),
            (
                "山西吕梁临县碛口镇",
                "山西吕梁临县碛口镇",
                "OK",
                "province=山西;city=吕梁;county=临县",
            ),
            (
                "北京路12号",
                "北京路12号",
                "OK",
                "match_level=5;match_score=0.50;no=12号;road=北京路",
            ),
            ("吉林市昌邑区", "吉林市昌邑区", "OK", "city=吉林市;county=昌邑区"),
            ("离石区,滨河街道", "离石区,滨河街道", "OK", "county=离石区;town=滨河街道"),
            ("033000 离石区滨河街道", "033000离石区滨河街道", "OK", "postal=033000"),
            ("临县碛口镇西湾村3组12号", "临县碛口镇西湾村3组12号", "OK", "no=12号"),
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


def bd09(lon: float, lat: float) -> tuple[float, float]:
    """The published step from GCJ-02 to BD-09."""
    k = math.pi * 3000 / 180
    size = math.hypot(lon, lat) + 0.00002 * math.sin(lat * k)
    turn = math.atan2(lat, lon) + 0.000003 * math.cos(lon * k)
    return size * math.cos(turn) + 0.0065, size * math.sin(turn) + 0.006


@given(st.lists(st.tuples(st.floats(74, 135), st.floats(18, 53)), min_size=1, max_size=50))
@settings(max_examples=20, deadline=None)
def test_positions_of_six_decimals_are_taken_back_to_a_quarter_of_a_metre(
    points: list[tuple[float, float]],
) -> None:
    shifts = {
        "gcj02": [gcj02(*p) for p in points],
        "bd09": [bd09(*gcj02(*p)) for p in points],
    }
    for crs, shifted in shifts.items():
        raws = [f"{lon:.6f},{lat:.6f}" for lon, lat in shifted]
        for (lon, lat), answer in zip(points, answers("coordinates", raws, crs=crs), strict=True):
            assert answer[1] == "OK" and answer[0] is not None
            east, north = (float(v) for v in answer[0].split(","))
            metres = math.hypot((east - lon) * math.cos(math.radians(lat)), north - lat) * 111_320
            assert metres < 0.25, (crs, lon, lat)


def test_every_full_name_of_the_register_comes_apart_as_it_was_put_together() -> None:
    path = Settings.from_environment().schemas / "samples/base/division"
    with (path / "luliang_divisions_20230630.csv").open(encoding="utf-8-sig", newline="") as lines:
        names = {row["code"]: row["name"] for row in csv.DictReader(lines)}
    parts = [
        (names[c[:6] + "0" * 6], names[c[:9] + "0" * 3], "" if c[9:] == "000" else names[c])
        for c in names
        if c[6:9] != "000"
    ]
    found = answers("address", ["吕梁市" + "".join(p) for p in parts])
    wrong = {
        "".join(p)
        for p, (_, _, detail) in zip(parts, found, strict=True)
        if tuple(dict(d.split("=") for d in detail.split(";")).get(k, "") for k in PARTS) != p
    }
    assert len(parts) > 2600
    assert not wrong


PARTS = ("county", "town", "village")
