"""Days as text where a standardiser rightly refuses to decide: a comparison may, for it weighs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_THREE = re.compile(r"^\s*(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{2,4})(?:\D.*)?$")
_YEAR_FIRST = re.compile(r"^\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?:\D.*)?$")
# Two digits of a year from here on are of the last century: births, mostly.
_PIVOT = 30


def order_of(texts: Iterable[str | None]) -> str:
    """`dmy` or `mdy`, by the days above 12 in the column; without any, or with as many of both,
    dmy, which most of the world writes."""
    first = second = 0
    for text in texts:
        match = _THREE.match(text or "")
        if match:
            first += int(match.group(1)) > 12
            second += int(match.group(2)) > 12
    return "mdy" if second > first else "dmy"


def day_text(text: str | None, order: str) -> str | None:
    """`YYYY-MM-DD` from numbers in the order given, the year first or last; it need not be a day
    of the calendar. A month above 12 that is a day in the other order is read in the other."""
    if text is None:
        return None
    match = _YEAR_FIRST.match(text)
    if match:
        year, month, day = match.group(1), match.group(2), match.group(3)
        return f"{year}-{int(month):02d}-{int(day):02d}"
    match = _THREE.match(text)
    if match is None:
        return None
    a, b, year = int(match.group(1)), int(match.group(2)), match.group(3)
    if len(year) == 2:
        year = f"{'20' if int(year) < _PIVOT else '19'}{year}"
    if len(year) != 4:
        return None
    day_, month_ = (a, b) if order == "dmy" else (b, a)
    if month_ > 12 >= day_:
        day_, month_ = month_, day_
    return f"{year}-{month_:02d}-{day_:02d}"
