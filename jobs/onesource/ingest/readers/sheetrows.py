"""The rows of a sheet's XML, quickly where they are plain, by expat where they are not.

Nearly every row that a program writes has one shape, and one regular expression takes all its
cells at once (five times as fast as events). A row in which one cell has another shape (rich
text, a formula without a value) goes through expat.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple
from xml.parsers import expat

from onesource.errors import DeliveryRefused
from onesource.ingest.readers.batches import MAX_CELL

_CHUNK = 1 << 20
# 16,384 cells of 4 kB; a longer row is damage or an attack.
_MAX_ROW = 64 << 20
LAST_LINE, LAST_COLUMN = 1_048_576, 16_384  # where a sheet ends
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENTITY = re.compile(r"&(?:#(\d+)|#x([0-9A-Fa-f]+)|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_UTF8 = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?!\?xml)|(?:\xef\xbb\xbf)?<\?xml(?:(?!encoding)[^>])*"
    rb"(?:encoding\s*=\s*[\"'](?i:utf-8)[\"'])?[^>]*>"
)
_ROW = re.compile(r"\s*<row\b([^<>]*)>")
_NUMBER = re.compile(r'\br="(\d+)"')
_CELL = re.compile(
    r'<c(?: r="([A-Z]+)\d+")?(?: t="(\w+)")?(?: s="(\d+)")?(?: t="(\w+)")?\s*'
    r"(?:/>|></c>|>(?:<f[^<>]*/>|<f[^<>]*>[^<]*</f>)?<v>([^<]*)</v></c>"
    r'|><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>)'
)
CellText = Callable[[str, int, str], str]


class SheetRow(NamedTuple):
    """A row as it stands in the file: its number, and text by column; empty cells are absent."""

    line: int
    cells: dict[int, str]


def sheet_rows(file: IO[bytes], text: CellText, where: str) -> Iterator[SheetRow]:
    """The rows that hold a value. `text` makes a cell's text from kind, style and stored value.

    Raises DeliveryRefused(CELL), and ExpatError or ValueError where the XML is no sheet.
    """
    head = b""
    while b"<sheetData" not in head or b">" not in head[head.index(b"<sheetData") :]:
        piece = file.read(_CHUNK)
        head += piece
        if not piece or len(head) > _MAX_ROW:
            break
    at = head.find(b"<sheetData")
    if at < 0 or b"<!DOCTYPE" in head[:at] or not _UTF8.match(head[:200]):
        # A namespace prefix, another encoding, a document type: expat decides.
        yield from _by_events(
            itertools.chain([head], iter(lambda: file.read(_CHUNK), b"")), text, where, 0
        )
        return
    start = head.index(b">", at) + 1
    if head[start - 2 : start - 1] == b"/":
        return
    rest, line, piece = b"", 0, head[start:]
    while True:
        rest += piece
        end = rest.find(b"</sheetData>")
        cut = end if end >= 0 else rest.rfind(b"</row>") + len(b"</row>")
        if end >= 0 or cut > len(b"</row>"):
            for row in _quickly(rest[:cut].decode("utf-8"), text, where, line):
                line = row.line
                yield row
            rest = rest[cut:]
        if end >= 0:
            break
        if len(rest) > _MAX_ROW:
            raise _huge(where, line + 1, f"a row has more than {_MAX_ROW >> 20} MiB")
        piece = file.read(_CHUNK)
        if not piece:
            raise ValueError("its rows have no end")
    while file.read(_CHUNK):
        pass  # to the end, where the check sum of the part is proved


def _quickly(block: str, text: CellText, where: str, line: int) -> Iterator[SheetRow]:
    """The rows of a run of whole `<row>` elements."""
    at = 0
    while start := _ROW.match(block, at):
        number = _NUMBER.search(start[1])
        line = next_line(line, number[1] if number else None)
        if start[1].endswith("/"):
            at = start.end()
            continue
        at = block.index("</row>", start.end()) + len("</row>")
        inner = block[start.end() : at - len("</row>")]
        cells = _cells(inner, text, where, line)
        if cells is None:
            row = f"<x>{block[start.start() : at]}</x>".encode()
            yield from _by_events(iter([row]), text, where, line - 1)
        elif cells:
            yield SheetRow(line, cells)
    if block[at:].strip():
        yield from _by_events(iter([f"<x>{block[at:]}</x>".encode()]), text, where, line)


def _cells(inner: str, text: CellText, where: str, line: int) -> dict[int, str] | None:
    """The cells of a row, or None when one of them has an unusual shape."""
    found = _CELL.findall(inner)
    if len(found) != inner.count("<c ") + inner.count("<c>"):
        return None
    out: dict[int, str] = {}
    column = -1
    for letters, early, style, late, value, inline in found:
        column = column_of(letters) if letters else column + 1
        stored = value or inline
        if not stored:
            continue
        if column in out:
            raise _twice(line, column)
        if "&" in stored:
            stored = _ENTITY.sub(_character, stored)
        if len(stored) > MAX_CELL:
            raise _huge(where, line)
        shown = text(early or late or "n", int(style or 0), stored)
        if shown:
            out[column] = shown
    return out


def next_line(before: int, number: str | None) -> int:
    """The number of a row. Raises ValueError where rows do not follow each other downward.

    Excel does not open such a sheet either; read on, one row would stand for another.
    """
    line = int(number) if number is not None else before + 1
    if not before < line <= LAST_LINE:
        raise ValueError(f"row {line} stands after row {before}")
    return line


def _twice(line: int, column: int) -> ValueError:
    return ValueError(f"line {line} holds column {column + 1} twice")


def _character(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _ENTITIES[name]
    return chr(int(decimal) if decimal else int(hexadecimal, 16))


def _by_events(
    pieces: Iterator[bytes], text: CellText, where: str, line: int
) -> Iterator[SheetRow]:
    reader = _Rows(text, where, line)
    parser = parser_of(reader.start, reader.end, reader.chars)
    for piece in pieces:
        parser.Parse(piece, False)
        yield from reader.done
        reader.done.clear()
    parser.Parse(b"", True)
    yield from reader.done


def _huge(
    where: str, line: int, what: str = f"a cell holds more than {MAX_CELL >> 20} MiB"
) -> DeliveryRefused:
    return DeliveryRefused(
        what,
        reason="CELL",
        where=f"{where}, line {line}",
        todo="ask for the file again",
    )


class _Rows:
    """Gathers the cells of a sheet from the events of expat."""

    def __init__(self, text: CellText, where: str, line: int) -> None:
        self.text, self.where = text, where
        self.done: list[SheetRow] = []
        self.cells: dict[int, str] = {}
        self.line, self.column = line, -1
        self.kind, self.style = "n", 0
        self.into: list[str] | None = None
        self.value: list[str] = []
        self.formula: list[str] = []
        self.phonetic = False
        self.size = 0

    def start(self, name: str, a: dict[str, str]) -> None:
        local = name if ":" not in name else local_name(name)
        if local == "c":
            ref = a.get("r")
            self.column = column_of(ref.rstrip("0123456789")) if ref else self.column + 1
            self.kind = a.get("t", "n")
            self.style = int(a.get("s", 0))
            self.value, self.formula, self.size = [], [], 0
        elif local == "v" or (local == "t" and not self.phonetic):
            self.into = self.value
        elif local == "f":
            self.into = self.formula
        elif local == "row":
            self.line = next_line(self.line, a.get("r"))
            self.column = -1
            self.cells = {}
        elif local == "rPh":
            self.phonetic = True

    def chars(self, data: str) -> None:
        if self.into is not None:
            self.into.append(data)
            self.size += len(data)
            if self.size > MAX_CELL:
                raise _huge(self.where, self.line)

    def end(self, name: str) -> None:
        local = name if ":" not in name else local_name(name)
        if local in ("v", "t", "f"):
            self.into = None
        elif local == "c":
            self._cell()
        elif local == "row":
            if self.cells:
                self.done.append(SheetRow(self.line, self.cells))
        elif local == "rPh":
            self.phonetic = False

    def _cell(self) -> None:
        value = "".join(self.value)
        if self.column in self.cells and (value or self.formula):
            raise _twice(self.line, self.column)
        if not value:
            # A formula that was never calculated: its text says so, a silent blank would not.
            if self.formula:
                self.cells[self.column] = "=" + "".join(self.formula)
            return
        text = self.text(self.kind, self.style, value)
        if text:
            self.cells[self.column] = text


_COLUMNS: dict[str, int] = {}


def column_of(letters: str) -> int:
    """`A` → 0, `AA` → 26."""
    found = _COLUMNS.get(letters)
    if found is None:
        found = 0
        for letter in letters:
            found = found * 26 + ord(letter) - 64
        found -= 1
        if not 0 <= found < LAST_COLUMN:
            raise ValueError(f"{letters} is no column")
        _COLUMNS[letters] = found
    return found


def local_name(name: str) -> str:
    return name.rpartition(":")[2]


def unescaped(text: str) -> str:
    """Excel writes characters that XML cannot hold as `_x000D_`."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    if "_xD" not in text and "_xd" not in text:
        return plain
    # The two halves of a character beyond the first 65,536 are escaped one by one.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _no_doctype(*_: object) -> None:
    raise ValueError("it declares a document type, which no spreadsheet does")


def parser_of(
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None,
    chars: Callable[[str], None] | None,
) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if chars is not None:
        parser.CharacterDataHandler = chars
    return parser
