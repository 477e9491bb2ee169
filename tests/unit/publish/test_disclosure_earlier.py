"""Earlier releases, frozen months, and what can be told by difference."""

from __future__ import annotations

import pyarrow as pa
import pytest

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure import DisclosureRefused, Earlier, Linked, protect
from tests.unit.publish.made_up_tables import (
    ALL,
    NIGHT,
    PERSONS,
    given_firms,
    hidden,
    one_line,
    people,
    rule,
)


def test_what_was_shown_before_cannot_hide_anything() -> None:
    """Yesterday the partner was shown by mistake: with the total of then, a is known already."""
    cells, firms, r = one_line(NIGHT)
    assert hidden(protect(cells, firms, r)) == {"a", "b"}
    mistake = pa.table({"county": ["a", "b", "c", "d", ALL], "t": [None, 10.0, 24.0, 18.0, 57.0]})
    with pytest.raises(DisclosureRefused, match="county=a cannot be protected"):
        protect(cells, firms, r, previous=[mistake])


def test_a_partner_that_was_shown_before_is_not_taken_again() -> None:
    cells, firms, r = one_line(NIGHT)
    without_total = pa.table({"county": ["a", "b"], "t": [None, 10.0]})
    assert hidden(protect(cells, firms, r, previous=[without_total])) == {"a", "d"}


def test_a_cell_that_must_be_hidden_but_was_shown_stops_the_dataset() -> None:
    cells, firms, r = one_line(NIGHT)
    with pytest.raises(DisclosureRefused, match="earlier release shows it"):
        protect(cells, firms, r, previous=[cells])


def test_an_old_sum_with_other_figures_still_holds_for_the_hidden_cells() -> None:
    """Yesterday a and b were hidden and c was another figure; today's total is hidden too."""
    cells, firms, r = one_line(NIGHT)
    first = protect(cells, firms, r)
    assert hidden(first) == {"a", "b"}
    # Three new mines in d: more than the minimum, so the figures may change.
    cells2, firms2, _ = one_line(NIGHT | {"d": [6, 6, 6, 5, 5, 5]})
    second = protect(cells2, firms2, r, previous=[Earlier("1", first.table, firms)])
    assert hidden(second) == {"a", "b"}


@pytest.mark.parametrize("kept", [True, False])
def test_two_nights_that_differ_by_one_mine_do_not_give_it_away(kept: bool) -> None:
    cells, firms, r = one_line(NIGHT)
    first = protect(cells, firms, r)
    cells2, firms2, _ = one_line(NIGHT | {"d": [6, 6, 6, 5]})
    before = Earlier("1", first.table, firms if kept else None)
    second = protect(cells2, firms2, r, previous=[before])
    assert {"d", ALL} <= hidden(second)


def test_a_correction_of_mines_that_stay_is_shown_where_the_contributions_are_kept() -> None:
    cells, firms, r = one_line(NIGHT)
    first = protect(cells, firms, r)
    cells2, firms2, _ = one_line(NIGHT | {"d": [6, 6, 7]})
    second = protect(cells2, firms2, r, previous=[Earlier("1", first.table, firms)])
    assert hidden(second) == hidden(first)


def test_the_same_night_again_hides_the_same() -> None:
    cells, firms, r = one_line(NIGHT)
    first = protect(cells, firms, r)
    assert protect(cells, firms, r, previous=[first.table]).table.equals(first.table)


def frozen_people(march: int) -> tuple[pa.Table, pa.Table, DisclosureRule]:
    counts = {("a", "03"): march, ("b", "03"): 30, ("a", "04"): 20, ("b", "04"): 31}
    cells, who = people(counts, ["county", "month"])
    keep = pa.array([m != ALL for m in cells["month"].to_pylist()])
    dimensions = [{"column": "county", "total": ALL}, {"column": "month"}]
    return cells.filter(keep), who, rule(*dimensions, **PERSONS, frozen={"period": "month"})


def test_a_published_month_stays_as_it_was_until_restated_with_a_reason() -> None:
    cells, who, r = frozen_people(20)
    march = [m == "03" for m in cells["month"].to_pylist()]
    mine = [m == "03" for m in who["month"].to_pylist()]
    first = protect(cells.filter(pa.array(march)), who.filter(pa.array(mine)), r)
    later, who2, _ = frozen_people(21)
    second = protect(later, who2, r, previous=[first.table])
    shown = {(x["county"], x["month"]): x["n"] for x in second.table.to_pylist()}
    assert (shown["a", "03"], shown["a", "04"]) == (20, 20)
    assert second.proof["frozen"] == {"periods": 1, "restated": {}}
    with pytest.raises(DisclosureRefused, match="no reason"):
        protect(later, who2, r, previous=[first.table], restated={"03": " "})
    third = protect(later, who2, r, previous=[first.table], restated={"03": "late report"})
    shown = {(x["county"], x["month"]): x["n"] for x in third.table.to_pylist()}
    assert shown["a", "03"] is None, "one person more would be seen by difference"


def test_of_two_releases_of_a_frozen_month_the_newest_holds() -> None:
    cells, who, r = frozen_people(20)
    march = pa.array([m == "03" for m in cells["month"].to_pylist()])
    mine = pa.array([m == "03" for m in who["month"].to_pylist()])
    first = protect(cells.filter(march), who.filter(mine), r)
    restated, who2, _ = frozen_people(29)
    second = protect(
        restated.filter(march),
        who2.filter(pa.array([m == "03" for m in who2["month"].to_pylist()])),
        r,
        previous=[first.table],
        restated={"03": "late report"},
    )
    third = protect(restated, who2, r, previous=[second.table, first.table])
    shown = {(x["county"], x["month"]): x["n"] for x in third.table.to_pylist()}
    assert shown["a", "03"] == 29


def test_what_a_linked_table_showed_before_is_known_as_well() -> None:
    """The partner b stands in the linked table of yesterday with its figure: it hides nothing."""
    cells, firms, _ = one_line(NIGHT)
    flat = cells.slice(0, 4)
    without_total = rule({"column": "county"})
    total = pa.table({"county": [ALL], "t": [57.0]})
    yesterday = Earlier("1", pa.table({"county": [ALL, "b"], "t": [57.0, 10.0]}))
    city = Linked("city", total, firms, rule("county"))
    assert hidden(protect(flat, firms, without_total, linked=[city]).table) == {"a", "b"}
    known = Linked("city", total, firms, rule("county"), previous=[yesterday])
    assert hidden(protect(flat, firms, without_total, linked=[known]).table) == {"a", "d"}


def test_a_change_of_one_that_follows_from_two_shown_changes_is_hidden() -> None:
    """The city rose by four mines and d by three of them: b, hidden, by the one that is left."""
    cells, firms, r = one_line(NIGHT)
    first = protect(cells, firms, r)
    assert hidden(first) == {"a", "b"}
    cells2, firms2, _ = one_line(NIGHT | {"b": [3, 3, 4, 2], "d": [6, 6, 6, 5, 5, 5]})
    second = protect(cells2, firms2, r, previous=[Earlier("1", first.table, firms)])
    assert "a" in hidden(second)
    assert hidden(second) & {"d", ALL}


def test_a_mine_that_reports_after_a_nought_has_come() -> None:
    night = NIGHT | {"d": [6, 6, 6, 0]}
    cells, firms, r = one_line(night)
    first = protect(cells, firms, r)
    cells2, firms2, _ = one_line(night | {"d": [6, 6, 6, 5]})
    second = protect(cells2, firms2, r, previous=[Earlier("1", first.table, firms)])
    assert {"d", ALL} <= hidden(second)


def test_an_earlier_rounding_the_other_way_is_taken_into_account() -> None:
    """By base 2, 3 is shown as 2 or 4: who saw both knows it."""
    cells, who = people({("a",): 3, ("b",): 30}, ["county"])
    r = rule({"column": "county"}, **PERSONS, method="round", rounding={"base": 2})
    cells = cells.slice(0, 2)
    now = {x["county"]: x["n"] for x in protect(cells, who, r).table.to_pylist()}
    other = pa.table({"county": ["a", "b"], "n": [6 - now["a"], 30]})
    with pytest.raises(DisclosureRefused, match="county=a follows from the rounded figures"):
        protect(cells, who, r, previous=[other])


def test_when_all_months_are_frozen_nothing_is_decided_anew() -> None:
    cells, who, r = frozen_people(20)
    first = protect(cells, who, r)
    again = protect(cells, who, r, previous=[first.table])
    assert again.table.equals(first.table)
    assert again.proof["frozen"]["periods"] == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_with_next_to_nothing_is_no_special_case(rows: int) -> None:
    parts = [("a", f"f{i}", 4.0) for i in range(3)] * rows
    cells = pa.table({"county": ["a"] * rows, "t": [12.0] * rows}, schema=pa.schema(
        [("county", pa.string()), ("t", pa.float64())]))  # fmt: skip
    done = protect(cells, given_firms(["county"], parts), rule("county"))
    assert done.table["t"].to_pylist() == [12.0] * rows
