"""The standardiser `division` on the eight snapshots that ship: examples and counterexamples."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from onesource.clean.geography.index import DivisionIndex
from onesource.clean.standardisers.division import resolve_batch, resolve_division, shipped_index
from onesource.errors import ContractError, UsageError

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@pytest.fixture(scope="module")
def index() -> DivisionIndex:
    return shipped_index(SCHEMAS)


# raw, date, parent, level → value, verdict
GOOD = [
    ("141124109000", None, None, None, "141124109000"),
    ("141124", None, None, None, "141124000000"),
    ("141124109", None, None, None, "141124109000"),
    ("１４１１２４", None, None, None, "141124000000"),
    (" 141124 ", None, None, None, "141124000000"),
    ("'141124", None, None, None, "141124000000"),
    ("141124.0", None, None, None, "141124000000"),
    ("141,124,109,000", None, None, None, "141124109000"),
    # A town that was merged: by date, under both names and codes.
    ("前山乡", "2019-01-01", None, None, "141126202000"),
    ("前山乡", None, None, None, "141126104000"),
    ("141126202000", "2020-06-29", None, None, "141126202000"),
    ("141126202000", "2020-06-30", None, None, "141126104000"),
    ("辛关镇", "2019-01-01", None, None, "141126202000"),
    ("岭底乡", None, "交城县", None, "141122100000"),
    ("洪相镇", "2018-01-01", "交城县", None, "141122200000"),
    # Former codes and names.
    ("142325", None, None, None, "141123000000"),
    ("142325", "2001-06-30", None, None, "141123000000"),
    ("142331", None, None, None, "141102000000"),
    ("吕梁地区", None, None, None, "141100000000"),
    ("离石市", None, None, None, "141102000000"),
    ("离石县", None, None, None, "141102000000"),
    # Names.
    ("兴　县", None, None, None, "141123000000"),
    ("临 县", None, None, None, "141124000000"),
    ("交口", None, None, "county", "141130000000"),
    ("交口街道", None, None, None, "141102006000"),
    ("滨河街道办事处", None, None, None, "141102001000"),
    ("碛口", None, "临县", "town", "141124109000"),
    ("西河镇", None, "汾阳市", None, "141182003000"),
    ("兑镇", None, None, None, "141181100000"),
    # Full names.
    ("山西省吕梁市临县碛口镇", None, None, None, "141124109000"),
    ("山西吕梁临县碛口镇西湾村", None, None, None, "141124109207"),
    ("离石区交口街道", None, None, None, "141102006000"),
    ("离石区滨河街道东关社区", None, None, None, "141102001001"),
    ("山西省吕梁市兑镇偏店村", None, None, "county", "141181000000"),
    ("山西省吕梁市柳林县王家沟乡刘家湾村", None, None, "county", "141125000000"),
    ("吕梁市/临县/碛口镇", None, None, None, "141124109000"),
    ("临县-碛口镇-西湾村", None, None, None, "141124109207"),
    ("滨河街道办", None, "离石区", None, "141102001000"),
    # A re-used code: the name decides, by date.
    ("城中社区居委会", "2019-01-01", "离石区", None, "141102001005"),
    ("城中社区居委会", None, "离石区", None, "141102001003"),
    # A village that is gone still tells its town.
    ("141126202205", None, None, "town", "141126104000"),
    # Elsewhere.
    ("110105", None, None, None, "110105000000"),
    ("北京市朝阳区", None, None, None, "110105000000"),
    ("142401", "1990-01-01", None, None, "142401000000"),
]
BAD = [
    ("", None, None, None, "EMPTY"),
    ("—", None, None, None, "EMPTY"),
    ("——", None, None, None, "EMPTY"),
    ("不详", None, None, None, "EMPTY"),
    ("临\x00县", None, None, None, "FMT"),
    ("1" * 1000, None, None, None, "FMT"),
    ("1411", None, None, None, "FMT"),
    ("1411241", None, None, None, "FMT"),
    ("1.41124E+11", None, None, None, "FMT"),
    ("141101", None, None, None, "COLLECTOR"),
    ("141199", None, None, None, "UNKNOWN"),
    ("141124999000", None, None, None, "UNKNOWN"),
    ("合计", None, None, None, "UNKNOWN"),
    ("兴", None, None, None, "UNKNOWN"),
    ("碛口镇", None, "兴县", None, "UNKNOWN"),
    ("离石区交口县", None, None, None, "UNKNOWN"),
    ("山西省吕梁市柳林县王家沟乡刘家湾村", None, None, None, "UNKNOWN"),
    ("杜家沟村", None, "临县", None, "AMBIGUOUS"),
    ("柳林", None, None, None, "AMBIGUOUS"),
    ("朝阳区", None, None, None, "AMBIGUOUS"),
    ("碛口镇", None, "没有这个县", None, "PARENT_UNKNOWN"),
    ("临县", None, None, "town", "TOO_COARSE"),
    ("141126202205", None, None, None, "ABOLISHED"),
    ("142401", None, None, None, "ABOLISHED"),
    ("开发路社区居委会", "2017-01-01", "离石区", None, "UNKNOWN"),
]


@pytest.mark.parametrize(("raw", "day", "parent", "level", "code"), GOOD)
def test_what_resolves(
    index: DivisionIndex,
    raw: str,
    day: str | None,
    parent: str | None,
    level: str | None,
    code: str,
) -> None:
    on = date.fromisoformat(day) if day else None
    value, verdict, detail = resolve_division(raw, on, index, parent=parent, level=level)
    assert (value, verdict) == (code, "OK"), detail
    assert f"as_reported={raw}" in detail
    assert "confidence=" in detail


@pytest.mark.parametrize(("raw", "day", "parent", "level", "verdict"), BAD)
def test_what_does_not_resolve(
    index: DivisionIndex,
    raw: str,
    day: str | None,
    parent: str | None,
    level: str | None,
    verdict: str,
) -> None:
    on = date.fromisoformat(day) if day else None
    found = resolve_division(raw, on, index, parent=parent, level=level)
    assert found[:2] == (None, verdict), found


def test_a_merger_says_that_it_is_inferred(index: DivisionIndex) -> None:
    _, _, detail = resolve_division("前山乡", None, index)
    assert "method=merge (inferred)" in detail
    assert "name=辛关镇" in detail


def test_a_date_before_the_first_snapshot_is_said(index: DivisionIndex) -> None:
    _, verdict, detail = resolve_division("柳林县", date(2005, 1, 1), index)
    assert verdict == "OK"
    assert "day=before_first_snapshot" in detail


def test_an_abolished_village_names_the_town_in_which_it_lay(index: DivisionIndex) -> None:
    _, verdict, detail = resolve_division("141126202205", None, index)
    assert verdict == "ABOLISHED"
    assert "town=141126104000" in detail


def test_a_batch_answers_row_by_row(index: DivisionIndex) -> None:
    values, verdicts, details = resolve_batch(
        ["前山乡", "前山乡", None, "杜家沟村"],
        [date(2019, 1, 1), None, None, None],
        [None, None, None, "临县"],
        index,
    )
    assert values == ["141126202000", "141126104000", None, None]
    assert verdicts == ["OK", "OK", "EMPTY", "AMBIGUOUS"]
    assert len(details) == 4


def test_every_code_resolves_to_itself_on_every_day_on_which_it_holds(index: DivisionIndex) -> None:
    for versions in index.versions.values():
        for version in versions:
            if version.source == "register":
                value, verdict, _ = resolve_division(version.code, version.valid_from, index)
                assert (value, verdict) == (version.code, "OK")


def test_no_code_walks_to_one_that_does_not_hold_on_the_day(index: DivisionIndex) -> None:
    days = [date(2016, 7, 31), date(2019, 10, 31), date(2020, 6, 30), date(2023, 6, 30)]
    for code in index.versions:
        if index.versions[code][0].source != "register":
            continue
        for day in days:
            value, verdict, _ = resolve_division(code, day, index)
            assert (value is None) == (verdict != "OK")
            if value:
                assert index.on(value, day)


def test_an_unknown_level_is_refused(index: DivisionIndex) -> None:
    with pytest.raises(UsageError, match="level=shire"):
        resolve_division("临县", None, index, level="shire")


def test_a_folder_without_snapshots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no snapshot"):
        DivisionIndex.from_snapshots(tmp_path)
