"""The daily workbook of a county as its energy bureau writes it, to the byte the same each time.

Layout (contract energy.coal_daily): row 1 the title; row 2 the day (A2), the time of filing (G2)
and the unit (M2); rows 3 and 4 the merged header of two levels; one row a mine, a subtotal after
every ten, a total, and a footer.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

Cell = str | int | float | None

# (upper header, lower header, name of the contract's field)
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("序号", "", "row_number"),
    ("煤矿名称", "", "mine_name"),
    ("统一社会信用代码", "", "mine_uscc"),
    ("核定产能(万吨/年)", "", "capacity_t_per_year"),
    ("当月计划", "", "plan_month_t"),
    ("产量", "当日", "output_day_t"),
    ("产量", "月累", "output_month_t"),
    ("产量", "年累", "output_year_t"),
    ("洗选", "入洗量", "washed_day_t"),
    ("洗选", "精煤", "clean_coal_day_t"),
    ("销量", "当日", "sales_day_t"),
    ("销量", "月累", "sales_month_t"),
    ("库存", "", "stock_t"),
    ("平均售价(元/吨)", "", "price_yuan_per_t"),
    ("人员", "在册", "staff_registered"),
    ("人员", "下井", "staff_underground"),
    ("备注", "", "remark"),
)
FIELDS = tuple(name for _, _, name in COLUMNS)
MASSES = tuple(n for n in FIELDS if n.endswith("_t"))  # in the unit that the sheet names
FIRST_LINE = 5
_SUBTOTAL_EVERY = 10
_EPOCH = datetime(2000, 1, 1)
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sheet:
    """One county's report: what stands above, in and below the table."""

    county_name: str
    day_text: str
    filed_text: str
    unit: str
    rows: Sequence[dict[str, Cell]]
    author: str = "样例甲"


def write(path: Path, sheet: Sheet) -> list[int]:
    """Writes the workbook; returns the sheet line of every row of `sheet.rows`."""
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.title = sheet.county_name
    _head(page, sheet)
    lines = _body(page, sheet.rows)
    page.append([f"制表人：{sheet.author}", *[None] * 6, "审核人：样例乙"])
    book.properties.creator = "onesource simulate"
    book.properties.created = _EPOCH
    out = io.BytesIO()
    book.save(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fixed(out.getvalue()))
    return lines


def _head(page: Worksheet, sheet: Sheet) -> None:
    last = len(COLUMNS)
    page.cell(1, 1, f"{sheet.county_name}煤矿生产日报表").font = Font(bold=True, size=14)
    page.merge_cells(start_row=1, start_column=1, end_row=1, end_column=last)
    for column, until, text in (
        (1, 6, f"日期：{sheet.day_text}"),
        (7, 12, f"填报时间：{sheet.filed_text}"),
        (13, last, f"单位：{sheet.unit}"),
    ):
        page.cell(2, column, text)
        page.merge_cells(start_row=2, start_column=column, end_row=2, end_column=until)
    centred = Alignment(horizontal="center", vertical="center")
    start = 1
    for i, (upper, lower, _) in enumerate(COLUMNS, start=1):
        if not lower:
            page.cell(3, i, upper)
            page.merge_cells(start_row=3, start_column=i, end_row=4, end_column=i)
            continue
        page.cell(4, i, lower).alignment = centred
        if i == 1 or COLUMNS[i - 2][0] != upper:
            start = i
            page.cell(3, i, upper).alignment = centred
        if i == last or COLUMNS[i][0] != upper:
            page.merge_cells(start_row=3, start_column=start, end_row=3, end_column=i)


def _body(page: Worksheet, rows: Sequence[dict[str, Cell]]) -> list[int]:
    lines: list[int] = []
    line = FIRST_LINE
    group: list[dict[str, Cell]] = []
    for i, row in enumerate(rows, start=1):
        for column, name in enumerate(FIELDS, start=1):
            page.cell(line, column, row.get(name))
        lines.append(line)
        group.append(row)
        line += 1
        if len(group) == _SUBTOTAL_EVERY and i < len(rows):
            _total(page, line, "小计", group)
            line, group = line + 1, []
    _total(page, line, "合计", rows)
    return lines


def _total(page: Worksheet, line: int, word: str, rows: Sequence[dict[str, Cell]]) -> None:
    """A total of the cells that are numbers, as a spreadsheet's SUM takes them."""
    page.cell(line, 2, word)
    for column, name in enumerate(FIELDS, start=1):
        if name in MASSES or name == "capacity_t_per_year":
            numbers = [v for r in rows if isinstance(v := r.get(name), (int, float))]
            page.cell(line, column, round(sum(numbers), 4))


def fixed(data: bytes) -> bytes:
    """The same workbook without the time of writing: in the archive and in its properties."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(
                    rb"(<dcterms:modified[^>]*>)[^<]*(<)",
                    rb"\g<1>2000-01-01T00:00:00Z\g<2>",
                    content,
                )
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            new.writestr(info, content)
    return out.getvalue()


def bundle(path: Path, files: Sequence[Path]) -> None:
    """Puts files into one zip, as counties send a night's reports, and removes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(files):
            info = zipfile.ZipInfo(file.name, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.read_bytes())
            file.unlink()
