"""`onesource quarantine`: the rejected rows of a feed, for the department that must mend them."""

from __future__ import annotations

import csv as csv_module
import getpass
import os
from collections import Counter
from pathlib import Path
from typing import Any

from onesource.clean.quarantine import COLUMNS
from onesource.config import Settings, now
from onesource.contracts.load import load_catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.lake import delta, ops
from onesource.lake.paths import quarantine_path
from onesource.lake.reader import open_version

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
    rows: list[dict[str, Any]] = []
    if version is not None:
        table = open_version(f"quarantine.{feed.table_name}", path, version).data.to_table()
        order = [(name, "ascending") for name in ("file", "sheet", "line")]
        rows = table.sort_by(order).to_pylist()
    _record_read(settings, feed.table_name, len(rows), purpose)
    if csv is not None:
        _write(csv, rows)
        print(f"{len(rows)} rows written to {csv}")
    else:
        _show(feed_id, rows)
    return 0


def _record_read(settings: Settings, table: str, rows: int, purpose: str) -> None:
    row = {
        "who": getpass.getuser(),
        "command": "quarantine",
        "tables": [f"quarantine.{table}"],
        "purpose": purpose,
        "rows": rows,
    }
    ops.append(settings, "reads", f"{now():%Y-%m-%d}-{os.getpid()}", [row])


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
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


def _show(feed_id: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        print(f"{feed_id}: no rejected rows")
        return
    by = Counter((r["field"] or "", r["rule"], r["reason_zh"], r["reason_en"]) for r in rows)
    for (field, rule, zh, en), n in by.most_common():
        print(f"{n} × {field or 'row'} {rule}: {zh} / {en}")
    for r in rows[:SHOWN]:
        sheet = f" {r['sheet']}" if r["sheet"] else ""
        what = f"{r['field'] or 'row'} {r['rule']} {r['raw'] or ''}"
        print(f"{r['file']}{sheet} line {r['line']}: {what}")
    if len(rows) > SHOWN:
        print(f"… and {len(rows) - SHOWN} more; --csv FILE writes all")
