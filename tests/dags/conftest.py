"""Lets tests import the parts of `dags/lib` that do without Airflow."""

from __future__ import annotations

import sys

from tests.dags.airflow_env import PROJECT

sys.path.insert(0, str(PROJECT / "dags" / "lib"))
