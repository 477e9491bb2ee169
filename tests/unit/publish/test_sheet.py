"""What a spreadsheet cannot keep as a number is text, and nothing is rounded or dropped."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from onesource.errors import OneSourceError
from onesource.publish.files import sheet
from tests.browser.open_data import column, contract

KINDS = {
    "whole": ("integer", pa.int64()),
    "exact": ("number", pa.decimal128(30, 3)),
    "short": ("number", pa.decimal128(9, 4)),
    "day": ("date", pa.date32()),
    "open": ("boolean", pa.bool_()),
    "words": ("string", pa.string()),
}


def written(path: Path, **values: list[Any]) -> list[list[Any]]:
    """Rows of the sheet under its two headers."""
    made = contract("made_up", "虚构", "Made up", [column(n, n, KINDS[n][0]) for n in values])
    table = pa.table({n: pa.array(v, KINDS[n][1]) for n, v in values.items()})
    sheet.write(path, table, made)
    found = openpyxl.load_workbook(path).active
    assert found is not None
    return [[c.value for c in row] for row in found.iter_rows(min_row=3)]


def test_numbers_of_more_than_fifteen_digits_are_text(tmp_path: Path) -> None:
    rows = written(
        tmp_path / "a.xlsx",
        whole=[10**15 - 1, 10**15, -(10**16), None],
        exact=[Decimal("123456789012.345"), Decimal("1234567890123.456"), Decimal(0), None],
    )
    assert rows == [
        [10**15 - 1, 123456789012.345],
        ["1000000000000000", "1234567890123.456"],
        ["-10000000000000000", 0],
    ]


def test_a_decimal_is_the_nearest_number(tmp_path: Path) -> None:
    amounts = [Decimal(n) / 10_000 for n in (1, 3, 7, 1105431, 378123, 99999999, -5)]
    rows = written(tmp_path / "a.xlsx", short=amounts)
    assert [r[0] for r in rows] == [float(a) for a in amounts]


def test_days_before_march_1900_are_text(tmp_path: Path) -> None:
    days = [date(1899, 12, 31), date(1900, 2, 28), date(1900, 3, 1), date(2024, 2, 29), None]
    rows = written(tmp_path / "a.xlsx", day=days, whole=[1, 2, 3, 4, 5])
    assert [r[0] for r in rows] == [
        "1899-12-31",
        "1900-02-28",
        datetime(1900, 3, 1),
        datetime(2024, 2, 29),
        None,
    ]


def test_no_cell_begins_a_formula_and_none_is_cut(tmp_path: Path) -> None:
    words = ["=1+1", "+86", "-", "@a", "\tx", "普通", "", None]
    rows = written(tmp_path / "a.xlsx", words=words, open=[True, False] * 4)
    assert [r[0] for r in rows[:6]] == ["'=1+1", "'+86", "'-", "'@a", "'\tx", "普通"]
    assert [r[1] for r in rows[:2]] == [True, False]
    with pytest.raises(OneSourceError, match="32768 characters does not fit"):
        written(tmp_path / "b.xlsx", words=["长" * 32_768])
