"""`served.json`: which version of every table readers see. It moves last, and at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onesource.config import Settings, now
from onesource.errors import OneSourceError, UsageError
from onesource.lake.files import locked, write_json


@dataclass(frozen=True)
class Served:
    """One table as it is served: its Delta version, and what it was built from."""

    version: int
    inputs: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None
    digest: str | None = None
    run: str = ""
    at: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "inputs": dict(self.inputs),
            "rows": self.rows,
            "definition": self.digest,
            "run": self.run,
            "at": self.at,
        }


@dataclass(frozen=True)
class Manifest:
    run: str | None
    at: str | None
    tables: Mapping[str, Served]


def _path(settings: Settings) -> Path:
    return settings.lake / "served.json"


def _parse(text: str, where: Path) -> Manifest:
    try:
        raw = json.loads(text)
        tables = {
            name: Served(
                version=int(t["version"]),
                inputs={k: int(v) for k, v in t.get("inputs", {}).items()},
                rows=t.get("rows"),
                digest=t.get("definition"),
                run=t.get("run", ""),
                at=t.get("at", ""),
            )
            for name, t in raw["tables"].items()
        }
        return Manifest(raw["run"], raw["at"], tables)
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise OneSourceError(
            "is damaged", where=str(where), why=str(e), todo="restore it from served/<run>.json"
        ) from e


def read_manifest(settings: Settings, run: str | None = None) -> Manifest:
    """What is served now, or what was served after `run`. Empty when nothing was ever served.

    Raises UsageError when there was no such run.
    """
    if run is None:
        path = _path(settings)
        if not path.exists():
            return Manifest(None, None, {})
        return _parse(path.read_text(encoding="utf-8"), path)
    path = settings.lake / "served" / f"{run}.json"
    if Path(run).name != run or not path.exists():
        latest = ", ".join(r for r in served_runs(settings)[-3:]) or "none"
        raise UsageError(f"no run {run} was served", todo=f"the last ones: {latest}")
    return _parse(path.read_text(encoding="utf-8"), path)


def drop_manifest(settings: Settings, run: str) -> None:
    """Forgets what was served after a run: `--run` finds it no more."""
    (settings.lake / "served" / f"{run}.json").unlink(missing_ok=True)


def served_runs(settings: Settings) -> list[str]:
    """Every run that moved the manifest, the oldest first."""
    return sorted(p.stem for p in (settings.lake / "served").glob("*.json"))


def serve(settings: Settings, run: str, changes: Mapping[str, Served]) -> Manifest:
    """Moves the manifest once: reads it, changes the given entries, swaps it atomically.

    Entries of other runs that were served meanwhile stay as they are. With no changes the
    manifest is left untouched.
    """
    with locked(settings.lake / "served.lock"):
        before = read_manifest(settings)
        if not changes:
            return before
        at = now().isoformat()
        tables = dict(before.tables)
        for name, entry in changes.items():
            tables[name] = Served(
                entry.version, entry.inputs, entry.rows, entry.digest, entry.run or run, at
            )
        value = {
            "run": run,
            "at": at,
            "tables": {n: t.as_json() for n, t in sorted(tables.items())},
        }
        write_json(settings.lake / "served" / f"{run}.json", value)
        write_json(_path(settings), value)
        return Manifest(run, at, tables)
