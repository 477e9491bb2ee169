"""All cells of a release's linked tables as one system: keys, true figures and the equations.

A key has one code per dimension of any of the tables; two tables that show the same sum share its
key. A key that no table shows but that a reader can add up is *implicit*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from onesource.contracts.disclosure import Dimension, DisclosureRule
from onesource.publish.disclosure.axes import TOTAL, Axis, make_axis
from onesource.publish.disclosure.model import DisclosureRefused, Linked
from onesource.publish.disclosure.rollup import (
    Cell,
    Floats,
    Key,
    codes,
    floats,
    numbers,
    roll_up,
    row_keys,
)

Bools = npt.NDArray[np.bool_]
# Sums of binary fractions: a figure counts as equal within this share of itself.
EXACT = 1e-9


@dataclass(frozen=True)
class Member:
    """A table in the universe: its cells by key, and the key of each of its rows."""

    name: str
    cells: pa.Table
    contributions: pa.Table
    rule: DisclosureRule
    published: bool
    keys: tuple[int, ...]  # of the rows
    grid: dict[int, Cell]  # of every cell and margin


@dataclass
class Universe:
    """`truth[measure]` is NaN where no table holds the measure."""

    names: tuple[str, ...]
    axes: dict[str, Axis]
    keys: list[Key] = field(default_factory=list)
    index: dict[Key, int] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    truth: dict[str, Floats] = field(default_factory=dict)
    whole: dict[str, Floats] = field(default_factory=dict)
    shown: Bools = field(default_factory=lambda: np.zeros(0, bool))

    def at(self, key: Key) -> int:
        if key not in self.index:
            self.index[key] = len(self.keys)
            self.keys.append(key)
        return self.index[key]

    def has(self, measure: str, key: int) -> bool:
        return not np.isnan(self.truth[measure][key])

    def spread(self, own: Sequence[str], key: Key) -> Key:
        """A table's own key over the dimensions of all tables."""
        at = dict(zip(own, key, strict=True))
        return tuple(at.get(n, TOTAL) for n in self.names)

    def label(self, key: int) -> str:
        """The cell's codes in words for an error or the proof (codes, no figures)."""
        pairs = zip(self.names, self.keys[key], strict=True)
        return ", ".join(f"{n}={'total' if c == TOTAL else c}" for n, c in pairs)


def build(tables: Sequence[Linked]) -> Universe:
    """The universe of the tables. Raises DisclosureRefused for whatever does not add up."""
    names = tuple(dict.fromkeys(d.name for t in tables for d in t.rule.dimensions))
    universe = Universe(names, {n: _axis(n, tables) for n in names})
    for table in tables:
        universe.members.append(_member(universe, table))
    size = len(universe.keys)
    for measure in dict.fromkeys(m for t in tables for m in t.rule.measures):
        universe.truth[measure] = _truth(universe, measure, size)
    for member in universe.members:
        _check_rows(universe, member)
    universe.shown = np.zeros(size, bool)
    for member in universe.members:
        universe.shown[list(member.keys)] = True
    return universe


def _axis(name: str, tables: Sequence[Linked]) -> Axis:
    uses: list[Dimension] = []
    found: set[str] = set()
    total = False
    for table in tables:
        own = [d for d in table.rule.dimensions if d.name == name]
        total |= not own or own[0].total is not None
        for use in own:
            uses.append(use)
            found |= {c for c in codes(table.cells, use.column, table.name) if c != use.total}
            if table.contributions is not None:
                column = table.rule.contributions.column(use.column)
                where = f"contributions of {table.name}"
                found |= set(codes(table.contributions, column, where))
    return make_axis(name, uses, found, total)


def _member(universe: Universe, table: Linked) -> Member:
    if table.contributions is None:
        raise DisclosureRefused(
            "contributions are missing",
            where=table.name,
            why="counts and shares are computed, never declared",
            todo=f"hand in {table.rule.contributions.source}",
        )
    rule = table.rule
    own = [d.name for d in rule.dimensions]
    axes = [universe.axes[n] for n in own]
    where = f"contributions of {table.name}"
    if rule.contributions.contributor not in table.contributions.column_names:
        raise DisclosureRefused(f"column {rule.contributions.contributor} is missing", where=where)

    rolled = roll_up(table.contributions, rule, axes, where)
    grid = {universe.at(universe.spread(own, k)): cell for k, cell in rolled.items()}
    rows = row_keys(table.cells, rule, table.name)
    keys = tuple(universe.at(universe.spread(own, k)) for k in rows)
    if len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise DisclosureRefused(f"cell {universe.label(twice)} stands twice", where=table.name)
    nothing = Cell(0, dict.fromkeys(rule.values, 0.0), dict.fromkeys(rule.values, (0.0, 0.0)), None)
    for key in keys:
        grid.setdefault(key, nothing)
    return Member(table.name, table.cells, table.contributions, rule, table.published, keys, grid)


def _truth(universe: Universe, measure: str, size: int) -> Floats:
    truth = np.full(size, np.nan)
    for member in universe.members:
        if measure not in member.rule.measures:
            continue
        for key, cell in member.grid.items():
            value = cell.sums[measure] if measure in cell.sums else float(cell.respondents)
            if not np.isnan(truth[key]) and abs(truth[key] - value) > EXACT * max(1.0, value):
                raise DisclosureRefused(
                    f"{measure} at {universe.label(key)} differs between linked tables",
                    where=member.name,
                    todo="build both from the same version of the contributions",
                )
            truth[key] = value
    return truth


def _check_rows(universe: Universe, member: Member) -> None:
    """Every shown figure is the sum of its contributions."""
    for measure in member.rule.measures:
        column = floats if not member.published else numbers
        values = column(member.cells, measure, member.name)
        true = universe.truth[measure][list(member.keys)]
        away = np.abs(values - true) > member.rule.tolerance + EXACT * np.maximum(1.0, true)
        if away.any():
            key = member.keys[int(np.flatnonzero(away)[0])]
            missing = member.grid[key].respondents == 0
            raise DisclosureRefused(
                f"{measure} at {universe.label(key)} "
                + ("has no contribution" if missing else "is not the sum of its contributions"),
                where=member.name,
                todo="build the table and its contributions from the same version",
            )


def equations(universe: Universe, measure: str) -> sparse.csr_matrix:
    """One row per sum of the measure's tables: children 1, parent -1."""
    rows: list[int] = []
    columns: list[int] = []
    signs: list[float] = []
    seen: set[tuple[int, str]] = set()
    for member in universe.members:
        if measure not in member.rule.measures:
            continue
        own = {d.name for d in member.rule.dimensions}
        for key in member.grid:
            for at, name in enumerate(universe.names):
                below = universe.axes[name].sums.get(universe.keys[key][at])
                if below is None or name not in own or (key, name) in seen:
                    continue
                children = children_of(universe, key, at, below)
                children = [c for c in children if universe.has(measure, c)]
                columns += [*children, key]
                signs += [1.0] * len(children) + [-1.0]
                rows += [len(seen)] * (len(children) + 1)
                seen.add((key, name))
    return sparse.csr_matrix((signs, (rows, columns)), (len(seen), len(universe.keys)))


def children_of(universe: Universe, key: int, at: int, below: Sequence[str]) -> list[int]:
    """The keys below a key along its dimension `at`; a cell without contributions is none."""
    codes_ = universe.keys[key]
    found = (universe.index.get((*codes_[:at], c, *codes_[at + 1 :])) for c in below)
    return [c for c in found if c is not None]
