"""Numbers and dates of a workbook as text: what the department sees, exactly.

A workbook stores 12.1 as 12.1 or 12.099999999999999 and a date as a count of days; Excel shows
15 significant digits, and so do we.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache


class DateFormat(Enum):
    """What a number format shows of a date."""

    DATE = "date"
    MONTH = "month"
    YEAR = "year"
    TIME = "time"
    BOTH = "date and time"
    ELAPSED = "elapsed time"


# Built-in formats of the standard (ECMA-376 part 1, 18.8.30), those of zh-CN included.
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 30, 31, 36, 50, 51, 53, 54, 58), DateFormat.DATE),
    **dict.fromkeys((27, 28, 29), DateFormat.DATE),
    **dict.fromkeys((17, 52, 57), DateFormat.MONTH),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56), DateFormat.TIME),
    22: DateFormat.BOTH,
    46: DateFormat.ELAPSED,
}
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d+")


@lru_cache(maxsize=4096)
def date_format(number: int, code: str | None) -> DateFormat | None:
    """What a format shows of a date; None for plain numbers."""
    if code is None:
        return _BUILT_IN.get(number)
    shown = _QUOTED.sub("", code.split(";")[0]).lower()
    if re.search(r"\[[hms]+\]", shown):
        return DateFormat.ELAPSED
    if shown in ("general", "g/通用格式", "@") or re.search(r"[0#?]", shown.replace(".0", "")):
        return None
    # m is minutes beside hours or seconds, else months
    minutes = re.sub(r"(h+[^a-z]*)m+|m+([^a-z]*s+)", r"\1\2", shown)
    time = bool(re.search(r"[hs]", shown))
    # aaa and aaaa show the day of the week in Chinese
    day = "d" in shown or "aaa" in shown
    month, year = "m" in minutes, bool(re.search(r"[ye]", shown))
    if not (time or day or month or year):
        return None
    if not (day or month or year):
        return DateFormat.TIME
    if time:
        return DateFormat.BOTH
    if year and not day:
        return DateFormat.MONTH if month else DateFormat.YEAR
    return DateFormat.DATE


@lru_cache(maxsize=65536)
def number_text(stored: str) -> str:
    """A stored number as text: `1234.5`, no float noise, no exponent, whole numbers whole.

    A whole number keeps all digits that were written, also beyond the 15 that Excel shows.
    """
    value = stored.strip()
    if _INTEGER.fullmatch(value):
        return value.lstrip("+")
    if len(value) <= 15 and "e" not in value and "E" not in value:
        return _trimmed(value)
    try:
        short = Decimal(f"{float(value):.15g}")
    except (ValueError, InvalidOperation):
        return value
    return _trimmed(f"{short:f}") if short.is_finite() else value


def _trimmed(value: str) -> str:
    if "." not in value:
        return value
    cut = value.rstrip("0").rstrip(".")
    return cut if cut not in ("-0", "") else "0"


@lru_cache(maxsize=65536)
def serial_text(stored: str, shown: DateFormat, epoch1904: bool) -> str:
    """A count of days as ISO text, as far as the format shows it: `2017-07` stays a month.

    1900-01-00 (zero) and 1900-02-29, which Excel knows and the world does not, keep their text.
    What is no date (negative, beyond 9999) stays a number.
    """
    try:
        serial = float(stored)
    except ValueError:
        return stored
    if not 0 <= serial < 2_958_466 - (1462 if epoch1904 else 0):
        return number_text(stored)
    if shown is DateFormat.ELAPSED:
        seconds = round(serial * 86_400)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    days, rest = divmod(round(serial * 86_400_000), 86_400_000)
    time = _time(rest)
    if shown is DateFormat.TIME and days == 0:
        return time
    day = _day(days, epoch1904)
    if shown is DateFormat.MONTH:
        return day[:7]
    if shown is DateFormat.YEAR:
        return day[:4]
    if rest and shown is not DateFormat.DATE:
        return f"{day} {time}"
    return f"{day} {time}" if rest else day


def _day(days: int, epoch1904: bool) -> str:
    if epoch1904:
        return (datetime(1904, 1, 1) + timedelta(days)).strftime("%Y-%m-%d")
    if days == 0:
        return "1900-01-00"
    if days == 60:
        return "1900-02-29"
    start = datetime(1899, 12, 31) if days < 60 else datetime(1899, 12, 30)
    return (start + timedelta(days)).strftime("%Y-%m-%d")


def _time(milliseconds: int) -> str:
    seconds, ms = divmod(milliseconds, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{ms:03d}" if ms else text
