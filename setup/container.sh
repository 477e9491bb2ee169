#!/bin/sh
# What a container starts: `onesource …`, `cluster master|worker|connect`, or
# `airflow init|api-server|scheduler|dag-processor|triggerer`. The program takes this one's place, so
# that it gets the signals.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${1-} in
  onesource)
    shift
    exec "$root/.venv/bin/onesource" "$@"
    ;;
  cluster)
    shift
    exec "$root/.venv/bin/python" "$root/setup/spark_cluster.py" "$@"
    ;;
  airflow)
    shift
    exec "$root/.venv-airflow/bin/python" "$root/setup/airflow_service.py" "$@"
    ;;
  *)
    echo "onesource: say what to start: onesource …, cluster …, airflow …" >&2
    exit 2
    ;;
esac
