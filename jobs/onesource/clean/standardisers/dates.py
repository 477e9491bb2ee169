"""Dates, times and months, in the many ways in which departments write them.

Nothing is invented: a month stays a month, a two-digit year or a day/month order that nobody
said is AMBIGUOUS. All arithmetic is on whole numbers (the proleptic Gregorian calendar), so that
no engine's time zone or calendar comes in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from onesource.clean.standardisers.calendar import (
    beijing_offset,
    civil_from_days,
    days_from_civil,
)
from onesource.clean.standardisers.date_text import rewritten
from onesource.clean.standardisers.model import Argument, Request, Stage, Standardiser
from onesource.clean.standardisers.sql import (
    cleaned,
    days_in_month,
    detail,
    flag,
    is_nothing,
)

# A register holds no earlier or later day unless its contract says so (`min`, `max`).
FIRST, LAST = "1900", "2100"
# Days from 1970-01-01 to the day 0 of Excel's two counts (of the first, as it is counted from
# March 1900 on).
EXCEL_EPOCH = {"1900": -25569, "1904": -24107}
# Up to five digits that are no year of 1900 to 2199.
SERIAL = "(?:[1-9][0-9]{4}|[3-9][0-9]{3}|1[0-8][0-9]{2}|2[2-9][0-9]{2}|[1-9][0-9]{0,2})"
# The count of 1900 has a day 60 that never was, 1900-02-29: what is before it is one day later.
GHOST = 60
# 9999-12-31 in each count.
LAST_SERIAL = {"1900": 2958465, "1904": 2957003}
OPEN_END = ("长期", "长期有效", "永久", "永久有效", "无固定期限", "无限期", "至今", "今")
# 月份 ends a month only: 2017年1-7月 is no day.
DATE_PART = (
    "^([0-9]{1,4}) ?(年|[-/.]) ?([0-9]{1,2})"
    "(?: ?(月|[-/.]) ?([0-9]{1,4})(?: ?[日号])?| ?月?份?(?: ?[日号])?)"
)
HALF = "上午|下午|晚上|凌晨|早上|中午|AM|PM"
TIME_PART = (
    f"^[T, ]*({HALF}|) ?([0-9]{{1,2}})"
    "(?::([0-9]{1,2})|[时点](?:([0-9]{1,2})分?|整)?)(?:[:分]?([0-9]{1,2})(?:[.,]([0-9]{1,9}))?秒?)?"
    f" ?({HALF}|) ?(Z|UTC|GMT|[-+][0-9]{{2}}(?::?[0-9]{{2}})?|)$"
)


def _whole(text: str) -> str:
    return f"try_cast(nullif({text}, '') as bigint)"


def _numbers(excel: str | None) -> list[Stage]:
    """Bare numbers: Excel serials, Unix seconds and milliseconds, to days and seconds.

    Without `excel` a serial is `untold`: 1900 and 1904 are four years apart. Nine and twelve
    digits are seconds and milliseconds of before September 2001, unless they begin like a year.
    """
    serial = f"coalesce(u rlike '^{SERIAL}(?:[.][0-9]+)?$', false)"
    number = _whole("regexp_extract(u, '^([0-9]+)', 1)")
    early = f" + case when {number} < {GHOST} then 1 else 0 end" if excel == "1900" else ""
    never = f"serial and {number} = {GHOST}" if excel == "1900" else "false"
    last = f"coalesce(u rlike '^{LAST_SERIAL[excel]}(?:[.][0-9]+)?$', false)" if excel else "false"
    fraction = "rpad(substr(regexp_extract(u, '[.]([0-9]+)$', 1), 1, 10), 10, '0')"
    return [
        {
            "serial": serial if excel else "false",
            "untold": "false"
            if excel
            else "coalesce(u rlike '^[1-9][0-9]{4}(?:[.][0-9]+)?$', false)",
            "stamp": "case when u rlike '^(?:19|20)(?:[0-9]{7}|[0-9]{10})$' then null "
            f"when u rlike '^[1-9][0-9]{{8,9}}(?:[.][0-9]+)?$' then {number} "
            f"when u rlike '^[1-9][0-9]{{11,12}}$' then {_whole('u')} div 1000 end",
            "stamp_part": "case when u rlike '^[1-9][0-9]{11,12}$' then right(u, 3) "
            "else regexp_extract(u, '^[1-9][0-9]{8,9}[.]([0-9]{1,9})[0-9]*$', 1) end",
            # 2017071508 is a stamp of 2033 and eight o'clock on a day of 2017.
            "hourly": "coalesce(u rlike "
            "'^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])$', "
            "false)",
        },
        {
            "never": never,
            "last_day": last,
            "offset_seconds": f"case when stamp is not null then {beijing_offset('stamp')} end",
            "serial_seconds": f"case when serial then coalesce(({_whole(fraction)} * 86400 "
            "+ 5000000000) div 10000000000, 0) end",
        },
        {
            "at_seconds": "case when stamp is not null then stamp + offset_seconds "
            f"when serial then ({number} + {EXCEL_EPOCH[excel or '1900']}{early}) "
            "* 86400 + serial_seconds end",
        },
    ]


def _parts(order: str, pivot: str | None) -> list[Stage]:
    """The written date: its parts a, b, c; which is year, month, day; and the time behind it."""
    day_first = {"dmy": ("c", "b", "a"), "mdy": ("c", "a", "b"), "": ("null", "null", "null")}[
        order
    ]
    year, month, day = day_first
    short = {"dmy": ("c", "b", "a"), "mdy": ("c", "a", "b"), "": ("a", "b", "c")}[order]
    two = f"case when han then a else {short[0]} end"
    century = (
        "null"
        if pivot is None
        else f"{_whole(two)} + case when {_whole(two)} <= {int(pivot)} then 2000 else 1900 end"
    )
    return [
        {
            "a": f"regexp_extract(u, '{DATE_PART}', 1)",
            "han": f"regexp_extract(u, '{DATE_PART}', 2) = '年'",
            "b": f"regexp_extract(u, '{DATE_PART}', 3)",
            "sign": f"regexp_extract(u, '{DATE_PART}', 4)",
            "c": f"regexp_extract(u, '{DATE_PART}', 5)",
            "behind": "trim(regexp_replace(regexp_replace("
            f"u, '{DATE_PART}', ''), '^ ?[(]?(?:星期|周)[一二三四五六日天][)]?', ''))",
        },
        {
            # 2017年1-7 and 2017-7/8 may be months from and to.
            "mixed": "sign in ('-', '/', '.') and case when han then sign = '-' "
            f"else sign <> regexp_extract(u, '{DATE_PART}', 2) end",
            "form": "case when at_seconds is not null then 'number' "
            "when u rlike '^[0-9]{4}(?:年度?)?$' then 'year' when a = '' then 'none' "
            "when length(a) = 4 and length(c) <= 2 then 'year_first' "
            "when length(a) <= 2 and length(c) = 4 and not han then 'day_first' "
            "when length(a) <= 2 and (han or (length(c) between 1 and 2)) and length(c) <= 2 "
            "then 'short' else 'none' end",
        },
        {
            "y0": f"case form when 'year' then {_whole('substr(u, 1, 4)')} "
            f"when 'year_first' then {_whole('a')} when 'day_first' then {_whole(year)} "
            f"when 'short' then {century} end",
            "m0": f"case when form = 'year_first' or (form = 'short' and han) then {_whole('b')} "
            f"when form = 'day_first' then {_whole(month)} "
            f"when form = 'short' then {_whole(short[1])} end",
            "d0": f"case when form = 'year_first' or (form = 'short' and han) then {_whole('c')} "
            f"when form = 'day_first' then {_whole(day)} "
            f"when form = 'short' then {_whole(short[2])} end",
        },
    ]


def _time() -> list[Stage]:
    """The time behind the date, and the seconds by which zone and 24:00 move the day."""
    group = {"half1": 1, "h1": 2, "mi1": 3, "mi2": 4, "s1": 5, "fraction": 6, "half2": 7, "zone": 8}
    stages: list[Stage] = [
        {
            "timed": f"coalesce(behind <> '' and behind rlike '{TIME_PART}', false)",
            **{k: f"regexp_extract(behind, '{TIME_PART}', {g})" for k, g in group.items()},
        },
        {
            "half": "case when half1 <> '' then half1 else half2 end",
            "h2": f"case when timed then {_whole('h1')} end",
            "mi": f"case when timed then coalesce({_whole('mi1')}, {_whole('mi2')}, 0) end",
            "s": f"case when timed then coalesce({_whole('s1')}, 0) end",
            "zone_minutes": "case when zone in ('Z', 'UTC', 'GMT') then 0 when zone <> '' then "
            f"({_whole('substr(zone, 2, 2)')} * 60 + coalesce({_whole('right(zone, 2)')}, 0) "
            f"* case when length(zone) > 3 then 1 else 0 end) "
            "* case when left(zone, 1) = '-' then -1 else 1 end end",
        },
        {
            "h": "case when half in ('下午', '晚上', 'PM') and h2 < 12 then h2 + 12 "
            "when half in ('上午', '凌晨', '早上', 'AM') and h2 = 12 then 0 "
            "when half = '中午' and h2 < 3 then h2 + 12 else h2 end",
        },
        {
            "time_ok": "not timed or (mi < 60 and s < 60 "
            "and (h < 24 or (h = 24 and mi = 0 and s = 0)) "
            "and (h2 <= 12 or half not in ('上午', '凌晨', '早上', 'AM')) "
            "and coalesce(abs(zone_minutes) <= 840, true))",
            # Midnight, but at which end of the day.
            "midnight": "coalesce(timed and half = '晚上' and h2 = 12, false)",
            "moved": "timed and (h = 24 or coalesce(zone_minutes <> 480, false))",
        },
    ]
    return stages


def _settled() -> list[Stage]:
    """The final year, month, day and second of the day."""
    month_ok = "(m0 is null or m0 between 1 and 12)"
    day_ok = f"(d0 is null or d0 between 1 and {days_in_month('y0', 'm0')})"
    return [
        {"real": f"coalesce({month_ok} and {day_ok}, false)"},
        {
            "days": "case when moved and real and d0 is not null "
            f"then {days_from_civil('y0', 'm0', 'd0')} end",
            "second0": "h * 3600 + mi * 60 + s",
        },
        {
            "total": "case when at_seconds is not null then at_seconds when days is not null "
            "then days * 86400 + second0 + (480 - coalesce(zone_minutes, 480)) * 60 end",
        },
        {"day_number": "(total + 86400000000) div 86400 - 1000000"},
        *civil_from_days("day_number"),
        {
            "y": "case when total is not null then civil_y else y0 end",
            "m": "case when total is not null then civil_m else m0 end",
            "d": "case when total is not null then civil_d else d0 end",
            "parts": "regexp_replace("
            "case when stamp is not null then stamp_part else fraction end, '0+$', '')",
            "second": "case when total is not null then total - day_number * 86400 "
            "else second0 end",
        },
        {
            "year_text": "lpad(cast(y as string), 4, '0')",
            "month_text": "lpad(cast(m as string), 2, '0')",
            "day_text": "lpad(cast(d as string), 2, '0')",
            "time_text": "lpad(cast(second div 3600 as string), 2, '0') || ':' "
            "|| lpad(cast(second div 60 % 60 as string), 2, '0') || ':' "
            "|| lpad(cast(second % 60 as string), 2, '0') "
            "|| case when parts <> '' then '.' || parts else '' end",
        },
    ]


def _verdict() -> str:
    open_end = ", ".join(f"'{w}'" for w in OPEN_END)
    zero = (
        "(a rlike '^0+$' and b rlike '^0+$' and c rlike '^0*$') "
        "or (y0 = 1900 and m0 = 1 and d0 = 0) or (y0 = 1 and m0 = 1 and d0 = 1) "
        "or t in ('0', '0.0', '00000000', '000000')"
    )
    return (
        "case when simple is not null and outside then 'DATE_RANGE' "
        "when simple is not null then 'OK' when bad = 'null' then 'EMPTY' "
        "when bad is not null then 'FMT' "
        f"when {is_nothing()} or t in ('不详', '未知') then 'EMPTY' "
        f"when replace(t, ' ', '') in ({open_end}) or last_day then 'OPEN_END' "
        f"when {zero} then 'EMPTY' "
        "when y0 = 9999 or u rlike '^9999-?12-?31' then 'OPEN_END' "
        "when hourly or unsure or untold or midnight or mixed then 'AMBIGUOUS' "
        "when form = 'none' then 'FMT' "
        "when behind <> '' and form <> 'year' and form <> 'number' and not timed then 'FMT' "
        "when form in ('short', 'day_first') and y0 is null then 'AMBIGUOUS' "
        "when (form <> 'number' and not real) or never then 'DATE' "
        "when not time_ok or (timed and d is null) then 'DATE' "
        "when outside then 'DATE_RANGE' "
    )


def _outside(first: str, last: str) -> str:
    """Is the value before `first` or after `last`, as far as both are told."""
    return (
        f"coalesce(left(value, {len(first)}) < left('{first}', cast(length(value) as int)) "
        f"or left(value, {len(last)}) > left('{last}', cast(length(value) as int)), false)"
    )


PRECISION = "case when d is not null then null when m is not null then 'month' else 'year' end"


def _detail(time: bool) -> str:
    parts = {
        "unreadable": "case when bad <> 'null' then bad end",
        "fullwidth": flag("folds"),
        "from": "case when serial then 'excel' when stamp is not null then 'unix' end",
        "order": "case when form = 'day_first' then 'not_year_first' "
        "when form = 'short' then 'two_digit_year' end",
        "zone": "zone",
        "serial": flag("untold"),
        "time": "case when verdict = 'OK' and (timed or second > 0) then time_text "
        "when verdict = 'DATE' and real and not time_ok then 'impossible' end",
    }
    if time:
        parts["time"] = "case when verdict = 'DATE' and real and not time_ok then 'impossible' end"
        parts["precision"] = (
            f"case when simple is not null or verdict <> 'OK' then null "
            "when d is not null and (timed or total is not null) then null "
            "when d is not null then 'day' "
            f"else {PRECISION} end"
        )
    else:
        parts["precision"] = f"case when simple is null and verdict = 'OK' then {PRECISION} end"
    return detail(**parts)


def _stages(request: Request, kind: str) -> Sequence[Stage]:
    args = request.args
    day = "(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    simple = {
        "date": f"length(raw) = 10 and raw rlike '^{day}$'",
        "month": "length(raw) = 7 and raw rlike '^(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])$'",
        "datetime": "length(raw) = 19 and raw rlike "
        f"'^{day}[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'",
    }[kind]
    day_text = "year_text || '-' || month_text || '-' || day_text"
    month_text = "case when m is null then year_text else year_text || '-' || month_text end"
    value, end = {
        "date": (
            f"simple, case when d is null then {month_text} else {day_text} end",
            "else 'OK' end",
        ),
        "month": (
            "simple, year_text || '-' || month_text",
            "when m is null then 'FMT' else 'OK' end",
        ),
        "datetime": (
            "substr(simple, 1, 10) || 'T' || substr(simple, 12), "
            f"case when d is null then {month_text} when timed or total is not null "
            f"then {day_text} || 'T' || time_text else {day_text} end",
            "else 'OK' end",
        ),
    }[kind]
    return [
        *cleaned(spaces=True, simple=simple),
        *rewritten(args.get("pivot")),
        *_numbers(args.get("excel")),
        *_parts(args.get("order", "ymd").replace("ymd", ""), args.get("pivot")),
        *_time(),
        *_settled(),
        {"value": f"coalesce({value})"},
        {"outside": _outside(args.get("min", FIRST), args.get("max", LAST))},
        {"verdict": _verdict() + end},
        {
            "detail": _detail(time=kind == "datetime")
            if kind != "month"
            else detail(
                unreadable="case when bad <> 'null' then bad end",
                fullwidth=flag("folds"),
                **{"from": "case when serial then 'excel' when stamp is not null then 'unix' end"},
                day="case when verdict = 'OK' and d is not null then day_text end",
            ),
        },
    ]


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: None if value in allowed else " or ".join(allowed)


def _bound(value: str) -> str | None:
    fits = re.fullmatch("[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?", value)
    return None if fits else "a year, a month or a day, such as 1949 or 1949-10-01"


ARGUMENTS = (
    Argument(
        "excel",
        "表格日期序号的起点：1900 或 1904；不给则序号为 AMBIGUOUS",
        "the day from which spreadsheet serials count, 1900 or 1904; without it they are AMBIGUOUS",
        _one_of("1900", "1904"),
    ),
    Argument(
        "pivot",
        "两位年份的分界：≤ 该数为 20xx，否则 19xx；不给则 AMBIGUOUS",
        "two-digit years up to this are 20xx, others 19xx; without it they are AMBIGUOUS",
        lambda v: None if re.fullmatch("[0-9]{2}", v) else "two digits, such as 30",
    ),
    Argument(
        "order",
        "日月年的次序：ymd（默认）、dmy、mdy；15/07/2017 不给则 AMBIGUOUS",
        "order of the parts: ymd (default), dmy, mdy; 15/07/2017 is AMBIGUOUS without it",
        _one_of("ymd", "dmy", "mdy"),
    ),
    Argument(
        "min", f"最早日期，默认 {FIRST} 年", f"the earliest day, month or year; {FIRST}", _bound
    ),
    Argument("max", f"最晚日期，默认 {LAST} 年", f"the latest day, month or year; {LAST}", _bound),
)
_VERDICTS = ("OK", "EMPTY", "FMT", "DATE", "DATE_RANGE", "AMBIGUOUS", "OPEN_END")


def _standardiser(name: str, zh: str, en: str) -> Standardiser:
    return Standardiser(
        name, zh, en, _VERDICTS, ARGUMENTS, build=lambda request: _stages(request, name)
    )


DATE = _standardiser(
    "date",
    "日期 YYYY-MM-DD；只有年月则保留月精度；读表格序号、Unix 时间、汉字日期",
    "A date, YYYY-MM-DD; a month stays a month (precision=month); reads serials, Unix time, 汉字",
)
DATETIME = _standardiser(
    "datetime",
    "日期时间 YYYY-MM-DDTHH:MM:SS（北京时间）；无时间则保留日精度",
    "Date and time in Beijing, YYYY-MM-DDTHH:MM:SS; a day stays a day (precision=day)",
)
MONTH = _standardiser(
    "month",
    "年月 YYYY-MM；给出具体日期时取其月份",
    "A month, YYYY-MM; of a full date, its month (the day is in the detail)",
)
