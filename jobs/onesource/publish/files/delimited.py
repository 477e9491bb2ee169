"""CSV: UTF-8 without a byte order mark, English header, ISO dates, codes as text, LF.

Texts are quoted and numbers are not: a reader that looks keeps leading zeros, and an empty text
(`""`) can be told from a null (nothing).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from onesource.contracts.model import Contract
from onesource.publish.files.cells import as_text


def write(path: Path, table: pa.Table, dataset: Contract) -> None:
    """Writes the file; the header is the columns' names."""
    with path.open("wb") as f:
        f.write((",".join(table.column_names) + "\n").encode("ascii"))
        options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
        if table.num_rows:
            pacsv.write_csv(_plain(table), f, options)


def _plain(table: pa.Table) -> pa.Table:
    """Times as text with their offset; all else as it is."""
    columns = [as_text(c) if pa.types.is_timestamp(c.type) else c for c in table.itercolumns()]
    return pa.Table.from_arrays(columns, names=table.column_names)
