"""Charts and maps of the portal: places on the axis, gaps, classes, tiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onesource.errors import ContractError
from onesource.publish.portal.line_chart import line_chart, nice_ticks
from onesource.publish.portal.periods import time_axis
from onesource.publish.portal.point_map import point_map
from onesource.publish.portal.series import chart_series, county_values
from onesource.publish.portal.tile_grid import load_tile_grid, tiles_of
from onesource.publish.portal.tile_map import tile_map
from onesource.publish.portal.words import beijing, number, scaled_unit, size
from tests.browser.open_data import COUNTIES, HOME, built, column, contract, decimal

finite = st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-6)


@given(finite, finite, st.integers(2, 8))
def test_ticks_enclose_the_values_and_are_few(a: float, b: float, count: int) -> None:
    low, high = sorted((a, b))
    ticks = nice_ticks(low, high, count)
    slack = abs(ticks[1] - ticks[0]) * 1e-6
    assert ticks[0] <= low + slack and ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 2 * count + 2


@pytest.mark.parametrize(
    ("values", "unit", "first"),
    [
        (["2001", "2003", "2002"], "year", "2001"),
        ([2001, 2002], "year", "2001"),
        (["2024-12", "2025-01"], "month", "2024-12"),
        (["2024Q4", "2025-Q1"], "quarter", "2024Q4"),
        (["2024-02-29", "2024-03-01"], "day", "2024-02-29"),
        (["2024-02-29T08:00:00+08:00", "2024-02-29T09:00:00+08:00"], "moment", None),
        (["甲", "乙"], "order", "乙"),
        (["2024", "2024-05"], "order", "2024"),
        (["2024-13", "2024-01"], "order", "2024-01"),
    ],
)
def test_a_time_column_is_read_as_what_it_holds(
    values: list[object], unit: str, first: str | None
) -> None:
    axis = time_axis(values)
    assert axis.unit == unit
    assert first is None or axis.first.text == first


@given(st.lists(st.dates(), min_size=1, max_size=30), st.integers(2, 9))
def test_time_ticks_lie_on_the_axis_and_fit(days: list[object], count: int) -> None:
    axis = time_axis(days)
    ticks = axis.ticks(count)
    assert 1 <= len(ticks) <= count + 1
    # A tick at the beginning of a month may stand before the first day of that month only.
    assert all(t.at <= axis.last.at for t in ticks)
    assert all(t.at >= axis.first.at for t in ticks)


def small(rows: list[list[object]], **chart: str):  # type: ignore[no-untyped-def]
    columns = [
        column("county_code", "县", key=True),
        column("month", "月份", key=True),
        column("v", "数值", "number", unit="t"),
    ]
    said = {"measure": "v", "time": "month", "county": "county_code", **chart}
    made = contract("small", "小", "Small", columns, chart=said)
    return built(Path(), made, rows, files=False), made.open.chart


@pytest.mark.parametrize("times", [("2024-01", "2024-02"), ("2024-02-27", "2024-02-28")])
def test_the_text_of_every_tick_is_within_its_panel(times: tuple[str, str]) -> None:
    many = [[c, t, decimal(1)] for c in COUNTIES for t in times]
    found = chart_series(*small(many), COUNTIES)
    assert found is not None
    drawn = line_chart(found, "吨")
    assert len(drawn.panels) > 1
    for panel in drawn.panels:
        for tick in panel.x_ticks:
            half = len(tick.text) * 6.5 / 2  # a digit of 11.5 px, as `.small .tick` says
            assert half <= tick.x <= panel.frame.width - half


def test_a_line_breaks_where_a_value_is_null_and_where_a_period_is_missing() -> None:
    values = {"2025-01": 1, "2025-02": 2, "2025-03": None, "2025-04": 3, "2025-05": 4}
    # June is missing altogether.
    values |= {"2025-07": 5, "2025-08": 6}
    rows = [["141102", m, None if v is None else decimal(v)] for m, v in values.items()]
    dataset, chart = small(rows)
    found = chart_series(dataset, chart, COUNTIES)
    assert found is not None
    drawn = line_chart(found, "吨")
    assert drawn.panels[0].lines[0].path.count("M") == 3
    assert drawn.has_gaps
    assert drawn.rows[2] == ("2025-03", "")


def test_a_series_without_any_value_is_named_and_not_drawn() -> None:
    rows = [["141102", "2025-01", decimal(1)], ["141121", "2025-01", None]]
    dataset, chart = small(rows)
    found = chart_series(dataset, chart, COUNTIES)
    assert found is not None
    assert ([s.name for s in found.series], found.empty) == (["离石区"], ("文水县",))


def test_a_map_shows_the_latest_period_and_leaves_out_the_city() -> None:
    rows = [
        ["141100", "2025-02", decimal(9)],
        ["141102", "2025-01", decimal(1)],
        ["141102", "2025-02", decimal(2)],
        ["141121", "2025-02", None],
    ]
    dataset, chart = small(rows)
    assert county_values(dataset, chart, COUNTIES) == [
        ("", "2025-02", {"141102": 2.0, "141121": None}, "")
    ]


def test_things_of_a_county_are_added_but_not_when_one_of_them_is_unknown() -> None:
    columns = [
        column("id", "编号", key=True),
        column("county_code", "县"),
        column("capacity", "产能", "number", unit="Mt/a"),
    ]
    said = {"measure": "capacity", "county": "county_code"}
    made = contract("mines", "矿", "Mines", columns, chart=said)
    rows = [
        ["1", "141102", decimal(1)],
        ["2", "141102", decimal(2)],
        ["3", "141121", decimal(4)],
        ["4", "141121", None],
    ]
    dataset = built(Path(), made, rows, files=False)
    assert made.open.chart is not None
    assert county_values(dataset, made.open.chart, COUNTIES) == [
        ("", "", {"141102": 3.0, "141121": None}, "合计")
    ]


def test_equal_values_have_one_shade_and_the_largest_the_darkest() -> None:
    values = {code: float(i // 2) for i, code in enumerate(COUNTIES)}
    drawn = tile_map(values, COUNTIES, {}, "吨")
    shade = {t.code: t.shade for t in drawn.tiles}
    for a in COUNTIES:
        for b in COUNTIES:
            if values[a] == values[b]:
                assert shade[a] == shade[b]
            elif values[a] < values[b]:
                assert shade[a] <= shade[b]  # type: ignore[operator]
    assert shade["141182"] == 4


def test_the_tiles_of_the_city_keep_the_counties_relative_places() -> None:
    """Neighbours and directions of the real map."""
    tiles = load_tile_grid(HOME / "schemas" / "tile_grid.csv")
    assert set(tiles) == set(COUNTIES)
    west_east = [("141125", "141102"), ("141126", "141130"), ("141124", "141128")]
    assert all(tiles[a].column < tiles[b].column for a, b in west_east)
    north_south = [("141123", "141128"), ("141102", "141129"), ("141182", "141181")]
    assert all(tiles[a].row < tiles[b].row for a, b in north_south)


@given(st.sets(st.integers(100000, 999999).map(str), min_size=1, max_size=60))
def test_another_city_gets_one_tile_for_each_county(codes: set[str]) -> None:
    tiles = tiles_of(codes, {})
    assert set(tiles) == codes
    assert len(set(tiles.values())) == len(codes)
    assert max(t.column for t in tiles.values()) < 6


@pytest.mark.parametrize("row", ["1,0,1", "1,x,1", ",1,1", "1,1", "1,1,1\n2,1,1", "1,1,1\n1,2,2"])
def test_a_tile_grid_that_is_not_valid_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "tile_grid.csv"
    path.write_text(f"# note\ncode,row,column\n{row}\n", encoding="utf-8")
    with pytest.raises(ContractError, match="tile map"):
        load_tile_grid(path)


def points(count: int):  # type: ignore[no-untyped-def]
    columns = [
        column("id", "编号", key=True),
        column("lon", "经度", "number"),
        column("lat", "纬度", "number"),
    ]
    place = {"longitude": "lon", "latitude": "lat", "decimals": 3}
    made = contract("points", "点", "Points", columns, place=place)
    rows = [[f"{i}", decimal(111 + i % 37 / 20), decimal(37 + i % 23 / 20)] for i in range(count)]
    return point_map(built(Path(), made, rows, files=False), COUNTIES)


@pytest.mark.parametrize("count", [1, 2, 400, 5000])
def test_points_stand_inside_the_frame_and_many_are_counted(count: int) -> None:
    drawn = points(count)
    assert drawn is not None
    assert drawn.shown == count and drawn.counted == (count > 400)
    assert len(drawn.dots) <= max(count if count <= 400 else 0, 28 * 28)
    for dot in drawn.dots:
        assert drawn.left - 12 <= dot.x <= drawn.right + 12
        assert drawn.top - 12 <= dot.y <= drawn.bottom + 12
    assert drawn.x_ticks and drawn.y_ticks


@pytest.mark.parametrize(
    ("largest", "unit", "shown"),
    [
        (3_398_431, "人", (1e4, "万人")),
        (9_999, "吨", (1.0, "吨")),
        (2.5e9, "元", (1e8, "亿元")),
        (2.5e6, "万人", (1.0, "万人")),
        (2.5e6, "%", (1.0, "%")),
        (2.5e6, "Mst", (1.0, "Mst")),
    ],
)
def test_large_figures_are_said_in_wan_and_yi(
    largest: float, unit: str, shown: tuple[float, str]
) -> None:
    assert scaled_unit(largest, unit) == shown


def test_numbers_sizes_and_times_are_said_as_people_read_them() -> None:
    assert [number(v) for v in (0, 12345.6, 123.456, 1.5, 0.0012, -0.0)] == [
        *("0", "12,346", "123.5", "1.5", "0.0012", "0")
    ]
    assert [size(v) for v in (0, 1023, 1536, 5 << 20)] == ["0 B", "1023 B", "1.5 KB", "5.0 MB"]
    assert beijing("2026-11-23T18:05:00+00:00") == "2026-11-24 02:05"
    assert beijing("2026-11-23") == "2026-11-23"
    assert beijing("never") == "never"
