"""What is a question to a department, and what is none; and where a person is on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onesource.registry.person.conflicts import conflicts_of
from onesource.registry.person.model import Status, Voice
from onesource.registry.person.survive import Provider, persons_at, survive, world
from tests.unit.registry.person.people import NUMBER, PROVIDERS, change, day, full, voice

# As in the source-of-record list: the police's permits come after their register.
DATED = ("base.residence_permit", "base.disability")
WITH_PERMITS = PROVIDERS | {"sex": PROVIDERS["sex"] | {feed: Provider(2) for feed in DATED}}


def asked(*voices: Voice) -> set[tuple[str, str]]:
    (person,) = persons_at(list(voices), None)
    state = world(person.voices, WITH_PERMITS)[-1][2]
    return {(c.attribute, c.value_b) for c in conflicts_of(person, state, WITH_PERMITS)}


REGISTER = full("2024-01-31", name="王小明", id_no=NUMBER, ethnicity="01")


def test_a_source_that_says_what_the_register_said_before_its_change_is_no_question() -> None:
    school = voice("base.enrolment", "2024-01-31", id_no=NUMBER, ethnicity="01")
    changed = change("08", "2024-03-01", name="王小明", id_no=NUMBER, ethnicity="03")
    assert asked(REGISTER, school, changed) == set()
    later = replace(school, statement_at=changed.statement_at.replace(month=9))
    assert asked(REGISTER, later, changed) == {("ethnicity", "01")}
    other = replace(school, values={**school.values, "ethnicity": "11"})
    assert asked(REGISTER, other, changed) == {("ethnicity", "11")}


def test_a_death_is_a_question_where_a_register_has_the_person_alive() -> None:
    dead = voice("base.death_certificate", "2024-05-01", event="death", death_date="2024-05-01",
                 id_no=NUMBER)  # fmt: skip
    wed = voice("base.marriage", "2019-05-01", event="marriage", marital_status="20")
    assert asked(REGISTER, dead) == {("death_date", "")}
    assert asked(wed, dead) == set(), "nobody says that the person lives"


@pytest.mark.parametrize("feed", DATED)
def test_a_line_that_says_how_long_it_holds_speaks_unless_it_was_over_when_it_was_stated(
    feed: str,
) -> None:
    school = voice("base.enrolment", "2024-01-20", id_no=NUMBER, sex="1")
    permit = voice(feed, "2023-03-26", "2024-01-20", said_to="2024-03-25", ends_by_itself=True,
                   id_no=NUMBER, sex="2")  # fmt: skip
    assert asked(school, permit) == {("sex", "2")}
    late = replace(permit, known_from=permit.known_from.replace(month=9))
    assert asked(school, late) == {("sex", "2")}, "it ran out while its file was on the way"
    left = replace(permit, said_to=day("2024-01-20"))
    assert asked(school, left) == set()
    ended = replace(late, ends_by_itself=False)
    assert asked(school, ended) == set(), "a later statement ended it"


def test_a_word_that_a_later_statement_ended_is_no_question() -> None:
    dropped = voice("base.enrolment", "2024-01-20", said_to="2024-03-01", id_no=NUMBER, sex="2")
    dropped = replace(dropped, known_from=dropped.known_from.replace(month=3))
    assert asked(REGISTER, full("2024-01-31", id_no=NUMBER, sex="1"), dropped) == set()


def statuses(*voices: Voice) -> list[tuple[str, str]]:
    (rows,) = survive(list(voices), PROVIDERS).values()
    return [(str(b.valid_from), b.state[-2]) for b in rows if b.known_to is None]


def test_who_has_left_one_county_and_is_not_in_another_is_on_the_way() -> None:
    left = change("04", "2024-03-01", name="王小明", id_no=NUMBER, hukou_status="2")
    assert statuses(REGISTER, left) == [
        ("2024-01-31", Status.REGISTERED),
        ("2024-03-01", Status.IN_TRANSIT),
        ("2024-04-10", Status.MOVED_OUT),  # forty days after
    ]
    arrived = change("03", "2024-03-20", name="王小明", id_no=NUMBER, hukou_status="1")
    assert statuses(REGISTER, left, arrived) == [
        ("2024-01-31", Status.REGISTERED),
        ("2024-03-01", Status.IN_TRANSIT),
        ("2024-03-20", Status.REGISTERED),
    ]


def test_who_has_left_the_city_for_good_is_not_on_the_way() -> None:
    gone = change("04", "2024-03-01", name="王小明", id_no=NUMBER, hukou_status="3")
    assert statuses(REGISTER, gone)[-1] == ("2024-03-01", Status.MOVED_OUT)


def test_who_was_on_the_way_when_the_full_dropped_them_has_moved_out() -> None:
    first = replace(REGISTER, said_to=day("2024-02-29"))
    way = full("2024-02-29", name="王小明", id_no=NUMBER, hukou_status="2")
    way = replace(way, said_to=day("2024-03-31"))
    assert statuses(first, way) == [
        ("2024-01-31", Status.REGISTERED),
        ("2024-02-29", Status.IN_TRANSIT),
        ("2024-03-31", Status.MOVED_OUT),
    ]
