"""Parquet: every type as text, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import inspect, read

MakeFeed = Callable[..., Contract]


def written(tmp_path: Path, table: dict[str, Any]) -> Path:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table(table), path, row_group_size=2)
    return path


def rows(path: Path, feed: Contract, *names: str) -> list[tuple[Any, ...]]:
    return [
        tuple(r[n] for n in names)
        for batch in read(path, feed, path.name, batch_rows=2)
        for r in batch.to_pylist()
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([5], pa.int64()), "5"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([1234.5], pa.float64()), "1234.5"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([5.0], pa.float64()), "5"),
        (pa.array([1e-7], pa.float64()), "0.0000001"),
        (pa.array([Decimal("1.50")], pa.decimal128(10, 2)), "1.50"),
        (pa.array([True]), "true"),
        (pa.array([date(2017, 7, 15)]), "2017-07-15"),
        (pa.array([datetime(2017, 7, 15, 8, 30)]), "2017-07-15 08:30:00"),
        (pa.array([datetime(2017, 7, 15, tzinfo=UTC)]), "2017-07-15 00:00:00+00:00"),
        (pa.array(["甲"]), "甲"),
        (pa.array(["甲"]).dictionary_encode(), "甲"),
        (pa.array([b"ab"]), "ab"),
        (pa.array([b"\xff"]), "ff"),
        (pa.array([[1, 2]]), "[1,2]"),
        (pa.array([{"a": "甲", "b": None}]), '{"a":"甲","b":null}'),
        (pa.array([None], pa.int32()), None),
        (pa.nulls(1), None),
    ],
)
def test_every_type_has_a_text(
    make_feed: MakeFeed, tmp_path: Path, column: Any, text: str | None
) -> None:
    path = written(tmp_path, {"编号": ["1"], "值": column})
    assert rows(path, make_feed({"id": "编号*", "v": "值"}, format="parquet"), "v") == [(text,)]


def test_rows_are_numbered_through_all_row_groups(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = written(tmp_path, {"id": [1, 2, 3], "x": ["a", None, "c"]})
    feed = make_feed({"id": "编号*", "v": "值"}, format="parquet")
    assert rows(path, feed, "_line", "id", "_extra") == [
        (1, "1", [("x", "a")]),
        (2, "2", None),
        (3, "3", [("x", "c")]),
    ]
    found = inspect(path, feed, path.name)
    assert (found.rows, found.unknown, found.missing) == (3, ("x",), ("v",))


def test_what_is_no_whole_parquet_file_is_refused(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed({"id": "编号*"}, format="parquet")
    good = written(tmp_path, {"id": [1]}).read_bytes()
    for data, reason in (
        (good[:-20], "TRUNCATED"),
        (good[:8], "TRUNCATED"),
        (b"id\n1\n", "FORMAT"),
        (b"", "FORMAT"),
        (b"PARE" + good[4:], "ENCRYPTED"),
        (good[:4] + b"\xff" * (len(good) - 12) + good[-8:], "FORMAT"),
    ):
        path = tmp_path / "bad.parquet"
        path.write_bytes(data)
        with pytest.raises(DeliveryRefused) as e:
            inspect(path, feed, path.name)
        assert e.value.reason == reason


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"v": [1]}, "HEADER"),
        ({"id": [1], "编号": [2]}, "HEADER"),
        ({"id": pa.array([], pa.int64())}, "EMPTY"),
        ({"id": ["x" * ((1 << 20) + 1)]}, "CELL"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    make_feed: MakeFeed, tmp_path: Path, table: dict[str, Any], reason: str
) -> None:
    path = written(tmp_path, table)
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, make_feed({"id": "编号*"}, format="parquet"), path.name)
    assert e.value.reason == reason


def test_times_that_python_cannot_hold_keep_every_digit(
    tmp_path: Path, make_feed: MakeFeed
) -> None:
    path = written(
        tmp_path,
        {
            "id": pa.array([1, 2]),
            "far": pa.array([400_000_000_000, None], pa.timestamp("s")),
            "fine": pa.array([1_000_000_001, 1_000], pa.timestamp("ns")),
            "day": pa.array([4_000_000, 0], pa.date32()),
        },
    )
    feed = make_feed({"id": "id*", "far": "far", "fine": "fine", "day": "day"}, format="parquet")
    (far, fine, day), (no_far, plain, first) = rows(path, feed, "far", "fine", "day")
    assert far.startswith("14645-")
    assert fine == "1970-01-01 00:00:01.000000001"
    assert day.startswith("12921-")
    assert (no_far, plain, first) == (None, "1970-01-01 00:00:00.000001", "1970-01-01")


def test_text_that_is_no_utf_8_refuses_the_file(tmp_path: Path, make_feed: MakeFeed) -> None:
    ends = pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0")
    text = pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"\xffa")])
    path = written(tmp_path, {"id": text})
    with pytest.raises(DeliveryRefused, match="damaged Parquet"):
        inspect(path, make_feed({"id": "id*"}, format="parquet"), path.name)
