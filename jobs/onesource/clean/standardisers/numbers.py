"""Numbers as departments write them: `integer`, `decimal`, and the stages of the measures.

Value: plain decimal text, exact: no exponent, no separators, no zeros that say nothing (`1234.5`,
`0.05`, `-3`). Nothing passes through a float: the decimal point is moved in the text. Only a unit
that is no finite decimal of the kind's own (亩, 顷, J, 平方尺) is divided, last of all, and rounded
half up to six places; where that took something away the detail says `rounded=6`.

How a number is read:

* Thousands are separated by `,` (or a blank) in groups of three, or not at all. What has such
  separators elsewhere (`1,5`, `1,23,456`, `0,123`, `12 34`) or several points (`1.234.567`) is
  AMBIGUOUS: it may be a decimal comma, a typing error, two numbers.
* With `decimal=,` the two signs change places: `37,589` is 37.589 and `1.234,5` is 1234.5. A lone
  `1.234` or `12.5` is then AMBIGUOUS: a separator, or a point in spite of the rule.
* 十 百 千 万 亿 multiply, also mixed (`12亿3456万`); `3万5` is AMBIGUOUS (30005, or 35000 as
  spoken).
* A unit in the cell goes before the argument `unit`, which is for bare numbers. If the argument
  itself multiplies (万元) and the cell says `1.5万` or `¥1.5`, it is AMBIGUOUS.
* Without the argument a bare number is in the kind's own unit. Where the argument is another
  field of the row and that is empty, the unit is not known: UNIT.
* Zero and negative numbers (`-1`, `−1`, `(1,234.50)`) are values; a dash alone is EMPTY.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from onesource.clean.standardisers import units as u
from onesource.clean.standardisers.model import Argument, Request, Stage, Standardiser
from onesource.clean.standardisers.sql import (
    cleaned,
    detail,
    flag,
    found,
    is_nothing,
)

UNKNOWN_WORDS = ("不详", "未知", "不明", "未统计")
WORDY = "^[A-Za-z一-鿿㎡㎥°º℃%‰/¥￥$€£]+$"


def _lead() -> str:
    """What stands before the digits, in two signs: `-`, `(` or `_`, and `¥` or `_`; or `X_`."""
    signs = {"": "_", "+": "_", "-": "-", "(": "("}
    known = {before: f"{sign}_" for before, sign in signs.items()}
    for yuan in u.YUAN_SIGNS:
        for before, sign in signs.items():
            ways = (f"{before}{yuan}", f"{yuan}{before}", f"{before}{yuan}:")
            known |= dict.fromkeys(ways, f"{sign}¥")
    known |= dict.fromkeys(u.FOREIGN_SIGNS, "X_")
    return found("replace(lead, ' ', '')", known, 2)


def _parts() -> list[Stage]:
    """From `t` to `sg` (sign and currency mark), `num`, `mult`, `word`."""
    return [
        {"w": u.normal("t")},
        {"lead": "regexp_extract(w, '^[^0-9.,]*', 0)"},
        {"body": "substr(w, length(lead) + 1)"},
        {"tail": "regexp_extract(body, '[^0-9]*$', 0)"},
        {
            "num": "left(body, length(body) - length(tail))",
            "sg": _lead(),
            "after": "replace(tail, ' ', '')",
        },
        {
            "tu": "case when left(sg, 1) = '(' then replace(after, ')', '') "
            "when after rlike '^[(][^()]+[)]$' then substr(after, 2, length(after) - 2) "
            "else after end",
            "closed": "left(sg, 1) <> '(' or after rlike '^[^()]*[)][^()]*$'",
        },
        {"mult": f"regexp_extract(tu, '^{u.MULTIPLIER}*', 0)"},
        {
            "word": "substr(tu, length(mult) + 1)",
            "power": u.power_of("mult"),
            "mixed": f"num rlike '^[0-9]+{u.MULTIPLIER}+[0-9]'",
        },
    ]


# 12亿3456万7千8百90.5: every part may be missing.
_MIXED = "^(?:([0-9]+)亿)?(?:([0-9]+)万)?(?:([0-9])千)?(?:([0-9])百)?([0-9]{1,8})((?:[.][0-9]+)?)$"


def _joined() -> list[Stage]:
    """`12亿3456` 万 → `123456` 万: the parts of a mixed number become one, `m`.

    Null where the parts do not fit into one another. `spoken`: 3万5, where the last part is one
    bare digit.
    """
    groups = ("yi", "wan", "qian", "bai", "rest", "cents")
    return [
        {
            name: f"case when mixed then regexp_extract(num, '{_MIXED}', {i}) end"
            for i, name in enumerate(groups, 1)
        },
        {
            "above": "case when bai <> '' then 2 when qian <> '' then 3 when wan <> '' then 4 "
            "when yi <> '' then 8 end",
            "upper": "case when yi = '' then wan when wan <> '' then yi || lpad(wan, 4, '0') "
            "when qian <> '' or bai <> '' then yi || '0000' else yi end",
            "hundreds": "case when bai <> '' then lpad(qian, 1, '0') || bai else qian end",
        },
        {
            "wide": "try_cast(above - power as int)",
            "spoken": "coalesce(length(rest) = 1 and cents = '' and mult = '', false)",
        },
        {
            "m": "case when not mixed then num when spoken then null "
            "when length(wan) <= 4 or yi = '' then case when length(rest) <= wide "
            "then upper || hundreds || lpad(rest, wide, '0') || cents end end"
        },
    ]


def _number(comma: bool) -> list[Stage]:
    """From `m` to `digits` and `scale` (digits · 10^-scale), `form` says how it was written."""
    swapped = "translate(m, '.,', ',.')" if comma else "m"
    lone = "when nm rlike '^[0-9]{1,3},[0-9]{3}$' then 'unclear' " if comma else ""
    groups = "(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)"
    return [
        {"nm": swapped},
        {
            "form": "case when nm rlike '^[0-9]+(?:[.][0-9]+)?$' or nm rlike '^[.][0-9]+$' "
            f"then 'plain' {lone}"
            f"when nm rlike '^[1-9][0-9]{{0,2}}{groups}(?:[.][0-9]+)?$' then 'grouped' "
            "when nm rlike '^[0-9]+(?:[.][0-9]+)?e[-+]?[0-9]{1,6}$' then 'scientific' "
            "when nm rlike '^[0-9.,][0-9., ]*$' then 'unclear' end"
        },
        {
            "mant": "case when form = 'grouped' then translate(nm, ', ', '') "
            "when form = 'scientific' then split_part(nm, 'e', 1) else nm end",
            "ex": "case when form = 'scientific' "
            "then try_cast(replace(split_part(nm, 'e', 2), '+', '') as int) else 0 end",
        },
        {"fp": "split_part(mant, '.', 2)", "ip": "split_part(mant, '.', 1)"},
        {
            "digits": "case when form in ('plain', 'grouped', 'scientific') "
            "then regexp_replace(ip || fp, '^0+', '') end",
            "scale": "try_cast(length(fp) - ex as int)",
        },
    ]


def _written() -> list[Stage]:
    """From `d` and `s` to the text."""
    bounded = f"s > -{3 * u.MAX_DIGITS} and s < {6 * u.MAX_DIGITS}"
    return [
        {
            "whole": f"case when not ({bounded}) then null when s <= 0 then d || repeat('0', -s) "
            "when length(d) > s then left(d, length(d) - s) else '' end",
            "part": f"case when not ({bounded}) then null when s <= 0 then '' "
            "else right(lpad(d, try_cast(greatest(length(d), s) as int), '0'), s) end",
        },
        {
            "wn": "regexp_replace(whole, '^0+', '')",
            "pn": "regexp_replace(part, '0+$', '')",
        },
        {
            "value": "case when simple is not null then case when contains(simple, '.') and "
            "right(simple, 1) = '0' then regexp_replace(simple, '[.]?0+$', '') else simple end "
            "else case when left(sg, 1) in ('-', '(') and wn || pn <> '' then '-' else '' end "
            "|| case when wn = '' then '0' else wn end "
            "|| case when pn = '' then '' else '.' || pn end end",
            "long": f"length(wn) + length(pn) > {u.MAX_DIGITS}",
        },
    ]


def _simple(units: u.Units, whole: bool, comma: bool, arg: str | None, told: bool) -> str:
    """The condition under which a number needs no reading, and its unit none either."""
    part = "" if whole or comma else "(?:[.][0-9]{1,18})?"
    # The second pattern keeps out what Java's $ would let pass: a line end.
    plain = f"raw rlike '^(?:0|-?[1-9][0-9]{{0,18}}){part}$' and not (raw rlike '[^-0-9.]')"
    if told:
        own = ", ".join(f"'{word}'" for word, unit in units.items() if unit == u.Unit(0))
        return f"{plain} and arg_unit in ({own})"
    multiplier, word = u.split(arg) if arg else ("", "")
    return plain if not arg or (multiplier == "" and units[word] == u.Unit(0)) else ""


def number_stages(units: u.Units, whole: bool, request: Request) -> Sequence[Stage]:
    """All stages from `raw` to the answer. units: what may stand behind the number. whole: only
    whole numbers are values."""
    comma = request.args.get("decimal") == ","
    arg, told = request.args.get("unit"), "unit" in request.by_row
    words = ", ".join(f"'{w}'" for w in UNKNOWN_WORDS)
    factor = (
        "case when shift >= 0 then f0 || repeat('0', shift) "
        "else '0.' || repeat('0', -shift - 1) || f0 end "
        "|| case when divisor > 1 then '/' || cast(divisor as string) else '' end"
    )
    return [
        *cleaned(spaces=True, simple=_simple(units, whole, comma, arg, told)),
        *_parts(),
        *_joined(),
        *_number(comma),
        *u.unit_stages(units, arg, told),
        *u.worth_stages(units),
        *_written(),
        {
            "nothing": f"{is_nothing('w')} or w in ({words})",
            "f0": "case when fives > 0 then '5' else '1' end",
        },
        {
            "verdict": "case when simple is not null then 'OK' "
            "when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            "when nothing then 'EMPTY' when num = '' then 'FMT' "
            "when sg = 'X_' then 'UNIT' when sg is null or not closed then 'FMT' "
            "when spoken or form = 'unclear' then 'AMBIGUOUS' "
            "when form is null or power is null then 'FMT' "
            f"when upower is null and word <> '' and not (word rlike '{WORDY}') then 'FMT' "
            "when upower is null or apower is null then 'UNIT' "
            "when clash then 'AMBIGUOUS' when far or value is null or long then 'RANGE' "
            + ("when pn <> '' then 'FMT' " if whole else "")
            + "else 'OK' end"
        },
        {
            "detail": "case when simple is not null or verdict = 'EMPTY' then '' else "
            + detail(
                unreadable="case when bad <> 'null' then bad end",
                unit="case when verdict <> 'FMT' then shown_unit end",
                multiplier="case when word = '' then mult end",
                mixed=flag("mixed and form is not null"),
                factor="case when (shift <> 0 or fives > 0 or divisor > 1) and verdict = 'OK' "
                f"then {factor} end",
                separator="case when form = 'grouped' and contains(nm, ' ') then 'blank' "
                f"when form = 'grouped' then '{'.' if comma else ','}' end",
                decimal="case when contains(mant, '.') and form <> 'unclear' then ',' end"
                if comma
                else "cast(null as string)",
                scientific=flag("form = 'scientific'"),
                negative="case when left(sg, 1) = '(' then 'brackets' end",
                rounded=f"case when rounded and verdict = 'OK' then '{u.ROUNDED_TO}' end",
                fullwidth=flag("folds"),
            )
            + " end"
        },
    ]


DECIMAL_SIGN = Argument(
    "decimal",
    "小数点：. 或 ,（默认 .）",
    "the decimal sign, . or ,; .",
    lambda v: None if v in (".", ",") else ". or ,",
)


VERDICTS = ("OK", "EMPTY", "FMT", "AMBIGUOUS", "UNIT", "RANGE")
INTEGER = Standardiser(
    "integer",
    "整数：识别千分位、万/亿、全角数字、负数；12.0 为 12，12.5 不是整数",
    "Whole number: separators, 万/亿, full-width digits, negatives; 12.0 is 12, 12.5 is none",
    VERDICTS,
    (DECIMAL_SIGN,),
    build=partial(number_stages, u.COUNTED, True),
)
DECIMAL = Standardiser(
    "decimal",
    "小数：精确值，识别千分位、万/亿、全角数字、科学计数、负数",
    "Exact decimal: separators, 万/亿, full-width digits, scientific notation, negatives",
    VERDICTS,
    (DECIMAL_SIGN,),
    build=partial(number_stages, u.COUNTED, False),
)
