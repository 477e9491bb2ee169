"""Validity and knowledge of divisions, on snapshots small enough to check by eye."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from onesource.clean.geography.history import (
    Belief,
    Holding,
    Statement,
    Validity,
    beliefs,
    state,
    validities,
)

TOWN = "141126202000"
COUNTY = "141126000000"
DAYS = {y: date(y, 6, 30) for y in range(2016, 2021)}


def holding(*codes: str, name: str = "前山乡") -> Holding:
    return {c: state(name, COUNTY) for c in codes}


def at(hour: int) -> datetime:
    return datetime(2024, 1, 1, hour, tzinfo=UTC)


def said(year: int, hour: int, ident: str | None = None) -> Statement:
    return Statement(DAYS[year], at(hour), at(hour), ident or str(year))


def only(found: set[Validity] | list[Belief]) -> Validity | Belief:
    assert len(found) == 1, found
    return next(iter(found))


def test_two_snapshots_bound_the_date_of_a_change() -> None:
    snapshots = [
        (DAYS[2016], holding()),
        (DAYS[2017], holding(TOWN)),
        (DAYS[2018], holding(TOWN)),
        (DAYS[2019], holding()),
    ]
    row = only(validities(snapshots))
    assert (row.valid_from, row.valid_to) == (date(2017, 6, 30), date(2019, 6, 30))
    assert row.valid_from_earliest == date(2016, 7, 1)
    assert row.valid_to_earliest == date(2018, 7, 1)


def test_nothing_is_known_of_the_time_before_the_first_snapshot() -> None:
    row = only(validities([(DAYS[2016], holding(TOWN))]))
    assert row.valid_from_earliest is None
    assert row.valid_to is None


def test_a_renamed_code_gets_a_second_row_that_begins_where_the_first_ends() -> None:
    snapshots = [(DAYS[2016], holding(TOWN)), (DAYS[2017], holding(TOWN, name="辛关镇"))]
    first, second = sorted(validities(snapshots), key=lambda v: v.valid_from)
    assert (first.name, second.name) == ("前山乡", "辛关镇")
    assert first.valid_to == second.valid_from


def test_padding_in_a_name_is_no_change() -> None:
    snapshots = [
        (DAYS[2016], holding(TOWN, name="兴　县")),
        (DAYS[2017], holding(TOWN, name="兴县")),
    ]
    assert only(validities(snapshots)).valid_to is None


def test_a_code_that_comes_back_has_two_periods() -> None:
    snapshots = [
        (DAYS[2016], holding(TOWN)),
        (DAYS[2017], holding()),
        (DAYS[2018], holding(TOWN)),
    ]
    assert len(validities(snapshots)) == 2


def test_a_late_snapshot_sharpens_a_date_and_the_earlier_belief_is_kept() -> None:
    held = {"2016": holding(), "2018": holding(TOWN), "2017": holding(TOWN)}
    found = beliefs([said(2016, 1), said(2018, 2), said(2017, 3)], held)
    now = next(b for b in found if b.known_to is None)
    before = next(b for b in found if b.known_to is not None)
    assert before.validity.valid_from == DAYS[2018]
    assert (before.known_from, before.known_to) == (at(2), at(3))
    assert now.validity.valid_from == DAYS[2017]
    assert now.known_from == at(3)


def test_a_snapshot_that_confirms_changes_no_belief() -> None:
    held = {"2016": holding(TOWN), "2017": holding(TOWN)}
    belief = only(beliefs([said(2016, 1), said(2017, 2)], held))
    assert isinstance(belief, Belief)
    assert (belief.known_from, belief.known_to) == (at(1), None)


def test_a_corrected_snapshot_of_the_same_day_replaces_and_both_beliefs_stay() -> None:
    held = {"wrong": holding(TOWN, name="前上乡"), "right": holding(TOWN)}
    found = beliefs([said(2016, 1, "wrong"), said(2016, 2, "right")], held)
    assert {(b.validity.name, b.known_to) for b in found} == {("前上乡", at(2)), ("前山乡", None)}


def test_an_older_statement_that_arrives_late_does_not_win() -> None:
    held = {"new": holding(TOWN), "old": holding(TOWN, name="前上乡")}
    late = Statement(DAYS[2016], at(1), at(9), "old")
    first = Statement(DAYS[2016], at(5), at(5), "new")
    assert only(beliefs([first, late], held)).validity.name == "前山乡"  # type: ignore[union-attr]


CODES = [f"1411261{n:02}000" for n in range(1, 5)]
SNAPSHOTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(DAYS)),
        st.integers(0, 20),
        st.dictionaries(st.sampled_from(CODES), st.sampled_from(["甲乡", "甲镇"]), max_size=4),
    ),
    min_size=1,
    max_size=6,
)


@given(SNAPSHOTS, st.integers(0, 1000))
def test_the_order_of_processing_does_not_matter(
    snapshots: list[tuple[int, int, dict[str, str]]], seed: int
) -> None:
    statements, held = [], {}
    for i, (year, hour, names) in enumerate(snapshots):
        statements.append(said(year, hour, f"d{i}"))
        held[f"d{i}"] = {c: state(n, COUNTY) for c, n in names.items()}
    shuffled = statements.copy()
    Random(seed).shuffle(shuffled)
    assert set(beliefs(statements, held)) == set(beliefs(shuffled, held))


@given(SNAPSHOTS)
def test_at_any_instant_and_day_a_code_has_at_most_one_state(
    snapshots: list[tuple[int, int, dict[str, str]]],
) -> None:
    statements, held = [], {}
    for i, (year, hour, names) in enumerate(snapshots):
        statements.append(said(year, hour, f"d{i}"))
        held[f"d{i}"] = {c: state(n, COUNTY) for c, n in names.items()}
    found = beliefs(statements, held)
    for instant in {s.received_at for s in statements}:
        known = [
            b.validity
            for b in found
            if b.known_from <= instant and (b.known_to is None or instant < b.known_to)
        ]
        for day in DAYS.values():
            valid = [
                v.code
                for v in known
                if v.valid_from <= day and (v.valid_to is None or day < v.valid_to)
            ]
            assert len(valid) == len(set(valid))
