"""Silver's columns follow the contract when it is built anew."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from onesource.clean import silver
from onesource.contracts.load import load_contract
from onesource.contracts.model import Kind
from onesource.lake import delta
from tests.unit.small_project import SmallProject


def test_a_renamed_field_is_a_renamed_column(spark: SparkSession, tmp_path: Path) -> None:
    project = SmallProject(tmp_path / "project")
    table = tmp_path / "silver" / "coal"
    before = load_contract(project.feed, Kind.FEED)
    silver.prepare(spark, table, before)
    project.change(project.feed, "name: gas\n", "name: gas_level\n")
    after = load_contract(project.feed, Kind.FEED)
    silver.prepare(spark, table, after)
    silver.empty(spark, table, after)
    assert set(delta.read(spark, table).columns) == set(silver.columns(after))
    assert delta.read(spark, table).count() == 0
