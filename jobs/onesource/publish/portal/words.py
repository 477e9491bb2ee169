"""How types, units, sizes and times are said to a Chinese reader."""

from __future__ import annotations

from datetime import datetime

from onesource.config import BEIJING

TYPES = {
    "string": "文本",
    "integer": "整数",
    "number": "小数",
    "boolean": "是/否",
    "date": "日期",
    "timestamp": "日期时间",
    "time": "时间",
}

# Format → what stands on the button, and for whom it is. The order is the order of the page:
# most readers open a sheet.
FORMATS = {
    "xlsx": ("XLSX", "WPS、Excel 直接打开"),
    "csv": ("CSV", "UTF-8，首行为英文列名"),
    "parquet": ("Parquet", "带类型，适合编程分析"),
    "geojson": ("GeoJSON", "地图软件打开，WGS-84 坐标"),
    "json": ("JSON", "机器可读"),
}

# Units of the contracts → Chinese. A unit that is not here is shown as it is written.
UNITS = {
    "t": "吨",
    "kt": "千吨",
    "Mt": "百万吨",
    "t/a": "吨/年",
    "kt/a": "千吨/年",
    "Mt/a": "百万吨/年",
    "t/d": "吨/日",
    "kg": "千克",
    "yuan": "元",
    "yuan/t": "元/吨",
    "yuan/kWh": "元/千瓦时",
    "10k yuan": "万元",
    "100m yuan": "亿元",
    "person": "人",
    "10k person": "万人",
    "visit": "人次",
    "household": "户",
    "piece": "件",
    "km2": "平方千米",
    "hm2": "公顷",
    "mu": "亩",
    "m": "米",
    "km": "千米",
    "m2": "平方米",
    "m3": "立方米",
    "m3/t": "立方米/吨",
    "Mm3/a": "百万立方米/年",
    "kW": "千瓦",
    "MW": "兆瓦",
    "kWh": "千瓦时",
    "MWh": "兆瓦时",
    "GWh": "吉瓦时",
    "W/m2": "瓦/平方米",
    "deg": "度",
    "a": "年",
    "d": "天",
    "h": "小时",
    "min": "分钟",
    "Cel": "℃",
    "hPa": "百帕",
    "m/s": "米/秒",
    "mm": "毫米",
    "ug/m3": "微克/立方米",
    "1": "",
}

# Units whose values may be added over the things of a county; a price or a rate may not.
ADDITIVE = {
    *("t", "kt", "Mt", "t/a", "kt/a", "Mt/a", "t/d", "kg", "yuan", "10k yuan", "100m yuan"),
    *("person", "10k person", "visit", "household", "piece", "km2", "hm2", "mu", "m2", "m3"),
    *("Mm3/a", "kW", "MW", "kWh", "MWh", "GWh"),
}

_SCALES = ((1e8, "亿"), (1e4, "万"))
# 万 before these would be said twice, or is never said.
_UNSCALED = ("万", "亿", "百", "千吨", "千瓦/", "兆", "吉", "%", "‰", "度", "年", "℃", "米", "百帕")


def unit_zh(unit: str | None) -> str:
    """`t` → `吨`; an unknown unit as it is; empty where there is none."""
    return UNITS.get(unit, unit) if unit else ""


def scaled_unit(largest: float, unit: str) -> tuple[float, str]:
    """Divisor and unit in which numbers up to `largest` read well: (10000.0, '万吨')."""
    is_chinese = not unit or "一" <= unit[0] <= "鿿"
    if is_chinese and not unit.startswith(_UNSCALED):
        for divisor, word in _SCALES:
            # 12 345 吨 is read more easily than 1.2 万吨.
            if abs(largest) >= divisor * (10 if divisor < 1e5 else 1):
                return divisor, word + unit
    return 1.0, unit


def number(value: float, decimals: int | None = None) -> str:
    """A number with grouped thousands; without `decimals`, four significant digits at most."""
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 1000 or value == int(value) else 1 if size >= 100 else 2
        text = f"{value:,.{decimals}f}" if size >= 0.01 or value == 0 else f"{value:.2g}"
    else:
        text = f"{value:,.{decimals}f}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def size(count: int) -> str:
    """Bytes as people say them: `820 B`, `12.4 KB`, `3.1 MB` (1 KB = 1024 B)."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB"):
        value /= 1024
        if value < 1024 or unit == "GB":
            break
    return f"{value:.1f} {unit}"


def beijing(moment: str) -> str:
    """An ISO time as `2026-11-24 10:05` in Beijing time; what is no time stays as it is.

    A time without an offset is taken as Beijing time, as departments write it.
    """
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if len(moment) <= 10:
        return moment
    return (at.astimezone(BEIJING) if at.tzinfo else at).strftime("%Y-%m-%d %H:%M")
