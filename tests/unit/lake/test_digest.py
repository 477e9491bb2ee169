"""The content digest: equal for equal content, whatever the files, the order and the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from onesource.errors import OneSourceError
from onesource.lake.digest import content_digest, table_digest
from tests.unit.conftest import SmallLake, coal_rows

ROWS: dict[str, Any] = {
    "k": ["b", "a", "ä", "中"],
    "n": pa.array([2, 1, None, 3], pa.int64()),
    "amount": pa.array(
        [Decimal("1.50"), Decimal("100"), None, Decimal("-0.01")], pa.decimal128(12, 2)
    ),
    "day": pa.array([date(2024, 1, 2), None, date(1999, 12, 31), date(2024, 1, 1)]),
    "at": pa.array(
        [datetime(2024, 1, 1, 0, 0, 0, 5, tzinfo=UTC)] * 4, pa.timestamp("us", tz="UTC")
    ),
    "x": pa.array([0.1, -0.0, 1e300, None], pa.float64()),
    "ok": [True, False, None, True],
    "text": ['quote " and \\ and \n', "", None, "龘"],
}


@pytest.fixture
def digest(tmp_path: Path) -> Callable[..., str]:
    made: list[Path] = []

    def write(*parts: pa.Table, key: tuple[str, ...] = ("k",), **how: Any) -> str:
        path = tmp_path / f"t{len(made)}"
        made.append(path)
        for part in parts:
            write_deltalake(path, part, mode="append", **how)
        return table_digest("silver.t", path, len(parts) - 1, key)

    return write


def test_the_digest_is_the_sha256_of_the_lines_that_the_module_describes(
    digest: Callable[..., str],
) -> None:
    table = pa.table(
        {
            "k": ["b", "a"],
            "v": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
            "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC")),
            "_line": [1, 2],
        }
    )
    lines = (
        '["at", "k", "v"]\n'
        '["2024-01-01T00:00:00.000000Z","a",null]\n'
        '["2024-01-01T00:00:00.000000Z","b","1.5"]\n'
    )
    assert digest(table) == f"sha256:{sha256(lines.encode()).hexdigest()}"


def test_order_of_rows_files_columns_and_partitions_change_nothing(
    digest: Callable[..., str],
) -> None:
    table = pa.table(ROWS)
    turned = table.take([3, 1, 0, 2])
    assert (
        digest(table)
        == digest(turned)
        == digest(table.slice(0, 1), table.slice(1))
        == digest(table.select(list(reversed(table.column_names))))
        == digest(table, partition_by=["k"])
    )


def test_a_wider_decimal_changes_nothing(digest: Callable[..., str]) -> None:
    table = pa.table(ROWS)
    wide = table.set_column(2, "amount", table["amount"].cast(pa.decimal128(20, 6)))
    assert digest(table) == digest(wide)


def test_technical_columns_and_hidden_rows_are_left_out(digest: Callable[..., str]) -> None:
    table = pa.table(ROWS)
    state = pa.array([None] * 4, pa.string())
    more = table.append_column("_line", pa.array([1, 2, 3, 4])).append_column("_state", state)
    ghost = more.slice(0, 1).set_column(
        more.column_names.index("_state"), "_state", pa.array(["deleted"])
    )
    assert digest(table) == digest(more) == digest(more, ghost)


@pytest.mark.parametrize(
    "change",
    [
        {"text": ['quote " and \\ and \n', None, None, "龘"]},  # "" is not null
        {"n": pa.array([2, 1, 0, 3], pa.int64())},
        {"ok": [True, False, False, True]},
        {"amount": pa.array([Decimal("1.51"), Decimal("100"), None, Decimal("-0.01")])},
        {"k": ["b", "a", "a\u0308", "中"]},
        {"x": pa.array([0.1, 0.0, 1.0000000000000002e300, None])},
    ],
)
def test_every_other_value_changes_it(digest: Callable[..., str], change: dict[str, Any]) -> None:
    assert digest(pa.table(ROWS)) != digest(pa.table({**ROWS, **change}))


def test_minus_zero_is_zero(digest: Callable[..., str]) -> None:
    assert digest(pa.table(ROWS)) == digest(
        pa.table({**ROWS, "x": pa.array([0.1, 0.0, 1e300, None])})
    )


def test_another_column_name_or_one_row_twice_changes_it(digest: Callable[..., str]) -> None:
    table = pa.table(ROWS)
    renamed = table.rename_columns(["kk", *table.column_names[1:]])
    assert len({digest(table), digest(renamed, key=("kk",)), digest(table, table)}) == 3


def test_an_empty_table_has_a_digest(digest: Callable[..., str]) -> None:
    empty = pa.table(ROWS).slice(0, 0)
    assert digest(empty) == digest(empty, empty) != digest(pa.table(ROWS))


def test_a_version_is_digested_by_its_contract(small_lake: SmallLake) -> None:
    contract = small_lake.catalogue.tables["silver.energy_coal_day"]
    first = content_digest(small_lake.settings, contract, 0)
    assert first.startswith("sha256:") and len(first) == 71
    assert content_digest(small_lake.settings, contract, 1) != first
    same = coal_rows(("141127", "2024-06-01", None, None), ("141126", "2024-06-01", "1200.5", None))
    notes = pa.array([None, "产量,“估”\n第二行"], pa.string())
    same = same.set_column(same.column_names.index("note"), "note", notes)
    version = small_lake.put("silver.energy_coal_day", same, mode="overwrite")
    assert content_digest(small_lake.settings, contract, version) == first


def test_a_version_that_is_not_there_is_one_line(small_lake: SmallLake) -> None:
    contract = small_lake.catalogue.tables["silver.energy_coal_day"]
    with pytest.raises(OneSourceError, match=r"version 9 .* cannot be opened"):
        content_digest(small_lake.settings, contract, 9)
    assert not list(small_lake.settings.lake.rglob(".digest-*"))
