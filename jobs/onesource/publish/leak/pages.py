"""HTML and other markup as a reader sees it: text across inline tags, cells under headings."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import IO

from onesource.publish.leak.columns import Looking
from onesource.publish.leak.lines import look_at_row, look_at_text
from onesource.publish.leak.model import Allowance

_MOST = 64 << 20
_INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"),
        *("font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span"),
        *("strong", "sub", "sup", "time", "tt", "tspan", "u", "var", "wbr"),
    )
)
_SILENT = frozenset({"script", "style"})  # read line by line, as they stand


def look_at_page(raw: IO[bytes], allowance: Allowance, to: Looking, *, encoding: str) -> None:
    """The visible text of a page, tables row by row. Raises ValueError above 64 MiB."""
    data = raw.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError("a page above 64 MiB")
    page = _Page()
    page.feed(data.decode("utf-8" if encoding == "mixed" else encoding, "replace"))
    page.close()
    page.end_block()
    for line, text in page.blocks:
        look_at_text(text, f"line {line}, text of the page", to)
    for line, headings, cells in page.rows:
        look_at_row(headings, cells, f"line {line}", allowance, to)


class _Page(HTMLParser):
    """Blocks of text, and rows of tables under their headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[int, str]] = []
        self.rows: list[tuple[int, list[str], list[str]]] = []
        self._text: list[str] = []
        self._line = 1
        self._silent = 0
        self._headings: list[str] = []
        self._cells: list[str] = []
        self._terms: list[str] = []
        self._heads_only = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _INLINE:
            return
        self.end_block()
        if tag == "table":
            self._headings = []
        elif tag == "tr":
            self._cells, self._heads_only = [], True

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag in _INLINE:
            return
        text = "".join(self._text).strip()
        self.end_block()
        if tag in ("td", "th"):
            self._cells.append(text)
            self._heads_only = self._heads_only and tag == "th"
        elif tag == "tr":
            self._end_row()
        elif tag == "dt":
            self._terms.append(text)
        elif tag == "dd" and self._terms:
            self.rows.append((self._line, [self._terms.pop()], [text]))

    def _end_row(self) -> None:
        if self._heads_only and len(self._cells) > 1:
            if self._headings and len(self._headings) == len(self._cells):
                pairs = zip(self._headings, self._cells, strict=True)
                self._headings = [
                    b if b.isascii() and a.isascii() else f"{a}" or b for a, b in pairs
                ]
            else:
                self._headings = self._cells
        elif self._headings:
            self.rows.append((self._line, self._headings, self._cells))
        elif len(self._cells) == 2:  # a heading beside its value
            self.rows.append((self._line, self._cells[:1], self._cells[1:]))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            if not self._text:
                self._line = self.getpos()[0]
            self._text.append(data)

    def end_block(self) -> None:
        text = " ".join("".join(self._text).split("\n")).strip()
        if text:
            self.blocks.append((self._line, text))
        self._text = []
