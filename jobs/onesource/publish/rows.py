"""The rows of a dataset, from the served version of its source: projected, typed, sorted by key."""

from __future__ import annotations

import pyarrow as pa

from onesource.contracts.model import Contract, FieldSpec
from onesource.errors import OneSourceError
from onesource.lake.reader import (
    Source,
    add_rows,
    add_view,
    database,
    identifier,
    lock,
)

_DUCKDB = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "time": "VARCHAR",
}


def dataset_rows(dataset: Contract, source: Source | pa.Table, table: Contract | None) -> pa.Table:
    """The columns that the contract lists, in its order, as its types, sorted by its key.

    source: the served version, or rows (a view of ops); table: its contract, if it has one.
    Coordinates are rounded to the decimals that may be published. Raises OneSourceError when a
    value does not fit its type, or a key stands twice.
    """
    with database() as con:
        if isinstance(source, Source):
            add_view(con, source, table)
        else:
            add_rows(con, dataset.open.source, source)
        lock(con)
        columns = ", ".join(f"{_value(dataset, f)} AS {identifier(f.name)}" for f in dataset.fields)
        where = f" WHERE {dataset.open.where}" if dataset.open.where else ""
        order = ", ".join(f"{identifier(k)} NULLS FIRST" for k in dataset.key)
        try:
            rows: pa.Table = con.sql(
                f"SELECT {columns} FROM {dataset.open.source}{where} ORDER BY {order}"
            ).to_arrow_table()
        except Exception as e:  # DuckDB's errors name values: only their kind is told
            raise OneSourceError(
                f"{dataset.id} cannot be projected from {dataset.open.source}",
                where=str(dataset.path),
                why=type(e).__name__,
                todo="compare names and types of its columns with the source",
            ) from e
    _require_keys(dataset, rows)
    return rows.combine_chunks()


def _value(dataset: Contract, f: FieldSpec) -> str:
    if f.name == dataset.open.made_column:
        return "CAST(NULL AS VARCHAR)"  # disclosure control fills it
    column = identifier(f.properties.source_column or f.name)
    place = dataset.open.place
    if place and f.name in (place.longitude, place.latitude):
        return f"CAST(round({column}, {place.decimals}) AS DECIMAL(9, {place.decimals}))"
    return f"CAST({column} AS {_type(f)})"


def _type(f: FieldSpec) -> str:
    if f.logical_type == "number":
        plain = (f.physical_type or f.spark_type).upper()
        return "DOUBLE" if plain in ("DOUBLE", "FLOAT") else plain
    return _DUCKDB[f.logical_type]


def _require_keys(dataset: Contract, rows: pa.Table) -> None:
    keys = rows.select(list(dataset.key))
    for name in dataset.key:
        if keys.column(name).null_count:
            raise OneSourceError(f"{dataset.id}: the key column {name} is empty in a row")
    distinct = keys.group_by(list(dataset.key)).aggregate([]).num_rows
    if distinct != rows.num_rows:
        raise OneSourceError(
            f"{dataset.id}: {rows.num_rows - distinct} rows have the key of another row",
            where=str(dataset.path),
            todo="name all columns of the key, or choose rows with where",
        )
