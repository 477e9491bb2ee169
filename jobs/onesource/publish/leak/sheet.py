"""One sheet of a workbook: cells under the headings of its first two rows.

The XML is read in pieces of some megabytes, whole rows each. A piece in which RE2 flags no cell (or
none that bears a closer look) is done; only the others are taken apart, row by row. What a cell
shows does not lie across two cells, so this loses nothing.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa

from onesource.publish.leak import words
from onesource.publish.leak.columns import (
    Looking,
    Values,
    finer_than,
    look_at_batch,
    matches,
)
from onesource.publish.leak.headings import Column
from onesource.publish.leak.lines import look_at_text
from onesource.publish.leak.model import Allowance
from onesource.publish.leak.tables import headed

_CHUNK = 2 << 20
_MOST_ROW = 64 << 20
_MOST_FLAGGED = 2_000  # of a piece; with more, taking it apart is as fast
HEADER_ROWS = 2
_CELL = re.compile(r"<(?:\w+:)?c(?P<about>\s[^>]*)?(?:/>|>(?P<body>.*?)</(?:\w+:)?c>)", re.DOTALL)
_ROW_END = re.compile(r"</(?:\w+:)?row>")
_REF = re.compile(r'\br="([A-Z]{1,3})(\d{1,7})"')
_TYPE = re.compile(r'\bt="(\w+)"')
_VALUE = re.compile(r"<(?:\w+:)?v(?:\s[^>]*)?>(.*?)</(?:\w+:)?v>", re.DOTALL)
_FORMULA = re.compile(r"<(?:\w+:)?f(?:\s[^>]*)?>(.*?)</(?:\w+:)?f>", re.DOTALL)
_TEXT = re.compile(r"<(?:\w+:)?t(?:\s[^>]*)?>(.*?)</(?:\w+:)?t>", re.DOTALL)
_SHARED_CELL = re.compile(r'<c r="[A-Z]+\d+"(?: s="\d+")? t="s"><v>(\d+)</v>')
_PARAGRAPH = re.compile(
    r"</(?:\w+:)?(?:p|comment|text|si|dc:\w+|cp:\w+|definedName|lpwstr|\w*[Hh]eader|\w*[Ff]ooter)>"
)
_TAG = re.compile(r"<[^>]*>")
_ATTRIBUTE = re.compile(r'="([^"]*)"')
_NAMESPACES = re.compile(r"https?://[\w./-]+|[{]?[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}[}]?")
# A number with a fraction is no identifier; a text in several runs is joined before it is judged.
_DECIMAL = r"<v>-?[0-9]*[.][0-9]*[1-9][0-9]*(?:[eE]-[0-9]+)?</v>"
_SHARED_TEXT = r't="s"'
_IN_RUNS = "<r>|<r |<rPr|<rPh"


@dataclass
class Shared:
    """The strings that cells share. flagged: those with a hit; used: flagged ones met in a cell."""

    texts: list[str]
    flagged: set[int]
    used: set[int] = field(default_factory=set)


@dataclass
class _Sheet:
    where: str
    shared: Shared
    allowance: Allowance
    to: Looking
    heads: list[dict[str, str]] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    number: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether a piece can be done without being taken apart: no column is to be read whole."""
        return len(self.heads) >= HEADER_ROWS and not any(
            c.is_person for c in self.columns.values()
        )

    @property
    def has_coordinates(self) -> bool:
        return any(c.is_coordinate for c in self.columns.values())


def look_at_sheet(
    raw: IO[bytes], where: str, shared: Shared, allowance: Allowance, to: Looking
) -> None:
    """All cells of a sheet, and what stands beside them. Raises ValueError for endless rows."""
    sheet = _Sheet(where, shared, allowance, to)
    for xml, is_end in _pieces(raw):
        if is_end or not sheet.heads:
            look_at_text(without_tags(_CELL.sub("", xml)), f"{where}, beside the cells", to)
        if not is_end and not (sheet.is_plain and _is_clean(xml, sheet)):
            _take_apart(xml, sheet)


def _pieces(raw: IO[bytes]) -> Iterator[tuple[str, bool]]:
    """Whole rows of XML; at last what follows the rows, with True."""
    rest = ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := raw.read(_CHUNK):
        rest += decoder.decode(chunk)
        cut = max((rest.rfind(e) + len(e) for e in ("</row>", ":row>") if e in rest), default=0)
        if cut:
            yield rest[:cut], False
            rest = rest[cut:]
        elif len(rest) > _MOST_ROW:
            raise ValueError("a row above 64 MiB")
    yield rest, True


def _is_clean(xml: str, sheet: _Sheet) -> bool:
    """Whether no cell of a piece shows anything; False where that is not known."""
    if "<!--" in xml or xml.count("<c ") != xml.count('<c r="') or ":c " in xml:
        return False
    if sheet.shared.flagged and sheet.shared.flagged & set(map(int, _SHARED_CELL.findall(xml))):
        return False
    cells = pa.array(xml.split("</c>"), pa.large_string())
    if sheet.has_coordinates and _has_fine(cells, sheet.to.decimals):
        return False
    flagged = cells.filter(
        pa.array(matches(cells, f"{words.flag_text(sheet.to.decimals)}|{_IN_RUNS}"))
    )
    suspects = flagged.filter(pa.array(~matches(flagged, _DECIMAL)))
    if len(suspects) > _MOST_FLAGGED:
        return False
    against, decimals = sheet.to.against, sheet.to.decimals
    texts = {_cell("", str(cell), sheet.shared) for cell in suspects.to_pylist()}
    return not any(words.look(t, against, decimals) for t in texts)


def _has_fine(cells: Values, decimals: int) -> bool:
    """Whether a cell has, or may have, more decimals than allowed; 111.1500000000001 has two."""
    if matches(cells, _SHARED_TEXT).any():
        return True
    fine = cells.filter(pa.array(matches(cells, finer_than(decimals))))
    rest = max(9 - decimals, 1)  # below 1e-9 it is the noise of a binary fraction
    noise = rf"<v>-?[0-9]+[.][0-9]{{{decimals}}}(?:0{{{rest},}}|9{{{rest},}})[0-9]*</v>"
    return not matches(fine, noise).all()


def _take_apart(xml: str, sheet: _Sheet) -> None:
    rows: dict[int, dict[str, str]] = {}
    for part in _ROW_END.split(xml)[:-1]:
        sheet.number, row = _row(part, sheet.number + 1, sheet.shared)
        if "<!--" in part:
            beside = without_tags(_CELL.sub("", part))
            look_at_text(beside, f"{sheet.where}, beside the cells", sheet.to)
        if len(sheet.heads) < HEADER_ROWS:
            sheet.heads.append(row)
            for letter, text in row.items():
                look_at_text(text, f"{sheet.where}, cell {letter}{sheet.number}", sheet.to)
        else:
            rows[sheet.number] = row
    if rows:
        _look_at_rows(rows, sheet)


def _look_at_rows(rows: dict[int, dict[str, str]], sheet: _Sheet) -> None:
    """Rows by their numbers, as columns of text; missing rows are empty."""
    # A headed column that is empty so far counts, too: later pieces go by what is known here.
    letters = sorted(
        {c for r in (*rows.values(), *sheet.heads) for c in r}, key=lambda c: (len(c), c)
    )
    for c in letters:
        if c not in sheet.columns:
            sheet.columns[c] = _column(c, sheet)
    numbers = list(rows)
    arrays = [pa.array([r.get(c) for r in rows.values()], pa.string()) for c in letters]
    columns = [sheet.columns[c] for c in letters]
    batch = pa.RecordBatch.from_arrays(arrays, names=letters)
    look_at_batch(batch, columns, numbers, sheet.to)


def _column(letter: str, sheet: _Sheet) -> Column:
    headings = tuple(h[letter] for h in sheet.heads if h.get(letter))
    one = headed([headings], sheet.allowance, sheet.to)[0]
    label = f"{letter} ({one.label})" if one.label else letter
    return Column(
        f"{label} of {sheet.where}", one.headings, one.is_person, one.is_coordinate, one.says
    )


def _row(xml: str, number: int, shared: Shared) -> tuple[int, dict[str, str]]:
    """(number of the row, column letters → text)"""
    row: dict[str, str] = {}
    at = 0
    for m in _CELL.finditer(xml):
        about, body = m["about"] or "", m["body"] or ""
        ref = _REF.search(about)
        if ref:
            at, number = _index(ref[1]), int(ref[2])
        else:
            at += 1
        value = _cell(about, body, shared) if body else ""
        if value:
            row[_letters(at)] = value
    return number, row


def _cell(about: str, body: str, shared: Shared) -> str:
    """The text of a cell, with its formula behind it."""
    kind = _TYPE.search(about)
    value = _VALUE.search(body)
    formula = _FORMULA.search(body)
    text = html.unescape(value[1]) if value else ""
    if kind and kind[1] == "s" and text.isdigit() and int(text) < len(shared.texts):
        if int(text) in shared.flagged:
            shared.used.add(int(text))
        text = shared.texts[int(text)]
    elif not value:
        text = joined(body)
    return f"{text} {html.unescape(formula[1])}" if formula else text


def joined(xml: str) -> str:
    """The runs of a rich text as one."""
    return html.unescape("".join(_TEXT.findall(xml)))


def _index(letters: str) -> int:
    n = 0
    for c in letters:
        n = n * 26 + ord(c) - 64
    return n


def _letters(index: int) -> str:
    out = ""
    while index > 0:
        index, r = divmod(index - 1, 26)
        out = chr(65 + r) + out
    return out


def without_tags(xml: str) -> str:
    """The text of markup, its attributes and remarks, less the addresses of namespaces."""
    return _NAMESPACES.sub(" ", _readable(xml))


def _readable(xml: str) -> str:
    """The text of markup: runs of a paragraph joined, attributes and remarks behind it."""
    attributes = " | ".join(v for v in _ATTRIBUTE.findall(xml) if len(v) > 5)
    remarks = " | ".join(re.findall(r"<!--(.*?)-->", xml, re.DOTALL))
    text = _TAG.sub("", _PARAGRAPH.sub(" | ", xml))
    return html.unescape(" | ".join((text, attributes, remarks)))
