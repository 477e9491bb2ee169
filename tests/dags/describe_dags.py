"""Runs in Airflow's environment: loads every DAG and writes down what it is."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset

HEAVY = ("pyspark", "pyarrow", "great_expectations", "duckdb", "sqlglot", "deltalake")


def assets_of(dag: DAG) -> list[str]:
    """The names of the assets that start a DAG."""
    condition = getattr(dag.timetable, "asset_condition", None)
    return sorted(a.name for a in getattr(condition, "objects", ()))


def main(answer: str, folder: str) -> None:
    before = time.process_time()
    bag = DagBag(folder)
    cpu = time.process_time() - before
    dags = {
        d.dag_id: {
            "tags": sorted(d.tags),
            "doc": d.doc_md,
            "max_active_runs": d.max_active_runs,
            "catchup": d.catchup,
            "paused": d.is_paused_upon_creation,
            "assets": assets_of(d),
            "tasks": {
                t.task_id: {
                    "pool": t.pool,
                    "owner": t.owner,
                    "retries": t.retries,
                    "retry_minutes": t.retry_delay.total_seconds() / 60,
                    "backoff": bool(t.retry_exponential_backoff),
                    "timeout": t.execution_timeout.total_seconds() if t.execution_timeout else None,
                    "arguments": getattr(t, "arguments", []),
                    "outlets": [o.name for o in t.outlets if isinstance(o, Asset)],
                    "before": sorted(t.upstream_task_ids),
                }
                for t in d.tasks
            },
        }
        for d in bag.dags.values()
    }
    found = {
        "errors": dict(bag.import_errors),
        "dags": dags,
        "heavy": [m for m in HEAVY if m in sys.modules],
        "cpu_seconds": cpu,
        "seconds": sum(s.duration.total_seconds() for s in bag.dagbag_stats),
    }
    Path(answer).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
