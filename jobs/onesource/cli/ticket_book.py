"""A department's workbook of tickets: to be filled in and handed back as it is.

Everything but the five columns of the answer is locked; the answers have a drop-down. The words of
the answers are those of the code list `ticket_answer`, the headers those of `base.ticket_answer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from onesource.contracts.model import Catalogue
from onesource.run.ticket_list import reply_code

SHEET = "校核工单"
# A workbook that a person fills in; more would not open on an office computer.
MOST = 20_000
_LOCKED = (
    ("工单编号", 30),
    ("办理期限", 12),
    ("基础库", 18),
    ("对象", 26),
    ("属性", 16),
    ("值一(现用值)", 22),
    ("来源一", 20),
    ("值二", 22),
    ("来源二", 20),
    ("说明", 46),
)
_FILLED = (("答复", 16), ("更正值", 22), ("依据", 30), ("答复人", 12), ("答复日期", 13))
_HELP = (
    "一、请逐行核实“值一”与“值二”，在黄色各栏内填写；其余各栏已锁定，请勿改动、移动或增删行。",
    "二、答复（下拉选择）：",
    "　　现用值正确——“值一”正确，无需更正；",
    "　　应予更正——“值一”有误，请在“更正值”栏填写正确的值（“值二”正确的，照填“值二”）；",
    "　　非本部门职责——转下一责任部门办理。",
    "三、依据：填写文书名称、文号等。答复日期写作 2024-01-31。",
    "四、未办理的行留空，可分次报回；已答复的行再报不重复受理。",
    "五、填好后保存为 xlsx，文件名以“校核工单”开头，按原渠道交回。",
    "六、期限为工作日，按国务院办公厅节假日安排（含调休）计算；逾期列入督办。",
    "七、文件含个人信息的，按有关规定保管，办结后删除。",
)


def write_book(
    path: Path,
    rows: Sequence[dict[str, Any]],
    catalogue: Catalogue,
    *,
    department: str,
    day: str,
) -> None:
    """Writes the workbook of one department's tickets (rows of `registry.ticket`)."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = SHEET
    sheet.append([f"{department} 校核工单 {day}（共 {len(rows)} 件；填写说明见第二张表）"])
    sheet["A1"].font = Font(bold=True, size=14)
    _header(sheet)
    for row in rows:
        _line(sheet, row, catalogue)
    _choices(sheet, catalogue, last=len(rows) + 2)
    sheet.freeze_panes = "B3"
    # Not against ill will (the feed checks what comes back) but against a slip of the hand.
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.autoFilter = False
    guide = book.create_sheet("填写说明")
    for line in _HELP:
        guide.append([line])
    guide.column_dimensions["A"].width = 110
    book.save(path)


def _header(sheet: Worksheet) -> None:
    sheet.append([name for name, _ in (*_LOCKED, *_FILLED)])
    for i, (_, width) in enumerate((*_LOCKED, *_FILLED), start=1):
        cell = sheet.cell(2, i)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE5EE" if i <= len(_LOCKED) else "FFE9A8")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(i)].width = width


def _line(sheet: Worksheet, row: dict[str, Any], catalogue: Catalogue) -> None:
    contract = catalogue.tables.get(row["registry"])
    cells = (
        reply_code(row["ticket_id"], row["round"]),
        row["due_on"].isoformat(),
        contract.business_name if contract else row["registry"],
        row["entity"],
        row["attribute"],
        row["value_a"],
        _source(row["source_a"], catalogue),
        row["value_b"],
        _source(row["source_b"], catalogue),
        row["detail_zh"],
    )
    at = sheet.max_row + 1
    for i, value in enumerate(cells, start=1):
        cell = sheet.cell(at, i)
        cell.value = None if value is None else str(value)
        if value is not None:
            cell.data_type = "s"  # a delivered text that begins with = is no formula
        cell.number_format = "@"
    for i in range(len(cells) + 1, len(cells) + len(_FILLED) + 1):
        cell = sheet.cell(at, i)
        cell.protection = Protection(locked=False)
        cell.number_format = "@"
        cell.fill = PatternFill("solid", fgColor="FFF8E1")


def _source(name: str | None, catalogue: Catalogue) -> str | None:
    feed = catalogue.feeds.get(name or "")
    return feed.business_name if feed else name


def _choices(sheet: Worksheet, catalogue: Catalogue, last: int) -> None:
    words = ",".join(r.name for r in catalogue.codelists["ticket_answer"].rows)
    choice = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)
    choice.showErrorMessage = True
    choice.errorTitle, choice.error = "答复", "请从下拉列表中选择"
    sheet.add_data_validation(choice)
    column = get_column_letter(len(_LOCKED) + 1)
    choice.add(f"{column}3:{column}{max(last, 3)}")
