"""Upkeep: small files put together, old ones cleared, and every served version still readable."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from onesource.config import now
from onesource.lake import delta, ops
from onesource.lake.manifest import read_manifest, served_runs
from onesource.lake.paths import table_path
from onesource.lake.reader import open_version
from onesource.run import maintain as upkeep
from onesource.run.maintain import maintain
from tests.integration.small_city import SmallCity, feed, field, key, make_city

pytestmark = pytest.mark.usefixtures("spark")

THING = feed(
    "base.thing",
    [key("id"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
    correction="replace",
    retention_days=30,
)


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    made = make_city(tmp_path, THING)
    for day in range(1, 4):
        made.deliver(f"thing_2024010{day}.csv", f"id,size\n1,{day}\n")
        made.run()
    return made


def quiet(_: str) -> None:
    """Upkeep's lines are not wanted here."""


def age(path: Path, hours: list[int]) -> None:
    """Makes the commits of a table so many hours old, the oldest first, and all its files."""
    commits = sorted((path / "_delta_log").glob("*.json"))
    for commit, ago in zip(commits, [hours[0]] * (len(commits) - len(hours)) + hours, strict=True):
        at = int((now() - timedelta(hours=ago)).timestamp() * 1000)
        lines = [json.loads(line) for line in commit.read_text("utf-8").splitlines()]
        for action in lines:
            for kind, name in (
                ("commitInfo", "timestamp"),
                ("add", "modificationTime"),
                ("remove", "deletionTimestamp"),
            ):
                if kind in action:
                    action[kind][name] = at
        commit.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
        (commit.parent / f".{commit.name}.crc").unlink(missing_ok=True)
        (commit.parent / f"{commit.stem}.crc").unlink(missing_ok=True)
    for file in path.rglob("*.parquet"):
        os.utime(file, ((now() - timedelta(hours=hours[0])).timestamp(),) * 2)


def test_files_that_no_kept_version_reads_go_and_every_other_version_can_be_read(
    city: SmallCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_MANY_FILES", 0)
    # Elsewhere, for Delta remembers the tables that its process wrote.
    shutil.copytree(city.settings.lake, tmp_path / "aged")
    city = make_city(tmp_path, lake="aged")
    contract = city.contract("silver.base_thing")
    path = table_path(city.settings, contract)
    runs = served_runs(city.settings)
    age(path, [3000, 2500, 2000])
    for run in runs[:2]:  # past their time
        manifest = city.settings.lake / "served" / f"{run}.json"
        said = json.loads(manifest.read_text("utf-8"))
        said["at"] = (now() - timedelta(days=730)).isoformat()
        manifest.write_text(json.dumps(said), "utf-8")
    versions = [
        read_manifest(city.settings, run).tables["silver.base_thing"].version for run in runs
    ]
    before = set(path.rglob("*.parquet"))
    maintain(city.settings, say=print)
    assert before - set(path.rglob("*.parquet")), "files of the first version went"
    for version, size in ((versions[1], 2), (versions[2], 3)):
        rows = open_version("silver.base_thing", path, version).data.to_table().to_pylist()
        assert [r["size"] for r in rows if r["_state"] is None] == [size]
    events = len(list(ops.rows(city.settings, "steps")))
    assert city.run().served == ()
    assert len(list(ops.rows(city.settings, "steps"))) == events, "no version was restored"
    city.deliver("thing_20240104.csv", "id,size\n1,4\n")
    assert city.run().exit_code == 0
    assert city.rows("silver.base_thing")[0]["size"] == 4


def test_manifests_past_their_time_go_and_the_newest_stays(
    city: SmallCity,
) -> None:
    runs = served_runs(city.settings)
    for run in runs:  # as if they had been served two years ago
        path = city.settings.lake / "served" / f"{run}.json"
        manifest = json.loads(path.read_text("utf-8"))
        manifest["at"] = (now() - timedelta(days=730)).isoformat()
        path.write_text(json.dumps(manifest), "utf-8")
    maintain(city.settings, say=quiet)
    assert served_runs(city.settings) == runs[-1:]
    assert city.rows("silver.base_thing")[0]["size"] == 3


def test_bytes_past_their_retention_go_once_they_were_processed(city: SmallCity) -> None:
    root = city.settings.root("landing") / "base" / "thing"
    for record in root.glob("*/delivery.json"):
        said = json.loads(record.read_text("utf-8"))
        said["received_at"] = (now() - timedelta(days=40)).isoformat()
        record.write_text(json.dumps(said), "utf-8")
    from onesource.ingest import landing

    landing.read_record.cache_clear()
    maintain(city.settings, say=quiet)
    assert list(root.glob("*/payload.csv")) == []
    assert len(list(root.glob("*/delivery.json"))) == 3
    assert city.run().exit_code == 0
    assert city.rows("silver.base_thing")[0]["size"] == 3


def test_a_table_that_a_run_left_half_way_is_left_to_the_next_run(city: SmallCity) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    assert spark is not None
    contract = city.contract("silver.base_thing")
    path = table_path(city.settings, contract)
    delta.write(delta.read(spark, path).limit(1), path, mode="append")
    said: list[str] = []
    maintain(city.settings, say=said.append)
    assert any("silver.base_thing: a run ended inside its step" in line for line in said)


def test_a_full_disk_and_a_clock_behind_are_said(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(upkeep, "now", lambda: now() - timedelta(days=1))
    found = [p.what_en for p in upkeep._checks(city.settings)]
    assert any("GB are free" in f for f in found)
    assert any("clock is behind" in f for f in found)
