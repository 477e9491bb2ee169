"""After a process is killed at any moment, the same command ends as an undisturbed run (P9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onesource.lake.manifest import read_manifest
from tests.integration.small_city import SmallCity, feed, field, key, make_city

pytestmark = pytest.mark.usefixtures("spark")

CONTRACT = feed(
    "base.thing",
    [key("id"), field("name"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
    max_quarantine_share=0.9,
)
FILES = {
    "thing_20240101.csv": "id,name,size\n1,a,1\n2,b,2\n,x,1\n",
    "thing_20240102.csv": "id,name,size\n2,bb,3\n3,c,x\n",
}
# The process ends, as by kill -9, just before or after the n-th call of a function.
KILL = """
import os, sys
import onesource.{module} as m
from onesource.run.engine import run
from onesource.config import Settings
real, left = m.{function}, [{nth}]
def dying(*a, **k):
    left[0] -= 1
    if left[0] == 0 and {before}:
        os._exit(9)
    value = real(*a, **k)
    if left[0] == 0:
        os._exit(9)
    return value
m.{function} = dying
run(Settings.from_environment())
os._exit(0)
"""
MOMENTS = [
    ("lake.delta", "write", 1, False),  # bronze is written, the ledger does not know
    ("lake.delta", "write", 1, True),  # bronze is known; silver is created and empty
    ("lake.delta", "write", 2, False),  # silver or quarantine is written, the ledger does not know
    ("run.ledger", "record", 1, True),  # everything is done but the record of it
    ("run.engine", "serve", 1, True),  # recorded, not served
]


def _environment(city: SmallCity) -> dict[str, str]:
    s = city.settings
    return os.environ | {
        "ONESOURCE_HOME": str(s.home),
        "ONESOURCE_LAKE": str(s.lake),
        "ONESOURCE_CACHE": str(s.cache),
        "ONESOURCE_SPARK": "local[2]",
    }


def _killed_run(city: SmallCity, module: str, function: str, nth: int, before: bool) -> int:
    script = KILL.format(module=module, function=function, nth=nth, before=before)
    done = subprocess.run(
        [sys.executable, "-c", script], env=_environment(city), capture_output=True, check=False
    )
    return done.returncode


def test_a_run_killed_at_any_moment_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    calm, rough = make_city(tmp_path / "calm", CONTRACT), make_city(tmp_path / "rough", CONTRACT)
    for city in (calm, rough):
        for name, text in FILES.items():
            city.deliver(name, text)
    calm.run()
    killed = [_killed_run(rough, *moment) for moment in MOMENTS]
    assert killed == [9] * len(MOMENTS), "every moment was reached"
    assert "silver.base_thing" not in read_manifest(rough.settings).tables, "nothing half is served"
    rough.run()
    assert rough.digest("silver.base_thing") == calm.digest("silver.base_thing")
    assert rough.rows("silver.base_thing") == calm.rows("silver.base_thing")
    assert rough.run().served == ()


def test_a_line_of_the_ledger_that_a_crash_cut_off_never_happened(tmp_path: Path) -> None:
    city = make_city(tmp_path, CONTRACT)
    for name, text in FILES.items():
        city.deliver(name, text)
    city.run()
    before = city.digest("silver.base_thing")
    ledger = sorted((city.settings.root("ops") / "steps").glob("*.jsonl"))[-1]
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert city.run().exit_code == 0
    assert city.digest("silver.base_thing") == before
