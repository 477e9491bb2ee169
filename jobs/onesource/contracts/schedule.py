"""What a scheduler must know of the contracts: when, how often again, how long, whose, after what.

Imported by Airflow's environment, which has neither Spark nor pyarrow nor DuckDB: nothing here
may import a room that needs them. Times of day are the city's (Beijing).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, City, Contract, Kind

TIME_ZONE = "Asia/Shanghai"
# 更新周期 → when a table is looked at even when nothing arrived. The night begins at half past one,
# when the departments' own nightly exports are done. Longer cycles than a week are looked at every
# week all the same: a run that failed for good would else wait for the next year.
_CRON = {
    "实时": "*/15 * * * *",
    "每日": "30 1 * * *",
    "每周": "30 1 * * 1",
}
_SELDOM = _CRON["每周"]
# Registries follow the sectors; a sector's asset event starts them earlier. The release follows
# all of them; the contract of an open dataset may say a time of its own.
REGISTRY_CRON = "30 3 * * *"
RELEASE_CRON = "30 4 * * *"
MAINTENANCE_CRON = "30 5 * * *"
FRESHNESS_CRON = "10 * * * *"
# A feed with a field of this standardiser is read with the registry of divisions.
_DIVISION = "division"
_DIVISION_TABLES = ("registry.division", "registry.division_successor")
_SQL_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_SQL_TABLE = re.compile(r"\b(?:silver|registry|curated)\.[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class TableSchedule:
    """One table as a scheduler sees it. inputs: the served tables that it is built from."""

    id: str
    table: str
    kind: Kind
    sector: str
    name: str
    name_zh: str
    purpose: str
    cron: str
    retries: int
    retry_delay: timedelta
    timeout: timedelta
    tier: int
    owner: str
    tags: tuple[str, ...]
    cycle: str
    contract: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class GroupSchedule:
    """The tables that one DAG builds: a sector's, or the registries.

    feeds, built: its feeds, and the registry or curated tables, each in order of name. awaits:
    tables built elsewhere whose new version starts it. crons: the times of all its feeds, each
    once.
    """

    name: str
    name_zh: str
    feeds: tuple[TableSchedule, ...]
    built: tuple[TableSchedule, ...]
    awaits: tuple[str, ...]
    crons: tuple[str, ...]

    @property
    def tables(self) -> tuple[TableSchedule, ...]:
        return (*self.feeds, *self.built)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(tag for t in self.tables for tag in t.tags))

    @property
    def owner(self) -> str:
        """The steward of most of its tables; the DAG's page names each one's."""
        owners = [t.owner for t in self.tables]
        return max(sorted(set(owners)), key=owners.count)


@dataclass(frozen=True)
class ReleaseSchedule:
    """The open release: the times of all open datasets, and the most patient of their contracts."""

    crons: tuple[str, ...]
    retries: int
    retry_delay: timedelta
    timeout: timedelta


@dataclass(frozen=True)
class Schedules:
    """Everything that is scheduled from the contracts. release: None without an open dataset."""

    city: City
    sectors: tuple[GroupSchedule, ...]
    registries: GroupSchedule
    release: ReleaseSchedule | None

    @property
    def tables(self) -> dict[str, TableSchedule]:
        groups = (*self.sectors, self.registries)
        return {t.table: t for group in groups for t in group.tables}


def load_schedules(home: Path) -> Schedules:
    """Reads the contracts of the project in `home`. Raises ContractError."""
    catalogue = load_catalogue(home / "schemas", odcs=False)
    return schedules(catalogue, home)


def schedules(catalogue: Catalogue, home: Path) -> Schedules:
    """The schedules of a catalogue; `home` holds `jobs/sql/`, from which inputs are read."""
    tables = {
        name: _table(contract, catalogue, home) for name, contract in catalogue.tables.items()
    }
    by_sector: dict[str, list[TableSchedule]] = {}
    for t in tables.values():
        by_sector.setdefault(t.sector, []).append(t)
    sectors = tuple(
        _group(sector, name_zh, by_sector[sector], tables)
        for sector, name_zh in catalogue.city.sectors.items()
        if sector in by_sector
    )
    registries = [t for t in tables.values() if t.kind is Kind.REGISTRY]
    return Schedules(
        catalogue.city,
        sectors,
        _group("registries", "基础库", registries, tables, REGISTRY_CRON),
        _release(catalogue.open.values()),
    )


def _release(datasets: Collection[Contract]) -> ReleaseSchedule | None:
    if not datasets:
        return None
    said = [d.properties.schedule for d in datasets]
    return ReleaseSchedule(
        _distinct(d.properties.schedule.cron or RELEASE_CRON for d in datasets),
        max(s.retries for s in said),
        timedelta(minutes=max(s.retry_minutes for s in said)),
        timedelta(minutes=max(s.timeout_minutes for s in said)),
    )


def _group(
    name: str,
    name_zh: str,
    members: Iterable[TableSchedule],
    tables: Mapping[str, TableSchedule],
    cron: str | None = None,
) -> GroupSchedule:
    members = sorted(members, key=lambda t: t.table)
    own = {t.table for t in members}
    awaits = {i for t in members for i in t.inputs if i not in own and i in tables}
    feeds = tuple(t for t in members if t.kind is Kind.FEED)
    return GroupSchedule(
        name,
        name_zh,
        feeds,
        tuple(t for t in members if t.kind is not Kind.FEED),
        tuple(sorted(awaits)),
        (cron,) if cron else _distinct(f.cron for f in feeds) or (_SELDOM,),
    )


def _distinct(crons: Iterable[str]) -> tuple[str, ...]:
    """Each once. What the quarter hours begin, the night need not begin again."""
    found = tuple(dict.fromkeys(crons))
    return tuple(c for c in found if c not in _CRON.values() or c == _usual(found))


def _usual(crons: Iterable[str]) -> str | None:
    """Of the usual times, which lie in one another, the most frequent."""
    return next((c for c in _CRON.values() if c in crons), None)


def _table(contract: Contract, catalogue: Catalogue, home: Path) -> TableSchedule:
    p, s = contract.properties, contract.properties.schedule
    cycle = p.update_cycle or "不定期"
    tags = (contract.sector, f"tier {s.tier}", *contract.tags)
    return TableSchedule(
        id=contract.id,
        table=contract.table,
        kind=contract.kind,
        sector=contract.sector,
        name=contract.name,
        name_zh=contract.business_name,
        purpose=" ".join(contract.purpose.split()),
        cron=s.cron or _CRON.get(cycle, _SELDOM),
        retries=s.retries,
        retry_delay=timedelta(minutes=s.retry_minutes),
        timeout=timedelta(minutes=s.timeout_minutes),
        tier=s.tier,
        owner=p.steward or "onesource",
        tags=tuple(dict.fromkeys(tags)),
        cycle=cycle,
        contract=contract.path.relative_to(home).as_posix(),
        inputs=_inputs(contract, catalogue, home),
    )


def _inputs(contract: Contract, catalogue: Catalogue, home: Path) -> tuple[str, ...]:
    if contract.kind is Kind.REGISTRY:
        found = {*contract.properties.inputs, *contract.properties.optional_inputs}
    elif contract.kind is Kind.CURATED:
        sql = home / "jobs" / "sql" / contract.sector / f"{contract.name}.sql"
        found = tables_named(sql.read_text(encoding="utf-8")) if sql.exists() else set()
    elif any(f.standardiser.name == _DIVISION for f in contract.fields):
        found = {*_DIVISION_TABLES} & set(catalogue.tables)
        found = set() if contract.table in _behind(catalogue, found) else found
    else:
        found = set()
    return tuple(sorted(found - {contract.table}))


def _behind(catalogue: Catalogue, tables: set[str]) -> set[str]:
    """All tables from which these registry tables are built, at any distance."""
    registry = {c.table: c.properties for c in catalogue.registry.values()}
    found: set[str] = set()
    todo = list(tables)
    while todo:
        p = registry.get(todo.pop())
        for t in (*p.inputs, *p.optional_inputs) if p else ():
            if t not in found:
                found.add(t)
                todo.append(t)
    return found


def tables_named(sql: str) -> set[str]:
    """The tables that a SELECT names as `layer.name`, comments and texts left out.

    Read without a parser, which would cost the scheduler half a second a time; a name too many
    would only start a run that finds nothing to do.
    """
    return set(_SQL_TABLE.findall(_SQL_NOISE.sub(" ", sql)))
