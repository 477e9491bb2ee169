"""`onesource quarantine`: the rejected rows of a feed, for the department that must mend them."""

from __future__ import annotations

import csv as csv_module
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from onesource.clean.quarantine import COLUMNS
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.lake import delta
from onesource.lake.paths import quarantine_path
from onesource.lake.reader import open_version
from onesource.lake.reads import record_read

SHOWN = 20


def quarantine_command(settings: Settings, feed_id: str, csv: Path | None, purpose: str) -> int:
    """Prints a summary and the first rows, or writes all of them. The read is recorded first.

    Raises UsageError for an unknown feed.
    """
    catalogue = load_catalogue(settings.schemas)
    feed = catalogue.feeds.get(feed_id)
    if feed is None:
        known = ", ".join(sorted(catalogue.feeds))
        raise UsageError(f"there is no feed {feed_id}", todo=f"feeds: {known}")
    path = quarantine_path(settings, feed)
    version = delta.latest_version(path)
    name = f"quarantine.{feed.table_name}"
    table = None
    if version is not None:
        order = [(column, "ascending") for column in ("file", "sheet", "line")]
        table = open_version(name, path, version).data.to_table().sort_by(order)
    count = table.num_rows if table else 0
    record_read(
        settings, "quarantine", [name], rows=count, purpose=purpose, run=None, statement=name
    )
    if csv is not None:
        _write(csv, _rows(table))
        print(f"{count} rows written to {csv}")
    elif table is None or not count:
        print(f"{feed_id}: no rejected rows")
    else:
        _show(table)
    return 0


def _rows(table: pa.Table | None) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=8192) if table else ():
        yield from batch.to_pylist()


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # With a byte order mark: departments open it in a spreadsheet, which guesses without.
        with part.open("w", encoding="utf-8-sig", newline="") as f:
            writer = csv_module.DictWriter(f, list(COLUMNS))
            writer.writeheader()
            for row in rows:
                writer.writerow({k: _harmless(v) for k, v in row.items()})
        part.chmod(0o600)
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise OneSourceError("cannot be written", where=str(path), why=e.strerror or str(e)) from e


def _harmless(value: Any) -> Any:
    """A delivered text that a spreadsheet would take for a formula is made text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _show(table: pa.Table) -> None:
    by = ["field", "rule", "reason_zh", "reason_en"]
    counted = table.group_by(by).aggregate([([], "count_all")]).to_pylist()
    for r in sorted(counted, key=lambda r: -r["count_all"]):
        what = f"{r['field'] or 'row'} {r['rule']}"
        print(f"{r['count_all']} × {what}: {r['reason_zh']} / {r['reason_en']}")
    for r in _rows(table.slice(0, SHOWN)):
        sheet = f" {r['sheet']}" if r["sheet"] else ""
        what = f"{r['field'] or 'row'} {r['rule']} {r['raw'] or ''}"
        print(f"{r['file']}{sheet} line {r['line']}: {what}")
    if table.num_rows > SHOWN:
        print(f"… and {table.num_rows - SHOWN} more; --csv FILE writes all")
