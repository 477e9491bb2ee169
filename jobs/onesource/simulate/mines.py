"""The simulated coal mines: who they are and what they truly raise each day."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from onesource.simulate.draw import stream
from onesource.simulate.identifiers import uscc

# Working mines and their capacity (Mt/a) by county, after the published list of 2024: a county
# with one mine, counties with two and a county without any are what makes the figures hard.
SHARES: Mapping[str, tuple[int, Decimal]] = {
    "141125": (26, Decimal("41.8")),
    "141181": (15, Decimal("27.1")),
    "141129": (14, Decimal("17.4")),
    "141102": (12, Decimal("16.3")),
    "141124": (7, Decimal("18.4")),
    "141123": (5, Decimal("30.0")),
    "141128": (5, Decimal("8.0")),
    "141127": (2, Decimal("3.0")),
    "141122": (2, Decimal("2.4")),
    "141121": (1, Decimal("3.0")),
    "141130": (1, Decimal("3.0")),
    "141182": (1, Decimal("1.2")),
}
# Where the mines of a county lie (WGS-84, longitude and latitude): a point well inside it.
PLACES: Mapping[str, tuple[float, float]] = {
    "141102": (111.25, 37.54),
    "141121": (112.05, 37.42),
    "141122": (111.85, 37.65),
    "141123": (111.10, 38.40),
    "141124": (110.95, 37.95),
    "141125": (110.88, 37.42),
    "141126": (110.80, 37.00),
    "141127": (111.65, 38.28),
    "141128": (111.32, 37.90),
    "141129": (111.20, 37.33),
    "141130": (111.20, 36.97),
    "141181": (111.60, 37.08),
    "141182": (111.70, 37.30),
}
_CLASSES = tuple(
    Decimal(hundredths) / 100
    for hundredths in (
        30,
        45,
        60,
        90,
        120,
        150,
        180,
        240,
        300,
        400,
        500,
        600,
        800,
        1000,
        1200,
        1500,
    )
)
_WORKING_DAYS = 330  # on which approved capacity is reckoned
_NUMBERS = "一二三四五六七八九十"
GAS_LEVELS = ("低瓦斯", "低瓦斯", "低瓦斯", "高瓦斯", "高瓦斯", "突出矿井")


@dataclass(frozen=True)
class Mine:
    """A made-up mine. Capacity in Mt/a; pace: output over capacity while it works."""

    mine_id: str
    uscc: str
    name: str
    county_code: str
    county_name: str
    capacity_mtpa: Decimal
    pace: float
    has_plan: bool
    gas_level: str
    longitude: float
    latitude: float
    price_yuan: int
    staff: int

    @property
    def capacity_t(self) -> int:
        return int(self.capacity_mtpa * 1_000_000)

    @property
    def plan_month_t(self) -> int | None:
        """The month's plan: a twelfth of capacity; one mine in ten has none."""
        return self.capacity_t // 12 if self.has_plan else None


def mines(counties: Mapping[str, str], seed: int) -> list[Mine]:
    """All mines of the city, by county and number. Unknown cities get two mines a county."""
    shares = {c: s for c, s in SHARES.items() if c in counties}
    if not shares:
        shares = {c: (2, Decimal(3)) for c in sorted(counties)}
    made: list[Mine] = []
    for county in sorted(shares):
        count, total = shares[county]
        draw = stream(seed, "mines", county)
        for i, capacity in enumerate(_capacities(draw, count, total), start=1):
            made.append(_mine(draw, len(made) + 1, i, county, counties[county], capacity))
    return made


def _capacities(draw: random.Random, count: int, total: Decimal) -> list[Decimal]:
    """`count` usual capacities whose sum is `total`: the best of some draws, the last adjusted."""
    mean = total / count
    usual = [c for c in _CLASSES if mean / 4 <= c <= mean * 3] or [mean]
    tries = [[draw.choice(usual) for _ in range(count)] for _ in range(200)]
    best = min(tries, key=lambda t: abs(sum(t) - total))
    best.sort(reverse=True)
    best[0] = max(best[0] + total - sum(best), Decimal("0.3"))
    return best


def _mine(
    draw: random.Random, number: int, in_county: int, county: str, name: str, capacity: Decimal
) -> Mine:
    # Every fifteenth mine raises far more than its capacity, so that the rules have something
    # to find; the others stay near it.
    pace = draw.uniform(1.22, 1.35) if number % 15 == 0 else draw.uniform(0.70, 1.0)
    longitude, latitude = PLACES.get(county, (111.15, 37.52))
    return Mine(
        mine_id=f"M{90000 + number}",
        uscc=uscc("91", county, f"MA9X{number:04d}"),
        name=f"吕梁{name[:-1]}样例煤业有限公司第{_chinese(in_county)}煤矿",
        county_code=county,
        county_name=name,
        capacity_mtpa=capacity,
        pace=pace,
        has_plan=number % 10 != 3,
        gas_level=draw.choice(GAS_LEVELS),
        longitude=round(longitude + draw.uniform(-0.04, 0.04), 6),
        latitude=round(latitude + draw.uniform(-0.04, 0.04), 6),
        price_yuan=draw.randrange(620, 1480, 10),
        staff=max(120, int(capacity * 420)),
    )


def _chinese(n: int) -> str:
    if n <= 10:
        return _NUMBERS[n - 1]
    tens, ones = divmod(n, 10)
    return ("" if tens == 1 else _NUMBERS[tens - 1]) + "十" + (_NUMBERS[ones - 1] if ones else "")


@dataclass(frozen=True)
class Day:
    """What truly happened at a mine on a day; masses in whole tonnes."""

    mine: Mine
    day: date
    output_t: int
    month_t: int
    year_t: int
    washed_t: int
    clean_t: int
    sales_t: int
    sales_month_t: int
    stock_t: int
    underground: int


def history(mine: Mine, first: date, last: date, seed: int) -> list[Day]:
    """The mine's days from `first` to `last`, counted on from 1 January of the first year."""
    draw = stream(seed, "output", mine.mine_id)
    day = date(first.year, 1, 1)
    stock = int(mine.capacity_t * 0.01)
    month = year = sales_month = 0
    days: list[Day] = []
    while day <= last:
        if day.day == 1:
            month = sales_month = 0
            year = 0 if day.month == 1 else year
        # Three days in a hundred the mine stands still for repairs.
        works = draw.random() >= 0.03
        share = draw.uniform(0.88, 1.12) * mine.pace / _WORKING_DAYS
        output = int(mine.capacity_t * share) if works else 0
        washed = int(output * 0.62)
        sales = min(stock + output, int(output * draw.uniform(0.8, 1.2)))
        stock += output - sales
        month, year, sales_month = month + output, year + output, sales_month + sales
        under = int(mine.staff * 0.3) if works else int(mine.staff * 0.04)
        if day >= first:
            days.append(
                Day(
                    mine, day, output, month, year, washed, int(washed * 0.68), sales,
                    sales_month, stock, under,
                )
            )  # fmt: skip
        day += timedelta(days=1)
    return days
