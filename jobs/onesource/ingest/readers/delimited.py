"""Reads delimited text: `,` `|` `@@` tab, quotes, line breaks inside quotes, titles above.

The file is cut into pieces of whole lines. A piece in which every row is plain (no quote, no odd
number of cells) is cut into columns by Arrow; any other piece goes through the strict `csv`
module. Both see the same rows: tests hold them against each other.

Line numbers are those of an editor: the line on which the record begins, from 1. Cells are kept
as delivered, white space and the `\\t` that some systems append to numbers included: bronze is
what was said, the standardisers strip.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onesource.errors import DeliveryRefused
from onesource.ingest.readers import text
from onesource.ingest.readers.batches import (
    BLANK,
    MAX_CELL,
    Column,
    Layout,
    Maker,
    Row,
    Skipper,
    Source,
    Tally,
    address,
    huge_cell,
    origin_values,
    wanted_cells,
)
from onesource.ingest.readers.headers import (
    SEARCHED,
    HeaderIndex,
    Match,
    by_position,
    locate,
    settle,
)

if TYPE_CHECKING:
    from _csv import Reader as _CsvReader

# One record may not be longer than this: beyond it, a quote was opened and never closed.
MAX_RECORD = 16 << 20
# Characters that take the place of a delimiter of several characters while `csv` cuts a line.
_TABS = {"\\t": "\t", "tab": "\t", "TAB": "\t"}  # how a tab is written in a contract
_STAND_INS = "\x1f\x1e\x1d\x1c\ue000\uf8ff"


@dataclass(frozen=True)
class Shape:
    """How lines become cells."""

    delimiter: str
    quote: str
    newline: str


@dataclass
class Cut:
    """Records of some whole lines, and the lines at their end that a quote leaves open."""

    rows: list[Row]
    rest: int  # index of the first line not used


def batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The file as bronze batches. Raises DeliveryRefused; see the package for the reasons."""
    d = source.feed.delivery
    codec = text.encoding_of(source.path, d.encoding, source.file_name)
    tally.encoding = codec
    reader: _Reader | None = None
    kept, first = "", 1
    for piece, last in text.pieces(source.path, codec, source.file_name):
        body = kept + piece
        if reader is None:
            newline = "\r" if "\r" in body.rstrip("\r") and "\n" not in body else "\n"
            reader = _Reader(
                source, tally, Shape(_TABS.get(d.delimiter, d.delimiter), d.quote, newline)
            )
        end = len(body) if last else body.rfind(reader.shape.newline) + 1
        lines = body[:end].split(reader.shape.newline)
        closed = lines[-1] == ""
        if closed:
            lines.pop()
        used = yield from reader.piece(lines, first, last, closed)
        left = reader.shape.newline.join(lines[used:])
        if used < len(lines) and closed:
            left += reader.shape.newline
        kept = left + body[end:]
        first += used
        if len(kept) > MAX_RECORD:
            raise _long_record(source.file_name, first)


class _Reader:
    """One pass over a file; knows the header once it has been found."""

    def __init__(self, source: Source, tally: Tally, shape: Shape) -> None:
        self.source, self.tally, self.shape = source, tally, shape
        self.maker = Maker(source, tally)
        self.index = HeaderIndex(source.feed)
        self.layout: Layout | None = None
        self.skipper: Skipper | None = None
        self.header_texts: set[str] = set()
        self.header_cells: list[str] | None = None
        space = "[\\s\\v\\x{1a}\\x{00a0}\\x{3000}\\x{feff}]"
        self._blank = f"^(?:{space}|{re.escape(shape.delimiter)})*$"
        self._hollow = (
            f"^(?:{space}|{re.escape(shape.delimiter)}|{re.escape(shape.quote or ' ')})*$"
        )

    def piece(
        self, lines: list[str], first: int, last: bool, closed: bool
    ) -> Generator[pa.RecordBatch, None, int]:
        """Batches of the lines from line number `first`; returns how many lines were used."""
        at = 0
        if self.layout is None:
            found = self._header(lines, first, last)
            if found is None:
                return 0
            at = found
        if not (last and not closed):
            batch = self._plain(lines[at:], first + at)
            if batch is not None:
                yield from self._sliced(batch)
                return len(lines)
        cut = records(lines, at, first, self.shape, self.source.file_name)
        if last and cut.rest < len(lines):
            raise _open_quote(self.source.file_name, first + cut.rest)
        rows = self._data(cut, lines, first, ended=last and not closed)
        size = self.source.batch_rows
        assert self.layout is not None
        for i in range(0, len(rows), size):
            yield self.maker.from_rows(self.layout, rows[i : i + size])
        return cut.rest

    def _sliced(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        for i in range(0, batch.num_rows, self.source.batch_rows):
            yield batch.slice(i, self.source.batch_rows)

    # -- header ---------------------------------------------------------------------------

    def _header(self, lines: list[str], first: int, last: bool) -> int | None:
        """Finds the header; the number of lines up to the first row of data. None: read more."""
        spec, name = self.source.feed.delivery.header, self.source.file_name
        need = (spec.skip if spec.skip is not None else SEARCHED) + spec.rows + 1
        cut = records(lines, 0, first, self.shape, name, need)
        if len(cut.rows) < need and not last:
            return None
        grid: list[list[str | None]] = []
        for r in cut.rows:
            grid.append(list(r.cells) if r.cells is not None else [lines[r.line - first]])
        blank = not any(c and c.strip(BLANK) for row in grid for c in row)
        if blank and last and cut.rest == len(lines):
            match, after = by_position(self.source.feed), len(grid)
        elif spec.rows == 0:
            match, after = by_position(self.source.feed), spec.skip or 0
        else:
            found = locate(self.index, grid, spec)
            match = settle(self.index, found, name)
            after = found.after if found else 0
        self.layout = Layout(match, self._fixed(grid))
        self.skipper = Skipper(self.source.feed, match)
        self.tally.saw(match)
        starts = [r.line - first for r in cut.rows] + [cut.rest]
        after = min(after, len(grid))
        for i in range(max(after - spec.rows, 0), after):
            self.header_texts.add(
                self.shape.newline.join(lines[starts[i] : starts[i + 1]]).rstrip("\r\n")
            )
            self.header_cells = _stripped(grid[i])
        return starts[after]

    def _fixed(self, grid: list[list[str | None]]) -> tuple[str | None, ...]:
        def cell(name: str) -> str | None:
            place = address(name)
            if place is None or place[0] > len(grid) or place[1] >= len(grid[place[0] - 1]):
                return None
            return grid[place[0] - 1][place[1]]

        for name in wanted_cells(self.source.feed):
            value = cell(name)
            if value:
                self.tally.cells[name] = value
        return origin_values(self.source, None, cell)

    # -- the quick way --------------------------------------------------------------------

    def _plain(self, lines: list[str], first: int) -> pa.RecordBatch | None:
        """All lines at once, or None when one of them needs a closer look."""
        layout, skipper = self.layout, self.skipper
        assert layout is not None and skipper is not None
        width, quote = layout.match.width, self.shape.quote
        if not lines or width < 2 or skipper.ended:
            return None
        array: Column = pc.utf8_rtrim(pa.array(lines, pa.string()), characters="\r")
        quoted = bool(quote) and bool(pc.any(pc.match_substring(array, quote)).as_py())
        if pc.any(pc.match_substring(array, "\r")).as_py():
            return None
        numbers = pa.array(np.arange(first, first + len(lines), dtype="int64"))
        drop: Column = pc.match_substring_regex(array, self._blank)
        blanks = pc.sum(drop).as_py() or 0
        if quoted:  # is there a row of nothing but empty quotes?
            hollow: Column = pc.match_substring_regex(array, self._hollow)
            if (pc.sum(hollow).as_py() or 0) != blanks:
                return None
        repeated = 0
        if self.header_texts:
            again: Column = pc.is_in(array, pa.array(sorted(self.header_texts), pa.string()))
            repeated = pc.sum(again).as_py() or 0
            drop = pc.or_(drop, again)
        if blanks or repeated:
            keep: Column = pc.invert(drop)
            array, numbers = array.filter(keep), numbers.filter(keep)
        cut: Column = pc.split_pattern(array, self.shape.delimiter)
        if len(array) and not pc.all(pc.equal(pc.list_value_length(cut), pa.scalar(width))).as_py():
            return None
        flat = _unquoted(cut.flatten(), quote) if quoted else cut.flatten()
        if flat is None:
            return None
        columns = _columns(flat, width, len(array))
        if self._may_repeat_header(columns):
            return None
        if skipper.active and any(map(skipper.why, _as_rows(columns))):
            skipper.ended = False
            return None
        for why, count in (("blank", blanks), ("header", repeated)):
            if count:
                self.tally.skipped[why] += count
        return self.maker.from_columns(layout, columns, numbers)

    def _may_repeat_header(self, columns: Sequence[Column]) -> bool:
        """Does a row begin like the header, though it is written otherwise (quotes, a mark)?"""
        header = self.header_cells or []
        at = next((i for i, name in enumerate(header) if name), None)
        if at is None or at >= len(columns):
            return False
        trimmed: Column = pc.utf8_trim(columns[at], characters=BLANK)
        return bool(pc.any(pc.equal(trimmed, pa.scalar(header[at]))).as_py())

    # -- the careful way ------------------------------------------------------------------

    def _data(self, cut: Cut, lines: list[str], first: int, ended: bool) -> list[Row]:
        """The rows of data among the records, fitted to the header; counts the others."""
        layout, skipper = self.layout, self.skipper
        assert layout is not None and skipper is not None
        ends = [*(r.line - first for r in cut.rows[1:]), cut.rest][: len(cut.rows)]
        out: list[Row] = []
        for row, end in zip(cut.rows, ends, strict=True):
            raw = ""
            fitted = None if row.cells is None else _fit(row.cells, layout.match)
            if fitted is None:
                raw = self.shape.newline.join(lines[row.line - first : end]).rstrip("\r\n")
            why = skipper.why(row.cells if row.cells is not None else [raw])
            if why is None and (raw in self.header_texts or self._is_header(row.cells)):
                why = "header"
            if why is not None:
                self.tally.skipped[why] += 1
            elif fitted is not None:
                out.append(Row(row.line, fitted))
            elif ended and end == len(lines) and _short(row.cells, layout.match):
                raise _cut_off(self.source.file_name, row.line)
            else:
                out.append(Row(row.line, None, raw))
        return out

    def _is_header(self, cells: Sequence[str | None] | None) -> bool:
        return cells is not None and bool(cells) and _stripped(cells) == self.header_cells


def _stripped(cells: Sequence[str | None]) -> list[str]:
    return [(c or "").strip(BLANK) for c in cells]


def records(lines: list[str], at: int, first: int, shape: Shape, name: str, limit: int = -1) -> Cut:
    """Cuts lines into records by the rules of RFC 4180, strictly; `first` is the line of lines[0].

    A record that breaks them is malformed: its first line is kept as text and reading goes on
    with the next line, so that one stray quote never swallows the rows after it.
    Raises DeliveryRefused(CELL).
    """
    stand_in = ""
    if len(shape.delimiter) > 1:
        stand_in = next((s for s in _STAND_INS if not any(s in line for line in lines)), "")
        if not stand_in:
            raise DeliveryRefused(
                "holds control characters throughout", reason="FORMAT", where=name
            )
        lines = [line.replace(shape.delimiter, stand_in) for line in lines]
    rows: list[Row] = []
    before = csv.field_size_limit(MAX_CELL)
    try:
        while at < len(lines) and len(rows) != limit:
            reader = _csv_reader(lines, at, stand_in or shape.delimiter, shape)
            done = 0
            try:
                for cells in reader:
                    rows.append(Row(first + at + done, cells))
                    done = reader.line_num
                    if len(rows) == limit:
                        break
                at += done
            except csv.Error as e:
                at += done
                if "field larger" in str(e):
                    raise huge_cell(name, first + at) from e
                if "unexpected end" in str(e):
                    break
                rows.append(Row(first + at, None))
                at += 1
    finally:
        csv.field_size_limit(before)
    if stand_in:
        rows = [_restored(r, stand_in, shape.delimiter) for r in rows]
    return Cut(rows, at)


def _csv_reader(lines: list[str], at: int, delimiter: str, shape: Shape) -> _CsvReader:
    feed = (lines[i] + shape.newline for i in range(at, len(lines)))
    if shape.quote:
        return csv.reader(feed, delimiter=delimiter, quotechar=shape.quote, strict=True)
    return csv.reader(
        feed, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None, strict=True
    )


def _columns(flat: Column, width: int, n: int) -> list[Column]:
    places = np.arange(0, width * n, width, dtype="int64")
    return [flat.take(pa.array(places + i)) for i in range(width)]


def _as_rows(columns: list[Column]) -> Iterator[tuple[str | None, ...]]:
    return zip(*(c.to_pylist() for c in columns), strict=True)


def _unquoted(cells: Column, quote: str) -> Column | None:
    """The cells without their quotes, or None where a quote is more than the frame of a cell."""
    q = re.escape(quote)
    framed = pc.match_substring_regex(cells, f"^(?:[^{q}]*|{q}[^{q}]*{q})$")
    return pc.utf8_trim(cells, characters=quote) if pc.all(framed).as_py() else None


def _restored(row: Row, stand_in: str, delimiter: str) -> Row:
    if row.cells is None:
        return row
    return Row(row.line, [c.replace(stand_in, delimiter) if c else c for c in row.cells])


def _fit(cells: Sequence[str | None], match: Match) -> Sequence[str | None] | None:
    """The cells in the width of the header, or None when they do not fit it.

    Surplus cells that are all empty (a delimiter at the end of the line) say nothing and are
    left off; cells may lack only for columns at the end that have no header.
    """
    width = match.width
    if len(cells) == width:
        return cells
    if len(cells) > width:
        return None if any(c and c.strip(BLANK) for c in cells[width:]) else cells[:width]
    if _short(cells, match):
        return None
    return [*cells, *[""] * (width - len(cells))]


def _short(cells: Sequence[str | None] | None, match: Match) -> bool:
    if cells is None:
        return False
    unnamed = {i for i, name in match.unknown if name == f"column_{i + 1}"}
    return any(i not in unnamed for i in range(len(cells), match.width))


def _open_quote(file_name: str, line: int) -> DeliveryRefused:
    return DeliveryRefused(
        "a quote is opened and never closed",
        reason="TRUNCATED",
        where=f"{file_name}: line {line}",
        why="the file was cut off, or the quote belongs to the text",
        todo="ask for the file again; where quotes are text, say quote: '' in the contract",
    )


def _cut_off(file_name: str, line: int) -> DeliveryRefused:
    return DeliveryRefused(
        "the last line lacks cells and has no end",
        reason="TRUNCATED",
        where=f"{file_name}: line {line}",
        why="the file was cut off",
        todo="ask for it again",
    )


def _long_record(file_name: str, line: int) -> DeliveryRefused:
    return DeliveryRefused(
        f"a record is longer than {MAX_RECORD >> 20} MiB",
        reason="CELL",
        where=f"{file_name}: line {line}",
        why="the file is no text with lines, or is damaged",
        todo="ask for it again",
    )
