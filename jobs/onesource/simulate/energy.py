"""`onesource simulate --only energy`: a city's coal and its stations, night by night.

What is written below the folder:

* `<night>/…`: what is handed in that night; the report of a day comes the night after;
* `_truth/mines.csv`, `coal_daily.csv`, `renewable_day.csv`: what is true, and for every mine and
  day what must stand in silver when everything was handed in (`state`, `served_output_t`);
* `_truth/faults.csv`: every planted fault by file and line, and what must become of it;
* `_truth/simulation.json`: how it was called.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.simulate import mine_list, renewable
from onesource.simulate.coal import Season
from onesource.simulate.faults import Ledger, rates, write_csv
from onesource.simulate.mines import Day, Mine, history, mines

# The first simulated day: a month's end lies inside every simulation of three weeks or more.
DEFAULT_START = date(2024, 1, 20)
TRUTH = "_truth"


@dataclass(frozen=True)
class Simulated:
    """What was written: the nights' folders in order, files, mines and planted faults."""

    out: Path
    nights: tuple[Path, ...]
    files: int
    mines: int
    faults: int


def simulate_energy(
    catalogue: Catalogue,
    out: Path,
    *,
    nights: int,
    seed: int,
    faults: str = "real",
    start: date = DEFAULT_START,
) -> Simulated:
    """Writes `nights` days of deliveries and the truth; the same call writes the same bytes.

    `faults` is a profile (`none`, `light`, `real`, `heavy`) or a YAML file of rates. Raises
    UsageError when an argument is out of range, or when `out` holds something that is no
    simulation.
    """
    if nights < 1:
        raise UsageError("there must be at least one night", todo="say --nights 1 or more")
    chance = rates(faults)
    empty(out)
    last = start + timedelta(days=nights - 1)
    ledger = Ledger()
    every = mines(catalogue.city.counties, seed)
    days = {m.mine_id: history(m, start, last, seed) for m in every}
    first_night = (start + timedelta(days=1)).isoformat()
    list_feed = catalogue.feeds["energy.coal_mine"]
    mine_list.write(out, first_night, list_feed, every, seed, chance, ledger)
    season = Season(out, seed, chance, last, ledger)
    season.write(_reports(every, days))
    stations = _stations(catalogue, out, start, nights, seed, chance, ledger)
    _truth(out, every, season, stations, ledger)
    call = {"only": "energy", "nights": nights, "seed": seed, "faults": faults,
            "start": start.isoformat(), "synthetic": True}  # fmt: skip
    text = json.dumps(call, ensure_ascii=False, indent=1, sort_keys=True)
    (out / TRUTH / "simulation.json").write_text(text + "\n", encoding="utf-8")
    folders = tuple(sorted(p for p in out.iterdir() if p.is_dir() and p.name != TRUTH))
    files = sum(1 for folder in folders for _ in folder.iterdir())
    return Simulated(out, folders, files, len(every), len(ledger.faults))


def empty(out: Path) -> None:
    """Empties a folder of an earlier simulation. Raises UsageError for any other full folder."""
    if out.exists() and not out.is_dir():
        raise UsageError("is no folder", where=str(out))
    if out.is_dir() and any(out.iterdir()):
        if not (out / TRUTH).is_dir():
            raise UsageError(
                "holds something that is no simulation", where=str(out), todo="name another folder"
            )
        for entry in out.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (out / TRUTH).mkdir(parents=True, exist_ok=True)


def _reports(
    every: Sequence[Mine], days: dict[str, list[Day]]
) -> dict[tuple[str, date], list[Day]]:
    reports: dict[tuple[str, date], list[Day]] = defaultdict(list)
    for mine in every:
        for day in days[mine.mine_id]:
            reports[mine.county_code, day.day].append(day)
    return dict(reports)


def _stations(
    catalogue: Catalogue,
    out: Path,
    start: date,
    nights: int,
    seed: int,
    chance: dict[str, float],
    ledger: Ledger,
) -> list[dict[str, object]]:
    """Writes the stations' files; returns the true energy of every station and day."""
    feed = catalogue.feeds["energy.renewable_output"]
    rows: list[dict[str, object]] = []
    for station in renewable.STATIONS:
        for n in range(nights):
            day = start + timedelta(days=n)
            points = renewable.write_day(out, feed, station, day, seed, chance, ledger)
            power = [p.power_mw for p in points]
            rows.append(
                {
                    "station_id": station.code,
                    "energy_kind": station.kind,
                    "day": day.isoformat(),
                    "energy_mwh": round(sum(power) * 0.25, 4),
                    "peak_mw": max(power),
                }
            )
    return rows


def _truth(
    out: Path,
    every: Sequence[Mine],
    season: Season,
    stations: list[dict[str, object]],
    ledger: Ledger,
) -> None:
    truth = out / TRUTH
    known: list[dict[str, object]] = [
        {
            "mine_id": m.mine_id,
            "mine_uscc": m.uscc,
            "mine_name": m.name,
            "county_code": m.county_code,
            "capacity_t_per_year": m.capacity_t,
            "plan_month_t": m.plan_month_t,
            "longitude": m.longitude,
            "latitude": m.latitude,
            "over_producer": m.pace > 1,
        }
        for m in every
    ]
    write_csv(truth / "mines.csv", list(known[0]), known)
    daily: list[dict[str, object]] = [
        {
            "report_date": day.isoformat(),
            "county_code": county,
            "mine_uscc": o.day.mine.uscc,
            "output_day_t": o.day.output_t,
            "output_month_t": o.day.month_t,
            "output_year_t": o.day.year_t,
            "state": o.state,
            "served_output_t": o.output_t,
        }
        for (county, day), outcomes in sorted(season.outcomes.items())
        for o in outcomes
    ]
    write_csv(truth / "coal_daily.csv", list(daily[0]), daily)
    write_csv(truth / "renewable_day.csv", list(stations[0]), stations)
    ledger.write(truth / "faults.csv")
