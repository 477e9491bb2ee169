"""Where the rows of a dataset are: points on a graticule, without any boundary or background."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from onesource.publish.model import BuiltDataset
from onesource.publish.portal.line_chart import Mark
from onesource.publish.portal.series import as_number
from onesource.publish.portal.words import number

# More points than these cover each other: they are counted in cells instead.
POINTS_SHOWN = 400
CELLS = 28
WIDTH, LEFT, TOP, BOTTOM, RIGHT = 640, 62, 14, 52, 20
KM_PER_DEGREE = 111.32


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    r: float
    text: str


@dataclass(frozen=True)
class PointMap:
    """counted: dots stand for several points. bar_px, bar_km: the scale bar."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    x_ticks: tuple[Mark, ...]
    y_ticks: tuple[Mark, ...]
    dots: tuple[Dot, ...]
    counted: bool
    shown: int
    missing: int
    bar_px: float
    bar_km: str
    alt: str
    by_county: tuple[tuple[str, int], ...]


def point_map(dataset: BuiltDataset, counties: Mapping[str, str]) -> PointMap | None:
    """None where no row has a place. Longitude is narrowed by the cosine of the middle latitude,
    so that distances are right in both directions to about 1 % over a city."""
    place = dataset.contract.open.place
    assert place is not None
    x = dataset.table.column(place.longitude).to_pylist()
    y = dataset.table.column(place.latitude).to_pylist()
    names = _names(dataset)
    points = [
        (lon, lat, name)
        for lon, lat, name in zip(map(as_number, x), map(as_number, y), names, strict=True)
        if lon is not None and lat is not None
    ]
    if not points:
        return None
    west, east = _padded([p[0] for p in points])
    south, north = _padded([p[1] for p in points])
    narrow = max(math.cos(math.radians((south + north) / 2)), 0.05)
    inner = WIDTH - LEFT - RIGHT
    scale = min(inner / ((east - west) * narrow), 520 / (north - south))
    # A narrow strip stands in the middle of the frame.
    shift = (inner - (east - west) * narrow * scale) / 2
    height = round((north - south) * scale) + TOP + BOTTOM

    def at_x(lon: float) -> float:
        return round(LEFT + shift + (lon - west) * narrow * scale, 1)

    def at_y(lat: float) -> float:
        return round(TOP + (north - lat) * scale, 1)

    dots = [(at_x(lon), at_y(lat), name) for lon, lat, name in points]
    many = len(dots) > POINTS_SHOWN
    km = _bar(inner / scale * KM_PER_DEGREE)
    return PointMap(
        width=WIDTH,
        height=height,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=height - BOTTOM,
        x_ticks=tuple(Mark(at_x(t), height - BOTTOM, f"{t:g}°E") for t in _inside(west, east)),
        y_ticks=tuple(Mark(LEFT, at_y(t), f"{t:g}°N") for t in _inside(south, north)),
        dots=_counted(dots) if many else tuple(Dot(a, b, 5, n) for a, b, n in dots),
        counted=many,
        shown=len(points),
        missing=dataset.rows - len(points),
        bar_px=round(km / KM_PER_DEGREE * scale, 1),
        bar_km=number(km),
        alt=_alt(points, place.decimals),
        by_county=_by_county(dataset, counties),
    )


def _names(dataset: BuiltDataset) -> list[str]:
    """What a point is called: the first name column, else the key."""
    texts = [f.name for f in dataset.contract.fields if f.logical_type == "string"]
    named = [n for n in texts if n.endswith(("name_zh", "name")) and "county" not in n]
    columns = named[:1] or list(dataset.contract.key)
    values = [dataset.table.column(c).to_pylist() for c in columns]
    return [" ".join("" if v is None else str(v) for v in row) for row in zip(*values, strict=True)]


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = max((high - low) * 0.06, 0.02)
    return low - pad, high + pad


def _inside(low: float, high: float) -> list[float]:
    """Round degrees between the two, at most seven."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
    step = next(s for s in steps if (high - low) / s <= 6 or s == steps[-1])
    return [round(i * step, 6) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _counted(dots: list[tuple[float, float, str]]) -> tuple[Dot, ...]:
    cell = WIDTH / CELLS
    counts: dict[tuple[int, int], int] = {}
    for x, y, _ in dots:
        at = (int(x // cell), int(y // cell))
        counts[at] = counts.get(at, 0) + 1
    most = max(counts.values())
    return tuple(
        Dot(
            round((i + 0.5) * cell, 1),
            round((j + 0.5) * cell, 1),
            round(max(2.0, cell * 0.6 * math.sqrt(n / most)), 1),
            f"{n} 个",
        )
        for (i, j), n in sorted(counts.items())
    )


def _bar(across_km: float) -> float:
    return next((k for k in (200, 100, 50, 20, 10, 5, 2, 1) if k <= across_km / 4), 0.5)


def _alt(points: list[tuple[float, float, str]], decimals: int) -> str:
    east = [p[0] for p in points]
    north = [p[1] for p in points]
    d = min(decimals, 2)
    return (
        f"{len(points)} 个点，东经 {min(east):.{d}f}°–{max(east):.{d}f}°，"
        f"北纬 {min(north):.{d}f}°–{max(north):.{d}f}°"
    )


def _by_county(dataset: BuiltDataset, counties: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """County name and number of rows, where a column says the county; the most first."""
    chart = dataset.contract.open.chart
    column = (chart and chart.county) or "county_code"
    if column not in dataset.table.column_names:
        return ()
    counts: dict[str, int] = {}
    for code in dataset.table.column(column).to_pylist():
        if str(code) in counties:
            counts[counties[str(code)]] = counts.get(counties[str(code)], 0) + 1
    return tuple(sorted(counts.items(), key=lambda c: (-c[1], c[0])))
