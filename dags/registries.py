"""One DAG for the registries 基础库: built anew when a table that they are built from is served."""

from __future__ import annotations

from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, chain
from onesource_airflow import assets, places
from onesource_airflow.building import (
    AFTER_TROUBLE,
    at,
    make_dag,
    serve_tasks,
    settings_of,
    table_of,
)
from onesource_airflow.operators import ReportOperator, RunOperator

from onesource.contracts.schedule import GroupSchedule

_ABOUT = """The city's one record of each thing. Starts when a table that a registry is built
from is served anew, and at `{cron}` (Beijing).

{tables}
"""


def registries_dag(registries: GroupSchedule) -> DAG:
    """The DAG that builds every registry table."""
    with make_dag(
        "registries",
        name_zh=registries.name_zh,
        schedule=AssetOrTimeSchedule(
            timetable=at(registries.crons),
            assets=AssetAny(*(assets.table(t) for t in registries.awaits)),
        ),
        about=_ABOUT.format(cron="`, `".join(registries.crons), tables=table_of(registries.tables)),
        tags={"registry", *registries.tags},
    ) as dag:
        serve, served = serve_tasks(
            registries.built, {t.table: "registries" for t in registries.built}
        )
        build = RunOperator(
            task_id="registries",
            task_display_name="registries 基础库",
            select=[t.table for t in registries.built],
            shown_by=served,
            **settings_of(registries),
        )
        report = ReportOperator(
            task_id="report",
            task_display_name="report 报告",
            steps=["registries"],
            trigger_rule=AFTER_TROUBLE,
        )
        chain(build, serve, report)
    return dag


if places.schedules().registries.built:
    registries = registries_dag(places.schedules().registries)
