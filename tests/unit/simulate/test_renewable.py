"""Simulated stations: light by day, wind at any time, 96 points, faults by line."""

from __future__ import annotations

from datetime import date

from onesource.contracts.model import Catalogue
from onesource.simulate.energy import Simulated
from onesource.simulate.renewable import STATIONS, true_day
from tests.unit.simulate.test_energy import _truth


def test_a_photovoltaic_station_has_no_power_at_night_and_none_above_its_capacity() -> None:
    for station in STATIONS:
        points = true_day(station, date(2024, 6, 21), seed=1)
        assert len(points) == 96
        assert all(0 <= p.power_mw <= station.capacity_mw for p in points)
        if station.kind == "pv":
            assert points[8].power_mw == 0  # 02:00
            assert max(p.power_mw for p in points) == max(p.power_mw for p in points[30:70])


def test_faults_of_stations_stand_on_the_line_that_the_ledger_names(heavy: Simulated) -> None:
    negatives = [f for f in _truth(heavy, "faults.csv") if f["kind"] == "negative_night"]
    assert negatives
    for fault in negatives:
        line = (heavy.out / fault["file"]).read_text("utf-8").splitlines()[int(fault["line"]) - 1]
        assert line.endswith(fault["written"])


def test_headers_are_those_of_the_contract(own_catalogue: Catalogue, heavy: Simulated) -> None:
    feed = own_catalogue.feeds["energy.renewable_output"]
    file = next(heavy.out.rglob("pv_sim1_*.csv"))
    header = file.read_text("utf-8").splitlines()[0].split(",")
    known = {a for f in feed.fields for a in f.headers}
    assert set(header) <= known
