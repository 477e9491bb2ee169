"""The parts of an XLSX file: sheets, shared strings, date formats, merged cells, rows.

The XML is read with expat as it is inflated; only the shared strings are held. Neither of the
usual libraries serves here: python-calamine holds whole sheets and gives numbers as floats (an ID
number that was written with 18 digits loses the last ones), openpyxl without its read-only mode
holds everything, and with it does not know merged cells.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple
from xml.parsers import expat

from onesource.errors import DeliveryRefused
from onesource.ingest.readers.batches import MAX_CELL
from onesource.ingest.readers.numbers import DateFormat, date_format, number_text, serial_text
from onesource.ingest.readers.sheetrows import (
    LAST_LINE,
    SheetRow,
    column_of,
    local_name,
    parser_of,
    sheet_rows,
    unescaped,
)

_CHUNK = 1 << 18
# Shared strings are held in memory: above this, a workbook is a database export and comes as CSV.
MAX_SHARED = 512 << 20
# A part of nothing but empty texts is small to send, and costs a second per million to read.
MAX_STRINGS = 3_000_000
_STRING = 64  # bytes that Python needs for a text beside its characters
_RUNS = 4_096  # pieces of one text, joined from time to time: a piece may be one character
MAX_MERGES = 1_000_000
_UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError)
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*["\']([A-Z]+)(\d+):([A-Z]+)(\d+)["\']')


class Sheet(NamedTuple):
    name: str
    part: str
    hidden: bool


class Merge(NamedTuple):
    """A merged block: rows from 1, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Workbook:
    """An open XLSX file. `close` it, or use it with `with`."""

    path: Path
    file_name: str
    sheets: list[Sheet] = field(default_factory=list)
    _formats: list[DateFormat | None] = field(default_factory=list)
    _shared: list[str] = field(default_factory=list)
    _epoch1904: bool = False

    def __post_init__(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as e:
            raise self.damaged(str(e)) from e
        try:
            self._open()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def damaged(self, why: str) -> DeliveryRefused:
        return DeliveryRefused(
            "is a damaged workbook",
            reason="FORMAT",
            where=self.file_name,
            why=why,
            todo="ask for it again, saved as xlsx",
        )

    def _open(self) -> None:
        parts = set(self._zip.namelist())
        if "mimetype" in parts or "xl/workbook.bin" in parts:
            kind = "an OpenDocument file" if "mimetype" in parts else "a binary workbook (xlsb)"
            raise DeliveryRefused(
                f"is {kind}",
                reason="FORMAT",
                where=self.file_name,
                todo="ask for it saved as xlsx",
            )
        main = self._related("_rels/.rels", "officeDocument") or "xl/workbook.xml"
        if main not in parts:
            raise DeliveryRefused(
                "is a zip archive, but no workbook", reason="FORMAT", where=self.file_name
            )
        self._read_sheets(main, parts)
        folder = main.rpartition("/")[0]
        rels = f"{folder}/_rels/{main.rpartition('/')[2]}.rels"
        styles = self._related(rels, "styles", folder)
        if styles in parts:
            self._read_styles(styles)
        shared = self._related(rels, "sharedStrings", folder)
        if shared in parts:
            self._read_shared(shared)

    def _related(self, rels: str, kind: str, folder: str = "") -> str:
        """The part that a relationship of this kind names, or an empty text."""
        found = [t for _, k, t in self._relations(rels, folder) if k == kind]
        return found[0] if found else ""

    def _relations(self, rels: str, folder: str) -> list[tuple[str, str, str]]:
        out: list[tuple[str, str, str]] = []
        if rels not in self._zip.namelist():
            return out

        def start(name: str, a: dict[str, str]) -> None:
            if local_name(name) == "Relationship":
                target = a.get("Target", "")
                part = target[1:] if target.startswith("/") else _joined(folder, target)
                out.append((a.get("Id", ""), a.get("Type", "").rpartition("/")[2], part))

        self._parse(rels, start)
        return out

    def _read_sheets(self, main: str, parts: set[str]) -> None:
        folder = main.rpartition("/")[0]
        relations = self._relations(f"{folder}/_rels/{main.rpartition('/')[2]}.rels", folder)
        by_id = {i: (kind, part) for i, kind, part in relations}

        def start(name: str, a: dict[str, str]) -> None:
            local = local_name(name)
            if local == "workbookPr":
                self._epoch1904 = a.get("date1904", "0") in ("1", "true")
            elif local == "sheet":
                rid = next((v for k, v in a.items() if local_name(k) == "id" and ":" in k), "")
                kind, part = by_id.get(rid, ("", ""))
                if kind == "worksheet" and part in parts:
                    hidden = a.get("state", "visible") != "visible"
                    self.sheets.append(Sheet(a.get("name", ""), part, hidden))

        self._parse(main, start)
        if not self.sheets:
            raise self.damaged("it has no sheet")

    def _read_styles(self, part: str) -> None:
        custom: dict[int, str] = {}
        cell_formats: list[int] = []
        inside = [False]

        def start(name: str, a: dict[str, str]) -> None:
            local = local_name(name)
            if local == "numFmt" and a.get("numFmtId", "").isdigit():
                custom[int(a["numFmtId"])] = a.get("formatCode", "")
            elif local == "cellXfs":
                inside[0] = True
            elif local == "xf" and inside[0]:
                cell_formats.append(int(a.get("numFmtId", "0") or 0))

        def end(name: str) -> None:
            if local_name(name) == "cellXfs":
                inside[0] = False

        self._parse(part, start, end)
        self._formats = [date_format(i, custom.get(i)) for i in cell_formats]

    def _read_shared(self, part: str) -> None:
        text: list[str] = []
        state = {"t": False, "phonetic": False, "size": 0}

        def start(name: str, _: dict[str, str]) -> None:
            local = local_name(name)
            if local == "si":
                text.clear()
                state["size"] += _STRING
                if state["size"] > MAX_SHARED:
                    raise self._too_big()
                if len(self._shared) >= MAX_STRINGS:
                    raise self._too_many()
            elif local == "rPh":
                state["phonetic"] = True
            elif local == "t":
                state["t"] = not state["phonetic"]

        def chars(data: str) -> None:
            if state["t"]:
                text.append(data)
                state["size"] += len(data) * (1 if data.isascii() else 2)
                if state["size"] > MAX_SHARED:
                    raise self._too_big()
                if len(text) > _RUNS:
                    text[:] = ["".join(text)]
                if len(text[0]) > MAX_CELL:
                    raise self._huge_string()

        def end(name: str) -> None:
            local = local_name(name)
            if local == "t":
                state["t"] = False
            elif local == "rPh":
                state["phonetic"] = False
            elif local == "si":
                whole = "".join(text)
                if len(whole) > MAX_CELL:
                    raise self._huge_string()
                self._shared.append(unescaped(whole))

        self._parse(part, start, end, chars)

    def _huge_string(self) -> DeliveryRefused:
        return DeliveryRefused(
            f"a cell holds more than {MAX_CELL >> 20} MiB",
            reason="CELL",
            where=f"{self.file_name}: shared string {len(self._shared) + 1}",
            todo="ask for the file again",
        )

    def _too_many(self) -> DeliveryRefused:
        return DeliveryRefused(
            f"holds more than {MAX_STRINGS:,} texts",
            reason="ARCHIVE_SIZE",
            where=self.file_name,
            todo="ask for it as CSV, or in parts",
        )

    def _too_big(self) -> DeliveryRefused:
        return DeliveryRefused(
            f"holds more than {MAX_SHARED >> 20} MiB of text",
            reason="ARCHIVE_SIZE",
            where=self.file_name,
            todo="ask for it in parts, or as CSV",
        )

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        chars: Callable[[str], None] | None = None,
    ) -> None:
        parser = parser_of(start, end, chars)
        for _ in self._feed(parser, part):
            pass

    def _feed(self, parser: expat.XMLParserType, part: str) -> Iterator[None]:
        """Feeds a part to the parser, giving way after every piece."""
        try:
            with self._zip.open(part) as f:
                while piece := f.read(_CHUNK):
                    parser.Parse(piece, False)
                    yield
                parser.Parse(b"", True)
                yield
        except (expat.ExpatError, *_UNREADABLE) as e:
            raise self.damaged(f"{part}: {e}") from e

    def merges(self, sheet: Sheet) -> list[Merge]:
        """The merged blocks of a sheet, by row. They stand behind the rows: a pass of its own."""
        try:
            with self._zip.open(sheet.part) as f:
                return sorted(self._merges(f, sheet))
        except _UNREADABLE as e:
            raise self.damaged(f"sheet {sheet.name}: {e}") from e

    def _merges(self, file: IO[bytes], sheet: Sheet) -> list[Merge]:
        out: list[Merge] = []
        kept = b""
        while piece := file.read(1 << 20):
            piece = kept + piece
            last = 0
            # Nearly every piece has none, and looking for a word is ten times as fast.
            for m in _MERGE.finditer(piece) if b"mergeCell" in piece else ():
                last = m.end()
                top, bottom = int(m[2]), int(m[4])
                left, right = column_of(m[1].decode()), column_of(m[3].decode())
                if not (1 <= top <= bottom <= LAST_LINE and left <= right):
                    raise ValueError(f"{m[1].decode()}{top}:{m[3].decode()}{bottom} is no block")
                out.append(Merge(top, left, bottom, right))
            if len(out) > MAX_MERGES:
                raise self.damaged(f"sheet {sheet.name} has more than {MAX_MERGES} merged blocks")
            kept = piece[max(last, len(piece) - 200) :]
        return out

    def rows(self, sheet: Sheet) -> Iterator[SheetRow]:
        """The rows of a sheet that hold a value, in the order of the file; hidden ones too."""
        try:
            with self._zip.open(sheet.part) as f:
                yield from sheet_rows(f, self.text, f"{self.file_name}: sheet {sheet.name}")
        except (expat.ExpatError, IndexError, *_UNREADABLE) as e:
            raise self.damaged(f"sheet {sheet.name}: {e}") from e

    def text(self, kind: str, style: int, value: str) -> str:
        """The text of a cell from its stored value: what the department sees, without noise."""
        if kind == "s":
            at = int(value)
            if not 0 <= at < len(self._shared):
                raise ValueError(f"a cell names shared string {at} of {len(self._shared)}")
            return self._shared[at]
        if kind == "n":
            shown = self._formats[style] if style < len(self._formats) else None
            if shown is None:
                return number_text(value)
            return serial_text(value, shown, self._epoch1904)
        if kind == "b":
            return "TRUE" if value.strip() in ("1", "true") else "FALSE"
        if kind in ("str", "inlineStr"):
            return unescaped(value)
        if kind == "d":
            return value.removesuffix("T00:00:00").replace("T", " ")
        return value  # an error such as #REF!


def _joined(folder: str, target: str) -> str:
    parts = folder.split("/") if folder else []
    for p in target.split("/"):
        if p == "..":
            parts = parts[:-1]
        elif p not in ("", "."):
            parts.append(p)
    return "/".join(parts)
