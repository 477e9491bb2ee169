"""From contributor × cell to every cell and margin: respondents, sums, the two largest shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.axes import TOTAL, Axis
from onesource.publish.disclosure.model import DisclosureRefused

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One cell or margin: respondents, per value column the sum and the two largest parts, and
    the respondent's name where there is only one."""

    respondents: int
    sums: Mapping[str, float]
    largest: Mapping[str, tuple[float, float]]
    sole: str | None


def floats(table: pa.Table, column: str, where: str) -> Floats:
    """A column of figures ≥ 0 without nulls. Raises DisclosureRefused otherwise."""
    if column not in table.column_names:
        raise DisclosureRefused(f"column {column} is missing", where=where)
    values = numbers(table, column, where)
    if np.isnan(values).any():
        raise DisclosureRefused(f"column {column} has empty cells", where=where)
    if (values < 0).any():
        raise DisclosureRefused(
            f"column {column} has negative figures",
            where=where,
            why="bounds on what a reader can infer hold for figures from 0 on",
        )
    return values


def numbers(table: pa.Table, column: str, where: str) -> Floats:
    """A column of figures; null is NaN."""
    try:
        cast = pc.cast(table.column(column), pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DisclosureRefused(f"column {column} does not hold figures", where=where) from error
    values = np.asarray(cast.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)
    if np.isinf(values).any():
        raise DisclosureRefused(f"column {column} holds infinity", where=where)
    return values


def codes(table: pa.Table, column: str, where: str) -> list[str]:
    """A column of codes as text (dates as ISO). Raises DisclosureRefused for nulls."""
    if column not in table.column_names:
        raise DisclosureRefused(f"column {column} is missing", where=where)
    values = table.column(column).to_pylist()
    if any(v is None for v in values):
        raise DisclosureRefused(
            f"column {column} has empty cells", where=where, todo="give every cell a code"
        )
    return [str(v) for v in values]


def roll_up(
    table: pa.Table, rule: DisclosureRule, axes: Sequence[Axis], where: str
) -> dict[Key, Cell]:
    """Every cell and margin (key over the table's own axes) that has a contribution."""
    if table.num_rows == 0:
        return {}
    names = rule.contributions
    column = names.column
    places = [
        _places(codes(table, column(d.column), where), axis, where)
        for d, axis in zip(rule.dimensions, axes, strict=True)
    ]
    who: Any = pc.dictionary_encode(table.column(names.contributor).combine_chunks())
    if who.null_count:
        raise DisclosureRefused(f"column {names.contributor} has empty cells", where=where)
    indices = np.asarray(who.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    values = {v: floats(table, column(v), where) for v in rule.values}
    people = [str(v) for v in who.dictionary.to_pylist()]
    found: dict[Key, Cell] = {}
    for layers in product(*(range(len(a.layers)) for a in axes)):
        found |= _one_level(axes, layers, places, indices, people, values)
    return found


def _places(texts: list[str], axis: Axis, where: str) -> Ints:
    at = {code: i for i, code in enumerate(axis.leaves)}
    strange = next((t for t in texts if t not in at), None)
    if strange is not None:
        raise DisclosureRefused(
            f"contribution to {strange}, which is a total of {axis.name}",
            where=where,
            todo="contributions are given for single cells, not for totals",
        )
    return np.array([at[t] for t in texts], dtype=np.int64)


def _one_level(
    axes: Sequence[Axis],
    layers: Sequence[int],
    places: Sequence[Ints],
    who: Ints,
    people: Sequence[str],
    values: Mapping[str, Floats],
) -> dict[Key, Cell]:
    """The cells of one combination of levels, such as county × all months."""
    key = np.zeros(len(who), dtype=np.int64)
    used = np.ones(len(who), dtype=bool)
    nodes: list[list[str]] = []
    for axis, layer, place in zip(axes, layers, places, strict=True):
        names = sorted(set(axis.layers[layer].values()))
        at = {name: i for i, name in enumerate(names)}
        lookup = np.array([at.get(axis.layers[layer].get(c, ""), -1) for c in axis.leaves])
        node = lookup[place]
        used &= node >= 0
        key = key * max(1, len(names)) + np.maximum(node, 0)
        nodes.append(names)
    if not used.any():
        return {}
    pairs, inverse = np.unique(key[used] * len(people) + who[used], return_inverse=True)
    parts = {
        v: np.bincount(inverse, x[used], len(pairs)).astype(np.float64) for v, x in values.items()
    }
    cells, persons = pairs // len(people), pairs % len(people)
    starts = np.flatnonzero(np.r_[True, cells[1:] != cells[:-1]])
    return _cells(cells, persons, starts, parts, nodes, people)


def _cells(
    cells: Ints,
    persons: Ints,
    starts: npt.NDArray[np.intp],
    parts: Mapping[str, Floats],
    nodes: Sequence[Sequence[str]],
    people: Sequence[str],
) -> dict[Key, Cell]:
    ends = np.r_[starts[1:], len(cells)]
    sums = {v: np.add.reduceat(x, starts) for v, x in parts.items()}
    ordered = {v: x[np.lexsort((x, cells))] for v, x in parts.items()}
    found: dict[Key, Cell] = {}
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        key, rest = [], int(cells[start])
        for names in reversed(nodes):
            rest, at = divmod(rest, len(names))
            key.append(names[at])
        n = end - start
        largest = {
            v: (float(x[end - 1]), float(x[end - 2]) if n > 1 else 0.0) for v, x in ordered.items()
        }
        found[tuple(reversed(key))] = Cell(
            n,
            {v: float(x[i]) for v, x in sums.items()},
            largest,
            people[persons[start]] if n == 1 else None,
        )
    return found


def own_key(row: Sequence[str], totals: Sequence[str | None]) -> Key:
    """A row's codes with each dimension's total code replaced by `TOTAL`."""
    return tuple(TOTAL if c == t else c for c, t in zip(row, totals, strict=True))


def row_keys(table: pa.Table, rule: DisclosureRule, where: str) -> list[Key]:
    """The cell of each row, over the rule's own dimensions."""
    columns: list[list[str]] = [codes(table, d.column, where) for d in rule.dimensions]
    totals: list[str | None] = [d.total for d in rule.dimensions]
    rows: Any = zip(*columns, strict=True)
    return [own_key(row, totals) for row in rows]
