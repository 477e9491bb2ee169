"""The part of an address below the village: group, road, number, building, unit, room.

The order is that of GB/T 23705 and of the police's standard address (DOMAIN, address standards):
街路巷, 门牌, 楼, 单元, 室. A village group (村民小组) stands before them; an estate (小区) stands
where a road does.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_COUNT = "[0-9一二三四五六七八九十百]"
_DIGITS = {c: i for i, c in enumerate("一二三四五六七八九", 1)}
_SEPARATED = "[-,.、/]?"
_GROUP = f"第?{_COUNT}+(?:(?:村民)?小?组|生产[大小]?队|小?队|社(?!区))"
# 二道街 is one street, 新建路北二巷 a lane of a road, 307国道 a road.
_ROAD = (
    "(?:[A-Z]?[0-9]{1,3}[国省县乡]道|[^号0-9]{1,12}?(?:大街|大道|路|街|道|巷|胡同|弄)(?![街巷]))"
    "(?:[^号0-9]{1,5}?[街巷](?![街巷]))?"
)
_ESTATE = (
    "[^号0-9]{1,12}?(?:小区|花园|家园|花苑|公寓|新村|宿舍|家属院|大院|大厦|广场|园区|工业园|市场)"
)
_NO = f"[甲乙丙丁]?{_COUNT}+(?:[-之]{_COUNT}+)?(?:号附{_COUNT}+号|附{_COUNT}+号|号院?)(?!楼)"
_BUILDING = (
    f"(?:{_COUNT}+|[A-Za-z][0-9]{{0,2}}|[甲乙丙丁])(?:号楼|栋|幢|座|#楼|#)"
    "|[0-9]{1,3}(?=-[0-9]{1,2}-[0-9]{2,4}$)"
)
_UNIT = f"(?:{_COUNT}+|[A-Za-z甲乙丙丁])单元|[0-9]{{1,2}}(?=-[0-9]{{2,4}}$)"
_FLOOR = f"{_COUNT}+[层楼](?!{_COUNT}*号楼)"
_ROOM = "[A-Za-z]?[0-9]{1,5}[A-Za-z]?(?:室|房)|[A-Za-z]?[0-9]{2,5}[A-Za-z]?(?:号|户)?$"
_HOUSE = re.compile(
    f"(?P<village_group>{_GROUP})?{_SEPARATED}"
    f"(?P<road>{_ROAD}(?:{_ESTATE})?|{_ESTATE})?{_SEPARATED}"
    f"(?P<no>{_NO})?{_SEPARATED}(?P<estate>{_ESTATE})?{_SEPARATED}"
    f"(?P<building>{_BUILDING})?{_SEPARATED}(?P<unit>{_UNIT})?{_SEPARATED}"
    f"(?P<floor>{_FLOOR})?{_SEPARATED}(?P<room>{_ROOM})?"
)
_ROOM_WORD = re.compile("[室房号户]$")
_NUMBER_WORD = re.compile("号(?:院)?$|号楼$|栋$|幢$|座$|#楼?$|单元$")


class House(NamedTuple):
    """The parts as they are written; empty where there is none. `rest`: what could not be read."""

    village_group: str = ""
    road: str = ""
    no: str = ""
    building: str = ""
    unit: str = ""
    room: str = ""
    rest: str = ""


def house(text: str) -> House:
    """What stands behind the village, in half-width characters without blanks."""
    found = _HOUSE.match(text)
    assert found is not None  # every part may be missing
    part = {k: v or "" for k, v in found.groupdict().items()}
    rest, room = text[found.end() :], part["room"]
    before = part["building"] or part["unit"] or part["floor"]
    # 12号501: a door; 西湾501 is none, and a number alone is not known to be one.
    if room and not before and not room.endswith(("室", "房")) and not part["no"]:
        room, rest = "", room + rest
    return House(
        part["village_group"],
        part["road"] + part["estate"],
        part["no"],
        part["building"],
        part["unit"],
        _ROOM_WORD.sub("", room) or part["floor"],
        rest,
    )


@lru_cache(maxsize=1 << 16)
def number(text: str) -> str:
    """A number of a house, building, unit or room without its word: 十二号 and 12号 are 12,
    3幢 and 3号楼 are 3, 12号附1号 is 12附1."""
    bare = _NUMBER_WORD.sub("", text).replace("号附", "附").replace("之", "-")
    return _han_to_digits(bare)


@lru_cache(maxsize=1 << 12)
def group(text: str) -> str:
    """A village group by its number: 第三村民小组, 3组 and 三队 are 3组."""
    digits = re.search(f"{_COUNT}+", text)
    return f"{_han_to_digits(digits[0])}组" if digits else text


def _han_to_digits(text: str) -> str:
    return re.sub("[一二三四五六七八九十百]+", lambda m: _value(m[0]), text)


def _value(han: str) -> str:
    """一百二十三 → 123; figures in a row (一二三) as they stand."""
    if not set(han) & set("十百"):
        return "".join(str(_DIGITS[c]) for c in han)
    total, last = 0, 0
    for c in han:
        if c in "十百":
            total += (last or 1) * (10 if c == "十" else 100)
            last = 0
        else:
            last = _DIGITS[c]
    return str(total + last)
