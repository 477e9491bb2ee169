"""Random made-up tables against an intruder that shares no code with the library."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onesource.publish.disclosure import DisclosureRefused, Earlier, Linked, protect
from tests.unit.publish.disclosure_intruder import ALL, Cell, Intruder, too_close, truth_of
from tests.unit.publish.made_up_tables import PERSONS, given_firms, people, rule

Parts = list[tuple[Any, ...]]
SIZES = st.sampled_from([(3, 3), (4, 3), (2, 2), (5, 4), (2, 3, 2), (3, 3, 2), (6,)])
QUICK = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


class Layout:
    """Dimensions, their single codes, and what each total or subtotal is the sum of."""

    def __init__(self, size: Sequence[int], groups: dict[str, list[int]] | None = None) -> None:
        self.names = [f"d{i}" for i in range(len(size))]
        self.leaves = {
            n: [f"{n}{i}" for i in range(k)] for n, k in zip(self.names, size, strict=True)
        }
        self.sums: dict[str, dict[str, list[str]]] = {n: {ALL: self.leaves[n]} for n in self.names}
        if groups:
            first = self.leaves["d0"]
            inner = {g: [first[i] for i in at] for g, at in groups.items()}
            self.sums["d0"] = inner | {ALL: list(inner)}

    def above(self, name: str, code: str) -> list[str]:
        groups = [g for g, below in self.sums[name].items() if code in below and g != ALL]
        return [code, *groups, ALL]

    def cells(self) -> list[Cell]:
        return list(product(*([*self.leaves[n], *self.sums[n]] for n in self.names)))

    def table(self, parts: Parts) -> pa.Table:
        found = dict.fromkeys(self.cells(), 0.0)
        for part in parts:
            for cell in product(*(self.above(n, part[i]) for i, n in enumerate(self.names))):
                found[cell] += part[-1]
        codes = {n: [c[i] for c in found] for i, n in enumerate(self.names)}
        return pa.table(codes | {"t": list(found.values())})

    def inside(self, cell: Cell, parts: Parts) -> Parts:
        return [
            p
            for p in parts
            if all(cell[i] in self.above(n, p[i]) for i, n in enumerate(self.names))
        ]

    def rule(self, **more: Any) -> Any:
        dimensions = [
            {
                "column": n,
                "total": ALL,
                "groups": {g: below for g, below in self.sums[n].items() if g != ALL},
            }
            for n in self.names
        ]
        return rule(*dimensions, **more)

    def intruder(self, *tables: pa.Table, value: str = "t", whole: bool = False) -> Intruder:
        found = Intruder(self.sums, self.leaves, value, whole=whole)
        for table in tables:
            found.reads(table)
        return found


def random_parts(layout: Layout, seed: int, busy: float) -> Parts:
    """Firms of uneven size, many ties, some that stood still, empty and lonely cells."""
    draw = np.random.default_rng(seed)
    parts: Parts = []
    for number, cell in enumerate(product(*layout.leaves.values())):
        count = int(draw.integers(1, 7)) if draw.uniform() < busy else int(draw.integers(0, 2))
        for i in range(count):
            value = draw.choice(
                [0, 1, 2, 5, 10, 100, 0.3], p=[0.02, 0.2, 0.26, 0.2, 0.2, 0.1, 0.02]
            )
            parts.append((*cell, f"firm{number}_{i}", float(value)))
    return parts


@st.composite
def random_tables(draw: st.DrawFn) -> tuple[Layout, Parts]:
    layout = Layout(draw(SIZES))
    busy = draw(st.sampled_from([0.0, 0.4, 0.7, 0.95]))
    return layout, random_parts(layout, draw(st.integers(0, 10_000)), busy)


def must_be_hidden(values: Sequence[float]) -> bool:
    """The rule for enterprises, written down once more."""
    top = sorted(values, reverse=True)
    whole = sum(top)
    dominated = whole > 0 and (top[0] > 0.85 * whole + 1e-6 or sum(top[:2]) > 0.9 * whole + 1e-6)
    return 0 < len(top) < 3 or dominated


def check(layout: Layout, parts: Parts) -> None:
    true = layout.table(parts)
    done = protect(true, given_firms(layout.names, parts), layout.rule())
    truth = truth_of(true, names=layout.names, value="t")
    sensitive = {
        cell for cell in truth if must_be_hidden([p[-1] for p in layout.inside(cell, parts)])
    }
    intruder = layout.intruder(done.table)
    assert sensitive <= intruder.hidden
    assert all(intruder.known.get(intruder.at[c], x) == x for c, x in truth.items())
    assert too_close(intruder, truth) == []
    if not sensitive:
        assert not intruder.hidden, "where nothing is sensitive all is shown"
    assert done.proof["passed"]


@QUICK
@given(random_tables())
def test_no_hidden_cell_of_a_random_table_is_narrowed_to_a_fifth(
    made: tuple[Layout, Parts],
) -> None:
    check(*made)


@QUICK
@given(st.integers(0, 10_000), st.sampled_from([0.4, 0.9]))
def test_nor_where_counties_add_up_to_regions_and_the_city(seed: int, busy: float) -> None:
    layout = Layout((5, 2), {"north": [0, 1], "south": [2, 3, 4]})
    check(layout, random_parts(layout, seed, busy))


@QUICK
@given(st.integers(0, 10_000))
def test_nor_by_a_reader_of_two_linked_tables(seed: int) -> None:
    """Two views of firms by place, kind and size, each without one of the three."""
    layout = Layout((3, 2, 2))
    parts = random_parts(layout, seed, 0.9)
    true = layout.table(parts)
    names = layout.names

    def view(without: str) -> tuple[pa.Table, pa.Table, Any]:
        kept = [n for n in names if n != without]
        total = pa.array([c == ALL for c in true[without].to_pylist()])
        firms = given_firms(names, parts).drop_columns([without])
        return true.filter(total).drop_columns([without]), firms, rule(*kept)

    first, second = view("d2"), view("d1")
    done = protect(*first, linked=[Linked("second", *second)])
    intruder = layout.intruder(done.table, done.linked["second"])
    truth = truth_of(true, names=names, value="t")
    assert too_close(intruder, truth) == []


@settings(QUICK, max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([(4, 3), (3, 2, 2)]))
def test_people_come_in_whole_numbers_and_still_nobody_is_found(
    seed: int, size: tuple[int, ...]
) -> None:
    draw = np.random.default_rng(seed)
    layout = Layout(size)
    counts = {
        cell: int(draw.choice([0, 1, 3, 5, 8, 20, 40])) for cell in product(*layout.leaves.values())
    }
    cells, who = people(counts, layout.names)
    harmless = [{"column": n, "total": ALL, "reveals": False} for n in layout.names]
    done = protect(cells, who, rule(*harmless, **PERSONS))
    intruder = layout.intruder(done.table, value="n", whole=True)
    truth = truth_of(cells, names=layout.names, value="n")
    assert {c for c, n in truth.items() if 0 < n < 5} <= intruder.hidden
    assert too_close(intruder, truth) == []


@QUICK
@given(st.integers(0, 10_000), SIZES)
def test_a_table_without_a_sensitive_cell_is_shown_whole(seed: int, size: tuple[int, ...]) -> None:
    draw = np.random.default_rng(seed)
    layout = Layout(size)
    parts = [
        (*cell, f"f{n}_{i}", float(draw.integers(5, 9)))
        for n, cell in enumerate(product(*layout.leaves.values()))
        for i in range(int(draw.choice([0, 3, 4, 6])))
    ]
    done = protect(layout.table(parts), given_firms(layout.names, parts), layout.rule())
    assert done.table["t"].null_count == 0


@pytest.mark.parametrize("size", [(4, 4), (3, 3, 3)])
def test_one_sensitive_cell_takes_no_more_than_the_corners_of_a_box(size: tuple[int, ...]) -> None:
    layout = Layout(size)
    cells = list(product(*layout.leaves.values()))
    parts = [(*c, f"f{n}_{i}", 5.0) for n, c in enumerate(cells) for i in range(4)]
    parts = [p for p in parts if p[: len(size)] != cells[0]] + [(*cells[0], "alone", 9.0)]
    done = protect(layout.table(parts), given_firms(layout.names, parts), layout.rule())
    assert done.table["t"].null_count == 2 ** len(size)


# Seeds of nights that gave a figure away when each was only audited by itself.
@pytest.mark.parametrize(
    ("seed", "kept"),
    [*((s, True) for s in (0, 8, 10, 16, 17, 22, 23, 26)), *((s, False) for s in (8, 22, 23))],
)
def test_two_nights_together_give_no_hidden_figure_away(seed: int, kept: bool) -> None:
    """What the reader of both knows besides: which hidden figures have not changed."""
    layout = Layout((4, 3))
    draw = np.random.default_rng(seed)
    before = [p for p in random_parts(layout, seed, 0.9) if p[-1] > 0]
    after = [p for p in before if draw.uniform() > 0.03]
    cells = list(product(*layout.leaves.values()))
    for n in range(3):
        cell = cells[draw.integers(len(cells))]
        after += [(*cell, f"new{n}_{i}", float(draw.integers(1, 30))) for i in range(1 + 2 * n)]
    tables = [layout.table(p) for p in (before, after)]
    firms = [given_firms(layout.names, p) for p in (before, after)]
    first = protect(tables[0], firms[0], layout.rule())
    was = Earlier("1", first.table, firms[0] if kept else None)
    second = protect(tables[1], firms[1], layout.rule(), previous=[was])
    then, now = (truth_of(t, names=layout.names, value="t") for t in tables)
    intruder = layout.intruder(second.table)
    seen = layout.intruder(first.table)
    for cell, x in now.items():
        shown_then = seen.known.get(seen.at[cell])
        if cell in intruder.hidden and shown_then is not None and abs(then[cell] - x) < 1e-9:
            intruder.learns(cell, x)
    both = together(layout, seen, intruder, then, now)
    assert both == []


def together(
    layout: Layout,
    first: Intruder,
    second: Intruder,
    then: dict[Cell, float],
    now: dict[Cell, float],
) -> list[Cell]:
    """Cells hidden in the second night that two nights' sums leave one answer: the second night
    is a further dimension whose difference is nothing where nothing changed."""
    both = Intruder(layout.sums | {"night": {}}, layout.leaves | {"night": ["1", "2"]}, "t")
    for night, one in (("1", first), ("2", second)):
        both.known |= {both.at[(*one.cells[i], night)]: x for i, x in one.known.items()}
    both.hidden = {(*c, "2") for c in second.hidden}
    both.equal = [((*c, "1"), (*c, "2")) for c in now if abs(then[c] - now[c]) < 1e-9]
    return [c for c, (low, high) in both.intervals().items() if high - low < 1e-4]


@settings(QUICK, max_examples=40)
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
    assert_adds_up(rows)


@settings(QUICK, max_examples=15)
@given(st.lists(st.integers(0, 30), min_size=12, max_size=12))
def test_in_three_dimensions_single_cells_are_near_and_every_total_adds_up(
    numbers: list[int],
) -> None:
    layout = Layout((3, 2, 2))
    counts = dict(zip(product(*layout.leaves.values()), numbers, strict=True))
    cells, who = people(counts, layout.names)
    done = protect(cells, who, rule(*layout.names, **PERSONS, method="round"))
    rows = {tuple(x[n] for n in layout.names): x["n"] for x in done.table.to_pylist()}
    assert all(abs(rows[c] - n) < 5 and rows[c] % 5 == 0 for c, n in counts.items())
    assert_adds_up(rows)


def assert_adds_up(rows: dict[Cell, int]) -> None:
    for cell, total in rows.items():
        for d in range(len(cell)):
            if cell[d] == ALL:
                parts = [
                    v
                    for c, v in rows.items()
                    if c[d] != ALL and c[:d] + c[d + 1 :] == cell[:d] + cell[d + 1 :]
                ]
                assert total == sum(parts), cell


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_linked_tables_can_be_published_night_after_night(seed: int) -> None:
    """What one table says of a change is read together with what the other says."""
    layout = Layout((4, 3, 2))
    draw = np.random.default_rng(seed)
    parts = random_parts(layout, seed, 0.9)
    cells = list(product(*layout.leaves.values()))
    earlier: dict[str, list[Earlier]] = {"d1": [], "d2": []}
    for night in "12":
        true = layout.table(parts)
        views = {}
        for without in earlier:
            total = pa.array([c == ALL for c in true[without].to_pylist()])
            firms = given_firms(layout.names, parts).drop_columns([without])
            kept = [n for n in layout.names if n != without]
            views[without] = true.filter(total).drop_columns([without]), firms, rule(*kept)
        second = Linked("second", *views["d1"], previous=earlier["d1"])
        done = protect(*views["d2"], linked=[second], previous=earlier["d2"])
        intruder = layout.intruder(done.table, done.linked["second"])
        truth = truth_of(true, names=layout.names, value="t")
        assert [c for c, _, low, high in too_close(intruder, truth) if high - low < 1e-3] == []
        earlier["d2"].insert(0, Earlier(night, done.table, views["d2"][1]))
        earlier["d1"].insert(0, Earlier(night, done.linked["second"], views["d1"][1]))
        parts = [p for p in parts if draw.uniform() > 0.02]
        cell = cells[draw.integers(len(cells))]
        parts += [(*cell, f"new{night}{i}", float(draw.integers(1, 30))) for i in range(2)]
