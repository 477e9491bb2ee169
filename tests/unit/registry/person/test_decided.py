"""What departments decided on tickets, and what becomes of it when the sources speak again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.registry.person.belief import Belief
from onesource.registry.person.decided import codes_of, is_asked, normal, open_conflicts
from onesource.registry.person.model import (
    ALIVE,
    ATTRIBUTES,
    DECISION,
    SAME_PERSON,
    Reason,
    Status,
    Voice,
    person_id,
)
from onesource.registry.person.survive import Won, persons_at, survive, world
from tests.unit.registry.person.people import NUMBER, PROVIDERS, at, change, full, voice

OTHER = "142325196001010029"


def decision(on: str, known_to: str | None = None, *, role: str = "self", **said: str) -> Voice:
    made = voice(DECISION, on, known_to=known_to, key="t1", event="decision", **said)
    return replace(made, role=role)


def now(voices: list[Voice], attribute: str) -> Won | None:
    (rows,) = [b for b in survive(voices, PROVIDERS).values() if b[-1].known_to is None]
    won: Won | None = rows[-1].state[ATTRIBUTES.index(attribute)]
    return won


def asked(voices: list[Voice]) -> tuple[set[str], bool]:
    """The attributes in conflict, and whether the row is disputed."""
    (person,) = persons_at(voices, None)
    state = world(person.voices, PROVIDERS)[-1][2]
    found = open_conflicts(person, state, PROVIDERS)
    return {c.attribute for c in found}, is_asked(person, found)


REGISTER = full("2024-01-31", name="王小明", id_no=NUMBER, sex="1")
INSURED = voice("base.social_insurance", "2024-01-31", name="王小名", id_no=NUMBER)


def test_what_was_decided_is_served_from_its_day_on_and_says_so() -> None:
    rows = survive([REGISTER, INSURED, decision("2024-03-01", name="王小茗")], PROVIDERS)
    (beliefs,) = rows.values()
    served = [
        (str(b.valid_from), b.state[ATTRIBUTES.index("name")], b.known_from)
        for b in beliefs
        if b.known_to is None
    ]
    assert served == [
        ("2024-01-31", Won("王小明", "base.resident", Reason.AUTHORITATIVE), at("2024-03-01")),
        ("2024-03-01", Won("王小茗", DECISION, Reason.DECIDED), at("2024-03-01")),
    ]
    (before,) = [b for b in beliefs if b.known_to == at("2024-03-01")]
    assert before.valid_to is None, "until its receipt nobody knew of it"


def test_a_decided_question_is_not_disputed_until_a_newer_row_repeats_the_old_value() -> None:
    decided = decision("2024-03-01", name="王小明")
    assert asked([REGISTER, INSURED]) == ({"name"}, True)
    assert asked([REGISTER, INSURED, decided]) == ({"name"}, False)
    again = replace(INSURED, statement_at=at("2024-04-01"), place="another/1")
    assert asked([REGISTER, again, decided]) == ({"name"}, True)


def test_the_register_says_the_old_value_again_and_the_decision_stays() -> None:
    decided = decision("2024-03-01", name="王小茗")
    repeated = full("2024-03-31", name="王小明", id_no=NUMBER, sex="1")
    assert now([REGISTER, INSURED, decided, repeated], "name") == Won(
        "王小茗", DECISION, Reason.DECIDED
    )


def test_the_register_says_something_new_and_the_decision_ends() -> None:
    decided = decision("2024-03-01", name="王小茗")
    renamed = change("05", "2024-05-01", name="王大明", id_no=NUMBER)
    rows = survive([REGISTER, INSURED, decided, renamed], PROVIDERS)
    (beliefs,) = rows.values()
    names = [
        (str(b.valid_from), b.state[ATTRIBUTES.index("name")].value)
        for b in beliefs
        if b.known_to is None
    ]
    assert names == [("2024-01-31", "王小明"), ("2024-03-01", "王小茗"), ("2024-05-01", "王大明")]


def test_an_answer_that_follows_ends_the_first() -> None:
    first = decision("2024-03-01", "2024-04-01", name="王小茗")
    second = replace(decision("2024-04-01", name="王小名"), source_key="t1")
    assert now([REGISTER, INSURED, first, second], "name") == Won(
        "王小名", DECISION, Reason.DECIDED
    )
    taken_back = [REGISTER, INSURED, first]
    assert now(taken_back, "name") == now([REGISTER, INSURED], "name")


CERTIFIED = voice(
    "base.death_certificate", "2024-05-01", "2024-05-03", event="death", death_date="2024-05-01"
)


def status(voices: list[Voice]) -> str:
    (rows,) = survive(voices, PROVIDERS).values()
    found: str = [b for b in rows if b.known_to is None][-1].state[-2]
    return found


@pytest.mark.parametrize(
    ("decided", "wanted"),
    [
        (None, Status.MAYBE_DEAD),
        ("2024-05-01", Status.DEAD),
        (min(ALIVE), Status.REGISTERED),
    ],
)
def test_a_decision_on_one_report_of_a_death_confirms_it_or_takes_it_away(
    decided: str | None, wanted: str
) -> None:
    answers = [decision("2024-05-20", death_date=decided)] if decided else []
    assert status([REGISTER, CERTIFIED, *answers]) == wanted


def test_who_was_found_alive_may_die_later() -> None:
    alive = decision("2024-05-20", death_date=min(ALIVE))
    buried = change("02", "2024-08-01", death_date="2024-07-30", id_no=NUMBER)
    burnt = voice("base.cremation", "2024-08-01", event="death", death_date="2024-07-30")
    assert status([REGISTER, CERTIFIED, alive, buried, burnt]) == Status.DEAD


def test_who_vanished_from_the_register_is_what_was_decided() -> None:
    gone = replace(REGISTER, said_to=at("2024-02-29").date())
    assert status([gone]) == Status.CANCELLED
    assert status([gone, decision("2024-03-10", status=Status.MOVED_OUT)]) == Status.MOVED_OUT


def two_registrations() -> list[Voice]:
    second = voice("base.resident", "2024-01-31", key="2", atom=OTHER, unit="U:2", name="王小明",
                   id_no=OTHER, hukou_division_code="141102002002")  # fmt: skip
    return [
        replace(REGISTER, values={**REGISTER.values, "hukou_division_code": "141102001001"}),
        second,
    ]


def one_person(on: str, known_to: str | None = None) -> list[Voice]:
    said = {"second_registration": min(SAME_PERSON)}
    joined = [
        decision(on, known_to, **said),
        replace(decision(on, known_to, role="other", **said), atom=OTHER),
    ]
    return [replace(v, unit="D:t1") for v in joined]


def test_two_registrations_are_one_person_once_decided_and_two_again_when_taken_back() -> None:
    apart = two_registrations()
    assert {p.person_id for p in persons_at(apart, None)} == {person_id(NUMBER), person_id(OTHER)}
    (one,) = persons_at([*apart, *one_person("2024-03-01")], None)
    assert one.person_id == person_id(NUMBER)
    served = world(one.voices, PROVIDERS)[-1][2]
    assert served[ATTRIBUTES.index("hukou_division_code")].value == "141102001001"
    assert served[ATTRIBUTES.index("id_no")].value == NUMBER

    undone = survive([*apart, *one_person("2024-03-01", "2024-04-01")], PROVIDERS)
    assert current(undone) == current(survive(apart, PROVIDERS))


def current(rows: dict[str, list[Belief]]) -> dict[str, list[object]]:
    return {
        pid: [(b.valid_from, b.valid_to, b.state) for b in beliefs if b.known_to is None]
        for pid, beliefs in rows.items()
    }


@pytest.mark.parametrize(
    ("attribute", "written", "held"),
    [
        ("sex", "男性", "1"),
        ("sex", "2", "2"),
        ("sex", "不清楚", None),
        ("birth_date", "1960年1月1日", "1960-01-01"),
        ("birth_date", "19600101", "1960-01-01"),
        ("birth_date", "1960-13-01", None),
        ("birth_date", "在世", None),
        ("death_date", "健在", min(ALIVE)),
        ("ethnicity", "汉族", "01"),
        ("name", " 王小明 ", "王小明"),
        ("second_registration", "系同一人", min(SAME_PERSON)),
        ("id_no", "P0", "P0"),
    ],
)
def test_a_department_answers_in_words(attribute: str, written: str, held: str | None) -> None:
    settings = Settings.from_environment({})
    codes = codes_of(load_catalogue(settings.schemas, odcs=False))
    assert normal(attribute, written, codes) == held
