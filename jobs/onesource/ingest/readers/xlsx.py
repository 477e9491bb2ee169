"""Reads XLSX as departments make it.

Titles and unit rows above, headers of two levels over merged cells, one sheet per county, blocks
of merged cells, subtotals between the rows and a footer below. Hidden rows and columns are data.
A hidden sheet, or an empty one, without the contract's header is passed over; any other sheet
without it is refused, so that nothing is lost because a header changed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest import archive
from onesource.ingest.readers.batches import (
    BLANK,
    Layout,
    Maker,
    Row,
    Skipper,
    Source,
    Tally,
    address,
    batched,
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
from onesource.ingest.readers.sheetrows import SheetRow
from onesource.ingest.readers.workbook import Merge, Sheet, Workbook

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The workbook as bronze batches. Raises DeliveryRefused; see the package for the reasons."""
    refuse_other_kinds(source.path, source.file_name)
    archive.check_zip(source.path, name=source.file_name, inflate=False)
    with Workbook(source.path, source.file_name) as book:
        maker = Maker(source, tally)
        index = HeaderIndex(source.feed)
        for sheet in _chosen(book, source):
            yield from _SheetReader(source, tally, maker, index, book, sheet).batches()


def refuse_other_kinds(path: Path, file_name: str) -> None:
    """Refuses what only has the name of a workbook, saying what it is (FORMAT, ENCRYPTED)."""
    with path.open("rb") as f:
        head = f.read(4096)
        if head.startswith(b"PK"):
            return
        old = head.startswith(_OLD_OFFICE)
        # The directory of the container names its streams; it is not far from one of its ends.
        locked = old and any(_ENCRYPTED in block for block in iter(lambda: f.read(1 << 20), b""))
        locked = locked or _ENCRYPTED in head
    what, reason, todo = "is no workbook", "FORMAT", "ask for it saved as xlsx"
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if locked:
        what, reason, todo = "is protected by a password", "ENCRYPTED", "ask for it unprotected"
    elif old:
        what = "is an old binary workbook (xls)"
    elif start.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<head")):
        what = "is a web page with the name of a workbook"
    elif start.startswith(b"<?xml"):
        what = "is an XML spreadsheet or web page with the name of a workbook"
    elif not head:
        what = "has no bytes"
    raise DeliveryRefused(what, reason=reason, where=file_name, todo=todo)


def _chosen(book: Workbook, source: Source) -> list[Sheet]:
    """The sheets that the contract reads, in the order of the workbook."""
    spec = source.feed.delivery.sheets
    names = [s.name.strip() for s in book.sheets]
    absent = [n for n in spec.names if n not in names]
    chosen = [
        s
        for s in book.sheets
        if (not spec.names or s.name.strip() in spec.names)
        and (not spec.pattern or re.search(spec.pattern, s.name.strip()))
        and not (spec.skip and re.search(spec.skip, s.name.strip()))
    ]
    if absent or not chosen:
        what = f"lacks the sheet {', '.join(absent)}" if absent else "has no sheet to be read"
        raise DeliveryRefused(
            what,
            reason="SHEET",
            where=source.file_name,
            why=f"its sheets are {', '.join(names)}",
            todo="correct delivery.sheets in the contract, or ask for the whole workbook",
        )
    return chosen


@dataclass
class _Fill:
    """Merged blocks of the columns that are filled downward, with the values seen so far."""

    blocks: list[Merge]
    columns: frozenset[int]
    at: int = 0
    open: list[tuple[Merge, str | None]] = field(default_factory=list)

    @classmethod
    def of(cls, feed: Contract, match: Match, merges: Sequence[Merge], after: int) -> _Fill:
        by_name = dict(zip(feed.field_names, match.cells, strict=True))
        columns = frozenset(c for n in feed.delivery.fill_down if (c := by_name[n]) is not None)
        return cls(
            [
                m
                for m in merges
                if m.top > after
                and m.bottom > m.top
                and any(m.left <= c <= m.right for c in columns)
            ],
            columns,
        )

    def into(self, row: SheetRow) -> dict[int, str]:
        """The cells of a row with those of its merged blocks; only within each block."""
        if not self.blocks:
            return row.cells
        self.open = [(m, v) for m, v in self.open if m.bottom >= row.line]
        while self.at < len(self.blocks) and self.blocks[self.at].top <= row.line:
            m = self.blocks[self.at]
            self.at += 1
            if m.bottom >= row.line:
                # A row without any value is not in the file: then the block's corner is empty.
                self.open.append((m, row.cells.get(m.left) if m.top == row.line else None))
        if len(self.open) > len(self.columns):
            # Blocks that lie beside each other hold one column each at least.
            raise ValueError(f"merged blocks overlap at line {row.line}")
        cells = dict(row.cells)
        for m, value in self.open:
            for c in self.columns:
                if value and m.left <= c <= m.right and c not in cells:
                    cells[c] = value
        return cells


class _SheetReader:
    """One pass over a sheet."""

    def __init__(
        self,
        source: Source,
        tally: Tally,
        maker: Maker,
        index: HeaderIndex,
        book: Workbook,
        sheet: Sheet,
    ) -> None:
        self.source, self.tally, self.maker = source, tally, maker
        self.index, self.book, self.sheet = index, book, sheet
        self.where = f"{source.file_name}: sheet {sheet.name}"

    def batches(self) -> Iterator[pa.RecordBatch]:
        spec = self.source.feed.delivery.header
        depth = max(SEARCHED, spec.skip or 0) + spec.rows
        rows = self.book.rows(self.sheet)
        head: list[SheetRow] = []
        beyond: list[SheetRow] = []
        for row in rows:
            if row.line > depth:
                beyond.append(row)
                break
            head.append(row)
        if not head and not beyond:
            return
        merges = self.book.merges(self.sheet)
        try:
            grid = filled_grid(head, merges)
        except ValueError as e:
            raise self.book.damaged(f"sheet {self.sheet.name}: {e}") from e
        found = self._header(grid)
        if found is None:
            return
        match, after = found
        self.tally.saw(match)
        self.tally.sheets.setdefault(self.sheet.name, 0)
        layout = Layout(match, self._fixed(grid), self.sheet.name)
        headers = [r.cells for r in head if after - spec.rows < r.line <= after]
        body = itertools.chain((r for r in head if r.line > after), beyond, rows)
        data = self._data(body, match, _Fill.of(self.source.feed, match, merges, after), headers)
        for part in batched(data, self.source.batch_rows):
            yield self.maker.from_rows(layout, part)

    def _header(self, grid: list[list[str | None]]) -> tuple[Match, int] | None:
        """The match and the last line of the header; None: this sheet is no table of the feed."""
        d = self.source.feed.delivery
        if d.header.rows == 0:
            return by_position(self.source.feed), d.header.skip or 0
        found = locate(self.index, grid, d.header)
        if found is None and not any(c and c.strip(BLANK) for row in grid for c in row):
            return None
        try:
            match = settle(self.index, found, self.where)
        except DeliveryRefused:
            if self.sheet.hidden and self.sheet.name.strip() not in d.sheets.names:
                return None  # a list for drop-downs, or somebody's notes
            raise
        return match, found.after if found else 0

    def _fixed(self, grid: list[list[str | None]]) -> tuple[str | None, ...]:
        def cell(name: str) -> str | None:
            place = address(name)
            if place is None or place[0] > len(grid) or place[1] >= len(grid[place[0] - 1]):
                return None
            return grid[place[0] - 1][place[1]]

        for name in wanted_cells(self.source.feed):
            value = cell(name)
            if value:
                self.tally.cells.setdefault(name, value)
        return origin_values(self.source, self.sheet.name, cell)

    def _data(
        self,
        body: Iterator[SheetRow],
        match: Match,
        fill: _Fill,
        headers: Sequence[dict[int, str]],
    ) -> Iterator[Row]:
        """The rows of data; subtotals, blank rows, the footer and repeated headers are counted."""
        skipper = Skipper(self.source.feed, match)
        width = range(match.width)
        for row in body:
            try:
                filled = fill.into(row)
            except ValueError as e:
                raise self.book.damaged(f"sheet {self.sheet.name}: {e}") from e
            cells = row.cells
            own = [cells.get(i) for i in width]
            surplus = [(i, v) for i, v in cells.items() if i >= match.width and v.strip(BLANK)]
            why = skipper.why([*own, *(v for _, v in surplus)])
            if why is None and cells in headers:
                why = "header"
            if why is not None:
                self.tally.skipped[why] += 1
                continue
            yield Row(
                row.line,
                own if filled is cells else [filled.get(i) for i in width],
                extra=tuple((f"column_{i + 1}", v) for i, v in surplus),
            )


def filled_grid(head: Sequence[SheetRow], merges: Sequence[Merge]) -> list[list[str | None]]:
    """The first lines of a sheet with every merged block filled, as a person sees them.

    Raises ValueError when the blocks overlap: they would cost their sum, and mean nothing.
    """
    last = max((r.line for r in head), default=0)
    width = max((max(r.cells) + 1 for r in head), default=0)
    grid: list[list[str | None]] = [[None] * width for _ in range(last)]
    for r in head:
        for i, value in r.cells.items():
            grid[r.line - 1][i] = value
    room = last * width
    for m in merges:
        if m.top > last:
            break
        bottom, right = min(m.bottom, last), min(m.right, width - 1)
        room -= max(0, bottom - m.top + 1) * max(0, right - m.left + 1)
        if room < 0:
            raise ValueError("merged blocks overlap")
        corner = grid[m.top - 1][m.left] if m.left < width else None
        if corner is None:
            continue
        for line in range(m.top, bottom + 1):
            for i in range(m.left, right + 1):
                grid[line - 1][i] = corner
    return grid
