"""Runs in Airflow's environment: runs DAGs one after another in this process, on a real lake.

Each DAG is named by its id, or by `id@date` for the date that a person gives. Writes down, for each
run, the state of every task, what was said of held tables, and the events.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models import TaskInstance
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils import db
from airflow.utils.session import create_session
from sqlalchemy import select


def main(answer: str, folder: str, *names: str) -> None:
    db.initdb()
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(folder)
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, "dags-folder", None)
    found = [run(bag, name) for name in names]
    told = {"dags": sorted(bag.dags), "runs": found}
    Path(answer).write_text(json.dumps(told, default=str))


def run(bag: DagBag, name: str) -> dict[str, object]:
    dag_id, _, date = name.partition("@")
    began = time.monotonic()
    done = bag.dags[dag_id].test(run_conf={"date": date} if date else None)
    with create_session() as session:
        of_run = TaskInstance.run_id == done.run_id
        tasks = session.execute(
            select(TaskInstance.task_id, TaskInstance.state).where(of_run)
        ).all()
        reasons = session.execute(
            select(XComModel.task_id, XComModel.value).where(
                XComModel.run_id == done.run_id, XComModel.key == "reason"
            )
        ).all()
        events = session.scalars(
            select(AssetEvent).where(AssetEvent.source_run_id == done.run_id)
        ).all()
        return {
            "dag": dag_id,
            "seconds": round(time.monotonic() - began, 1),
            "state": str(done.state),
            "tasks": {t: str(s) for t, s in tasks},
            "reasons": {t: str(v) for t, v in reasons},
            "events": {e.asset.name: e.extra for e in events},
        }


if __name__ == "__main__":
    main(*sys.argv[1:])
