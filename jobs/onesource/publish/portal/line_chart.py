"""The measure over time: one panel for few lines, small panels on one scale for many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from onesource.publish.portal.periods import TimeAxis
from onesource.publish.portal.series import Series, SeriesSet
from onesource.publish.portal.words import number, scaled_unit

LINES_IN_ONE_PANEL = 4
TABLE_ROWS = 60


@dataclass(frozen=True)
class Frame:
    """Size of a panel and its margins, in SVG units."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def inner_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> int:
        return self.height - self.top - self.bottom


WIDE = Frame(760, 320, 66, 110, 16, 34)
SMALL = Frame(236, 136, 46, 32, 10, 24)  # half a date fits beside the last point


@dataclass(frozen=True)
class Mark:
    """A place in the panel and the text that stands there."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """path: SVG path data, broken at gaps. dots: points that no line reaches, and the last."""

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]
    label: Mark


@dataclass(frozen=True)
class Panel:
    name: str
    alt: str
    frame: Frame
    lines: tuple[Line, ...]
    x_ticks: tuple[Mark, ...]
    y_ticks: tuple[Mark, ...]


@dataclass(frozen=True)
class LineChart:
    """panels: one, or one for each series. heads, rows: the same numbers as a
    table. series_empty: names of series without any value."""

    panels: tuple[Panel, ...]
    unit: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    rows_total: int
    series_shown: int
    series_total: int
    series_empty: tuple[str, ...]
    has_gaps: bool
    how: str


def line_chart(found: SeriesSet, unit: str) -> LineChart:
    """unit: in Chinese, of the values."""
    values = [v for s in found.series for _, v in s.known]
    divisor, scaled = scaled_unit(max(map(abs, values)), unit)
    many = len(found.series) > LINES_IN_ONE_PANEL
    frame = SMALL if many else WIDE
    ticks = nice_ticks(min(values) / divisor, max(values) / divisor, 4 if many else 5)
    groups: Sequence[Sequence[Series]] = (
        [[s] for s in found.series] if many else [list(found.series)]
    )
    panels = tuple(_panel(g, found.axis, frame, ticks, divisor, scaled) for g in groups)
    heads, rows = _table(found, divisor)
    return LineChart(
        panels=panels,
        unit=scaled,
        heads=heads,
        rows=rows[-TABLE_ROWS:],
        rows_total=len(rows),
        series_shown=len(found.series),
        series_total=found.total,
        series_empty=found.empty,
        has_gaps=found.has_nulls,
        how=found.how,
    )


def nice_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """About `count` round numbers that enclose low and high; from 0 unless all values are far
    from it (above two thirds of the largest), where 0 would hide the course."""
    if 0 <= low <= high * 2 / 3 or low == high >= 0:
        low = 0.0
    if high <= 0 and low == high:
        high = 0.0
    span = (high - low) or 1.0
    raw = span / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(i * step for i in range(first, max(last, first + 1) + 1))


def _panel(
    series: Sequence[Series],
    axis: TimeAxis,
    frame: Frame,
    ticks: tuple[float, ...],
    divisor: float,
    unit: str,
) -> Panel:
    span = (axis.last.at - axis.first.at) or 1.0

    def x(at: float) -> float:
        share = (at - axis.first.at) / span if len(axis.periods) > 1 else 0.5
        return round(frame.left + share * frame.inner_width, 1)

    def y(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return round(frame.top + (1 - share) * frame.inner_height, 1)

    lines = []
    for s in series:
        runs = [[(x(at), y(v / divisor)) for at, v in run] for run in _runs(s, axis)]
        path = "".join(_path(_thinned(run)) for run in runs if len(run) > 1)
        end = runs[-1][-1]
        alone = tuple(run[0] for run in runs if len(run) == 1)
        lines.append(Line(s.name, path, (*alone, end), Mark(end[0], end[1], s.name)))
    decimals = _decimals(ticks)
    return Panel(
        name=series[0].name if len(series) == 1 else "",
        alt="；".join(_alt(s, axis, divisor, unit) for s in series),
        frame=frame,
        lines=tuple(_apart(lines, frame)),
        x_ticks=_x_ticks(axis, frame, x),
        y_ticks=tuple(Mark(frame.left, y(t), number(t, decimals)) for t in ticks),
    )


def _x_ticks(axis: TimeAxis, frame: Frame, x: object) -> tuple[Mark, ...]:
    assert callable(x)
    ticks = axis.ticks(3 if frame is SMALL else 8)
    return tuple(Mark(x(t.at), frame.height - frame.bottom, t.text) for t in ticks)


def _runs(series: Series, axis: TimeAxis) -> list[list[tuple[float, float]]]:
    """The known points in unbroken runs: a null or a missing period breaks the line."""
    runs: list[list[tuple[float, float]]] = []
    before: float | None = None
    for at, value in series.points:
        if value is None:
            before = None
            continue
        if before is not None and axis.follows(before, at):
            runs[-1].append((at, value))
        else:
            runs.append([(at, value)])
        before = at
    return runs


def _thinned(run: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most four points for each unit of width: first, lowest, highest, last."""
    if len(run) < 1200:
        return run
    columns: dict[int, list[tuple[float, float]]] = {}
    for point in run:
        columns.setdefault(int(point[0]), []).append(point)
    kept = []
    for points in columns.values():
        by_y = sorted(points, key=lambda p: p[1])
        kept += sorted({points[0], by_y[0], by_y[-1], points[-1]})
    return kept


def _path(run: list[tuple[float, float]]) -> str:
    first, *rest = run
    return f"M{first[0]:g} {first[1]:g}" + "".join(f"L{x:g} {y:g}" for x, y in rest)


def _apart(lines: list[Line], frame: Frame) -> list[Line]:
    """Moves the labels at the ends of the lines so far apart that none covers another."""
    if len(lines) < 2:
        return lines
    order = sorted(range(len(lines)), key=lambda i: lines[i].label.y)
    lowest = float(frame.top)
    placed: dict[int, float] = {}
    for i in order:
        lowest = max(lines[i].label.y, lowest)
        placed[i] = lowest
        lowest += 18
    over = lowest - 18 - (frame.height - frame.bottom)
    # Labels sit at the right edge, also those of lines that end earlier.
    x = frame.width - frame.right
    return [
        Line(li.name, li.path, li.dots, Mark(x, round(placed[i] - max(over, 0), 1), li.name))
        for i, li in enumerate(lines)
    ]


def _decimals(ticks: Sequence[float]) -> int:
    step = ticks[1] - ticks[0]
    return next((d for d in range(8) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 8)


def _alt(series: Series, axis: TimeAxis, divisor: float, unit: str) -> str:
    text_at = {p.at: p.text for p in axis.periods}
    known = series.known
    low, high = min(known, key=lambda p: p[1]), max(known, key=lambda p: p[1])

    def said(point: tuple[float, float]) -> str:
        return f"{text_at[point[0]]} {number(point[1] / divisor)} {unit}".strip()

    name = f"{series.name}：" if series.name else ""
    return (
        f"{name}{text_at[known[0][0]]} 至 {text_at[known[-1][0]]}，"
        f"最低 {said(low)}，最高 {said(high)}，最近 {said(known[-1])}"
    )


def _table(found: SeriesSet, divisor: float) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    values = [dict(s.points) for s in found.series]
    heads = tuple(s.name for s in found.series)
    rows = []
    for p in found.axis.periods:
        cells = [v.get(p.at) for v in values]
        rows.append((p.text, *("" if c is None else _exact(c / divisor) for c in cells)))
    return heads, tuple(rows)


def _exact(value: float) -> str:
    """For the table: in the chart's unit. A figure in 元 of eleven digits would look like a
    telephone number, to people and to the leak gate."""
    return number(value, 3 if abs(value) >= 1 else 6)
