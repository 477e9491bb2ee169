"""An answer's way out: a table on a terminal, CSV elsewhere, CSV or Parquet as a whole file."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from onesource.errors import OneSourceError
from onesource.lake.files import sync_directory

Row = Sequence[str | None]
# A terminal shows no more: whoever wants them all wants a file.
TERMINAL_ROWS = 100
# What a department's file holds must not steer the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place, whole and on disk, when the block ends well."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Nobody else reads an answer before its owner gave it away.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        with part.open("rb") as f:
            os.fsync(f.fileno())
        part.replace(path)
        sync_directory(path.absolute().parent)
    except OSError as e:
        raise OneSourceError("cannot be written", where=str(path), why=e.strerror or str(e)) from e
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> int:
    """UTF-8 without BOM, LF, a header, empty for null; returns the number of rows."""
    with path.open("w", encoding="utf-8", newline="") as f:
        return stream_csv(f, header, rows)


def stream_csv(out: TextIO, header: Sequence[str], rows: Iterable[Row]) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    n = 0
    for row in rows:
        writer.writerow(row)
        n += 1
    return n


def write_parquet(path: Path, reader: Any) -> int:
    """Arrow batches as one Parquet file (zstd); returns the number of rows."""
    import pyarrow.parquet as pq

    n = 0
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            n += batch.num_rows
    return n


def show(
    out: TextIO,
    header: Sequence[str],
    rows: Sequence[Row],
    *,
    names_zh: Mapping[str, str],
    numeric: frozenset[int],
    more: bool,
    fold: bool = False,
) -> None:
    """A table for a person; one that is wider than the terminal is shown row by row.

    fold: keep it a table, however narrow its columns become.
    """
    from rich.cells import cell_len
    from rich.console import Console

    console = Console(file=out, highlight=False)
    titles = [f"{h}\n{names_zh[h]}" if names_zh.get(h) else h for h in header]
    widths = [
        max([cell_len(line) for line in title.split("\n")] + [cell_len(r[i] or "") for r in rows])
        for i, title in enumerate(titles)
    ]
    # Three characters stand between two columns; text may wrap to a third of the terminal.
    most = max(console.width // 3, 24)
    needed = sum(min(w, most) + 3 for w in widths) + 1
    if fold or needed <= console.width:
        _grid(console, titles, rows, numeric, "" if fold else "∅")
    else:
        _records(console, header, names_zh, rows)
    console.print(_note(len(rows), more), style="dim")


def _note(n: int, more: bool) -> str:
    if more:
        return f"the first {n} rows; there are more: narrow it, or take all with --csv FILE"
    return "1 row" if n == 1 else f"{n} rows"


def visible(text: str) -> str:
    """The text with every control character but tab and line end made visible."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _grid(
    console: Any,
    titles: Sequence[str],
    rows: Sequence[Row],
    numeric: frozenset[int],
    null: str,
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, title in enumerate(titles):
        table.add_column(Text(title), justify="right" if i in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(null, style="dim") if v is None else Text(visible(v)) for v in row])
    console.print(table)


def _records(
    console: Any, header: Sequence[str], names_zh: Mapping[str, str], rows: Sequence[Row]
) -> None:
    from rich.table import Table
    from rich.text import Text

    for i, row in enumerate(rows, 1):
        console.print(f"── row {i} " + "─" * 20, style="dim")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in zip(header, row, strict=True):
            shown = Text("∅", style="dim") if value is None else Text(visible(value))
            table.add_row(Text(name), Text(names_zh.get(name, ""), style="dim"), shown)
        console.print(table)
