"""Made-up tables for disclosure control, and an intruder that shares no code with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.optimize import linprog

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure import Protected

Cell = tuple[str, ...]
ALL = "all"


def rule(*dimensions: str | dict[str, Any], **more: Any) -> DisclosureRule:
    made = [{"column": d, "total": ALL} if isinstance(d, str) else d for d in dimensions]
    said = {
        "respondents": "enterprises",
        "dimensions": made,
        "values": ["t"],
        "contributions": {"source": "curated.made_up", "contributor": "firm"},
    }
    return DisclosureRule.model_validate(said | more)


def given_firms(names: Sequence[str], parts: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of (codes …, firm, value); made up."""
    columns = [*names, "firm", "t"]
    types = [pa.string()] * (len(columns) - 1) + [pa.float64()]
    data = list(zip(*parts, strict=True)) or [()] * len(columns)
    return pa.table({n: pa.array(list(d), t) for n, d, t in zip(columns, data, types, strict=True)})


def with_margins(
    names: Sequence[str], parts: Sequence[tuple[Any, ...]], codes: Sequence[Sequence[str]]
) -> pa.Table:
    """The table of sums with a total in every dimension."""
    grid = list(product(*([*c, ALL] for c in codes)))
    sums = dict.fromkeys(grid, 0.0)
    for part in parts:
        for cell in product(*((c, ALL) for c in part[: len(names)])):
            sums[cell] += part[-1]
    columns = {n: [cell[i] for cell in grid] for i, n in enumerate(names)}
    return pa.table(columns | {"t": [sums[c] for c in grid]})


def one_line(sizes: Mapping[str, Sequence[float]], **more: Any) -> tuple[pa.Table, pa.Table, Any]:
    """Counties with the output of each mine, and the city's total."""
    parts = [(c, f"{c}{i}", float(v)) for c, values in sizes.items() for i, v in enumerate(values)]
    cells = with_margins(["county"], parts, [list(sizes)])
    return cells, given_firms(["county"], parts), rule("county", **more)


def hidden(done: Protected | pa.Table, column: str = "county", value: str = "t") -> set[str]:
    table = done.table if isinstance(done, Protected) else done
    rows = zip(table[column].to_pylist(), table[value].to_pylist(), strict=True)
    return {c for c, v in rows if v is None}


def intervals(
    names: Sequence[str], shown: pa.Table, value: str = "t"
) -> dict[Cell, tuple[float, float]]:
    """What a reader works out for each hidden cell from sums and signs alone."""
    rows = list(zip(*(shown[n].to_pylist() for n in names), strict=True))
    at = {cell: i for i, cell in enumerate(rows)}
    equations = []
    for cell in rows:
        for d in range(len(names)):
            if cell[d] == ALL:
                line = np.zeros(len(rows))
                line[at[cell]] = -1
                for other in rows:
                    if other[d] != ALL and other[:d] + other[d + 1 :] == cell[:d] + cell[d + 1 :]:
                        line[at[other]] = 1
                equations.append(line)
    values = shown[value].to_pylist()
    bounds = [(0, None) if v is None else (v, v) for v in values]
    found = {}
    for cell, v in zip(rows, values, strict=True):
        if v is None:
            ends = []
            for sign in (1, -1):
                cost = np.zeros(len(rows))
                cost[at[cell]] = sign
                # A sum of floats may miss the total by a hair: equations hold to 1e-6.
                both = np.vstack([equations, -np.array(equations)])
                done = linprog(cost, A_ub=both, b_ub=np.full(len(both), 1e-6), bounds=bounds)
                # 2, 3, 4: the truth is feasible, so this means without end.
                ends.append(sign * done.fun if done.status == 0 else np.inf)
            found[cell] = ((ends[0] if np.isfinite(ends[0]) else 0.0), ends[1])
    return found


def assert_safe(names: Sequence[str], true: pa.Table, shown: pa.Table, value: str = "t") -> None:
    truth = dict(
        zip(
            zip(*(true[n].to_pylist() for n in names), strict=True),
            true[value].to_pylist(),
            strict=True,
        )
    )
    for cell, (low, high) in intervals(names, shown, value).items():
        x = truth[cell]
        assert low <= 0.8 * x + 1e-4 and high >= 1.2 * x - 1e-4, (cell, x, low, high)
        assert high > 0


PERSONS = {
    "respondents": "persons",
    "values": [],
    "counts": ["n"],
    "contributions": {"source": "curated.made_up", "contributor": "person"},
}


def people(counts: Mapping[Cell, int], names: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """Cells with margins and one made-up person per head."""
    heads = [(*cell, f"{'/'.join(cell)}{i}") for cell, n in counts.items() for i in range(n)]
    codes = [sorted({c[i] for c in counts}) for i in range(len(names))]
    table = with_margins(names, [(*h[:-1], h[-1], 1.0) for h in heads], codes)
    cells = table.select(list(names)).append_column(
        "n", pa.array([int(v) for v in table["t"].to_pylist()], pa.int64())
    )
    who = {
        n: pa.array([h[i] for h in heads], pa.string()) for i, n in enumerate([*names, "person"])
    }
    return cells, pa.table(who)


# Mines by county: a is alone, so one more county is hidden with it.
NIGHT = {"a": [5], "b": [3, 3, 4], "c": [9, 8, 7], "d": [6, 6, 6]}
