"""A dataset against the release before: columns, rows, and the keys that came, changed, went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onesource.contracts.breaking import version_parts
from onesource.contracts.model import Contract
from onesource.lake.reader import add_rows, database, identifier, lock
from onesource.publish.files.cells import text_table
from onesource.publish.metadata.table_schema import table_schema
from onesource.publish.model import KEYS_SHOWN, Difference

KINDS = ("added", "changed", "removed")


class Before:
    """The release before, as far as its files are still there."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest

    @property
    def id(self) -> str:
        return str(self.manifest["release"])

    def dataset(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.manifest["datasets"].get(name)
        return found if found and (self.folder / "datasets" / name).is_dir() else None

    def table(self, name: str) -> pa.Table | None:
        """The rows as they were published, or None."""
        path = self.folder / "datasets" / name / f"{name}.parquet"
        return pq.read_table(path) if path.is_file() else None

    def fields(self, name: str) -> dict[str, str] | None:
        """Column → type."""
        path = self.folder / "datasets" / name / "schema.json"
        if not path.is_file():
            return None
        schema = json.loads(path.read_text(encoding="utf-8"))
        return {f["name"]: f["type"] for f in schema["fields"]}


def breaks(dataset: Contract, before: Before | None) -> str | None:
    """What breaks the readers of the dataset without a new major version, or None."""
    was = before.dataset(dataset.name) if before else None
    fields = before.fields(dataset.name) if before else None
    if was is None or fields is None:
        return None
    if version_parts(dataset.version)[0] > version_parts(str(was["contract_version"]))[0]:
        return None
    now = {f["name"]: f["type"] for f in table_schema(dataset)["fields"]}
    for name, kind in fields.items():
        if name not in now:
            return f"the column {name} was removed"
        if now[name] != kind:
            return f"the column {name} changed from {kind} to {now[name]}"
    return None


def difference(dataset: Contract, rows: pa.Table, before: Before | None) -> Difference:
    """The dataset's rows against those published before, compared as text by key."""
    old = before.table(dataset.name) if before else None
    if old is None:
        return Difference(None, rows.num_rows, counts={"added": rows.num_rows})
    schema = [f"+ {n}" for n in rows.column_names if n not in old.column_names]
    schema += [f"- {n}" for n in old.column_names if n not in rows.column_names]
    if not set(dataset.key) <= set(old.column_names):
        return Difference(old.num_rows, rows.num_rows, (*schema, "another key"))
    counts: dict[str, int] = {}
    keys: dict[str, tuple[Mapping[str, str], ...]] = {}
    with database() as con:
        add_rows(con, "r.old", text_table(old))
        add_rows(con, "r.new", text_table(rows))
        lock(con)
        for kind, query in _queries(dataset, old, rows).items():
            order = ", ".join(f"k{i}" for i in range(len(dataset.key)))
            count = con.execute(f"SELECT count(*) FROM ({query})").fetchone() or (0,)
            counts[kind] = int(count[0])
            shown = con.execute(f"{query} ORDER BY {order} LIMIT {KEYS_SHOWN}").fetchall()
            keys[kind] = tuple(dict(zip(dataset.key, map(str, k), strict=True)) for k in shown)
    return Difference(old.num_rows, rows.num_rows, tuple(schema), counts, keys)


def unchanged(rows: pa.Table) -> Difference:
    return Difference(
        rows.num_rows,
        rows.num_rows,
        counts=dict.fromkeys(KINDS, 0),
        keys=dict.fromkeys(KINDS, ()),
    )


def _queries(dataset: Contract, old: pa.Table, new: pa.Table) -> dict[str, str]:
    same = " AND ".join(
        f"o.{identifier(k)} IS NOT DISTINCT FROM n.{identifier(k)}" for k in dataset.key
    )

    def keys(side: str) -> str:
        return ", ".join(f"{side}.{identifier(k)} AS k{i}" for i, k in enumerate(dataset.key))

    common = [c for c in new.column_names if c in old.column_names and c not in dataset.key]
    other = " OR ".join(f"o.{identifier(c)} IS DISTINCT FROM n.{identifier(c)}" for c in common)
    return {
        "added": f"SELECT {keys('n')} FROM r.new n ANTI JOIN r.old o ON {same}",
        "changed": f"SELECT {keys('n')} FROM r.new n JOIN r.old o ON {same} "
        f"WHERE {other or 'FALSE'}",
        "removed": f"SELECT {keys('o')} FROM r.old o ANTI JOIN r.new n ON {same}",
    }


def as_json(d: Difference) -> dict[str, Any]:
    """The dataset's entry in `diff.json`."""
    return {
        "rows_before": d.rows_before,
        "rows": d.rows,
        "schema": list(d.schema),
        "counts": dict(d.counts),
        "keys": {k: [dict(x) for x in v] for k, v in d.keys.items()},
        "keys_shown_at_most": KEYS_SHOWN,
        "reasons": list(d.reasons),
    }
