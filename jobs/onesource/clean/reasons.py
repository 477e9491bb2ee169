"""What a verdict means, in Chinese and English, for departments and engineers."""

from __future__ import annotations

# Verdicts with which a value passes: read, nothing there, or open without an end.
GOOD = frozenset({"OK", "EMPTY", "OPEN_END"})

_REASONS: dict[str, tuple[str, str]] = {
    "EMPTY": ("必填项为空", "a value that must be there is empty"),
    "TYPE": ("数值超出字段类型或精度不符", "the value does not fit the field's type"),
    "CODE_UNKNOWN": ("代码不在代码表中", "the code is not in the code list"),
    "ROW_SHAPE": ("列数与表头不一致", "the row has more or fewer cells than the header"),
    "FMT": ("格式不符", "the value is not written as it must be"),
    "DATE": ("日期不存在", "there is no such day"),
    "DATE_RANGE": ("日期超出合理范围", "the date is in the future or too long ago"),
    "CHK": ("校验码错误", "the check digit is wrong"),
    "CHK_EXCEL": (
        "号码被表格软件截断，无法恢复",
        "a spreadsheet has cut the number to 15 digits; it cannot be recovered",
    ),
    "DIV_UNKNOWN": ("行政区划代码从未使用", "the division code never existed"),
    "DIV_BEFORE_BIRTH": (
        "出生日期晚于区划代码停用日期",
        "the birth is later than the end of the division code",
    ),
    "NOT_RESIDENT_ID": ("不是居民身份号码", "this is no resident ID number"),
    "SUSPECT": ("疑似测试或占位数据", "looks like a placeholder or a test value"),
    "AMBIGUOUS": ("含义不唯一", "can be read in more than one way"),
    "UNKNOWN": ("无法识别", "cannot be recognised"),
    "ABOLISHED": ("已撤销且无继承", "was abolished and has no known successor"),
    "SPLIT": ("一个单元格内有多个值", "several values in one cell"),
    "NO_AREA": ("固定电话缺少区号", "a landline without its area code"),
    "NOT_PERSONAL": ("服务号码，非个人电话", "a service number, not a person's"),
    "RANGE": ("超出允许范围", "outside the allowed range"),
    "UNIT": ("计量单位不明", "the unit is not known"),
    "LOST_CHARACTER": ("含已丢失的字符（? 或 □）", "holds characters that were lost (? or □)"),
    "MASKED": ("已脱敏，号码不完整", "is masked: part of it is stars"),
    "NOT_RECOGNISED": ("车牌未识别或无牌", "a plate that was not recognised, or none"),
    "PROJECTED": ("是投影坐标（米），不是经纬度", "projected metres, not longitude and latitude"),
    "INCOMPLETE": ("编码不完整，只到类目或亚目", "the code stops at a category"),
    "EXPIRED": ("代码在该日期无效", "the code does not hold on that day"),
    "COLLECTOR": ("是汇总代码，不是行政区划", "a collector code, no division of its own"),
    "NOT_YET": ("该日期尚未设立", "did not exist yet on that day"),
    "PARENT_UNKNOWN": ("上级区划无法识别", "the division above it cannot be recognised"),
    "TOO_COARSE": ("区划级别过粗", "names a division above the level that is wanted"),
    "ENCODING": ("字符无法识别", "holds characters that were lost"),
}


def reason(verdict: str) -> tuple[str, str]:
    """(Chinese, English) text of a verdict; an unknown one is named."""
    return _REASONS.get(verdict, (f"不符合规则 {verdict}", f"fails the rule {verdict}"))


def reasons() -> dict[str, tuple[str, str]]:
    return dict(_REASONS)
