"""Who wins, since when, and what was believed before."""

from __future__ import annotations

import random
from dataclasses import replace

from onesource.registry.person.after import redirects
from onesource.registry.person.belief import Belief
from onesource.registry.person.model import ATTRIBUTES, Reason, Status, person_id
from onesource.registry.person.survive import Won, persons_at, survive
from tests.unit.registry.person.people import NUMBER, PROVIDERS, at, change, full, voice


def _won(b: Belief, attribute: str) -> Won | None:
    found: Won | None = b.state[ATTRIBUTES.index(attribute)]
    return found


def _rows(b: list[Belief], attribute: str) -> list[tuple[str, str, str | None]]:
    """`valid_from, valid_to, value` of what is believed now."""
    return [
        (str(x.valid_from), str(x.valid_to), w.value if (w := _won(x, attribute)) else None)
        for x in b
        if x.known_to is None
    ]


def _one(voices: list) -> list[Belief]:  # type: ignore[type-arg]
    (rows,) = survive(voices, PROVIDERS).values()
    return rows


def test_the_source_of_record_wins_and_says_so() -> None:
    rows = _one(
        [
            voice("base.social_insurance", "2024-03-01", name="王小名", id_no=NUMBER),
            full("2024-01-31", name="王小明", id_no=NUMBER),
        ]
    )
    assert {_won(b, "name") for b in rows} == {Won("王小明", "base.resident", Reason.AUTHORITATIVE)}


def test_a_lower_rank_fills_what_the_first_leaves_empty_and_gives_way_to_it() -> None:
    insured = voice("base.social_insurance", "2024-01-31", ethnicity="03", id_no=NUMBER)
    silent = full("2024-01-31", name="王小明", id_no=NUMBER)
    assert _won(_one([insured, silent])[-1], "ethnicity") == Won(
        "03", "base.social_insurance", Reason.FILLS_NULL
    )
    speaks = full("2024-02-29", name="王小明", id_no=NUMBER, ethnicity="01")
    assert _rows(_one([insured, silent, speaks]), "ethnicity") == [
        ("2024-01-31", "2024-02-29", "03"),
        ("2024-02-29", "None", "01"),
    ]


def test_a_value_that_contradicts_the_number_never_wins_over_one_that_does_not() -> None:
    rows = _one(
        [
            full("2024-01-31", id_no=NUMBER, sex="2", name="王小明"),
            voice("base.enrolment", "2024-01-31", sex="1", id_no=NUMBER),
        ]
    )
    assert _won(rows[-1], "sex") == Won("1", "base.enrolment", Reason.VALID)


def test_a_value_past_its_maximum_age_gives_way_to_a_fresher_one() -> None:
    rows = _one(
        [
            full("2020-01-31", name="王小明", id_no=NUMBER),
            voice("base.residence_permit", "2023-01-01", current_division_code="141102001001"),
            voice("base.medical_insurance", "2023-06-01", current_division_code="141124100001"),
        ]
    )
    assert _rows(rows, "current_division_code")[-2:] == [
        ("2023-01-01", "2024-01-01", "141102001001"),
        ("2024-01-01", "None", "141124100001"),
    ]
    assert _won(rows[-1], "current_division_code").reason == Reason.FRESHER  # type: ignore[union-attr]


def test_a_change_record_dates_what_the_next_full_only_shows() -> None:
    rows = _one(
        [
            full("2024-01-31", name="王小明", id_no=NUMBER, said_to="2024-02-29"),
            change("05", "2024-02-10", name="王明", id_no=NUMBER),
            full("2024-02-29", name="王明", id_no=NUMBER),
        ]
    )
    assert _rows(rows, "name") == [
        ("2024-01-31", "2024-02-10", "王小明"),
        ("2024-02-10", "None", "王明"),
    ]


def test_what_was_believed_then_stays_readable_after_a_correction() -> None:
    wrong = full("2024-01-31", "2024-02-01", name="王小朋", id_no=NUMBER, known_to="2024-02-05")
    right = full("2024-01-31", "2024-02-05", name="王小明", id_no=NUMBER)
    rows = _one([wrong, right])
    assert [(_won(b, "name").value, b.known_from, b.known_to) for b in rows] == [  # type: ignore[union-attr]
        ("王小朋", at("2024-02-01"), at("2024-02-05")),
        ("王小明", at("2024-02-05"), None),
    ]


def test_any_order_of_the_voices_gives_the_same_rows() -> None:
    voices = [
        full("2024-01-31", name="王小明", id_no=NUMBER, said_to="2024-02-29", sex="1"),
        full("2024-02-29", name="王明", id_no=NUMBER, sex="1"),
        change("05", "2024-02-10", "2024-02-11", name="王明", id_no=NUMBER),
        voice("base.social_insurance", "2024-01-15", "2024-03-01", name="王小名", id_no=NUMBER),
        voice("base.residence_permit", "2023-01-01", current_division_code="141102001001"),
        voice("base.medical_insurance", "2023-06-01", current_division_code="141124100001"),
        voice("base.cremation", "2024-05-02", event="death", death_date="2024-05-01"),
    ]
    wanted = survive(voices, PROVIDERS)
    for seed in range(20):
        shuffled = random.Random(seed).sample(voices, len(voices))
        assert survive(shuffled, PROVIDERS) == wanted


def test_a_corrected_number_joins_two_people_and_taking_it_back_parts_them_again() -> None:
    other = "142325196001010029"
    old = full("2024-01-31", name="王小明", id_no=NUMBER)
    insured = voice("base.social_insurance", "2024-01-01", atom=other, id_no=other, name="王小明")
    before = survive([old, insured], PROVIDERS)
    assert len(before) == 2
    corrected = replace(change("06", "2024-03-01", id_no=other, name="王小明"), atom=other)
    merged = survive([old, insured, corrected], PROVIDERS)
    now = {pid for pid, rows in merged.items() if any(b.known_to is None for b in rows)}
    assert len(now) == 1, "one person now"
    gone = (set(merged) - now).pop()
    assert {b.known_to for b in merged[gone]} == {at("2024-03-01")}, (
        "the other was known until then"
    )
    undone = survive([old, insured, replace(corrected, known_to=at("2024-04-01"))], PROVIDERS)
    current = {
        pid: [replace(b, known_from=at("2024-01-01")) for b in rows if b.known_to is None]
        for pid, rows in undone.items()
    }
    assert current == {
        pid: [replace(b, known_from=at("2024-01-01")) for b in rows if b.known_to is None]
        for pid, rows in before.items()
    }


def test_persons_are_the_same_whoever_is_asked_first() -> None:
    a, b = full("2024-01-31", id_no=NUMBER), voice("base.enrolment", "2024-01-01", id_no=NUMBER)
    assert persons_at([a, b], None)[0].person_id == persons_at([b, a], None)[0].person_id


def test_one_word_is_a_suspicion_and_two_are_a_death() -> None:
    alive = full("2020-01-31", name="王小明", id_no=NUMBER)
    certified = voice("base.death_certificate", "2024-05-01", "2024-05-03", event="death",
                      death_date="2024-05-01")  # fmt: skip
    burnt = voice("base.cremation", "2024-05-02", "2024-05-09", event="death",
                  death_date="2024-05-02")  # fmt: skip
    rows = _one([alive, certified, burnt])
    found = [(b.state[-2], str(b.valid_from), b.known_from, b.known_to) for b in rows]
    assert [f for f in found if f[1] == "2024-05-01"] == [
        (Status.MAYBE_DEAD, "2024-05-01", at("2024-05-03"), at("2024-05-09")),
        (Status.DEAD, "2024-05-01", at("2024-05-09"), None),
    ]


def test_a_merge_leaves_a_redirect_and_taking_it_back_ends_it() -> None:
    other = "142325196001010029"
    old = full("2024-01-31", name="王小明", id_no=NUMBER)
    insured = voice("base.social_insurance", "2024-01-01", atom=other, id_no=other, name="王小明")
    merged = replace(change("06", "2024-03-01", id_no=other, name="王小明"), atom=other)
    mine, theirs = person_id(NUMBER), person_id(other)
    assert list(redirects([old, insured, merged])) == [(theirs, mine, at("2024-03-01"), None)]
    taken_back = replace(merged, known_to=at("2024-04-01"))
    assert list(redirects([old, insured, taken_back])) == [
        (theirs, mine, at("2024-03-01"), at("2024-04-01"))
    ]
    assert list(redirects([old, insured])) == []
