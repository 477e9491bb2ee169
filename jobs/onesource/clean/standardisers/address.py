"""Addresses: cleaned text, and its parts in the detail.

Province, city and county are recognised by the names that were ever official, from the left:
`离石区交口街道` lies in 离石区, whatever county is called 交口.
"""

from __future__ import annotations

from collections.abc import Sequence

from onesource.clean.standardisers.model import (
    Context,
    Lookup,
    Request,
    Stage,
    Standardiser,
    Table,
)
from onesource.clean.standardisers.sql import HAN, cleaned, detail, flag, is_nothing, shown

LIMIT = 300
_PROVINCE = "^(.{2,8}?(?:省|自治区|特别行政区)|北京市?|天津市?|上海市?|重庆市?)"
_CITY = "^(.{2,11}?(?:市|地区|自治州|盟))"
_COUNTY = "^(.{1,11}?(?:自治县|县|区|旗|市))"
_TOWN = "^([^县区市村路号]{1,12}?(?:街道办事处|街道办|街道|镇|乡|苏木))"
_VILLAGE = (
    "^([^路街号]{1,15}?(?:村民委员会|居民委员会|村委会|居委会|社区居委会"
    "|社区|行政村|自然村|村|嘎查))"
)
_ROAD = "^([^号]{1,15}?(?:大街|大道|路|街|道|巷|胡同|弄))"
_COUNT = "0-9一二三四五六七八九十"
_NUMBER = f"^([{_COUNT}]+(?:[-之][0-9]+)?号院?)(?:[^楼].*)?$"
_BUILDING = f"([{_COUNT}A-Za-z]+(?:号楼|栋|幢|座|#楼|#))"
_UNIT = f"([{_COUNT}甲乙丙]+单元)"
_ROOM = "([A-Za-z]?[0-9]{2,5}[A-Za-z]?)(?:室|号)?$"


def _places(context: Context, prefix: str) -> Table:
    """Every name that a province, city or county ever had, and at which levels it stands."""
    levels: dict[str, list[int]] = {}
    for row in context.codelist("gb2260").rows:
        level = 0 if row.code.endswith("0000") else 1 if row.code.endswith("00") else 2
        levels.setdefault(row.name, [0, 0, 0])[level] = 1
    columns = tuple(f"{prefix}_{c}" for c in ("name", "province", "city", "county"))
    return Table(f"places_{prefix}", columns, tuple((n, *ls) for n, ls in levels.items()))


def _upper_parts(context: Context) -> list[Stage]:
    return [
        {"province": f"regexp_extract(t, '{_PROVINCE}', 1)"},
        {"r1": "substr(t, length(province) + 1)"},
        {"c1": f"regexp_extract(r1, '{_CITY}', 1)"},
        Lookup(_places(context, "c1"), "c1"),
        {"city": "case when c1_city = 1 then c1 else '' end"},
        {"r2": "substr(r1, length(city) + 1)"},
        {"c2": f"regexp_extract(r2, '{_COUNTY}', 1)"},
        Lookup(_places(context, "c2"), "c2"),
        {"county": "case when c2_county = 1 then c2 else '' end"},
        {"r3": "substr(r2, length(county) + 1)"},
    ]


def _lower_parts() -> list[Stage]:
    return [
        {"town": f"regexp_extract(r3, '{_TOWN}', 1)"},
        {"r4": "substr(r3, length(town) + 1)"},
        {"village": f"regexp_extract(r4, '{_VILLAGE}', 1)"},
        {"r5": "substr(r4, length(village) + 1)"},
        {"road": f"regexp_extract(r5, '{_ROAD}', 1)"},
        {"r6": "substr(r5, length(road) + 1)"},
        {"door": f"regexp_extract(r6, '{_NUMBER}', 1)"},
        {"r7": "substr(r6, length(door) + 1)"},
        {
            "building": f"regexp_extract(r7, '{_BUILDING}', 1)",
            "unit": f"regexp_extract(r7, '{_UNIT}', 1)",
        },
        {
            "room": f"case when building <> '' or unit <> '' or r7 rlike '室$' "
            f"then regexp_extract(r7, '{_ROOM}', 1) else '' end",
        },
        {
            "level": "case when door <> '' or building <> '' then 5 when village <> '' or road "
            "<> '' "
            "then 4 when town <> '' then 3 when county <> '' then 2 "
            "when city <> '' or province <> '' then 1 else 0 end",
            "told": "length(province) + length(city) + length(county) + length(town) "
            "+ length(village) + length(road) + length(door) + length(building) + length(unit) "
            "+ length(room) + case when r7 rlike '室$' then 1 else 0 end",
        },
    ]


def _address(request: Request) -> Sequence[Stage]:
    parts = ("province", "city", "county", "town", "village", "road", "building", "unit", "room")
    return [
        *cleaned(limit=LIMIT),
        *_upper_parts(request.context),
        *_lower_parts(),
        {
            "value": "t",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad = 'lost' then "
            "'LOST_CHARACTER' "
            f"when bad is not null then 'FMT' when {is_nothing()} or t in ('不详', '未知') then "
            "'EMPTY' "
            "when t rlike '[?？□■]' then 'LOST_CHARACTER' "
            f"when t rlike '^测试' then 'SUSPECT' when not (t rlike '{HAN}{HAN}') then 'FMT' "
            "else 'OK' end",
        },
        {
            "detail": detail(
                unreadable="case when bad not in ('null', 'lost') then bad end",
                fullwidth=flag("folds"),
                match_level="case when verdict = 'OK' then cast(level as string) end",
                match_score="case when verdict = 'OK' then "
                "cast(cast(told as int) * 100 div length(t) as string) end",
                no="case when verdict = 'OK' then door end",
                **{p: f"case when verdict = 'OK' then {shown(p)} end" for p in parts},
            ),
        },
    ]


ADDRESS = Standardiser(
    "address",
    "地址：去空白、全角转半角，拆分省市县乡村路号楼单元室，给出匹配级别（0–5）",
    "Address: blanks out, half-width; its parts, match_level (0 none, 1 city, 2 county, 3 town, "
    "4 village or road, 5 door) and match_score (per cent of the text) in the detail",
    ("OK", "EMPTY", "FMT", "LOST_CHARACTER", "SUSPECT"),
    build=_address,
    lists=("gb2260",),
)
