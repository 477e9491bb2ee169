"""Which records of a list of power plants are one plant under two names.

Two records are compared if they burn the same fuel and lie within 10 km. The score is the sum of
what they share (most 1.0): nearness 0.25, owner 0.25, place in words 0.15, proper name 0.20,
capacity 0.10, and that they come from different sources 0.05 (one source rarely lists a plant
twice). From 0.6 on they are one. Two numbered phases or units of one plant are never one record.
The weights are judgement (November 2026): the one known pair at hand scores 0.76.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

RADIUS_KM = 10.0
THRESHOLD = 0.6
# Words that every plant's name has.
_GENERIC = frozenset(
    word
    for words in (
        "power station plant project farm park company co ltd the of no phase unit",
        "coal gas methane mine fired thermal solar wind hydro pv",
    )
    for word in words.split()
)
_PHASE = re.compile(r"(?:phase|unit|期|号机)\s*(\d+|[ivx]+)|(\d+|[一二三四五])\s*(?:期|号机)", re.I)


class Match(NamedTuple):
    """Two records that are one plant: `duplicate` is to be read as `original`."""

    duplicate: str
    original: str
    score: float
    reason: str


def kilometres(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """Great-circle distance of two records with `longitude, latitude`."""
    lat_a, lat_b = math.radians(float(a["latitude"])), math.radians(float(b["latitude"]))
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(float(b["longitude"]) - float(a["longitude"])) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(h))


def score(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float, str]:
    """How much speaks for one plant, and what. Keys: plant_name, fuel, capacity_mw, owner,
    location, longitude, latitude, source."""
    away = kilometres(a, b)
    if _folded(a["fuel"]) != _folded(b["fuel"]) or away > RADIUS_KM:
        return 0.0, ""
    phases = _phase(a["plant_name"]), _phase(b["plant_name"])
    if all(phases) and phases[0] != phases[1]:
        return 0.0, "other phase"
    parts = [(0.25 * (1 - away / RADIUS_KM), f"distance_km={away:.1f}")]
    for weight, key in ((0.25, "owner"), (0.15, "location")):
        if _folded(a[key]) and _folded(a[key]) == _folded(b[key]):
            parts.append((weight, f"same_{key}"))
    shared = _likeness(a["plant_name"], b["plant_name"])
    parts.append((0.20 * shared, f"name={shared:.2f}"))
    ratio = _ratio(a["capacity_mw"], b["capacity_mw"])
    parts.append((0.10 * ratio, f"capacity={ratio:.2f}"))
    if _folded(a["source"]) != _folded(b["source"]):
        parts.append((0.05, "other_source"))
    return round(sum(p for p, _ in parts), 4), ";".join(w for _, w in parts)


def duplicates(rows: Sequence[Mapping[str, Any]]) -> list[Match]:
    """The duplicates among records of one fuel; same result for any order of the rows.

    Of two, the one whose source lists more plants is the original (a list kept as a whole goes
    before a single mention), then the later commissioned, then the smaller id.
    """
    listed = Counter(_folded(r["source"]) for r in rows)

    def rank(r: Mapping[str, Any]) -> tuple[int, int, str]:
        return -listed[_folded(r["source"])], -int(r["commissioned_year"] or 0), str(r["plant_id"])

    ordered = sorted(rows, key=rank)
    matches: dict[str, Match] = {}
    reach = RADIUS_KM / 110.0
    for i, later in enumerate(ordered):
        best: Match | None = None
        for earlier in ordered[:i]:
            if abs(float(earlier["latitude"]) - float(later["latitude"])) > reach:
                continue
            value, reason = score(earlier, later)
            if value >= THRESHOLD and (best is None or value > best.score):
                first = matches.get(str(earlier["plant_id"]))
                original = first.original if first else str(earlier["plant_id"])
                best = Match(str(later["plant_id"]), original, value, reason)
        if best:
            matches[best.duplicate] = best
    return sorted(matches.values())


def _folded(text: object) -> str:
    return re.sub(r"\W+", " ", str(text or "")).strip().casefold()


def _phase(name: str | None) -> str:
    found = _PHASE.search(name or "")
    return (found.group(1) or found.group(2) or "").casefold() if found else ""


def _likeness(a: str | None, b: str | None) -> float:
    """Share of common words, without those that every plant's name has and without numbers."""
    left, right = (
        {w for w in _folded(n).split() if w not in _GENERIC and not w.isdigit()} for n in (a, b)
    )
    return len(left & right) / len(left | right) if left and right else 0.0


def _ratio(a: Any, b: Any) -> float:
    if not a or not b:
        return 0.0
    return min(float(a), float(b)) / max(float(a), float(b))
