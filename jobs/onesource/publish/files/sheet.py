"""XLSX for people: a Chinese header row over the English one, numbers as numbers.

A text that a spreadsheet would take for a formula gets an apostrophe in front (it is written as
text anyhow, but is copied on to other programs). Numbers with more than fifteen digits are text:
a spreadsheet keeps no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter

from onesource.contracts.model import Contract, FieldSpec
from onesource.errors import OneSourceError
from onesource.publish.files.cells import as_text

MOST_ROWS = 1_048_576 - 2
_MOST_TEXT = 32_767
_DIGITS = 15
_EPOCH = 25_569  # the serial of 1970-01-01
_FIRST_DAY = 61  # 1900-03-01: before it, spreadsheets count a day that never was
# The day on which a file was made stands nowhere in it: the same rows give the same bytes.
_MADE = datetime(2000, 1, 1)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(DANGEROUS) else text


def write(path: Path, table: pa.Table, dataset: Contract) -> None:
    """Writes one sheet. Raises OneSourceError for more rows than a sheet holds."""
    if table.num_rows > MOST_ROWS:
        raise OneSourceError(
            f"{dataset.id} has {table.num_rows} rows, a sheet holds {MOST_ROWS}",
            where=str(dataset.path),
            todo="say xlsx: false in its contract",
        )
    options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False}
    book = xlsxwriter.Workbook(str(path), options)
    try:
        book.set_properties({"title": dataset.business_name, "created": _MADE})
        sheet = book.add_worksheet(_sheet_name(dataset.business_name))
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for i, f in enumerate(dataset.fields):
            sheet.set_column(i, i, 14 if f.logical_type != "string" else 22)
        for i, f in enumerate(dataset.fields):
            sheet.write_string(0, i, _title(f), bold)
        for i, f in enumerate(dataset.fields):
            sheet.write_string(1, i, f.name, bold)
        sheet.freeze_panes(2, 0)
        row = 2
        for batch in table.to_batches(max_chunksize=8192):
            columns = [_cells(batch, f, sheet, day) for f in dataset.fields]
            for i in range(batch.num_rows):
                for j, (values, put) in enumerate(columns):
                    if values[i] is not None:
                        put(row, j, values[i])
                row += 1
    finally:
        book.close()


def _title(f: FieldSpec) -> str:
    return f"{f.business_name}（{f.properties.unit}）" if f.properties.unit else f.business_name


def _sheet_name(name: str) -> str:
    plain = "".join(c for c in name if c not in "[]:*?/\\'")
    return plain[:31] or "data"


Put = Callable[[int, int, Any], Any]


def _cells(batch: pa.RecordBatch, f: FieldSpec, sheet: Any, day: Any) -> tuple[list[Any], Put]:
    """The values of a column of the batch, and what writes one into row and column."""
    column = batch.column(f.name)
    if f.logical_type in ("integer", "number"):
        return _mixed(_numbers(column), sheet, sheet.write_number)
    if f.logical_type == "date":
        return _mixed(_days(column), sheet, lambda r, c, v: sheet.write_number(r, c, v, day))
    if f.logical_type == "boolean":
        return column.to_pylist(), sheet.write_boolean
    return _texts(column), sheet.write_string


def _mixed(values: list[Any], sheet: Any, put: Put) -> tuple[list[Any], Put]:
    """Values of which some may be text, since a spreadsheet cannot keep them otherwise."""
    if any(isinstance(v, str) for v in values):
        return values, lambda r, c, v: (sheet.write_string if isinstance(v, str) else put)(r, c, v)
    return values, put


def _days(column: pa.Array[Any]) -> list[int | str | None]:
    """Serial days; before March 1900, where spreadsheets disagree or have no day, ISO text."""
    days: list[int | None] = column.cast(pa.int32()).to_pylist()
    serials: list[int | str | None] = [None if d is None else d + _EPOCH for d in days]
    for i, d in enumerate(days):
        if d is not None and d < _FIRST_DAY - _EPOCH:
            serials[i] = str(column[i].as_py())
    return serials


def _numbers(column: pa.Array[Any]) -> list[Any]:
    """Numbers that a spreadsheet keeps, and the others as text."""
    kind = column.type
    if pa.types.is_floating(kind):
        return column.to_pylist()
    if pa.types.is_decimal(kind) and kind.precision <= _DIGITS:
        # By way of text: Arrow's own cast of a decimal is not the nearest binary fraction.
        return column.cast(pa.string()).cast(pa.float64()).to_pylist()
    return [_number(v) for v in column.to_pylist()]


def _number(value: Decimal | int | None) -> float | int | str | None:
    if isinstance(value, Decimal):
        is_exact = len(value.normalize().as_tuple().digits) <= _DIGITS
        return float(value) if is_exact else format(value, "f")
    return value if value is None or abs(value) < 10**_DIGITS else str(value)


def _texts(column: pa.Array[Any]) -> list[str | None]:
    """Harmless texts. Raises OneSourceError for one that does not fit into a cell."""
    texts = [
        None if v is None else harmless(v) for v in as_text(pa.chunked_array([column])).to_pylist()
    ]
    longest = max((len(t) for t in texts if t is not None), default=0)
    if longest > _MOST_TEXT:
        raise OneSourceError(
            f"a text of {longest} characters does not fit into a cell",
            todo="say xlsx: false in the contract",
        )
    return texts
