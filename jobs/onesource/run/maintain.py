"""`onesource maintain`: small files put together, old ones cleared, and what a night needs checked.

A version that a kept manifest names is never touched: VACUUM keeps every file that the oldest of
them reads. Manifests older than `keep_days` go first; the newest always stays.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from onesource.config import BEIJING, Settings, now
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, Contract
from onesource.errors import OneSourceError
from onesource.ingest import landing
from onesource.lake import delta
from onesource.lake.files import locked
from onesource.lake.manifest import drop_manifest, read_manifest, served_runs
from onesource.lake.paths import bronze_path, table_path
from onesource.run import ledger
from onesource.run.engine import new_run_id
from onesource.spark.session import open_session

# As long as an analyst may ask with --run how it was. A year, and the month of the comparison.
KEEP_DAYS = 400
# More files than this in a table make reading slower than putting them together costs.
_MANY_FILES = 32
# A reader that has opened a version may read its files this long after another replaced it.
_LEAST_HOURS = 720
# A night of the demo writes some 0.1 GB; a city's, with its rebuild, some tens.
_FREE_SHARE, _FREE_BYTES = 0.05, 5 << 30
# A clock that is wrong by more puts statements into another order.
_AHEAD = timedelta(minutes=5)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Problem:
    """Something that the next night may fail on."""

    what_zh: str
    what_en: str


def maintain(settings: Settings, *, keep_days: int = KEEP_DAYS, say: Say = print) -> list[Problem]:
    """Does the upkeep of the lake; returns what a person has to look at.

    Raises OneSourceError when a table cannot be kept up.
    """
    catalogue = load_catalogue(settings.schemas)
    problems = list(_checks(settings))
    dropped = _drop_manifests(settings, keep_days)
    if dropped:
        say(f"{dropped} manifests older than {keep_days} days dropped")
    gone = sum(_clear_landing(settings, feed) for feed in catalogue.feeds.values())
    if gone:
        say(f"{gone} deliveries past their retention cleared from landing; their records stay")
    spark = open_session(settings)
    run = new_run_id()
    for feed in catalogue.feeds.values():
        _clear_bronze(spark, settings, run, feed, say)
    for table, path in _tables(settings, catalogue):
        if delta.latest_version(path) is not None:
            _keep_up(spark, settings, run, table, path, say)
    return problems


def _tables(settings: Settings, catalogue: Catalogue) -> Iterator[tuple[str, Path]]:
    for feed in catalogue.feeds.values():
        yield feed.bronze, bronze_path(settings, feed)
    for table, contract in catalogue.tables.items():
        yield table, table_path(settings, contract)


def _keep_up(
    spark: SparkSession, settings: Settings, run: str, table: str, path: Path, say: Say
) -> None:
    """Puts small files together and clears those that no kept version reads, under the table's
    lock; a table that a run left half-way is left to the next run."""
    feed_table = table.replace("bronze.", "silver.", 1)
    with locked(settings.root("ops") / "locks" / f"{feed_table}.lock"):
        state = ledger.state(settings, table)
        head = delta.latest_version(path)
        if head != state.head:
            say(f"{table}: a run ended inside its step; onesource run puts it right first")
            return
        files = len(delta.read(spark, path).inputFiles())
        if files > _MANY_FILES:
            delta.optimize(spark, path)
            say(f"{table}: {files} files put together")
        cleared = delta.vacuum(spark, path, _hours(settings, table, path))
        if cleared:
            say(f"{table}: {cleared} files that no kept version reads cleared")
        made = delta.latest_version(path)
        if made != head:
            # The rows are the same: what is served stays what it was.
            ledger.record(settings, run, {"kind": "optimized", "table": table, "head": made})


def _hours(settings: Settings, table: str, path: Path) -> int:
    """How far back files must stay: to before the commit of the oldest version that is served."""
    versions = [
        m.tables[table].version
        for m in (read_manifest(settings, run) for run in served_runs(settings))
        if table in m.tables
    ]
    current = read_manifest(settings).tables.get(table)
    if current is not None:
        versions.append(current.version)
    if not versions:
        return _LEAST_HOURS
    at = delta.committed_at(path, min(versions))
    if at is None:
        raise OneSourceError(
            f"{table}: the commit of its oldest served version {min(versions)} is gone",
            where=str(path),
            todo="nothing was cleared; see the runbook on damaged tables",
        )
    age = (now() - at).total_seconds() / 3600
    return max(_LEAST_HOURS, math.ceil(age) + 24)


def _drop_manifests(settings: Settings, keep_days: int) -> int:
    """Drops manifests that are past their time; the newest stays."""
    oldest = now() - timedelta(days=keep_days)
    gone = 0
    for run in served_runs(settings)[:-1]:
        at = read_manifest(settings, run).at
        if at and datetime.fromisoformat(at) < oldest:
            drop_manifest(settings, run)
            gone += 1
    return gone


def _clear_landing(settings: Settings, feed: Contract) -> int:
    """Clears the bytes of deliveries that are past the feed's retention and were processed."""
    days = feed.delivery.retention_days
    if days is None:
        return 0
    oldest = now() - timedelta(days=days)
    done = ledger.state(settings, feed.table).deliveries
    gone = 0
    for record in landing.records(settings, feed):
        outcome = done.get(record.delivery_id, {}).get("outcome")
        if outcome not in ("loaded", "superseded"):
            continue  # what waits or is held is somebody's open question
        if datetime.fromisoformat(record.received_at) < oldest:
            gone += landing.clear(settings, feed, record)
    return gone


def _clear_bronze(
    spark: SparkSession, settings: Settings, run: str, feed: Contract, say: Say
) -> None:
    """Takes the rows of deliveries past `bronze_retention_days` out of bronze, bytes and all.

    Bronze is partitioned by delivery, so its log never held a value of theirs, and the files of a
    delivery stand in one folder. Nobody is served bronze: no kept version needs them.
    """
    days = feed.delivery.bronze_retention_days
    if days is None:
        return
    path = bronze_path(settings, feed)
    with locked(settings.root("ops") / "locks" / f"{feed.table}.lock"):
        state = ledger.state(settings, feed.bronze)
        if state.head is None or delta.latest_version(path) != state.head:
            return  # a run ended inside its step: the next one puts it right first
        done = ledger.state(settings, feed.table).deliveries
        oldest = now() - timedelta(days=days)
        gone = [
            r.delivery_id
            for r in landing.records(settings, feed)
            if state.deliveries.get(r.delivery_id, {}).get("outcome") == "read"
            and done.get(r.delivery_id, {}).get("outcome") in ("loaded", "superseded")
            and datetime.fromisoformat(r.received_at) < oldest
        ]
        # Also what an upkeep that died left behind.
        past = [d for d, e in state.deliveries.items() if e.get("outcome") == ledger.EXPIRED]
        if gone:
            version = delta.delete_partitions(spark, path, "_delivery_id", gone)
            entries = [{"id": d, "outcome": ledger.EXPIRED} for d in gone]
            ledger.record(
                settings,
                run,
                {"kind": "expired", "table": feed.bronze, "head": version, "deliveries": entries},
            )
            say(f"{feed.bronze}: {len(gone)} deliveries past their retention cleared")
        for delivery in (*past, *gone):
            shutil.rmtree(path / f"_delivery_id={delivery}", ignore_errors=True)


def _checks(settings: Settings) -> Iterator[Problem]:
    """Room on the disks, and a clock that goes right."""
    for root in sorted({settings.lake, settings.open, *settings.roots.values()}):
        place = _existing(root)
        usage = shutil.disk_usage(place)
        if usage.free < max(usage.total * _FREE_SHARE, _FREE_BYTES):
            free = usage.free / (1 << 30)
            yield Problem(f"{root} 所在磁盘只剩 {free:.1f} GB", f"{root}: {free:.1f} GB are free")
    last = _last_moment(settings)
    if last is not None and last > now() + _AHEAD:
        yield Problem(
            f"系统时钟早于已有记录（{last.astimezone(BEIJING):%Y-%m-%d %H:%M}）",
            f"the clock is behind what is on record ({last.isoformat()})",
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _last_moment(settings: Settings) -> datetime | None:
    moments = [s.at for s in ledger.states(settings).values() if s.at]
    served = read_manifest(settings).at
    found = [datetime.fromisoformat(at) for at in (*moments, *([served] if served else []))]
    return max(found, default=None)
