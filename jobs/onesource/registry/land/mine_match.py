"""Which right to mine belongs to a mine of another list: likeness of names, and distance.

A pair is compared if it lies within 2 km, or in one county where a place is missing or vague. The
name counts 0.7 and nearness 0.3; from 0.55 on it is a match, and each right goes to one mine: the
best pair first. Without a distance the name alone must reach 0.8. The weights are judgement
(November 2026).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

RADIUS_M = 2000.0
THRESHOLD = 0.55
NAME_ALONE = 0.8
# Words that every mine's name has, and the places with which it begins.
_GENERIC = re.compile(
    r"有限责任公司|股份有限公司|有限公司|集团|公司|煤业|煤矿|矿业|煤焦|煤炭|能源|山西省?|吕梁市?"
    r"|[（()）\s·•,，.]"
)
_COUNTIES = re.compile(
    "离石区?|文水县?|交城县?|兴县|临县|柳林县?|石楼县?|岚县|方山县?|中阳县?|交口县?|孝义市?|汾阳市?"
)
_NUMERALS = str.maketrans("一二三四五六七八九", "123456789")
_NUMBER = re.compile(r"第?(十?\d+|十\d?|\d+十\d?)(?:号)?(?:煤)?矿?$")


class Link(NamedTuple):
    """A mine and its right; `right` is None where none fits."""

    mine: str
    right: str | None
    score: float | None
    rule: str
    distance_m: float | None
    likeness: float | None


def core(name: str | None) -> str:
    """What is the mine's own in a name; the whole bare name if nothing is left."""
    text = (name or "").translate(_NUMERALS)
    bare = _GENERIC.sub("", text)
    own = _COUNTIES.sub("", bare)
    return own or bare


def likeness(a: str | None, b: str | None) -> float:
    """Share of common pairs of characters (Dice) of the names' cores, 0 to 1.

    Two numbered pits of one firm are not one: other numbers at the end give at most 0.3.
    """
    left, right = core(a), core(b)
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    one, two = _pairs(left), _pairs(right)
    value = 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0
    if left in right or right in left:
        value = max(value, 0.75 if min(len(left), len(right)) > 1 else 0.4)
    numbers = [_NUMBER.search(x) for x in (left, right)]
    if all(numbers) and numbers[0].group(1) != numbers[1].group(1):  # type: ignore[union-attr]
        value = min(value, 0.3)
    return round(value, 4)


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)} or {text}


def metres(a: Mapping[str, Any], b: Mapping[str, Any]) -> float | None:
    """Great-circle distance of two records with `longitude, latitude`; None: one has no place."""
    if any(r[k] is None for r in (a, b) for k in ("longitude", "latitude")):
        return None
    lat_a, lat_b = math.radians(float(a["latitude"])), math.radians(float(b["latitude"]))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    east = math.radians(float(b["longitude"]) - float(a["longitude"])) / 2
    h = half + math.cos(lat_a) * math.cos(lat_b) * math.sin(east) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


def links(mines: Sequence[Mapping[str, Any]], rights: Sequence[Mapping[str, Any]]) -> list[Link]:
    """One link a mine, the same for any order of the rows.

    mines: `mine, name_cn, longitude, latitude, location_accuracy, county_code`; rights: `right_no,
    mine_name, holder_name, longitude, latitude, county_code`.
    """
    pairs = []
    for m in mines:
        for r in rights:
            found = _pair(m, r)
            if found:
                pairs.append(found)
    pairs.sort(key=lambda p: (-(p.score or 0), p.distance_m or 0, p.mine, p.right or ""))
    taken: dict[str, Link] = {}
    used: set[str | None] = set()
    for p in pairs:
        if p.mine not in taken and p.right not in used:
            taken[p.mine] = p
            used.add(p.right)
    none = (Link(str(m["mine"]), None, None, "none", None, None) for m in mines)
    return sorted(taken.get(n.mine, n) for n in none)


def _pair(m: Mapping[str, Any], r: Mapping[str, Any]) -> Link | None:
    away = metres(m, r)
    vague = str(m.get("location_accuracy") or "").lower() == "approximate"
    near = away is not None and away <= RADIUS_M
    same_county = m["county_code"] is not None and m["county_code"] == r["county_code"]
    if not near and not ((away is None or vague) and same_county):
        return None
    alike = max(likeness(m["name_cn"], r["mine_name"]), likeness(m["name_cn"], r["holder_name"]))
    who, right = str(m["mine"]), str(r["right_no"])
    if near and away is not None:
        score = round(0.7 * alike + 0.3 * (1 - away / RADIUS_M), 4)
        if score >= THRESHOLD and alike >= 0.4:
            return Link(who, right, score, "name_near", round(away, 1), alike)
        return None
    if alike >= NAME_ALONE:
        far = None if away is None else round(away, 1)
        return Link(who, right, round(0.7 * alike, 4), "name_county", far, alike)
    return None
