"""What is hidden, what is hidden with it, and what stops a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from onesource.publish.disclosure import DisclosureRefused, Linked, protect
from tests.unit.publish.made_up_tables import (
    ALL,
    NIGHT,
    PERSONS,
    assert_safe,
    given_firms,
    hidden,
    one_line,
    people,
    rule,
    with_margins,
)


def test_one_lonely_county_takes_a_second_with_it() -> None:
    cells, firms, r = one_line({"a": [5], "b": [3, 3, 4], "c": [9, 8, 7]})
    done = protect(cells, firms, r)
    assert hidden(done) == {"a", "b"}
    of = done.proof["tables"]["table"]
    assert (of["cells"], of["primary"], of["complementary"]) == (4, 1, 1)


def test_the_status_says_confidential_and_not_why() -> None:
    done = protect(*one_line({"a": [5], "b": [3, 3, 4], "c": [9, 8, 7]}))
    assert done.table["conf_status"].to_pylist() == ["C", "C", "F", "F"]


@pytest.mark.parametrize(
    ("mines", "shown"),
    [
        ([50, 40, 10], True),  # two largest exactly 90 %
        ([50, 41, 9], False),
        ([85, 4, 4, 4, 3], True),  # the largest exactly 85 %
        ([86, 4, 4, 3, 3], False),
        ([0.3, 0.6, 0.1], True),  # 90 % in binary fractions
        ([1, 1], False),
        ([1, 1, 1], True),
        ([0], False),  # a single mine that stood still
        ([], True),  # nobody: a zero that says nothing
    ],
)
def test_limits_of_dominance_and_count(mines: list[float], shown: bool) -> None:
    others = {"x": [30, 30, 30], "y": [40, 40, 40], "z": [35, 35, 35]}
    done = protect(*one_line({"a": mines, **others}))
    assert ("a" not in hidden(done)) == shown


def test_two_lonely_mines_do_not_hide_each_other_from_each_other() -> None:
    sizes = {"a": [5], "b": [5], "c": [4, 4, 4], "d": [9, 9, 9]}
    assert hidden(protect(*one_line(sizes))) == {"a", "b", "c"}
    innocent = {"protection": {"contributors_know": False}}
    assert hidden(protect(*one_line(sizes, **innocent))) == {"a", "b"}


def test_a_county_that_is_nearly_the_whole_city_hides_the_total_too() -> None:
    done = protect(*one_line({"a": [95], "b": [1, 1, 1], "c": [1, 1, 0]}))
    assert ALL in hidden(done)


PARTS = [
    ("a", "deep", "f1", 5.0), ("a", "open", "f2", 4.0), ("a", "open", "f3", 4.0),
    ("a", "open", "f4", 3.0), ("b", "deep", "f5", 3.0), ("b", "deep", "f6", 3.0),
    ("b", "deep", "f7", 4.0), ("b", "open", "f8", 6.0), ("b", "open", "f9", 5.0),
    ("b", "open", "f0", 6.0), ("c", "deep", "g1", 7.0), ("c", "deep", "g2", 7.0),
    ("c", "deep", "g3", 7.0), ("c", "open", "g4", 2.0), ("c", "open", "g5", 2.0),
    ("c", "open", "g6", 2.0),
]  # fmt: skip


def test_a_margin_in_a_linked_table_counts_as_a_margin() -> None:
    """Counties by kind without totals would need no second cell: the linked totals do."""
    inner = list(PARTS)
    flat = [{"column": "county"}, {"column": "kind"}]
    table = with_margins(["county", "kind"], inner, [["a", "b", "c"], ["deep", "open"]])
    keep = [
        ALL not in (c, k)
        for c, k in zip(table["county"].to_pylist(), table["kind"].to_pylist(), strict=True)
    ]
    cells = table.filter(pa.array(keep))
    firms = given_firms(["county", "kind"], inner)
    r = rule(*flat)
    alone = protect(cells, firms, r)
    assert alone.table["t"].null_count == 1
    by_county = pa.table({"county": ["a", "b", "c"], "t": [16.0, 27.0, 27.0]})
    by_kind = pa.table({"kind": ["deep", "open"], "t": [36.0, 34.0]})
    linked = [
        Linked("by_county", by_county, firms.drop_columns(["kind"]), rule({"column": "county"})),
        Linked("by_kind", by_kind, firms.drop_columns(["county"]), rule({"column": "kind"})),
    ]
    done = protect(cells, firms, r, linked=linked)
    assert done.table["t"].null_count >= 4
    assert set(done.linked) == {"by_county", "by_kind"}
    whole = pa.concat_tables(
        [
            done.table.select(["county", "kind", "t"]),
            done.linked["by_county"].select(["county", "t"]).append_column(
                "kind", pa.array([ALL] * 3)).select(["county", "kind", "t"]),
            done.linked["by_kind"].select(["kind", "t"]).append_column(
                "county", pa.array([ALL] * 2)).select(["county", "kind", "t"]),
        ]
    )  # fmt: skip
    assert_safe(["county", "kind"], table, whole)


def test_a_published_linked_table_cannot_be_changed() -> None:
    cells, firms, r = one_line({"a": [5], "b": [3, 3, 4], "c": [9, 8, 7]})
    shows_it = Linked("old", cells, firms, r, published=True)
    with pytest.raises(DisclosureRefused, match="linked table shows it"):
        protect(cells, firms, r, linked=[shows_it])


def test_ratios_and_counts_fall_with_the_figure_and_announced_columns_stay() -> None:
    cells, firms, _ = one_line({"a": [5], "b": [3, 3, 4], "c": [9, 8, 7]})
    cells = (
        cells.append_column("mines", pa.array([1, 3, 3, 7]))
        .append_column("use", pa.array([0.5, 0.6, 0.7, 0.6]))
        .append_column("capacity", pa.array([10.0, 17.0, 30.0, 57.0]))
    )
    r = rule("county", counts=["mines"], derived=[{"column": "use"}], unaffected=["capacity"])
    done = protect(cells, firms, r)
    for column in ("t", "mines", "use"):
        assert hidden(done, value=column) == hidden(done) >= {"a"}
    assert done.table["capacity"].null_count == 0


@pytest.mark.parametrize(("sensitivity", "least"), [("general", 5), ("health", 10)])
def test_the_minimum_of_people_follows_from_the_subject(sensitivity: str, least: int) -> None:
    for n, shown in ((least - 1, False), (least, True)):
        cells, who = people({("a",): n, ("b",): 40, ("c",): 50, ("d",): 30}, ["county"])
        r = rule("county", **PERSONS, sensitivity=sensitivity)
        assert ("a" not in hidden(protect(cells, who, r), value="n")) == shown


def test_a_line_in_one_category_reveals_and_its_zeros_too() -> None:
    counts = {
        ("a", "ill"): 30, ("a", "well"): 0, ("b", "ill"): 20, ("b", "well"): 25,
        ("c", "ill"): 22, ("c", "well"): 21,
    }  # fmt: skip
    cells, who = people(counts, ["county", "state"])
    dimensions = [
        {"column": "county", "total": ALL, "reveals": False},
        {"column": "state", "total": ALL},
    ]
    done = protect(cells, who, rule(*dimensions, **PERSONS))
    rows = done.table.to_pylist()
    gone = {(r["county"], r["state"]) for r in rows if r["n"] is None}
    assert {("a", "ill"), ("a", "well")} <= gone
    assert_safe(["county", "state"], cells, done.table, "n")
    harmless = [d | {"reveals": False} for d in dimensions]
    assert protect(cells, who, rule(*harmless, **PERSONS)).table["n"].null_count == 0


@pytest.mark.parametrize(
    ("poor", "shown"), [(0, False), (5, True), (95, True), (96, False), (100, False)]
)
def test_shares_of_a_shown_whole_reveal_at_both_ends(poor: int, shown: bool) -> None:
    cells, who = people({("a",): poor, ("b",): 40, ("c",): 50, ("d",): 45}, ["county"])
    if poor == 0:
        assert "a" in cells["county"].to_pylist()
    cells = cells.append_column("everybody", pa.array([100, 100, 100, 100, 400]))
    county = {"column": "county", "total": ALL, "reveals": False}
    r = rule(county, **PERSONS, unaffected=["everybody"], wholes={"n": "everybody"})
    assert ("a" not in hidden(protect(cells, who, r), value="n")) == shown


def test_a_subtotal_by_prefix_is_a_margin() -> None:
    parts = [
        (f"2026-{m:02}", f"f{i}", v)
        for m, values in {1: [5.0], 2: [4.0, 4.0, 4.0], 3: [6.0, 5.0, 5.0]}.items()
        for i, v in enumerate(values)
    ]
    firms = given_firms(["month"], parts)
    cells = pa.table(
        {"month": ["2026-01", "2026-02", "2026-03", "2026"], "t": [5.0, 12.0, 16.0, 33.0]}
    )
    done = protect(cells, firms, rule({"column": "month", "prefixes": [4]}))
    assert len(hidden(done, "month")) == 2


def test_without_contributions_nothing_is_shown() -> None:
    cells, _, r = one_line(NIGHT)
    with pytest.raises(DisclosureRefused, match="contributions are missing"):
        protect(cells, None, r)


def test_a_figure_without_contribution_stops_the_dataset() -> None:
    cells, firms, r = one_line(NIGHT)
    fewer = firms.filter(pa.array([c != "d" for c in firms["county"].to_pylist()]))
    with pytest.raises(DisclosureRefused, match="has no contribution"):
        protect(cells, fewer, r)


def test_a_figure_that_is_not_its_sum_stops_the_dataset() -> None:
    cells, firms, r = one_line(NIGHT)
    wrong = cells.set_column(1, "t", pa.array([5.0, 10.0, 24.0, 18.5, 57.5]))
    with pytest.raises(DisclosureRefused, match="not the sum"):
        protect(wrong, firms, r)


def test_a_column_that_the_rule_does_not_name_is_refused() -> None:
    cells, firms, r = one_line(NIGHT)
    more = cells.append_column("sales", pa.array([1.0] * 5))
    with pytest.raises(DisclosureRefused, match="does not name column sales"):
        protect(more, firms, r)


def test_negative_figures_are_refused() -> None:
    cells, firms, r = one_line({"a": [5, -1, 3], "b": [3, 3, 4]})
    with pytest.raises(DisclosureRefused, match="negative"):
        protect(cells, firms, r)


@pytest.mark.parametrize(
    "slip",
    [
        {"minimum_count": 2},
        {"dominance": {"largest": 0.95}},
        {"values": []},
        {"method": "round"},
        {"frozen": {"period": "county"}},
        {"protection": {"interval": 0.1}},
        {"unaffected": ["t"]},
        {"colour": "red"},
    ],
)
def test_a_rule_that_protects_less_or_says_nothing_is_refused(slip: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule("county", **slip)


def test_people_who_stand_in_two_counties_are_counted_once_in_the_city() -> None:
    """30 of the 60 of b are also in c: the city's total is less than the sum of its counties."""
    home = [("a", f"a{i}") for i in range(4)] + [("b", f"b{i}") for i in range(60)]
    also = [("c", f"b{i}") for i in range(30)] + [("c", f"c{i}") for i in range(20)]
    who = pa.table({"county": [c for c, _ in home + also], "person": [p for _, p in home + also]})
    cells = pa.table({"county": ["a", "b", "c", ALL], "n": [4, 60, 50, 84]})
    done = protect(cells, who, rule("county", **PERSONS))
    assert hidden(done, value="n") == {"a"}
    ends = done.proof["tables"]["table"]["measures"]["n"]["narrowest"]
    assert (ends["low"], ends["high"]) == (0, 84)


def test_the_same_input_gives_the_same_bytes() -> None:
    cells = with_margins(["county", "kind"], PARTS, [["a", "b", "c"], ["deep", "open"]])
    firms = given_firms(["county", "kind"], PARTS)
    shuffled = firms.take(list(reversed(range(firms.num_rows))))
    first, second = (protect(cells, f, rule("county", "kind")) for f in (firms, shuffled))
    assert first.table.equals(second.table) and first.proof == second.proof


def numbers_in(proof: object) -> list[float]:
    if isinstance(proof, Mapping):
        return [x for part in proof.values() for x in numbers_in(part)]
    return [float(proof)] if isinstance(proof, int | float) else []


def test_the_proof_gives_no_hidden_figure_away() -> None:
    done = protect(*one_line({"a": [5.125], "b": [3.5, 3.5, 4.5], "c": [9, 8, 7]}))
    said = numbers_in(done.proof)
    assert 5.125 + 11.5 in said, "the sum of the hidden ones is what a reader computes"
    assert not {5.125, 11.5} & set(said)


@pytest.mark.parametrize(
    ("column", "row", "message"),
    [
        ("t", 1, "column t has empty cells"),
        ("county", 1, "column county has empty cells"),
        ("firm", 0, "column firm has empty cells"),
    ],
)
def test_nothing_is_decided_over_empty_cells(column: str, row: int, message: str) -> None:
    cells, firms, r = one_line(NIGHT)

    def emptied(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = None
        at = table.column_names.index(column)
        return table.set_column(at, column, pa.array(values, table.schema.field(at).type))

    for one in (cells, firms):
        if column in one.column_names:
            broken = [emptied(t) if t is one else t for t in (cells, firms)]
            with pytest.raises(DisclosureRefused, match=message):
                protect(*broken, r)


def test_a_cell_that_stands_twice_is_refused_by_its_codes() -> None:
    cells, firms, r = one_line(NIGHT)
    with pytest.raises(DisclosureRefused, match="cell county=a stands twice"):
        protect(pa.concat_tables([cells, cells.slice(0, 1)]), firms, r)
