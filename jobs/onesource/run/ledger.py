"""What has been done: folded from the step events in `ops.steps`, never stored twice.

The newest event of a table says which version holds, what it was built from, and which
deliveries it has taken. A table whose Delta version is not the one that the ledger knows was
being written when a process ended; the next run restores the known version first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onesource.config import Settings, now
from onesource.lake import ops

PASSED, HELD = "passed", "held"
# Of the tickets, which many steps of a run write: a version that waits for its gate.
PENDING = "pending"
# Of a table: what its step wrote elsewhere was taken back, so the step is done again.
REDO = "redo"
# Of a delivery in bronze: its rows went after the retention that its contract says.
EXPIRED = "expired"


@dataclass
class TableState:
    """A table as the ledger knows it.

    version: the newest version that passed its gates (None: none ever did). head: the newest
    Delta version that a finished step left (a restore makes one more). deliveries: outcome of
    each delivery that was looked at under `definition`. history: rows of the versions that passed.
    clean: the rules that found nothing in the last of them. made_from: version → the one that it
    was patched from. same_as: version → one of equal rows. read: version → the versions of its
    inputs. made_under: the definition of `version`.
    """

    version: int | None = None
    head: int | None = None
    step: str | None = None
    definition: str | None = None
    made_under: str | None = None
    inputs: Mapping[str, int] = field(default_factory=dict)
    verdict: str | None = None
    rows: int | None = None
    at: str = ""
    run: str = ""
    reason_zh: str = ""
    reason_en: str = ""
    history: list[int] = field(default_factory=list)
    clean: frozenset[str] = frozenset()
    made_from: dict[int, int] = field(default_factory=dict)
    same_as: dict[int, int] = field(default_factory=dict)
    read: dict[int, Mapping[str, int]] = field(default_factory=dict)
    deliveries: dict[str, dict[str, Any]] = field(default_factory=dict)


def states(settings: Settings) -> dict[str, TableState]:
    """The state of every table, by name."""
    events = sorted(ops.rows(settings, "steps"), key=lambda e: str(e.get("at", "")))
    found: dict[str, TableState] = {}
    for event in events:
        table = event.get("table")
        if table:
            _fold(found.setdefault(str(table), TableState()), event)
    return found


def state(settings: Settings, table: str) -> TableState:
    """The state of one table, read anew."""
    return states(settings).get(table, TableState())


def _fold(s: TableState, event: Mapping[str, Any]) -> None:
    before = s.head
    if event.get("head") is not None:
        s.head = int(event["head"])
    if event.get("kind") in ("restored", "optimized"):
        # Another version with the rows of the one before.
        if s.head is not None and before is not None and s.head != before:
            s.same_as[s.head] = before
        return
    if event.get("kind") == REDO:
        s.step = None
        return
    if event.get("kind") == "expired":  # their rows went from bronze, for good or until a rebuild
        for d in event.get("deliveries") or ():
            s.deliveries[d["id"]] = {**s.deliveries.get(d["id"], {}), "outcome": EXPIRED}
        return
    if event.get("rebuilt"):
        s.deliveries = {}
    s.verdict = event.get("verdict")
    s.step, s.definition = event.get("step"), event.get("definition")
    s.at, s.run = str(event.get("at", "")), str(event.get("run", ""))
    s.reason_zh, s.reason_en = event.get("reason_zh") or "", event.get("reason_en") or ""
    if s.verdict == HELD and s.head is not None and s.version not in (None, s.head):
        s.same_as[s.head] = int(s.version or 0)
    if s.verdict == PASSED:
        s.version = event.get("version")
        if s.version is not None:
            s.made_from.pop(s.version, None)
            if event.get("patched") is not None:
                s.made_from[s.version] = int(event["patched"])
        s.made_under, s.inputs = s.definition, event.get("inputs") or {}
        if s.version is not None:
            s.read[s.version] = s.inputs
        s.rows = event.get("rows")
        s.clean = frozenset(event.get("clean") or ())
        s.history.append(int(s.rows or 0))
    for d in event.get("deliveries") or ():
        s.deliveries[d["id"]] = {**d, "definition": event.get("definition")}


def record(settings: Settings, run: str, event: Mapping[str, Any]) -> None:
    """Puts one event on disk; what it says has happened from then on."""
    ops.append(settings, "steps", run, [{**event, "run": run, "at": now().isoformat()}])


def outcomes(
    deliveries: Iterable[str], outcome: str, counts: Mapping[str, Any], **more: Any
) -> list[dict[str, Any]]:
    """Event entries of deliveries: `id, outcome` and what became of their rows."""
    rows = []
    for d in deliveries:
        c = counts.get(d)
        row: dict[str, Any] = {"id": d, "outcome": outcome, **more}
        if c is not None:
            row |= {
                "delivered": c.delivered,
                "accepted": c.accepted,
                "quarantined": c.quarantined,
                "superseded": c.superseded,
                "scopes": list(c.scopes)[:1000],
            }
        rows.append(row)
    return rows
