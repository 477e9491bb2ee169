"""Codes: code lists, industries, diagnoses, operations.

A code is text: leading zeros are part of it, and are given back where a spreadsheet took them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from onesource.clean.standardisers.model import (
    Argument,
    Context,
    Lookup,
    Request,
    Stage,
    Standardiser,
    Table,
)
from onesource.clean.standardisers.sql import (
    EMPTY_OR_BAD,
    UNREADABLE,
    cleaned,
    detail,
    flag,
    upper,
)


def _code(request: Request) -> Sequence[Stage]:
    width = int(request.args.get("width", 0))
    listed = request.args.get("list")
    codes, names = _listed(request.context, listed) if listed else (None, None)
    padded = f"lpad(u, {width}, '0')" if width else "u"
    stages: list[Stage] = [
        *cleaned(spaces=True),
        # Codes are not calculated with: 33000.0 is a code that a spreadsheet made a number.
        {"u": "case when t rlike '^[0-9]+[.]0+$' then regexp_replace(t, '[.]0+$', '') else t end"},
        {
            "k": f"case when {width} > 0 and u rlike '^[0-9]+$' and length(u) < {width} "
            f"then {padded} else u end"
        },
    ]
    if codes is None or names is None:
        known = "true"
        value, by = "k", "cast(null as string)"
        expired = "false"
        found = "cast(null as string)"
    else:
        size = max((len(str(r[0])) for r in codes.rows), default=1)
        stages += [
            {
                "k2": f"case when k rlike '^[0-9]+$' and length(k) < {size} "
                f"then lpad(k, {size}, '0') when k rlike '^0+[0-9]{{{size}}}$' "
                f"then right(k, {size}) else k end"
            },
            Lookup(codes, "k"),
            Lookup(_renamed(codes, "padded"), "k2"),
            Lookup(names, "replace(t, ' ', '')"),
        ]
        value = (
            "case when list_name is not null then k when padded_name is not null then k2 "
            "else named_code end"
        )
        known = f"({value}) is not null"
        by = (
            "case when list_name is not null then null when padded_name is not null then 'padded' "
            "when named_code is not null then 'name' end"
        )
        found = "coalesce(list_name, padded_name)"
        starts, ends = "coalesce(list_from, padded_from)", "coalesce(list_to, padded_to)"
        # Of a month or a year, the whole of it must lie outside.
        expired = (
            f"coalesce(arg_date < left({starts}, cast(length(arg_date) as int)), false) "
            f"or coalesce(arg_date >= {ends}, false)"
        )
    stages.append(
        {
            "value": value,
            "verdict": f"{EMPTY_OR_BAD}when not ({known}) then 'CODE_UNKNOWN' "
            f"when {expired} then 'EXPIRED' else 'OK' end",
            "detail": detail(
                unreadable=UNREADABLE,
                by=by,
                name=found,
                padded=flag(f"bad is null and {width} > 0 and k <> u"),
                number=flag("bad is null and u <> t"),
            ),
        }
    )
    return stages


def _listed(context: Context, name: str) -> tuple[Table, Table]:
    """A code list by code (with the whole time in which it holds) and by unambiguous name."""
    rows: dict[str, tuple[str, str | None, str | None]] = {}
    by_name: dict[str, set[str]] = {}
    for r in context.codelist(name).rows:
        before = rows.get(r.code)
        starts = r.valid_from if before is None else _least(before[1], r.valid_from)
        ends = r.valid_to if before is None else _most(before[2], r.valid_to)
        rows[r.code] = (r.name, starts, ends)
        for name in {r.name, r.name.replace(" ", ""), *_shortened(r.name)}:
            by_name.setdefault(name, set()).add(r.code)
    codes = tuple((code, *rest) for code, rest in rows.items())
    named = tuple((n, next(iter(c))) for n, c in by_name.items() if len(c) == 1 and n not in rows)
    return (
        Table(name, ("list_code", "list_name", "list_from", "list_to"), codes),
        Table(f"{name}_names", ("named_name", "named_code"), named),
    )


def _shortened(name: str) -> list[str]:
    """The official name of a sex or a people as everybody writes it: 男, 汉."""
    return [name[:-1]] if len(name) > 1 and name[-1] in "性族" else []


def _least(a: str | None, b: str | None) -> str | None:
    return None if a is None or b is None else min(a, b)


def _most(a: str | None, b: str | None) -> str | None:
    return None if a is None or b is None else max(a, b)


def _renamed(table: Table, prefix: str) -> Table:
    """The same table under other column names, to look up a second key in it."""
    columns = tuple(f"{prefix}_{c.split('_', 1)[1]}" for c in table.columns)
    return Table(f"{table.name}_{prefix}", columns, table.rows)


# GB/T 4754-2017: the last two-digit division of each section.
SECTIONS: Mapping[str, int] = {
    "A": 5,
    "B": 12,
    "C": 43,
    "D": 46,
    "E": 50,
    "F": 52,
    "G": 60,
    "H": 62,
    "I": 65,
    "J": 69,
    "K": 70,
    "L": 72,
    "M": 75,
    "N": 79,
    "O": 82,
    "P": 83,
    "Q": 85,
    "R": 90,
    "S": 96,
    "T": 97,
}


def _industry(request: Request) -> Sequence[Stage]:
    level = int(request.args.get("level", 0))
    arms = " ".join(f"when division <= {last} then '{s}'" for s, last in SECTIONS.items())
    listed = request.args.get("list")
    rows = request.context.codelist(listed).rows if listed else ()
    names = tuple({r.code: r.name for r in rows}.items())
    table = Table("industries", ("industry_code", "industry_name"), names)
    return [
        *cleaned(),
        {"u": f"regexp_replace({upper('t')}, '[.]0+$', '')"},
        {
            "letter": "case when u rlike '^[A-Z]' then left(u, 1) end",
            "digits": "case when u rlike '^[A-Z]?[0-9]{0,4}$' "
            "then regexp_replace(u, '^[A-Z]', '') end",
        },
        {
            "code4": f"case when {level} > 1 and length(digits) = {level} - 1 then '0' || digits "
            "when length(digits) = 1 then '0' || digits else digits end"
        },
        {"division": "try_cast(left(code4, 2) as int)"},
        {
            "section": "case when code4 = '' then letter "
            f"when division is null or division < 1 then null {arms} end"
        },
        {"k": "case when code4 = '' then letter else code4 end"},
        Lookup(table, "k"),
        {
            "value": "k",
            "verdict": f"{EMPTY_OR_BAD}"
            "when digits is null or (letter is null and digits = '') then 'FMT' "
            f"when section is null or not section rlike '^[{''.join(SECTIONS)}]$' "
            "then 'CODE_UNKNOWN' "
            "when letter is not null and letter <> section then 'FMT' "
            + ("when industry_name is null then 'CODE_UNKNOWN' " if listed else "")
            + "else 'OK' end",
            "detail": detail(
                unreadable=UNREADABLE,
                section="case when digits is not null then section end",
                level="case when digits is null then null when code4 = '' then '1' "
                "else cast(length(code4) as string) end",
                name="industry_name",
                padded=flag("digits is not null and code4 <> digits"),
            ),
        },
    ]


ICD10 = {
    "yibao": "[A-Z][0-9]{2}[.][0-9x][0-9]{2}(?:x[0-9]{3})?"
    "(?:[+](?:[A-Z][0-9]{2}(?:[.][0-9x][0-9]{0,2}(?:x[0-9]{3})?)?[*]?)?)?[*†+]?",
    "gb": "[A-Z][0-9]{2}[.][0-9x][0-9]{2}[*†+]?",
}
# 86.700x0013 and 86.700x0014 are in the edition as they stand, of all codes these two.
ICD9 = "[0-9]{2}[.][0-9][0-9x][0-9]{2}(?:x[0-9]{3})?|17[.]9[0-9A-Z]{4}|86[.]700x001[34]"


def _listed_names(request: Request) -> tuple[list[Stage], str]:
    """A look-up of `k` in the argument `list`, and the condition of not being in it."""
    listed = request.args.get("list")
    if not listed:
        return [{"listed_name": "cast(null as string)"}], "false"
    request.context.codelist(listed)
    table = _names_of(request.context, listed)
    return [Lookup(table, "k")], "listed_name is null"


def _names_of(context: Context, listed: str) -> Table:
    rows = {r.code: r.name for r in context.codelist(listed).rows}
    return Table("listed", ("listed_code", "listed_name"), tuple(rows.items()))


def _icd10(request: Request) -> Sequence[Stage]:
    pattern = ICD10[request.args.get("system", "yibao")]
    lookup, unknown = _listed_names(request)
    return [
        *cleaned(),
        {"u": f"translate({upper('t')}, '。＋×', '.+X')"},
        # The placeholder x is small; X is also a chapter's letter, first and after a dagger.
        {"k": "left(u, 1) || replace(translate(substr(u, 2), 'X', 'x'), '+x', '+X')"},
        *lookup,
        {
            "value": "k",
            "verdict": f"{EMPTY_OR_BAD}when k rlike '^(?:{pattern})$' then "
            f"case when {unknown} then 'CODE_UNKNOWN' else 'OK' end "
            "when k rlike '^[A-Z][0-9]{2}(?:[.][0-9x]?[0-9]?)?$' then 'INCOMPLETE' else 'FMT' end",
            "detail": detail(
                unreadable=UNREADABLE,
                category="case when k rlike '^[A-Z][0-9]{2}' then left(k, 3) end",
                dagger=flag("k like '%+%' or k like '%*%'"),
                name="listed_name",
                changed=flag("bad is null and k <> raw and length(k) > 0"),
            ),
        },
    ]


def _icd9cm3(request: Request) -> Sequence[Stage]:
    lookup, unknown = _listed_names(request)
    return [
        *cleaned(),
        {"u": f"translate({upper('t')}, '。×', '.X')"},
        {"full": "case when u rlike '^[0-9][.]' then '0' || u else u end"},
        {"k": "case when full rlike '^17[.]9' then full else translate(full, 'X', 'x') end"},
        *lookup,
        {
            "value": "k",
            "verdict": f"{EMPTY_OR_BAD}when k rlike '^(?:{ICD9})$' then "
            f"case when {unknown} then 'CODE_UNKNOWN' else 'OK' end "
            "when k rlike '^[0-9]{2}(?:[.][0-9]{0,3})?$' then 'INCOMPLETE' else 'FMT' end",
            "detail": detail(
                unreadable=UNREADABLE,
                category="case when k rlike '^[0-9]{2}' then left(k, 2) end",
                name="listed_name",
                padded=flag("full <> u"),
            ),
        },
    ]


def _width(value: str) -> str | None:
    return None if value.isdigit() and 0 < int(value) <= 64 else "a whole number from 1 to 64"


def _day(value: str) -> str | None:
    fits = re.fullmatch("[0-9]{4}(-[0-9]{2}){0,2}", value)
    return None if fits else "a day, month or year, such as 2019-01-01"


def _level(value: str) -> str | None:
    return None if value in ("2", "3", "4") else "2, 3 or 4"


def _system(value: str) -> str | None:
    return None if value in ICD10 else f"one of {', '.join(ICD10)}"


LIST = Argument("list", "代码表名称或 CSV 文件", "a code list by name, or a CSV file")

CODE = Standardiser(
    "code",
    "代码：按代码表核对，补回丢失的前导零，名称转代码",
    "A code: looked up in a list, lost leading zeros given back, a name turned into its code",
    ("OK", "EMPTY", "FMT", "CODE_UNKNOWN", "EXPIRED"),
    arguments=(
        LIST,
        Argument("width", "位数，数字不足时补前导零", "digits: shorter numbers get zeros", _width),
        Argument(
            "date", "代码应有效的日期", "the day on which the code must hold", _day, by_row=True
        ),
    ),
    build=_code,
)
INDUSTRY = Standardiser(
    "industry",
    "国民经济行业代码（GB/T 4754-2017）：门类由大类推出",
    "Industry (GB/T 4754-2017): letter, or 2 to 4 digits as text; the section follows",
    ("OK", "EMPTY", "FMT", "CODE_UNKNOWN"),
    arguments=(
        LIST,
        Argument("level", "层级位数：2、3 或 4", "digits of the level: 2, 3 or 4", _level),
    ),
    build=_industry,
)
ICD_10 = Standardiser(
    "icd10",
    "疾病诊断代码（ICD-10 医保版 2.0 或国标版）",
    "Diagnosis (ICD-10, medical insurance edition, or GB/T 14396)",
    ("OK", "EMPTY", "FMT", "INCOMPLETE", "CODE_UNKNOWN"),
    arguments=(
        LIST,
        Argument("system", "版本：yibao（默认）或 gb", "edition: yibao (default) or gb", _system),
    ),
    build=_icd10,
)
ICD_9_CM_3 = Standardiser(
    "icd9cm3",
    "手术操作代码（ICD-9-CM-3 医保版）",
    "Operation or procedure (ICD-9-CM-3, medical insurance edition)",
    ("OK", "EMPTY", "FMT", "INCOMPLETE", "CODE_UNKNOWN"),
    arguments=(LIST,),
    build=_icd9cm3,
)
