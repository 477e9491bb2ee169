"""What a registry or curated row was made of: definition, input versions, and input rows.

Input rows are found where a column of the row's key passes through unchanged from an input: they
are those with the same value. Where no key column does, the whole input counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.curate.lineage import Lineage, column_lineage
from onesource.curate.sqlfiles import CuratedSql, load_sql
from onesource.errors import OneSourceError
from onesource.lake import reader
from onesource.lake.manifest import Manifest
from onesource.lake.paths import table_path
from onesource.lake.reader import identifier
from onesource.run.provenance import PERSONAL, Place, Values, is_personal, place_of, rows_where

if TYPE_CHECKING:
    import duckdb

# Deliveries and rows of an input that are listed; the counts are of all.
_LISTED = 20


@dataclass(frozen=True)
class FromDelivery:
    """How many of the input rows came in a delivery, and between which lines."""

    place: Place
    rows: int
    first_line: int | None
    last_line: int | None


@dataclass(frozen=True)
class InputUse:
    """An input table at the version that was read.

    wanted: the columns and values by which its rows were found (empty: all of them). rows: how
    many those are (None: not counted). keys: keys of the first ones. deliveries: where silver rows
    came from, those that gave most first.
    """

    table: str
    name_zh: str
    version: int | None
    wanted: Mapping[str, str | None]
    rows: int | None = None
    keys: tuple[Values, ...] = ()
    deliveries: tuple[FromDelivery, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Made:
    """How a table is made: by what, in words, from which input columns, from which inputs."""

    definition: str
    header: str
    sources: Mapping[str, str]
    inputs: tuple[InputUse, ...]


def contributions(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    contract: Contract,
    manifest: Manifest,
    row: Values,
    notes: list[str],
) -> Made:
    """How one row of a registry or curated table was made. What cannot be read is noted."""
    served = manifest.tables[contract.table]
    if contract.kind is Kind.CURATED:
        sql = load_sql(settings.sql / contract.sector / f"{contract.name}.sql")
        lineage = column_lineage(sql, catalogue)
        wanted = {t: _passed_on(contract, lineage, t, row) for t in sql.inputs}
        often = _read_often(sql)
        definition, header = str(sql.path.relative_to(settings.home)), sql.header
        sources = {name: _sources(lineage, name) for name in contract.field_names}
    else:
        wanted = {t: _same_names(catalogue, contract, t, row) for t in served.inputs}
        often = frozenset()
        definition, header = contract.properties.builder or "", contract.purpose
        # A builder is code: what each column comes from is said in the contract.
        sources = {f.name: " ".join(f.description.split()) for f in contract.fields}
    uses: list[InputUse] = []
    for table, by in wanted.items():
        note = "read more than once: rows that join it by other columns are not listed"
        try:
            uses.append(
                _use(
                    con,
                    settings,
                    catalogue,
                    table,
                    served.inputs.get(table),
                    by,
                    note if table in often else "",
                )
            )
        except OneSourceError as e:
            notes.append(e.line())
            uses.append(InputUse(table, "", served.inputs.get(table), by))
    return Made(definition, header, sources, tuple(uses))


def _passed_on(
    contract: Contract, lineage: Lineage, table: str, row: Values
) -> dict[str, str | None]:
    """The columns of an input that a key column of the row passes on unchanged, and its value."""
    return {
        found.column: row.get(name)
        for name in contract.key
        for found in lineage.unchanged(name)
        if found.table == table
    }


def _same_names(
    catalogue: Catalogue, contract: Contract, table: str, row: Values
) -> dict[str, str | None]:
    """A builder is code: its input rows are found by key columns of the same name."""
    source = catalogue.tables.get(table)
    names = source.field_names if source else ()
    return {k: row.get(k) for k in contract.key if k in names}


def _read_often(sql: CuratedSql) -> frozenset[str]:
    from sqlglot import exp

    names = [f"{t.db}.{t.name}" for t in sql.tree.find_all(exp.Table) if t.db]
    return frozenset(n for n in names if names.count(n) > 1)


def _sources(lineage: Lineage, column: str) -> str:
    """`silver.x.y (IDENTITY), …`: what a column is made of."""
    found = lineage.columns.get(column, {})
    return ", ".join(f"{c.table}.{c.column} ({how})" for c, how in found.items()) or "a constant"


def _use(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    table: str,
    version: int | None,
    wanted: Mapping[str, str | None],
    note: str,
) -> InputUse:
    if table.startswith("codelist."):
        codes = catalogue.codelists.get(table.split(".", 1)[1])
        return InputUse(table, codes.title if codes else "", None, {}, note="a code list")
    contract = catalogue.tables[table]
    if version is None:
        return InputUse(table, contract.business_name, None, wanted, note="its version is unknown")
    source = reader.open_version(table, table_path(settings, contract), version)
    reader.add_view(con, source, contract)
    known = {c: v for c, v in wanted.items() if c in source.columns}
    layer, name = table.split(".", 1)
    view = f"{identifier(layer)}.{identifier(name)}"
    where, values = _where(known)
    counted = con.execute(f"SELECT count(*) FROM {view} WHERE {where}", values).fetchall()
    key = [k for k in contract.key if k in source.columns]
    personal = {f.name for f in contract.fields if is_personal(f)}
    listed = rows_where(con, table, known, _LISTED) if known else []
    return InputUse(
        table,
        contract.business_name,
        version,
        {c: PERSONAL if v and c in personal else v for c, v in known.items()},
        int(counted[0][0]),
        tuple({k: v[k] for k in key if k not in personal} for v in listed),
        tuple(_deliveries(con, settings, contract, source.columns, view, where, values)),
        note,
    )


def _where(wanted: Mapping[str, str | None]) -> tuple[str, list[str | None]]:
    tests = [f"CAST({identifier(c)} AS VARCHAR) IS NOT DISTINCT FROM ?" for c in wanted]
    return " AND ".join(tests) or "true", list(wanted.values())


def _deliveries(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    contract: Contract,
    columns: Sequence[str],
    view: str,
    where: str,
    values: Sequence[str | None],
) -> Iterator[FromDelivery]:
    if contract.kind is not Kind.FEED or "_delivery_id" not in columns:
        return
    found = con.execute(
        f"SELECT _delivery_id, count(*), min(_line), max(_line) FROM {view} WHERE {where} "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_LISTED}",
        list(values),
    ).fetchall()
    for delivery, n, first, last in found:
        yield FromDelivery(place_of(settings, contract, delivery), int(n), first, last)
