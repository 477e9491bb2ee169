"""Telephone numbers and licence plates."""

from __future__ import annotations

from collections.abc import Sequence

from onesource.clean.standardisers.model import (
    Argument,
    Lookup,
    Request,
    Stage,
    Standardiser,
    Table,
)
from onesource.clean.standardisers.sql import cleaned, detail, flag, is_nothing, literal, upper

# Area codes with eight digits behind them everywhere; 0358 (Lüliang) has seven; elsewhere both.
EIGHT_DIGITS = "^0(?:10|2[0-9])$"
SEVEN_DIGITS = ("0358",)
# Emergency, service and toll-free numbers: they belong to no person.
SERVICE = (
    "^(?:1(?:10|12|14|17|18|19|20|21|22)|1[02][0-9]{3}|11[68][0-9]{2,3}|12[0-9]{2,4}"
    "|9[56][0-9]{3,6}|100[0-9]{2}|[48]00[0-9]{7})$"
)
# Mobile numbers typed in to fill the field.
FILLED = "^1[3-9][0-9](?:0{8}|1{8}|2{8}|3{8}|4{8}|5{8}|6{8}|7{8}|8{8}|9{8}|12345678)$|^13800138000$"
LOCAL = "[2-8][0-9]{6,7}"


def _phone(request: Request) -> Sequence[Stage]:
    area = request.args.get("area", "")
    given = literal(area)
    bare = literal(area[1:] or "-")
    simple = "length(raw) = 11 and raw rlike '^1[3-9][0-9]{9}$'"
    pair = "[0-9)] ?[、;,/|] ?[(+]?[0-9]"
    return [
        *cleaned(spaces=True),
        {
            "filled": f"case when plain and {simple} then null else "
            "regexp_replace(translate(t, '—–－‐‑−', '------'), '[.]0+$', '') end",
            "mobile": f"case when plain and {simple} then raw end",
        },
        {
            "several": f"coalesce(filled rlike '{pair}' or filled rlike "
            "'(?:^| )[(]?[0-9][-()0-9]{6,}[)]? +[(]?[01][-()0-9]{6,}$' or filled rlike "
            "'(?:^|[^0-9])1[3-9][0-9]{9} [(]?[0-9][-()0-9]{6,}$' or filled rlike "
            "'[0-9]或[0-9]', false)",
            # The extension, in its three spellings.
            "extension": "regexp_extract(filled, "
            "'(?:转|分机|ext[.]?|[xX#]|[0-9]{7,8}-)[: ]?([0-9]{1,6})$', 1)",
        },
        {
            "body": "regexp_replace(case when extension = '' then filled else "
            "substr(filled, 1, length(filled) - length(extension)) end, "
            "'(?:转|分机|ext[.]?|[xX#]|-)?[: ]?$|^(?:电话|手机|联系电话|TEL|Tel|tel)[:.]? ?', '')",
        },
        {"plus": "regexp_replace(body, '[-() ]', '')"},
        {
            "country": "coalesce(plus rlike "
            "'^(?:[+]?86|0086)(?:1[3-9][0-9]{9}|0?[1-9][0-9]{8,10})$' "
            "and (left(plus, 1) = '+' or left(plus, 2) = '00' or length(plus) > 11), false)",
        },
        {
            "digits": "case when country then regexp_replace(plus, '^(?:[+]?86|0086)', '') else "
            "plus end"
        },
        {
            "number": "case when mobile is not null then mobile "
            "when digits rlike '^01[3-9][0-9]{9}$' then substr(digits, 2) "
            "when country and digits rlike '^[2-9][0-9]{8,10}$' then '0' || digits "
            f"when {bare} <> '-' and digits rlike '^{area[1:] or 'x'}{LOCAL}$' then '0' || digits "
            "else digits end",
        },
        {
            "code": "case when number rlike '^0(?:10|2[0-9])' then left(number, 3) "
            "when number rlike '^0[3-9][0-9]{2}' then left(number, 4) "
            f"when number rlike '^{LOCAL}$' then nullif({given}, '') end",
            "subscriber": "case when number rlike '^0(?:10|2[0-9])' then substr(number, 4) "
            "when number rlike '^0' then substr(number, 5) else number end",
        },
        {
            "landline": f"coalesce(subscriber rlike '^{LOCAL}$' and case "
            f"when code rlike '{EIGHT_DIGITS}' then length(subscriber) = 8 "
            f"when code in ({', '.join(repr(c) for c in SEVEN_DIGITS)}) then length(subscriber) "
            "= 7 "
            "else code is not null end, false)",
            "is_mobile": "coalesce(number rlike '^1[3-9][0-9]{9}$', false)",
        },
        {
            "value": "case when is_mobile then number when landline then code || '-' || "
            "subscriber end",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            f"when {is_nothing()} or t in ('不详', '未知', '保密') then 'EMPTY' "
            "when several then 'SPLIT' "
            "when t rlike '[0-9][*xX＊]{3,}[0-9]*' then 'MASKED' "
            f"when number rlike '{SERVICE}' or subscriber rlike '{SERVICE}' then 'NOT_PERSONAL' "
            f"when number rlike '{FILLED}' or (length(number) >= 7 and "
            "number rlike '^(?:0+|1+|9+|12345678?9?0?1?)$') "
            "or subscriber rlike '^(?:0{7,8}|1{7,8}|9{7,8}|12345678?)$' then 'SUSPECT' "
            "when is_mobile or landline then 'OK' "
            f"when code is null and number rlike '^{LOCAL}$' then 'NO_AREA' else 'FMT' end",
            "detail": detail(
                unreadable="case when bad <> 'null' then bad end",
                fullwidth=flag("folds"),
                kind="case when several then null when is_mobile then 'mobile' "
                "when landline then 'landline' end",
                country="case when country then '86' end",
                extension="case when not several and (is_mobile or landline) then extension end",
                area="case when landline and left(number, 1) <> '0' then 'given' end",
                excel="case when t rlike '^[0-9][.][0-9]+[eE][+]?[0-9]+$' then 'scientific' end",
            ),
        },
    ]


def _area(value: str) -> str | None:
    ok = value.isdigit() and value.startswith("0") and 3 <= len(value) <= 4
    return None if ok else "an area code, such as 0358"


PHONE = Standardiser(
    "phone",
    "电话：手机 11 位；固话 0358-8221234；服务号码、占位号码、多号同格分别判定",
    "Telephone: mobile, or landline as 0358-8221234; service numbers, placeholders, several in one",
    ("OK", "EMPTY", "FMT", "NO_AREA", "NOT_PERSONAL", "SUSPECT", "SPLIT", "MASKED"),
    (Argument("area", "本地号码的区号", "area code of local numbers", _area),),
    build=_phone,
)

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_LETTER, _BOTH = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]"
# GA 36: five places, or six of a new-energy vehicle (letter first: small; last: large).
PLATE_PATTERN = (
    f"^[{PROVINCES}]{_LETTER}(?:{_BOTH}{{4}}[A-HJ-NP-Z0-9挂学警港澳]"
    f"|[DABCEFGHJK]{_BOTH}[0-9]{{4}}|[0-9]{{5}}[DF])$"
)
# What people write for a colour, and its code (JT/T 697.7).
COLOURS = {
    "蓝": "0",
    "黄": "1",
    "黑": "2",
    "白": "3",
    "渐变绿": "4",
    "黄绿双拼": "5",
    "黄绿": "5",
    "蓝白渐变": "6",
    "蓝白": "6",
    "未确定": "9",
    "绿": "11",
    "红": "12",
}


def _plate(request: Request) -> Sequence[Stage]:
    words = "|".join(sorted(COLOURS, key=len, reverse=True))
    suffix = f"_([0-9]{{1,2}})$|[-(_/,、;]?({words})色?(?:牌照?)?[)]?$|_$"
    before = f"^[(]?({words})色?(?:牌照?)?[)]?_?"
    by_word = " ".join(f"when '{w}' then '{c}'" for w, c in COLOURS.items())
    listed: tuple[tuple[str, str], ...] = ()
    if "plate_colour" in request.context.codelists:
        rows = request.context.codelist("plate_colour").rows
        listed = tuple((r.code, r.name) for r in rows)
    return [
        *cleaned(),
        {
            # Java takes a bracket in a class for a class of its own.
            "u": "regexp_replace(translate("
            f"{upper('t')}, '[]【】', '()()'), '[·•．.・∙･‧—–−―-]', '')"
        },
        {
            "colour_number": f"regexp_extract(u, '{suffix}', 1)",
            "colour_word": f"coalesce(nullif(regexp_extract(u, '{suffix}', 2), ''), "
            f"regexp_extract(u, '{before}', 1))",
            "plate": f"regexp_replace(regexp_replace(u, '{suffix}', ''), '{before}', '')",
        },
        {
            "colour": "case when colour_number <> '' then case when length(colour_number) = 2 "
            "and left(colour_number, 1) = '0' then right(colour_number, 1) else colour_number end "
            f"else case colour_word {by_word} end end",
            "formed": f"coalesce(plate rlike '{PLATE_PATTERN}', false)",
        },
        Lookup(Table("plate_colour", ("colour_code", "colour_name"), listed), "colour"),
        {
            "value": "plate",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            f"when {is_nothing()} or t in ('不详', '未知') then 'EMPTY' "
            "when u rlike '^默' or u in ('无牌', '无牌车', '无号牌', '无车牌', '未挂牌', "
            "'未悬挂', '遮挡', '未识别') "
            "then 'NOT_RECOGNISED' when not formed then 'FMT' "
            "when plate rlike '0{5}$' then 'SUSPECT' else 'OK' end",
            "detail": detail(
                unreadable="case when bad <> 'null' then bad end",
                fullwidth=flag("folds"),
                colour="colour",
                colour_name="colour_name",
                warning="case when colour is not null and colour_name is null then "
                "'colour_unknown' end",
                new_energy=flag("formed and length(plate) = 8"),
                kind="case when not formed then null when plate rlike '挂$' then 'trailer' "
                "when plate rlike '学$' then 'training' when plate rlike '警$' then 'police' end",
                province="case when not formed and u rlike '^[A-Z][A-Z0-9]{5,6}$' then "
                "'missing' end",
            ),
        },
    ]


PLATE = Standardiser(
    "plate",
    "车牌（GA 36）：去分隔点和颜色后缀，颜色（JT/T 697.7）写入说明；车辆以号牌加颜色为准",
    "Licence plate (GA 36); its colour (JT/T 697.7) is in the detail: a vehicle is plate and "
    "colour",
    ("OK", "EMPTY", "FMT", "NOT_RECOGNISED", "SUSPECT"),
    build=_plate,
    lists=("plate_colour",),
)
