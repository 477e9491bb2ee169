"""One DAG a sector: its feeds, from the inbox to what is served.

deliver → ingest → silver → gate → curate → serve → report. The gate of a feed judges inside the
command that makes silver, before anything is written; the tasks of the group `gate` show verdicts.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, TaskGroup, chain
from onesource_airflow import assets, places
from onesource_airflow.building import (
    AFTER_TROUBLE,
    at,
    make_dag,
    serve_tasks,
    settings_of,
    table_of,
)
from onesource_airflow.operators import (
    DeliverOperator,
    GateOperator,
    ReportOperator,
    RunOperator,
)

from onesource.contracts.schedule import GroupSchedule

_ABOUT = """{name_zh}: what departments deliver, up to the curated tables.

Starts when files come into `inbox/{name}` (or an event of a `feed/…` asset says that a feed was
delivered otherwise), when a table that it reads is served anew, and at `{cron}` (Beijing).
A red task in `gate` is a held delivery: its log says why, the last good version is served, the rest
goes on. A red `report` is a step that failed for good.

{tables}
"""


def sector_dag(sector: GroupSchedule) -> DAG:
    """The DAG of one sector."""
    feeds = [f"feed:{f.id}" for f in sector.feeds]
    curated = [t.table for t in sector.built]
    starts = [
        assets.inbox(sector.name),
        *(assets.feed(f.id) for f in sector.feeds),
        *(assets.table(t) for t in sector.awaits),
    ]
    with make_dag(
        sector.name,
        name_zh=sector.name_zh,
        schedule=AssetOrTimeSchedule(
            timetable=at(sector.crons),
            assets=AssetAny(*starts),
        ),
        about=_ABOUT.format(
            name=sector.name,
            name_zh=sector.name_zh,
            cron="`, `".join(sector.crons),
            tables=table_of(sector.tables),
        ),
        tags={"sector", *sector.tags},
    ) as dag:
        deliver = DeliverOperator(
            task_id="deliver",
            task_display_name="deliver 交付",
            sector=sector.name,
            **settings_of(sector, sector.feeds),
        )
        ingest = RunOperator(
            task_id="ingest",
            task_display_name="ingest 入库",
            select=feeds,
            through="bronze",
            shown_by={},
            trigger_rule=AFTER_TROUBLE,
            **settings_of(sector, sector.feeds),
        )
        with TaskGroup("gate") as gate:
            gates = [
                GateOperator(
                    task_id=f.name,
                    task_display_name=f"gate 质量关 {f.name} {f.name_zh}",
                    table=f.table,
                    after=["silver"],
                    owner=f.owner,
                    doc_md=f.purpose,
                    trigger_rule=AFTER_TROUBLE,
                )
                for f in sector.feeds
            ]
        steps = {t.table: "silver" if t in sector.feeds else "curate" for t in sector.tables}
        serve, served = serve_tasks(sector.tables, steps)
        shown = {g.task_id: g.table for g in gates}
        silver = RunOperator(
            task_id="silver",
            task_display_name="silver 清洗与质量关",
            select=feeds,
            through="silver",
            shown_by=shown | {k: t for k, t in served.items() if steps[t] == "silver"},
            trigger_rule=AFTER_TROUBLE,
            **settings_of(sector, sector.feeds),
        )
        curate = RunOperator(
            task_id="curate",
            task_display_name="curate 加工",
            select=curated,
            shown_by={k: t for k, t in served.items() if steps[t] == "curate"},
            trigger_rule=AFTER_TROUBLE,
            **settings_of(sector, sector.built),
        )
        report = ReportOperator(
            task_id="report",
            task_display_name="report 报告",
            steps=["deliver", "ingest", "silver", "curate"],
            trigger_rule=AFTER_TROUBLE,
        )
        chain(deliver, ingest, silver, gate, curate, serve, report)
    return dag


for _sector in places.schedules().sectors:
    globals()[f"sector_{_sector.name}"] = sector_dag(_sector)
