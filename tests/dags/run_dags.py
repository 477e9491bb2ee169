"""Runs in Airflow's environment: runs DAGs one after another in this process, on a real lake.

Writes down, for each run, the state of every task, what was said of held tables, and the events.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models import TaskInstance
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils import db
from airflow.utils.session import create_session
from sqlalchemy import select


def main(answer: str, folder: str, *dag_ids: str) -> None:
    db.initdb()
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(folder)
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, "dags-folder", None)
    found = [run(bag, dag_id) for dag_id in dag_ids]
    Path(answer).write_text(json.dumps(found, default=str))


def run(bag: DagBag, dag_id: str) -> dict[str, object]:
    done = bag.dags[dag_id].test()
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
            "state": str(done.state),
            "tasks": {t: str(s) for t, s in tasks},
            "reasons": {t: str(v) for t, v in reasons},
            "events": {e.asset.name: e.extra for e in events},
        }


if __name__ == "__main__":
    main(*sys.argv[1:])
