"""Checks of code lists: one meaning of a code on any day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from onesource.contracts.findings import Finding, Weight
from onesource.contracts.model import CodeList, CodeRow


def check_codelist(codes: CodeList) -> Iterator[Finding]:
    """Codes without spaces around them, dates that are dates, spans in order and apart.

    The order of different codes is free (a list may stand in the order of its standard); the
    rows of one code stand in the order of their validity. A list whose source has codes with two
    meanings on one day says so in a remark `# overlaps: why`: then they are only counted.
    """
    where = str(codes.path)
    if not codes.rows:
        yield Finding(Weight.ERROR, where, "the code list is empty")
    by_code: dict[str, list[CodeRow]] = {}
    for row in codes.rows:
        yield from _row(where, row)
        by_code.setdefault(row.code, []).append(row)
    double: list[str] = []
    for code, rows in by_code.items():
        ordered = sorted(rows, key=lambda r: r.valid_from or "")
        if [r.valid_from for r in ordered] != [r.valid_from for r in rows]:
            what = f"the rows of the code {code} do not stand in the order of valid_from"
            yield Finding(Weight.ERROR, where, what)
        double += [code for one, two in pairwise(ordered) if _overlap(one, two)]
    reason = _known_overlaps(codes) if double else None
    if reason:
        what = f"{len(set(double))} codes have two meanings on one day: {reason}"
        yield Finding(Weight.NOTE, where, what)
        return
    for code in dict.fromkeys(double):
        yield Finding(
            Weight.ERROR,
            where,
            f"the code {code} has two meanings on one day",
            "close the earlier row (valid_to is the first day on which it no longer holds)",
        )


def _row(where: str, row: CodeRow) -> Iterator[Finding]:
    if not row.code or row.code != row.code.strip():
        what = f"the code {row.code!r} is empty or has spaces around it"
        yield Finding(Weight.ERROR, where, what)
    if not row.name:
        yield Finding(Weight.ERROR, where, f"the code {row.code} has no name")
    for text in (row.valid_from, row.valid_to):
        if text is not None and not _is_date(text):
            what = f"the code {row.code}: {text} is no date, write YYYY-MM-DD"
            yield Finding(Weight.ERROR, where, what)
    # Equal dates: known by the year only, and gone within it.
    if row.valid_from and row.valid_to and row.valid_from > row.valid_to:
        what = f"the code {row.code} ends ({row.valid_to}) before it begins"
        yield Finding(Weight.ERROR, where, what)


def _overlap(one: CodeRow, two: CodeRow) -> bool:
    return (two.valid_from or "") < (one.valid_to or "9999")


def _known_overlaps(codes: CodeList) -> str | None:
    """What the list itself says about codes with two meanings."""
    for line in codes.path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            return None
        key, colon, words = line.lstrip("# ").partition(":")
        if colon and key.strip() == "overlaps":
            return words.strip()
    return None


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
