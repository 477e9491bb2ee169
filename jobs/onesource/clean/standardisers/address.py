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
_MUNICIPALITIES = "北京|天津|上海|重庆"
_SHORT_PROVINCES = (
    f"{_MUNICIPALITIES}|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东"
    "|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PROVINCE = f"^(.{{2,8}}?(?:省|自治区|特别行政区)|(?:{_MUNICIPALITIES})市|(?:{_SHORT_PROVINCES}))"
# 北京路 and 山西大街 are streets everywhere; 吉林市 and 海南藏族自治州 are cities.
_NO_PROVINCE = "^(?:[东南西北中大]?[路街道巷]|大道|胡同|市|藏族)"
_CITY = "^(.{2,11}?(?:市|地区|自治州|盟))"
_COUNTY = "^(.{1,11}?(?:自治县|县|区|旗|市))"
# 杏花村镇, 杜村乡, 宁乡镇, 兑镇镇: the word for what it is may stand in the name, too.
_TOWN = (
    "^([^县区市村路号]{1,12}?(?:街道办事处|街道办|街道|村镇|村乡|乡镇|镇镇|镇|乡|苏木"
    "|(?:开发|园|示范)区))"
)
# Behind 凤城镇镇…: the second 镇 begins the next word (镇政府, 镇中心校, 镇东街).
_OF_TOWN = "^(?:[东南西北中]?大?[街路]|[内里域区办所党]|中[心学]|机关|政府|人民|卫生|小学|敬老)"
_RESIDENTS = "社区居民委员会|社区居委会|社区|居民委员会|居委会"
# 前马村社区居委会, 吴村村委会, 交通路社区居委会, 街上村委会.
_VILLAGE = (
    f"^(街?[^路街号]{{1,15}}?(?:村?(?:{_RESIDENTS}|村民委员会|村委会)|行政村|自然村|村|嘎查)"
    f"|[^路街号]{{1,8}}[路街](?:{_RESIDENTS}|村委会))"
)
_ROAD = "^([^号]{1,15}?(?:大街|大道|路|街|道|巷|胡同|弄))"
_COUNT = "0-9一二三四五六七八九十"
_GROUP = f"^第?[{_COUNT}]+(?:村民)?小?组"
_NUMBER = f"^([{_COUNT}]+(?:[-之][0-9]+)?号院?)(?:[^楼].*)?$"
_BUILDING = f"([{_COUNT}A-Za-z]+(?:号楼|栋|幢|座|#楼|#))"
_UNIT = f"([{_COUNT}甲乙丙]+单元)"
_ROOM = "([A-Za-z]?[0-9]{2,5}[A-Za-z]?)(?:室|号)?$"
# A postal code in front, and what people put between the parts.
_POSTAL = "^[0-9]{6}[^0-9]"
_BETWEEN = "^[-,;.、/|]+"


def _places(context: Context, prefix: str) -> Table:
    """Every name that a province, city or county ever had, and at which levels it stands."""
    levels: dict[str, list[int]] = {}
    for row in context.codelist("gb2260").rows:
        level = 0 if row.code.endswith("0000") else 1 if row.code.endswith("00") else 2
        levels.setdefault(row.name, [0, 0, 0])[level] = 1
    columns = tuple(f"{prefix}_{c}" for c in ("name", "province", "city", "county"))
    return Table(f"places_{prefix}", columns, tuple((n, *ls) for n, ls in levels.items()))


def _short_city(context: Context) -> str:
    """A city without 市 or 地区, of two characters: 吕梁临县."""
    names = {
        row.name[:2]
        for row in context.codelist("gb2260").rows
        if row.code.endswith("00") and row.name[2:] in ("市", "地区")
    }
    return f"^({'|'.join(sorted(names))})[^市县区旗州盟]"


def _behind(x: str, part: str) -> str:
    """What follows a part, without what stands between the two."""
    return f"regexp_replace(substr({x}, length({part}) + 1), '{_BETWEEN}', '')"


def _upper_parts(context: Context) -> list[Stage]:
    return [
        {"postal": f"case when t rlike '{_POSTAL}' then left(t, 6) else '' end"},
        {"r0": _behind("t", "postal")},
        {"p0": f"regexp_extract(r0, '{_PROVINCE}', 1)"},
        {
            "province": f"case when p0 rlike '^(?:{_SHORT_PROVINCES})$' "
            f"and substr(r0, length(p0) + 1) rlike '{_NO_PROVINCE}' then '' else p0 end"
        },
        {"r1": _behind("r0", "province")},
        {"c1": f"regexp_extract(r1, '{_CITY}', 1)"},
        Lookup(_places(context, "c1"), "c1"),
        {
            "c0": "case when c1_city = 1 then c1 else "
            f"regexp_extract(r1, '{_short_city(context)}', 1) end"
        },
        {"r2": _behind("r1", "c0")},
        {"c2": f"regexp_extract(r2, '{_COUNTY}', 1)"},
        Lookup(_places(context, "c2"), "c2"),
        {
            "county": "case when c2_county = 1 then c2 else '' end",
            # The short name of a city counts where a county follows.
            "city": "case when c1_city = 1 or c2_county = 1 then c0 else '' end",
        },
        {"r3": "case when city = c0 then " + _behind("r2", "county") + " else r1 end"},
    ]


def _lower_parts() -> list[Stage]:
    return [
        {"town0": f"regexp_extract(r3, '{_TOWN}', 1)"},
        {
            "town": "case when town0 rlike '镇镇$' and substr(r3, length(town0) + 1) rlike "
            f"'{_OF_TOWN}' then left(town0, length(town0) - 1) else town0 end"
        },
        {"r4": _behind("r3", "town")},
        {"village": f"regexp_extract(r4, '{_VILLAGE}', 1)"},
        {"r5": f"regexp_replace({_behind('r4', 'village')}, '{_GROUP}', '')"},
        {"road": f"regexp_extract(r5, '{_ROAD}', 1)"},
        {"r6": _behind("r5", "road")},
        {"door": f"regexp_extract(r6, '{_NUMBER}', 1)"},
        {"r7": _behind("r6", "door")},
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
                postal="case when verdict = 'OK' then postal end",
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
