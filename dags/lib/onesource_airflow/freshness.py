"""Tells of promises that were not kept: when the deadline passes, then daily.

Nothing is remembered between runs: an hour's run tells of the deadlines that passed in its hour,
and of those that passed a whole number of days before it. Reports that single units owe 漏报 are
told of every morning, until they come. A run that is started by hand tells of all.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator

from onesource_airflow import alerts
from onesource_airflow.command import output_of
from onesource_airflow.promises import falls_due, missing, overdue


class FreshnessOperator(BaseOperator):
    """Reads `onesource status --json` and tells of what is overdue."""

    def execute(self, context: Any) -> Any:
        status = json.loads(output_of(["status", "--json"]))
        found = [*overdue(status["feeds"]), *missing(status["feeds"])]
        kind = str(context["dag_run"].run_type).rpartition(".")[2].lower()
        if kind == "manual":
            now = datetime.now(UTC)
            late = [line for deadline, line in found if deadline < now]
        else:
            start, end = context["data_interval_start"], context["data_interval_end"]
            late = [line for deadline, line in found if falls_due(deadline, start, end)]
        if late:
            alerts.send(f"{len(late)} promises not kept 超时漏报", late)
        return late
