"""Ways of writing a date that are first brought into the form `2017-7-15 …` or `17年7-15 …`."""

from __future__ import annotations

from onesource.clean.standardisers.model import Stage
from onesource.clean.standardisers.sql import found, upper

_DIGITS = "〇○零一二三四五六七八九"
_ONES = "一二三四五六七八九"
# 1 to 31 in Chinese numerals.
COUNTED = {
    **{c: i for i, c in enumerate(_ONES, 1)},
    "十": 10,
    **{f"十{c}": 10 + i for i, c in enumerate(_ONES, 1)},
    "二十": 20,
    "廿": 20,
    **{f"二十{c}": 20 + i for i, c in enumerate(_ONES, 1)},
    **{f"廿{c}": 20 + i for i, c in enumerate(_ONES, 1)},
    "三十": 30,
    "三十一": 31,
}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_HAN = f"^([{_DIGITS}0-9]{{2,4}})年([{_ONES}十]{{1,3}})月(?:([{_ONES}十廿]{{1,3}})[日号])?"
_HAN_YEAR = f"^([{_DIGITS}]{{4}})年"
_BLANKS = "^((?:19|20)[0-9]{2}) ([0-9]{1,2})(?: ([0-9]{1,2}))?$"
_WORD = f"({'|'.join(MONTHS)})[A-Z]*"
# 15-JUL-2017 (Oracle, English), JUL 15, 2017, 15-7月 -17 (Oracle, Chinese), 07/2017
_NAMED_DMY = f"^([0-9]{{1,2}})[- ./]{_WORD}[- ,./]+([0-9]{{4}}|[0-9]{{2}})"
_NAMED_MDY = f"^{_WORD}[. ]+([0-9]{{1,2}}),? +([0-9]{{4}})"
_ORACLE = "^([0-9]{1,2})-([0-9]{1,2})月 ?-([0-9]{4}|[0-9]{2})"
_MONTH_YEAR = "^(0?[1-9]|1[0-2])[-/.]((?:19|20)[0-9]{2})$"
_DAY = "(?:0[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:0[1-9]|1[0-2])"
# 20170715083000, 20170715T083000Z, 201707150830
_STAMP = (
    f"^[12][0-9]{{3}}{_MONTH}{_DAY}[T ]?(?:[01][0-9]|2[0-4])[0-5][0-9]"
    "(?:[0-5][0-9](?:[0-9]{3}|[.][0-9]+)?)? ?(?:Z|[-+][0-9]{2}:?[0-9]{2})?$"
)
# 15072017 or 07152017: no year begins so, and the last four digits are one.
_DMY = "^(?:0[1-9]|1[0-8]|2[1-9]|3[01])[0-9]{2}(?:19|20)[0-9]{2}$"
_DASHES = "—–−‐‑‒―"


def _piece(pattern: str, group: int) -> str:
    return f"regexp_extract(v, '{pattern}', {group})"


def rewritten(pivot: str | None) -> list[Stage]:
    """From `t` to `u`, one way of writing, and `unsure`: two readings are equally good."""
    months = {month: f"{i:02d}" for i, month in enumerate(MONTHS, 1)}
    month_word = found(
        f"coalesce(nullif({_piece(_NAMED_DMY, 2)}, ''), {_piece(_NAMED_MDY, 1)})", months, 2
    )
    named = {word: f"{n:02d}" for word, n in COUNTED.items()}
    dashed = "substr(v, 1, 4) || '-' || substr(v, 5, 2) || '-' || substr(v, 7, 2)"
    written = f"replace({upper('t')}, '[ASIA/SHANGHAI]', '')"
    return [
        {
            # 1500048000.0 and 20170715.0 are numbers that went through a float.
            "v": "case when t rlike '^[0-9]{4,14}[.]0+$' then regexp_replace(t, '[.]0+$', '') "
            f"else translate({written}, '{_DASHES}、', '{'-' * len(_DASHES)}.') end",
        },
        {
            "word": f"coalesce({month_word}, '')",
            "han_month": f"coalesce({found(_piece(_HAN, 2), named, 2)}, '')",
            "han_day": f"coalesce({found(_piece(_HAN, 3), named, 2)}, '')",
            "spaced": f"coalesce(v rlike '{_BLANKS}', false)",
            "yymmdd": f"coalesce(v rlike '^[0-9]{{2}}{_MONTH}{_DAY}$', false)",
            "yyyymm": f"coalesce(v rlike '^(?:19|20)[0-9]{{2}}{_MONTH}$', false)",
            "no_month": "coalesce(v rlike '^(?:19|20)[0-9]{2}(?:00|1[3-9])$', false)",
            "clock": f"case when v rlike '{_STAMP}' "
            "then replace(replace(substr(v, 9), 'T', ''), ' ', '') end",
        },
        {"hms": "regexp_extract(clock, '^[0-9]+', 0)"},
        {
            "u": f"case when clock is not null then {dashed} || ' ' || substr(hms, 1, 2) || ':' "
            "|| substr(hms, 3, 2) || ':' || rpad(substr(hms, 5, 2), 2, '0') "
            "|| case when length(hms) = 9 then '.' || right(hms, 3) else '' end "
            "|| substr(clock, length(hms) + 1) "
            f"when v rlike '{_DMY}' then substr(v, 1, 2) || '-' || substr(v, 3, 2) || '-' "
            "|| substr(v, 5) "
            f"when v rlike '^[12][0-9]{{7}}(?:[T ].*)?$' then {dashed} || substr(v, 9) "
            "when spaced then replace(v, ' ', '-') "
            "when yyyymm or (no_month and not yymmdd) then substr(v, 1, 4) || '-' || substr(v, 5) "
            "when yymmdd then substr(v, 1, 2) || '年' || substr(v, 3, 2) || '月' || "
            "substr(v, 5, 2) "
            f"when v rlike '{_MONTH_YEAR}' "
            f"then {_piece(_MONTH_YEAR, 2)} || '-' || {_piece(_MONTH_YEAR, 1)} "
            f"when v rlike '{_ORACLE}' then {_piece(_ORACLE, 3)} || '年' "
            f"|| {_piece(_ORACLE, 2)} || '月' || {_piece(_ORACLE, 1)} "
            f"|| regexp_replace(v, '{_ORACLE}', '') "
            f"when word <> '' and v rlike '{_NAMED_DMY}' "
            f"then {_piece(_NAMED_DMY, 3)} || '年' || word "
            f"|| '月' || {_piece(_NAMED_DMY, 1)} || regexp_replace(v, '{_NAMED_DMY}', '') "
            f"when word <> '' then {_piece(_NAMED_MDY, 3)} || '年' || word || '月' "
            f"|| {_piece(_NAMED_MDY, 2)} || regexp_replace(v, '{_NAMED_MDY}', '') "
            "when han_month <> '' "
            f"then translate({_piece(_HAN, 1)}, '{_DIGITS}', '000123456789') || '年' "
            "|| han_month || case when han_day <> '' then '月' || han_day else '' end "
            f"|| regexp_replace(v, '{_HAN}', '') "
            f"when v rlike '{_HAN_YEAR}' then translate({_piece(_HAN_YEAR, 1)}, "
            f"'{_DIGITS}', '000123456789') || substr(v, 5) "
            "else v end",
            # A cell 2017.10 that became the number 2017.1; and 200112, year and month or a short
            # date, where short dates are declared.
            "unsure": "coalesce(v rlike '^[0-9]{4}[.]1$', false)"
            + (" or (yyyymm and yymmdd)" if pivot is not None else ""),
        },
    ]
