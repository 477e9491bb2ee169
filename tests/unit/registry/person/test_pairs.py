"""What a department answers to a question about two people, and which pairs that settles."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from onesource.registry.person.decided import _said
from onesource.registry.person.model import SAME_PERSON, TWO_PERSONS
from onesource.registry.person.pairs import settled_pairs
from tests.unit.registry.person.people import at

FIRST, OTHER = "P00000000000000000001", "P00000000000000000002"


def said(attribute: str, value: str) -> list[dict[str, Any]]:
    """The voices that an answer makes: whose, what, and whether it joins them."""
    decision = {
        "ticket_id": "t1", "round": 1, "entity": FIRST, "attribute": attribute, "value_a": FIRST,
        "value_b": OTHER, "decided_value": value, "decided_on": date(2024, 3, 1),
        "known_from": at("2024-03-01"), "known_to": None,
    }  # fmt: skip
    batches = _said([pa.RecordBatch.from_pylist([decision])], {})
    return [row for batch in batches for row in batch.to_pylist()]


def words(attribute: str, value: str) -> set[tuple[str, str, str | None]]:
    return {
        (r["person_id"], json.loads(r["attributes"])[attribute], r["_unit"])
        for r in said(attribute, value)
    }


@pytest.mark.parametrize("attribute", ["id_no", "second_registration"])
@pytest.mark.parametrize("value", [*sorted(TWO_PERSONS), FIRST])
def test_two_people_are_said_to_be_two_on_both_and_nothing_joins_them(
    attribute: str, value: str
) -> None:
    two = min(TWO_PERSONS)
    assert words(attribute, value) == {(FIRST, two, None), (OTHER, two, None)}


def test_one_person_joins_both_and_what_says_neither_is_no_answer() -> None:
    one = min(SAME_PERSON)
    assert words("id_no", "同一人") == {(FIRST, one, "D:t1"), (OTHER, one, "D:t1")}
    assert said("id_no", "不清楚") == said("id_no", OTHER) == []


def answer(ticket: str, person: str, attribute: str = "id_no") -> dict[str, str]:
    return {"source_key": ticket, "person_id": person, "attribute": attribute}


def test_an_answer_settles_its_own_pair_for_its_own_question() -> None:
    third = "P00000000000000000003"
    both = [answer("t1", OTHER), answer("t1", FIRST)]
    assert settled_pairs(both) == {("id_no", FIRST, OTHER): "t1"}
    more = [*both, answer("t2", third), answer("t2", FIRST)]
    assert settled_pairs(more).keys() == {("id_no", FIRST, OTHER), ("id_no", FIRST, third)}
    assert settled_pairs([answer("t3", FIRST, "second_registration"), *both]) == settled_pairs(both)


def test_two_who_have_become_one_since_are_no_pair() -> None:
    assert settled_pairs([answer("t1", FIRST), answer("t1", FIRST)]) == {}
