"""A contract from a sample: it loads, and under it the whole sample is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from onesource.contracts.load import load_contract
from onesource.contracts.model import City, Contract, Kind
from onesource.errors import DeliveryRefused, OneSourceError, UsageError
from onesource.ingest.infer import infer_feed
from onesource.ingest.infer.filename import pattern_of
from onesource.ingest.infer.words import column_names
from onesource.ingest.infer.written import is_uscc
from onesource.ingest.readers import read

CITY = City(
    name="吕梁市",
    code="141100",
    sectors={"base": "基础"},
    departments=({"uscc": "11141100MB9X00015W", "name": "市统计局", "valid_from": "2003-10-23"},),
    counties={"141102": "离石区", "141125": "柳林县", "141123": "兴县"},
    reporting_units={},
)
Infer = Callable[..., Contract]


@pytest.fixture
def inferred(tmp_path: Path) -> Infer:
    """The contract inferred from a sample, loaded as a checkout would load it."""

    def infer(sample: Path, city: City = CITY) -> Contract:
        path = tmp_path / "feeds" / "base" / "sample.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(infer_feed("base.sample", sample, city=city), encoding="utf-8")
        return load_contract(path, Kind.FEED)

    return infer


def saved(tmp_path: Path, name: str, data: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(sample: Path, feed: Contract, *names: str) -> list[tuple[Any, ...]]:
    return [
        tuple(r[n] for n in names)
        for batch in read(sample, feed, sample.name)
        for r in batch.to_pylist()
    ]


def types(feed: Contract) -> dict[str, str]:
    """Field → its standardiser, else its logical type; the key with a star."""
    return {
        f.name: (f.properties.standardiser.name if f.properties.standardiser else f.logical_type)
        + ("*" if f.primary_key else "")
        for f in feed.fields
    }


PEOPLE = (
    "编号@@姓名@@身份证号@@联系电话@@发放金额（元）@@发放日期\n"
    "0001@@测一@@141102199001010010@@13800000001@@1,200.50@@2017-07-01\n"
    "0002@@测二@@141102199001010029@@13800000002@@300@@2017-07-02\n"
    "合计@@@@@@@@1500.5@@\n"
)  # synthetic persons


def test_delimited_text_in_gb18030(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(tmp_path, "救助发放_201707.txt", PEOPLE.encode("gb18030"))
    feed = inferred(sample)
    assert types(feed) == {
        "report_month": "month*",
        "id": "string*",
        "person_name": "person_name",
        "id_card_no": "resident_id",
        "contact_phone": "phone",
        "payment_amount": "money",
        "payment_on_date": "date",
    }
    assert rows(sample, feed, "report_month", "id", "payment_amount") == [
        ("201707", "0001", "1,200.50"),
        ("201707", "0002", "300"),
    ]
    assert (feed.delivery.delimiter, feed.properties.update_cycle) == ("@@", "每月")


def test_no_value_of_the_sample_stands_in_the_contract(tmp_path: Path) -> None:
    sample = saved(tmp_path, "f.txt", PEOPLE)
    text = infer_feed("base.sample", sample, city=CITY)
    for value in ("测一", "141102199001010010", "13800000001", "1,200.50"):
        assert value not in text


@pytest.mark.parametrize("delimiter", [",", "\t", "|", "||", ";", "@@"])
def test_the_delimiter_is_found(inferred: Infer, tmp_path: Path, delimiter: str) -> None:
    table = [["编码", "县区", "值"], ["1", "离石区", "2"], ["2", "兴县", "3"]]
    sample = saved(tmp_path, "f.csv", "".join(delimiter.join(r) + "\n" for r in table))
    feed = inferred(sample)
    assert feed.delivery.delimiter == delimiter
    assert types(feed) == {"code": "string*", "county": "division", "value": "integer"}
    assert len(rows(sample, feed, "code")) == 2


def test_titles_above_the_header(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(
        tmp_path,
        "表.csv",
        "\ufeff某表,,\n单位：万元,,\n项目名称,投资（万元）,开工日期\n甲,1,2017/7/1\n",
    )
    feed = inferred(sample)
    assert rows(sample, feed, "project_name", "investment", "start_on_date") == [
        ("甲", "1", "2017/7/1")
    ]
    assert feed.field("investment").properties.unit == "yuan"


def test_a_file_without_header(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(tmp_path, "f.csv", "1,甲,2.5\n2,乙,3\n")
    feed = inferred(sample)
    assert types(feed) == {"column_1": "integer", "column_2": "string*", "column_3": "number"}
    assert len(rows(sample, feed, "column_1")) == 2


def test_a_workbook_with_one_sheet_per_county(inferred: Infer, tmp_path: Path) -> None:
    book = Workbook()
    assert isinstance(book.active, Worksheet)
    book.remove(book.active)
    for county in ("离石区", "柳林县"):
        sheet = book.create_sheet(county)
        for row in (
            [f"{county}煤矿日报"],
            ["单位：吨", None, None, None, "日期", date(2017, 7, 15)],
            ["乡镇", "煤矿名称", "产量(吨)", None, "检查\n日期", "备注"],
            [None, None, "当日", "月累"],
            ["东乡", f"甲{county}", 1234.5, 12, date(2017, 7, 1), "x"],
            [None, f"乙{county}", 3, 4, date(2017, 7, 2)],
            [None, "小 计", 3, 4],
            ["西乡", f"丙{county}", 3, 4],
            ["制表人：某"],
        ):
            sheet.append(row)
        for block in ("A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "F3:F4", "A5:A6"):
            sheet.merge_cells(block)
    book.create_sheet("填表说明").append(["请如实填写"])
    sample = tmp_path / "煤矿日报_20170715.xlsx"
    book.save(sample)
    feed = inferred(sample)
    assert types(feed) == {
        "report_date": "date*",
        "sheet_county": "division*",
        "town": "string",
        "coal_mine_name": "string*",
        "output_day": "mass",
        "output_month_total": "mass",
        "inspection_on_date": "date",
        "remark": "string",
    }
    assert rows(sample, feed, "report_date", "sheet_county", "town", "output_day")[:3] == [
        ("20170715", "离石区", "东乡", "1234.5"),
        ("20170715", "离石区", "东乡", "3"),
        ("20170715", "离石区", "西乡", "3"),
    ]
    assert len(rows(sample, feed, "town")) == 6


def test_a_plain_workbook(inferred: Infer, tmp_path: Path) -> None:
    book = Workbook()
    assert isinstance(book.active, Worksheet)
    for row in (["年份", "行政区划代码", "值"], [2016, "141102", 1], [2017, "141102", 2]):
        book.active.append(row)
    sample = tmp_path / "f.xlsx"
    book.save(sample)
    feed = inferred(sample)
    assert types(feed) == {"year": "integer*", "division_code": "division", "value": "integer"}
    assert rows(sample, feed, "year", "division_code") == [("2016", "141102"), ("2017", "141102")]


@pytest.mark.parametrize(
    "text",
    [
        '[{"clueId":"C1","数量":2,"on":true},{"clueId":"C2","数量":3,"on":false}]',
        '{"clueId":"C1","数量":2,"on":true}\n{"clueId":"C2","数量":3,"on":false}\n',
        json.dumps(
            {
                "code": "200",
                "data": {
                    "total": 5, "pageNo": 1, "pageSize": 2,
                    "list": [
                        {"clueId": "C1", "数量": 2, "on": True},
                        {"clueId": "C2", "数量": 3, "on": False},
                    ],
                },
            }
        ),
    ],
    ids=["array", "lines", "a page in an envelope"],
)  # fmt: skip
def test_json(inferred: Infer, tmp_path: Path, text: str) -> None:
    sample = saved(tmp_path, "clues_p1.json", text)
    feed = inferred(sample)
    assert types(feed) == {"clue_id": "string*", "quantity": "integer", "on": "boolean"}
    assert rows(sample, feed, "clue_id", "quantity") == [("C1", "2"), ("C2", "3")]


def test_parquet(inferred: Infer, tmp_path: Path) -> None:
    sample = tmp_path / "风电_2017-07-01.parquet"
    table = {
        "站点编码": ["0101", "0102"],
        "时间": [datetime(2017, 7, 1), datetime(2017, 7, 1, 1)],
        "出力": [1.5, None],
    }
    pq.write_table(pa.table(table), sample)
    feed = inferred(sample)
    assert types(feed) == {
        "report_date": "date*",
        "station_code": "string*",
        "at_time": "timestamp",
        "power": "number",
    }
    assert rows(sample, feed, "station_code", "power") == [("0101", "1.5"), ("0102", None)]


def test_geojson(inferred: Infer, tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"adcode": "141102", "crs": "GCJ-02"},
        "geometry": {"type": "Point", "coordinates": [111.1, 37.5]},
    }
    sample = saved(
        tmp_path, "f.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    feed = inferred(sample)
    assert feed.delivery.crs == "gcj02"
    assert rows(sample, feed, "adcode", "geometry") == [
        ("141102", '{"type":"Point","coordinates":[111.1,37.5]}')
    ]


def test_rows_without_a_key_are_appended(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(tmp_path, "f.csv", "名称,值\n甲,1\n甲,1\n")
    feed = inferred(sample)
    assert (feed.key, feed.correction.value) == ((), "append")


def test_codes_keep_their_zeros_and_quantities_are_numbers(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(
        tmp_path,
        "f.csv",
        "邮编,编号,数量,比例,月份,时间,是否达标,空\n"
        "033000,20,5,0.5,2017-07,2017-07-01 08:00,是,—\n"
        "033001,21,,1e-3,2017-08,2017-07-01 09:00:00,否,/\n",
    )
    assert list(types(inferred(sample)).values()) == [
        "string", "string*", "integer", "number", "month", "timestamp", "boolean", "string",
    ]  # fmt: skip


def test_the_provider_is_one_of_the_city_or_well_formed(inferred: Infer, tmp_path: Path) -> None:
    sample = saved(tmp_path, "f.csv", "编号,值\n1,2\n")
    assert inferred(sample).properties.provider_uscc == "11141100MB9X00015W"
    nobody = City("某市", "140000", {"base": "基础"}, (), {}, {})
    uscc = inferred(sample, nobody).properties.provider_uscc
    assert uscc is not None and is_uscc(uscc)
    said = infer_feed("base.sample", sample, city=CITY, provider_uscc="91110000600037341L")
    assert "91110000600037341L" in said


def test_a_well_formed_uscc_is_known_from_others() -> None:
    assert is_uscc("91110000600037341L") and is_uscc("91141100MA0GTB9K08")
    assert not is_uscc("91141125MA0J123470") and not is_uscc("91141125OA0J123476")
    assert not is_uscc("9111000060003734")


@pytest.mark.parametrize(
    ("name", "pattern", "groups"),
    [
        ("日报_20170715.xlsx", r"日报_(?P<day>\d{8})\.(?i:xlsx)", ("day",)),
        ("日报2017年7月5日.xlsx", r"日报(?P<day>\d{4}年\d{1,2}月\d{1,2}日)\.(?i:xlsx)", ("day",)),
        ("a-201707-v2.xlsx", r"a\-(?P<month>\d{6})\-v\d+\.(?i:xlsx)", ("month",)),
        ("a_2000_2022.xlsx", r"a_\d+_\d+\.(?i:xlsx)", ()),
        ("2017年报.xlsx", r"(?P<year>\d{4})年报\.(?i:xlsx)", ("year",)),
        ("离石区.xlsx", r"(?P<county>离石区|柳林县|兴县)\.(?i:xlsx)", ("county",)),
        ("x141125.xlsx", r"x(?P<county>141102|141125|141123)\.(?i:xlsx)", ("county",)),
        ("a.b(1).xlsx", r"a\.b\(\d+\)\.(?i:xlsx)", ()),
    ],
)
def test_file_names_become_patterns(name: str, pattern: str, groups: tuple[str, ...]) -> None:
    found = pattern_of(name, "xlsx", CITY)
    assert (found.pattern, found.groups) == (pattern, groups)


def test_column_names_are_english_where_the_words_are_known() -> None:
    assert column_names(["产量/当日", "机构 Name", "未知词", "SgnYear", "名称", "名称", "1号"]) == [
        "output_day", "institution_name", "column_3", "sgn_year", "name", "name_2", "n_1_no",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("f.csv", "编号,值\n", UsageError),
        ("f.csv", "", UsageError),
        ("f.json", "[]", UsageError),
        ("f.json", '[{"a":1', DeliveryRefused),
        ("f.csv", b"a,b\n1,\xff\xff\n", DeliveryRefused),
        ("f.xls", "<html><table></table></html>", DeliveryRefused),
        ("f.xlsx", b"PK\x03\x04", DeliveryRefused),
    ],
)
def test_a_sample_without_a_table_is_refused(
    tmp_path: Path, name: str, data: str | bytes, error: type[OneSourceError]
) -> None:
    with pytest.raises(error):
        infer_feed("base.sample", saved(tmp_path, name, data), city=CITY)


def test_an_id_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        infer_feed("sample", saved(tmp_path, "f.csv", "编号\n1\n"), city=CITY)
