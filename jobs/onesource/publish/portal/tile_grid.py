"""Where each county's tile stands on a tile map."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onesource.errors import ContractError


@dataclass(frozen=True)
class Tile:
    """row from north, column from west; both from 0."""

    row: int
    column: int


def load_tile_grid(path: Path) -> dict[str, Tile]:
    """Code → tile, from a CSV `code,row,column` (rows and columns from 1).

    Empty where there is no file. Raises ContractError for a place that is no number from 1, a
    code that stands twice, or two codes in one place.
    """
    if not path.is_file():
        return {}
    tiles: dict[str, Tile] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        for row in rows:
            code = row.get("code") or ""
            try:
                tile = Tile(int(row["row"]) - 1, int(row["column"]) - 1)
            except (KeyError, TypeError, ValueError):
                raise _error(path, code, "row and column must be whole numbers") from None
            if not code or tile.row < 0 or tile.column < 0:
                raise _error(path, code, "needs a code, and a row and a column from 1")
            if code in tiles or tile in tiles.values():
                raise _error(path, code, "the code or its place is already taken")
            tiles[code] = tile
    return tiles


def tiles_of(codes: Iterable[str], known: Mapping[str, Tile]) -> dict[str, Tile]:
    """A tile for every code.

    If `known` has a place for each, those; else all stand in the order of their codes on a plain
    grid: a mixture would show some places rightly and others wrongly.
    """
    codes = sorted(codes)
    if codes and all(code in known for code in codes):
        top = min(known[c].row for c in codes)
        left = min(known[c].column for c in codes)
        return {c: Tile(known[c].row - top, known[c].column - left) for c in codes}
    columns = max(1, min(6, math.ceil(math.sqrt(len(codes)))))
    return {code: Tile(*divmod(i, columns)) for i, code in enumerate(codes)}


def _error(path: Path, code: str, why: str) -> ContractError:
    return ContractError(
        f"the place of {code or 'a county'} on the tile map is not valid",
        where=str(path),
        why=why,
        todo="write one line code,row,column for each county, each in a place of its own",
    )
