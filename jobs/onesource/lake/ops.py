"""The record of what was done: append-only JSON lines, one file per run and table.

A line is on disk before `append` returns. A line cut off by a crash is no record: what it would
have said has not happened, and the next run does it again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from onesource.config import Settings, now
from onesource.errors import OneSourceError
from onesource.lake.files import sync_directory

# Columns of the ops tables as analysts see them: name → DuckDB type.
TABLES: dict[str, dict[str, str]] = {
    "steps": {
        "run": "VARCHAR",
        "at": "TIMESTAMPTZ",
        "table": "VARCHAR",
        "step": "VARCHAR",
        "verdict": "VARCHAR",
        "version": "BIGINT",
        "rows": "BIGINT",
        "seconds": "DOUBLE",
        "reason_zh": "VARCHAR",
        "reason_en": "VARCHAR",
        "inputs": "JSON",
        "definition": "VARCHAR",
    },
    "quality_results": {
        "run": "VARCHAR",
        "at": "TIMESTAMPTZ",
        "step": "VARCHAR",
        "table": "VARCHAR",
        "phase": "VARCHAR",
        "rule": "VARCHAR",
        "expectation": "VARCHAR",
        "dimension": "VARCHAR",
        "owner": "VARCHAR",
        "severity": "VARCHAR",
        "success": "BOOLEAN",
        "evaluated": "BIGINT",
        "unexpected": "BIGINT",
        "unexpected_share": "DOUBLE",
        "detail": "VARCHAR",
        "zh": "VARCHAR",
        "en": "VARCHAR",
    },
    "reads": {
        "at": "TIMESTAMPTZ",
        "who": "VARCHAR",
        "command": "VARCHAR",
        "tables": "VARCHAR[]",
        "purpose": "VARCHAR",
        "run": "VARCHAR",
        "rows": "BIGINT",
        "statement_digest": "VARCHAR",
        "people": "JSON",
    },
    "refusals": {
        "at": "TIMESTAMPTZ",
        "file": "VARCHAR",
        "feed": "VARCHAR",
        "digest": "VARCHAR",
        "reason": "VARCHAR",
        "message": "VARCHAR",
    },
    "ticket_events": {
        "at": "TIMESTAMPTZ",
        "day": "DATE",
        "who": "VARCHAR",
        "event": "VARCHAR",
        "tickets": "JSON",
        "remark": "VARCHAR",
    },
    "release_findings": {
        "at": "TIMESTAMPTZ",
        "release": "VARCHAR",
        "dataset": "VARCHAR",
        "file": "VARCHAR",
        "place": "VARCHAR",
        "kind": "VARCHAR",
        "confidence": "VARCHAR",
        "masked": "VARCHAR",
        "count": "BIGINT",
    },
}

_lock = threading.Lock()


def append(settings: Settings, table: str, writer: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds rows to `ops.<table>`; they are on disk when the call returns.

    `writer` names the file: a run's id, or another name that only one process uses at a time.
    """
    lines = [json.dumps(_with_time(r), ensure_ascii=False, default=str) for r in rows]
    if not lines:
        return
    folder = settings.root("ops") / table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{writer}.jsonl"
    data = ("\n".join(lines) + "\n").encode("utf-8")
    with _lock:
        new = not path.exists()
        try:
            # One write call on O_APPEND: lines of two processes never mix.
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                if not new and _ends_torn(path):
                    data = b"\n" + data
                os.write(fd, data)
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as e:
            raise OneSourceError(
                "cannot be written", where=str(path), why=e.strerror or str(e)
            ) from e
        if new:
            sync_directory(folder)


def _with_time(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row) if row.get("at") else {**row, "at": now().isoformat()}


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as f:
        f.seek(0, os.SEEK_END)
        if f.tell() == 0:
            return False
        f.seek(-1, os.SEEK_END)
        return f.read(1) != b"\n"


def rows(settings: Settings, table: str) -> Iterator[dict[str, Any]]:
    """All rows of `ops.<table>`, file by file in the order of their names."""
    for path in sorted((settings.root("ops") / table).glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as f:
            for line in f:
                try:
                    value = json.loads(line)
                except ValueError:
                    continue  # cut off by a crash: never happened
                if isinstance(value, dict):
                    yield value
