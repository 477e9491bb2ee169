"""The state of a ticket follows from its events alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onesource.errors import OneSourceError
from onesource.run.ticket_fold import ANSWERS, STATES, fold
from onesource.run.working_days import due_date

FIRST = date(2026, 9, 30)
ROUTE = json.dumps([["U1", "甲局"], ["U2", "乙局"], ["U3", "数据局"]])


def event(kind: str, after: int = 0, **more: Any) -> dict[str, Any]:
    """An event `after` days after the first; what is said by rows of delivery d1 unless told."""
    at = datetime(2026, 9, 30, 20, tzinfo=UTC) + timedelta(days=after)
    names = (
        "registry entity attribute value_a source_a value_b source_b detail_zh detail_en "
        "evidence_a evidence_b evidence_key route due_days round answer value said_at"
    )
    empty = dict.fromkeys(names.split())
    named = {"event_id": f"{kind}{after}", "event": kind, "day": FIRST + timedelta(days=after)}
    return {**empty, **named, "at": at, **more}


def seen(after: int = 0, by: str = "d1") -> dict[str, Any]:
    says = {"registry": "registry.thing", "entity": "T1", "attribute": "name"}
    values = {"value_a": "甲", "source_a": "a", "value_b": "乙", "source_b": "b"}
    return event("SEEN", after, **says, **values, evidence_key=by, route=ROUTE, due_days=10)


def answer(word: str, after: int, number: int = 1, value: str | None = None) -> dict[str, Any]:
    return event("ANSWERED", after, answer=word, round=number, value=value)


def state(*events: dict[str, Any]) -> tuple[str, int, str]:
    row = fold("t", events)
    return row["state"], row["round"], row["owner"]


def test_ten_working_days_skip_the_national_holiday_and_count_an_adjusted_saturday() -> None:
    assert due_date(date(2026, 9, 30), 10) == date(2026, 10, 20)
    assert fold("t", [seen()])["due_on"] == date(2026, 10, 20)


def test_a_calendar_that_ends_too_early_is_an_error() -> None:
    with pytest.raises(OneSourceError, match="calendar of working days ends"):
        due_date(date(2090, 1, 1))


def test_a_new_conflict_waits_for_its_owner() -> None:
    assert state(seen()) == ("OPEN", 1, "甲局")


def test_it_is_sent_answered_and_closed_when_the_conflict_is_gone() -> None:
    told = [seen(), event("SENT", 1, round=1), answer("CORRECTED", 3, value="丙")]
    assert state(*told[:2])[0] == "SENT"
    assert state(*told)[0] == "CORRECTED"
    row = fold("t", [*told, event("GONE", 9)])
    assert (row["state"], row["decided_value"]) == ("CLOSED", "丙")
    assert (row["sent_on"], row["closed_on"]) == (date(2026, 10, 1), date(2026, 10, 9))


def test_confirming_the_source_decides_for_the_value_that_was_served() -> None:
    assert fold("t", [seen(), answer("CONFIRMED_SOURCE_RIGHT", 2)])["decided_value"] == "甲"


def test_not_ours_goes_to_the_next_department_with_new_days() -> None:
    row = fold("t", [seen(), answer("NOT_OURS", 8)])
    assert (row["state"], row["round"], row["owner"]) == ("OPEN", 2, "乙局")
    assert row["due_on"] == due_date(date(2026, 10, 8), 10)


def test_when_nobody_is_left_it_stays_not_ours_for_the_steward() -> None:
    told = [seen(), *(answer("NOT_OURS", n, n) for n in (1, 2, 3))]
    assert state(*told) == ("NOT_OURS", 3, "数据局")


def test_an_answer_to_an_earlier_round_or_a_second_answer_changes_nothing() -> None:
    told = [seen(), answer("NOT_OURS", 1)]
    assert state(*told, answer("CORRECTED", 2, 1, "丙")) == ("OPEN", 2, "乙局")
    settled = [*told, answer("CORRECTED", 2, 2, "丙")]
    row = fold("t", [*settled, answer("CONFIRMED_SOURCE_RIGHT", 3, 2)])
    assert (row["state"], row["decided_value"]) == ("CORRECTED", "丙")


def test_the_same_rows_seen_again_do_not_open_a_settled_ticket() -> None:
    told = [seen(), answer("CORRECTED", 1, value="丙")]
    assert state(*told, seen(2))[0] == "CORRECTED"


def test_the_next_delivery_that_repeats_the_old_value_opens_it_again() -> None:
    row = fold("t", [seen(), answer("CORRECTED", 1, value="丙"), seen(8, by="d2")])
    assert (row["state"], row["round"], row["owner"]) == ("OPEN", 2, "甲局")
    assert row["opened_on"] == date(2026, 10, 8)
    assert row["decided_value"] == "丙"  # what was decided holds until the next answer
    assert [r["is_repeat"] for r in json.loads(row["rounds"])] == [False, True]


def test_a_newer_delivery_does_not_open_again_what_still_waits() -> None:
    assert state(seen(), seen(8, by="d2")) == ("OPEN", 1, "甲局")


def test_a_conflict_that_is_gone_and_comes_back_is_opened_again() -> None:
    assert state(seen(), event("GONE", 1), seen(2)) == ("OPEN", 2, "甲局")


def test_closed_by_hand_it_stays_closed_while_the_same_conflict_lasts() -> None:
    told = [seen(), event("CLOSED", 1, round=1)]
    assert state(*told, seen(2, by="d2"))[0] == "CLOSED"
    assert state(*told, event("GONE", 3), seen(4))[0] == "OPEN"


def test_an_answer_to_the_next_round_revises_the_last_one() -> None:
    told = [seen(), answer("CORRECTED", 1, value="丙"), answer("CORRECTED", 9, 2, value="丁")]
    row = fold("t", told)
    assert (row["state"], row["round"], row["decided_value"]) == ("CORRECTED", 2, "丁")
    assert json.loads(row["round_values"]) == ["丙", "丁"], "the first answer stays in the history"
    assert row["opened_on"] == date(2026, 10, 9)


def test_a_ticket_closed_by_hand_can_be_answered_and_one_without_a_conflict_cannot() -> None:
    told = [seen(), event("CLOSED", 1, round=1)]
    assert state(*told, answer("CONFIRMED_SOURCE_RIGHT", 2, 2)) == (
        "CONFIRMED_SOURCE_RIGHT", 2, "甲局"
    )  # fmt: skip
    gone = [seen(), answer("CORRECTED", 1, value="丙"), event("GONE", 2)]
    assert state(*gone, answer("CORRECTED", 3, 2, "丁")) == ("CLOSED", 1, "甲局")


@pytest.mark.parametrize(("word", "number"), [("NOT_OURS", 2), ("CORRECTED", 3)])
def test_what_is_no_answer_to_the_next_round_revises_nothing(word: str, number: int) -> None:
    told = [seen(), answer("CORRECTED", 1, value="丙"), answer(word, 2, number, "丁")]
    assert fold("t", told) == fold("t", told[:2])


def test_nobody_revises_what_waits_for_its_department() -> None:
    assert state(seen(), answer("CORRECTED", 2, 2, "丁")) == ("OPEN", 1, "甲局")


def test_what_an_answer_settles_stays_settled_whatever_rows_say_it_again() -> None:
    told = [seen(), answer("CORRECTED", 1, value="两人"), event("RESTATED", 8, evidence_key="d2")]
    row = fold("t", told)
    assert (row["state"], row["round"], row["evidence_key"]) == ("CORRECTED", 1, "d2")
    back = fold("t", [*told, event("GONE", 9), event("RESTATED", 10, evidence_key="d3")])
    assert (back["state"], back["round"], back["is_seen"]) == ("CLOSED", 1, True)


def test_any_order_of_the_log_gives_the_same_ticket() -> None:
    told = [seen(), event("SENT", 1, round=1), answer("NOT_OURS", 2), seen(3, by="d2")]
    told.append(answer("CORRECTED", 4, 2, "丙"))
    assert len({json.dumps(fold("t", p), default=str) for p in permutations(told)}) == 1


def test_an_event_put_down_twice_changes_nothing() -> None:
    told = [seen(), answer("CORRECTED", 4, value="丙"), event("GONE", 5)]
    again = [e | {"event_id": e["event_id"] + "x"} for e in told]
    assert fold("t", [*told, *again]) == fold("t", told)


_EVENTS = st.one_of(
    st.builds(seen, st.integers(1, 40), st.sampled_from(["d1", "d2", "d3"])),
    st.builds(event, st.sampled_from(["GONE", "RESTATED"]), st.integers(1, 40)),
    st.builds(
        lambda n, r, k: event(k, n, round=r),
        st.integers(1, 40),
        st.integers(1, 4),
        st.sampled_from(["SENT", "CLOSED"]),
    ),
    st.builds(
        lambda n, r, w: answer(w, n, r, "丙"),
        st.integers(1, 40),
        st.integers(1, 4),
        st.sampled_from(ANSWERS),
    ),
)


@given(st.lists(_EVENTS, max_size=12))
def test_whatever_happens_one_turn_is_open_and_its_owner_is_in_the_route(
    told: list[dict[str, Any]],
) -> None:
    row = fold("t", [seen(), *told])
    rounds = json.loads(row["rounds"])
    assert row["state"] in STATES
    assert row["round"] == len(rounds) == rounds[-1]["round"]
    assert all(r["answer"] or r["closed_on"] for r in rounds[:-1])
    assert (row["state"] in ("OPEN", "SENT")) == (
        rounds[-1]["answer"] is None and rounds[-1]["closed_on"] is None
    )
    assert row["owner"] in [name for _, name in json.loads(ROUTE)]
