"""A map of the counties as equal tiles: no boundary is drawn, small counties are not overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onesource.publish.portal.tile_grid import Tile, tiles_of
from onesource.publish.portal.words import number, scaled_unit

CLASSES = 5
WIDTH, HEIGHT, GAP = 104, 68, 6


@dataclass(frozen=True)
class TileShape:
    """shade: class from 0 (low), None where nothing is known. text: the value as it is shown."""

    code: str
    name: str
    x: int
    y: int
    shade: int | None
    text: str


@dataclass(frozen=True)
class Shade:
    """A class of the legend. text: its least and greatest value."""

    shade: int
    text: str


@dataclass(frozen=True)
class TileMap:
    facet: str
    time: str
    how: str
    unit: str
    width: int
    height: int
    tiles: tuple[TileShape, ...]
    legend: tuple[Shade, ...]
    alt: str

    @property
    def has_unknown(self) -> bool:
        return any(t.shade is None for t in self.tiles)


def tile_map(
    values: Mapping[str, float | None],
    counties: Mapping[str, str],
    known_tiles: Mapping[str, Tile],
    unit: str,
    *,
    facet: str = "",
    time: str = "",
    how: str = "",
) -> TileMap:
    """All counties of the city; those without a value stand there without a shade.

    The classes hold about equally many counties each (a few large ones would else take all
    shades); equal values are always in one class.
    """
    known = {c: v for c, v in values.items() if v is not None}
    divisor, scaled = scaled_unit(max((abs(v) for v in known.values()), default=0), unit)
    shades = _shades(known)
    places = tiles_of(counties, known_tiles)
    shapes = tuple(
        TileShape(
            code,
            counties[code],
            tile.column * (WIDTH + GAP),
            tile.row * (HEIGHT + GAP),
            shades.get(code),
            number(known[code] / divisor) if code in known else "—",
        )
        for code, tile in sorted(places.items())
    )
    return TileMap(
        facet=facet,
        time=time,
        how=how,
        unit=scaled,
        width=(max((t.column for t in places.values()), default=0) + 1) * (WIDTH + GAP) - GAP,
        height=(max((t.row for t in places.values()), default=0) + 1) * (HEIGHT + GAP) - GAP,
        tiles=shapes,
        legend=_legend(known, shades, divisor),
        alt=_alt(known, counties, divisor, scaled),
    )


def _shades(known: Mapping[str, float]) -> dict[str, int]:
    distinct = sorted(set(known.values()))
    if len(distinct) <= CLASSES:
        # Few values: the darkest is always the largest.
        return {c: CLASSES - len(distinct) + distinct.index(v) for c, v in known.items()}
    order = sorted(known.values())
    rank = {v: order.index(v) for v in distinct}
    return {c: rank[v] * CLASSES // len(order) for c, v in known.items()}


def _legend(
    known: Mapping[str, float], shades: Mapping[str, int], divisor: float
) -> tuple[Shade, ...]:
    found = []
    for shade in sorted(set(shades.values())):
        inside = [known[c] / divisor for c, s in shades.items() if s == shade]
        low, high = number(min(inside)), number(max(inside))
        found.append(Shade(shade, low if low == high else f"{low} – {high}"))
    return tuple(found)


def _alt(known: Mapping[str, float], counties: Mapping[str, str], divisor: float, unit: str) -> str:
    if not known:
        return "没有可公布的数值"
    order = sorted(known, key=lambda c: (-known[c], c))
    said = [f"{counties[c]} {number(known[c] / divisor)} {unit}".strip() for c in order]
    unknown = len(counties) - len(known)
    tail = f"；{unknown} 个县（市、区）没有数值" if unknown else ""
    return f"由高到低：{'、'.join(said)}{tail}"
