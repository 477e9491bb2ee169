"""When a table may be built on from its last version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.lake.paths import told_path
from onesource.run import before, ledger
from onesource.run.ledger import TableState

SILVER, SOURCE = "silver.base_a", "registry.a_source"


def step(version: int, silver: int, patched: int | None = None, **more: Any) -> dict[str, Any]:
    return {"table": SOURCE, "verdict": "passed", "version": version, "head": version, "rows": 1,
            "definition": "d", "inputs": {SILVER: silver}, "patched": patched, **more}  # fmt: skip


def folded(*events: Mapping[str, Any]) -> TableState:
    state = TableState()
    for event in events:
        ledger._fold(state, event)
    return state


@pytest.fixture
def ctx(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run in which the source was made of silver 0, and patched when it was 2."""
    settings = Settings(home=tmp_path, lake=tmp_path / "lake", keys=tmp_path)
    state = folded(step(0, 0), step(1, 2, patched=0))
    monkeypatch.setattr(ledger, "state", lambda *_: state)
    rows = spark.createDataFrame([("x",)], "id string")
    rows.write.parquet(str(told_path(settings, SOURCE, 1)))
    graph = SimpleNamespace(all_inputs=lambda table: (SILVER,) if table == SOURCE else ())
    return SimpleNamespace(settings=settings, spark=spark, graph=graph)


def told(ctx: Any, silver: tuple[int, int], source: tuple[int, int] = (0, 1)) -> Any:
    then, now = ({SILVER: s, SOURCE: t} for s, t in zip(silver, source, strict=True))
    return before._told(ctx, SOURCE, then, now)


def test_what_a_patch_touched_is_told(ctx: Any) -> None:
    assert [r.id for r in told(ctx, silver=(0, 2)).collect()] == ["x"]


def test_nothing_is_known_where_silver_was_read_that_the_source_had_not_seen(ctx: Any) -> None:
    assert told(ctx, silver=(1, 2)) is None, "the source was held when the table was built last"
    assert told(ctx, silver=(0, 3)) is None, "the source is held now"


def test_what_the_source_does_not_read_is_no_matter(ctx: Any) -> None:
    found = before._told(ctx, SOURCE, {"silver.other": 5, SOURCE: 0}, {SOURCE: 1})
    assert found is not None


def test_a_version_of_another_definition_is_not_built_on(ctx: Any) -> None:
    held = {"table": SOURCE, "verdict": "held", "version": 0, "head": 0, "definition": "new"}
    state = folded(step(0, 0), held)
    assert (state.definition, state.made_under) == ("new", "d")
    assert before.before_of(ctx, SOURCE, state, {SILVER: 0}, 0) is None
