"""Departments' promises: what should have come and did not; told of when due, then daily.

Nothing is remembered between runs: an hour's run tells of the deadlines that passed in its hour,
and of those that passed a whole number of days before it. A run that is started by hand tells of
all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator

from onesource_airflow import alerts
from onesource_airflow.command import output_of

_DAY = timedelta(days=1)


class FreshnessOperator(BaseOperator):
    """Reads `onesource status --json` and tells of what is overdue."""

    def execute(self, context: Any) -> Any:
        status = json.loads(output_of(["status", "--json"]))
        run = context["dag_run"]
        by_hand = str(run.run_type).rpartition(".")[2].lower() == "manual"
        start, end = context["data_interval_start"], context["data_interval_end"]
        late = [
            line
            for deadline, line in overdue(status["feeds"])
            if by_hand or falls_due(deadline, start, end)
        ]
        if late:
            alerts.send(f"{len(late)} feeds overdue 超时未报", late)
        return late


def overdue(feeds: list[Mapping[str, Any]]) -> Iterator[tuple[datetime, str]]:
    """Of each feed with a promise: the moment at which it is overdue, and a line about it."""
    for f in feeds:
        if f["last_received"] is None or f["promise_days"] is None:
            continue
        last = datetime.fromisoformat(f["last_received"])
        line = (
            f"{f['feed']} {f['name_zh']}: last received {last:%Y-%m-%d %H:%M} UTC, promised every "
            f"{f['promise_days']} days"
        )
        if f["missing"]:
            some = ", ".join(f["missing_units"][:6])
            line += f"; 漏报 {f['missing']} of 应报 {f['owed']}: {some}"
        yield last + timedelta(days=f["promise_days"]), line


def falls_due(deadline: datetime, start: datetime, end: datetime) -> bool:
    """Did the deadline, or a whole number of days after it, fall into [start, end)?"""
    if deadline >= end:
        return False
    first = (start - deadline) // _DAY
    days = max(0, first if deadline + first * _DAY >= start else first + 1)
    return bool(start <= deadline + days * _DAY < end)
