"""Resident ID numbers (GB 11643-1999), 18 digits, and the 15 digits of before 1999.

The division code is that of the first assignment: most adults of Lüliang keep 1423xx for life.
It is never judged against the codes of the birth year (numbers were first issued from 1984, so
the code may be younger than the person), only against having existed at all, and against its
end: a birth after that, plus a transition, is suspicious.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    HAN,
    cleaned,
    days_in_month,
    detail,
    flag,
    upper,
)

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
MAX_AGE_YEARS = 130
# The city was approved on 2003-10-23 and recoding ended later: children of 2003 and 2004 hold
# codes that ended in 2002.
TRANSITION_YEARS = 2
# Residence permits of people from Hong Kong, Macau and Taiwan; their numbers are made alike.
PERMITS = {"810000": "hk", "820000": "macau", "830000": "taiwan"}
# Numbers printed as examples in the standard itself and in countless manuals.
SAMPLES = ("11010519491231002X", "34052419800101001X", "440524188001010014")
MINUS = "[-‐‑‒–—―−－]"
STAR = "[ХхΧχ×✕✖⨯*＊╳]"  # Cyrillic, Greek, signs


def ever_used(context: Context) -> Table:
    """Every six-digit code that was ever in use: its latest name, and the last year in which it
    was (null: still). Of several meanings the latest counts: what a number meant before 1984
    stands on no ID."""
    latest: dict[str, tuple[str, str, int | None]] = {}
    for row in context.codelist("gb2260").rows:
        end = row.valid_to or "9999"
        if row.code not in latest or end > latest[row.code][0]:
            until = int(row.valid_to[:4]) - 1 if row.valid_to else None
            latest[row.code] = (end, row.name, until)
    rows = tuple((code, name, until) for code, (_, name, until) in sorted(latest.items()))
    return Table("gb2260", ("code", "div_name", "div_until"), rows)


def _weighted_sum(n: str) -> str:
    """Σ digit × weight of the 17 digits of the whole number `n`."""
    return " + ".join(f"({n} div {10 ** (16 - i)}) % 10 * {w}" for i, w in enumerate(WEIGHTS))


# The common case: nothing to clean. (Java's $ would let a line end pass, hence the length.)
PLAIN = "length(raw) = 18 and raw rlike '^[1-9][0-9]{16}[0-9X]$'"


def _shape() -> list[Stage]:
    """From `t` to `id`: blanks and hyphens out, capitals, star to X, 15 to 18 digits."""
    return [
        {
            "u": f"case when plain then raw else "
            f"regexp_replace(regexp_replace({upper('t')}, '[.]0+$', ''), '{MINUS}|[ ]', '') end"
        },
        {
            "star": f"case when not plain and length(u) = 18 and u rlike '{STAR}$' then right(u, "
            "1) end",
            "old": "coalesce(not plain and u rlike '^[1-9][0-9]{14}$', false)",
        },
        {
            "u17": "case when old then substr(u, 1, 6) || case when substr(u, 13, 3) in "
            "('996', '997', '998', '999') then '18' else '19' end || substr(u, 7) "
            "when length(u) = 18 then substr(u, 1, 17) end",
            "last": "case when star is not null then 'X' when not old then substr(u, 18) end",
        },
        {
            "n": "case when plain or u17 rlike '^[0-9]{17}$' and (old or last rlike '^[0-9X]$') "
            "then try_cast(u17 as bigint) end",
        },
        {
            "ymd": "n div 1000 % 100000000",
            "remainder": f"({_weighted_sum('n')}) % 11",
        },
        {
            "expected": f"substr('{CHECK_DIGITS}', cast(remainder + 1 as int), 1)",
            "y": "ymd div 10000",
            "m": "ymd div 100 % 100",
            "d": "ymd % 100",
        },
        {
            "id": "u17 || case when old then expected else last end",
            "dated": f"y > 0 and m between 1 and 12 and d between 1 and {days_in_month('y', 'm')}",
        },
    ]


# What else is written into the field, in the order in which it is tried.
_OTHER = (
    ("none", "u rlike '^(?:无|没有|不详|未知|暂无|未办|未登记)' or u in ('无证', '不清')"),
    ("military", "u rlike '(?:军|士|武|警|文|兵).*字|军官证|士兵证'"),
    ("document_in_words", f"u rlike '{HAN}'"),
    ("foreign_permanent", "u rlike '^[A-Z]{3}[0-9]{12}$' or u rlike '^9[0-9]{16}[0-9X]$'"),
    ("birth_certificate", "u rlike '^[A-Z][0-9]{9}$'"),
    ("hk_macau_permit", "u rlike '^[HM][0-9]{8}(?:[0-9]{2})?$'"),
    ("passport", "u rlike '^(?:[A-Z][0-9]{8}|[A-Z]{2}[0-9]{6,8}|[A-Z][0-9]{7}|1[45][0-9]{7})$'"),
    ("disability_certificate", "u rlike '^[1-9][0-9]{16}[0-9X][0-9]{2}(?:B[0-9])?$'"),
    ("uscc", "u rlike '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-Z]{10}$' and n is null"),
)


def _resident_id(request: Request) -> Sequence[Stage]:
    transition = int(request.args.get("transition", TRANSITION_YEARS))
    if "today" in request.by_row:
        day = "cast(replace(arg_today, '-', '') as int)"
    else:
        today = request.args.get("today") or request.context.day.isoformat()
        day = str(int(today.replace("-", "")))
    other = " ".join(f"when {test} then '{kind}'" for kind, test in _OTHER)
    permit = " ".join(f"when '{code}' then '{kind}'" for code, kind in PERMITS.items())
    samples = ", ".join(f"'{s}'" for s in SAMPLES)
    nothing = "u in ('', '/', '\"\"', 'NULL', 'NONE', 'NAN', 'N/A', '#N/A', '空')"
    return [
        *cleaned(plain=PLAIN),
        *_shape(),
        {
            "code6": "substr(id, 1, 6)",
            "other": f"case when n is not null and left(u, 1) <> '9' then null {other} end",
        },
        Lookup(ever_used(request.context), "code6"),
        {
            "value": "id",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            f"when {nothing} then 'EMPTY' "
            "when other is not null then 'NOT_RESIDENT_ID' when n is null then 'FMT' "
            "when not dated then 'DATE' "
            f"when ymd > {day} or ymd < {day} - {MAX_AGE_YEARS * 10000} then 'DATE_RANGE' "
            "when not old and last <> expected then "
            "case when substr(u, 16) = '000' then 'CHK_EXCEL' else 'CHK' end "
            "when div_name is null then 'DIV_UNKNOWN' "
            f"when y > div_until + {transition} then 'DIV_BEFORE_BIRTH' "
            f"when id in ({samples}) or ymd = 19000101 then 'SUSPECT' else 'OK' end",
        },
        {
            # Of nothing there is nothing to tell.
            "detail": "case when verdict = 'EMPTY' then '' else "
            + detail(
                unreadable="case when bad <> 'null' then bad end",
                kind="other",
                length="case when bad is null and other is null and n is null "
                "and length(u) not in (0, 18) then cast(length(u) as string) end",
                excel="case when n is null and u rlike '^[1-9][.][0-9]+E[+]?1[0-9]$' then "
                "'scientific' end",
                masked=flag("n is null and u rlike '^[0-9]+[*]{2,}[0-9X]*$'"),
                fullwidth=flag("folds"),
                trimmed=flag(
                    "not plain and bad is null and length(raw) <> length(u) and length(u) > 0"
                ),
                star="case when n is not null then star end",
                **{"15to18": flag("old and n is not null")},
                div="case when n is not null then code6 end",
                div_name="div_name",
                div_until="case when n is not null then cast(div_until as string) end",
                permit=f"case code6 {permit} end",
                birth="case when dated then substr(id, 7, 4) || '-' || substr(id, 11, 2) "
                "|| '-' || substr(id, 13, 2) end",
                sex="case when n % 2 = 1 then '1' when n % 2 = 0 then '2' end",
            )
            + " end",
        },
    ]


def _whole(value: str) -> str | None:
    return None if value.isdigit() and len(value) < 4 else "a whole number of years, such as 2"


def _iso_day(value: str) -> str | None:
    from datetime import date

    try:
        date.fromisoformat(value)
    except ValueError:
        return "a day, such as 2024-06-30"
    return None if len(value) == 10 else "a day, such as 2024-06-30"


RESIDENT_ID = Standardiser(
    "resident_id",
    "公民身份号码（GB 11643）：15 位升 18 位，校验码、出生日期、历年区划",
    "Resident ID number (GB 11643): 15 digits to 18, check digit, birth date, division code ever "
    "used; detail: what was changed, division, birth, sex (GB/T 2261.1)",
    (
        "OK",
        "EMPTY",
        "FMT",
        "DATE",
        "DATE_RANGE",
        "CHK",
        "CHK_EXCEL",
        "DIV_UNKNOWN",
        "DIV_BEFORE_BIRTH",
        "NOT_RESIDENT_ID",
        "SUSPECT",
    ),
    (
        Argument(
            "transition",
            "区划代码停用后仍可签发的年数，默认 2",
            "years for which a code was still given after its end; 2",
            _whole,
        ),
        Argument(
            "today",
            "判断“未来日期”的基准日，默认当天（北京时间）；交付的数据以收到之日为准",
            "the day against which future births are judged; the present day in Beijing; of a "
            "delivery, the day of its receipt",
            _iso_day,
            by_row=True,
        ),
    ),
    build=_resident_id,
    lists=("gb2260",),
)
