"""What all tests share: one Spark session a process of the run, and a lake of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.spark.session import open_session

HOME = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # A thousand tests and more in one session: with less it ends in collecting garbage.
    os.environ.setdefault("ONESOURCE_DRIVER_MEMORY", "4g")
    settings = Settings.from_environment(
        {
            "ONESOURCE_HOME": str(HOME),
            "ONESOURCE_LAKE": str(tmp_path_factory.mktemp("session-lake")),
            "ONESOURCE_SPARK": "local[2]",
        }
    )
    session = open_session(settings, "onesource-tests")
    yield session
    session.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh, empty lake, with the project's own contracts."""
    return Settings.from_environment(
        {
            "ONESOURCE_HOME": str(HOME),
            "ONESOURCE_LAKE": str(tmp_path / "lake"),
            "ONESOURCE_KEYS": str(tmp_path / "keys"),
            "ONESOURCE_SPARK": "local[2]",
        }
    )
