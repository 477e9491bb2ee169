"""The standardiser `division`: a raw code or name → the 12-digit code valid on a day.

Value: the code, or null. Verdicts: OK, EMPTY, FMT, COLLECTOR, UNKNOWN, AMBIGUOUS, ABOLISHED,
NOT_YET, PARENT_UNKNOWN, TOO_COARSE. Detail:
`method=…;confidence=…;name=…;as_reported=…` and what else was found.

Without a date the latest state of the register is meant. On a day before the first snapshot the
first snapshot's codes stand, with a lower confidence and the note `day=before_first_snapshot`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from onesource.clean.geography.index import DivisionIndex
from onesource.clean.geography.names import LEVELS
from onesource.clean.geography.resolve import Resolver
from onesource.clean.geography.walk import Answer
from onesource.errors import UsageError

__all__ = ["DivisionIndex", "resolve_batch", "resolve_division", "shipped_index"]


@lru_cache(maxsize=4)
def shipped_index(schemas: Path) -> DivisionIndex:
    """The index of the snapshots that ship with the contracts, for use before a first run."""
    return DivisionIndex.from_snapshots(
        schemas / "samples" / "base" / "division", schemas / "codelists"
    )


def resolve_division(
    raw: str | None,
    day: date | None,
    index: DivisionIndex,
    *,
    parent: str | None = None,
    level: str | None = None,
) -> tuple[str | None, str, str]:
    """One raw value: (code valid on `day` or None, verdict, detail)."""
    if level is not None and level not in LEVELS:
        raise UsageError(f"division: level={level} is none of {', '.join(LEVELS)}")
    return _told(raw, Resolver(index).resolve(raw, day, parent, level))


def resolve_batch(
    values: Sequence[str | None],
    dates: Sequence[date | None],
    parents: Sequence[str | None],
    index: DivisionIndex,
    level: str | None = None,
) -> tuple[list[str | None], list[str], list[str]]:
    """Columns of raw values: (codes, verdicts, details). Distinct inputs are resolved once."""
    known: dict[tuple[str | None, date | None, str | None], tuple[str | None, str, str]] = {}
    rows = []
    for key in zip(values, dates, parents, strict=True):
        if key not in known:
            known[key] = resolve_division(key[0], key[1], index, parent=key[2], level=level)
        rows.append(known[key])
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def _told(raw: str | None, answer: Answer) -> tuple[str | None, str, str]:
    if answer.verdict == "EMPTY":
        return None, "EMPTY", ""
    parts = [f"method={answer.method}"] if answer.method else []
    if answer.method:
        parts.append(f"confidence={answer.confidence:.2f}")
    if answer.name:
        parts.append(f"name={answer.name}")
    if not any(n.startswith("unreadable=") for n in answer.note):
        reported = (raw or "").replace(";", ",").replace("=", "＝").replace("\n", " ")
        parts.append(f"as_reported={reported}")
    parts += [n for n in answer.note if not n.startswith("name=") or not answer.name]
    return answer.code, answer.verdict, ";".join(parts)
