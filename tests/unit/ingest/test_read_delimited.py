"""Delimited text: what departments write, what is refused, and that nothing is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import bronze_schema, inspect, read

MakeFeed = Callable[..., Contract]
FIELDS = {"code": "编号*", "name": "名称", "amount": "数量"}


def rows(path: Path, feed: Contract, *names: str) -> list[tuple[Any, ...]]:
    """The values of some columns, by default line, key, name and amount."""
    chosen = names or ("_line", "code", "name", "amount")
    return [
        tuple(r[n] for n in chosen)
        for batch in read(path, feed, path.name)
        for r in batch.to_pylist()
    ]


def written(tmp_path: Path, data: str | bytes, name: str = "f.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return path


def refused(path: Path, feed: Contract) -> DeliveryRefused:
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, feed, path.name)
    assert path.name in str(e.value)
    assert "\n" not in str(e.value)
    return e.value


def test_rows_come_as_text_with_their_line(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, "编号,名称,数量\n1,甲,1.50\n2,乙,\t3\n")
    assert rows(path, feed) == [(2, "1", "甲", "1.50"), (3, "2", "乙", "\t3")]
    assert next(read(path, feed, "f.csv")).schema == bronze_schema(feed)


@pytest.mark.parametrize("delimiter", ["|", "@@", "\t", ";", "||", "^_^", ","])
def test_any_delimiter_is_read_with_and_without_quotes(
    make_feed: MakeFeed, tmp_path: Path, delimiter: str
) -> None:
    feed = make_feed(FIELDS, delimiter=delimiter)
    lines = [["编号", "名称", "数量"], ["1", "甲", "2"], ["2", f'"乙{delimiter}丙"', "3"]]
    path = written(tmp_path, "\r\n".join(delimiter.join(x) for x in lines) + "\r\n")
    assert rows(path, feed) == [(2, "1", "甲", "2"), (3, "2", f"乙{delimiter}丙", "3")]


@pytest.mark.parametrize(
    ("codec", "mark", "said"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8-sig"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("gb18030", b"", "gb18030"),
    ],
)
def test_the_encoding_is_found_and_rare_characters_live(
    make_feed: MakeFeed, tmp_path: Path, codec: str, mark: bytes, said: str
) -> None:
    feed = make_feed(FIELDS)
    text = "编号,名称,数量\n1,䶮𠮷墕•,2\n"
    path = written(tmp_path, mark + text.encode(codec))
    assert rows(path, feed) == [(2, "1", "䶮𠮷墕•", "2")]
    assert inspect(path, feed, "f.csv").encoding == said


def test_quotes_hold_line_breaks_and_the_line_is_where_the_record_begins(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, '编号,名称,数量\n1,"甲\n""乙""",2\n\n2,丙,3\n')
    assert rows(path, feed) == [(2, "1", '甲\n"乙"', "2"), (5, "2", "丙", "3")]
    assert inspect(path, feed, "f.csv").skipped == {"blank": 1}


def test_a_row_that_does_not_fit_is_kept_as_text(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, '编号,名称,数量\n1,甲\n2,乙,3,4\n3,"丙"丁,5\n4,戊,6\n')
    assert rows(path, feed, "_line", "code", "_raw") == [
        (2, None, "1,甲"),
        (3, None, "2,乙,3,4"),
        (4, None, '3,"丙"丁,5'),
        (5, "4", None),
    ]
    found = inspect(path, feed, "f.csv")
    assert (found.rows, found.malformed) == (4, 3)


def test_a_stray_quote_does_not_swallow_the_rows_after_it(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, '编号,名称,数量\n1,"甲,2\n2,"乙",3\n3,丙,4\n')
    assert rows(path, feed, "_line", "code", "_raw") == [
        (2, None, '1,"甲,2'),
        (3, "2", None),
        (4, "3", None),
    ]


def test_delimiters_at_the_end_of_lines_say_nothing(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, delimiter="|")
    path = written(tmp_path, "编号|名称|数量|\n1|甲|2|\n2|乙|3\n3|丙|4| \n4|丁|5||\n")
    assert [r[1] for r in rows(path, feed)] == ["1", "2", "3", "4"]
    assert inspect(path, feed, "f.csv").unknown == ()


def test_a_column_without_header_is_kept_aside(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, "编号,名称,数量,\n1,甲,2,已核\n2,乙,3,\n")
    assert rows(path, feed, "_extra") == [([("column_4", "已核")],), (None,)]
    assert inspect(path, feed, "f.csv").unknown == ("column_4",)


def test_unknown_columns_go_to_extra_and_are_reported(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, "编号,颜色,名称,大小\n1,红,甲,\n2,,乙,5\n3,,丙,\n")
    assert rows(path, feed, "code", "_extra") == [
        ("1", [("颜色", "红")]),
        ("2", [("大小", "5")]),
        ("3", None),
    ]
    found = inspect(path, feed, "f.csv")
    assert (found.unknown, found.missing) == (("颜色", "大小"), ("amount",))


def test_headers_are_found_under_titles_reordered_and_renamed(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(
        {"code": "编号*", "name": {"header": "名称", "aliases": ["单位名称"]}, "amount": "数量(吨)"}
    )
    path = written(tmp_path, "某表,,\n单位：吨,,\n数　量,单位\u200b名称 ,编号（必填）\n5,甲,1\n")
    assert rows(path, feed) == [(4, "1", "甲", "5")]
    found = inspect(path, feed, "f.csv")
    assert found.renamed == {"name": "单位\u200b名称", "amount": "数　量", "code": "编号（必填）"}


def test_a_header_in_another_unit_is_another_header(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed({"code": "编号*", "amount": "数量(吨)!"})
    e = refused(written(tmp_path, "编号,数量(万吨)\n1,5\n"), feed)
    assert e.reason == "HEADER"
    assert "数量(吨) (amount)" in str(e) and "数量(万吨)" in str(e)


def test_a_header_of_two_rows_is_joined(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(
        {"code": "编号*", "day": {"header": "日产量", "aliases": ["产量/当日"]},
         "month": {"header": "月产量", "aliases": ["产量/月累"]}, "note": "备注"},
        header={"rows": 2},
    )  # fmt: skip
    path = written(tmp_path, "编号,产量,,备注\n,当日,月累,\n1,2,3,x\n")
    assert rows(path, feed, "_line", "code", "day", "month", "note") == [(3, "1", "2", "3", "x")]


def test_without_a_header_fields_stand_by_position(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, header={"rows": 0}, delimiter="|")
    path = written(tmp_path, "1|甲|2\n2|乙\n3|丙|4\n")
    assert rows(path, feed, "_line", "code", "_raw") == [
        (1, "1", None),
        (2, None, "2|乙"),
        (3, "3", None),
    ]


def test_given_rows_above_the_header_are_passed_over(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, header={"rows": 1, "skip": 2})
    path = written(tmp_path, "编号,名称,数量\n9,旧,9\n编号,名称,数量\n1,甲,2\n")
    assert rows(path, feed) == [(4, "1", "甲", "2")]


def test_subtotals_and_footers_are_no_data(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, skip_rows="^(小计|合计)$", footer="^制表人")
    path = written(tmp_path, "编号,名称,数量\n1,甲,2\n小  计,,2\n2,乙,3\n制表人：某,,\n3,丙,4\n")
    assert [r[1] for r in rows(path, feed)] == ["1", "2"]
    assert inspect(path, feed, "f.csv").skipped == {"subtotal": 1, "footer": 2}


def test_subtotals_can_be_looked_for_in_one_field(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS, skip_rows="合计", skip_rows_in=["name"])
    path = written(tmp_path, "编号,名称,数量\n合计村,甲,2\n1,合计,2\n")
    assert [r[1] for r in rows(path, feed)] == ["合计村"]


def test_a_header_repeated_between_the_rows_is_no_data(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed(FIELDS)
    path = written(tmp_path, "编号,名称,数量\n1,甲,2\n编号,名称,数量\n2,乙,3\n")
    assert [r[1] for r in rows(path, feed)] == ["1", "2"]
    assert inspect(path, feed, "f.csv").skipped == {"header": 1}


def test_fields_come_from_the_name_of_the_file_a_cell_and_a_constant(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(
        {
            "code": "编号*",
            "month": {"header": "月份", "origin": {"from": "file_name", "group": "m"}},
            "day": {
                "header": "日",
                "origin": {"from": "cell", "cell": "B1", "pattern": r"(\d+)日"},
            },
            "kind": {"header": "类", "origin": {"from": "constant", "value": "煤"}},
            "said": {"header": "时", "origin": {"from": "delivery"}},
        },
        pattern=r"f_(?P<m>\d{6})\.csv",
    )
    path = written(tmp_path, "日报,制表日期：5日\n编号\n1\n", "f_201707.csv")
    assert rows(path, feed, "code", "month", "day", "kind", "said") == [
        ("1", "201707", "5", "煤", None)
    ]
    assert inspect(path, feed, path.name).cells == {"B1": "制表日期：5日"}


def test_the_latest_value_of_the_statement_time_is_found_in_any_writing(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(
        {"code": "编号*", "at": "时间"}, statement_time={"from": "column", "field": "at"}
    )
    path = written(tmp_path, "编号,时间\n1,2017/7/9\n2,2017/7/10\n3,2017/7/8\n4,\n")
    assert inspect(path, feed, "f.csv").last_values == {"at": "2017/7/10"}


def test_neither_utf8_nor_gb18030_is_refused_with_line_and_byte(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    e = refused(written(tmp_path, b"a,b\n1,\xff\xff\n"), make_feed({"a": "a*"}))
    assert e.reason == "ENCODING"
    assert "line 2" in str(e) and "byte 6" in str(e)


def test_damaged_utf8_is_not_taken_for_gb18030(make_feed: MakeFeed, tmp_path: Path) -> None:
    data = ("编号,名称\n" + "1,吕梁市\n" * 20).encode() + b"2,\xc4\xe3\n"
    e = refused(written(tmp_path, data), make_feed({"code": "编号*"}))
    assert (e.reason, "line 22" in str(e)) == ("ENCODING", True)


def test_a_declared_encoding_is_strict(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = written(tmp_path, "编号\n甲\n")
    assert refused(path, make_feed({"code": "编号*"}, encoding="ascii")).reason == "ENCODING"


@pytest.mark.parametrize(
    "data",
    [
        "编号,名称,数量\n1,甲,2\n2,乙".encode(),
        '编号,名称,数量\n1,甲,2\n2,"乙,3\n'.encode(),
        "编号,名称,数量\n1,甲,2\n2,乙,吨".encode()[:-1],
        "编号,名称,数量\n1,甲,2\n2,乙,吨".encode("gb18030")[:-1],
        b"\xff\xfe" + "编号,名称,数量\n1,甲,2\n".encode("utf-16-le")[:-1],
    ],
    ids=["row", "quote", "utf-8 character", "gb18030 character", "utf-16 character"],
)
def test_a_file_that_was_cut_off_is_refused(
    make_feed: MakeFeed, tmp_path: Path, data: bytes
) -> None:
    assert refused(written(tmp_path, data), make_feed(FIELDS)).reason == "TRUNCATED"


def test_a_whole_last_line_needs_no_end(make_feed: MakeFeed, tmp_path: Path) -> None:
    assert rows(written(tmp_path, "编号,名称,数量\n1,甲,2"), make_feed(FIELDS))[0][1] == "1"


def test_a_missing_key_is_refused_naming_what_was_found(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    e = refused(written(tmp_path, "号码,名称,数量\n1,甲,2\n"), make_feed(FIELDS))
    assert e.reason == "HEADER"
    assert "编号 (code)" in str(e) and "号码, 名称, 数量" in str(e)


def test_a_file_of_people_without_header_is_refused_without_quoting_it(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed({"who": {"header": "姓名*", "identifier": "direct"}})
    e = refused(written(tmp_path, "张三丰,男\n李四光,女\n"), feed)  # synthetic names
    assert e.reason == "HEADER"
    assert "张三丰" not in str(e)


@pytest.mark.parametrize("header", ["编号,名称,名称", "编号,名称,名　称", "编号,名称,name"])
def test_a_header_twice_is_refused(make_feed: MakeFeed, tmp_path: Path, header: str) -> None:
    assert refused(written(tmp_path, f"{header}\n1,甲,乙\n"), make_feed(FIELDS)).reason == "HEADER"


@pytest.mark.parametrize("data", ["", "\n \n", "编号,名称,数量\n", "表\n编号,名称,数量\n,,\n"])
def test_no_row_is_refused_unless_a_zero_report_is_allowed(
    make_feed: MakeFeed, tmp_path: Path, data: str
) -> None:
    path = written(tmp_path, data)
    assert refused(path, make_feed(FIELDS)).reason == "EMPTY"
    assert inspect(path, make_feed(FIELDS, zero_allowed=True), path.name).rows == 0


@pytest.mark.parametrize("written_as", ["\t", "\\t", "tab"])
def test_a_tab_can_be_written_in_words(
    make_feed: MakeFeed, tmp_path: Path, written_as: str
) -> None:
    path = written(tmp_path, "编号\t名称\t数量\n1\t甲\t2\n")
    assert rows(path, make_feed(FIELDS, delimiter=written_as)) == [(2, "1", "甲", "2")]


def test_the_end_mark_of_dos_is_no_row(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = written(tmp_path, "编号,名称,数量\r\n1,甲,2\r\n\x1a")
    assert rows(path, make_feed(FIELDS)) == [(2, "1", "甲", "2")]


def test_nul_is_refused(make_feed: MakeFeed, tmp_path: Path) -> None:
    e = refused(written(tmp_path, "编号,名称,数量\n1,\0,2\n"), make_feed(FIELDS))
    assert (e.reason, "line 2" in str(e)) == ("NUL", True)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_huge_cell_is_refused(make_feed: MakeFeed, tmp_path: Path, quote: str) -> None:
    huge = quote + "x" * (1 << 20) + "y" + quote
    e = refused(written(tmp_path, f"编号,名称,数量\n1,甲,2\n2,{huge},3\n"), make_feed(FIELDS))
    assert (e.reason, "line 3" in str(e)) == ("CELL", True)


def test_a_file_without_lines_is_refused_in_bounded_memory(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    path = written(tmp_path, "编号,名称,数量\n" + "1," * (10 << 20))
    assert refused(path, make_feed(FIELDS)).reason == "CELL"


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"PAR1"])
def test_another_kind_of_file_is_refused(make_feed: MakeFeed, tmp_path: Path, magic: bytes) -> None:
    assert refused(written(tmp_path, magic + b"\x01\x02"), make_feed(FIELDS)).reason == "FORMAT"


CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff"), max_size=6)
ROW = st.lists(CELL, min_size=3, max_size=3).filter(lambda r: any(c.strip() for c in r))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    table=st.lists(ROW, min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", "|", "\t"]),
    everything=st.booleans(),
)
def test_what_is_written_is_read(
    make_feed: MakeFeed,
    tmp_path: Path,
    table: list[list[str]],
    end: str,
    delimiter: str,
    everything: bool,
) -> None:
    if not everything:  # this csv writer leaves a bare CR without quotes
        table = [[c.replace("\r", "R") for c in row] for row in table]
    feed = make_feed(FIELDS, delimiter=delimiter)
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["编号", "名称", "数量"])
    expected = []
    for row in table:
        expected.append((out.getvalue().count("\n") + 1, *row))
        writer.writerow(row)
    path = written(tmp_path, out.getvalue())
    assert rows(path, feed) == expected
    assert inspect(path, feed, path.name).rows == len(table)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    table=st.lists(st.lists(st.text('ab @"\r', max_size=3), min_size=1, max_size=5), max_size=6),
    chunk=st.integers(1, 40),
)
def test_the_size_of_a_piece_changes_nothing(
    make_feed: MakeFeed, tmp_path: Path, table: list[list[str]], chunk: int
) -> None:
    feed = make_feed(FIELDS, zero_allowed=True)
    text = "编号,名称,数量\n" + "".join(",".join(r) + "\n" for r in table)
    path = written(tmp_path, text)

    def outcome() -> Any:
        try:
            return rows(path, feed, "_line", "code", "name", "amount", "_raw")
        except DeliveryRefused as e:
            return e.reason

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("onesource.ingest.readers.text.CHUNK", chunk)
        assert outcome() == whole


@pytest.mark.parametrize(
    "repeat", ['"编号","名称","数量"', "\ufeff编号,名称,数量", "编号 ,名称, 数量"]
)
def test_a_header_that_comes_again_is_no_data_however_it_is_written(
    tmp_path: Path, make_feed: MakeFeed, repeat: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f'编号,名称,数量\n1,a,2\n{repeat}\n2,"b",3\n', encoding="utf-8")
    feed = make_feed(FIELDS)
    assert rows(path, feed) == [(2, "1", "a", "2"), (4, "2", "b", "3")]
    assert inspect(path, feed, path.name).skipped == {"header": 1}


def test_a_row_of_empty_quotes_is_blank_whichever_way_it_is_read(
    tmp_path: Path, make_feed: MakeFeed
) -> None:
    path = tmp_path / "f.csv"
    feed = make_feed(FIELDS)
    for other in ("2,b,3", '2,"b,c",3'):  # the second sends the piece the careful way
        path.write_text(f'编号,名称,数量\n ,"",""\n{other}\n', encoding="utf-8")
        assert [r[0] for r in rows(path, feed)] == [3]
        assert inspect(path, feed, path.name).skipped == {"blank": 1}


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_utf_16_by_name_without_its_mark_is_refused_in_one_line(
    tmp_path: Path, make_feed: MakeFeed, name: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("编号,名称,数量\n1,a,2\n".encode(f"{name}-be"))
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, make_feed(FIELDS, encoding=name), path.name)
    assert e.value.reason == "ENCODING"


def test_a_wrong_byte_is_named_by_its_line_also_where_lines_end_with_cr(
    tmp_path: Path, make_feed: MakeFeed
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("编号,名称,数量\r1,a,2\r".encode("gb18030") + b"2,\xff\xff,3\r")
    with pytest.raises(DeliveryRefused, match="line 3"):
        inspect(path, make_feed(FIELDS), path.name)
