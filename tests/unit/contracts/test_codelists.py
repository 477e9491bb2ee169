"""Code lists: one meaning of a code on any day."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.contracts.codelists import check_codelist
from onesource.contracts.findings import Weight
from onesource.contracts.load import load_codelist


def found(tmp_path: Path, *rows: str, remark: str = "# list") -> list[tuple[Weight, str]]:
    path = tmp_path / "list.csv"
    path.write_text("\n".join([remark, "code,name,valid_from,valid_to", *rows, ""]))
    return [(f.weight, f.what) for f in check_codelist(load_codelist(path))]


@pytest.mark.parametrize(
    "rows",
    [
        ("b,B,,", "a,A,,"),
        ("a,A,2000-01-01,2005-01-01", "a,A2,2005-01-01,"),
        ("a,A,,2005-01-01", "a,A2,2005-01-01,"),
        ("a,A,2005-01-01,2005-01-01",),
    ],
)
def test_a_right_list_is_right(tmp_path: Path, rows: tuple[str, ...]) -> None:
    assert found(tmp_path, *rows) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("a,A,,", "a,B,,"), "two meanings"),
        (("a,A,2000-01-01,2006-01-01", "a,A2,2005-01-01,"), "two meanings"),
        (("a,A,2005-01-01,", "a,A0,,2005-01-01"), "order"),
        (("a,A,2005-01-01,2004-01-01",), "before it begins"),
        (("a,A,2005-1-1,",), "no date"),
        (("a ,A,,",), "spaces"),
        (("a,,,",), "no name"),
        ((), "empty"),
    ],
)
def test_a_wrong_list_is_an_error(tmp_path: Path, rows: tuple[str, ...], words: str) -> None:
    assert any(weight is Weight.ERROR and words in what for weight, what in found(tmp_path, *rows))


def test_overlaps_that_the_list_explains_are_only_counted(tmp_path: Path) -> None:
    remark = "# list\n# overlaps: known by the year only"
    ((weight, what),) = found(tmp_path, "a,A,,", "a,B,,", remark=remark)
    assert weight is Weight.NOTE
    assert "known by the year only" in what
