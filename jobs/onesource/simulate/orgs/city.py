"""`simulate_orgs`: the deliveries of organisations and land, with the truth beside them.

A process simulates one county at a time and writes its files; what is delivered for the whole
city (changes of the day, agencies, societies, mining rights, water) it hands back. Truth:
`_truth/orgs.csv` (every state), `org_rows.csv` (file, line, entity), `org_faults.csv`.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.simulate.draw import stream
from onesource.simulate.faults import Fault, write_csv
from onesource.simulate.mines import Mine
from onesource.simulate.mines import mines as coal_mines
from onesource.simulate.orgs import deliver, land
from onesource.simulate.orgs.faults import KINDS, org_rates
from onesource.simulate.orgs.files import Record, Row, Sheet, write
from onesource.simulate.orgs.life import a_day, found, settle
from onesource.simulate.orgs.model import Org, Town
from onesource.simulate.orgs.words import COUNTY_PEOPLE

TRUTH = "_truth"
PER_PERSON = 0.28 / 3.4  # organisations a resident
Found = list[tuple[str, Row]]
# Which city-wide files a county's rows go to: feed → rows by the day they speak of.
CityRows = dict[str, dict[date, Found]]


@dataclass(frozen=True)
class SimulatedOrgs:
    """What was written: organisations, files and planted faults."""

    organisations: int
    files: int
    faults: int


@dataclass
class _Call:
    """All that a process needs to simulate one county; the same for every number of processes."""

    catalogue: Catalogue
    out: Path
    county: str
    name: str
    count: int
    start: date
    nights: int
    seed: int
    rates: Mapping[str, float]
    mines: Sequence[Mine]


@dataclass
class _Done:
    county: str
    orgs: int
    files: int
    city: CityRows
    record: Record
    faults: int = 0


def simulate_orgs(
    catalogue: Catalogue,
    out: Path,
    *,
    people: int,
    nights: int,
    seed: int,
    faults: str,
    start: date,
    workers: int | None = None,
) -> SimulatedOrgs:
    """Writes below `out/<night>/`, and the truth to `out/_truth/`; clears nothing.

    The first night has the fulls as of `start`, every later one the changes of its day. The same
    call writes the same bytes for any number of workers. Raises UsageError.
    """
    if people < 1 or nights < 1:
        raise UsageError("there must be at least one person and one night")
    calls = _calls(catalogue, out, people, nights, seed, org_rates(faults), start)
    workers = workers or os.cpu_count() or 1
    if workers == 1 or people < 20_000:
        done = [_county(c) for c in calls]
    else:
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            done = list(pool.map(_county, calls))
    done.sort(key=lambda d: d.county)
    record, city_part = Record(), "city"
    files = _city_files(calls[0], done, record)
    _part(out, city_part, [], record)
    _join(out, [d.county for d in done] + [city_part])
    return SimulatedOrgs(
        sum(d.orgs for d in done),
        files + sum(d.files for d in done),
        len(record.faults) + sum(d.faults for d in done),
    )


def _calls(
    catalogue: Catalogue,
    out: Path,
    people: int,
    nights: int,
    seed: int,
    rates: Mapping[str, float],
    start: date,
) -> list[_Call]:
    counties = catalogue.city.counties
    shares = {c: COUNTY_PEOPLE.get(c, 20.0) for c in counties}
    total = sum(shares.values())
    every = coal_mines(counties, seed)
    calls = [
        _Call(
            catalogue, out, county, name,
            max(8, round(people * PER_PERSON * shares[county] / total)),
            start, nights, seed, rates, [m for m in every if m.county_code == county],
        )
        for county, name in sorted(counties.items())
    ]  # fmt: skip
    # The largest first, so that no process waits for one that began late.
    return sorted(calls, key=lambda c: (-c.count, c.county))


def _county(call: _Call) -> _Done:
    """Simulates a county through all nights and writes its own files."""
    town = Town(call.county, call.name, stream(call.seed, "organisations", call.county))
    settle(town, call.count, call.start)
    _mine_firms(town, call)
    done = _Done(call.county, 0, 0, defaultdict(lambda: defaultdict(list)), Record())
    _plant(town, call, done.record)
    writer = _Writer(call, done)
    for org in town.orgs:
        if org.feed in ("public_institution", "social_organisation"):
            done.city[org.feed][call.start].append((org.truth, deliver.registered(org)))
    for feed in ("enterprise", "rural_collective"):
        rows = [(o.truth, deliver.registered(o)) for o in town.orgs if o.feed == feed]
        writer.own(feed, call.start, rows)
    _land(town, call, writer, done)
    told: set[str] = set()
    for n in range(call.nights):
        day = call.start + timedelta(days=n)
        if n:
            for org in a_day(town, day):
                row = (org.truth, deliver.registered(org))
                done.city[f"{org.feed}@delta"][day].append(row)
        month = _month_before(day)
        if (n == 0 or day.day == 15) and month not in told:
            told.add(month)
            _months(town, call, writer, day, month)
    done.orgs = len(town.orgs)
    _part(call.out, call.county, [_state(s) for s in town.states], done.record)
    done.faults, done.record = len(done.record.faults), Record()
    done.city = {k: dict(v) for k, v in done.city.items()}
    return done


def _month_before(day: date) -> str:
    return f"{day.replace(day=1) - timedelta(days=1):%Y%m}"


def _mine_firms(town: Town, call: _Call) -> None:
    """Every mine is registered: a firm of the county owns them, each mine is a branch of it."""
    parent: Org | None = None
    for mine in call.mines:
        if parent is None:
            parent = found(town, "enterprise", date(2004, 5, 1))
            parent.name, parent.industry = f"吕梁{town.stem}样例煤业有限公司", "0610"
            parent.industry_stat = "0610"
            town.states[-1] = parent.copy()
        branch = found(town, "branch", date(2010, 3, 1))
        branch.name, branch.uscc, branch.parent = mine.name, mine.uscc, parent.uscc
        branch.industry = branch.industry_stat = "0610"
        branch.address, branch.active = f"山西省吕梁市{town.name}样例村", True
        town.states[-1] = branch.copy()


def _plant(town: Town, call: _Call, record: Record) -> None:
    """Contradictions that stand in the register itself."""
    d = stream(call.seed, "planted", call.county)
    others = [n for c, n in call.catalogue.city.counties.items() if c != call.county]
    for org in town.orgs:
        kind = field_ = written = ""
        if others and d.random() < call.rates["conflict_name_county"]:
            head = d.choice(others)
            if org.kind == "self_employed" and org.name.startswith(town.name):
                kind, field_ = "conflict_name_county", "name"
                written = org.name = head + org.name.removeprefix(town.name)
        elif d.random() < call.rates["conflict_type"] and org.kind == "enterprise":
            kind, field_, written = "conflict_type", "org_type", "B100"
            org.org_type = "B100"
        if kind:
            record.faults.append(
                Fault(kind, "", key=org.truth, field=field_, written=written, expected="ticket")
            )


class _Writer:
    """Writes a county's files of one night after another."""

    def __init__(self, call: _Call, done: _Done) -> None:
        self.call, self.done = call, done

    def own(self, feed: str, day: date, rows: Sequence[tuple[str, Row]], stamp: str = "") -> str:
        """One file of the county; returns its relative path (empty: there was nothing to say)."""
        if not rows:
            return ""
        c = self.call
        name = FILES[feed].format(county=c.county, day=stamp or f"{day:%Y%m%d}", kind="full")
        relative = f"{day + timedelta(days=1)}/{name}"
        sheet = Sheet(
            c.catalogue.feeds[f"base.{feed}"], c.out / relative, relative, rows,
            f"{c.name}{c.catalogue.feeds[f'base.{feed}'].business_name}", c.catalogue.city.counties,
        )  # fmt: skip
        write(sheet, stream(c.seed, "dirt", relative), c.rates, self.done.record)
        self.done.files += 1
        return relative


FILES = {
    "enterprise": "qiye_{kind}_{county}_{day}.csv",
    "public_institution": "机关事业单位名录_{day}.xlsx",
    "social_organisation": "shehuizuzhi_{day}.json",
    "rural_collective": "农村集体经济组织_{county}_{day}.xlsx",
    "org_tax": "shuiwu_{county}_{day}.csv",
    "power_account": "gongdian_{county}_{day}.csv",
    "water_account": "gongshui_{county}_{day}.csv",
    "stat_unit": "基本单位名录_{county}_{day}.csv",
    "mining_right": "采矿权登记_{day}.xlsx",
    "parcel": "budongchan_{county}_{day}.csv",
    "forest": "林地图斑_{county}_{day}.xlsx",
    "water_body": "shuiti_{day}.json",
}


def _months(town: Town, call: _Call, writer: _Writer, day: date, month: str) -> None:
    """Tax, electricity and water of a month, and once the statistical register of the last year."""
    said = {
        "org_tax": deliver.tax(town.orgs, month, call.seed, call.rates),
        "power_account": deliver.meters(town.orgs, month, call.seed, call.rates, "power_account"),
        "water_account": deliver.meters(town.orgs, month, call.seed, call.rates, "water_account"),
    }
    stamps = dict.fromkeys(said, month)
    if day == call.start:
        said["stat_unit"] = deliver.statistics(town.orgs, call.seed)
        stamps["stat_unit"] = str(day.year - 1)
    kinds = {"org_tax": "conflict_tax", "power_account": "conflict_power"}
    for feed, rows in said.items():
        every = list(rows)
        path = writer.own(feed, day, [(e, r) for e, r, _ in every], stamps[feed])
        writer.done.record.faults += [
            Fault(kinds[feed], path, key=e, expected=KINDS[kinds[feed]][2])
            for e, _, planted in every
            if planted
        ]


def _land(town: Town, call: _Call, writer: _Writer, done: _Done) -> None:
    writer.own("parcel", call.start, land.parcels(town, town.orgs, call.start))
    writer.own("forest", call.start, land.forests(town, town.orgs))
    done.city["mining_right"][call.start] = land.mining_rights(town, call.mines, call.start)
    done.city["water_body"][call.start] = land.waters(town, town.orgs)


def _city_files(call: _Call, done: Sequence[_Done], record: Record) -> int:
    """The files that speak for the whole city, rows in order of county."""
    rows: dict[tuple[date, str], Found] = defaultdict(list)
    for part in done:
        for feed, days in part.city.items():
            for day, rows_of_day in days.items():
                rows[day, feed] += rows_of_day
    city = call.catalogue.city
    for (day, feed), rows_of_day in sorted(rows.items()):
        name, _, delta = feed.partition("@")
        latest = dict(rows_of_day)  # of several changes of one day the last holds
        by_county: dict[str, dict[str, Row]] = defaultdict(dict)
        if delta and name == "rural_collective":
            for e, r in latest.items():
                by_county[r["county_code"]][e] = r
        else:
            by_county[city.code] = latest
        for county, each in sorted(by_county.items()):
            file = FILES[name].format(county=county, day=f"{day:%Y%m%d}", kind="delta")
            relative = f"{day + timedelta(days=1)}/{file}"
            contract = call.catalogue.feeds[f"base.{name}"]
            sheet = Sheet(
                contract, call.out / relative, relative, list(each.items()),
                f"{city.name}{contract.business_name}", city.counties,
            )  # fmt: skip
            write(sheet, stream(call.seed, "dirt", relative), call.rates, record)
    return len(rows)


def _state(o: Org) -> dict[str, object]:
    row = asdict(o)
    row["former"] = "；".join(o.former)
    row["organisation_code"] = o.organisation_code
    row["tax_no"] = o.tax_no
    return row


_STATES, _ROWS, _FAULTS = "orgs", "org_rows", "org_faults"


def _part(out: Path, part: str, states: list[dict[str, object]], record: Record) -> None:
    """Writes a county's share of the truth, so that no process holds the city's."""
    folder = out / TRUTH / "_parts"
    known = [f.name for f in fields(Org)]
    header = [*known, "organisation_code", "tax_no"]
    write_csv(folder / f"{_STATES}_{part}.csv", header, states)
    rows: list[dict[str, object]] = [{"file": f, "line": n, "entity": e} for f, n, e in record.rows]
    write_csv(folder / f"{_ROWS}_{part}.csv", ["file", "line", "entity"], rows)
    planted: list[dict[str, object]] = [asdict(f) for f in record.faults]
    write_csv(folder / f"{_FAULTS}_{part}.csv", [f.name for f in fields(Fault)], planted)


def _join(out: Path, parts: Sequence[str]) -> None:
    """Puts the shares together in order of county, under one header."""
    folder = out / TRUTH / "_parts"
    for name in (_STATES, _ROWS, _FAULTS):
        with (out / TRUTH / f"{name}.csv").open("wb") as whole:
            for i, part in enumerate(parts):
                with (folder / f"{name}_{part}.csv").open("rb") as share:
                    header = share.readline()
                    whole.write(header if i == 0 else b"")
                    shutil.copyfileobj(share, whole)
    shutil.rmtree(folder)
