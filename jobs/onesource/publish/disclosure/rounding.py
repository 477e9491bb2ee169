"""Controlled rounding: every count becomes a neighbouring multiple of the base, totals still add.

A whole-number programme picks for each cell and margin the multiple below or above (a multiple
stays), as near to the truth as the sums allow. In tables of three and more dimensions such a choice
need not exist: there single cells are rounded and totals summed (`spread`). The audit assumes that
the reader knows the method: each true count lies less than one base from the one shown.
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
import pyarrow as pa
from scipy import sparse

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.intruder import Component, System
from onesource.publish.disclosure.model import SHOWN, DisclosureRefused, Linked, Protected
from onesource.publish.disclosure.primary import primary
from onesource.publish.disclosure.rollup import Floats, numbers, row_keys
from onesource.publish.disclosure.shown import with_status
from onesource.publish.disclosure.spread import spread
from onesource.publish.disclosure.universe import Bools, Member, Universe, build, equations

# A bound on the search that, unlike seconds, gives the same answer on every machine.
_NODES = 2_000


def rounded(given: Linked) -> Protected:
    """The rounded table and its proof. Raises DisclosureRefused."""
    universe, rule = build([given]), given.rule
    member = universe.members[0]
    marks = primary(universe)
    table, measures = given.cells, {}
    for measure in rule.counts:
        figures, neighbours = _round(universe, measure, rule)
        windows = _windows(universe, given, measure, figures, neighbours)
        _audit(universe, measure, windows, marks)
        table = _put(table, measure, figures[list(member.keys)])
        away = np.abs(figures - universe.truth[measure])
        measures[measure] = {"changed_by_less_than": _steps(away, rule.rounding.base)}
    table = _derived(table, rule)
    status = pa.array([SHOWN] * table.num_rows, pa.string())
    proof = _proof(member, rule, marks, measures)
    proof["earlier_releases"] = len(given.previous)
    return Protected(with_status(table, rule, status), proof)


def _proof(member: Member, rule: DisclosureRule, marks: Bools, measures: Any) -> dict[str, Any]:
    return {
        "method": "round",
        "passed": True,
        "base": rule.rounding.base,
        "tables": {
            member.name: {
                "cells": len(member.keys),
                "suppressed": 0,
                "primary": int(marks[list(member.keys)].sum()),
                "complementary": 0,
                "measures": measures,
            }
        },
    }


def _steps(away: Floats, base: int) -> int:
    """The least multiple of the base that every change stays under: a bound, not a figure."""
    return int(base * (np.floor(away.max(initial=0.0) / base + 1e-9) + 1))


def _round(universe: Universe, measure: str, rule: DisclosureRule) -> tuple[Floats, Bools]:
    """The rounded figures by key, and which of them are neighbours of the truth for sure."""
    truth = universe.truth[measure]
    base = rule.rounding.base
    rows = equations(universe, measure)
    if (np.abs(rows @ truth) > 0.5).any():
        raise DisclosureRefused(
            f"{measure} does not add up, so its rounded figures cannot",
            where=universe.members[0].name,
            why="a contributor stands in several cells of a sum",
            todo="use suppression, or count contributors per cell",
        )
    # With two additive dimensions the programme is a network and its answer whole at once.
    if sum(bool(axis.sums) for axis in universe.axes.values()) <= 2:
        steps = _nearest(rows, truth / base)
        if steps is not None:
            return steps * base, np.ones(len(truth), bool)
    return spread(universe, truth, base)


def _windows(
    universe: Universe, given: Linked, measure: str, figures: Floats, neighbours: Bools
) -> tuple[Floats, Floats]:
    """What a reader knows of each true count: less than one base from the figure shown, now and
    (if it has not changed since) in the releases before."""
    window = given.rule.rounding.base - 1
    low = np.where(neighbours, np.maximum(figures - window, 0.0), 0.0)
    high = np.where(neighbours, figures + window, np.inf)
    truth = universe.truth[measure]
    for old in given.previous:
        where = f"release {old.release}"
        if measure not in old.cells.column_names:
            continue
        values = numbers(old.cells, measure, where)
        for key, figure in zip(row_keys(old.cells, given.rule, where), values, strict=True):
            at = universe.index.get(key)
            if at is not None and neighbours[at] and abs(figure - truth[at]) <= window:
                low[at] = max(low[at], figure - window)
                high[at] = min(high[at], figure + window)
    return low, high


def _nearest(rows: sparse.csr_matrix, truth: Floats) -> Floats | None:
    """Whole steps near `truth` for which `rows` are 0; None where there are none."""
    size = len(truth)
    low = np.floor(truth + 1e-9)
    high = np.ceil(truth - 1e-9)
    # Columns: the steps, then how far each is off (the cost).
    off = sparse.identity(size)
    sums = sparse.hstack([rows, sparse.csr_matrix(rows.shape)])
    matrix = sparse.vstack([sums, sparse.hstack([off, off]), sparse.hstack([off, -off])]).tocsr()
    model = highspy.HighsLp()
    inf = highspy.kHighsInf
    model.num_col_, model.num_row_ = 2 * size, matrix.shape[0]
    model.col_cost_ = np.r_[np.zeros(size), np.ones(size)]
    model.col_lower_ = np.r_[low, np.zeros(size)]
    model.col_upper_ = np.r_[high, np.full(size, 1.0)]
    none = np.zeros(rows.shape[0])
    model.row_lower_ = np.r_[none, truth, np.full(size, -inf)]
    model.row_upper_ = np.r_[none, np.full(size, inf), truth]
    model.integrality_ = [highspy.HighsVarType.kInteger] * size + [
        highspy.HighsVarType.kContinuous
    ] * size
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("mip_rel_gap", 0.01),
        ("mip_max_nodes", _NODES),
    ):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    steps = np.round(np.array(solver.getSolution().col_value[:size]))
    return steps if not (np.abs(rows @ steps) > 1e-6).any() else None


def _audit(
    universe: Universe,
    measure: str,
    windows: tuple[Floats, Floats],
    marks: Bools,
) -> None:
    """No sensitive count can be narrowed to one number by the windows of all cells together."""
    truth = universe.truth[measure]
    size = len(truth)
    rows = equations(universe, measure)
    everything = np.arange(size)
    nothing_known = np.full(size, np.inf)
    system = System(measure, rows, truth, nothing_known, True, True, np.ones(size, bool), 0.0)
    part = Component(system, everything, np.arange(rows.shape[0]))
    low = windows[0] / part.scale
    high = np.minimum(windows[1] / part.scale, part.far)
    part.solver.changeColsBounds(size, everything.astype(np.int32), low, high)
    for key in np.flatnonzero(marks).tolist():
        for sign in (1.0, -1.0):
            if (part.high[key] - part.low[key]) * part.scale < 1 - 1e-6:
                part.extend(key, sign)
        if (part.high[key] - part.low[key]) * part.scale < 1 - 1e-6:
            raise DisclosureRefused(
                f"{measure} at {universe.label(key)} follows from the rounded figures",
                why="alone, or together with the releases before",
                todo="take a larger base, a frozen cadence, or suppression",
            )


def _put(table: pa.Table, column: str, values: Floats) -> pa.Table:
    at = table.column_names.index(column)
    field = table.schema.field(at)
    whole = pa.array(np.round(values).astype(np.int64))
    return table.set_column(at, field, whole.cast(field.type))


def _derived(table: pa.Table, rule: DisclosureRule) -> pa.Table:
    """Ratios computed anew from the rounded figures; null where the denominator is 0."""
    for ratio in rule.derived:
        assert ratio.numerator and ratio.denominator
        over = numbers(table, ratio.numerator, "table")
        under = numbers(table, ratio.denominator, "table")
        quotient = [
            None if not d or np.isnan(n) or np.isnan(d) else float(n / d * ratio.factor)
            for n, d in zip(over, under, strict=True)
        ]
        at = table.column_names.index(ratio.column)
        field = table.schema.field(at).with_nullable(True)
        column = pa.array(quotient, pa.float64()).cast(field.type, safe=False)
        table = table.set_column(at, field, column)
    return table
