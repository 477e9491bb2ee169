"""An intruder who has only the published tables and scipy; shares no code with the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pyarrow as pa
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix

Cell = tuple[str, ...]
Sums = Mapping[str, Mapping[str, Sequence[str]]]
ALL = "all"
# Sums of floats miss a total by a hair.
HAIR = 1e-6


class Intruder:
    """Knows every shown cell, every sum (dimension → total or subtotal → its parts), that nothing
    is negative, and (`whole`) that people come in whole numbers. A table that lacks a dimension
    shows totals over it."""

    def __init__(
        self, sums: Sums, leaves: Mapping[str, Sequence[str]], value: str, *, whole: bool = False
    ) -> None:
        self.names, self.sums, self.value, self.whole = list(sums), sums, value, whole
        nodes = [[*leaves[n], *sums[n]] for n in self.names]
        self.cells: list[Cell] = list(product(*nodes))
        self.at = {cell: i for i, cell in enumerate(self.cells)}
        self.known: dict[int, float] = {}
        self.hidden: set[Cell] = set()
        self.equal: list[tuple[Cell, Cell]] = []  # pairs of cells known to hold the same

    def reads(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            cell = tuple(row.get(n, ALL) for n in self.names)
            if row[self.value] is None:
                self.hidden.add(cell)
            else:
                self.known[self.at[cell]] = float(row[self.value])

    def learns(self, cell: Cell, value: float) -> None:
        """What a respondent, or a reader of earlier releases, knows besides."""
        self.known[self.at[cell]] = value
        self.hidden.discard(cell)

    def _equations(self) -> tuple[csr_matrix, np.ndarray, list[int]]:
        unknown = [i for i in range(len(self.cells)) if i not in self.known]
        column = {i: k for k, i in enumerate(unknown)}
        rows, cols, signs, right = [], [], [], []
        for cell in self.cells:
            for d, name in enumerate(self.names):
                below = self.sums[name].get(cell[d])
                if below is None:
                    continue
                line = [(self.at[(*cell[:d], c, *cell[d + 1 :])], 1.0) for c in below]
                line.append((self.at[cell], -1.0))
                if any(i in column for i, _ in line):
                    right.append(-sum(s * self.known.get(i, 0.0) for i, s in line))
                    open_ = [(column[i], s) for i, s in line if i in column]
                    rows += [len(right) - 1] * len(open_)
                    cols += [c for c, _ in open_]
                    signs += [s for _, s in open_]
        for one, other in self.equal:
            pair = [(self.at[one], 1.0), (self.at[other], -1.0)]
            right.append(-sum(s * self.known.get(i, 0.0) for i, s in pair))
            rows += [len(right) - 1 for i, _ in pair if i in column]
            cols += [column[i] for i, _ in pair if i in column]
            signs += [s for i, s in pair if i in column]
        matrix = csr_matrix((signs, (rows, cols)), (len(right), len(unknown)))
        return matrix, np.array(right), unknown

    def intervals(self) -> dict[Cell, tuple[float, float]]:
        """The least and greatest value of every suppressed cell."""
        matrix, right, unknown = self._equations()
        column = {i: k for k, i in enumerate(unknown)}
        found = {}
        for cell in sorted(self.hidden):
            low, high = (self._end(matrix, right, column[self.at[cell]], s) for s in (1.0, -1.0))
            found[cell] = (low if np.isfinite(low) else 0.0, high)
        return found

    def _end(self, matrix: csr_matrix, right: np.ndarray, at: int, sign: float) -> float:
        cost = np.zeros(matrix.shape[1])
        cost[at] = sign
        if self.whole:
            done = milp(
                cost,
                constraints=LinearConstraint(matrix, right - HAIR, right + HAIR),
                integrality=np.ones(len(cost)),
                bounds=Bounds(0, np.inf),
            )
        else:
            both = csr_matrix(np.vstack([matrix.toarray(), -matrix.toarray()]))
            limit = np.r_[right + HAIR, -right + HAIR]
            done = linprog(cost, A_ub=both, b_ub=limit, bounds=(0, None))
        # The truth is feasible: whatever is not solved has no end.
        return sign * done.fun if done.status == 0 else np.inf


def truth_of(*tables: pa.Table, names: Sequence[str], value: str) -> dict[Cell, float]:
    found: dict[Cell, float] = {}
    for table in tables:
        for row in table.to_pylist():
            found[tuple(row.get(n, ALL) for n in names)] = float(row[value])
    return found


def too_close(
    intruder: Intruder, truth: Mapping[Cell, float], share: float = 0.2
) -> list[tuple[Cell, float, float, float]]:
    """(cell, true, least, greatest) of each suppressed cell that is not kept apart from its value
    by the share on both sides, or is known to be nothing."""
    bad = []
    for cell, (low, high) in intruder.intervals().items():
        x = truth[cell]
        if low > (1 - share) * x + 1e-4 or high < (1 + share) * x - 1e-4 or high <= 1e-5:
            bad.append((cell, x, low, high))
    return bad
