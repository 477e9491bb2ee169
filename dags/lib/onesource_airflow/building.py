"""DAGs and task settings from what the contracts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, MultipleCronTriggerTimetable, Param, TaskGroup, TriggerRule

from onesource.contracts.schedule import TIME_ZONE, GroupSchedule, TableSchedule
from onesource_airflow import places
from onesource_airflow.operators import ServeOperator

# One feed's trouble is its own: the next step does what can be done, the report fails the run.
AFTER_TROUBLE = TriggerRule.ALL_DONE
# Before any backfill that anybody could ask for; nothing is caught up by itself.
START = pendulum.datetime(2010, 1, 1, tz=TIME_ZONE)
_LONGEST_PAUSE = timedelta(hours=1)
_DATE = Param(
    None,
    type=["null", "string"],
    format="date",
    title="日期 date",
    description="The day that the run stands for (YYYY-MM-DD). Empty: the run's own.",
)


def at(crons: Iterable[str]) -> MultipleCronTriggerTimetable:
    """At any of these times, in the city's time."""
    return MultipleCronTriggerTimetable(*crons, timezone=TIME_ZONE)


def make_dag(dag_id: str, *, schedule: Any, name_zh: str, about: str, **more: Any) -> DAG:
    """A DAG with what all of ours share: one run at a time, nothing caught up, a date to give."""
    return DAG(
        dag_id,
        schedule=schedule,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        dag_display_name=f"{dag_id} {name_zh}",
        doc_md=about,
        params={"date": _DATE},
        render_template_as_native_obj=False,
        **more,
    )


def pool_of(group: str) -> str:
    """The pool with one slot of all that writes a group's tables: one writer a table."""
    return f"write_{group}"


def settings_of(group: GroupSchedule, tables: Iterable[TableSchedule] = ()) -> dict[str, Any]:
    """Pool, retries with growing pauses, time limit and owner of a step that builds these tables
    (none: all of the group). The most patient contract decides."""
    chosen = tuple(tables) or group.tables
    return {
        "pool": pool_of(group.name),
        "owner": group.owner,
        "retries": max(t.retries for t in chosen),
        "retry_delay": max(t.retry_delay for t in chosen),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": _LONGEST_PAUSE,
        "execution_timeout": max(t.timeout for t in chosen),
        # What hangs most on goes first when several wait.
        "priority_weight": 4 - min(t.tier for t in chosen),
    }


def serve_tasks(
    tables: Iterable[TableSchedule], after: Mapping[str, str]
) -> tuple[TaskGroup, dict[str, str]]:
    """One task a table, in a group `serve`, that tells of its new version.

    after: table → the step that builds it. Returns the group, and task → table.
    """
    made: dict[str, str] = {}
    with TaskGroup("serve") as group:
        for t in tables:
            task = ServeOperator(
                task_id=t.table.replace(".", "_", 1),
                task_display_name=f"{t.table} {t.name_zh}",
                table=t.table,
                after=[after[t.table]],
                owner=t.owner,
                doc_md=describe(t),
                trigger_rule=AFTER_TROUBLE,
            )
            made[task.task_id] = t.table
    return group, made


def describe(t: TableSchedule) -> str:
    """A table in Markdown, with a link to its contract."""
    return (
        f"**{t.table}** {t.name_zh}: {t.purpose}\n\n"
        f"owner {t.owner} · cycle {t.cycle} · tier {t.tier} · "
        f"[{t.contract}]({places.source_url()}/{t.contract})"
    )


def table_of(tables: Iterable[TableSchedule]) -> str:
    """The tables of a DAG as a Markdown table, each with a link to its contract."""
    lines = ["| table | 名称 | owner | cycle | tier | contract |", "|---|---|---|---|---|---|"]
    for t in tables:
        link = f"[{t.contract}]({places.source_url()}/{t.contract})"
        lines.append(f"| `{t.table}` | {t.name_zh} | {t.owner} | {t.cycle} | {t.tier} | {link} |")
    return "\n".join(lines)
