"""What happens once a night for the whole lake: the open release, and maintenance; and, every hour,
whether departments kept their promises."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable
from onesource_airflow import places
from onesource_airflow.building import at, make_dag
from onesource_airflow.freshness import FreshnessOperator
from onesource_airflow.operators import DAY, LakeOperator

from onesource.contracts.schedule import (
    FRESHNESS_CRON,
    MAINTENANCE_CRON,
    TIME_ZONE,
)

_AGAIN = {
    "owner": "onesource",
    "retries": 3,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(hours=1),
    "execution_timeout": timedelta(hours=3),
}

if wanted := places.schedules().release:
    with make_dag(
        "open_release",
        name_zh="开放发布",
        schedule=at(wanted.crons),
        about="The open release of the night, from what is served. A dataset that is held is named "
        "by the red task `held` and in the release's own CHANGES; the rest is published.",
        tags={"release", "tier 1"},
    ):
        LakeOperator.with_held(
            task_id="release",
            task_display_name="release 发布",
            arguments=["release", "--date", DAY],
            pool="write_open",
            **_AGAIN
            | {
                "retries": wanted.retries,
                "retry_delay": wanted.retry_delay,
                "execution_timeout": wanted.timeout,
            },
        )

with make_dag(
    "maintenance",
    name_zh="维护",
    schedule=at([MAINTENANCE_CRON]),
    about="Small files put together, files cleared that no kept version reads, landing's "
    "retention, disks and clock. What a person must look at is named by the red task `held`.",
    tags={"maintenance", "tier 2"},
):
    LakeOperator.with_held(
        task_id="maintain",
        task_display_name="maintain 维护",
        arguments=["maintain"],
        pool="write_lake",
        **_AGAIN,
    )

with make_dag(
    "freshness",
    name_zh="时效",
    schedule=CronDataIntervalTimetable(FRESHNESS_CRON, timezone=TIME_ZONE),
    about="Feeds whose promised delivery is overdue, and reports that are missing 漏报: told of "
    "when the deadline passes and once a day after, at the places that ONESOURCE_ALERTS names.",
    tags={"freshness", "tier 2"},
):
    FreshnessOperator(
        task_id="freshness",
        task_display_name="freshness 时效",
        owner="onesource",
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=30),
    )
