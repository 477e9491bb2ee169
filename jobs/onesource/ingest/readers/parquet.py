"""Reads Parquet, row group by row group; every value as canonical text.

Whole numbers and decimals are written out, floats in the fewest digits that give the same float,
times in ISO with the zone where there is one, nested values as compact JSON. `_line` is the
number of the row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onesource.errors import DeliveryRefused
from onesource.ingest.readers.batches import Column, Layout, Maker, Source, Tally, origin_values
from onesource.ingest.readers.headers import HeaderIndex, match, require


def batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The file as bronze batches. Raises DeliveryRefused; see the package for the reasons."""
    with _opened(source) as file:
        names = file.schema_arrow.names
        found = match(HeaderIndex(source.feed), names, source.file_name)
        require(source.feed, found, names, source.file_name)
        tally.saw(found)
        layout = Layout(found, origin_values(source, None, lambda _: None))
        maker = Maker(source, tally)
        first = 1
        try:
            for batch in file.iter_batches(batch_size=source.batch_rows):
                columns = [text_of(c) for c in batch.columns]
                lines = np.arange(first, first + batch.num_rows, dtype="int64")
                first += batch.num_rows
                yield maker.from_columns(layout, columns, pa.array(lines))
        except (OSError, pa.ArrowException, UnicodeDecodeError) as e:
            raise _refused(source, "FORMAT", "is a damaged Parquet file", str(e)) from e


def _opened(source: Source) -> pq.ParquetFile:
    with source.path.open("rb") as f:
        head = f.read(4)
        size = f.seek(0, 2)
        f.seek(max(0, size - 4))
        tail = f.read()
    if head == b"PARE":
        raise _refused(source, "ENCRYPTED", "is an encrypted Parquet file")
    if head != b"PAR1":
        raise _refused(source, "FORMAT", "is no Parquet file")
    if tail != b"PAR1" or size < 12:
        raise _refused(source, "TRUNCATED", "lacks its end", "the file was cut off")
    try:
        return pq.ParquetFile(source.path)
    except (OSError, pa.ArrowException) as e:
        raise _refused(source, "FORMAT", "is a damaged Parquet file", str(e)) from e


def _refused(source: Source, reason: str, what: str, why: str = "") -> DeliveryRefused:
    return DeliveryRefused(
        what,
        reason=reason,
        where=source.file_name,
        why=why[:120],
        todo="ask for the file again",
    )


def text_of(column: Column) -> Column:
    """A column of any type as text. Raises ArrowInvalid where stored text is no UTF-8."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column.validate(full=True)  # writers do not check their bytes, and Arrow believes them
        return column if pa.types.is_string(kind) else column.cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        text = column.cast(pa.string())
        if not (pc.any(pc.match_substring(text, "e")).as_py() or False):
            return text
        return pa.array([_no_exponent(t) for t in text.to_pylist()], pa.string())
    return pa.array([_scalar_text(v) for v in column], pa.string())


def _scalar_text(scalar: Any) -> str | None:
    """One value as text; times that Python cannot hold (nanoseconds, year 12024) by Arrow."""
    try:
        if _has_nanoseconds(scalar):
            return _by_arrow(scalar)
        return plain(scalar.as_py())
    except (OverflowError, ValueError) as e:
        if isinstance(e, UnicodeDecodeError):
            raise
        return _by_arrow(scalar)


def _has_nanoseconds(scalar: Any) -> bool:
    """Would Python's times, which end at microseconds, drop digits?"""
    kind = scalar.type
    timed = pa.types.is_timestamp(kind) or pa.types.is_time64(kind) or pa.types.is_duration(kind)
    return timed and kind.unit == "ns" and scalar.is_valid and scalar.value % 1000 != 0


def _by_arrow(scalar: Any) -> str | None:
    if not scalar.is_valid:
        return None
    try:
        return str(scalar.cast(pa.string()).as_py())
    except pa.ArrowException:  # beyond Arrow's calendar too: the number that is stored
        return str(getattr(scalar, "value", scalar))


def _no_exponent(text: str | None) -> str | None:
    return f"{Decimal(text):f}" if text and "e" in text else text


def plain(value: Any) -> str | None:
    """One value as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _no_exponent(repr(value).removesuffix(".0"))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.hex()
    return json.dumps(_jsonable(value), ensure_ascii=False, separators=(",", ":"))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else plain(value)
