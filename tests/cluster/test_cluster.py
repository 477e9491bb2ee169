"""The same run on one machine, on a standalone cluster and behind Spark Connect (DESIGN §10).

Real processes on loopback: a master, two workers with one executor each, a Connect server, started
by the scripts that the containers run. All deliveries are simulated.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.lake.digest import content_digest
from onesource.lake.manifest import read_manifest
from onesource.simulate.energy import simulate_energy
from tests.cluster.small_cluster import HOME, SMALL, SmallCluster

ONESOURCE = Path(sys.executable).with_name("onesource")
LAST_DAY = "2024-02-01"
# Tables that read the registries, an identifier, and each kind of history.
WANTED = {
    "silver.energy_coal_daily",
    "silver.energy_coal_mine",
    "silver.base_division",
    "registry.mine",
    "registry.division",
    "curated.energy_coal_output_month",
    "curated.energy_renewable_month",
}


@dataclass(frozen=True)
class Ran:
    """What a run left: its exit code, its words, table → content digest."""

    code: int
    words: str
    digests: dict[str, str]


def environment(lake: Path, spark: str, secret: Path | None = None) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("ONESOURCE_", "SPARK_"))}
    known = {"ONESOURCE_SPARK_SECRET_FILE": str(secret)} if secret else {}
    return own | {
        **SMALL,
        **known,
        "ONESOURCE_HOME": str(HOME),
        "ONESOURCE_LAKE": str(lake),
        "ONESOURCE_KEYS": str(lake.parent / "keys"),
        "ONESOURCE_OPEN": str(lake.parent / "open"),
        "ONESOURCE_SPARK": spark,
    }


def onesource(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ONESOURCE, *words], env=env, capture_output=True, text=True, timeout=300, check=False
    )


def run_on(landed: Path, lake: Path, spark: str, secret: Path | None = None) -> Ran:
    """One run on a copy of the landed deliveries."""
    shutil.copytree(landed, lake)
    env = environment(lake, spark, secret)
    done = onesource(env, "run", "--through", "curated", "--date", LAST_DAY)
    settings = Settings.from_environment(env)
    tables = load_catalogue(settings.schemas).tables
    digests = {
        table: content_digest(settings, tables[table], entry.version)
        for table, entry in read_manifest(settings).tables.items()
    }
    return Ran(done.returncode, done.stdout + done.stderr, digests)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two nights of simulated reports and one state of the divisions, not yet read."""
    folder = tmp_path_factory.mktemp("landed")
    simulate_energy(
        load_catalogue(HOME / "schemas"),
        folder / "in",
        nights=2,
        seed=2017,
        faults="real",
        start=date(2024, 1, 31),
    )
    division = max((HOME / "schemas" / "samples" / "base" / "division").glob("*.csv"))
    done = onesource(
        environment(folder / "lake", "local[2]"), "deliver", str(division), str(folder / "in")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "lake"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCluster]:
    """A master and two workers that know one secret."""
    folder = tmp_path_factory.mktemp("cluster")
    secret = folder / "secret"
    secret.write_text(secrets.token_urlsafe(32))
    secret.chmod(0o600)
    made = SmallCluster(folder, secret)
    try:
        made.start("master")
        made.wait("master")
        for i in (0, 1):
            made.start("worker", i)
        for i in (0, 1):
            made.wait("worker", i)
        yield made
    finally:
        made.end()
        assert made.alive() == []


@pytest.fixture(scope="module")
def local(landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_on(landed, tmp_path_factory.mktemp("local") / "lake", "local[2]")


def executors(cluster: SmallCluster, worker: int) -> list[Path]:
    """What the worker's executors said, one file each."""
    return sorted((cluster.work / str(worker) / "worker" / "executors").glob("app-*/*/stderr"))


def test_one_machine_serves_the_tables_that_are_compared(local: Ran) -> None:
    assert local.code in (0, 3), local.words
    assert set(local.digests) >= WANTED


def test_a_standalone_cluster_makes_the_same_tables(
    landed: Path, cluster: SmallCluster, local: Ran, tmp_path: Path
) -> None:
    ran = run_on(landed, tmp_path / "lake", cluster.master, cluster.secret)
    assert ran.code == local.code, ran.words
    assert ran.digests == local.digests
    assert [len(executors(cluster, i)) for i in (0, 1)] == [1, 1], "both workers took part"


def test_a_connect_server_makes_the_same_tables_and_refuses_who_does_not_know_the_secret(
    landed: Path, cluster: SmallCluster, local: Ran, tmp_path: Path
) -> None:
    cluster.start("connect")
    cluster.wait("connect")
    other = tmp_path / "other"
    other.write_text("x" * 40)
    refused = run_on(landed, tmp_path / "refused" / "lake", cluster.remote, other)
    assert refused.code == 1
    assert "it does not know our secret" in refused.words
    assert refused.digests == {}
    ran = run_on(landed, tmp_path / "lake", cluster.remote, cluster.secret)
    assert ran.code == local.code, ran.words
    assert ran.digests == local.digests


def test_neither_command_lines_nor_logs_tell_the_secret(cluster: SmallCluster) -> None:
    secret = cluster.secret.read_text()
    alive = cluster.alive()
    assert len(alive) >= 3
    for pid in alive:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert secret.encode() not in words, words.split(b"\0")[:3]
    for path in cluster.work.rglob("*"):
        if path.is_file() and path != cluster.secret and path.suffix != ".properties":
            assert secret.encode() not in path.read_bytes(), path
    for path in cluster.work.rglob("*.properties"):
        assert path.name == "log4j2.properties" or path.stat().st_mode & 0o077 == 0, path


def test_executors_say_nothing_but_that_they_come_and_go(cluster: SmallCluster) -> None:
    """Spark's own messages quote the values that failed (P10)."""
    said = [p.read_text() for i in (0, 1) for p in executors(cluster, i)]
    assert said
    for text in said:
        told = [
            ln for ln in text.splitlines() if " INFO " in ln or " WARN " in ln or " ERROR " in ln
        ]
        assert [ln for ln in told if "WorkerWatcher" not in ln] == []
