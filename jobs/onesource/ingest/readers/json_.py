"""Reads JSON: an array, one record a line, an envelope such as `{"code": "200", "data": […]}`.

A file may hold several envelopes (the pages of one answer, one after another or in an array).
Nested values become compact JSON text. `_line` is the number of the record, or the line where
every record has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from onesource.contracts.properties import Envelope
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import text
from onesource.ingest.readers.batches import (
    MAX_CELL,
    Layout,
    Maker,
    Row,
    Source,
    Tally,
    batched,
    origin_values,
)
from onesource.ingest.readers.headers import (
    HeaderIndex,
    Match,
    by_position,
    normalised,
    require,
    short,
)
from onesource.ingest.readers.jsonstream import (
    DECODER,
    MAX_DEPTH,
    Duplicate,
    Stream,
    as_text,
    compact,
)

# A table has some hundred columns. All names are remembered: their number must have an end.
MAX_KEYS = 10_000
# How gateways call the number and the size of a page beside the total.
_PAGE = frozenset(
    ("page", "pageno", "page_no", "pagenum", "page_num", "pageindex", "current", "currentpage")
)
_PAGE_SIZE = frozenset(("pagesize", "page_size", "size", "limit", "perpage", "per_page"))


def batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The file as bronze batches. Raises DeliveryRefused; see the package for the reasons."""
    codec = text.encoding_of(source.path, source.feed.delivery.encoding, source.file_name)
    tally.encoding = codec
    keyed = Keyed(source, tally)
    if _by_line(source, codec):
        rows = _lines(source, codec, keyed)
    else:
        rows = _documents(source, codec, keyed, tally)
    try:
        yield from keyed.batches(rows)
    except RecursionError as e:
        raise too_deep(source.file_name) from e


class Keyed:
    """Records with keys to rows with cells; remembers every key that it has seen."""

    def __init__(self, source: Source, tally: Tally, max_cell: int = MAX_CELL) -> None:
        self.source, self.tally = source, tally
        self.index = HeaderIndex(source.feed)
        self.maker = Maker(source, tally, max_cell)
        self.places: dict[str, int | None] = {}
        self.came_as: dict[int, str] = {}
        # Cells stand in the contract's order; every column field has one.
        positions = by_position(source.feed)
        self.match = positions
        self.cell_of = positions.cells

    def row(self, line: int, record: Any) -> Row:
        """A record as a row; what is no object is malformed and keeps its text."""
        if not isinstance(record, dict):
            return Row(line, None, compact(record))
        cells: list[str | None] = [None] * self.match.width
        filled: set[int] = set()
        extra: list[tuple[str, str]] = []
        for key, value in record.items():
            place = self.places.get(key, -1)
            if place == -1:
                place = self._place(key, line)
            if place is None:
                said = as_text(value)
                if said is not None:
                    extra.append((printable(key), said))
            elif place in filled:
                raise DeliveryRefused(
                    f"the key {short(key)} gives a field that another key has given",
                    reason="HEADER",
                    where=f"{self.source.file_name}: record {line}",
                    todo="ask which of the two holds",
                )
            else:
                filled.add(place)
                cells[place] = as_text(value)
        return Row(line, cells, extra=tuple(extra))

    def _place(self, key: str, line: int) -> int | None:
        if len(self.places) >= MAX_KEYS:
            raise DeliveryRefused(
                f"has more than {MAX_KEYS} different keys",
                reason="FORMAT",
                where=f"{self.source.file_name}: record {line}",
                why="values stand where names should",
                todo="ask for a list of records with the same keys",
            )
        at = self.index.find(key)
        cell = self.cell_of[at] if at is not None else None
        self.places[key] = cell
        if at is None or cell is None:
            self.tally.unknown[printable(key)] = None
            return None
        self.came_as.setdefault(at, key)
        f = self.source.feed.fields[at]
        if normalised(key) not in (normalised(f.business_name), normalised(f.name)):
            self.tally.renamed[f.name] = key
        return cell

    def batches(self, rows: Iterator[Row]) -> Iterator[pa.RecordBatch]:
        layout = Layout(self.match, origin_values(self.source, None, lambda _: None))
        for part in batched(rows, self.source.batch_rows):
            yield self.maker.from_rows(layout, part)
        self._finish()

    def _finish(self) -> None:
        """Says which fields no record had; a key or required one refuses the file."""
        feed = self.source.feed
        absent = tuple(
            f.name for i, f in enumerate(feed.fields) if f.is_column and i not in self.came_as
        )
        self.tally.missing.update((n, None) for n in absent)
        if self.tally.rows == 0:
            return
        seen = Match(
            width=len(self.places),
            cells=tuple(0 if i in self.came_as else None for i in range(len(feed.fields))),
            unknown=tuple((i, n) for i, n in enumerate(self.tally.unknown)),
            missing=absent,
            renamed={},
        )
        require(feed, seen, list(self.places), self.source.file_name)


def _by_line(source: Source, codec: str) -> bool:
    """Is every record on a line of its own? Told from the first lines that hold anything."""
    if source.feed.delivery.envelope.records:
        return False
    head, last = next(text.pieces(source.path, codec, source.file_name))
    lines = [ln for ln in head.split("\n")[: None if last else -1] if ln.strip()][:5]
    if not lines or not lines[0].lstrip().startswith("{"):
        return False
    return any(_is_object(line) for line in lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line.rstrip().removesuffix(",")), dict)
    except (ValueError, RecursionError):
        return False


def _lines(source: Source, codec: str, keyed: Keyed) -> Iterator[Row]:
    """One record a line; a line that is no JSON is malformed, the last without its end is cut."""
    kept, number = "", 0
    for piece, last in text.pieces(source.path, codec, source.file_name):
        *whole, kept = (kept + piece).split("\n")
        closed = last and not kept.strip()
        if last and kept.strip():
            whole.append(kept)
        for i, line in enumerate(whole):
            number += 1
            if not line.strip():
                continue
            try:
                record, end = DECODER.raw_decode(line, len(line) - len(line.lstrip()))
                if line[end:].strip(" \t\r,"):
                    raise ValueError("more than one value")
            except Duplicate as e:
                raise _twice(source.file_name, f"line {number}", e) from e
            except ValueError as e:
                if last and not closed and i == len(whole) - 1:
                    raise DeliveryRefused(
                        "the last line ends in the middle of a record",
                        reason="TRUNCATED",
                        where=f"{source.file_name}: line {number}",
                        why="the file was cut off",
                        todo="ask for it again",
                    ) from e
                yield Row(number, None, line.strip())
                continue
            yield keyed.row(number, record)


def _documents(source: Source, codec: str, keyed: Keyed, tally: Tally) -> Iterator[Row]:
    """An array, one object, or envelopes: one, several in a row, or several in an array."""
    stream = Stream(text.pieces(source.path, codec, source.file_name), source.file_name)
    envelope = source.feed.delivery.envelope
    path = tuple(envelope.records.split(".")) if envelope.records else ()
    pages = Pages(envelope, source.file_name)
    number = 0
    try:
        while first := stream.peek():
            if path and first == "{":
                for record in _page(stream, path, pages):
                    number += 1
                    yield keyed.row(number, record)
            elif first == "[":
                for element in stream.array():
                    inner = pages.unwrap(element, path) if path else [element]
                    for record in inner:
                        number += 1
                        yield keyed.row(number, record)
            else:
                number += 1
                yield keyed.row(number, stream.value())
    except Duplicate as e:
        raise _twice(source.file_name, f"record {number + 1}", e) from e
    tally.total = pages.check(number)


def _page(stream: Stream, path: tuple[str, ...], pages: Pages) -> Iterator[Any]:
    """The records of the envelope that comes next, which is then checked."""
    stream.skeleton = {}
    count, records = 0, stream.records(path)
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            pages.took(stream.skeleton, bool(end.value), count)
            return
        count += 1
        yield record


class Pages:
    """What the envelopes of a file say: status, how many records, which page."""

    def __init__(self, envelope: Envelope, file_name: str) -> None:
        self.envelope, self.file_name = envelope, file_name
        self.pages = 0
        self.totals: list[int] = []
        self.this_page: int | None = None

    def unwrap(self, element: Any, path: tuple[str, ...]) -> list[Any]:
        """The records of a whole envelope that stood in an array."""
        skeleton: dict[str, Any] = {}
        _flatten(element, "", skeleton)
        found = skeleton.pop(".".join(path), [])
        if not isinstance(found, list | None):
            raise self._refuse("FORMAT", f"{'.'.join(path)} is no list of records")
        records = found or []
        self.took(skeleton, ".".join(path) in skeleton or found is not None, len(records))
        return records

    def took(self, skeleton: Mapping[str, Any], found: bool, count: int) -> None:
        """Checks one envelope after its records. Raises DeliveryRefused: STATUS, FORMAT."""
        e = self.envelope
        self.pages += 1
        if e.status:
            said = as_text(skeleton.get(e.status))
            if said is None or said not in e.ok:
                word = f"says {short(said)}" if said is not None else "is missing"
                raise self._refuse(
                    "STATUS",
                    f"the status {e.status} {word}",
                    f"good are {', '.join(e.ok)}",
                    "fetch it again, or ask the provider",
                )
        if not found:
            raise self._refuse("FORMAT", f"has no list of records at {e.records}")
        total = self._number(skeleton, e.total)
        if total is not None:
            self.totals.append(total)
        page = self._number(skeleton, e.page or self._sibling(skeleton, _PAGE))
        size = self._number(skeleton, e.page_size or self._sibling(skeleton, _PAGE_SIZE))
        if total is not None and page is not None and size:
            self.this_page = max(0, min(size, total - (page - e.first_page) * size))

    def _sibling(self, skeleton: Mapping[str, Any], words: frozenset[str]) -> str | None:
        """The path of a usual word that stands beside the total."""
        parent = (self.envelope.total or "").rpartition(".")[0]
        paths = (p for p in skeleton if p.rpartition(".")[0] == parent)
        return next((p for p in paths if normalised(p.rpartition(".")[2]) in words), None)

    def check(self, rows: int) -> int | None:
        """The records that this file should hold; CONTROL when it holds others."""
        if not self.totals:
            return None
        if len(set(self.totals)) > 1:
            raise self._refuse("CONTROL", "its pages count different totals")
        expected = self.totals[0]
        if self.pages == 1 and self.this_page is not None:
            expected = self.this_page  # one page of an answer in a file of its own
        if expected != rows:
            raise self._refuse(
                "CONTROL",
                f"holds {rows} records, but says {expected}",
                f"{self.envelope.total} of its {self.pages} page(s)",
                "fetch the rest, or ask for the whole",
            )
        return expected

    def _number(self, skeleton: Mapping[str, Any], path: str | None) -> int | None:
        said = skeleton.get(path) if path else None
        if said is None:
            return None
        if not isinstance(said, str) or not said.strip().isdecimal():
            raise self._refuse("CONTROL", f"{path} is no whole number")
        return int(said)

    def _refuse(self, reason: str, what: str, why: str = "", todo: str = "") -> DeliveryRefused:
        where = f"{self.file_name}: page {self.pages}" if self.pages > 1 else self.file_name
        return DeliveryRefused(
            what, reason=reason, where=where, why=why, todo=todo or "ask for the file again"
        )


def _flatten(value: Any, prefix: str, out: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for k, v in value.items():
            out[f"{prefix}{k}"] = v
            _flatten(v, f"{prefix}{k}.", out)


def printable(key: str) -> str:
    """A key as text: half of a surrogate pair, which no text may hold, is written out."""
    return key.encode("utf-8", "backslashreplace").decode("utf-8")


def too_deep(file_name: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"is nested more than {MAX_DEPTH} levels deep",
        reason="FORMAT",
        where=file_name,
        todo="ask for the file again",
    )


def _twice(file_name: str, place: str, e: Duplicate) -> DeliveryRefused:
    return DeliveryRefused(
        f"the key {short(str(e))} stands twice in one object",
        reason="HEADER",
        where=f"{file_name}: {place}",
        todo="ask which of the two holds",
    )
