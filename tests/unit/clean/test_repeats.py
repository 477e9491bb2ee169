"""What may be left out of full statements: every belief must still follow from what is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onesource.clean.repeats import NOTHING, Mark, checks, follows


def test_statements_in_the_order_of_their_receipt_follow_the_one_before() -> None:
    received = list(range(4))
    assert [follows(received, n) for n in range(4)] == [[NOTHING], [0], [1], [2]]


def test_a_statement_follows_also_what_was_before_it_until_a_late_one_came_between() -> None:
    january, february_late, march = 1, 3, 2
    received = [january, february_late, march]
    assert follows(received, 2) == [1, 0]
    marks = [Mark("*", (str(n), "", ""), r, n == 1) for n, r in enumerate(received)]
    assert [(c.at, c.before) for c in checks(marks)] == [(1, 0), (2, 1)]


Statement = tuple[int, int, str | None]  # day's place is the index; receipt, step, words


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from([None, "v", "w"])),
        min_size=1,
        max_size=7,
    )
)
def test_what_is_kept_tells_every_statement_at_every_moment(said: list[Statement]) -> None:
    kept: set[int] = set()
    for step in range(4):
        there = [n for n, (_, s, _) in enumerate(said) if s <= step]
        marks = [Mark("*", (f"{n}", "", ""), said[n][0], said[n][1] == step) for n in there]
        for check in checks(marks):
            before = None if check.before == NOTHING else said[there[check.before]][2]
            if said[there[check.at]][2] != before:
                kept.add(there[check.at])
        for moment in range(6):
            believed = None
            for n in there:
                if said[n][0] <= moment:
                    believed = said[n][2] if n in kept else believed
                    assert believed == said[n][2], f"at {moment} statement {n} is told wrong"
