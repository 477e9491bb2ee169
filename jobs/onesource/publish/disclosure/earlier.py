"""What earlier releases of the tables tell a reader.

* A figure that an earlier release showed and that is still the same is known: hiding it now hides
  nothing, so it can neither be suppressed nor protect others.
* A sum that an earlier release showed with other figures stays an equation as long as it is true
  of today's figures: a reader who assumes that the hidden ones did not change is right.
* What changed because of few respondents: see `difference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

import numpy as np
from scipy import sparse

from onesource.publish.disclosure.difference import change_of, differs, ghosts_of, same
from onesource.publish.disclosure.model import Earlier
from onesource.publish.disclosure.rollup import Floats, numbers, row_keys
from onesource.publish.disclosure.then import figures_then
from onesource.publish.disclosure.universe import Bools, Member, Universe, equations


@dataclass
class Memory:
    """Per measure the keys whose figure is known, and further equations; keys that differ from an
    earlier release by too few respondents."""

    differs: Bools
    ghosts: Bools  # figures that an earlier release hid and that have changed since
    known_by: dict[str, Bools] = field(default_factory=dict)
    rows: dict[str, list[sparse.csr_matrix]] = field(default_factory=dict)
    releases: int = 0

    def with_rows(self, measure: str, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        return sparse.vstack([rows, *self.rows.get(measure, [])]).tocsr()

    def known(self, universe: Universe) -> Bools:
        """Keys with a known figure of the kind that the rules protect: values, else counts."""
        found = np.zeros(len(self.differs), bool)
        for member in universe.members:
            for measure in member.rule.values or member.rule.counts:
                found |= self.known_by.get(measure, found)
        return found


# Measure → figure by key; NaN where suppressed, -1 where the table had no such row.
Shown = Mapping[str, Floats]


def remember(universe: Universe, earlier: Mapping[str, Sequence[Earlier]], marks: Bools) -> Memory:
    """What the earlier releases add to a reader's knowledge.

    earlier: table → its releases. marks: keys that are suppressed today anyway.
    """
    size = len(universe.keys)
    nights = [
        [
            (member, old, {m: _shown(universe, member, old, keys, m) for m in member.rule.measures})
            for member, old in together
            if (keys := _keys(universe, member, old))
        ]
        for together in _by_release(universe, earlier)
    ]
    nights = [tables for tables in nights if tables]
    sums = {m: equations(universe, m) for m in universe.truth} if nights else {}
    thens = [[figures_then(universe, *table, sums) for table in tables] for tables in nights]
    ghosts = [
        [ghosts_of(universe, t[0], t[2], then) for t, then in zip(tables, found, strict=True)]
        for tables, found in zip(nights, thens, strict=True)
    ]
    more = len(universe.keys) - size
    memory = Memory(
        np.zeros(size + more, bool),
        np.r_[np.zeros(size, bool), np.ones(more, bool)],
        {m: np.zeros(size + more, bool) for m in universe.truth},
        releases=len(nights),
    )
    if not nights:
        return memory
    marks = np.r_[marks, np.zeros(more, bool)]
    universe.shown = np.r_[universe.shown, np.zeros(more, bool)]
    sums = {m: equations(universe, m) for m in universe.truth}
    for tables, gone, figures in zip(nights, ghosts, thens, strict=True):
        told = [(member, _longer(shown, more, -1.0)) for member, _, shown in tables]
        sure = not any(np.isnan(f).all() for then in figures for f in then.values())
        for measure in universe.truth:
            places = {k: g for found in gone for k, g in found.get(measure, {}).items()}
            _learn(universe, memory, measure, sums[measure], told, places if sure else None)
        changes = [
            change_of(universe, member, old, shown, _longer(then, more, np.nan))
            for (member, old, _), (_, shown), then in zip(tables, told, figures, strict=True)
        ]
        hidden = marks | memory.differs
        change = reduce(or_, changes)
        memory.differs |= differs(universe, change, list(sums.values()), hidden)
    return memory


def _longer(figures: Shown, more: int, filler: float) -> Shown:
    return {m: np.r_[f, np.full(more, filler)] for m, f in figures.items()}


def _by_release(
    universe: Universe, earlier: Mapping[str, Sequence[Earlier]]
) -> list[list[tuple[Member, Earlier]]]:
    """The tables of one release together: their sums hold for each other."""
    found: dict[str, list[tuple[Member, Earlier]]] = {}
    for member in universe.members:
        for old in earlier.get(member.name, ()):
            found.setdefault(old.release, []).append((member, old))
    return list(found.values())


def _learn(
    universe: Universe,
    memory: Memory,
    measure: str,
    sums: sparse.csr_matrix,
    tables: Sequence[tuple[Member, Shown]],
    ghosts: Mapping[int, int] | None,
) -> None:
    """Figures of one release that are still true, and its sums; `ghosts` None: it is not known
    which of the hidden figures have changed since."""
    holders = [(member, shown[measure]) for member, shown in tables if measure in shown]
    if not holders:
        return
    was = np.full(len(universe.keys), -1.0)
    known = np.zeros(len(universe.keys), bool)
    told = np.zeros(len(universe.keys), bool)
    for member, figures in holders:
        was = np.where(figures == -1.0, was, figures)
        known |= same(member.rule, figures, universe.truth[measure])
        told[list(member.keys)] = True
    memory.known_by[measure] |= known
    tolerance = max(member.rule.tolerance for member, _ in holders)
    # No row then: the cell was empty, or a margin that only could be added up.
    hidden = np.isnan(was) | ((was == -1.0) & ~told)
    if ghosts is not None:
        rows = _sums_of_then(sums, hidden, known, ghosts)
    else:
        rows = _old_rows(universe.truth[measure], sums, was, hidden, known, tolerance)
    memory.rows.setdefault(measure, []).extend(rows)


def _keys(universe: Universe, member: Member, old: Earlier) -> dict[int, int]:
    """Key → row of the earlier table, for cells that are still in the table."""
    own = [d.name for d in member.rule.dimensions]
    found = {}
    for row, key in enumerate(row_keys(old.cells, member.rule, f"release {old.release}")):
        at = universe.index.get(universe.spread(own, key))
        if at is not None:
            found[at] = row
    return found


def _shown(
    universe: Universe, member: Member, old: Earlier, keys: dict[int, int], measure: str
) -> Floats:
    was = np.full(len(universe.keys), -1.0)
    if measure not in old.cells.column_names:
        return was
    values = numbers(old.cells, measure, f"release {old.release}")
    for key, row in keys.items():
        was[key] = values[row]
    return was


def _sums_of_then(
    matrix: sparse.csr_matrix, hidden: Bools, known: Bools, ghosts: Mapping[int, int]
) -> list[sparse.csr_matrix]:
    """The earlier sums, as equations between the cells that were hidden then: today's where the
    figure is still the same, else the figure of then."""
    place = np.arange(matrix.shape[1])
    for key, ghost in ghosts.items():
        place[key] = ghost
    changed = abs(matrix) @ ((~hidden & ~known) | (place != np.arange(len(place)))).astype(float)
    parts = matrix.multiply(hidden.astype(float)).tocsr()
    kept = parts[np.flatnonzero(changed > 0)].tocoo()
    kept = sparse.csr_matrix((kept.data, (kept.row, place[kept.col])), kept.shape)
    kept.eliminate_zeros()
    return [kept[np.flatnonzero(np.diff(kept.indptr))]] if kept.nnz else []


def _old_rows(
    true: Floats,
    matrix: sparse.csr_matrix,
    was: Floats,
    hidden: Bools,
    known: Bools,
    tolerance: float,
) -> list[sparse.csr_matrix]:
    """The earlier sums in which a shown figure was another one, as equations between the cells
    that were hidden then; only those that are true of today's figures."""
    truth = np.nan_to_num(true)
    then = np.where(hidden, truth, np.maximum(np.nan_to_num(was), 0.0))
    parts = matrix.multiply(hidden.astype(float)).tocsr()
    changed = (abs(matrix) @ (~hidden & ~known).astype(float)) > 0
    room = tolerance * (abs(matrix) @ np.ones(len(truth)))
    holds = np.abs(matrix @ then) <= room + 1e-7 * np.maximum(1.0, abs(matrix) @ then)
    use = np.flatnonzero(changed & holds & (np.diff(matrix.indptr) > 0))
    kept = parts[use]
    kept.eliminate_zeros()
    return [kept[np.flatnonzero(np.diff(kept.indptr))]] if kept.nnz else []
