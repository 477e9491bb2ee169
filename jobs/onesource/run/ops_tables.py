"""The `ops` tables as SQL: what was done, judged, read and refused, and every delivery's fate.

They are derived from the records where they stand; nothing is stored twice. Deliveries come from
landing, their outcome from the steps that took them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from onesource.config import BEIJING, Settings, now
from onesource.contracts.model import Catalogue
from onesource.lake import ops
from onesource.lake.reader import identifier, quoted
from onesource.run import ledger

if TYPE_CHECKING:
    import duckdb

DELIVERIES = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "file_name": "VARCHAR",
    "digest": "VARCHAR",
    "size": "BIGINT",
    "rows": "BIGINT",
    "received_at": "TIMESTAMPTZ",
    "statement_at": "TIMESTAMPTZ",
    "statement_from": "VARCHAR",
    "scope": "JSON",
    "control_rows": "BIGINT",
    "outcome": "VARCHAR",
    "rows_accepted": "BIGINT",
    "rows_quarantined": "BIGINT",
    "rows_superseded": "BIGINT",
    "is_conserved": "BOOLEAN",
    "reason_zh": "VARCHAR",
    "reason_en": "VARCHAR",
}
EXPECTED = {
    "feed": "VARCHAR",
    "unit": "VARCHAR",
    "unit_name": "VARCHAR",
    "period": "VARCHAR",
    "due_at": "TIMESTAMPTZ",
    "status": "VARCHAR",
    "delivery_id": "VARCHAR",
    "received_at": "TIMESTAMPTZ",
}
NAMES_ZH = {
    "ops.steps": "运行步骤",
    "ops.quality_results": "质量检查结果",
    "ops.reads": "数据查询记录",
    "ops.refusals": "拒收记录",
    "ops.ticket_events": "校核工单办理记录",
    "ops.release_findings": "开放泄漏检查结果",
    "ops.deliveries": "交付登记",
    "ops.expected_deliveries": "应报已报漏报",
}


def columns() -> dict[str, dict[str, str]]:
    """Every ops table by name (`ops.steps`): its columns and their DuckDB types."""
    recorded = {f"ops.{name}": dict(cols) for name, cols in ops.TABLES.items()}
    return recorded | {"ops.deliveries": DELIVERIES, "ops.expected_deliveries": EXPECTED}


def add(
    con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue, table: str
) -> None:
    """Makes an ops table readable in the database; before the database is locked.

    Raises OneSourceError when a record cannot be read.
    """
    name = table.split(".", 1)[1]
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    if table == "ops.deliveries":
        _fill(con, table, delivery_rows(settings, catalogue))
    elif table == "ops.expected_deliveries":
        _fill(con, table, expected_rows(settings, catalogue))
    else:
        _load_lines(con, settings, name)


def _create(con: duckdb.DuckDBPyConnection, table: str) -> None:
    name = table.split(".", 1)[1]
    cols = ", ".join(f"{identifier(c)} {t}" for c, t in columns()[table].items())
    con.execute(f"CREATE TABLE ops.{identifier(name)} ({cols})")


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """A table from rows: as one Arrow table of text, cast to the columns' types."""
    import pyarrow as pa

    wanted = columns()[table]
    _create(con, table)
    found = list(rows)
    text = pa.table({c: pa.array([_text(r.get(c)) for r in found], pa.string()) for c in wanted})
    con.register("_rows", text)
    casts = ", ".join(f"CAST({identifier(c)} AS {t})" for c, t in wanted.items())
    con.execute(f"INSERT INTO {table} SELECT {casts} FROM _rows")
    con.unregister("_rows")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(dict(value), ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def _load_lines(con: duckdb.DuckDBPyConnection, settings: Settings, name: str) -> None:
    """A table from its JSON lines; a line that a crash cut off is no record."""
    _create(con, f"ops.{name}")
    folder = settings.root("ops") / name
    files = sorted(str(p) for p in folder.glob("*.jsonl") if p.stat().st_size)
    if not files:
        return
    cols = ", ".join(f"'{quoted(c)}': '{t}'" for c, t in ops.TABLES[name].items())
    paths = ", ".join(f"'{quoted(f)}'" for f in files)
    con.execute(
        f"INSERT INTO ops.{identifier(name)} BY NAME SELECT * FROM read_json([{paths}], "
        f"format = 'newline_delimited', columns = {{{cols}}}, ignore_errors = true) "
        'WHERE "at" IS NOT NULL'  # a line that cannot be read is a row of nulls
    )


def delivery_rows(settings: Settings, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """One row per delivery (`DELIVERIES`): what landed, and what became of it.

    `is_conserved` is promise P3: rows delivered = accepted + quarantined + superseded within the
    file, and equal to the sender's count where there is one; null while the delivery waits.
    """
    from onesource.ingest import landing

    known = ledger.states(settings)
    for feed in catalogue.feeds.values():
        outcomes = known.get(feed.table, ledger.TableState()).deliveries
        for record in landing.records(settings, feed):
            found = outcomes.get(record.delivery_id, {})
            control = record.control.get("rows")
            yield {
                "feed": record.feed,
                "delivery_id": record.delivery_id,
                "file_name": record.file_name,
                "digest": record.digest,
                "size": record.size,
                "rows": record.rows,
                "received_at": record.received_at,
                "statement_at": record.statement_at,
                "statement_from": record.statement_from,
                "scope": record.scope,
                "control_rows": control,
                "outcome": found.get("outcome", "waiting"),
                "rows_accepted": found.get("accepted"),
                "rows_quarantined": found.get("quarantined"),
                "rows_superseded": found.get("superseded"),
                "is_conserved": _is_conserved(found, control),
                "reason_zh": found.get("reason_zh"),
                "reason_en": found.get("reason_en"),
            }


def _is_conserved(found: Mapping[str, Any], control: Any) -> bool | None:
    counts = [found.get(n) for n in ("delivered", "accepted", "quarantined", "superseded")]
    if any(c is None for c in counts):
        return None
    delivered, *parts = (int(c) for c in counts if c is not None)
    return delivered == sum(parts) and (control is None or int(control) == delivered)


def expected_rows(settings: Settings, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """应报, 已报, 漏报 as of today in Beijing (`EXPECTED`)."""
    from onesource.ingest import expected

    today = now().astimezone(BEIJING).date()
    states = ledger.states(settings)
    known = {
        feed.id: {
            d: list(row.get("scopes") or ()) for d, row in states[feed.table].deliveries.items()
        }
        for feed in catalogue.feeds.values()
        if feed.table in states
    }
    for row in expected.expected_rows(settings, catalogue, today, known):
        yield {name: getattr(row, name) for name in EXPECTED}
