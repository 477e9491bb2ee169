"""Names and codes of divisions in the forms in which they can be compared.

A division code has 12 digits: province 2, city 2, county 2 (GB/T 2260), town 3 (GB/T 10114),
village 3. The village segment says what the unit is: 001–199 and 400–499 residents' committees,
200–399 and 500–599 villagers' committees.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LEVELS = ("province", "city", "county", "town", "village")
# Digits that a code of the level really uses; the rest are zeros.
WIDTH = {"province": 2, "city": 4, "county": 6, "town": 9, "village": 12}

# Longest first: 社区居民委员会 must not be read as 社区 + 居民委员会.
_COMMUNITY = ("社区居民委员会", "社区居委会", "居民委员会", "社区居委", "居委会", "居委", "社区")
_VILLAGE = ("村民委员会", "村委会")
_TOWN = ("街道办事处", "街道办", "民族乡", "办事处", "管委会", "街道", "镇", "乡")
_UPPER = (
    "自治县",
    "自治州",
    "自治旗",
    "特区",
    "林区",
    "地区",
    "省",
    "市",
    "区",
    "县",
    "旗",
    "盟",
    "州",
)


def level_of(code: str) -> str:
    """The level of a 12-digit code, from its trailing zeros."""
    for level in LEVELS:
        if not code[WIDTH[level] :].strip("0"):
            return level
    raise AssertionError(code)


def up(code: str, level: str) -> str:
    """The code of the unit of `level` in which the unit lies (or the unit itself)."""
    return code[: WIDTH[level]].ljust(12, "0")


@lru_cache(maxsize=1 << 17)
def clean(name: str) -> str:
    """Width folded (NFKC), every space removed: `兴　县` and `兴县` are one name."""
    return re.sub(r"[\s\u200b\ufeff]+", "", unicodedata.normalize("NFKC", name)).lstrip("'")


def _cut(name: str, suffixes: tuple[str, ...]) -> str | None:
    for suffix in suffixes:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return None


@lru_cache(maxsize=1 << 17)
def village_core(name: str) -> str:
    """The proper name of a village or community without the word for what it is.

    上村委会, 上村村委会 and 上村村民委员会 are one name: 上. A village that becomes a community
    keeps its core: 马茂庄村委会, 马茂庄社区居委会.
    """
    text = clean(name)
    if text.endswith("村委会村"):  # a slip seen in the 2018 snapshot
        text = text[:-1]
    text = _cut(text, _COMMUNITY) or _cut(text, _VILLAGE) or text
    return text[:-1] if text.endswith("村") and len(text) > 1 else text


@lru_cache(maxsize=1 << 17)
def stem(name: str) -> str:
    """A town's, county's or city's name without the word for what it is; may be one letter."""
    text = clean(name)
    return _cut(text, _TOWN) or _cut(text, _UPPER) or text


def core(name: str, level: str) -> str:
    """What stays of a name when the unit is upgraded or its committee renamed."""
    return village_core(name) if level == "village" else stem(name)


@lru_cache(maxsize=1 << 17)
def variant(name: str) -> str:
    """One key for the official variants of one name; keeps village and community apart.

    文峰街道 = 文峰街道办 = 文峰街道办事处; 东关社区 = 东关社区居委会; 上村 = 上村村委会 = 上村委会.
    """
    text = clean(name)
    if text.endswith("街道办事处"):
        return text[:-3]
    if text.endswith("街道办"):
        return text[:-1]
    if _cut(text, _COMMUNITY):
        return "社区:" + village_core(text)
    if text.endswith(("村", *_VILLAGE)) and len(text) > 1:
        return "村:" + village_core(text)
    return text


def is_bare(name: str) -> bool:
    """Does the name lack a word for what the unit is (临县 has one, 柳林 has none)?"""
    text = clean(name)
    return not (text.endswith((*_TOWN, *_UPPER, *_VILLAGE, *_COMMUNITY, "村")) and len(text) > 1)


def is_town_name(name: str) -> bool:
    return _cut(clean(name), _TOWN) is not None


def resemblance(a: str, b: str) -> float:
    """Share of common characters of two cores, 0 to 1 (薛家墕, 薛家焉: 0.67)."""
    left, right = set(a), set(b)
    return len(left & right) / max(len(left | right), 1) if a != b else 1.0
