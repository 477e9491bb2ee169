"""What a delivery says of what was said before: its scope, and its place among statements."""

from __future__ import annotations

from dataclasses import dataclass

from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction
from onesource.ingest import landing
from onesource.ingest.control import Control, parse_time


def scope_parts(feed: Contract) -> tuple[str, ...]:
    """What a statement of this feed speaks for; a snapshot always speaks for its period."""
    parts = tuple(feed.delivery.replace_scope)
    period = feed.properties.period
    if feed.correction is Correction.REPLACE and period and period not in parts:
        parts += (period,)
    return parts


@dataclass(frozen=True)
class Place:
    """Where a new delivery stands among the statements."""

    statement_at: str
    sequence: int
    repeat: int


def place_of(
    known: list[landing.Record],
    feed: Contract,
    digest: str,
    scope: dict[str, str | None],
    control: Control | None,
    statement: str,
    declared: bool,
) -> Place | landing.Record:
    """The place of the new statement, or the record of which it is a mere repetition."""
    sequence = (control.sequence if control else None) or 0
    same_bytes = [r for r in known if r.digest == digest]
    repeat = max((r.repeat for r in same_bytes), default=0) + 1
    same = [r for r in same_bytes if dict(r.scope) == scope]
    if not same:
        return Place(statement, sequence, repeat)
    if feed.correction is Correction.APPEND:
        return same[-1]
    said = control.as_json() if control else {}
    if "statement_time" in said or "sequence" in said:
        for r in same:
            if all(r.control.get(k) == said.get(k) for k in ("statement_time", "sequence")):
                return r
        return Place(statement, sequence, repeat)
    latest = [r for r in known if dict(r.scope) == scope][-1]
    if declared:
        of_that_time = [r for r in same if parse_time(r.statement_at) == parse_time(statement)]
        if not of_that_time:
            # The same words of another day are another statement: without it, what is said of a
            # day between the two would hold or not by the order of arrival (P6).
            return Place(statement, sequence, repeat)
        if parse_time(latest.statement_at) > parse_time(statement):
            # Something later is known: this is the old statement once more, not a new one. A
            # folder handed in twice changes nothing.
            return of_that_time[-1]
    if latest.digest == digest:
        return latest
    # Said again after something else was said of the same time: it holds from now on.
    behind = max(parse_time(latest.statement_at), parse_time(statement))
    return Place(behind.isoformat(), max(sequence, latest.sequence), max(repeat, latest.repeat + 1))
