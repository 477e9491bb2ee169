"""The state of a ticket from its events, and from nothing else.

Events: SEEN and GONE (a registry table found the conflict, or finds it no more), RESTATED (it is
said by other rows or again, and an answer settles it), SENT and CLOSED (said with `onesource
tickets`), ANSWERED (a department's answer). The log is never edited, so that the state can be made
again from it at any time.

A *round* is one department's turn: a ticket begins with round 1, and a new round begins when it is
opened again or goes to the next department. An answer names its round; one to an earlier round, or
a second one, changes nothing. One that names the round after the last, of a ticket that waits for
nobody while the conflict is still found, opens the ticket again and revises what was said. The
states:

    OPEN ─▶ SENT ─▶ CONFIRMED_SOURCE_RIGHT | CORRECTED ─▶ CLOSED   (the conflict is gone)
      ▲       │                 │                           │
      └───────┴─ NOT_OURS ──────┴── the old value comes ────┘
            (next department)       again: a new round

After NOT_OURS of the last department in the route the ticket stays NOT_OURS, for the steward.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from onesource.run.working_days import due_date

OPEN, SENT, CLOSED = "OPEN", "SENT", "CLOSED"
CONFIRMED, CORRECTED, NOT_OURS = "CONFIRMED_SOURCE_RIGHT", "CORRECTED", "NOT_OURS"
SEEN, RESTATED, GONE, ANSWERED = "SEEN", "RESTATED", "GONE", "ANSWERED"
WAITING = (OPEN, SENT)  # a department's turn
SETTLED = (CONFIRMED, CORRECTED)
ANSWERS = (*SETTLED, NOT_OURS)
STATES = (OPEN, SENT, CONFIRMED, CORRECTED, NOT_OURS, CLOSED)
_KEPT = (
    "registry",
    "entity",
    "attribute",
    "value_a",
    "source_a",
    "value_b",
    "source_b",
    "detail_zh",
    "detail_en",
)


@dataclass
class Round:
    """One department's turn."""

    round: int
    owner_uscc: str
    owner: str
    assigned_on: date
    due_on: date
    is_repeat: bool
    sent_on: date | None = None
    answered_on: date | None = None
    answer: str | None = None
    value: str | None = None
    known_from: datetime | None = None
    closed_on: date | None = None

    def as_json(self) -> dict[str, Any]:
        """Without the value, which may be a person's: those stand in a column of their own."""
        return {k: _text(v) for k, v in vars(self).items() if k != "value"}


def _text(value: Any) -> Any:
    """A moment in UTC, whatever zone its reader gave it: the same log makes the same bytes."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


@dataclass
class _Ticket:
    kept: dict[str, Any] = field(default_factory=dict)
    route: list[tuple[str, str]] = field(default_factory=list)
    step: int = 0
    due_days: int = 0
    state: str = CLOSED
    is_seen: bool = False
    evidence: tuple[Any, Any, Any] = (None, None, None)
    opened_on: date | None = None
    rounds: list[Round] = field(default_factory=list)


def fold(ticket_id: str, events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The row of `registry.ticket` that the events make. They come in any order; `at` decides.

    Raises OneSourceError when a due date lies beyond the calendar of working days.
    """
    t = _Ticket()
    for e in sorted(events, key=lambda e: (e["at"], e["event_id"])):
        if e["event"] == SEEN:
            _seen(t, e)
        elif t.rounds:
            _APPLY[e["event"]](t, e)
    return _row(ticket_id, t)


def _seen(t: _Ticket, e: dict[str, Any]) -> None:
    if not t.kept:
        t.kept = {k: e[k] for k in _KEPT}
    again, repeated = not t.is_seen, e["evidence_key"] != t.evidence[2]
    t.is_seen = True
    t.evidence = (e["evidence_a"], e["evidence_b"], e["evidence_key"])
    # Settled, but a newer delivery says the old value again; or gone, and back.
    if again or (repeated and t.state in SETTLED):
        t.route = [(code, name) for code, name in json.loads(e["route"])]
        t.step, t.due_days = 0, e["due_days"]
        t.opened_on = e["day"]
        _assign(t, e["day"], is_repeat=bool(t.rounds))


def _assign(t: _Ticket, day: date, *, is_repeat: bool) -> None:
    code, name = t.route[t.step]
    due = due_date(day, t.due_days)
    t.rounds.append(Round(len(t.rounds) + 1, code, name, day, due, is_repeat))
    t.state = OPEN


def _restated(t: _Ticket, e: dict[str, Any]) -> None:
    t.is_seen = True
    t.evidence = (e["evidence_a"], e["evidence_b"], e["evidence_key"])


def _gone(t: _Ticket, e: dict[str, Any]) -> None:
    t.is_seen = False
    _close(t, e["day"])


def _close(t: _Ticket, day: date) -> None:
    if t.state != CLOSED:
        t.rounds[-1].closed_on = day
        t.state = CLOSED


def _sent(t: _Ticket, e: dict[str, Any]) -> None:
    if t.state in WAITING and e["round"] == len(t.rounds):
        t.rounds[-1].sent_on = t.rounds[-1].sent_on or e["day"]
        t.state = SENT


def _closed(t: _Ticket, e: dict[str, Any]) -> None:
    if e["round"] == len(t.rounds):
        _close(t, e["day"])


def _answered(t: _Ticket, e: dict[str, Any]) -> None:
    is_over = t.state not in WAITING and t.is_seen
    if is_over and e["round"] == len(t.rounds) + 1 and e["answer"] in SETTLED:
        t.opened_on = e["day"]
        _assign(t, e["day"], is_repeat=False)
    if t.state not in WAITING or e["round"] != len(t.rounds) or e["answer"] not in ANSWERS:
        return
    now = t.rounds[-1]
    now.answered_on, now.answer = e["day"], e["answer"]
    now.known_from = e["said_at"] or e["at"]
    t.state = e["answer"]
    if t.state == CORRECTED:
        now.value = e["value"]
    elif t.state == CONFIRMED:
        now.value = t.kept["value_a"]
    elif t.step + 1 < len(t.route):
        t.step += 1
        _assign(t, e["day"], is_repeat=False)


_APPLY = {RESTATED: _restated, GONE: _gone, SENT: _sent, CLOSED: _closed, ANSWERED: _answered}


def _row(ticket_id: str, t: _Ticket) -> dict[str, Any]:
    now = t.rounds[-1]
    settled = [r for r in t.rounds if r.answer in SETTLED]
    return {
        "ticket_id": ticket_id,
        **t.kept,
        "evidence_a": t.evidence[0],
        "evidence_b": t.evidence[1],
        "evidence_key": t.evidence[2],
        "owner": now.owner,
        "owner_uscc": now.owner_uscc,
        "state": t.state,
        "round": now.round,
        "opened_on": t.opened_on,
        "assigned_on": now.assigned_on,
        "due_days": t.due_days,
        "due_on": now.due_on,
        "sent_on": now.sent_on,
        "answered_on": now.answered_on,
        "answer": now.answer,
        "decided_value": settled[-1].value if settled else None,
        "closed_on": now.closed_on,
        "is_seen": t.is_seen,
        "answered": "".join(f",{r.round}:{r.answer}:" for r in t.rounds if r.answer),
        "rounds": json.dumps([r.as_json() for r in t.rounds], ensure_ascii=False),
        "round_values": json.dumps([r.value for r in t.rounds], ensure_ascii=False),
    }
