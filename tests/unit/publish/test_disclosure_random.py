"""Random tables against an independent intruder."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onesource.publish.disclosure import DisclosureRefused, protect
from tests.unit.publish.made_up_tables import (
    ALL,
    PERSONS,
    assert_safe,
    given_firms,
    people,
    rule,
    with_margins,
)

SIZES = st.sampled_from([(3, 3), (4, 3), (2, 2), (5, 4), (2, 3, 2), (3, 3, 2), (6,)])


@st.composite
def random_tables(draw: st.DrawFn) -> tuple[list[str], list[tuple[Any, ...]], list[list[str]]]:
    size = draw(SIZES)
    names = [f"d{i}" for i in range(len(size))]
    codes = [[f"{n}{i}" for i in range(k)] for n, k in zip(names, size, strict=True)]
    seed = draw(st.integers(0, 10_000))
    busy = draw(st.sampled_from([0.4, 0.7, 0.95]))
    rng = np.random.default_rng(seed)
    parts = []
    for number, cell in enumerate(product(*codes)):
        count = int(rng.integers(1, 7)) if rng.uniform() < busy else int(rng.integers(0, 2))
        for i in range(count):
            value = float(rng.choice([0, 1, 2, 5, 10, 100], p=[0.02, 0.2, 0.28, 0.2, 0.2, 0.1]))
            parts.append((*cell, f"firm{number}_{i}", value))
    return names, parts, codes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random_tables())
def test_no_hidden_cell_of_a_random_table_is_narrowed_to_a_fifth(
    made: tuple[list[str], list[tuple[Any, ...]], list[list[str]]],
) -> None:
    names, parts, codes = made
    cells = with_margins(names, parts, codes)
    done = protect(cells, given_firms(names, parts), rule(*names))
    assert_safe(names, cells, done.table)
    shown = list(zip(cells["t"].to_pylist(), done.table["t"].to_pylist(), strict=True))
    assert all(after is None or after == before for before, after in shown)
    for cell, after in zip(
        zip(*(cells[n].to_pylist() for n in names), strict=True),
        done.table["t"].to_pylist(),
        strict=True,
    ):
        inside = [
            p
            for p in parts
            if all(c in (a, ALL) or a == ALL for a, c in zip(cell, p, strict=False))
        ]
        if 0 < len(inside) < 3:
            assert after is None, cell


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, 40), min_size=4, max_size=24),
    st.integers(2, 4),
    st.sampled_from([3, 5]),
)
def test_rounded_counts_are_multiples_near_the_truth_and_add_up(
    numbers: list[int], width: int, base: int
) -> None:
    counts = {(f"r{i // width}", f"c{i % width}"): n for i, n in enumerate(numbers)}
    cells, who = people(counts, ["row", "column"])
    r = rule("row", "column", **PERSONS, method="round", rounding={"base": base})
    try:
        done = protect(cells, who, r)
    except DisclosureRefused as refused:
        assert "follows from the rounded" in str(refused)
        return
    rows = {(x["row"], x["column"]): x["n"] for x in done.table.to_pylist()}
    for x in cells.to_pylist():
        assert rows[x["row"], x["column"]] % base == 0
        assert abs(rows[x["row"], x["column"]] - x["n"]) < base
    for row in {k[0] for k in rows}:
        assert rows[row, ALL] == sum(v for k, v in rows.items() if k[0] == row and k[1] != ALL)
    for column in {k[1] for k in rows}:
        assert rows[ALL, column] == sum(
            v for k, v in rows.items() if k[1] == column and k[0] != ALL
        )
