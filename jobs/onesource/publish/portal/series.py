"""The numbers of a chart, taken from a dataset's rows: which line, when, how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from onesource.contracts.open_dataset import Chart
from onesource.publish.model import BuiltDataset
from onesource.publish.portal.periods import TimeAxis, time_axis
from onesource.publish.portal.words import ADDITIVE

# Beyond this, panels are too many to compare; all data are in the files.
SERIES_SHOWN = 16


@dataclass(frozen=True)
class Series:
    """One line: its name and its values by place on the time axis; None: not published."""

    name: str
    points: tuple[tuple[float, float | None], ...]

    @property
    def known(self) -> tuple[tuple[float, float], ...]:
        return tuple((at, v) for at, v in self.points if v is not None)

    @property
    def last(self) -> float | None:
        known = self.known
        return known[-1][1] if known else None


@dataclass(frozen=True)
class SeriesSet:
    """The lines of one chart. total: how many there are in the data, `series` may be fewer.
    empty: names of those without any value."""

    axis: TimeAxis
    series: tuple[Series, ...]
    total: int
    empty: tuple[str, ...]
    has_nulls: bool
    how: str


def chart_series(
    dataset: BuiltDataset, chart: Chart, places: Mapping[str, str]
) -> SeriesSet | None:
    """One series for each combination of the key columns beside time; None: nothing to draw.

    places: division code → name. Where several rows fall on one point they are added, or their
    median is taken where the unit may not be added (`how` says which, empty: neither).
    """
    assert chart.time is not None
    if chart.time in dataset.contract.key:
        split = _dimensions(dataset, {chart.time})
    else:  # rows are things or events, which are counted together by county
        split = [chart.county] if chart.county else []
    columns = {c: dataset.table.column(c).to_pylist() for c in {*split, chart.time}}
    measured = numbers(dataset.table.column(chart.measure))
    sums = _sums(dataset, columns)
    times = [t for t in columns[chart.time] if t is not None and t not in sums.get(chart.time, ())]
    if not times:
        return None
    axis = time_axis(times)
    at = {p.text: p.at for p in axis.periods}
    cells: dict[tuple[Any, ...], dict[float, list[float | None]]] = {}
    for time, value, *of in zip(
        columns[chart.time], measured, *(columns[c] for c in split), strict=True
    ):
        where = at.get(str(time))
        if where is not None:
            cells.setdefault(tuple(of), {}).setdefault(where, []).append(value)
    cells = {
        key: points
        for key, points in cells.items()
        if not any(v in sums.get(c, ()) for c, v in zip(split, key, strict=True))
    }
    merge, how = merging(dataset, chart.measure)
    several = any(len(v) > 1 for points in cells.values() for v in points.values())
    found = [
        Series(
            " · ".join(
                _text(v, c == chart.county, places) for c, v in zip(split, key, strict=True)
            ),
            tuple(sorted((t, merge(v)) for t, v in points.items())),
        )
        for key, points in cells.items()
    ]
    empty = tuple(s.name for s in found if not s.known)
    found = [s for s in found if s.known]
    if not found:
        return None
    shown = _largest(found)
    nulls = any(v is None for s in shown for _, v in s.points)
    return SeriesSet(axis, tuple(shown), len(found), empty, nulls, how if several else "")


def county_values(
    dataset: BuiltDataset, chart: Chart, counties: Mapping[str, str]
) -> list[tuple[str, str, dict[str, float | None], str]]:
    """What a map by county shows, at the latest time with any value.

    A list of (facet, time, value by county code, how several rows were merged): one facet for
    each combination of the key columns beside county and time; facet and time are empty where
    there are none. Rows of other places (such as the city) are left out.
    """
    assert chart.county is not None
    used = {chart.county} | ({chart.time} if chart.time else set())
    # Where the county is no key, rows are things that stand in it, and are merged.
    split = _dimensions(dataset, used) if chart.county in dataset.contract.key else []
    columns = {c: dataset.table.column(c).to_pylist() for c in {*split, *used}}
    measured = numbers(dataset.table.column(chart.measure))
    sums = _sums(dataset, columns)
    times = columns[chart.time] if chart.time else [""] * dataset.table.num_rows
    facets: dict[tuple[str, ...], dict[Any, dict[str, list[float | None]]]] = {}
    for code, time, value, *of in zip(
        columns[chart.county], times, measured, *(columns[c] for c in split), strict=True
    ):
        if str(code) not in counties or any(
            v in sums.get(c, ()) for c, v in zip(split, of, strict=True)
        ):
            continue
        if time is None or (chart.time and time in sums.get(chart.time, ())):
            continue
        facet = tuple(_text(v, False, {}) for v in of)
        by_county = facets.setdefault(facet, {}).setdefault(str(time), {})
        by_county.setdefault(str(code), []).append(value)
    merge, how = merging(dataset, chart.measure)
    found = []
    for facet, by_time in sorted(facets.items()):
        known = [t for t, by in by_time.items() if any(merge(v) is not None for v in by.values())]
        if not known:
            continue
        latest = time_axis(known).last.text
        rows = by_time[latest]
        several = any(len(v) > 1 for v in rows.values())
        values = {code: merge(v) for code, v in rows.items()}
        found.append((" · ".join(facet), latest, values, how if several else ""))
    return found


def numbers(column: pa.ChunkedArray[Any]) -> list[float | None]:
    """A column of any type as numbers; None for null, text and what is not finite."""
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.string()).cast(pa.float64())
    return [as_number(v) for v in column.to_pylist()]


def as_number(value: Any) -> float | None:
    """A number, or None for null, text and what is not finite."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None


def merging(dataset: BuiltDataset, measure: str) -> tuple[Any, str]:
    """How several values of one place are made one, and its Chinese name.

    A value that is not published makes the whole unknown: a sum of the rest would look complete.
    """
    additive = dataset.contract.field(measure).properties.unit in ADDITIVE

    def merge(values: Sequence[float | None]) -> float | None:
        if len(values) == 1:
            return values[0]
        known = sorted(v for v in values if v is not None)
        if len(known) < len(values) or not known:
            return None
        if additive:
            return sum(known)
        middle = len(known) // 2
        return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2

    return merge, "合计" if additive else "中位数"


def _dimensions(dataset: BuiltDataset, used: set[str]) -> list[str]:
    """Key columns beside `used` that have more than one value."""
    rest = [c for c in dataset.contract.key if c not in used]
    return [c for c in rest if len(dataset.table.column(c).unique()) > 1]


def _sums(dataset: BuiltDataset, columns: Mapping[str, list[Any]]) -> dict[str, set[Any]]:
    """Codes that are the sum of others of the same column, as the disclosure rule says them.

    Beside its parts a total would take the scale of a chart; where it stands alone it is drawn.
    """
    rule = dataset.contract.open.disclosure_rule
    found = {}
    for d in rule.dimensions if rule else ():
        values = set(columns.get(d.column, ()))
        sums = {d.total, *d.groups} & values
        sums |= {v for v in values if len(str(v)) in d.prefixes}
        found[d.column] = sums if values - sums else set()
    return found


def _largest(series: list[Series]) -> list[Series]:
    """Those shown, in the data's order: all, or those whose last values are largest."""
    if len(series) <= SERIES_SHOWN:
        return series
    by_last = sorted(series, key=lambda s: (-(s.last or 0.0), s.name))[:SERIES_SHOWN]
    return [s for s in series if s in by_last]


def _text(value: Any, is_place: bool, places: Mapping[str, str]) -> str:
    text = "（空）" if value is None else str(value)
    return places.get(text, text) if is_place else text
