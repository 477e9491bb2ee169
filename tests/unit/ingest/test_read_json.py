"""JSON as gateways and systems give it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import inspect, read

MakeFeed = Callable[..., Contract]
FIELDS = {"id": "编号*", "v": "值"}
PAGED = {"records": "data.list", "status": "code", "total": "data.total"}


def rows(path: Path, feed: Contract, *names: str) -> list[tuple[Any, ...]]:
    chosen = names or ("_line", "id", "v")
    return [
        tuple(r[n] for n in chosen)
        for batch in read(path, feed, path.name)
        for r in batch.to_pylist()
    ]


def written(tmp_path: Path, text: str, codec: str = "utf-8") -> Path:
    path = tmp_path / "f.json"
    path.write_bytes(text.encode(codec))
    return path


def refused(path: Path, feed: Contract) -> DeliveryRefused:
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, feed, path.name)
    assert path.name in str(e.value)
    return e.value


def test_an_array_is_read_and_numbers_keep_their_text(make_feed: MakeFeed, tmp_path: Path) -> None:
    text = '[{"id": 1, "值": 0.10}, {"编号": 12345678901234567890, "v": 1e5},{"v":-0.0,"id":"3"}]'
    assert rows(written(tmp_path, text), make_feed(FIELDS, format="json")) == [
        (1, "1", "0.10"),
        (2, "12345678901234567890", "1e5"),
        (3, "3", "-0.0"),
    ]


def test_records_on_lines_keep_the_line(make_feed: MakeFeed, tmp_path: Path) -> None:
    text = '{"id":"1","v":true}\n\n{"id":"2","v":null}\n{"id":\n{"id":"3","v":[1, {"a":"甲"}]}'
    path = written(tmp_path, text)
    feed = make_feed(FIELDS, format="json")
    assert rows(path, feed) == [
        (1, "1", "true"),
        (3, "2", None),
        (4, None, None),
        (5, "3", '[1,{"a":"甲"}]'),
    ]
    assert [r[0] for r in rows(path, feed, "_raw")] == [None, None, '{"id":', None]
    assert inspect(path, feed, "f.json").malformed == 1


def test_one_record_over_several_lines_is_one_record(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"id": "1", "v": 2}, indent=2))
    assert rows(path, make_feed(FIELDS, format="json")) == [(1, "1", "2")]


def test_an_envelope_is_opened_and_its_count_checked(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, format="json", envelope=PAGED)
    text = '{"data":{"list":[{"id":1},{"id":2}],"total":2},"msg":"ok","code":"200"}'
    path = written(tmp_path, text)
    assert [r[1] for r in rows(path, feed)] == ["1", "2"]
    assert inspect(path, feed, "f.json").total == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"code":200,"data":{"total":3,"list":[{"id":1},{"id":2}]}}\n'
        '{"code":200,"data":{"total":3,"list":[{"id":3}]}}',
        '[{"code":"0","data":{"total":"3","list":[{"id":1},{"id":2}]}},'
        '{"code":"0","data":{"total":"3","list":[{"id":3}]}}]',
    ],
    ids=["one after another", "in an array"],
)
def test_the_pages_of_one_answer_are_one_delivery(
    make_feed: MakeFeed, tmp_path: Path, text: str
) -> None:
    feed = make_feed(FIELDS, format="json", envelope=PAGED)
    path = written(tmp_path, text)
    assert [r[:2] for r in rows(path, feed)] == [(1, "1"), (2, "2"), (3, "3")]
    assert inspect(path, feed, "f.json").total == 3


@pytest.mark.parametrize(("page", "records"), [(1, 2), (2, 2), (3, 1)])
def test_a_page_in_a_file_of_its_own_holds_what_that_page_should(
    make_feed: MakeFeed, tmp_path: Path, page: int, records: int
) -> None:
    listed = [{"id": n} for n in range(records)]
    data = {"total": 5, "pageNo": page, "pageSize": 2, "list": listed}
    path = written(tmp_path, json.dumps({"code": "200", "data": data}))
    feed = make_feed(FIELDS, format="json", envelope=PAGED)
    assert inspect(path, feed, "f.json").total == records
    said = {**PAGED, "page": "data.pageNo", "page_size": "data.pageSize"}
    assert inspect(path, make_feed(FIELDS, format="json", envelope=said), "f.json").rows == records
    data["list"] = listed[:-1]
    path = written(tmp_path, json.dumps({"code": "200", "data": data}))
    feed = make_feed(FIELDS, format="json", envelope=PAGED, zero_allowed=True)
    assert refused(path, feed).reason == "CONTROL"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"code":"500","msg":"x","data":null}', "STATUS"),
        ('{"data":{"list":[{"id":1}],"total":1}}', "STATUS"),
        ('{"code":"200","data":{"list":[{"id":1}],"total":7}}', "CONTROL"),
        ('{"code":"200","data":{"list":[{"id":1}],"total":"many"}}', "CONTROL"),
        ('{"code":"200","data":{"list":{"id":1},"total":1}}', "FORMAT"),
        ('{"code":"200","data":{"rows":[]}}', "FORMAT"),
        ('{"code":"200","data":{"list":[],"total":0}}', "EMPTY"),
        ('{"code":"200","data":{"list":null,"total":0}}', "EMPTY"),
        ('{"code":"200","data":{"list":[{"id":1},{"id"', "TRUNCATED"),
        ('{"code":"200","data":{"list":[{"id":1}],"to', "TRUNCATED"),
        ('{"code":"200","data":{"list":[{"id":1}]', "TRUNCATED"),
    ],
)
def test_an_answer_that_failed_or_is_not_whole_is_refused(
    make_feed: MakeFeed, tmp_path: Path, text: str, reason: str
) -> None:
    feed = make_feed(FIELDS, format="json", envelope=PAGED)
    assert refused(written(tmp_path, text), feed).reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"id":1},{"id":2', "TRUNCATED"),
        ('[{"id":1},', "TRUNCATED"),
        ('[{"id":1}', "TRUNCATED"),
        ('[{"id":"1', "TRUNCATED"),
        ('{"id":1}\n{"id":2', "TRUNCATED"),
        ('[{"id":1} {"id":2}]', "FORMAT"),
        ('[{"id":1},{"id":}]', "FORMAT"),
        ("编号,值\n1,2\n", "FORMAT"),
        ("[" * 100_000, "FORMAT"),
        ('[{"id":1,"id":2}]', "HEADER"),
        ('[{"id":1,"编号":2}]', "HEADER"),
        ('[{"v":1},{"v":2}]', "HEADER"),
        ("[]", "EMPTY"),
        ("", "EMPTY"),
    ],
)
def test_json_that_cannot_be_trusted_is_refused(
    make_feed: MakeFeed, tmp_path: Path, text: str, reason: str
) -> None:
    e = refused(written(tmp_path, text), make_feed(FIELDS, format="json"))
    assert e.reason == reason


def test_unknown_keys_are_kept_and_missing_ones_reported(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    path = written(tmp_path, '[{"id":1,"色":"红","大":{"a":1.50}},{"id":2,"色":null},7]')
    feed = make_feed(FIELDS, format="json")
    assert rows(path, feed, "id", "_extra", "_raw") == [
        ("1", [("色", "红"), ("大", '{"a":1.50}')], None),
        ("2", None, None),
        (None, None, "7"),
    ]
    found = inspect(path, feed, "f.json")
    assert (found.unknown, found.missing, found.malformed) == (("色", "大"), ("v",), 1)


def test_other_encodings_and_pieces_of_any_size_give_the_same(
    make_feed: MakeFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed(FIELDS, format="json", envelope={"records": "data"})
    text = '{"a":[1,{"b":"}]"}],"data":[{"id":"甲\\"乙","v":1.25},{"id":123456,"v":false}],"z":1}'
    expected = [(1, '甲"乙', "1.25"), (2, "123456", "false")]
    for codec in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        path = written(tmp_path, text, codec)
        for chunk in (1, 2, 3, 7, 1 << 20):
            monkeypatch.setattr("onesource.ingest.readers.text.CHUNK", chunk)
            assert rows(path, feed) == expected


def test_half_a_surrogate_makes_the_record_malformed(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = written(tmp_path, '[{"id":"1","v":"\\ud800"},{"id":"2","v":"甲"}]')
    feed = make_feed(FIELDS, format="json")
    assert [(r[1], r[2]) for r in rows(path, feed)] == [(None, None), ("2", "甲")]
    assert inspect(path, feed, "f.json").malformed == 1


@pytest.mark.parametrize("shape", ['[{{"编号":"1","值":{0}}}]', '{{"编号":"1","值":{0}}}\n'])
@pytest.mark.parametrize("depth", [400, 950, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
def test_nesting_without_end_is_refused_in_one_line(
    tmp_path: Path, make_feed: MakeFeed, shape: str, depth: int, opens: str, closes: str
) -> None:
    value = f"{opens * depth}1{closes * depth}"
    path = written(tmp_path, shape.format(value))
    assert refused(path, make_feed(FIELDS, format="json")).reason == "FORMAT"


def test_a_key_that_is_half_a_character_is_kept_aside(tmp_path: Path, make_feed: MakeFeed) -> None:
    path = written(tmp_path, '[{"编号":"1","\\ud83d":"x"}]')
    feed = make_feed(FIELDS, format="json")
    assert rows(path, feed, "id", "_extra") == [("1", [("\\ud83d", "x")])]
    assert inspect(path, feed, path.name).unknown == ("\\ud83d",)


@pytest.mark.parametrize(
    "beside",
    ['"data":[{"编号":"1"}],"data":[{"编号":"2"}]', '"total":1,"total":2,"data":[{"编号":"1"}]'],
)
def test_an_envelope_that_says_something_twice_is_refused(
    tmp_path: Path, make_feed: MakeFeed, beside: str
) -> None:
    path = written(tmp_path, f'{{"code":"200",{beside}}}')
    feed = make_feed(FIELDS, format="json", envelope={"records": "data", "status": "code"})
    assert refused(path, feed).reason == "HEADER"


def test_values_in_the_place_of_keys_do_not_fill_the_memory(
    tmp_path: Path, make_feed: MakeFeed
) -> None:
    records = ",".join(f'{{"编号":"1","k{i}":1}}' for i in range(10_001))
    e = refused(written(tmp_path, f"[{records}]"), make_feed(FIELDS, format="json"))
    assert "10000 different keys" in str(e)


def test_lines_may_end_with_a_comma(tmp_path: Path, make_feed: MakeFeed) -> None:
    path = written(tmp_path, '{"编号":"1","值":"a"},\n{"编号":"2","值":"b"},\n')
    assert rows(path, make_feed(FIELDS, format="json")) == [(1, "1", "a"), (2, "2", "b")]
