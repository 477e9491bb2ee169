"""Bronze batches: every field as text, what the contract does not know beside it, and the line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers.headers import Match

# A cell above this is a damaged file or an attack: the longest honest texts (work reports in a
# cell) have some ten thousand characters, and Excel allows 32,767.
MAX_CELL = 1 << 20
# White space that departments leave in cells that look empty, and the end mark of DOS files.
BLANK = " \t\r\n\x0b\x0c\x1a\u00a0\u3000\ufeff"
# An Arrow array of text. The stubs of pyarrow give most functions no type that fits a call.
Column: TypeAlias = Any
_MAP = pa.map_(pa.string(), pa.string())


def bronze_schema(feed: Contract) -> pa.Schema:
    """Every field of the contract as text, then `_extra`, `_raw`, `_sheet`, `_line`."""
    return pa.schema(
        [
            *((f.name, pa.string()) for f in feed.fields),
            ("_extra", _MAP),
            ("_raw", pa.string()),
            ("_sheet", pa.string()),
            ("_line", pa.int64()),
        ]
    )


class Row(NamedTuple):
    """One record: its line, and its cells, or its text where it could not be cut into cells."""

    line: int
    cells: Sequence[str | None] | None
    raw: str | None = None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Source:
    """What is read: a file, the contract, and the name under which it was delivered."""

    path: Path
    feed: Contract
    file_name: str
    batch_rows: int


@dataclass
class Tally:
    """What a pass over a file has found so far."""

    rows: int = 0
    malformed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    encoding: str | None = None
    total: int | None = None
    cells: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    sheets: dict[str, int] = field(default_factory=dict)

    def saw(self, match: Match) -> None:
        """Adds a header; an unknown column that has no header counts once it has a value."""
        self.unknown.update((n, None) for i, n in match.unknown if n != f"column_{i + 1}")
        self.missing.update((n, None) for n in match.missing)
        self.renamed.update(match.renamed)


@dataclass(frozen=True)
class Layout:
    """Cells to fields for one header: `fixed` has the text of fields that are no column."""

    match: Match
    fixed: tuple[str | None, ...]
    sheet: str | None = None


@lru_cache(maxsize=8192)
def _order(text: str) -> tuple[tuple[int, ...], str]:
    """Orders dates and times however they are written: 2017/7/9 comes before 2017/7/10."""
    return tuple(int(n) for n in re.findall(r"\d{1,18}", text, re.ASCII)), text


class Maker:
    """Makes bronze batches and keeps the tally."""

    def __init__(self, source: Source, tally: Tally, max_cell: int = MAX_CELL) -> None:
        self.source, self.tally, self.max_cell = source, tally, max_cell
        self.schema = bronze_schema(source.feed)
        s = source.feed.delivery.statement_time
        self._time_field = s.field if s.from_ == "column" else None

    def from_rows(self, layout: Layout, rows: Sequence[Row]) -> pa.RecordBatch:
        """A batch from rows in Python; a row without cells keeps its text in `_raw`."""
        width = layout.match.width
        blank: list[str | None] = [None] * width
        cells = [r.cells if r.cells is not None else blank for r in rows]
        try:
            columns = [pa.array(c, pa.string()) for c in zip(*cells, strict=True)]
        except UnicodeEncodeError:  # half of a surrogate pair, from a JSON escape: no text
            return self.from_rows(layout, [_without_surrogates(r) for r in rows])
        raw = pa.array([r.raw for r in rows], pa.string())
        lines = pa.array([r.line for r in rows], pa.int64())
        own = [r.extra for r in rows] if any(r.extra for r in rows) else None
        bad = sum(r.cells is None for r in rows)
        return self.from_columns(layout, columns, lines, raw, own, bad)

    def from_columns(
        self,
        layout: Layout,
        columns: Sequence[Column],
        lines: Column,
        raw: Column | None = None,
        own: Sequence[tuple[tuple[str, str], ...]] | None = None,
        malformed: int = 0,
    ) -> pa.RecordBatch:
        """A batch from one array per cell of the header. `own` are further values of each row."""
        n = len(lines)
        self._refuse_huge(columns, lines, layout.sheet)
        out: list[Column] = []
        for cell, fixed in zip(layout.match.cells, layout.fixed, strict=True):
            if cell is not None:
                out.append(columns[cell])
            else:
                out.append(pa.repeat(pa.scalar(fixed, pa.string()), n))
        out.append(self._extra(layout.match, columns, own, n))
        out.append(raw if raw is not None else pa.nulls(n, pa.string()))
        out.append(pa.repeat(pa.scalar(layout.sheet, pa.string()), n))
        out.append(lines)
        batch = pa.RecordBatch.from_arrays(out, schema=self.schema)
        self._count(batch, layout, malformed)
        return batch

    def _count(self, batch: pa.RecordBatch, layout: Layout, malformed: int) -> None:
        self.tally.rows += batch.num_rows
        self.tally.malformed += malformed
        if layout.sheet is not None:
            sheets = self.tally.sheets
            sheets[layout.sheet] = sheets.get(layout.sheet, 0) + batch.num_rows
        name = self._time_field
        if name is not None:
            values = [v for v in pc.unique(batch.column(name)).to_pylist() if v and v.strip(BLANK)]
            latest = max(
                [*values, *filter(None, [self.tally.last.get(name)])], key=_order, default=""
            )
            if latest:
                self.tally.last[name] = latest

    def _refuse_huge(self, columns: Sequence[Column], lines: Column, sheet: str | None) -> None:
        for c in columns:
            if c.nbytes <= self.max_cell:
                continue
            sizes: Column = pc.binary_length(c)
            if (pc.max(sizes).as_py() or 0) > self.max_cell:
                huge: Column = pc.greater(sizes, pa.scalar(self.max_cell))
                line = lines[pc.index(huge, True).as_py()].as_py()
                raise huge_cell(self.source.file_name, int(line), sheet)

    def _extra(
        self,
        match: Match,
        columns: Sequence[Column],
        own: Sequence[tuple[tuple[str, str], ...]] | None,
        n: int,
    ) -> Column:
        """The map of what the contract does not know; empty cells are left out, none is null."""
        if own is not None:
            return self._extra_by_row(match, columns, own)
        if not match.unknown:
            return pa.nulls(n, _MAP)
        k = len(match.unknown)
        filled = [_filled(columns[i]) for i, _ in match.unknown]
        mask = np.column_stack(filled)
        for j, (i, name) in enumerate(match.unknown):
            if name == f"column_{i + 1}" and filled[j].any():
                self.tally.unknown[name] = None
        counts = mask.sum(axis=1)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        where = np.flatnonzero(mask.ravel())  # row by row, so that the offsets fit
        items = pa.chunked_array([columns[i] for i, _ in match.unknown], pa.string())
        items = items.take(pa.array((where % k) * n + where // k, pa.int64()))
        keys = pa.array([name for _, name in match.unknown], pa.string()).take(
            pa.array(where % k, pa.int64())
        )
        return _maps(offsets, counts, keys, items.combine_chunks())

    def _extra_by_row(
        self,
        match: Match,
        columns: Sequence[Column],
        own: Sequence[tuple[tuple[str, str], ...]],
    ) -> Column:
        plain: list[tuple[str, list[str | None]]] = [
            (name, columns[i].to_pylist()) for i, name in match.unknown
        ]
        keys: list[str] = []
        items: list[str] = []
        offsets = [0]
        for r, more in enumerate(own):
            held = ((name, values[r]) for name, values in plain)
            for name, value in (*held, *more):
                if not value or not value.strip(BLANK):
                    continue
                keys.append(name)
                items.append(value)
                self.tally.unknown[name] = None
            offsets.append(len(keys))
        ends = np.array(offsets)
        return _maps(ends, np.diff(ends), pa.array(keys, pa.string()), pa.array(items, pa.string()))


def _filled(column: Column) -> NDArray[Any]:
    trimmed: Column = pc.utf8_trim(column, characters=BLANK)
    shown: Column = pc.not_equal(trimmed, pa.scalar(""))
    filled: NDArray[Any] = pc.fill_null(shown, False).to_numpy(zero_copy_only=False)
    return filled


def _maps(offsets: NDArray[Any], counts: NDArray[Any], keys: Column, items: Column) -> Column:
    starts = pa.array(offsets.astype("int32"), mask=np.append(counts == 0, False))
    return pa.MapArray.from_arrays(starts, keys, items)


def _without_surrogates(row: Row) -> Row:
    values = [*(row.cells or ()), *(v for _, v in row.extra), row.raw]
    if all(v is None or v.isascii() or _encodes(v) for v in values):
        return row
    return Row(row.line, None, json.dumps([row.cells, row.extra, row.raw]))


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def huge_cell(file_name: str, line: int, sheet: str | None = None) -> DeliveryRefused:
    place = f"{file_name}: sheet {sheet}, line {line}" if sheet else f"{file_name}: line {line}"
    return DeliveryRefused(
        f"a cell holds more than {MAX_CELL >> 20} MiB",
        reason="CELL",
        where=place,
        why="a quote that is never closed, or a damaged file",
        todo="ask for the file again",
    )


class Skipper:
    """Which rows are no data: blank ones, subtotals and what follows the footer.

    The words are looked for in the cell as it is and without its white space, so that `合  计`
    is found by `合计`. The first non-empty cell is that of the file, before merged cells are
    filled: a subtotal row inside a merged block is still a subtotal row.
    """

    def __init__(self, feed: Contract, match: Match) -> None:
        d = feed.delivery
        self._rows = re.compile(d.skip_rows) if d.skip_rows else None
        self._footer = re.compile(d.footer) if d.footer else None
        by_name = dict(zip(feed.field_names, match.cells, strict=True))
        self._cells = [c for n in d.skip_rows_in if (c := by_name[n]) is not None]
        self._everywhere = not d.skip_rows_in
        self.ended = False

    @property
    def active(self) -> bool:
        return bool(self._rows or self._footer)

    def why(self, cells: Sequence[str | None]) -> str | None:
        """`blank`, `subtotal` or `footer`; None for a row of data."""
        first = next((c for c in cells if c and c.strip(BLANK)), None)
        if first is None:
            return "blank"
        if self.ended:
            return "footer"
        if self._footer and matches(self._footer, first):
            self.ended = True
            return "footer"
        if self._rows is None:
            return None
        seen = [first] if self._everywhere else [cells[i] for i in self._cells if i < len(cells)]
        return "subtotal" if any(c and matches(self._rows, c) for c in seen) else None


def matches(pattern: re.Pattern[str], cell: str) -> bool:
    text = cell.strip(BLANK)
    if pattern.search(text):
        return True
    return not text.isalnum() and bool(pattern.search(_squeezed(text)))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def origin_values(
    source: Source, sheet: str | None, cell: Callable[[str], str | None]
) -> tuple[str | None, ...]:
    """The text of the fields that are no column: from name, sheet, one cell, or constant.

    Fields that come from the delivery (`statement_time`) stay null here: the delivery knows them.
    """
    named = re.fullmatch(source.feed.delivery.pattern, source.file_name)
    out: list[str | None] = []
    for f in source.feed.fields:
        o = f.properties.origin
        value: str | None = None
        if o is None or o.from_ in ("column", "delivery"):
            out.append(None)
            continue
        if o.from_ == "file_name":
            value = named.group(o.group) if named and o.group else None
        elif o.from_ == "sheet":
            value = sheet
        elif o.from_ == "cell":
            value = cell(o.cell or "")
        else:
            value = o.value
        if value is not None and o.pattern:
            value = part_of(value, o.pattern)
        out.append(value)
    return tuple(out)


def part_of(text: str, pattern: str) -> str | None:
    """What a pattern takes from a text: its first group, the whole match where it has none."""
    found = re.search(pattern, text)
    if not found:
        return None
    return found.group(1) if found.re.groups else found.group()


def wanted_cells(feed: Contract) -> tuple[str, ...]:
    """The addresses that the contract reads above the table."""
    out = dict.fromkeys(
        f.properties.origin.cell
        for f in feed.fields
        if f.properties.origin and f.properties.origin.from_ == "cell"
    )
    if feed.delivery.statement_time.from_ == "cell":
        out[feed.delivery.statement_time.cell] = None
    return tuple(c.upper() for c in out if c)


def address(cell: str) -> tuple[int, int] | None:
    """`B2` → (2, 1): the row from 1, the column from 0."""
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})", cell)
    if not found:
        return None
    column = 0
    for letter in found.group(1).upper():
        column = column * 26 + ord(letter) - 64
    return int(found.group(2)), column - 1


def batched(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
