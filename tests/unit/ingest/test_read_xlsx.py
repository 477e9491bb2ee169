"""Workbooks as departments make them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.worksheet.worksheet import Worksheet

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.readers import inspect, read

MakeFeed = Callable[..., Contract]


def rows(path: Path, feed: Contract, *names: str) -> list[tuple[Any, ...]]:
    return [
        tuple(r[n] for n in names)
        for batch in read(path, feed, path.name)
        for r in batch.to_pylist()
    ]


def saved(tmp_path: Path, *sheets: tuple[str, list[list[Any]]], name: str = "f.xlsx") -> Path:
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for title, table in sheets:
        sheet = book.create_sheet(title)
        for row in table:
            sheet.append(row)
    path = tmp_path / name
    book.save(path)
    return path


def refused(path: Path, feed: Contract) -> DeliveryRefused:
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, feed, path.name)
    assert path.name in str(e.value)
    return e.value


def a_daily_report(sheet: Worksheet, county: str) -> None:
    """Title, unit and date row, header of two levels, merged towns, subtotal, footer."""
    for row in (
        [f"{county}煤矿生产日报"],
        ["单位：吨", None, None, None, None, datetime(2017, 7, 15)],
        ["乡镇", "煤矿名称", "产量", None, "检查\n日期", "备注"],
        [None, None, "当日", "月累"],
        ["东乡", "甲矿", 1234.5, 0.1 + 0.2, date(2017, 7, 1), True],
        [None, "乙矿", 3, 1e-7, datetime(2017, 7, 1, 8, 30), None],
        [None, "小 计", 1237.5, 4],
        [None, "丙矿", 3, 4],
        ["制表人：某某"],
        ["西乡", "丁矿", 9, 9],
    ):
        sheet.append(row)
    for block in ("A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "F3:F4", "A5:A7"):
        sheet.merge_cells(block)
    sheet["F2"].number_format = "yyyy-mm-dd"
    sheet.row_dimensions[6].hidden = True


DAILY = {
    "county": {"header": "县*", "origin": {"from": "sheet"}},
    "day": {"header": "日期", "origin": {"from": "cell", "cell": "F2"}},
    "town": "乡镇",
    "mine": "煤矿名称*",
    "output": {"header": "日产量", "aliases": ["产量/当日"]},
    "month": {"header": "月产量", "aliases": ["产量/月累"]},
    "checked": "检查日期",
}
DAILY_DELIVERY = {
    "format": "xlsx",
    "header": {"rows": 2},
    "fill_down": ["town"],
    "skip_rows": "^(小计|合计)$",
    "skip_rows_in": ["mine"],
    "footer": "^制表人",
    "statement_time": {"from": "cell", "cell": "F2"},
}


def test_a_daily_report_with_one_sheet_per_county(make_feed: MakeFeed, tmp_path: Path) -> None:
    book = Workbook()
    assert isinstance(book.active, Worksheet)
    book.active.title = "离石区"
    a_daily_report(book.active, "离石区")
    a_daily_report(book.create_sheet("柳林县"), "柳林县")
    book.create_sheet("Sheet3")
    path = tmp_path / "日报.xlsx"
    book.save(path)
    feed = make_feed(DAILY, **DAILY_DELIVERY)
    one = [
        ("离石区", 5, "2017-07-15", "东乡", "甲矿", "1234.5", "0.3", "2017-07-01"),
        ("离石区", 6, "2017-07-15", "东乡", "乙矿", "3", "0.0000001", "2017-07-01 08:30:00"),
        ("离石区", 8, "2017-07-15", None, "丙矿", "3", "4", None),
    ]
    names = ("_sheet", "_line", "day", "town", "mine", "output", "month", "checked")
    assert rows(path, feed, *names)[:3] == one
    assert rows(path, feed, *names)[3:] == [("柳林县", *r[1:]) for r in one]
    assert {r[0] for r in rows(path, feed, "county")} == {"离石区", "柳林县"}
    found = inspect(path, feed, path.name)
    assert found.skipped == {"subtotal": 2, "footer": 4}
    assert found.sheets == {"离石区": 3, "柳林县": 3}
    assert found.cells == {"F2": "2017-07-15"}
    assert found.unknown == ("备注",)
    assert found.renamed == {"output": "产量/当日", "month": "产量/月累"}


def test_a_group_title_that_is_not_merged_holds_to_the_right(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed(
        {
            "code": "编号*",
            "a": {"header": "甲", "aliases": ["产量/当日"]},
            "b": {"header": "乙", "aliases": ["产量/月累"]},
            "c": {"header": "丙", "aliases": ["销量/当日"]},
        },
        format="xlsx",
        header={"rows": 2},
    )
    table = [["编号", "产量", None, "销量"], [None, "当日", "月累", "当日"], [1, 2, 3, 4]]
    path = saved(tmp_path, ("表", table))
    assert rows(path, feed, "code", "a", "b", "c") == [("1", "2", "3", "4")]


def test_merged_cells_fill_their_block_and_no_more(make_feed: MakeFeed, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in (
        ["户", "人", "地"],
        ["甲", 1, "x"],
        [None, 2],
        [None, 3],
        ["乙", 4, "y"],
        [None, 5],
    ):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("C2:C3")
    path = tmp_path / "f.xlsx"
    book.save(path)
    feed = make_feed(
        {"who": "人*", "house": "户", "place": "地"}, format="xlsx", fill_down=["house"]
    )
    assert rows(path, feed, "who", "house", "place") == [
        ("1", "甲", "x"),
        ("2", "甲", None),
        ("3", None, None),
        ("4", "乙", "y"),
        ("5", None, None),
    ]


@pytest.mark.parametrize(
    ("value", "shown", "text"),
    [
        (1234.5, "General", "1234.5"),
        (1234.500000001, "0.0", "1234.500000001"),
        (12.099999999999999, "General", "12.1"),
        (5.0, "General", "5"),
        (-0.5, "General", "-0.5"),
        (1.5e20, "General", "150000000000000000000"),
        (141123199001011234, "General", "141123199001011000"),
        (42931, "yyyy/m/d", "2017-07-15"),
        (42931, 'yyyy"年"m"月"d"日"', "2017-07-15"),
        (42917, 'yyyy"年"m"月"', "2017-07"),
        (42931.354166666664, "yyyy-mm-dd hh:mm", "2017-07-15 08:30:00"),
        (0.5, "hh:mm:ss", "12:00:00"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (60, "yyyy-mm-dd", "1900-02-29"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (0, "yyyy-mm-dd", "1900-01-00"),
        (45351, "aaaa", "2024-02-29"),
        (-1, "yyyy-mm-dd", "-1"),
        (0.125, "0.0%", "0.125"),
        (7, '0"d"', "7"),
        (7, "[Red]0.00", "7"),
        (True, "General", "TRUE"),
        (date(2017, 7, 15), "yyyy-mm-dd", "2017-07-15"),
        (time(8, 30), "hh:mm", "08:30:00"),
        ("#REF!", "General", "#REF!"),
        (" 甲 ", "General", " 甲 "),
        ("a_x000D_b", "General", "a\rb"),
        ("<&>\"'", "General", "<&>\"'"),
        ("甲\n乙", "General", "甲\n乙"),
        ("00123", "@", "00123"),
    ],
)
def test_cells_come_as_the_department_sees_them(
    make_feed: MakeFeed, tmp_path: Path, value: Any, shown: str, text: str
) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["编号", "值"])
    sheet.append(["1", value])
    sheet["B2"].number_format = shown
    path = tmp_path / "f.xlsx"
    book.save(path)
    assert rows(path, make_feed({"id": "编号*", "v": "值"}, format="xlsx"), "v") == [(text,)]


def test_dates_count_from_1904_where_the_workbook_says_so(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["编号", "日期"])
    sheet.append(["1", date(2017, 7, 15)])
    path = tmp_path / "f.xlsx"
    book.save(path)
    feed = make_feed({"id": "编号*", "d": "日期"}, format="xlsx")
    assert rows(path, feed, "d") == [("2017-07-15",)]


def test_rich_text_and_formulas_are_read(make_feed: MakeFeed, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["编号", "值"])
    sheet.append(["1", CellRichText("离", TextBlock(InlineFont(b=True), "石"), "区")])
    sheet.append(["2", "=1+1"])
    path = tmp_path / "f.xlsx"
    book.save(path)
    feed = make_feed({"id": "编号*", "v": "值"}, format="xlsx")
    assert rows(path, feed, "id", "v") == [("1", "离石区"), ("2", "=1+1")]


def test_sheets_are_chosen_by_name_pattern_and_exclusion(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    table = [["编号"], [1]]
    path = saved(tmp_path, ("离石区", table), ("柳林县", table), ("填表说明", [["请填"]]))
    field = {"id": "编号*"}
    for sheets, found in (
        ({"names": ["柳林县"]}, ["柳林县"]),
        ({"pattern": "(区|县)$"}, ["离石区", "柳林县"]),
        ({"skip": "说明"}, ["离石区", "柳林县"]),
    ):
        feed = make_feed(field, format="xlsx", sheets=sheets)
        assert [r[0] for r in rows(path, feed, "_sheet")] == found
    for sheets in ({"names": ["兴县"]}, {"pattern": "市$"}):
        assert refused(path, make_feed(field, format="xlsx", sheets=sheets)).reason == "SHEET"
    e = refused(path, make_feed(field, format="xlsx"))
    assert (e.reason, "填表说明" in str(e)) == ("HEADER", True)


def test_a_hidden_list_is_passed_over_but_a_hidden_table_is_read(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for title, table in (("名单", [["男"], ["女"]]), ("旧", [["编号"], [2]])):
        hidden = book.create_sheet(title)
        hidden.sheet_state = "hidden"
        for row in table:
            hidden.append(row)
    sheet.append(["编号"])
    sheet.append([1])
    path = tmp_path / "f.xlsx"
    book.save(path)
    assert rows(path, make_feed({"id": "编号*"}, format="xlsx"), "id") == [("1",), ("2",)]


def test_values_beyond_the_header_are_kept(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = saved(tmp_path, ("表", [["编号", None, "色"], [1, "x", "红", None, "远"], [2]]))
    feed = make_feed({"id": "编号*"}, format="xlsx")
    assert rows(path, feed, "_extra") == [
        ([("column_2", "x"), ("色", "红"), ("column_5", "远")],),
        (None,),
    ]


def test_an_empty_sheet_is_refused_unless_it_may_be_empty(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    path = saved(tmp_path, ("表", [["编号"]]), ("空", []))
    assert refused(path, make_feed({"id": "编号*"}, format="xlsx")).reason == "EMPTY"
    feed = make_feed({"id": "编号*"}, format="xlsx", zero_allowed=True)
    found = inspect(path, feed, "f.xlsx")
    assert (found.rows, found.sheets) == (0, {"表": 0})


def test_a_missing_key_and_a_header_twice_are_refused(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed({"id": "编号*", "v": "值"}, format="xlsx")
    e = refused(saved(tmp_path, ("离石区", [["号", "值"], [1, 2]])), feed)
    assert (e.reason, "编号 (id)" in str(e), "离石区" in str(e)) == ("HEADER", True, True)
    e = refused(saved(tmp_path, ("表", [["编号", "值", "值 "], [1, 2, 3]])), feed)
    assert (e.reason, "twice" in str(e)) == ("HEADER", True)


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"<html><table><tr><td>1</td></tr></table></html>", "FORMAT", "web page"),
        (b"\xef\xbb\xbf\r\n<HTML xmlns:x=''>", "FORMAT", "web page"),
        (b'<?xml version="1.0"?><Workbook/>', "FORMAT", "XML"),
        (OLD, "FORMAT", "old binary workbook"),
        (OLD + "EncryptedPackage".encode("utf-16-le"), "ENCRYPTED", "password"),
        (b"", "FORMAT", "no bytes"),
        (b"a,b\n1,2\n", "FORMAT", "no workbook"),
    ],
)
def test_what_only_has_the_name_of_a_workbook_is_refused(
    make_feed: MakeFeed, tmp_path: Path, data: bytes, reason: str, said: str
) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(data)
    e = refused(path, make_feed({"id": "编号*"}, format="xlsx"))
    assert (e.reason, said in str(e)) == (reason, True)


def test_a_workbook_that_was_cut_off_or_is_only_a_zip_is_refused(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    feed = make_feed({"id": "编号*"}, format="xlsx")
    path = saved(tmp_path, ("表", [["编号"], [1]]))
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(path, feed).reason == "ARCHIVE_DAMAGED"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("a.txt", "x")
    assert refused(path, feed).reason == "FORMAT"


def remade(path: Path, part: str, old: bytes, new: bytes) -> None:
    """Changes one part of a workbook, as another program would write it."""
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n) for n in z.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for n, data in parts.items():
            z.writestr(n, data)


def test_xml_of_other_programs_gives_the_same_rows(make_feed: MakeFeed, tmp_path: Path) -> None:
    feed = make_feed({"id": "编号*", "v": "值"}, format="xlsx")
    table = [["编号", "值"], [1, "甲"], [2, 3.5]]
    part = "xl/worksheets/sheet1.xml"
    expected = [("1", "甲", 2), ("2", "3.5", 3)]
    changes = [
        (b'r="A2" ', b""),  # no address
        (b"<sheetData>", b"<sheetData >"),
        (b'<row r="3"', b'<!-- a remark --><row r="3"'),
        (b"<v>3.5</v>", b"<f>7/2</f><v>3.5</v>"),
        (b"<v>3.5</v>", b'<v xml:space="preserve">3.5</v>'),
        (b'r="B3" t="n"', b't="n" r="B3" cm="1"'),
    ]
    for old, new in changes:
        path = saved(tmp_path, ("表", table))
        remade(path, part, old, new)
        assert rows(path, feed, "id", "v", "_line") == expected, new


def test_a_whole_number_keeps_all_digits_that_were_written(
    make_feed: MakeFeed, tmp_path: Path
) -> None:
    path = saved(tmp_path, ("表", [["编号"], [7]]))
    remade(path, "xl/worksheets/sheet1.xml", b"<v>7</v>", b"<v>141123199001011234</v>")
    feed = make_feed({"id": "编号*"}, format="xlsx")
    assert rows(path, feed, "id") == [("141123199001011234",)]


def test_xml_with_a_prefix_is_read(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = saved(tmp_path, ("表", [["编号", "值"], [1, 2.5]]))
    names = ("worksheet", "sheetData", "row", "c", "v", "is", "t", "dimension", "sheetViews",
             "sheetView", "selection", "sheetFormatPr", "pageMargins", "sheetPr", "outlinePr",
             "pageSetUpPr")  # fmt: skip
    with zipfile.ZipFile(path) as z:
        xml = z.read("xl/worksheets/sheet1.xml").decode()
    prefixed = xml.replace("xmlns=", "xmlns:x=")
    for n in names:
        for before, after in (
            (f"<{n}>", f"<x:{n}>"),
            (f"<{n} ", f"<x:{n} "),
            (f"</{n}>", f"</x:{n}>"),
        ):
            prefixed = prefixed.replace(before, after)
    prefixed = prefixed.replace("<sheetData/", "<x:sheetData/")
    remade(path, "xl/worksheets/sheet1.xml", xml.encode(), prefixed.encode())
    feed = make_feed({"id": "编号*", "v": "值"}, format="xlsx")
    assert rows(path, feed, "id", "v") == [("1", "2.5")]


def test_a_document_type_is_refused(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = saved(tmp_path, ("表", [["编号"], [1]]))
    remade(
        path,
        "xl/worksheets/sheet1.xml",
        b"<worksheet",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet',
    )
    e = refused(path, make_feed({"id": "编号*"}, format="xlsx"))
    assert (e.reason, "document type" in str(e)) == ("FORMAT", True)


def test_a_huge_cell_is_refused(make_feed: MakeFeed, tmp_path: Path) -> None:
    path = saved(tmp_path, ("表", [["编号", "值"], [1, 2]]))
    huge = b'<c r="B2" t="inlineStr"><is><t>' + b"x" * ((1 << 20) + 1) + b"</t></is></c>"
    remade(path, "xl/worksheets/sheet1.xml", b'<c r="B2" t="n"><v>2</v></c>', huge)
    e = refused(path, make_feed({"id": "编号*"}, format="xlsx"))
    assert (e.reason, "line 2" in str(e)) == ("CELL", True)


HEADER_ROW = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'


def raw_workbook(
    path: Path,
    rows_xml: str,
    tail: str = "",
    shared: str = "<si><t>编号</t></si><si><t>名称</t></si>",
) -> Path:
    """A workbook whose sheet is written as it stands: what no library would write."""
    space = "http://schemas.openxmlformats.org"
    main, kind = f"{space}/spreadsheetml/2006/main", f"{space}/officeDocument/2006/relationships"
    relations = f'<Relationships xmlns="{space}/package/2006/relationships">{{}}</Relationships>'
    relation = '<Relationship Id="{0}" Type="' + kind + '/{1}" Target="{2}"/>'
    inner = relation.format("a", "worksheet", "s.xml") + relation.format(
        "b", "sharedStrings", "t.xml"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr(
            "_rels/.rels", relations.format(relation.format("a", "officeDocument", "xl/w.xml"))
        )
        z.writestr(
            "xl/w.xml",
            f'<workbook xmlns="{main}" xmlns:r="{kind}"><sheets>'
            '<sheet name="甲县" sheetId="1" r:id="a"/></sheets></workbook>',
        )
        z.writestr("xl/_rels/w.xml.rels", relations.format(inner))
        z.writestr("xl/t.xml", f'<sst xmlns="{main}">{shared}</sst>')
        z.writestr(
            "xl/s.xml",
            f'<worksheet xmlns="{main}"><sheetData>{HEADER_ROW}{rows_xml}</sheetData>'
            f"{tail}</worksheet>",
        )
    return path


NAMED: dict[str, Any] = {"code": "编号*", "name": "名称"}


@pytest.mark.parametrize(
    ("rows_xml", "said"),
    [
        ('<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>', "row 2"),
        ('<row r="5"><c r="A5"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c></row>', "row 3"),
        ('<row r="99999999999999999999"><c><v>1</v></c></row>', "after row 1"),
        ('<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>', "column 1 twice"),
        ('<row r="2"><c r="A2"><is/><v>1</v></c><c r="A2"><v>2</v></c></row>', "column 1 twice"),
        ('<row r="2"><c r="A2" t="s"><v>-1</v></c></row>', "shared string -1"),
        ('<row r="2"><c r="A2" t="s"><v>7</v></c></row>', "shared string 7"),
    ],
)
def test_a_sheet_that_contradicts_itself_is_damaged_never_half_read(
    tmp_path: Path, make_feed: MakeFeed, rows_xml: str, said: str
) -> None:
    path = raw_workbook(tmp_path / "f.xlsx", rows_xml)
    e = refused(path, make_feed(NAMED, format="xlsx"))
    assert e.reason == "FORMAT"
    assert "甲县" in str(e)
    assert said in str(e)


@pytest.mark.parametrize(
    ("block", "times", "said"),
    [
        ("ZZZZ1:ZZZZ3", 1, "no column"),
        ("B3:B2", 1, "no block"),
        ("B2:B99999999999", 1, "no block"),
        ("A2:XFD30", 300, "overlap"),
        ("B40:B1048576", 300, "overlap"),
    ],
)
def test_merged_blocks_without_sense_are_refused_and_cost_no_time(
    tmp_path: Path, make_feed: MakeFeed, block: str, times: int, said: str
) -> None:
    lines = "".join(f'<row r="{i}"><c r="A{i}"><v>1</v></c></row>' for i in range(2, 50))
    merges = f"<mergeCells>{f'<mergeCell ref={chr(34)}{block}{chr(34)}/>' * times}</mergeCells>"
    path = raw_workbook(tmp_path / "f.xlsx", lines, merges)
    e = refused(path, make_feed(NAMED, format="xlsx", fill_down=["name"]))
    assert e.reason == "FORMAT"
    assert said in str(e)


def test_a_character_escaped_in_two_halves_is_one(tmp_path: Path, make_feed: MakeFeed) -> None:
    cell = '<row r="2"><c r="A2" t="str"><v>_xD83D__xDE00_</v></c></row>'
    path = raw_workbook(tmp_path / "f.xlsx", cell)
    assert rows(path, make_feed(NAMED, format="xlsx"), "code") == [("😀",)]


@pytest.mark.parametrize(
    "shared", ["<si/>" * 2_000, "<si>" + "<r><t>abcdefgh</t></r>" * 2_000 + "</si>"]
)
def test_shared_strings_are_bounded_in_number_and_in_pieces(
    tmp_path: Path, make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    monkeypatch.setattr("onesource.ingest.readers.workbook.MAX_SHARED", 100_000)
    monkeypatch.setattr("onesource.ingest.readers.workbook.MAX_CELL", 10_000)
    monkeypatch.setattr("onesource.ingest.readers.workbook._RUNS", 100)
    path = raw_workbook(tmp_path / "f.xlsx", "", shared=shared)
    assert refused(path, make_feed(NAMED, format="xlsx")).reason in ("ARCHIVE_SIZE", "CELL")


def test_a_part_of_nothing_but_empty_texts_is_cut_short(
    tmp_path: Path, make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onesource.ingest.readers.workbook.MAX_STRINGS", 1_000)
    feed = make_feed(NAMED, format="xlsx")
    head = "<si><t>编号</t></si><si><t>名称</t></si>"
    row = '<row r="2"><c r="A2" t="s"><v>999</v></c></row>'
    some = raw_workbook(
        tmp_path / "some.xlsx", row, shared=head + "<si/>" * 997 + "<si><t>a</t></si>"
    )
    assert rows(some, feed, "code") == [("a",)]
    more = raw_workbook(tmp_path / "more.xlsx", row, shared=head + "<si/>" * 999)
    assert refused(more, feed).reason == "ARCHIVE_SIZE"
