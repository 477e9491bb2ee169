"""Stations of wind and sun: a file of 96 quarters of an hour a station and day."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from onesource.contracts.model import Contract
from onesource.simulate.draw import stream
from onesource.simulate.faults import Fault, Ledger

_POINTS = 96
_COLUMNS = (
    "interval_start", "irradiance_total_w_m2", "irradiance_direct_w_m2",
    "irradiance_global_w_m2", "air_temperature_c", "pressure_hpa", "humidity_percent", "power_mw",
)  # fmt: skip


@dataclass(frozen=True)
class Station:
    """A made-up station: kind (`pv`, `wind`), code, capacity in MW."""

    kind: str
    code: str
    capacity_mw: int


STATIONS = (
    Station("pv", "sim1", 50),
    Station("pv", "sim2", 20),
    Station("pv", "sim3", 100),
    Station("wind", "sim4", 49),
)


@dataclass(frozen=True)
class Point:
    """One quarter of an hour: mean power in MW and the weather, as written."""

    start: datetime
    power_mw: float
    irradiance: float
    temperature_c: float


def true_day(station: Station, day: date, seed: int) -> list[Point]:
    """The 96 points of a day: a clear sky and its clouds, or a wandering wind."""
    draw = stream(seed, "station", station.code, day)
    season = math.cos((day.timetuple().tm_yday - 172) / 365 * 2 * math.pi)
    cloud, wind = draw.uniform(0.25, 1.0), draw.uniform(0.05, 0.6)
    points = []
    for i in range(_POINTS):
        start = datetime(day.year, day.month, day.day) + timedelta(minutes=15 * i)
        hour = i / 4
        half_day = 6 + 1.3 * season
        height = math.cos((hour - 12.5) / half_day * math.pi / 2)
        sun = max(0.0, height) if abs(hour - 12.5) < half_day else 0.0
        light = round(950 * sun * (0.75 + 0.25 * season) * cloud * draw.uniform(0.92, 1.0), 1)
        wind = min(1.0, max(0.0, wind + draw.uniform(-0.06, 0.06)))
        share = light / 1000 if station.kind == "pv" else wind
        power = round(station.capacity_mw * min(share, 0.98), 4)
        warm = 10 + 14 * season + 5 * sun + draw.uniform(-1, 1)
        points.append(Point(start, power, light, round(warm, 1)))
    return points


def write_day(
    out: Path,
    feed: Contract,
    station: Station,
    day: date,
    seed: int,
    rates: Mapping[str, float],
    ledger: Ledger,
) -> list[Point]:
    """Writes a station's file of a day; returns the true points."""
    night = (day + timedelta(days=1)).isoformat()
    name = f"{station.kind}_{station.code}_{station.capacity_mw}MW_{day:%Y%m%d}_15min.csv"
    path = out / night / name
    points = true_day(station, day, seed)
    lines = [",".join(_header(feed))]
    for point in points:
        draw = stream(seed, "point", station.code, point.start)
        kind, power = _spoilt(draw, station, point, rates)
        where = Fault(
            kind or "", f"{night}/{name}", line=len(lines) + 1, key=station.code, day=str(day),
            field="power_mw", written=f"{power}", true_value=f"{point.power_mw}",
        )  # fmt: skip
        if kind:
            ledger.add(where)
        if kind != "gap":
            lines.append(_line(point, power))
        if kind == "repeated_point":
            lines.append(_line(point, power))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return points


def _spoilt(
    draw: random.Random, station: Station, point: Point, rates: Mapping[str, float]
) -> tuple[str | None, float]:
    """The fault drawn for a point, if any, and the power that is written."""
    chance = draw.random()
    for kind in ("gap", "repeated_point", "negative_night", "above_capacity"):
        chance -= rates[kind]
        if chance >= 0:
            continue
        if kind == "negative_night":
            dark = station.kind == "pv" and point.irradiance == 0
            return (
                (kind, -round(station.capacity_mw * 0.004, 4)) if dark else (None, point.power_mw)
            )
        if kind == "above_capacity":
            return kind, round(station.capacity_mw * 1.25, 4)
        return kind, point.power_mw
    return None, point.power_mw


def _line(point: Point, power: float) -> str:
    light = point.irradiance
    cells: Sequence[object] = (
        f"{point.start:%Y-%m-%d %H:%M:%S}", light, round(light * 0.8, 1), round(light * 0.9, 1),
        point.temperature_c, 905.0, 45.0, power,
    )  # fmt: skip
    return ",".join(map(str, cells))


def _header(feed: Contract) -> list[str]:
    """The headers as the station's software writes them: the first alias of each field."""
    return [feed.field(name).properties.aliases[0] for name in _COLUMNS]
