"""Coordinates: degrees in many spellings and three datums, to WGS-84 `lon,lat`.

CGCS2000 and WGS-84 differ by centimetres and count as one. GCJ-02 and BD-09 are the shifted
systems of Chinese map services; their inverse is found by fixed-point iteration, which gains
three digits a step (the shift changes by less than a thousandth of a move).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from onesource.clean.standardisers.model import Argument, Request, Stage, Standardiser
from onesource.clean.standardisers.sql import cleaned, detail, flag, found, is_nothing, upper

# Krassovsky's ellipsoid, as the shift uses it.
A, EE = 6378245.0, 0.00669342162296594323
STEPS = 5
BD = math.pi * 3000.0 / 180.0
# What lies in China: longitude, latitude.
EAST, NORTH = (73.0, 136.0), (3.0, 54.0)

_NUMBER = "[-+]?[0-9]{1,8}(?:[.][0-9]+)?"
_DEGREES = (
    "[0-9]{1,3}(?:[.][0-9]+)?° ?(?:[0-9]{1,2}(?:[.][0-9]+)?′ ?)?(?:[0-9]{1,2}(?:[.][0-9]+)?″?)?"
)
_AXIS = f"([EWNS]?) ?({_DEGREES}|{_NUMBER}) ?([EWNS]?)"
PAIR = f"^{_AXIS} ?[,;/|、 ] ?{_AXIS}$"
_COMMAS = "^([-+]?[0-9]{1,3}),([0-9]+)(?: ?[;/|、] ?| |, )([-+]?[0-9]{1,3}),([0-9]+)$"


def _piece(x: str, pattern: str, group: int) -> str:
    return f"regexp_extract({x}, '{pattern}', {group})"


# 111:09:02.64, 111-09-02.64 and 111 09 02.64 are degrees, minutes, seconds.
_SIXTIES = "([0-9]{1,3})[-: ]([0-9]{1,2})[-: ]([0-9]{1,2}(?:[.][0-9]+)?)"
_SIXTIES_AXIS = f"([EWNS]?) ?{_SIXTIES} ?([EWNS]?)"
_SIXTIES_PAIR = "^({0}) ?[,;/|、 ] ?({0})$".format(re.sub(r"\((?!\?)", "(?:", _SIXTIES_AXIS))
# Two axes with nothing between them: 东经111°北纬37°, 111°E37°N, 111°09′37°31′.
_JOINED = (
    "^([EWNS][^EWNS,;/|、]*[0-9°′″]) ?[EWNS][^EWNS]*$",
    "^([^EWNS,;/|、]*[EWNS])[0-9][^EWNS]*[EWNS]$",
    "^([0-9.]+°(?:[0-9.]+′)?(?:[0-9.]+″)?)[0-9.]+°[^EWNS]*$",
)
_WORDS = (
    (
        "SRID=[0-9]+;|(?:POINT|COORDINATES|TYPE|坐标|经纬度|位置|WGS-?84|CGCS-?2000|GPS|[XY])"
        " ?[:=]|POINT|WGS-?84|CGCS-?2000",
        "",
    ),
    ("(?:东经|经度|LONGITUDE|LONG|LNG|LON|东|E)(?: ?[:=])?", "E"),
    ("(?:北纬|纬度|LATITUDE|LAT|北|N)(?: ?[:=])?", "N"),
    ("西经", "W"),
    ("南纬", "S"),
    ("E ?E", "E"),
    ("N ?N", "N"),
)


def _spelling() -> list[Stage]:
    """From `t` (and the other axis) to `u`: E111°09′03″,N37°31′ or 111.15,37.51.

    Only words that say what the numbers are may stand beside them: 约111.15,37.5 is no position.
    """
    # The quotation marks of {"lng":111.15,"lat":37.5} are no seconds.
    worded = "case when left(one, 1) in ('{', '[') then translate(one, '\"{}', '') else one end"
    for words, letter in _WORDS:
        worded = f"regexp_replace({worded}, '{words}', '{letter}')"
    marks = "translate(translate(worded, '’‘＇`分´', '′′′′′′'), '度º˚O”“\"″秒', '°°°°″″″″″')"
    for written, sign in (
        ("chr(39)", "′"),
        ("'′′'", "″"),
        ("' °'", "°"),
        ("' ′'", "′"),
        ("' ″'", "″"),
    ):
        marks = f"replace({marks}, {written}, '{sign}')"
    sixties = " || ';' || ".join(
        "{} || {} || '°' || {} || '′' || {} || '″' || {}".format(
            *(_piece(axis, f"^{_SIXTIES_AXIS}$", i) for i in range(1, 6))
        )
        for axis in ("axis1", "axis2")
    )
    joined = " ".join(
        f"when one2 rlike '{p}' then {_piece('one2', p, 1)} || ';' "
        f"|| trim(substr(one2, length({_piece('one2', p, 1)}) + 1))"
        for p in _JOINED
    )
    return [
        {
            "one": f"case when arg_lat is null then {upper('t')} "
            f"when t rlike '^[-+]?[0-9]{{1,3}},[0-9]+$' then replace(t, ',', '.') || ';' "
            f"|| {upper('arg_lat')} else {upper('t')} || ';' || {upper('arg_lat')} end",
        },
        {"worded": worded},
        {
            "lettered": f"trim(regexp_replace(translate({marks}, '()[]', ''), ' +', ' '))",
        },
        {
            "axis1": _piece("lettered", _SIXTIES_PAIR, 1),
            "axis2": _piece("lettered", _SIXTIES_PAIR, 2),
        },
        {
            "one2": f"case when axis1 <> '' then {sixties} "
            "when lettered rlike '[^-+0-9.,;/|、 °′″EWNS]' then '' else lettered end",
        },
        {
            "u": f"case when one2 rlike '{_COMMAS}' then {_piece('one2', _COMMAS, 1)} || '.' "
            f"|| {_piece('one2', _COMMAS, 2)} || ';' || {_piece('one2', _COMMAS, 3)} || '.' "
            f"|| {_piece('one2', _COMMAS, 4)} {joined} "
            "else regexp_replace(one2, ' ?, ?', ',') end",
        },
    ]


def _degrees(x: str) -> str:
    """A number, or degrees, minutes, seconds, as degrees. The last mark may be missing."""

    def number(pattern: str) -> str:
        return f"try_cast(nullif(regexp_extract({x}, '{pattern}', 1), '') as double)"

    minutes = f"coalesce({number('([0-9.]+)′')}, {number('° ?([0-9.]+)$')}, 0e0)"
    seconds = f"coalesce({number('([0-9.]+)″')}, {number('′ ?([0-9.]+)$')}, 0e0)"
    return (
        f"case when {x} rlike '°' then {number('([0-9.]+)°')} + {minutes} / 60e0 "
        f"+ {seconds} / 3600e0 else try_cast({x} as double) end"
    )


def _axes() -> list[Stage]:
    """From `u` to `lon`, `lat`, told apart by letters or by size."""
    return [
        {
            "formed": f"coalesce(u rlike '{PAIR}', false)",
            "l1": f"{_piece('u', PAIR, 1)} || {_piece('u', PAIR, 3)}",
            "n1": _piece("u", PAIR, 2),
            "l2": f"{_piece('u', PAIR, 4)} || {_piece('u', PAIR, 6)}",
            "n2": _piece("u", PAIR, 5),
        },
        {
            "d1": f"case when formed then ({_degrees('n1')}) * case when l1 in ('W', 'S') then "
            "-1 else 1 end end",
            "d2": f"case when formed then ({_degrees('n2')}) * case when l2 in ('W', 'S') then "
            "-1 else 1 end end",
        },
        {
            "lettered_swap": "l1 in ('N', 'S') and l2 in ('E', 'W', '')",
            "letters_ok": "length(l1) <= 1 and length(l2) <= 1 "
            "and not (l1 in ('E', 'W') and l2 in ('E', 'W')) "
            "and not (l1 in ('N', 'S') and l2 in ('N', 'S'))",
            "sixty": "not coalesce(n1 rlike '[°′] ?[6-9][0-9]' or n2 rlike '[°′] ?[6-9][0-9]', "
            "false)",
            "size_swap": "l1 = '' and l2 = '' "
            f"and d1 between {NORTH[0]}e0 and {NORTH[1]}e0 and d2 between {EAST[0]}e0 and "
            f"{EAST[1]}e0",
        },
        {
            "lon": "case when lettered_swap or size_swap then d2 else d1 end",
            "lat": "case when lettered_swap or size_swap then d1 else d2 end",
        },
        {
            "inside": f"coalesce(lon between {EAST[0]}e0 and {EAST[1]}e0 "
            f"and lat between {NORTH[0]}e0 and {NORTH[1]}e0, false)",
            # Metres of a zone of 6 degrees (13 to 23) or 3 (25 to 45), with or without the zone's
            # number in front; or of the web's map projection (east of 72 degrees: 8e6).
            "zone": "case when greatest(lon, lat) between 13e6 and 46e6 "
            "then cast(cast(floor(greatest(lon, lat) / 1e6) as int) as string) "
            "when greatest(lon, lat) between 8e6 and 13e6 and least(lon, lat) between 3e5 and 8e6 "
            "or (lon between 1e5 and 9e5 and lat between 4e5 and 6e6) "
            "or (lat between 1e5 and 9e5 and lon between 4e5 and 6e6) then 'unknown' end",
        },
    ]


def _shift(lon: str, lat: str) -> tuple[str, str]:
    """What GCJ-02 adds to a WGS-84 position, in degrees."""
    x, y, pi = f"({lon} - 105e0)", f"({lat} - 35e0)", f"{math.pi!r}e0"
    common = f"(20e0 * sin(6e0 * {x} * {pi}) + 20e0 * sin(2e0 * {x} * {pi})) * 2e0 / 3e0"

    def waves(z: str, low: float, high: float) -> str:
        return (
            f"(20e0 * sin({z} * {pi}) + 40e0 * sin({z} / 3e0 * {pi})) * 2e0 / 3e0 "
            f"+ ({low}e0 * sin({z} / 12e0 * {pi}) + {high}e0 * sin({z} / 30e0 * {pi})) * 2e0 / 3e0"
        )

    north = (
        f"-100e0 + 2e0 * {x} + 3e0 * {y} + 0.2e0 * {y} * {y} + 0.1e0 * {x} * {y} "
        f"+ 0.2e0 * sqrt(abs({x})) + {common} + {waves(y, 160.0, 320.0)}"
    )
    east = (
        f"300e0 + {x} + 2e0 * {y} + 0.1e0 * {x} * {x} + 0.1e0 * {x} * {y} "
        f"+ 0.1e0 * sqrt(abs({x})) + {common} + {waves(x, 150.0, 300.0)}"
    )
    radians = f"({lat} / 180e0 * {pi})"
    magic = f"(1e0 - {EE!r}e0 * sin({radians}) * sin({radians}))"
    return (
        f"({east}) * 180e0 / ({A!r}e0 / sqrt({magic}) * cos({radians}) * {pi})",
        f"({north}) * 180e0 / (({A!r}e0 * (1e0 - {EE!r}e0)) / ({magic} * sqrt({magic})) * {pi})",
    )


def _from_gcj02(lon: str, lat: str) -> list[Stage]:
    stages: list[Stage] = [{"lon_0": lon, "lat_0": lat}]
    for i in range(STEPS):
        east, north = _shift(f"lon_{i}", f"lat_{i}")
        stages.append({f"lon_{i + 1}": f"{lon} - ({east})", f"lat_{i + 1}": f"{lat} - ({north})"})
    return [*stages, {"east": f"lon_{STEPS}", "north": f"lat_{STEPS}"}]


def _from_bd09() -> list[Stage]:
    """To GCJ-02 (`g_lon`, `g_lat`): the published approximation, then two exact corrections."""
    k = f"{BD!r}e0"
    stages: list[Stage] = [
        {"bx": "in_lon - 0.0065e0", "by": "in_lat - 0.006e0"},
        {
            "bz": f"sqrt(bx * bx + by * by) - 0.00002e0 * sin(by * {k})",
            "bt": f"atan2(by, bx) - 0.000003e0 * cos(bx * {k})",
        },
        {"g_lon0": "bz * cos(bt)", "g_lat0": "bz * sin(bt)"},
    ]
    for i in range(2):
        x, y = f"g_lon{i}", f"g_lat{i}"
        stages += [
            {
                f"fz{i}": f"sqrt({x} * {x} + {y} * {y}) + 0.00002e0 * sin({y} * {k})",
                f"ft{i}": f"atan2({y}, {x}) + 0.000003e0 * cos({x} * {k})",
            },
            {
                f"g_lon{i + 1}": f"{x} + in_lon - (fz{i} * cos(ft{i}) + 0.0065e0)",
                f"g_lat{i + 1}": f"{y} + in_lat - (fz{i} * sin(ft{i}) + 0.006e0)",
            },
        ]
    return [*stages, {"g_lon": "g_lon2", "g_lat": "g_lat2"}]


def _to_wgs84(crs: str) -> list[Stage]:
    if crs == "gcj02":
        return _from_gcj02("in_lon", "in_lat")
    if crs == "bd09":
        return [*_from_bd09(), *_from_gcj02("g_lon", "g_lat")]
    return [{"east": "in_lon", "north": "in_lat"}]


# Where map services put what they cannot find in a province: its capital (their published points).
CAPITALS = {
    "北京": "116.405285,39.904989",
    "天津": "117.190182,39.125596",
    "石家庄": "114.502461,38.045474",
    "太原": "112.549248,37.857014",
    "呼和浩特": "111.670801,40.818311",
    "沈阳": "123.429096,41.796767",
    "长春": "125.324500,43.886841",
    "哈尔滨": "126.642464,45.756967",
    "上海": "121.472644,31.231706",
    "南京": "118.767413,32.041544",
    "杭州": "120.153576,30.287459",
    "合肥": "117.283042,31.861190",
    "福州": "119.306239,26.075302",
    "南昌": "115.892151,28.676493",
    "济南": "117.000923,36.675807",
    "郑州": "113.665412,34.757975",
    "武汉": "114.298572,30.584355",
    "长沙": "112.982279,28.194090",
    "广州": "113.280637,23.125178",
    "南宁": "108.320004,22.824020",
    "海口": "110.331190,20.031971",
    "重庆": "106.504962,29.533155",
    "成都": "104.065735,30.659462",
    "贵阳": "106.713478,26.578343",
    "昆明": "102.712251,25.040609",
    "拉萨": "91.132212,29.660361",
    "西安": "108.948024,34.263161",
    "兰州": "103.823557,36.058039",
    "西宁": "101.778916,36.623178",
    "银川": "106.278179,38.466373",
    "乌鲁木齐": "87.617733,43.792818",
}


def _coordinates(request: Request) -> Sequence[Stage]:
    crs = request.args.get("crs", "wgs84")
    six = "cast(cast({} as decimal(12,6)) as string)"
    return [
        *cleaned(spaces=True),
        *_spelling(),
        *_axes(),
        {"in_lon": "case when inside then lon end", "in_lat": "case when inside then lat end"},
        {"given": f"{six.format('in_lon')} || ',' || {six.format('in_lat')}"},
        # A search in a literal: a join so far behind makes the optimiser of Spark go on and on.
        {"capital": f"trim({found('given', {at: f'{n:4}' for n, at in CAPITALS.items()}, 4)})"},
        *_to_wgs84(crs),
        {
            "value": f"{six.format('east')} || ',' || {six.format('north')}",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            f"when {is_nothing()} then 'EMPTY' "
            "when not formed or not letters_ok or not sixty or lon is null or lat is null then "
            "'FMT' "
            "when (lon = 0 and lat = 0) or capital is not null then 'SUSPECT' "
            "when inside then 'OK' when zone is not null then 'PROJECTED' else 'RANGE' end",
            "detail": detail(
                unreadable="case when bad <> 'null' then bad end",
                swapped=flag("inside and size_swap"),
                dms=flag("formed and u rlike '°'"),
                decimal_comma=flag(f"one2 rlike '{_COMMAS}'"),
                zone="case when not inside then zone end",
                default_of="capital",
                crs=f"'{crs}'" if crs != "wgs84" else "cast(null as string)",
            ),
        },
    ]


CRS = ("wgs84", "cgcs2000", "gcj02", "bd09")
COORDINATES = Standardiser(
    "coordinates",
    "坐标 → WGS-84 “经度,纬度”（六位小数）：读度分秒、小数逗号，识别经纬颠倒，GCJ-02/BD-09 反算",
    "Coordinates to WGS-84 `lon,lat` with six decimals: degrees-minutes-seconds, decimal commas, "
    "swapped axes, GCJ-02 and BD-09 taken back",
    ("OK", "EMPTY", "FMT", "RANGE", "PROJECTED", "SUSPECT"),
    (
        Argument(
            "crs",
            "坐标系：wgs84（默认）、cgcs2000、gcj02、bd09",
            "datum: wgs84 (default), cgcs2000, gcj02, bd09",
            lambda v: None if v in CRS else " or ".join(CRS),
        ),
        Argument(
            "lat",
            "纬度所在字段（经纬度分两列时）",
            "the field of the latitude, where it has a column of its own",
            by_row=True,
        ),
    ),
    build=_coordinates,
)
