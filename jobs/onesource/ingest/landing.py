"""Landing: the bytes as delivered, and beside them one small record.

A delivery's folder appears whole, by one rename, and is never changed. Its name begins with the
digest of the bytes; bytes that come again after another statement get a folder of their own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from onesource import digests
from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.files import sync_directory, sync_file_system
from onesource.lake.paths import landing_path

RECORD = "delivery.json"
CLEARED = "cleared.json"


@dataclass(frozen=True)
class Record:
    """What is known of one delivery. Times are ISO 8601 with offset."""

    delivery_id: str
    feed: str
    file_name: str
    digest: str
    size: int
    rows: int
    received_at: str
    statement_at: str
    statement_from: str
    sequence: int = 0
    repeat: int = 1
    scope: Mapping[str, str | None] = field(default_factory=dict)
    control: Mapping[str, Any] = field(default_factory=dict)
    contract_version: str = ""
    encoding: str | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    malformed: int = 0
    unknown_fields: tuple[str, ...] = ()
    archive: str | None = None

    @cached_property
    def order(self) -> str:
        """Sorts statements: what is larger was said later.

        The time of the statement, then the sender's sequence, then the recorded receipt; the id
        makes the order total.
        """
        return "|".join(
            (
                _sortable(self.statement_at),
                f"{self.sequence:012d}",
                f"{self.repeat:06d}",
                _sortable(self.received_at),
                self.delivery_id,
            )
        )


def _sortable(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def records(settings: Settings, feed: Contract) -> list[Record]:
    """All deliveries of a feed, in the order of their statements.

    Raises OneSourceError when a record cannot be read.
    """
    found = [read_record(folder) for folder in _folders(settings, feed)]
    return sorted(found, key=lambda r: r.order)


def _folders(settings: Settings, feed: Contract) -> Iterator[Path]:
    root = landing_path(settings, feed)
    if root.is_dir():
        for entry in os.scandir(root):
            if entry.is_dir() and not entry.name.startswith("."):
                yield Path(entry.path)


@cache  # a record never changes once its folder has appeared
def read_record(folder: Path) -> Record:
    path = folder / RECORD
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["unknown_fields"] = tuple(raw.get("unknown_fields", ()))
        return Record(**raw)
    except (OSError, ValueError, TypeError) as e:
        raise OneSourceError(
            "the record of a delivery cannot be read", where=str(path), why=str(e)
        ) from e


def payload(settings: Settings, feed: Contract, record: Record) -> Path:
    """The delivered bytes."""
    return landing_path(settings, feed) / record.delivery_id / _stored_name(record.file_name)


def _stored_name(file_name: str) -> str:
    """The name under which bytes are kept: the delivered one never decides a path."""
    suffix = Path(file_name).suffix.lower()
    plain = suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 9 else ""
    return f"payload{plain}"


def delivery_id(digest: str, repeat: int) -> str:
    name = digests.short(digest)
    return name if repeat == 1 else f"{name}-{repeat}"


def store(settings: Settings, feed: Contract, record: Record, incoming: Path) -> None:
    """Makes the delivery appear in landing, whole and on disk, or not at all.

    `incoming` is moved; it must be on landing's file system. The caller holds the feed's lock.
    """
    root = landing_path(settings, feed)
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(".*"):  # of processes that were killed: the feed's lock is ours
        shutil.rmtree(left, ignore_errors=True)
    part = root / f".{record.delivery_id}.{os.getpid()}"
    part.mkdir()
    try:
        target = part / _stored_name(record.file_name)
        incoming.replace(target)
        target.chmod(0o440)
        text = json.dumps(asdict(record), ensure_ascii=False, indent=1, sort_keys=True)
        (part / RECORD).write_text(text + "\n", encoding="utf-8")
        sync_file_system(part)
        part.rename(root / record.delivery_id)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_directory(root)


def incoming_folder(settings: Settings) -> Path:
    folder = settings.root("landing") / ".incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def clear(settings: Settings, feed: Contract, record: Record) -> bool:
    """Takes the bytes of a delivery away, for good; its record stays. False: they were gone."""
    path = payload(settings, feed, record)
    if not path.exists():
        return False
    mark = path.parent / CLEARED
    mark.write_text(json.dumps({"at": datetime.now(UTC).isoformat()}) + "\n", encoding="utf-8")
    path.unlink()
    sync_directory(path.parent)
    return True


def is_cleared(settings: Settings, feed: Contract, record: Record) -> bool:
    """Were the bytes taken away on purpose (retention, erasure)?"""
    return (landing_path(settings, feed) / record.delivery_id / CLEARED).exists()


def verify(settings: Settings, feed: Contract, record: Record) -> None:
    """Raises OneSourceError when the kept bytes no longer have their recorded digest."""
    path = payload(settings, feed, record)
    if not path.is_file() or digests.of_file(path) != record.digest:
        raise OneSourceError(
            "the kept bytes differ from their digest",
            where=f"landing/{feed.sector}/{feed.name}/{record.delivery_id}",
            todo="restore this folder from the backup",
        )
