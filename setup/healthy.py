"""Is a service well? Exits with 0 if so, else with 1 and one line that says what is wrong.

    python setup/healthy.py SERVICE [HOST]

SERVICE: `master`, `worker` (alive, and the worker known to its master), `connect` (listens), or one
of Airflow's: `api-server`, `scheduler`, `dag-processor`, `triggerer`, as the API server reports
them. Needs no package: containers of every kind run it every few seconds. Ports as for
`setup/spark_cluster.py` and `setup/airflow_service.py`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

SPARK = {
    "master": ("ONESOURCE_MASTER_UI_PORT", "master_ui", 8090),
    "worker": ("ONESOURCE_WORKER_UI_PORT", "worker_ui", 8091),
    "connect": ("ONESOURCE_CONNECT_PORT", "connect_port", 15002),
}
# Service of Airflow → its name in the API server's report.
AIRFLOW = {
    "api-server": "metadatabase",
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}
_TIMEOUT_SECONDS = 5


def port_of(role: str, place: Mapping[str, Any]) -> int:
    return int(place[SPARK[role][1]])


def answers(role: str, host: str, port: int) -> bool:
    """Is this part of a Spark cluster ready for work?"""
    return trouble(role, host, port) is None


def trouble(role: str, host: str, port: int) -> str | None:
    """What is wrong with a part of a Spark cluster, or None."""
    try:
        if role == "connect":
            socket.create_connection((host, port), _TIMEOUT_SECONDS).close()
            return None
        state = _json(f"http://{host}:{port}/json/")
    except (OSError, ValueError) as e:
        return f"{role} on {host}:{port} does not answer ({type(e).__name__})"
    if role == "master":
        return None if state.get("status") == "ALIVE" else f"master is {state.get('status')}"
    return None if state.get("masterwebuiurl") else "worker is not known to its master"


def airflow_trouble(service: str, host: str, port: int) -> str | None:
    """What is wrong with a service of Airflow, or None."""
    try:
        report = _json(f"http://{host}:{port}/api/v2/monitor/health")
    except (OSError, ValueError) as e:
        return f"Airflow's API server on {host}:{port} does not answer ({type(e).__name__})"
    status = (report.get(AIRFLOW[service]) or {}).get("status")
    return None if status == "healthy" else f"{service} is {status}"


def _json(url: str) -> dict[str, Any]:
    # Never through a proxy: what is asked stands beside us.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_TIMEOUT_SECONDS) as answer:
        told = json.load(answer)
    return told if isinstance(told, dict) else {}


def main(arguments: list[str]) -> int:
    service = arguments[0] if arguments else ""
    if service not in SPARK | AIRFLOW or len(arguments) > 2:
        print(f"say which service: {', '.join(SPARK | AIRFLOW)} [HOST]", file=sys.stderr)
        return 2
    if service in SPARK:
        variable, _, usual = SPARK[service]
        host = arguments[1] if len(arguments) > 1 else os.environ.get("ONESOURCE_CLUSTER_HOST")
        found = trouble(service, host or "127.0.0.1", int(os.environ.get(variable) or usual))
    else:
        host = arguments[1] if len(arguments) > 1 else "127.0.0.1"
        found = airflow_trouble(
            service, host, int(os.environ.get("ONESOURCE_AIRFLOW_PORT") or 8080)
        )
    if found:
        print(found, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
