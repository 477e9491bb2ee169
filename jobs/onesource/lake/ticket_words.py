"""What people say of tickets with `onesource tickets`, until the next run takes it in.

`ops.ticket_events` holds ids, rounds and accounts, never a value of a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from onesource.config import Settings, now
from onesource.lake import ops
from onesource.lake.reads import user

EVENTS = "ticket_events"


def say(
    settings: Settings,
    event: str,
    tickets: Iterable[tuple[str, int]],
    day: date,
    remark: str = "",
) -> None:
    """Records that rounds of tickets were sent or closed, by the account that runs the command."""
    row = {
        "event": event,
        "day": day.isoformat(),
        "who": user(),
        "remark": remark,
        "tickets": [[i, r] for i, r in tickets],
    }
    # A file for each account and month: one cannot write into another's.
    safe = "".join(c if c.isalnum() else "_" for c in user())
    ops.append(settings, EVENTS, f"tickets-{safe}-{now():%Y-%m}", [row])


def said(settings: Settings) -> Iterator[dict[str, Any]]:
    """One row a ticket and event: `event_id, ticket_id, round, event, day, who, remark`."""
    for row in ops.rows(settings, EVENTS):
        for ticket_id, number in row.get("tickets") or ():
            name = f"{row['at']}|{row['event']}|{ticket_id}|{number}"
            yield {
                "event_id": hashlib.sha256(name.encode()).hexdigest()[:24],
                "ticket_id": str(ticket_id),
                "round": int(number),
                "event": str(row["event"]),
                "day": date.fromisoformat(row["day"]),
                "who": str(row["who"]),
                "remark": str(row.get("remark") or ""),
            }
