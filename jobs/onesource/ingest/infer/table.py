"""What is read from a sample before it has a contract: headers, rows, settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onesource.errors import UsageError
from onesource.ingest.readers.batches import BLANK
from onesource.ingest.readers.headers import normalised

LIMIT = 20_000  # rows looked at: enough for types and keys, little enough for any memory
_NUMBERLIKE = re.compile(
    r"[+-]?[\d.,，]+%?|\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?.*|#\w+[!?]|TRUE|FALSE|true|false"
)
SUBTOTAL = re.compile(r"^(?:小计|合计|总计|累计|全市合计|全县合计)$")
FOOTER = re.compile(r"^(?:制表|填表|审核|复核|报送|填报|单位负责人|备注[:：]|注[:：]|说明[:：])")


@dataclass
class Table:
    """A sample as rows of text. `delivery` are the settings under which a reader finds the same."""

    format: str
    headers: list[str]
    rows: list[list[str | None]]
    delivery: dict[str, Any] = field(default_factory=dict)
    hints: list[str | None] = field(default_factory=list)
    sheet_of: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.headers or not self.rows:
            raise UsageError(
                "the sample has no row of data", todo="take a file with at least one row"
            )
        seen: dict[str, str] = {}
        for header in filter(None, self.headers):
            if normalised(header) in seen:
                raise UsageError(
                    f"the header {header} of the sample stands twice",
                    todo="take a file in which every column has a name of its own",
                )
            seen[normalised(header)] = header


def filled(cell: str | None) -> str:
    return (cell or "").strip(BLANK)


def wordy(cell: str | None) -> bool:
    """Could this be a header? Numbers, dates and long texts are none."""
    text = filled(cell)
    return bool(text) and len(text) <= 80 and not _NUMBERLIKE.fullmatch(text)


def find_header(grid: Sequence[Sequence[str | None]]) -> tuple[int, int] | None:
    """First row (from 0) and number of rows of the header; None where there is none.

    A header is the first row that fills most of the width with different words. A second row
    belongs to it when it stands below group titles (equal neighbours, from merged cells, or
    blanks) and leaves other columns as they are.
    """
    counts = [len([c for c in row if filled(c)]) for row in grid[:60]]
    if not counts:
        return None
    width = max(counts, key=lambda n: (counts.count(n) if n > 1 else 0, n))
    for i, row in enumerate(grid[:30]):
        cells = [filled(c) for c in row]
        words = [c for c in cells if c]
        if len(words) < 0.6 * width or len(set(words)) < min(2, width):
            continue
        if not all(map(wordy, words)):
            return None  # data before any header
        if len(set(words)) < 0.5 * len(words) and len(set(words)) < 3:
            continue  # a title merged over the width, beside a unit
        return i, _levels(grid, i)
    return None


def _levels(grid: Sequence[Sequence[str | None]], at: int) -> int:
    levels = 1
    while levels < 3 and at + levels < len(grid) and _is_lower(grid[at : at + levels + 1]):
        levels += 1
    return levels


def _is_lower(rows: Sequence[Sequence[str | None]]) -> bool:
    """Is the last of these rows a lower level of the header made by the others?"""
    width = max(map(len, rows))
    above, below = (
        [filled(r[i]) if i < len(r) else "" for i in range(width)] for r in (rows[-2], rows[-1])
    )
    if not any(below) or not all(wordy(c) for c in below if c):
        return False
    groups = {
        i
        for i in range(width)
        if below[i] and below[i] != above[i]
        and (not above[i] or above[i] in (above[i - 1] if i else "", *above[i + 1 : i + 2])
             or (i + 1 < width and not above[i + 1]))
    }  # fmt: skip
    others = [i for i in range(width) if above[i] and i not in groups]
    plain = [i for i in others if below[i] in ("", above[i])]
    return bool(groups) and len(plain) == len(others) and bool(others or len(set(above)) < width)


def cleaned(
    rows: list[list[str | None]], headers: list[str]
) -> tuple[list[list[str | None]], list[int], dict[str, Any]]:
    """The rows of data, which they were, and the settings that leave out the others."""
    kept: list[list[str | None]] = []
    places: list[int] = []
    settings: dict[str, Any] = {}
    subtotal_column: int | None = None
    for place, row in enumerate(rows):
        words = [(i, filled(c)) for i, c in enumerate(row) if filled(c)]
        if not words:
            continue
        squeezed = [(i, "".join(w.split())) for i, w in words]
        if FOOTER.search(squeezed[0][1]) and len(words) <= max(2, len(headers) // 2):
            settings["footer"] = FOOTER.pattern
            break
        total = next((i for i, w in squeezed if SUBTOTAL.search(w)), None)
        if total is not None:
            settings["skip_rows"] = SUBTOTAL.pattern
            if total != words[0][0]:
                subtotal_column = total
            continue
        kept.append(row)
        places.append(place)
    if subtotal_column is not None:
        settings["subtotal_column"] = subtotal_column
    return kept, places, settings
