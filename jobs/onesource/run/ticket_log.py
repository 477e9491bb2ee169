"""The log of ticket events and the tickets that it makes: two tables of the registry zone.

`registry.ticket_event` is only ever added to. `registry.ticket` is folded from it: of each batch
of events only the tickets that they speak of are made again, in one merge. What a step leaves here
waits for the gate of the run's end (`ticket_gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.config import now
from onesource.lake import delta
from onesource.lake.files import locked, scratch
from onesource.lake.paths import scratch_path, table_path
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.ledger import PENDING
from onesource.run.recover import recover
from onesource.run.ticket_fold import fold
from onesource.run.ticket_upgrade import as_events, is_old
from onesource.spark.written import put

TABLE = "registry.ticket"
EVENTS = "registry.ticket_event"

# The tickets as they are → the events to add (the columns of the log but event_id, at, day, run,
# batch; those it lacks are null).
MakeEvents = Callable[[DataFrame], DataFrame]


def take_in(ctx: RunContext, batch: str, make: MakeEvents) -> bool:
    """Adds events and makes the tickets anew that they speak of; says whether there were any.

    batch: names the events of one step of a run. A crash between the two commits leaves events
    whose tickets are older; the step is then done again, and events said twice change nothing.
    Where nothing is new, nothing is written.
    """
    log_path = table_path(ctx.settings, ctx.graph.contracts[EVENTS])
    path = table_path(ctx.settings, ctx.graph.contracts[TABLE])
    with locked(ctx.settings.root("ops") / "locks" / f"{TABLE}.lock"):
        for table, place in ((EVENTS, log_path), (TABLE, path)):
            recover(ctx, table, place, ledger.state(ctx.settings, table))
            contract = ctx.graph.contracts[table]
            delta.create(ctx.spark, place, {f.name: f.spark_type for f in contract.fields})
        tickets = delta.read(ctx.spark, path, delta.latest_version(path))
        if is_old(tickets):
            tickets = _renewed(ctx, tickets, log_path, path)
        mark = f"{ctx.run}:{batch}"
        with scratch(scratch_path(ctx.settings, EVENTS, f"{ctx.run}-{batch}")) as folder:
            events = put(ctx.spark, _complete(ctx, make(tickets), mark), folder)
            if events.isEmpty():
                _record_new(ctx, log_path, path)
                return False
            log = delta.write(events.coalesce(1), log_path, mode="append")
            _record(ctx, EVENTS, log)
            touched = events.select("ticket_id").distinct()
            version = _merge(ctx, _folded(ctx, delta.read(ctx.spark, log_path, log), touched), path)
            _record(ctx, TABLE, version, delta.read(ctx.spark, path, version).count())
            return True


def _record_new(ctx: RunContext, log_path: Path, path: Path) -> None:
    """Two empty tables are served like any others from the first run on; and what a run that was
    killed left is read by this one."""
    for table, place in ((EVENTS, log_path), (TABLE, path)):
        version = delta.latest_version(place)
        state = ledger.state(ctx.settings, table)
        if version is not None and state.head != version:
            _record(ctx, table, version, 0)
        elif state.verdict == PENDING and version is not None:
            ctx.passed(table, version)


def _renewed(ctx: RunContext, old: DataFrame, log_path: Path, path: Path) -> DataFrame:
    """The tickets of an earlier release, made anew from what they say."""
    mark = f"{ctx.run}:upgrade"
    log = delta.write(_complete(ctx, as_events(old), mark), log_path, mode="append")
    _record(ctx, EVENTS, log)
    history = delta.read(ctx.spark, log_path, log)
    touched = history.where(F.col("batch") == mark).select("ticket_id").distinct()
    version = delta.write(_folded(ctx, history, touched), path, mode="overwrite")
    _record(ctx, TABLE, version)
    return delta.read(ctx.spark, path, version)


def _record(ctx: RunContext, table: str, version: int, rows: int | None = None) -> None:
    ctx.record(
        {
            "kind": "step",
            "table": table,
            "step": ctx.run,
            "verdict": PENDING,
            "version": version,
            "head": version,
            "rows": rows,
        }
    )
    ctx.passed(table, version)


def _complete(ctx: RunContext, events: DataFrame, mark: str) -> DataFrame:
    """The columns of the log; `at` is one moment for the batch."""
    at = now()
    events = events.withColumns(
        {
            "at": F.coalesce(F.col("at"), F.lit(at)) if "at" in events.columns else F.lit(at),
            "day": F.coalesce(F.col("day"), F.lit(ctx.day))
            if "day" in events.columns
            else F.lit(ctx.day),
            "run": F.lit(ctx.run),
            "batch": F.lit(mark),
        }
    )
    if "event_id" not in events.columns:
        name = F.concat_ws("|", F.lit(mark), F.col("event"), F.col("ticket_id"))
        events = events.withColumn("event_id", F.substring(F.sha2(name, 256), 1, 24))
    fields = ctx.graph.contracts[EVENTS].fields
    known = set(events.columns)
    return events.select(
        *[
            (F.col(f.name) if f.name in known else F.lit(None)).cast(f.spark_type).alias(f.name)
            for f in fields
        ]
    )


def _folded(ctx: RunContext, history: DataFrame, touched: DataFrame) -> DataFrame:
    """The rows of the tickets named in `touched`, from all their events."""
    fields = ctx.graph.contracts[TABLE].fields
    read = [n for n in history.columns if n not in ("ticket_id", "run", "batch", "who", "remark")]
    grouped = (
        history.join(F.broadcast(touched), "ticket_id", "left_semi")
        .groupBy("ticket_id")
        .agg(F.collect_list(F.struct(*read)).alias("events"))
    )
    schema = ", ".join(f"`{f.name}` {f.spark_type}" for f in fields)
    names = [f.name for f in fields]

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = [fold(r["ticket_id"], r["events"]) for r in batch.to_pylist()]
            if made:
                yield _arrow(made, names)

    return grouped.mapInArrow(rows, schema)


_ARROW = {
    "opened_on": pa.date32(),
    "assigned_on": pa.date32(),
    "due_on": pa.date32(),
    "sent_on": pa.date32(),
    "answered_on": pa.date32(),
    "closed_on": pa.date32(),
    "round": pa.int32(),
    "due_days": pa.int32(),
    "is_seen": pa.bool_(),
}


def _arrow(made: list[dict[str, Any]], names: list[str]) -> pa.RecordBatch:
    columns = [pa.array([r[n] for r in made], _ARROW.get(n, pa.string())) for n in names]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _merge(ctx: RunContext, rows: DataFrame, path: Path) -> int:
    view = f"_tickets_{now():%H%M%S%f}"
    rows.createOrReplaceTempView(view)
    try:
        return delta.merge(
            ctx.spark,
            f"MERGE INTO {delta.sql_path(path)} t USING {view} s ON t.ticket_id = s.ticket_id "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
            path,
        )
    finally:
        ctx.spark.catalog.dropTempView(view)
