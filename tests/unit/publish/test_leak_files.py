"""The leak gate on files: what was planted is found, in the right dataset and place, unseen."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.comments import Comment

from onesource.publish.leak import Allowance, dataset_of, scan
from onesource.publish.processes import Processes
from tests.unit.publish.leak_samples import (
    DIVISIONS,
    MOBILE,
    PLATE,
    WIDE,
    card,
    ending_in,
    found,
    resident_id,
    told,
    write,
    zipped,
)

ID = resident_id()
WHOLE = int(ending_in("5"))


def parquet(folder: Path, table: pa.Table, name: str = "datasets/coal/coal.parquet") -> None:
    path = write(folder, name, "")
    pq.write_table(table, path)


def test_free_text_of_a_csv_names_column_and_row(tmp_path: Path) -> None:
    write(tmp_path, "datasets/coal/coal.csv", f'code,note\n141124,"好,\n好"\n141126,见{ID}档案\n')
    assert told(tmp_path) == [("coal", "resident_id", "column note, row 2")]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings_are_read_and_full_width_digits_too(tmp_path: Path, encoding: str) -> None:
    text = f"县,备注\n临县,{ID.translate(WIDE)}\n岚县,正常\n"
    write(tmp_path, "datasets/coal/coal.csv", text.encode(encoding))
    assert told(tmp_path) == [("coal", "resident_id", "column 备注, row 1")]


def test_one_line_of_another_encoding_is_found(tmp_path: Path) -> None:
    lines = [
        "县,备注\n".encode(),
        f"临县,{ID.translate(WIDE)}\n".encode("gb18030"),
        "岚县,好\n".encode(),
    ]
    write(tmp_path, "datasets/coal/coal.csv", b"".join(lines))
    assert ("coal", "resident_id", "line 2") in told(tmp_path)


def test_a_row_of_another_width_is_read(tmp_path: Path) -> None:
    write(tmp_path, "datasets/coal/coal.csv", f"a,b\n1,2\n1,2,{MOBILE}\n3,4\n")
    assert [t[:2] for t in told(tmp_path)] == [("coal", "mobile")]


def test_numbers_of_every_type_of_parquet_are_found(tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": pa.array([1, WHOLE, None]),
            "floating": [0.5, 2.0, float(WHOLE)],
            "amount": pa.array([None, 7, int(MOBILE)]),
            "exact": pa.array([1, WHOLE, 2]).cast(pa.decimal128(20, 0)),
            "bytes": [b"x", None, ID.encode("utf-16")],
            "list": pa.array([[], None, ["a", ID]]),
            "group": pa.array([{"note": ID}, None, {"note": "x"}]),
            "coded": pa.array(["x", "y", ID]).dictionary_encode(),
        }
    )
    parquet(tmp_path, table)
    places = {p for d, _, p in told(tmp_path) if d == "coal"}
    assert places >= {
        "column whole, row 2",
        "column floating, row 3",
        "column amount, row 3",
        "column exact, row 2",
        "column bytes, row 3",
        "column list, row 3",
        "column group, row 1",
        "column coded, row 3",
    }


def test_names_and_metadata_of_parquet_are_read(tmp_path: Path) -> None:
    table = pa.table({f"号{MOBILE}": [1]}).replace_schema_metadata({"note": f"见{ID}"})
    parquet(tmp_path, table)
    assert {(k, p) for _, k, p in told(tmp_path)} >= {
        ("mobile", "name of a column"),
        ("resident_id", "key-value metadata"),
    }


def test_every_part_of_a_workbook_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["备注", "产量"])
    sheet.append(["note", "output_t"])
    sheet.append(["正常", 1200.5])
    sheet.append([f"车{PLATE}", WHOLE])
    sheet["A3"].comment = Comment(f"见{ID}", "x")
    book.create_sheet(MOBILE)
    book.properties.title = f"卡{card()}"
    path = write(tmp_path, "datasets/coal/coal.xlsx", "")
    book.save(path)
    assert {(k, p) for _, k, p in told(tmp_path)} >= {
        ("plate", "column A (备注) of sheet Sheet, row 4"),
        ("resident_id", "column B (产量) of sheet Sheet, row 4"),
        ("resident_id", "part xl/comments/comment1.xml"),
        ("mobile", "name of a sheet"),
        ("bank_card", "part docProps/core.xml"),
    }


def test_a_cell_far_down_a_large_sheet_is_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    for row in (["备注"], ["note"], *([f"第{i}行"] for i in range(40_000)), [f"见{ID}"], ["完"]):
        sheet.append(row)
    path = write(tmp_path, "datasets/coal/coal.xlsx", "")
    book.save(path)
    assert told(tmp_path) == [("coal", "resident_id", "column A (备注) of sheet 数据, row 40003")]


def test_a_column_that_begins_far_down_is_read_under_its_heading(tmp_path: Path) -> None:
    """Names, and coordinates as numbers and as texts, in columns that are empty at first."""
    for heading, value in (("联系人", "赵某六"), ("经度", 111.150733), ("纬度", "37.517641")):
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("数据")
        sheet.append(["序号", heading])
        sheet.append(["n", "x"])
        for i in range(60_000):
            sheet.append([f"第{i}行", None])
        sheet.append(["完", value])
        path = write(tmp_path, "datasets/coal/coal.xlsx", "")
        book.save(path)
        (one,) = found(tmp_path)
        assert one.confidence == "stop"
        assert one.place == f"column B ({heading}) of sheet 数据, row 60003"


def test_a_file_name_is_read_and_never_shown(tmp_path: Path) -> None:
    write(tmp_path, f"datasets/coal/{ID}.md", "")
    (one,) = found(tmp_path)
    assert (one.dataset, one.place, one.file) == (
        "coal",
        "name of the file",
        "datasets/coal/[resident_id].md",
    )


def test_pages_are_read_as_a_reader_sees_them(tmp_path: Path) -> None:
    write(tmp_path, "datasets/coal/coal.csv", "a\n1\n")
    table = "<table><tr><th>联系人</th><th>数</th></tr><tr><td>赵某六</td><td>1</td></tr></table>"
    write(tmp_path, "coal.html", f"<p>号<b>{ID[:9]}</b><i>{ID[9:]}</i></p>\n{table}")
    assert told(tmp_path) == [
        ("coal", "resident_id", "line 1, text of the page"),
        ("coal", "person_name", "line 2, column 联系人"),
    ]


def test_a_page_of_no_dataset_is_the_releases(tmp_path: Path) -> None:
    write(tmp_path, "index.html", f"<p>{MOBILE}</p>")
    assert {t[:2] for t in told(tmp_path)} == {(None, "mobile")}


@pytest.mark.parametrize(
    ("path", "dataset"),
    [
        ("datasets/coal/coal.csv", "coal"),
        ("coal.html", "coal"),
        ("en/coal.html", "coal"),
        ("pages/coal/index.html", "coal"),
        ("index.html", None),
        ("datasets/README.md", None),
    ],
)
def test_a_file_belongs_to_the_dataset_of_its_path(path: str, dataset: str | None) -> None:
    assert dataset_of(path, {"coal"}) == dataset


def test_archives_are_opened_and_their_names_read(tmp_path: Path) -> None:
    csv = f"a,b\n1,{ID}\n".encode()
    write(tmp_path, "datasets/coal/coal.csv.gz", gzip.compress(csv))
    write(tmp_path, "datasets/coal/more.zip", zipped(**{f"{MOBILE}.csv": csv}))
    assert told(tmp_path) == [
        ("coal", "resident_id", "column b, row 1"),
        ("coal", "mobile", "name of a member"),
        ("coal", "resident_id", "member [mobile].csv, column b, row 1"),
    ]


def test_names_pass_only_with_a_legal_basis(tmp_path: Path) -> None:
    write(tmp_path, "datasets/firms/firms.csv", "uscc,legal_rep\nx,王小明\ny,市能源局\n")
    lawful = Allowance(lawful_names={"legal_rep": "《企业信息公示暂行条例》第六条"})
    assert told(tmp_path) == [("firms", "person_name", "column legal_rep, row 1")]
    assert told(tmp_path, firms=Allowance(lawful_names={"legal_rep": " "})) != []
    assert told(tmp_path, firms=lawful) == []


def test_a_lawful_column_still_may_not_hold_numbers(tmp_path: Path) -> None:
    write(tmp_path, "datasets/firms/firms.csv", f"uscc,legal_rep\nx,王小明{MOBILE}\n")
    lawful = Allowance(lawful_names={"legal_rep": "第六条"})
    assert ("firms", "mobile", "column legal_rep, row 1") in told(tmp_path, firms=lawful)


def test_a_name_beside_an_identifier_is_told(tmp_path: Path) -> None:
    write(tmp_path, "datasets/coal/coal.csv", f"what,key\n王小明,{ID}\n")
    assert ("coal", "person_name", "column what, row 1") in told(tmp_path)


@pytest.mark.parametrize(("decimals", "kinds"), [(6, set()), (4, {"coordinate"})])
def test_coordinates_are_as_coarse_as_the_contract_says(
    tmp_path: Path, decimals: int, kinds: set[str]
) -> None:
    point = '{"type":"Point","coordinates":[111.150733,37.517641]}'
    write(tmp_path, "datasets/mines/mines.geojson", f'{{"geometry":{point}}}')
    write(tmp_path, "datasets/mines/mines.csv", "lon,lat\n111.150733,37.517641\n")
    parquet(tmp_path, pa.table({"lon": [111.150733]}), "datasets/mines/mines.parquet")
    allowed = Allowance(coordinate_decimals=decimals)
    assert {t[1] for t in told(tmp_path, mines=allowed)} == kinds


def test_noise_of_floats_is_not_a_finer_coordinate(tmp_path: Path) -> None:
    parquet(tmp_path, pa.table({"lon": [111.15000000000001, 111.2]}))
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "column", ["id_token", "person_key", "_delivery_id", "transport_person_key"]
)
def test_columns_of_the_lake_are_found(tmp_path: Path, column: str) -> None:
    write(tmp_path, "datasets/coal/coal.csv", f"{column},x\nq,1\n")
    assert ("coal", "landing_token", f"column {column}") in told(tmp_path)


def test_no_finding_holds_what_was_found(tmp_path: Path) -> None:
    write(tmp_path, f"datasets/coal/{MOBILE}/{ID}.csv", f"a{ID},联系人\n{PLATE},王小明{card()}\n")
    write(tmp_path, "datasets/coal/coal.zip", zipped(**{f"{ID}/{MOBILE}.csv": ID.encode()}))
    write(tmp_path, "a.json", f'{{"联系人": "王小明", "{MOBILE}": "{ID}"}}')
    lines = " ".join(f.line() + repr(f) for f in found(tmp_path))
    assert lines
    for value in (ID, ID[:10], MOBILE, PLATE, card(), "王小明"):
        assert value not in lines


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("x.bin", b"\x00\x01", "unknown_type"),
        ("x.docm", b"text", "unknown_type"),
        ("x.parquet", b"PAR1 broken PAR1", "unreadable"),
        ("x.xlsx", b"no zip", "unreadable"),
        ("x.zip", zipped(a=b"0" * 100)[:-30], "unreadable"),
        ("x.csv.gz", gzip.compress(b"a\n1\n")[:-9], "unreadable"),
        ("x.png", b"text", "unknown_type"),
        ("x.csv.gz", gzip.compress(b"0" * (40 << 20)), "archive"),
        ("x.zip", zipped(a=b"0" * (40 << 20)), "archive"),
        ("x.zip", zipped(b=zipped(c=zipped(d=zipped(e=b"x")))), "archive"),
    ],
)
def test_what_cannot_be_looked_at_stops(
    tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    write(tmp_path, f"datasets/coal/{name}", content)
    assert ("coal", kind) in {t[:2] for t in told(tmp_path)}


def test_a_link_stops(tmp_path: Path) -> None:
    write(tmp_path, "datasets/coal/coal.csv", "a\n1\n")
    (tmp_path / "datasets/coal/more.csv").symlink_to("coal.csv")
    assert told(tmp_path) == [("coal", "unreadable", "")]


def test_a_clean_release_has_no_findings_with_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        f"1411241002{i:02d},91141100MA0GTB9K08,{i / 7},2024-06-0{i}\n" for i in range(1, 9)
    )
    write(tmp_path, "datasets/coal/coal.csv", f"village,uscc,output_t,day\n{rows}")
    write(tmp_path, "SHA256SUMS", f"{'0a1b2c3d' * 8}  datasets/coal/coal.csv\n")
    write(tmp_path, "CHANGES.md", "# 变更\n\n| 数据集 | 行 |\n|---|---|\n| coal | 8 |\n")
    monkeypatch.setattr(sys.modules[scan.__module__], "_LARGE", 0)
    with Processes(3) as processes:
        for chosen in (None, processes):
            assert scan(tmp_path, {}, processes=chosen, divisions=DIVISIONS) == []
        write(tmp_path, "datasets/coal/more.txt", resident_id())
        (found,) = scan(tmp_path, {}, processes=processes, divisions=DIVISIONS)
    assert found.file == "datasets/coal/more.txt"


def test_amounts_of_eleven_digits_are_a_warning_and_a_planted_mobile_stops(tmp_path: Path) -> None:
    gdp = [15834012345, 2834012345, 9834012345, 31834012345]
    parquet(tmp_path, pa.table({"gdp_yuan": gdp, "output_t": [1, 2, 3, int(MOBILE)]}))
    assert {(f.place, f.confidence.value) for f in found(tmp_path)} == {
        ("column gdp_yuan, row 1", "warn"),
        ("column output_t, row 4", "stop"),
    }


def test_one_card_among_a_hundred_numbers_of_its_length_is_chance(tmp_path: Path) -> None:
    numbers = [int(card()), *(1_000_000_000_000_000_003 + 7919 * i for i in range(99))]
    cards = [int(card()), *([1] * 99)]
    parquet(tmp_path, pa.table({"row_id": numbers, "other": cards}))
    assert {(f.place, f.confidence.value) for f in found(tmp_path)} == {
        ("column row_id, row 1", "warn"),
        ("column other, row 1", "stop"),
    }


def test_random_numbers_of_eighteen_digits_stop_nothing(tmp_path: Path) -> None:
    import numpy as np

    numbers = np.random.default_rng(7).integers(10**17, 10**18, 200_000)
    parquet(tmp_path, pa.table({"row_id": numbers}))
    assert told(tmp_path) == []
