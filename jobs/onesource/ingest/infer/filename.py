"""A pattern of file names from one: dates and counties become named groups, digits general."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from onesource.contracts.model import City

_YEAR, _MONTH, _DAY = r"(?:19|20)\d{2}", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# What is looked for in a name, the first that fits goes first: group, what it is, its pattern.
_PARTS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("day", re.compile(rf"(?<!\d){_YEAR}{_MONTH}{_DAY}(?!\d)"), r"\d{8}"),
    (
        "day",
        re.compile(rf"(?<!\d){_YEAR}([-_.]){_MONTH}\1{_DAY}(?!\d)"),
        r"\d{4}[-_.]\d{2}[-_.]\d{2}",
    ),
    ("day", re.compile(rf"(?<!\d){_YEAR}年\d{{1,2}}月\d{{1,2}}日"), r"\d{4}年\d{1,2}月\d{1,2}日"),
    ("month", re.compile(rf"(?<!\d){_YEAR}{_MONTH}(?!\d)"), r"\d{6}"),
    ("month", re.compile(rf"(?<!\d){_YEAR}-{_MONTH}(?!\d)"), r"\d{4}-\d{2}"),
    ("month", re.compile(rf"(?<!\d){_YEAR}年\d{{1,2}}月"), r"\d{4}年\d{1,2}月"),
    # not a range of years
    ("year", re.compile(rf"(?<!\d)(?<!\d\d[-_]){_YEAR}(?=年|(?!\d))(?![-_]{_YEAR})"), r"\d{4}"),
)  # fmt: skip
_EXTENSIONS = {"csv": "csv|txt|tsv|dat", "xlsx": "xlsx", "json": "json|jsonl|txt",
               "parquet": "parquet|parq", "geojson": "geojson|json"}  # fmt: skip


@dataclass(frozen=True)
class NamePattern:
    """A regular expression for the whole name, and its groups."""

    pattern: str
    groups: tuple[str, ...]


def pattern_of(name: str, kind: str, city: City) -> NamePattern:
    """`离石区煤矿日报_20170715.xlsx` → `(?P<county>…)煤矿日报_(?P<day>\\d{8})\\.(?:xlsx)`."""
    stem, dot, extension = name.rpartition(".")
    stem = stem if dot else name
    groups: list[str] = []
    pieces: list[str | tuple[str]] = [(stem,)]
    for group, looked, written in _PARTS:
        if not any(g in groups for g in ("day", "month", "year")):
            pieces = _cut(pieces, looked, group, written, groups)
    counties = "|".join(sorted(map(re.escape, city.counties.values()), key=len, reverse=True))
    if counties:
        codes = "|".join(city.counties)
        pieces = _cut(pieces, re.compile(counties), "county", counties, groups)
        if "county" not in groups and codes:
            looked = re.compile(rf"(?<!\d)(?:{codes})(?!\d)")
            pieces = _cut(pieces, looked, "county", codes, groups)
    body = "".join(p if isinstance(p, str) else _general(p[0]) for p in pieces)
    known = _EXTENSIONS[kind].split("|")
    if dot and extension.lower() not in known:
        known.append(re.escape(extension.lower()))
    return NamePattern(rf"{body}\.(?i:{'|'.join(known)})" if dot else body, tuple(groups))


def _cut(
    pieces: list[str | tuple[str]],
    looked: re.Pattern[str],
    group: str,
    written: str,
    groups: list[str],
) -> list[str | tuple[str]]:
    """Puts a named group where the first plain piece holds what is looked for."""
    for i, piece in enumerate(pieces):
        found = looked.search(piece[0]) if isinstance(piece, tuple) else None
        if found is None or isinstance(piece, str):
            continue
        groups.append(group)
        before, after = piece[0][: found.start()], piece[0][found.end() :]
        return [*pieces[:i], (before,), f"(?P<{group}>{written})", (after,), *pieces[i + 1 :]]
    return pieces


def _general(text: str) -> str:
    """Digits that count something (a number of a page, a version) may be other digits."""
    escape: Callable[[str], str] = re.escape
    return "".join(r"\d+" if p.isdigit() else escape(p) for p in re.split(r"(\d+)", text) if p)
