"""Coordinates: degrees in many spellings and three datums, to WGS-84 `lon,lat`.

CGCS2000 and WGS-84 differ by centimetres and count as one. GCJ-02 and BD-09 are the shifted
systems of Chinese map services; their inverse is found by fixed-point iteration, which gains
three digits a step (the shift changes by less than a thousandth of a move).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from onesource.clean.standardisers.model import Argument, Request, Stage, Standardiser
from onesource.clean.standardisers.sql import cleaned, detail, flag, is_nothing, upper

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


def _spelling() -> list[Stage]:
    """From `t` (and the other axis) to `u`: E111°09′03″,N37°31′ or 111.15,37.51."""
    worded = upper("t")
    for words, letter in (
        ("POINT|SRID=[0-9]+;", ""),
        ("东经|经度|LONGITUDE|LNG|LON|东", "E"),
        ("北纬|纬度|LATITUDE|LAT|北", "N"),
        ("西经", "W"),
    ):
        worded = f"regexp_replace({worded}, '{words}', '{letter}')"
    marks = "translate(translate(worded, '’‘＇`分´', '′′′′′′'), '度º˚O”“\"″秒', '°°°°″″″″″')"
    for written, sign in (("chr(39)", "′"), ("'′′'", "″")):
        marks = f"replace({marks}, {written}, '{sign}')"
    return [
        {"worded": worded},
        {"lettered": f"regexp_replace({marks}, '[^-+0-9.,;/|、 °′″EWNS]', '')"},
        {
            "one": "trim(regexp_replace(case when arg_lat is null then lettered "
            "when lettered rlike '^[-+]?[0-9]{1,3},[0-9]+$' then replace(lettered, ',', '.') "
            "|| ';' || arg_lat else lettered || ';' || arg_lat end, ' +', ' '))",
        },
        {
            "u": f"case when one rlike '{_COMMAS}' then {_piece('one', _COMMAS, 1)} || '.' "
            f"|| {_piece('one', _COMMAS, 2)} || ';' || {_piece('one', _COMMAS, 3)} || '.' "
            f"|| {_piece('one', _COMMAS, 4)} else regexp_replace(one, ' ?, ?', ',') end",
        },
    ]


def _degrees(x: str) -> str:
    """A number, or degrees, minutes, seconds, as degrees."""

    def before(mark: str) -> str:
        number = f"nullif(regexp_extract({x}, '([0-9.]+){mark}', 1), '')"
        return f"coalesce(try_cast({number} as double), 0e0)"

    return (
        f"case when {x} rlike '°' then {before('°')} + {before('′')} / 60e0 "
        f"+ case when {x} rlike '[0-9]″?$' then {before('″?$')} else 0e0 end / 3600e0 "
        f"else try_cast({x} as double) end"
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
            "sixty": "not coalesce(u rlike '[6-9][0-9](?:[.][0-9]+)?[′″]', false)",
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
            # Metres of a 3-degree zone, with or without the zone's number in front.
            "zone": "case when greatest(lon, lat) between 25e6 and 46e6 "
            "then cast(cast(floor(greatest(lon, lat) / 1e6) as int) as string) "
            "when (lon between 1e5 and 9e5 and lat between 4e5 and 6e6) "
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


def _coordinates(request: Request) -> Sequence[Stage]:
    crs = request.args.get("crs", "wgs84")
    six = "cast(cast({} as decimal(12,6)) as string)"
    return [
        *cleaned(spaces=True),
        *_spelling(),
        *_axes(),
        {"in_lon": "case when inside then lon end", "in_lat": "case when inside then lat end"},
        *_to_wgs84(crs),
        {
            "value": f"{six.format('east')} || ',' || {six.format('north')}",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            f"when {is_nothing()} then 'EMPTY' "
            "when not formed or not letters_ok or not sixty or lon is null or lat is null then "
            "'FMT' "
            "when lon = 0 and lat = 0 then 'SUSPECT' "
            "when inside then 'OK' when zone is not null then 'PROJECTED' else 'RANGE' end",
            "detail": detail(
                unreadable="case when bad <> 'null' then bad end",
                swapped=flag("inside and size_swap"),
                dms=flag("formed and u rlike '°'"),
                decimal_comma=flag(f"one rlike '{_COMMAS}'"),
                zone="case when not inside then zone end",
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
