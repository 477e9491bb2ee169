"""What a reader can work out: the least and greatest value of each suppressed cell.

The intruder knows every shown cell of every linked table, all sums, that no figure is negative,
that counts are whole, and (where given) a bound on a cell and figures of earlier releases. The
unknown cells fall into components without common equation; each is one linear programme that is
solved again and again from the last basis. A solution found for one cell is a witness for
all and often spares the others' programmes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from onesource.publish.disclosure.model import DisclosureRefused
from onesource.publish.disclosure.rollup import Floats
from onesource.publish.disclosure.universe import Bools

Indices = npt.NDArray[np.intp]
# The solver's tolerance is absolute: figures are scaled so that the largest is this.
_SCALE = 1e4
# A solution is trusted to this share of the component's largest figure.
TRUST = 1e-6 / _SCALE * 10


@dataclass(frozen=True)
class System:
    """A measure over all keys: `rows @ truth` is 0 (`sums`: or more, see `add_up`)."""

    measure: str
    rows: sparse.csr_matrix
    truth: Floats  # 0 where the measure is not held
    bound: Floats  # what a cell can be at most, inf where nothing is known
    whole: bool  # counts
    add_up: bool  # false: counts of different people, whose total is at most the sum
    held: Bools
    interval: float  # the share of its value to which no cell may be narrowed
    beside: bool = False  # counts beside values: they fall with them but are not what is protected
    joint: bool = False  # with the releases before: only exact recovery is asked for


class Component:
    """The linear programme of one component of unknown cells."""

    def __init__(self, system: System, cells: Indices, rows: Indices) -> None:
        self.cells, self.system = cells, system
        matrix = system.rows[rows][:, cells].tocsr()
        self.matrix = abs(matrix)
        self.unknowns = np.diff(matrix.indptr).astype(np.float64)
        true = system.truth[cells]
        self.scale = max(float(true.max(initial=0.0)), 1e-12) / _SCALE
        self.true = true / self.scale
        if system.add_up:
            limit = _cheap_bounds(matrix, self.true)
        else:
            limit = _bounds_by_parents(system, matrix, rows) / self.scale
        self.limit = np.minimum(limit, system.bound[cells] / self.scale)
        # An upper end for the solver; what reaches half of it is not bounded at all.
        self.far = 50.0 * (self.true.sum() + _SCALE)
        sums = matrix @ self.true
        most = sums
        if not system.add_up:
            # Parts may overlap: their sum is at least the whole, and how much more is not known.
            sums = sums - (system.rows[rows] @ system.truth) / self.scale
            most = np.full(len(rows), highspy.kHighsInf)
        self.solver = _solver(matrix, sums, most, np.minimum(self.limit, self.far))
        self.low, self.high = self.true.copy(), self.true.copy()
        self._last: Indices = np.zeros(0, dtype=np.intp)

    def push(self, at: Indices, costs: Floats) -> Floats:
        """The feasible figures with the least cost. Raises DisclosureRefused if unsolved."""
        self.solver.changeColsCost(len(self._last), self._last.astype(np.int32), _zeros(self._last))
        self.solver.changeColsCost(len(at), at.astype(np.int32), costs)
        self._last = at
        if not self._solved() and not self._solved_afresh():
            raise DisclosureRefused(
                f"the audit of {self.system.measure} could not be solved",
                why=str(self.solver.modelStatusToString(self.solver.getModelStatus())),
                todo="the table is not shown; report it with the rule",
            )
        found = np.maximum(np.array(self.solver.getSolution().col_value), 0.0)
        np.minimum(self.low, found, out=self.low)
        np.maximum(self.high, found, out=self.high)
        return np.asarray(found)

    def _solved(self) -> bool:
        self.solver.run()
        return bool(self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def _solved_afresh(self) -> bool:
        """Without the last basis and by the dual: the truth is feasible, so there is an answer."""
        self.solver.clearSolver()
        self.solver.setOptionValue("simplex_strategy", 1)
        solved = self._solved()
        self.solver.setOptionValue("simplex_strategy", 4)
        return solved

    def extend(self, i: int, sign: float) -> None:
        self.push(np.array([i]), np.array([-sign]))

    def fix(self, at: Indices, fixed: bool) -> None:
        """Tells the intruder the true values of some cells, or takes them back."""
        low = self.true[at] if fixed else _zeros(at)
        high = self.true[at] if fixed else np.minimum(self.limit, self.far)[at]
        self.solver.changeColsBounds(len(at), at.astype(np.int32), low, high)


def _zeros(at: Indices) -> Floats:
    return np.zeros(len(at), dtype=np.float64)


def _cheap_bounds(matrix: sparse.csr_matrix, true: Floats) -> Floats:
    """Upper ends that follow from one equation whose unknown cells all add to a known figure."""
    bounds = np.full(len(true), np.inf)
    rhs = matrix @ true
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        signs = matrix.data[part]
        if (signs > 0).all() or (signs < 0).all():
            at = matrix.indices[part]
            bounds[at] = np.minimum(bounds[at], abs(rhs[row]) / np.abs(signs))
    return np.asarray(np.maximum(bounds, true))


def _bounds_by_parents(system: System, matrix: sparse.csr_matrix, rows: Indices) -> Floats:
    """Counts of different people: a part is at most its known whole, even where parts overlap."""
    bounds = np.full(matrix.shape[1], np.inf)
    for row, full in enumerate(rows.tolist()):
        part = slice(system.rows.indptr[full], system.rows.indptr[full + 1])
        whole = system.rows.indices[part][system.rows.data[part] < 0]
        cells = slice(matrix.indptr[row], matrix.indptr[row + 1])
        if len(whole) == 1 and (matrix.data[cells] > 0).all():
            at = matrix.indices[cells]
            bounds[at] = np.minimum(bounds[at], system.truth[whole[0]])
    return bounds


def _solver(matrix: sparse.csr_matrix, least: Floats, most: Floats, upper: Floats) -> highspy.Highs:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = np.zeros(matrix.shape[1])
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), upper
    model.row_lower_, model.row_upper_ = least, most
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    for name, value in (
        ("output_flag", False),
        ("presolve", "off"),
        ("threads", 1),
        ("solver", "simplex"),
        ("simplex_strategy", 4),
    ):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    return solver


def components(system: System, unknown: Bools) -> list[tuple[Indices, Indices]]:
    """(cells, rows) of each component; cells without an equation stand alone."""
    cells = np.flatnonzero(unknown & system.held)
    part = system.rows[:, cells]
    rows = np.flatnonzero(np.diff(part.indptr))
    part = part[rows]
    graph = sparse.bmat([[None, part.T], [part, None]]) if len(rows) else None
    if graph is None:
        return [(np.array([c]), np.zeros(0, dtype=np.intp)) for c in cells]
    _, label = connected_components(abs(graph), directed=False)
    found = []
    order = np.argsort(label, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        inside = group < len(cells)
        found.append((cells[group[inside]], rows[group[~inside] - len(cells)]))
    return found


def too_close(
    system: System, low: Floats, high: Floats, interval: float, both: Bools, cells: Indices
) -> tuple[Bools, Bools]:
    """Per cell: must it reach further down, further up?

    Outside means strictly beyond `interval` of the true value; whole numbers are drawn inwards.
    A bound that the reader knows anyway (the whole group) is as far as it can go.
    """
    true = system.truth[cells]
    if system.whole:
        low, high = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    hair = 1e-6 * np.maximum(true, 1e-9)
    need_low = np.maximum(true * (1 - interval), 0)
    need_high = np.minimum(true * (1 + interval), system.bound[cells])
    short_low = (low >= need_low - hair) & (true > 0)
    capped = need_high < true * (1 + interval)
    short_high = (high <= need_high + np.where(capped, -hair, hair)) & (need_high > true)
    short_high |= (true == 0) & (high <= 0)
    fixed = need_high <= true
    narrow = short_low & (short_high | fixed)
    return short_low & (both | narrow), short_high & (both | narrow)


def audit(
    system: System, unknown: Bools, cells: Sequence[int], exact: bool
) -> tuple[Floats, Floats, list[Component]]:
    """Low and high of the wanted cells (others NaN). Not `exact`: from a few sweeps only."""
    low = np.full(len(system.truth), np.nan)
    high = np.full(len(system.truth), np.nan)
    wanted = np.zeros(len(system.truth), bool)
    wanted[list(cells)] = True
    parts = []
    for members, rows in components(system, unknown):
        if not wanted[members].any():
            continue
        if len(rows) == 0:
            low[members], high[members] = 0.0, system.bound[members]
            continue
        part = Component(system, members, rows)
        if exact:
            _extremes(part, np.flatnonzero(wanted[members]))
        parts.append(part)
        low[members], high[members] = ends(part)
    return low, high, parts


def ends(part: Component) -> tuple[Floats, Floats]:
    high = np.where(part.high >= part.far / 2, np.inf, part.high * part.scale)
    low = np.where(part.low <= _SCALE * TRUST, 0.0, part.low * part.scale)
    return low, high


def _extremes(part: Component, wanted: Indices) -> None:
    near = _SCALE * TRUST
    for i in wanted.tolist():
        if part.low[i] > near:
            part.extend(i, -1.0)
    for i in wanted.tolist():
        if part.high[i] < min(part.limit[i], part.far / 2) - near:
            part.extend(i, 1.0)
