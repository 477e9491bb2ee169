"""Money, mass, energy and area: numbers with a unit, answered in yuan, tonnes, kWh and m².

How a number is read: `numbers`. Which units there are: `units`.
"""

from __future__ import annotations

from functools import partial

from onesource.clean.standardisers import units as u
from onesource.clean.standardisers.model import Argument, Standardiser
from onesource.clean.standardisers.numbers import DECIMAL_SIGN, VERDICTS, number_stages


def _unit_argument(units: u.Units, zh: str, en: str) -> Argument:
    return Argument(
        "unit",
        f"数字后没有单位时的单位（默认{zh}），可以是同一行的字段",
        f"the unit that a bare number is in ({en}); may be a field of the row",
        partial(u.unit_problem, units),
        by_row=True,
    )


def _kind(name: str, units: u.Units, zh: str, en: str, own: tuple[str, str]) -> Standardiser:
    return Standardiser(
        name,
        zh,
        en,
        VERDICTS,
        (_unit_argument(units, *own), DECIMAL_SIGN),
        build=partial(number_stages, units, False),
    )


MONEY = _kind("money", u.MONEY, "金额：折算为元", "Money, in yuan", ("元", "yuan"))
MASS = _kind("mass", u.MASS, "质量：折算为吨", "Mass, in tonnes", ("吨", "tonnes"))
ENERGY = _kind("energy", u.ENERGY, "能量：折算为千瓦时", "Energy, in kWh", ("千瓦时", "kWh"))
AREA = _kind("area", u.AREA, "面积：折算为平方米", "Area, in m²", ("平方米", "m²"))
