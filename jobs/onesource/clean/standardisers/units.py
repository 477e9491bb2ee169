"""The units in which departments write money, mass, energy and area, exact.

A unit is worth `5?·10^power / divisor` of its kind's own unit (yuan, tonne, kWh, m²): every unit
in use is a power of ten, half of one (斤, 两, 担: 500 g, 50 g, 50 kg), or a power of ten divided
by a small number (15 亩 = 1 公顷; 3.6 MJ = 1 kWh; 9 平方尺 = 1 m²).

Letters are compared without regard to case, so what only case tells apart is left out: `Mt` is a
million tonnes, `MT` a tonne; neither is read. A short or long ton (`ton`) is not read either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from onesource.clean.standardisers.model import Stage
from onesource.clean.standardisers.sql import (
    FOLD_FROM,
    FOLD_TO,
    LOWER,
    UPPER,
    compact,
    fold,
    found,
)

# Decimal(38) is the widest exact number that Spark, Delta and DuckDB hold.
MAX_DIGITS = 38
ROUNDED_TO = 6
# 1e99 is no measurement; it also bounds the zeros that may be written.
MAX_EXPONENT = 60
# Long division by a unit's divisor, in two halves of so many digits, so that all is a bigint.
LIMB = 15
MINUS = "−–—‐‑‒―﹣⁻"

# Multipliers as they are combined in front of a unit or behind a number: powers of ten.
_ALONE = {"": 0, "十": 1, "百": 2, "千": 3, "万": 4, "亿": 8}
_PAIRS = {"十万": 5, "百万": 6, "千万": 7, "十亿": 9, "百亿": 10, "千亿": 11, "万亿": 12}
_SHORT = {**_ALONE, **_PAIRS}
# 千克 and 千瓦时 begin with a multiplier of their own: 万千瓦时, 百万千瓦时.
POWERS = {**_SHORT, **{f"{word}千": power + 3 for word, power in _SHORT.items() if word != "千"}}
POWERS["千"] = 3
MULTIPLIERS = "十百千万亿"
MULTIPLIER = f"[{MULTIPLIERS}]"

# What is written in other ways, and stands as one sign while a value is read.
SIGNS = (
    ("m^2", "㎡"),
    ("m2", "㎡"),
    ("m3", "㎥"),
    ("㎢", "k㎡"),
    ("㏊", "ha"),
    ("㎏", "kg"),
    ("㎾", "kw"),
)
# Left out between the parts of a unit: 千瓦·时, kW·h.
DOTS = "·•⋅∙・"
YUAN_SIGNS = ("¥", "￥", "rmb", "cny", "人民币")
FOREIGN_SIGNS = ("$", "us$", "usd", "hk$", "hkd", "€", "eur", "£", "美元", "港币", "港元", "欧元")


@dataclass(frozen=True)
class Unit:
    """5^`fives` · 10^`power` / `divisor` of the kind's own unit."""

    power: int
    fives: int = 0
    divisor: int = 1


Units = Mapping[str, Unit]


def _units(*groups: tuple[str, Unit]) -> dict[str, Unit]:
    return {word: unit for words, unit in groups for word in words.split()}


MONEY = _units(
    ("元 圆 块 块钱 元整 元正 圆整 元人民币 人民币元 人民币 rmb cny yuan ¥ ￥", Unit(0)),
    ("角 毛", Unit(-1)),
    ("分", Unit(-2)),
)
MASS = _units(
    ("吨 公吨 t tonne tonnes", Unit(0)),
    ("kt", Unit(3)),
    ("公担", Unit(-1)),
    ("公斤 kg kgs", Unit(-3)),
    ("克 g", Unit(-6)),
    ("毫克 mg", Unit(-9)),
    ("斤 市斤", Unit(-4, fives=1)),
    ("两 市两", Unit(-5, fives=1)),
    ("担 市担", Unit(-2, fives=1)),
)
ENERGY = _units(
    ("kwh kw.h kw*h kw-h kw时 度 度电", Unit(0)),
    ("瓦时 瓦小时 wh", Unit(-3)),
    ("兆瓦时 兆瓦小时 mwh mw.h mw时", Unit(3)),
    ("吉瓦时 吉瓦小时 gwh gw时", Unit(6)),
    ("太瓦时 太瓦小时 twh", Unit(9)),
    ("焦 焦耳 j", Unit(-5, divisor=36)),
    ("kj", Unit(-2, divisor=36)),
    ("兆焦 兆焦耳 mj", Unit(1, divisor=36)),
    ("吉焦 吉焦耳 gj", Unit(4, divisor=36)),
    ("太焦 太焦耳 tj", Unit(7, divisor=36)),
)
AREA = _units(
    ("㎡ 平方米 平米 平方 平 sqm", Unit(0)),
    ("d㎡ 平方分米", Unit(-2)),
    ("c㎡ 平方厘米", Unit(-4)),
    ("公亩", Unit(2)),
    ("公顷 h㎡ ha", Unit(4)),
    ("k㎡ 平方公里 平方千米", Unit(6)),
    ("亩 市亩 mu", Unit(4, divisor=15)),
    ("顷 市顷", Unit(6, divisor=15)),
    ("平方尺 平方市尺", Unit(0, divisor=9)),
)
# Behind a number without a unit (`decimal`, `integer`): what is counted. % is left out: nobody
# knows whether 12 or 0.12 is meant.
COUNTED = _units(
    ("人 户 个 家 座 台 辆 次 人次 件 名 所 处 项 条 口 头 只 套 例 份 车 间 栋 眼", Unit(0)),
)


def split(text: str) -> tuple[str, str]:
    """A unit as people write it: (multiplier, unit), normalised as the expressions do."""
    word = text.translate(str.maketrans(FOLD_FROM, FOLD_TO)).lower()
    word = "".join(c for c in word if not c.isspace() and c not in DOTS)
    word = word.removeprefix("单位:").strip("()")
    for written, sign in SIGNS:
        word = word.replace(written, sign)
    multiplier = "".join(takewhile(lambda c: c in MULTIPLIERS, word))
    return multiplier, word[len(multiplier) :]


def unit_problem(units: Units, text: str) -> str | None:
    """What is wrong with a unit given as an argument, or None."""
    multiplier, word = split(text)
    if multiplier in POWERS and word in units:
        return None
    own = " ".join(units)
    return f"a unit of this kind, with or without 百 千 万 亿 before it: {own}"


def normal(x: str) -> str:
    """Small letters, one minus, units as one sign."""
    x = f"translate({x}, '{UPPER}{MINUS}{DOTS}', '{LOWER}{'-' * len(MINUS)}')"
    for written, sign in SIGNS:
        x = f"replace({x}, '{written}', '{sign}')"
    return x


def power_of(x: str) -> str:
    """The power of ten of a multiplier (SQL), null if it is none."""
    return f"try_cast({found(x, {k: f'{v:02d}' for k, v in POWERS.items()}, 2)} as int)"


def _code(unit: Unit) -> str:
    return f"{unit.power:03d}{unit.fives}{unit.divisor:02d}"


def unit_stages(units: Units, arg: str | None, told: bool) -> list[Stage]:
    """Which unit counts, as `upower`, `fives`, `divisor`, and `apower` of the argument's
    multiplier: null if it is not known. arg: the fixed argument. told: it is a field of the row.
    """
    money = units is MONEY
    codes = {word: _code(unit) for word, unit in units.items()}
    own = f"case when word <> '' then {found('word', codes, 6)} "
    own += f"when right(sg, 1) = '¥' then {repr(_code(Unit(0))) if money else 'null'} else "
    stages: list[Stage] = []
    if told:
        stages = [
            {
                "at": normal(
                    f"translate(replace({compact(fold('arg_unit'))}, '单位:', ''), '()', '')"
                )
            },
            {"amult": f"regexp_extract(at, '^{MULTIPLIER}*', 0)"},
            {"aword": "substr(at, length(amult) + 1)"},
        ]
        bare, power = found("aword", codes, 6), power_of("amult")
        shown, clash = "amult || aword", _multiplies("amult", money)
    else:
        multiplier, word = split(arg) if arg else ("", "")
        unit = units[word] if arg else Unit(0)
        bare, power = f"'{_code(unit)}'", str(POWERS[multiplier])
        shown = f"'{multiplier}{word}'" if arg else "cast(null as string)"
        clash = _multiplies(f"'{multiplier}'", money) if multiplier else "false"
    return [
        *stages,
        {
            "worth": f"{own}{bare} end",
            "apower": f"case when word <> '' or right(sg, 1) = '¥' then 0 else {power} end",
            "clash": "coalesce(word = '' and (mult <> '' or mixed or right(sg, 1) = '¥') "
            f"and {clash}, false)",
            "shown_unit": "case when word <> '' then mult || word "
            f"when right(sg, 1) = '¥' then '¥' else {shown} end",
        },
        {
            "upower": "try_cast(substr(worth, 1, 3) as int)",
            "fives": "try_cast(substr(worth, 4, 1) as int)",
            "divisor": "try_cast(substr(worth, 5, 2) as int)",
        },
    ]


def _multiplies(multiplier: str, money: bool) -> str:
    """Does the argument's unit multiply what people take for the unit: 千克 does not, 千元 does."""
    if money:
        return f"{multiplier} <> ''"
    return f"(contains({multiplier}, '万') or contains({multiplier}, '亿'))"


def worth_stages(units: Units) -> list[Stage]:
    """The unit's worth put in: `d` and `s` (d · 10^-s), or `far`: more than is held."""
    fives = any(unit.fives for unit in units.values())
    doubled = (
        f"when fives > 0 then cast(try_cast(digits as decimal({MAX_DIGITS}, 0)) * 5 as string) "
    )
    wide = f"or fives > 0 and length(digits) > {MAX_DIGITS - 2}"
    stages: list[Stage] = [
        {"shift": "power + apower + upower"},
        {
            "far": f"coalesce(length(digits) > {2 * MAX_DIGITS} or abs(ex) > {MAX_EXPONENT} "
            f"{wide if fives else ''}, false)",
            "s0": "try_cast(scale - shift as int)",
        },
        {
            "d0": "case when far or digits is null or shift is null then null "
            f"when digits = '' then '0' {doubled if fives else ''}else digits end"
        },
    ]
    if any(unit.divisor > 1 for unit in units.values()):
        return [*stages, *_divided()]
    return [*stages, {"d": "d0", "s": "s0", "rounded": "false"}]


def _divided() -> list[Stage]:
    """d0 · 10^-s0 by the divisor: floor(d0 · 10^(7 - s0) / divisor), whose last digit rounds half
    up. Long division in two halves, each a bigint."""
    more = ROUNDED_TO + 1
    return [
        {
            "top": f"case when divisor = 1 then null when s0 <= {more} "
            f"then d0 || repeat('0', {more} - s0) when length(d0) > s0 - {more} "
            f"then left(d0, length(d0) - s0 + {more}) else '0' end",
            "cut": f"case when s0 > {more} then right(d0, s0 - {more}) else '' end",
        },
        {
            "hi": f"case when length(top) <= {2 * LIMB} then "
            f"try_cast(left(lpad(top, {2 * LIMB}, '0'), {LIMB}) as bigint) end",
            "lo": f"case when length(top) <= {2 * LIMB} then "
            f"try_cast(right(lpad(top, {2 * LIMB}, '0'), {LIMB}) as bigint) end",
        },
        {"qhi": "hi div divisor", "low": f"hi % divisor * {10**LIMB} + lo"},
        {"qlo": "low div divisor", "left_over": "low % divisor"},
        {
            "quotient": f"cast(qhi + (qlo + 5) div {10**LIMB} as string) "
            f"|| lpad(cast((qlo + 5) % {10**LIMB} as string), {LIMB}, '0')",
            "rounded": "coalesce(divisor > 1 and (left_over > 0 or qlo % 10 > 0 "
            "or translate(cut, '0', '') <> ''), false)",
        },
        {
            "d": "case when divisor > 1 then left(quotient, length(quotient) - 1) else d0 end",
            "s": f"case when divisor > 1 then {ROUNDED_TO} else s0 end",
        },
    ]
