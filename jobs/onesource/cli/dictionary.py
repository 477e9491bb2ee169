"""SHOW TABLES and DESCRIBE: the manifest and the contracts in an analyst's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from onesource.config import BEIJING
from onesource.contracts.model import Catalogue, CodeList, Contract, FieldSpec, Kind
from onesource.contracts.properties import History
from onesource.lake.manifest import Manifest
from onesource.run import ops_tables

if TYPE_CHECKING:
    import pyarrow as pa

TABLES_HEADER = ("table", "name_zh", "rows", "version", "served_at")
DESCRIBE_HEADER = ("column", "type", "name_zh", "unit", "description", "code_list", "key")
Row = tuple[str | None, ...]

# What every silver row carries beside its contract's fields: type, Chinese name, description.
TECHNICAL = {
    "_issues": (
        "STRUCT(field VARCHAR, verdict VARCHAR, raw VARCHAR, detail VARCHAR)[]",
        "问题标记",
        "Values that failed and became null, and rules that flagged the row.",
    ),
    "_delivery_id": ("VARCHAR", "交付编号", "The delivery that the row came in; ops.deliveries."),
    "_sheet": ("VARCHAR", "工作表", "The sheet of the workbook, where it was one."),
    "_line": ("BIGINT", "行号", "The line (row) in the delivered file."),
    "_statement_at": ("TIMESTAMP WITH TIME ZONE", "报送时间", "When the department said it."),
    "_received_at": ("TIMESTAMP WITH TIME ZONE", "接收时间", "When the file was handed in."),
    "_scope": ("VARCHAR", "报送范围", "What the statement speaks for, such as county and month."),
}
_BITEMPORAL = {
    "valid_from": ("DATE", "有效起始", "From this day it holds in the world."),
    "valid_to": ("DATE", "有效终止", "Until before this day; null: open."),
    "known_from": ("TIMESTAMP WITH TIME ZONE", "获知时间", "Since when the lake knew it."),
    "known_to": (
        "TIMESTAMP WITH TIME ZONE",
        "更正时间",
        "Until when it was believed; null: still.",
    ),
}
# Chinese names of the columns of ops tables.
_OPS_ZH = {
    "run": "运行批次", "at": "时间", "table": "数据表", "step": "步骤", "verdict": "结论",
    "version": "版本", "rows": "行数", "seconds": "耗时(秒)", "reason_zh": "原因(中文)",
    "reason_en": "原因(英文)", "inputs": "输入版本", "definition": "定义摘要", "phase": "阶段",
    "rule": "规则", "expectation": "检查类型", "dimension": "质量维度", "owner": "责任方",
    "severity": "严重程度", "success": "是否通过", "evaluated": "检查行数",
    "unexpected": "不符合行数", "unexpected_share": "不符合比例", "detail": "说明",
    "zh": "规则说明(中文)", "en": "规则说明(英文)", "who": "查询人", "command": "命令",
    "tables": "查询的表", "purpose": "用途", "statement_digest": "语句摘要",
    "people": "被查询者审计键", "file": "文件",
    "feed": "数据源", "digest": "文件摘要", "reason": "原因代码", "message": "原因",
    "delivery_id": "交付编号", "file_name": "文件名", "size": "字节数", "received_at": "接收时间",
    "statement_at": "报送时间", "statement_from": "报送时间来源", "scope": "报送范围",
    "control_rows": "控制文件行数", "outcome": "处理结果", "rows_accepted": "入库行数",
    "rows_quarantined": "问题行数", "rows_superseded": "文件内被覆盖行数",
    "is_conserved": "是否守恒", "unit": "报送单位代码", "unit_name": "报送单位", "period": "报送期",
    "due_at": "截止时间", "status": "报送状态", "release": "开放批次", "dataset": "数据集",
    "day": "日期", "event": "事项", "tickets": "校核工单", "remark": "备注",
    "place": "位置", "kind": "类别", "confidence": "把握", "masked": "遮盖后的样子",
    "count": "处数",
}  # fmt: skip
_DUCKDB = {
    "STRING": "VARCHAR",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "INT": "INTEGER",
    "LONG": "BIGINT",
}


def known_tables(catalogue: Catalogue) -> frozenset[str]:
    """Every table that SQL can name: of silver, registry, curated, ops, and the code lists."""
    lists = (f"codelist.{name}" for name in catalogue.codelists)
    return frozenset(catalogue.tables) | frozenset(ops_tables.columns()) | frozenset(lists)


def table_rows(catalogue: Catalogue, manifest: Manifest, layer: str) -> Iterator[Row]:
    """SHOW TABLES: one row per table (of the layer, if one is named), in the data's order."""
    for name, contract in catalogue.tables.items():
        if layer in ("", name.split(".", 1)[0]):
            s = manifest.tables.get(name)
            rows = str(s.rows) if s and s.rows is not None else None
            version = str(s.version) if s else None
            yield (name, contract.business_name, rows, version, _beijing(s.at) if s else None)
    for name in ops_tables.columns():
        if layer in ("", "ops"):
            yield (name, ops_tables.NAMES_ZH.get(name, ""), None, None, None)
    for codes in catalogue.codelists.values():
        if layer in ("", "codelist"):
            yield (f"codelist.{codes.name}", codes.title, str(len(codes.rows)), None, None)


def _beijing(at: str) -> str | None:
    try:
        return datetime.fromisoformat(at).astimezone(BEIJING).isoformat(timespec="seconds")
    except ValueError:
        return at or None


def column_rows(catalogue: Catalogue, table: str) -> Iterator[Row]:
    """DESCRIBE: one row per column, as the contract has it."""
    if table.startswith("codelist."):
        codes = catalogue.codelists[table.split(".", 1)[1]]
        for field in codelist_table(codes).schema:
            kind = "DATE" if field.name in _DATES else "VARCHAR"
            yield (field.name, kind, _CODELIST_ZH.get(field.name, ""), None, None, None, None)
        return
    contract = catalogue.tables.get(table)
    if contract is None:
        for name, kind in ops_tables.columns()[table].items():
            yield (name, kind, _OPS_ZH.get(name, ""), None, None, None, None)
        return
    for f in contract.fields:
        yield _field(f)
    for name, (kind, zh, description) in _technical(contract).items():
        yield (name, kind, zh, None, description, None, None)


def codelist_table(codes: CodeList) -> pa.Table:
    """A code list as a table: `code, name, parent`, its own columns, `valid_from, valid_to`."""
    import pyarrow as pa

    extra = sorted({k for row in codes.rows for k in row.extra})
    cells: dict[str, Any] = {
        n: pa.array([getattr(r, n) for r in codes.rows], pa.string())
        for n in ("code", "name", "parent")
    }
    cells |= {n: pa.array([r.extra.get(n) for r in codes.rows], pa.string()) for n in extra}
    for name in _DATES:
        days = [_day(getattr(r, name)) for r in codes.rows]
        cells[name] = pa.array(days, pa.date32())
    return pa.table(cells)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


_DATES = ("valid_from", "valid_to")
_CODELIST_ZH = {
    "code": "代码",
    "name": "名称",
    "parent": "上级代码",
    "valid_from": "生效日期",
    "valid_to": "失效日期",
}


def _technical(contract: Contract) -> dict[str, tuple[str, str, str]]:
    if contract.kind is not Kind.FEED:
        return {}
    own = contract.field_names
    extra = _BITEMPORAL if contract.history is History.BITEMPORAL else {}
    return {n: v for n, v in extra.items() if n not in own} | TECHNICAL


def _field(f: FieldSpec) -> Row:
    codes = f.properties.codelist or ", ".join(f.enum) or None
    description = " ".join(f.description.split()) or None
    key = "key" if f.primary_key else ("required" if f.required else None)
    return (
        f.name,
        duckdb_type(f.spark_type),
        f.business_name,
        f.properties.unit,
        description,
        codes,
        key,
    )


def duckdb_type(spark_type: str) -> str:
    """A contract's physical type as DuckDB names it."""
    name = re.sub(r"\s+", "", spark_type).upper()
    return _DUCKDB.get(name, name)


def labels(catalogue: Catalogue, tables: tuple[str, ...]) -> dict[str, str]:
    """Column name → Chinese name, for the columns of these tables."""
    return {
        str(row[0]): str(row[2])
        for table in reversed(tables)
        for row in column_rows(catalogue, table)
        if row[2]
    }
