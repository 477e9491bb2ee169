"""What a column of a sample holds: its type, how it is read, and what could be the key.

The rules are cautious: a wrong `string` is corrected in a word, a code read as a number has lost
its zeros. No value of the sample is kept or shown.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onesource.contracts.model import City
from onesource.ingest.readers.batches import BLANK
from onesource.ingest.readers.headers import normalised

_NOTHING = frozenset(("", "-", "—", "——", "/", "\\", "无", "n/a", "na", "null", "none", "nan"))
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(
    r"[+-]?(?:\d{1,3}(?:[,，]\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+"
)
_DAY = r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日)"
_DATE = re.compile(_DAY)
_COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_MOMENT = re.compile(_DAY + r"[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_MONTH = re.compile(r"\d{4}[-/.年](?:0?[1-9]|1[0-2])月?|(?:19|20)\d{2}(?:0[1-9]|1[0-2])")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_RESIDENT = re.compile(
    r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
)
_MOBILE = re.compile(r"1[3-9]\d{9}")
_CODE_HEADER = re.compile(
    r"代码|编码|编号|号码|证号|序列号|单号|卡号|账号|电话|手机|邮编|(?:id|code|_no|phone|zip)\d*$"
)
_KEY_HEADER = re.compile(r"编号|编码|代码|(?:id|code|_no|uscc)\d*$|信用代码|单号")
_DATE_HEADER = re.compile(r"日期|时间|date|time")
# Units in the header → standardiser, the unit a bare number is in, the unit of the value.
_UNITS = {
    "吨": ("mass", "吨", "t"), "万吨": ("mass", "万吨", "t"),
    "元": ("money", "元", "yuan"), "万元": ("money", "万元", "yuan"),
    "亿元": ("money", "亿元", "yuan"),
    "千瓦时": ("energy", "千瓦时", "kWh"), "万千瓦时": ("energy", "万千瓦时", "kWh"),
    "kwh": ("energy", "kWh", "kWh"), "亩": ("area", "亩", "m2"), "公顷": ("area", "公顷", "m2"),
    "平方米": ("area", "平方米", "m2"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A field of the contract to be written."""

    header: str
    name: str = ""
    logical_type: str = "string"
    standardiser: dict[str, str] | str | None = None
    unit: str | None = None
    identifier: str | None = None
    personal: str | None = None
    origin: dict[str, Any] | None = None
    aliases: tuple[str, ...] = ()
    filled: int = 0
    different: int = 0
    key: int = 0  # place in the key, from 1
    why: str = ""  # what to look at, for the remark above it
    values: tuple[str | None, ...] = field(default=(), repr=False)


def described(
    header: str, values: Sequence[str | None], city: City, hint: str | None = None
) -> Column:
    """A column from its header and values; `hint` is the type that the file itself declares."""
    shown = tuple(_meant(v) for v in values)
    said = [v for v in shown if v is not None]
    column = Column(
        header=header, filled=len(said), different=len(set(said)), values=shown,
        logical_type=hint or "string",
    )  # fmt: skip
    if not said:
        return replace(column, why="empty in the sample")
    if hint in (None, "string"):
        column = _typed(column, said, normalised(header), city)
    return _with_unit(column)


def _meant(value: str | None) -> str | None:
    text = (value or "").strip(BLANK)
    return None if text.casefold() in _NOTHING else text


def _all(pattern: re.Pattern[str], values: Iterable[str]) -> bool:
    return all(pattern.fullmatch(v) for v in values)


def _typed(c: Column, said: list[str], header: str, city: City) -> Column:
    personal = _personal(c, said, header)
    if personal is not None:
        return personal
    if "信用代码" in header or header.endswith("uscc"):
        if sum(bool(_USCC.fullmatch(v)) for v in said) > len(said) / 2:
            return replace(c, standardiser="uscc")
        return c
    if _is_division(said, city):
        return replace(c, standardiser="division", why="read as 12-digit division codes")
    asked = header.startswith(("is_", "has_", "是否")) and set(said) <= {"0", "1"}
    if asked or {v.casefold() for v in said} <= {"true", "false"} or set(said) <= {"是", "否"}:
        return replace(c, logical_type="boolean")
    if _all(_MOMENT, said):
        return replace(c, logical_type="timestamp")
    compact = _all(_COMPACT_DATE, said)
    if _all(_DATE, said) or (compact and bool(_DATE_HEADER.search(header))):
        return replace(c, logical_type="date")
    if _all(_MONTH, said) and not _all(_INTEGER, said):
        return replace(c, standardiser="month", why="months stay months: no day is invented")
    if _all(_MONTH, said) and re.search(r"月|期|month|period", header):
        return replace(c, standardiser="month", why="months stay months: no day is invented")
    if _all(_NUMBER, said):
        return _number(c, said, header)
    return c


def _personal(c: Column, said: list[str], header: str) -> Column | None:
    """Fields that name a person; they are marked even where only some values look it."""
    most = len(said) / 2
    if sum(bool(_RESIDENT.fullmatch(v)) for v in said) > most or "身份证" in header:
        return replace(
            c, standardiser="resident_id", identifier="direct", personal="spi",
            why="names a person",
        )  # fmt: skip
    if sum(bool(_MOBILE.fullmatch(v)) for v in said) > most or re.search(
        r"电话|手机|phone|mobile", header
    ):
        return replace(
            c, standardiser="phone", identifier="direct", personal="pi", why="names a person"
        )
    if re.search(r"姓名|户主|联系人|法定代表人|负责人$|person_?name", header):
        return replace(
            c, standardiser="person_name", identifier="direct", personal="pi", why="names a person"
        )
    if re.search(r"住址|家庭地址", header):
        return replace(c, identifier="quasi", personal="pi", why="says where a person lives")
    return None


def _is_division(said: list[str], city: City) -> bool:
    codes, names = set(city.counties), set(city.counties.values())
    own = city.code[:4]
    return all(
        v in names or v in codes or (re.fullmatch(r"\d{9}|\d{12}", v) and v.startswith(own))
        for v in said
    )


def _number(c: Column, said: list[str], header: str) -> Column:
    whole = _all(_INTEGER, said)
    zeros = any(len(v) > 1 and v[0] == "0" and v[1].isdigit() for v in said)
    coded = bool(_CODE_HEADER.search(header))
    long = len({len(v) for v in said}) == 1 and len(said[0]) >= 8 and len(said) > 1
    if zeros or (whole and (coded or long)):
        return replace(c, why="digits, but a code: kept as text with its zeros")
    if whole:
        return replace(c, logical_type="integer")
    if any(len(v.lstrip("+-").partition(".")[0]) > 14 for v in said):
        return replace(c, why="numbers beyond 14 digits: kept as text")
    return replace(c, logical_type="number", why=_decimals(said))


def _decimals(said: list[str]) -> str:
    places = max(len(v.partition(".")[2]) for v in said)
    return f"up to {places} decimal places; six are kept" if places > 6 else ""


def _with_unit(c: Column) -> Column:
    if c.logical_type not in ("integer", "number") or c.standardiser:
        return c
    brackets = re.findall(r"[(\[【]([^()\[\]【】]*)[)\]】]", normalised(c.header))
    found = next((_UNITS[b] for b in brackets if b in _UNITS), None)
    if found is None:
        return c
    name, written, unit = found
    return replace(
        c, logical_type="number", standardiser={"name": name, "unit": written}, unit=unit,
        why=f"read in {written}, kept in {unit}",
    )  # fmt: skip


def with_key(columns: Sequence[Column], rows: int) -> list[Column]:
    """The columns with the shortest combination that is filled and different in every row.

    Columns that come from the file's name or the sheet always belong to it: the next file has
    other rows for other values. Empty (no `key`) when no three columns are enough.
    """
    out = list(columns)
    always = [i for i, c in enumerate(out) if c.origin]
    free = sorted(
        (i for i, c in enumerate(out) if not c.origin and c.filled == rows and _may_be_key(c)),
        key=lambda i: (_rank(out[i]), i),
    )[:12]
    for size in range(1, 4):
        for chosen in itertools.combinations(free, size):
            picked = (*always, *chosen)
            if len(set(zip(*(out[i].values for i in picked), strict=True))) == rows:
                for place, i in enumerate(sorted(picked), 1):
                    out[i] = replace(out[i], key=place)
                return out
    return out


def _may_be_key(c: Column) -> bool:
    year = c.logical_type == "number" and re.search("年份|年度|year$", normalised(c.header))
    return bool(year) or c.logical_type in ("string", "integer", "date", "timestamp")


def _rank(c: Column) -> int:
    """Codes before names before times and places before words, counts; persons last."""
    header = normalised(c.header)
    if c.identifier:
        return 6
    if "序号" in header:
        return 5
    if c.standardiser == "uscc" or _KEY_HEADER.search(header):
        return 0
    if re.search(r"名称|name$", header):
        return 1
    if c.logical_type in ("date", "timestamp") or c.standardiser in ("month", "division"):
        return 2
    if re.search(r"年份|年度|year$", header):
        return 2
    return 3 if c.logical_type == "string" else 4
