"""Where a row comes from: deliveries, sheets and lines, rules, and the source of each column.

A silver row leads to its line in a delivery and to the raw values in bronze; a registry or curated
row to its definition, to the versions of its inputs, and to the input rows that give its key. What
names a person is never shown: of such a field only that it was filled.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from onesource.clean.reasons import reason, reasons
from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract, FieldSpec, Kind
from onesource.errors import OneSourceError, UsageError
from onesource.lake import ops, reader
from onesource.lake.manifest import Manifest, read_manifest
from onesource.lake.paths import bronze_path
from onesource.run.audit import audit_keys
from onesource.run.contributions import Made, contributions
from onesource.run.explain_voices import Attribute, attributes_of
from onesource.run.provenance import PERSONAL, Place, Values, is_personal, place_of, rows_where

if TYPE_CHECKING:
    import duckdb

# A key that names more rows than these (a history, a prefix of a key) is explained in part.
_ROWS = 20


@dataclass(frozen=True)
class Cell:
    """One column of a row: as served, as delivered, and by what it was read or made."""

    field: str
    name_zh: str
    value: str | None
    raw: str | None = None
    has_raw: bool = False
    source: str = ""


@dataclass(frozen=True)
class Issue:
    field: str | None
    verdict: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class Row:
    """A served row; of silver also its place, its issues, and the other lines with its key; of a
    registry that names a source per attribute, whose word won and whose lost."""

    cells: tuple[Cell, ...]
    place: Place | None = None
    issues: tuple[Issue, ...] = ()
    also: tuple[Place, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What `onesource explain` shows of one key of one table.

    gate: (rules judged, names of those that failed) of the table's last gate. made: definition and
    inputs of a registry or curated table. notes: what could not be looked up. people: audit keys of
    the persons whose rows these are.
    """

    table: str
    name_zh: str
    version: int
    run: str
    key: Mapping[str, str]
    rows: tuple[Row, ...]
    more: bool
    gate: tuple[int, tuple[str, ...]]
    made: Made
    tickets: tuple[Values, ...] = ()
    notes: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


def explain(settings: Settings, catalogue: Catalogue, table: str, key: str) -> Explanation:
    """Explains the served rows of the table that have this key.

    key: the key's values in the contract's order, separated by commas (a history's key without
    its dates), or `name=value` for any columns. Raises UsageError for an unknown table, a key of
    another shape, or a key that no row has (its values are not repeated).
    """
    contract = catalogue.tables.get(table)
    if contract is None:
        known = ", ".join(catalogue.tables)
        raise UsageError(f"there is no table {table}", todo=f"one of {known}")
    wanted = parse_key(contract, key)
    manifest = read_manifest(settings)
    source = reader.open_served(settings, contract, manifest)
    with reader.database() as con:
        reader.add_view(con, source, contract)
        found = rows_where(con, table, wanted, _ROWS + 1)
        if not found:
            raise UsageError(
                f"no row of {table} has this key",
                where=f"version {source.version}",
                todo="onesource sql shows the keys that there are",
            )
        return _explanation(con, settings, catalogue, contract, manifest, wanted, found)


def _explanation(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    contract: Contract,
    manifest: Manifest,
    key: Mapping[str, str],
    found: Sequence[Values],
) -> Explanation:
    notes: list[str] = []
    rows: list[Row] = []
    made = Made("", "", {}, ())
    if contract.kind is Kind.FEED:
        rows = [_silver_row(con, settings, catalogue, contract, v, notes) for v in found[:_ROWS]]
    else:
        made = contributions(con, settings, catalogue, contract, manifest, found[0], notes)
        for v in found[:_ROWS]:
            told = attributes_of(con, settings, catalogue, contract, manifest, v, notes)
            rows.append(replace(_made_row(contract, v, made.sources), attributes=told))
    served = manifest.tables[contract.table]
    return Explanation(
        table=contract.table,
        name_zh=contract.business_name,
        version=served.version,
        run=served.run,
        key={n: _shown_key(contract, n, v) for n, v in key.items()},
        rows=tuple(rows),
        more=len(found) > _ROWS,
        gate=_gate(settings, contract),
        made=made,
        tickets=_tickets(con, settings, catalogue, contract, manifest, found[0], notes),
        notes=tuple(dict.fromkeys(notes)),
        people=audit_keys(settings, found[:_ROWS]),
    )


def parse_key(contract: Contract, text: str) -> dict[str, str]:
    """`a,b` by the contract's key, or `name=a,other=b`. Raises UsageError."""
    parts = [p.strip() for p in next(csv.reader([text.strip()], skipinitialspace=True), [])]
    period = contract.properties.period
    names = [*contract.key, *([period] if period and period not in contract.key else [])]
    shape = ",".join(names) or "name=value"
    if parts and all(
        p.split("=", 1)[0].strip() in contract.field_names and "=" in p for p in parts
    ):
        pairs = (p.split("=", 1) for p in parts)
        return {n.strip(): v.strip() for n, v in pairs}
    if not parts or not any(parts) or len(parts) > len(names) or len(parts) < len(contract.key):
        raise UsageError(
            f"the key of {contract.table} is {shape}",
            why=f"{len(parts) if any(parts) else 0} values were given",
            todo="separate them by commas, or write name=value",
        )
    return dict(zip(names, parts, strict=False))


def _shown(f: FieldSpec, value: str | None) -> str | None:
    return PERSONAL if value and is_personal(f) else value


def _shown_key(contract: Contract, name: str, value: str) -> str:
    fields = [f for f in contract.fields if f.name == name]
    return (_shown(fields[0], value) if fields else value) or ""


def _silver_row(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    feed: Contract,
    values: Values,
    notes: list[str],
) -> Row:
    raw: Values = {}
    also: tuple[Place, ...] = ()
    place = _place(settings, feed, values)
    try:
        raw, also = _delivered(con, settings, feed, place)
    except OneSourceError as e:
        notes.append(e.line())
    cells = tuple(
        Cell(
            field=f.name,
            name_zh=f.business_name,
            value=_shown(f, values.get(f.name)),
            raw=_shown(f, raw.get(f.name)),
            has_raw=f.name in raw,
            source=_read_by(f),
        )
        for f in feed.fields
    )
    extra = tuple(
        Cell(name, "", values[name])
        for name in values
        if not name.startswith("_") and name not in feed.field_names
    )
    return Row((*cells, *extra), place, _issues(settings, catalogue, feed, values), also)


def _read_by(f: FieldSpec) -> str:
    """The standardiser and its arguments, and where the raw value stands if in no column."""
    args = ", ".join(f"{k}={v}" for k, v in f.standardiser.args.items())
    read = f"{f.standardiser.name}({args})" if args else f.standardiser.name
    origin = f.properties.origin
    return read if origin is None or f.is_column else f"{read} ← {origin.from_}"


def _place(settings: Settings, feed: Contract, values: Values) -> Place:
    return place_of(
        settings, feed, values.get("_delivery_id"), values.get("_sheet"), values.get("_line")
    )


def _delivered(
    con: duckdb.DuckDBPyConnection, settings: Settings, feed: Contract, place: Place
) -> tuple[Values, tuple[Place, ...]]:
    """The raw row in bronze, and the other lines there whose raw key is the same."""
    if con.execute(
        "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'bronze'"
    ).fetchall() == [(0,)]:
        reader.add_view(con, reader.open_latest(feed.bronze, bronze_path(settings, feed)), feed)
    here = {"_delivery_id": place.delivery_id, "_line": place.line or ""}
    if place.sheet is not None:
        here["_sheet"] = place.sheet
    found = rows_where(con, feed.bronze, here, 1)
    if not found:
        raise OneSourceError(f"the raw row is not in {feed.bronze}", why="bronze was changed")
    raw = found[0]
    key = {k: v for k in feed.key if (v := raw.get(k)) is not None}
    same = rows_where(con, feed.bronze, key, _ROWS) if key else []
    also = [
        place_of(settings, feed, v["_delivery_id"], v["_sheet"], v["_line"])
        for v in same
        if (v["_delivery_id"], v["_sheet"], v["_line"])
        != (place.delivery_id, place.sheet, place.line)
    ]
    also.sort(key=lambda p: p.record.order if p.record else "")
    return {n: raw.get(n) for n in feed.field_names if n in raw}, tuple(also)


def _issues(
    settings: Settings, catalogue: Catalogue, feed: Contract, values: Values
) -> tuple[Issue, ...]:
    found: list[Issue] = []
    for issue in json.loads(values.get("_issues") or "[]"):
        verdict = str(issue.get("verdict"))
        zh, en = reason(verdict)
        if verdict not in reasons():
            zh, en = _rule_words(settings, catalogue, feed, verdict) or (zh, en)
        found.append(Issue(issue.get("field"), verdict, zh, en))
    return tuple(found)


def _rule_words(
    settings: Settings, catalogue: Catalogue, contract: Contract, rule: str
) -> tuple[str, str] | None:
    from onesource.quality.suite import rules_for

    for r in rules_for(contract, settings.expectations, catalogue):
        if r.id == rule:
            return r.zh, r.en
    return None


def _made_row(contract: Contract, values: Values, sources: Mapping[str, str]) -> Row:
    cells = [
        Cell(f.name, f.business_name, _shown(f, values.get(f.name)), source=sources.get(f.name, ""))
        for f in contract.fields
    ]
    return Row(tuple(cells))


def _gate(settings: Settings, contract: Contract) -> tuple[int, tuple[str, ...]]:
    """The table's last gate: how many rules it judged, and which failed."""
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in ops.rows(settings, "quality_results"):
        if row.get("table") == contract.table:
            name = (str(row.get("phase")), str(row.get("rule")))
            if name not in last or str(row.get("at", "")) >= str(last[name].get("at", "")):
                last[name] = row
    failed = sorted(rule for (_, rule), row in last.items() if row.get("success") is False)
    return len(last), tuple(failed)


def _tickets(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    contract: Contract,
    manifest: Manifest,
    values: Values,
    notes: list[str],
) -> tuple[Values, ...]:
    """Open and settled conflicts about the row, from `registry.ticket`."""
    ticket = catalogue.tables.get("registry.ticket")
    if contract.kind is not Kind.REGISTRY or ticket is None or ticket.table not in manifest.tables:
        return ()
    if contract is ticket:
        return ()
    try:
        reader.add_view(con, reader.open_served(settings, ticket, manifest), ticket)
        about = rows_where(con, ticket.table, {"registry": contract.table}, 10_000)
    except OneSourceError as e:
        notes.append(e.line())
        return ()
    entity = {
        values.get(contract.key[0]) or "",
        ",".join(values.get(k) or "" for k in contract.key),
    }
    return tuple(v for v in about if v.get("entity") in entity)
