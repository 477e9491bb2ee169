"""Reads a sample that has no contract yet, whatever its format."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onesource.contracts.model import City
from onesource.errors import UsageError
from onesource.ingest import archive
from onesource.ingest.infer.table import LIMIT, Table, cleaned, filled, find_header
from onesource.ingest.readers import text
from onesource.ingest.readers.delimited import Shape, records
from onesource.ingest.readers.geojson import system_of
from onesource.ingest.readers.headers import join_levels, normalised
from onesource.ingest.readers.jsonstream import Stream, as_text
from onesource.ingest.readers.parquet import text_of
from onesource.ingest.readers.workbook import Merge, Sheet, Workbook
from onesource.ingest.readers.xlsx import filled_grid, refuse_other_kinds

_DELIMITERS = (",", "\t", "|", ";", "@@", "||", "^", "~", "\x01", "@|@", "|@|", "^_^", "$$", "##")
_STATUS = frozenset(("code", "status", "ret", "retcode", "errcode", "resultcode", "statuscode"))
_TOTAL = frozenset(("total", "totalcount", "total_count", "count", "totalnum", "totalelements"))


def read_sample(path: Path, city: City) -> Table:
    """The first rows of a file of any of our formats.

    Raises UsageError where there is no table, DeliveryRefused where the file is damaged.
    """
    with path.open("rb") as f:
        head = f.read(8)
    if head.startswith(b"PAR1"):
        return _parquet(path)
    if head.startswith((b"PK", b"\xd0\xcf")) or path.suffix.lower() in (".xls", ".xlsx"):
        refuse_other_kinds(path, path.name)
        archive.check_zip(path)
        return _xlsx(path, city)
    codec = text.encoding_of(path, "auto", path.name)
    stream = Stream(text.pieces(path, codec, path.name), path.name)
    if stream.peek() in ("{", "["):
        return _json(stream, path)
    return _delimited(path, codec)


# -- delimited text -----------------------------------------------------------------------------


def _delimited(path: Path, codec: str) -> Table:
    body = ""
    for piece, last in text.pieces(path, codec, path.name):
        body += piece
        if last or len(body) > 4 << 20:
            break
    newline = "\n" if "\n" in body else "\r"
    lines = body.split(newline)
    if not last or not lines[-1]:
        lines.pop()
    quote = '"' if '"' in body else ""
    shape = max(
        (Shape(d, quote, newline) for d in _DELIMITERS),
        key=lambda s: (_fit(lines[:400], s, path.name), len(s.delimiter)),
    )
    rows: list[list[str | None]] = [
        list(r.cells or ()) for r in records(lines, 0, 1, shape, path.name, LIMIT + 50).rows
    ]
    delivery: dict[str, Any] = {"encoding": "auto", "delimiter": shape.delimiter}
    found = find_header(rows)
    if found is None:
        width = _usual_width(rows)
        kept, _, settings = cleaned([r for r in rows if len(r) == width], [])
        delivery["header"] = {"rows": 0}
        delivery |= settings
        return Table("csv", [f"第{i + 1}列" for i in range(width)], kept, delivery,
                     notes=["The file has no header: fields stand by position."])  # fmt: skip
    at, levels = found
    headers = list(join_levels(rows[at : at + levels]))
    data = [r for r in rows[at + levels :] if len(r) >= len(headers)]
    kept, _, settings = cleaned([r[: len(headers)] for r in data], headers)
    delivery["header"] = {"rows": levels}
    return Table("csv", headers, kept[:LIMIT], delivery | settings)


def _fit(lines: list[str], shape: Shape, name: str) -> float:
    """How well a delimiter cuts the lines: cells per line, if most lines have the same number."""
    if not any(shape.delimiter in line for line in lines):
        return 0.0
    rows = [r.cells for r in records(lines, 0, 1, shape, name).rows if r.cells]
    if not rows:
        return 0.0
    width = _usual_width(rows)
    alike = [r for r in rows if len(r) == width]
    cells = sum(len([c for c in r if c]) for r in alike) / len(alike)
    return cells * len(alike) / len(rows) if width > 1 else 0.0


def _usual_width(rows: Iterable[Sequence[str | None]]) -> int:
    widths = [len(r) for r in rows if any(filled(c) for c in r)]
    return max(set(widths), key=lambda w: (widths.count(w), w), default=0)


# -- workbooks ----------------------------------------------------------------------------------


def _xlsx(path: Path, city: City) -> Table:
    with Workbook(path, path.name) as book:
        headers: list[str] = []
        rows: list[list[str | None]] = []
        sheets: list[str] = []
        skipped: list[str] = []
        delivery: dict[str, Any] = {}
        fill: set[int] = set()
        for sheet in book.sheets:
            if sheet.hidden:
                continue
            got = _sheet(book, sheet)
            if got is None:
                continue
            names, data, levels, merged, settings = got
            if not headers and names:
                headers, delivery["header"] = names, {"rows": levels}
            if not names or _unlike(headers, names):
                skipped.append(sheet.name.strip())
                continue
            order = {normalised(h): i for i, h in enumerate(names)}
            places = [order.get(normalised(h)) for h in headers]
            rows += [[r[p] if p is not None else None for p in places] for r in data]
            sheets += [sheet.name.strip()] * len(data)
            fill |= {i for i, p in enumerate(places) if p in merged}
            delivery |= settings
            if len(rows) >= LIMIT:
                break
    if skipped:
        delivery["sheets"] = {"skip": "^(?:" + "|".join(map(re.escape, skipped)) + ")$"}
    delivery["fill_columns"] = sorted(fill)
    return Table("xlsx", headers, rows, delivery, sheet_of=sheets)


def _unlike(one: list[str], other: list[str]) -> bool:
    known = {normalised(h) for h in one if h}
    return len(known & {normalised(h) for h in other}) < 0.8 * len(known)


def _sheet(
    book: Workbook, sheet: Sheet
) -> tuple[list[str], list[list[str | None]], int, set[int], dict[str, Any]] | None:
    """Headers, rows, levels, columns with merged blocks and settings; None for an empty sheet."""
    head = list(itertools.islice(book.rows(sheet), LIMIT))
    if not head:
        return None
    merges = book.merges(sheet)
    found = find_header(filled_grid([r for r in head if r.line <= 60], merges))
    if found is None:
        return [], [], 1, set(), {}
    at, levels = found
    first = at + levels + 1  # line of the first row of data
    names = list(join_levels(filled_grid([r for r in head if r.line < first], merges)[at:]))
    while names and not names[-1]:
        names.pop()
    blocks = [m for m in merges if m.top >= first and m.bottom > m.top and m.left == m.right]
    lines = [r.line for r in head if r.line >= first]
    raw = [[r.cells.get(i) for i in range(len(names))] for r in head if r.line >= first]
    kept, places, settings = cleaned(raw, names)
    _fill(kept, [lines[p] for p in places], blocks, dict(zip(lines, raw, strict=True)))
    return names, kept, levels, {m.left for m in blocks if m.left < len(names)}, settings


def _fill(
    rows: list[list[str | None]],
    lines: list[int],
    blocks: list[Merge],
    by_line: dict[int, list[str | None]],
) -> None:
    at = dict(zip(lines, rows, strict=True))
    for m in blocks:
        corner = by_line.get(m.top)
        if corner is None or m.left >= len(corner):
            continue
        for line in range(m.top, m.bottom + 1):
            if line in at and not at[line][m.left]:
                at[line][m.left] = corner[m.left]


# -- JSON, GeoJSON ------------------------------------------------------------------------------


def _json(stream: Stream, path: Path) -> Table:
    delivery: dict[str, Any] = {"encoding": "auto"}
    values: Iterable[Any]
    if stream.peek() == "[":
        values = stream.array()
    else:
        values = iter(lambda: stream.value() if stream.peek() == "{" else None, None)
    taken = list(itertools.islice(values, LIMIT))
    first = taken[0] if taken and isinstance(taken[0], dict) else {}
    if first.get("type") == "FeatureCollection":
        return _geojson(first, path)
    records_at = _list_of_objects(first)
    if records_at and all(isinstance(v, dict) for v in taken):
        delivery["envelope"] = _envelope(first, records_at)
        pages = (_at(v, records_at) or [] for v in taken)
        taken = [r for page in pages for r in page][:LIMIT]
    return _of_objects("json", taken, delivery)


def _list_of_objects(value: Any, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """The path of the first list of objects inside an envelope, not deeper than three keys."""
    if not isinstance(value, dict) or len(path) > 2:
        return None
    for k, v in value.items():
        if isinstance(v, list) and v and all(isinstance(x, dict) for x in v):
            plain = [x for key, x in value.items() if key != k]
            if not path and len(plain) > 8:
                return None  # a record with a list in it, no envelope
            return (*path, k)
    found = (_list_of_objects(v, (*path, k)) for k, v in value.items())
    return next((f for f in found if f), None)


def _envelope(first: dict[str, Any], records_at: tuple[str, ...]) -> dict[str, Any]:
    out: dict[str, Any] = {"records": ".".join(records_at)}
    for depth in range(len(records_at)):
        parent = records_at[:depth]
        level = _at(first, parent)
        for k, v in level.items() if isinstance(level, dict) else ():
            if isinstance(v, dict | list) or v is None:
                continue
            word, at = normalised(k), ".".join((*parent, k))
            if word in _STATUS and "status" not in out and depth == 0:
                out["status"] = at
                out["ok"] = list(dict.fromkeys([as_text(v), "200", "0"]))
            if word in _TOTAL and str(v).isdecimal():
                out["total"] = at
    return out


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for k in path:
        value = value.get(k) if isinstance(value, dict) else None
    return value


def _geojson(collection: dict[str, Any], path: Path) -> Table:
    delivery: dict[str, Any] = {"encoding": "auto"}
    objects = []
    said = _at(collection, ("crs", "properties", "name"))
    for f in (collection.get("features") or [])[:LIMIT]:
        properties = dict(f.get("properties") or {})
        said = said or properties.get("crs")
        if "id" in f:
            properties.setdefault("id", f["id"])
        objects.append({**properties, "geometry": f.get("geometry")})
    system = system_of(said) if isinstance(said, str) else None
    delivery["crs"] = system or "wgs84"
    table = _of_objects("geojson", objects, delivery)
    if system is None:
        table.notes.append("The file declares no coordinate system: WGS-84 is assumed. Ask.")
    return table


def _of_objects(kind: str, objects: list[Any], delivery: dict[str, Any]) -> Table:
    found = [o for o in objects if isinstance(o, dict)]
    headers = list(dict.fromkeys(k for o in found for k in o))
    if len(headers) > 2000:
        raise UsageError("the sample has more than 2,000 different keys: its records are data")
    rows = [[as_text(o.get(h)) for h in headers] for o in found]
    hints: list[str | None] = []
    for h in headers:
        types = {type(o[h]) for o in found if o.get(h) is not None}
        hints.append("boolean" if types == {bool} else None)
    return Table(kind, headers, rows, delivery, hints)


# -- Parquet ------------------------------------------------------------------------------------


def _parquet(path: Path) -> Table:
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=LIMIT), None)
        schema = file.schema_arrow
    if batch is None:
        raise UsageError("the sample has no row of data", todo="take a file with some rows")
    columns = [text_of(c).to_pylist() for c in batch.columns]
    rows = [list(r) for r in zip(*columns, strict=True)]
    return Table("parquet", list(schema.names), rows, {}, [_hint(f.type) for f in schema])


def _hint(kind: pa.DataType) -> str | None:
    t = pa.types
    if t.is_integer(kind):
        return "integer"
    if t.is_floating(kind) or t.is_decimal(kind):
        return "number"
    if t.is_boolean(kind):
        return "boolean"
    if t.is_date(kind):
        return "date"
    return "timestamp" if t.is_timestamp(kind) else None
