"""CSV and Parquet: batch after batch, in bounded memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from onesource.publish.leak import lines
from onesource.publish.leak.columns import Looking, look_at_batch
from onesource.publish.leak.headings import Column, column
from onesource.publish.leak.model import Allowance, Hit, Kind
from onesource.publish.leak.unwrap import as_text
from onesource.publish.leak.words import TOKEN_COLUMN

_BLOCK = 4 << 20
_ROWS = 65_536


def headed(headings: Sequence[tuple[str, ...]], allowance: Allowance, to: Looking) -> list[Column]:
    """The columns under these headings; the headings are looked at themselves."""
    found = []
    for names in headings:
        one = column(names, allowance, to.against)
        for name in names:
            if TOKEN_COLUMN.fullmatch(name.strip()):
                hit = Hit(Kind.LANDING_TOKEN, True, len(name), note="a column of the lake")
                to.out.add(hit, one.place, one)
            else:
                lines.look_at_text(name, "name of a column", to)
        found.append(one)
    return found


def look_at_csv(raw: IO[bytes], allowance: Allowance, to: Looking) -> None:
    """Rows of a CSV in UTF-8 under one header row; rows of another width are read as text.

    Raises pyarrow.ArrowInvalid where it is no CSV after all: the caller then reads lines.
    """
    head = _header(raw)
    if not head:
        return
    odd: list[tuple[int | None, str]] = []

    def keep(row: pacsv.InvalidRow) -> Literal["skip"]:
        odd.append((row.number, row.text or ""))
        return "skip"

    numbered = [f"c{i}" for i in range(len(head))]
    reader = pacsv.open_csv(
        raw,
        read_options=pacsv.ReadOptions(
            block_size=_BLOCK, skip_rows=0, column_names=numbered, use_threads=False
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pacsv.ConvertOptions(
            column_types={n: pa.string() for n in numbered},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    )
    columns = headed([(h,) for h in head], allowance, to)
    row = 0  # the header is row 0
    for batch in reader:
        look_at_batch(batch, columns, row, to)
        row += batch.num_rows
        for number, text in odd:
            at = f"row {number - 1}" if number else f"near row {row}"
            place = f"a row of another width, {at}"
            lines.look_at_text(text, place, to)
        odd.clear()


def _header(raw: IO[bytes]) -> list[str]:
    """The first row; the stream is left where the rows begin (behind a byte order mark)."""
    start = raw.read(1 << 20)
    mark = 3 if start.startswith(b"\xef\xbb\xbf") else 0
    raw.seek(mark)
    text = start[mark:].decode("utf-8", "replace")
    return next(csv.reader(io.StringIO(text, newline="")), [])


def look_at_parquet(raw: IO[bytes], allowance: Allowance, to: Looking) -> None:
    """All columns of all row groups, the key-value metadata, names, and the statistics.

    Raises pyarrow.ArrowInvalid or OSError when the file cannot be read.
    """
    file = pq.ParquetFile(raw)
    _metadata(file, to)
    names = [(n,) for n in file.schema_arrow.names]
    columns = headed(names, allowance, to)
    for path in _inner_names(file):
        lines.look_at_text(path, "name of a column", to)
    row = 1
    for batch in file.iter_batches(batch_size=_ROWS):
        look_at_batch(batch, columns, row, to)
        row += batch.num_rows


def _inner_names(file: pq.ParquetFile) -> Iterator[str]:
    for i in range(len(file.schema)):
        path = file.schema.column(i).path
        if "." in path:
            yield path


def _metadata(file: pq.ParquetFile, to: Looking) -> None:
    told = {**(file.metadata.metadata or {}), **(file.schema_arrow.metadata or {})}
    for key, value in told.items():
        for part in (key, value):
            lines.look_at_bytes(part, "key-value metadata", to)
    for f in file.schema_arrow:
        for key, value in (f.metadata or {}).items():
            lines.look_at_bytes(key + b" " + value, "metadata of a column", to)
    lines.look_at_text(str(file.metadata.created_by or ""), "created_by", to)
    _statistics(file, to)


def _statistics(file: pq.ParquetFile, to: Looking) -> None:
    """Least and greatest values can outlive the rows that they were taken from."""
    seen: set[str] = set()
    for g in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(g)
        for c in range(group.num_columns):
            try:
                stats = group.column(c).statistics
                ends = (stats.min, stats.max) if stats is not None and stats.has_min_max else ()
            except (ValueError, NotImplementedError, pa.ArrowException):
                continue  # a type without statistics that can be shown
            for end in ends:
                if isinstance(end, (str, bytes)):
                    text = end if isinstance(end, str) else as_text(end)
                    if text not in seen:
                        seen.add(text)
                        lines.look_at_text(text, "statistics", to, alone=False)
