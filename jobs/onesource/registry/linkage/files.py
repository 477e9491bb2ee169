"""A list that somebody brings, read as text: any encoding and delimiter that our readers know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from onesource.errors import DeliveryRefused, UsageError
from onesource.ingest.infer.table import find_header
from onesource.ingest.readers import text
from onesource.ingest.readers.delimited import Shape, records
from onesource.registry.linkage.spec import Source

_DELIMITERS = (",", "\t", "|", ";", "@@", "||", "^", "~")
_SAMPLE = 200
# A byte of Western European text is read by GB18030 as half of a Chinese character that stands
# alone among Latin letters; Chinese text stands in runs.
_ALONE = re.compile(r"(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])")
_WIDE = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True)
class List:
    """A file's rows: columns of text under their headers, and the line of each row."""

    table: pa.Table
    lines: tuple[int, ...]
    encoding: str

    def ids(self, column: str | None) -> list[str]:
        """The value of the id column, or the line where there is none or it is empty."""
        if column is None:
            return [str(n) for n in self.lines]
        values = self.table.column(column).to_pylist()
        return [
            v.strip() if v and v.strip() else str(n)
            for v, n in zip(values, self.lines, strict=True)
        ]


def read_list(path: Path, source: Source) -> List:
    """Reads a delimited file with a header, whole.

    Raises UsageError where it is not there or is no table, DeliveryRefused where it is damaged,
    naming line and reason, never a value.
    """
    if not path.is_file():
        raise UsageError("there is no such file", where=str(path))
    codec, body = _text(path, source)
    newline = "\r" if "\r" in body.rstrip("\r") and "\n" not in body else "\n"
    lines = body.split(newline)
    if lines and lines[-1] == "":
        lines.pop()
    shape = _shape(lines, newline, source, path.name)
    cut = records(lines, 0, 1, shape, path.name)
    rows = [(r.line, r.cells) for r in cut.rows]
    if cut.rest < len(lines):
        raise DeliveryRefused(
            "a quote is opened and never closed", reason="TRUNCATED",
            where=f"{path.name}: line {cut.rest + 1}",
        )  # fmt: skip
    return _table(rows, path, codec)


def _text(path: Path, source: Source) -> tuple[str, str]:
    """(encoding, text), proved by decoding all of it; Western European only where it must be."""
    try:
        codec = text.encoding_of(path, source.encoding, path.name)
        body = "".join(piece for piece, _ in text.pieces(path, codec, path.name))
    except DeliveryRefused as e:
        if e.reason != "ENCODING" or source.encoding != "auto":
            raise
        return "cp1252", _western(path)
    if codec == "gb18030" and source.encoding == "auto":
        wide = len(_WIDE.findall(body))
        if wide and len(_ALONE.findall(body)) > wide / 2:
            return "cp1252", _western(path)
    return codec, body.removeprefix("\ufeff")


def _western(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _shape(lines: Sequence[str], newline: str, source: Source, name: str) -> Shape:
    """The delimiter given, or the one that cuts the first lines into most cells of one number."""
    quote = '"'
    if source.delimiter is not None:
        return Shape(
            {"\\t": "\t", "tab": "\t"}.get(source.delimiter, source.delimiter), quote, newline
        )

    def fit(delimiter: str) -> tuple[float, int]:
        if not any(delimiter in line for line in lines[:_SAMPLE]):
            return 0.0, 0
        shape = Shape(delimiter, quote, newline)
        found = [
            len(r.cells) for r in records(list(lines[:_SAMPLE]), 0, 1, shape, name).rows if r.cells
        ]
        if not found:
            return 0.0, 0
        width = max(set(found), key=lambda w: (found.count(w), w))
        return (width * found.count(width) / len(found) if width > 1 else 0.0), len(delimiter)

    return Shape(max(_DELIMITERS, key=fit), quote, newline)


def _table(rows: list[tuple[int, Sequence[str | None] | None]], path: Path, codec: str) -> List:
    """Header and rows; lines above the header (titles) and empty rows are passed over."""
    grid = [list(cells or ()) for _, cells in rows[:60]]
    at = 0
    if grid and not _plain_header(grid):
        found = find_header(grid)
        at = found[0] if found else 0
    if not rows or rows[at][1] is None:
        raise UsageError("holds no table", where=path.name, todo="it needs a line of headers")
    headers = [(h or "").strip() for h in rows[at][1] or ()]
    while headers and not headers[-1]:
        headers.pop()
    headers = [h or f"column_{i + 1}" for i, h in enumerate(headers)]
    if len(set(headers)) < len(headers):
        twice = next(h for h in headers if headers.count(h) > 1)
        raise UsageError(
            f"two columns are headed {twice}", where=f"{path.name}: line {rows[at][0]}"
        )
    width = len(headers)
    kept, lines = [], []
    for line, cells in rows[at + 1 :]:
        if cells is None or any(c and c.strip() for c in cells[width:]):
            raise DeliveryRefused(
                f"has another number of cells than its header ({width})", reason="MALFORMED",
                where=f"{path.name}: line {line}",
                todo="name the delimiter in the spec (left.delimiter, right.delimiter)",
            )  # fmt: skip
        if not any(c and c.strip() for c in cells):
            continue
        kept.append([*cells[:width], *[None] * (width - len(cells))])
        lines.append(line)
    if not kept:
        raise UsageError("has no row below its headers", where=path.name)
    columns = {h: pa.array([r[i] for r in kept], pa.string()) for i, h in enumerate(headers)}
    return List(pa.table(columns), tuple(lines), codec)


def _plain_header(grid: Sequence[Sequence[str | None]]) -> bool:
    """Is the first row as wide as the others? Then it is the header, whatever stands in it."""
    filled = [len([c for c in row if c and c.strip()]) for row in grid]
    return len(grid[0]) >= max(len(r) for r in grid) and filled[0] >= 0.6 * max(filled)
