"""`onesource quality show`: every rule, and what it found last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from onesource.cli.quality import show_quality
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.lake import ops
from onesource.quality.suite import check_all


def result(run: str, at: str, success: bool, unexpected: int) -> dict[str, object]:
    return {
        "run": run,
        "at": at,
        "table": "silver.energy_coal_daily",
        "phase": "batch",
        "rule": "rejected_share",
        "success": success,
        "evaluated": 100,
        "unexpected": unexpected,
        "detail": "",
    }


def test_the_suite_is_shown_whole_with_the_newest_result(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ops.append(settings, "quality_results", "r2", [result("r2", "2024-05-02T00:00", False, 40)])
    ops.append(settings, "quality_results", "r1", [result("r1", "2024-05-01T00:00", True, 0)])
    assert show_quality(settings, "energy.coal_daily") == 0
    shown = capsys.readouterr().out
    rules = check_all(settings.expectations, load_catalogue(settings.schemas, odcs=False))
    for rule in rules["silver.energy_coal_daily"]:
        assert rule.id[:20] in shown
    assert "failed 不符 40/100" in shown
    assert "last result: run r2, 2024-05-02T00:00" in shown


def test_a_table_that_was_never_judged_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show_quality(settings, "registry.division")
    assert "never judged 尚未检查" in capsys.readouterr().out


def test_an_unknown_table_is_a_usage_error(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"silver\.nothing is no table"):
        show_quality(replace(settings, lake=tmp_path), "silver.nothing")
