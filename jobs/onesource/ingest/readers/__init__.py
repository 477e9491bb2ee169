"""Readers: a delivered file in, bronze batches out, with the line of every row.

A reader streams: it holds one piece of the file (about a megabyte, one row group of Parquet, the
shared strings of a workbook) and never the whole. It raises `DeliveryRefused` with one of these
reasons, and never half understands a file:

| reason | the file |
|---|---|
| `ENCODING` | is not in the encoding that it should have; line and byte are named |
| `TRUNCATED` | was cut off: inside a character, a quote, a row, an array, before its footer |
| `HEADER` | lacks a key or required field, or has a header twice |
| `EMPTY` | has no row of data, and the contract allows no zero report |
| `NUL`, `CELL` | holds binary data, or a cell above 1 MiB |
| `FORMAT` | is of another kind than the contract says, or damaged |
| `ENCRYPTED` | is a workbook with a password |
| `SHEET` | lacks a sheet that the contract names |
| `STATUS`, `CONTROL` | is an answer that says it failed, or that counts other rows than it has |
| `CRS` | declares another coordinate system than the contract |
| `ARCHIVE_…` | see `onesource.ingest.archive` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import delimited, geojson, json_, parquet, xlsx
from onesource.ingest.readers.batches import Source, Tally, bronze_schema

__all__ = ["Inspection", "bronze_schema", "inspect", "read"]

_READERS: Mapping[str, Callable[[Source, Tally], Iterator[pa.RecordBatch]]] = {
    "csv": delimited.batches,
    "xlsx": xlsx.batches,
    "json": json_.batches,
    "parquet": parquet.batches,
    "geojson": geojson.batches,
}


@dataclass(frozen=True)
class Inspection:
    """What a whole pass over a file found.

    `rows` are the rows of data, malformed ones included; `skipped` counts rows that are none
    (`blank`, `subtotal`, `footer`, a repeated `header`); `unknown` are headers that the contract
    does not know (kept in `_extra`), `missing` optional fields that did not come, `renamed`
    field → the alias under which it came; `total` the rows that a JSON envelope says this file
    has; `cells` the text of the cells that the contract reads (`B2`; of the first sheet read);
    `last_values` the latest text of the field from which the statement time is taken; `sheets`
    the rows of each sheet read (0: the sheet has the header and no row).
    """

    rows: int
    malformed: int
    skipped: Mapping[str, int]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    renamed: Mapping[str, str]
    encoding: str | None
    total: int | None
    cells: Mapping[str, str]
    last_values: Mapping[str, str]
    sheets: Mapping[str, int]


def inspect(path: Path, feed: Contract, file_name: str) -> Inspection:
    """Reads the whole file once, in bounded memory, and says what is in it.

    Raises DeliveryRefused when the file must not be taken.
    """
    tally = Tally()
    for _ in _batches(Source(path, feed, file_name, 65536), tally):
        pass
    return Inspection(
        rows=tally.rows,
        malformed=tally.malformed,
        skipped=dict(tally.skipped),
        unknown=tuple(tally.unknown),
        missing=tuple(tally.missing),
        renamed=dict(tally.renamed),
        encoding=tally.encoding,
        total=tally.total,
        cells=dict(tally.cells),
        last_values=dict(tally.last),
        sheets=dict(tally.sheets),
    )


def read(
    path: Path, feed: Contract, file_name: str, batch_rows: int = 8192
) -> Iterator[pa.RecordBatch]:
    """The rows of a delivered file as batches of `bronze_schema(feed)`, in the order of the file.

    The same bytes, contract and name always give the same rows. Raises DeliveryRefused like
    `inspect`; some reasons (a missing key in JSON, a count that differs) only show at the end.
    """
    return _batches(Source(path, feed, file_name, batch_rows), Tally())


def _batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    yield from _READERS[source.feed.delivery.format](source, tally)
    if tally.rows == 0 and not source.feed.delivery.zero_allowed:
        raise DeliveryRefused(
            "has no row of data",
            reason="EMPTY",
            where=source.file_name,
            why="the contract allows no zero report",
            todo="ask for the file, or say zero_allowed if an empty report is a statement",
        )
