"""Complementary suppression: the cheapest further cells until the audit finds nothing too close.

For a cell that can be narrowed too far, the least costly way of moving it while every sum still
holds is a linear programme; the cells that move become suppressed (Kelly, Golden and Assad's
model, one cell and direction at a time). The audit then looks at all suppressed cells again, the
added ones too, until it passes; at last, cells that proved superfluous are shown again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from onesource.publish.disclosure.contributor import exposed
from onesource.publish.disclosure.intruder import (
    Component,
    Indices,
    System,
    components,
    ends,
    too_close,
)
from onesource.publish.disclosure.model import DisclosureRefused
from onesource.publish.disclosure.rollup import Floats
from onesource.publish.disclosure.universe import Bools, Universe

_ROUNDS = 200
# Taking back superfluous cells asks the audit again for each: worth it while tables are small.
_PRUNE = 40_000


@dataclass(frozen=True)
class Task:
    """What the choice may use and must reach."""

    universe: Universe
    systems: Sequence[System]
    primary: Bools
    by_difference: Bools  # primary for no other reason than an earlier release: one side will do
    protect: Bools  # cells that must not be narrowed although nobody shows them (implicit)
    hidden: Bools  # unknown to the reader whatever is chosen (implicit)
    movable: Bools  # may be suppressed
    cost: Floats
    interval: float
    sides: str
    soles: dict[str, Indices]  # contributor → keys where nobody else is; empty: not asked for

    def both(self, system: System, cells: Indices) -> Bools:
        """Cells whose interval must pass the limit below and above."""
        if system.beside or system.joint:
            return np.zeros(len(cells), bool)
        if self.sides == "primary":
            return np.asarray(self.primary[cells] & ~self.by_difference[cells], dtype=bool)
        return np.asarray(~self.by_difference[cells] & (self.sides == "both"), dtype=bool)


def choose(task: Task) -> Bools:
    """The suppressed keys: primary and complementary. Raises where nothing more can be hidden."""
    suppressed = task.primary & ~task.hidden
    movers = [Mover(task, s) for s in task.systems]
    for _ in range(_ROUNDS):
        before, failing = int(suppressed.sum()), 0
        for system, mover in zip(task.systems, movers, strict=True):
            for target, sign, fixed in failures(task, system, suppressed):
                failing += 1
                suppressed |= mover.hide(suppressed, target, sign, fixed)
        if not failing:
            return _without_superfluous(task, suppressed)
        if int(suppressed.sum()) == before:
            break
    raise DisclosureRefused(
        "complementary suppression did not come to an end",
        why="the audit finds cells too close that the choice holds for safe",
        todo="the table is not shown; report it with the rule",
    )


def failures(task: Task, system: System, suppressed: Bools) -> list[tuple[int, float, Indices]]:
    """(cell, direction, cells that the intruder knows) of what is narrowed too far; direction 0:
    either. Empty: the audit passes."""
    unknown = suppressed | task.hidden
    found: list[tuple[int, float, Indices]] = []
    for cells, rows in components(system, unknown):
        wanted = np.flatnonzero((suppressed | task.protect)[cells])
        if len(wanted) == 0 or len(rows) == 0:
            continue
        part = Component(system, cells, rows)
        found += [(c, s, _NOBODY) for c, s in narrowed(task, part, wanted)]
        if not found and not system.joint:
            # A complementary cell may be shown by itself: only the sensitive ones matter here.
            sensitive = np.flatnonzero(task.primary[cells])
            found += exposed(part, sensitive, task.soles, system.interval)
    return sorted(found, key=lambda f: (-system.truth[f[0]], f[0], f[1]))


_NOBODY: Indices = np.zeros(0, dtype=np.intp)


def narrowed(task: Task, part: Component, wanted: Indices) -> list[tuple[int, float]]:
    """Cells of a component (by key) and the direction in which they need more room."""
    both = task.both(part.system, part.cells)
    for i in wanted.tolist():
        for sign in (-1.0, 1.0):
            if any(_short(task, part, i, both, sign)):
                part.extend(i, sign)
    failing = []
    for i in wanted.tolist():
        low, high = _short(task, part, i, both, 0.0)
        if both[i]:
            failing += [(int(part.cells[i]), s) for s, bad in ((-1.0, low), (1.0, high)) if bad]
        elif low or high:
            failing.append((int(part.cells[i]), 0.0))
    return failing


def _short(task: Task, part: Component, i: int, both: Bools, sign: float) -> tuple[bool, bool]:
    at = slice(i, i + 1)
    low, high = ends(part)
    short_low, short_high = too_close(
        part.system, low[at], high[at], part.system.interval, both[at], part.cells[at]
    )
    return bool(short_low[0]) and sign <= 0, bool(short_high[0]) and sign >= 0


class Mover:
    """The cheapest move of the whole system, one cell and direction at a time."""

    def __init__(self, task: Task, system: System) -> None:
        self.task, self.system = task, system
        size = len(system.truth)
        self.size = size
        self.scale = np.ones(size)
        model = highspy.HighsLp()
        matrix = sparse.hstack([system.rows, -system.rows]).tocsr()
        model.num_col_, model.num_row_ = 2 * size, matrix.shape[0]
        model.col_cost_ = np.zeros(2 * size)
        model.col_lower_ = np.zeros(2 * size)
        model.col_upper_ = np.zeros(2 * size)
        model.row_lower_ = model.row_upper_ = np.zeros(matrix.shape[0])
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data
        self.solver = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("presolve", "off"),
            ("threads", 1),
            ("solver", "simplex"),
        ):
            self.solver.setOptionValue(name, value)
        self.solver.passModel(model)
        self.columns = np.arange(2 * size, dtype=np.int32)

    def hide(self, suppressed: Bools, target: int, sign: float, fixed: Indices) -> Bools:
        """The keys to suppress as well so that the target can move far enough."""
        tried = [self._move(suppressed, target, s, fixed) for s in _directions(sign)]
        moves = [m for m in tried if m is not None]
        if not moves:
            raise DisclosureRefused(
                f"{self.system.measure} at {self.task.universe.label(target)} cannot be protected",
                why="what may still be hidden is too little, or readers know it already",
                todo="show fewer margins, a coarser table, or withdraw the release that shows it",
            )
        best = min(moves, key=lambda m: float(self.task.cost[m & ~suppressed].sum()))
        return best & ~self.task.hidden

    def _move(self, suppressed: Bools, target: int, sign: float, fixed: Indices) -> Bools | None:
        task, truth = self.task, self.system.truth
        amount = _needed(self.system, target, sign, self.system.interval)
        if amount is None:
            return None
        free = suppressed | task.hidden
        moves = (free | task.movable) & self.system.held
        moves[fixed] = False
        up = np.where(moves, (self.system.bound - truth) / amount, 0.0)
        down = np.where(moves, truth / amount, 0.0)
        low = np.zeros(2 * self.size)
        own, other = (up, down) if sign > 0 else (down, up)
        if own[target] < 1.0 - 1e-9:
            return None
        other[target] = 0.0
        own[target] = max(own[target], 1.0)
        low[target if sign > 0 else target + self.size] = 1.0
        cost = np.where(free, 0.0, task.cost)
        self.solver.clearSolver()
        count = len(self.columns)
        self.solver.changeColsBounds(count, self.columns, low, np.r_[up, down])
        self.solver.changeColsCost(count, self.columns, np.r_[cost, cost])
        self.solver.run()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise DisclosureRefused(f"the choice of cells of {self.system.measure} was not solved")
        values = np.array(self.solver.getSolution().col_value)
        return np.asarray((values[: self.size] > 1e-7) | (values[self.size :] > 1e-7))


def _directions(sign: float) -> tuple[float, ...]:
    return (sign,) if sign else (-1.0, 1.0)


def _needed(system: System, target: int, sign: float, interval: float) -> float | None:
    """How far a cell must be able to move so that it is strictly outside; None: it never can."""
    true = float(system.truth[target])
    if sign < 0 and true <= 0:
        return None
    if system.whole:
        if sign > 0:
            amount = float(np.floor(true * (1 + interval) + 1e-6)) + 1 - true
        else:
            amount = true - float(np.ceil(true * (1 - interval) - 1e-6)) + 1
    elif true > 0:
        amount = true * interval * 1.001
    else:
        positive = system.truth[system.truth > 0]
        amount = float(positive.min(initial=1.0))
    if sign < 0:
        return min(amount, true)
    room = float(system.bound[target]) - true
    return min(amount, room) if room > 0 else None


def _without_superfluous(task: Task, suppressed: Bools) -> Bools:
    """Shows complementary cells again, the dearest first, where the audit still passes."""
    extra = np.flatnonzero(suppressed & ~task.primary)
    if len(extra) * int(suppressed.sum()) * len(task.systems) > _PRUNE:
        return suppressed
    for key in extra[np.lexsort((extra, -task.cost[extra]))].tolist():
        fewer = suppressed.copy()
        fewer[key] = False
        if not any(failures(task, system, fewer) for system in task.systems):
            suppressed = fewer
    return suppressed
