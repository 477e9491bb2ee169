"""`catalog.xlsx`: the national catalogue fields (政务信息资源目录, GB/T 21063), a row a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import xlsxwriter

from onesource.publish.files.sheet import harmless
from onesource.publish.model import BuiltDataset, HeldDataset, Release

FIELDS: tuple[str, ...] = (
    "数据集名称",
    "英文名",
    "目录代码",
    "摘要",
    "关键字",
    "主题",
    "数据提供方",
    "数据提供方统一社会信用代码",
    "共享属性",
    "开放属性",
    "开放条件",
    "信息公开属性",
    "安全级别",
    "更新周期",
    "最后更新",
    "数据时间范围",
    "空间范围",
    "数据量（条）",
    "数据项（列）",
    "数据容量",
    "格式",
    "文件大小（字节）",
    "数据项表",
    "质量得分",
    "许可协议",
    "联系方式",
    "采集方法",
    "永久标识",
    "规范版本",
    "状态",
)


def write_catalogue(path: Path, release: Release) -> None:
    """Writes the workbook; held datasets stand in it with the reason."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_urls": False, "strings_to_formulas": False})
    try:
        book.set_properties({"title": "目录", "created": datetime(2000, 1, 1)})
        sheet = book.add_worksheet("目录")
        bold = book.add_format({"bold": True})
        for i, name in enumerate(FIELDS):
            sheet.write_string(0, i, name, bold)
        sheet.freeze_panes(1, 1)
        rows = [_built(d, release) for d in release.datasets]
        rows += [_held(d, release) for d in release.held]
        for i, row in enumerate(rows, start=1):
            for j, value in enumerate(row):
                if isinstance(value, int | float):
                    sheet.write_number(i, j, value)
                elif value:
                    sheet.write_string(i, j, harmless(value))
    finally:
        book.close()


Cell = str | int | float


def _built(d: BuiltDataset, release: Release) -> Sequence[Cell]:
    size = {f.format: f.size for f in d.files}
    covered = " 至 ".join(d.time_covered) if d.time_covered else ""
    score: Cell = d.quality.score if d.quality.score is not None else ""
    return _row(
        d,
        release,
        d.quality.served_at,
        covered,
        d.rows,
        "、".join(size),
        size.get("csv", 0),
        score,
        "开放",
    )


def _held(d: HeldDataset, release: Release) -> Sequence[Cell]:
    return _row(d, release, "", "", "", "", "", "", f"本期未开放：{d.reason_zh}")


def _row(
    d: BuiltDataset | HeldDataset,
    release: Release,
    updated: Cell,
    covered: Cell,
    rows: Cell,
    formats: Cell,
    size: Cell,
    score: Cell,
    state: str,
) -> Sequence[Cell]:
    c = d.contract
    o, p = c.open, c.properties
    items = "；".join(f"{f.business_name}({f.name}, {f.logical_type})" for f in c.fields)
    return (
        c.business_name,
        o.name_en,
        p.catalogue_code or "",
        o.summary_zh,
        "、".join(o.keywords),
        o.theme,
        release.publisher["name"],
        p.provider_uscc or "",
        p.sharing,
        p.opening,
        o.condition or "",
        p.disclosure,
        p.security_level,
        p.update_cycle or "",
        updated,
        covered,
        o.spatial,
        rows,
        len(c.fields),
        rows * len(c.fields) if isinstance(rows, int) else "",
        formats,
        size,
        items,
        score,
        o.licence,
        o.contact,
        o.method,
        p.permanent_uri or "",
        c.version,
        state,
    )
