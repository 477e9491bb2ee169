"""Values as text: ISO dates, plain decimals, true and false; times in Beijing with their offset."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_ZONE = "Asia/Shanghai"


def as_text(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """The column as text; null stays null."""
    # The stubs of pyarrow.compute know less than the functions can do.
    compute: Any = pc
    kind = column.type
    text: pa.ChunkedArray[Any]
    if pa.types.is_boolean(kind):
        text = compute.if_else(column, "true", "false")
    elif pa.types.is_timestamp(kind):
        local = column.cast(pa.timestamp("s", tz=_ZONE), safe=False)
        # Beijing has had one offset since 1991, and no table here goes further back.
        text = compute.strftime(local, format="%Y-%m-%dT%H:%M:%S+08:00")
    elif pa.types.is_date(kind):
        text = compute.strftime(column.cast(pa.date32()), format="%Y-%m-%d")
    else:
        text = column.cast(pa.string())
    return text


def text_table(table: pa.Table) -> pa.Table:
    """All columns as text."""
    columns = [as_text(table.column(name)) for name in table.column_names]
    return pa.Table.from_arrays(columns, names=table.column_names)
