"""The figures behind an earlier release, also those that it hid.

With the contributions of then they are summed. Without, the hidden ones are taken to have changed
as little as the sums of then allow: a reader cannot know better which of them changed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.optimize import linprog

from onesource.publish.disclosure.model import Earlier
from onesource.publish.disclosure.rollup import Cell, Floats, Key, codes, roll_up
from onesource.publish.disclosure.universe import EXACT, Bools, Member, Universe


def figures_then(
    universe: Universe,
    member: Member,
    old: Earlier,
    shown: Mapping[str, Floats],
    sums: Mapping[str, sparse.csr_matrix],
) -> dict[str, Floats]:
    """Measure → figure by today's key; NaN where nothing can be said.

    shown: the figures that were shown (NaN suppressed, -1 no row).
    """
    if old.contributions is not None:
        return _summed(universe, member, old)
    return {m: _least_changed(universe, member, m, was, sums[m]) for m, was in shown.items()}


def hidden_then(member: Member, was: Floats) -> Bools:
    """Suppressed, or a sum of the table that had no row and could only be added up."""
    found = np.isnan(was)
    implicit = [k for k in member.grid.keys() - set(member.keys) if was[k] == -1.0]
    found[implicit] = True
    return found


def _summed(universe: Universe, member: Member, old: Earlier) -> dict[str, Floats]:
    rule, table = member.rule, old.contributions
    assert table is not None
    own = [d.name for d in rule.dimensions]
    axes = [universe.axes[n] for n in own]
    where = f"release {old.release}"
    inside = np.ones(table.num_rows, bool)
    for dimension, axis in zip(rule.dimensions, axes, strict=True):
        place = codes(table, rule.contributions.column(dimension.column), where)
        leaves = set(axis.leaves)
        inside &= np.array([code in leaves for code in place], dtype=bool)
    cells = by_key(universe, member, roll_up(table.filter(pa.array(inside)), rule, axes, where))
    found = {m: np.full(len(universe.keys), np.nan) for m in rule.measures}
    for measure, figures in found.items():
        figures[list(member.grid)] = 0.0
        for key, cell in cells.items():
            figures[key] = cell.sums.get(measure, float(cell.respondents))
    return found


def by_key(universe: Universe, member: Member, rolled: Mapping[Key, Cell]) -> dict[int, Cell]:
    """Cells of a table by key of the universe, without those that are there no more."""
    own = [d.name for d in member.rule.dimensions]
    spread = ((universe.spread(own, k), c) for k, c in rolled.items())
    return {universe.index[k]: c for k, c in spread if k in universe.index}


def _least_changed(
    universe: Universe, member: Member, measure: str, was: Floats, sums: sparse.csr_matrix
) -> Floats:
    """The hidden figures that differ least in all from today's and fulfil the sums of then."""
    truth = universe.truth[measure]
    then = np.where(was == -1.0, 0.0, was)
    hidden = np.flatnonzero(hidden_then(member, was))
    then[hidden] = truth[hidden]
    own = np.zeros(len(truth), bool)
    own[list(member.grid)] = True
    inside = abs(sums) @ (~own).astype(float) == 0
    rows = sums[np.flatnonzero(inside & (np.diff(sums[:, hidden].tocsr().indptr) > 0))]
    figures = np.nan_to_num(truth)
    adds_up = np.abs(rows @ figures) <= 1e-6 * np.maximum(1.0, abs(rows) @ figures)
    gap = -(rows @ then)
    room = 1e-7 * np.maximum(1.0, abs(rows) @ np.abs(then))
    room += member.rule.tolerance * np.asarray(abs(rows).sum(axis=1)).ravel()
    if (np.abs(gap) <= room).all():
        return then
    unknown = np.full(len(truth), np.nan)
    if not adds_up.all():
        return unknown
    part = rows[:, hidden]
    both = sparse.hstack([part, -part])
    size = len(hidden)
    done = linprog(
        np.ones(2 * size),
        A_ub=sparse.vstack([both, -both]).tocsr(),
        b_ub=np.r_[gap + room, -gap + room],
        bounds=np.c_[np.zeros(2 * size), np.r_[np.full(size, np.inf), then[hidden]]],
    )
    if done.status != 0:
        return unknown
    step = done.x[:size] - done.x[size:]
    step[np.abs(step) <= 10 * room.max() + EXACT * np.abs(then[hidden])] = 0.0
    then[hidden] += step
    return then
