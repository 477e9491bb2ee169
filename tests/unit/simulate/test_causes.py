"""What the truth of a simulated city calls a contradiction."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from onesource.simulate.city.causes import LISTED, POSSIBLE, TICKET, Causes
from onesource.simulate.city.numbers import texts
from onesource.simulate.city.rows import Planted, Rows

MEDICAL = "base.medical_insurance"


def insured(night: str, *people: str, faults: tuple[Planted, ...] = ()) -> Rows:
    """Rows of the insurer: one a person, each with a sound number."""
    n = len(people)
    columns = {
        "personal_no": texts([f"Y{p}" for p in people]),
        "id_no": texts(["1"] * n),
        "status": texts(["参保"] * n),
    }
    return Rows(MEDICAL, f"{night}/f.csv", columns, {"subject": texts(people)}, list(faults))


WRONG = Planted("birth_other", 0, "E1", "birth_date", "1960-01-02", "1960-01-01")


def test_a_contradiction_that_a_later_row_replaces_is_none() -> None:
    causes = Causes("2024-01-20")
    causes.hear(insured("2024-01-20", "E1", "E2", faults=(WRONG,)))
    assert list(causes.expected().values()) == [TICKET]
    causes.hear(insured("2024-01-21", "E2"))
    assert list(causes.expected().values()) == [TICKET]
    causes.hear(insured("2024-01-21", "E1"))
    assert causes.expected() == {}


def test_a_contradiction_in_a_row_with_a_spoilt_number_may_stay_unseen() -> None:
    causes = Causes("2024-01-20")
    spoilt = Planted("id_check", 0, "E1", "id_no", "2", "1")
    causes.hear(insured("2024-01-20", "E1", faults=(WRONG, spoilt)))
    assert list(causes.expected().values()) == [POSSIBLE]


def certificate(person: str) -> Rows:
    columns = {"certificate_no": texts([f"S{person}"]), "id_no": texts(["1"])}
    return Rows("base.death_certificate", "2024-01-20/d.csv", columns, {"subject": texts([person])})


def deaths(causes: Causes) -> dict[str, str]:
    """Who must be asked about, of a city in which nothing else happens."""
    nobody = SimpleNamespace(
        shared_no={}, second_no={}, entity=texts(["E1"]), death=texts([19_700])
    )
    found = causes.of_the_world(nobody)  # type: ignore[arg-type]
    return {c.kind: c.expected for c in found}


def test_a_death_is_a_question_where_one_reports_it_and_a_register_has_the_person() -> None:
    causes = Causes("2024-01-20")
    causes.hear(certificate("E1"))
    assert deaths(causes) == {}, "nobody else speaks of the person"
    causes.hear(insured("2024-01-20", "E1"))
    assert deaths(causes) == {"death_one_source": TICKET}
    burnt = replace(certificate("E1"), feed="base.cremation")
    burnt.columns["record_no"] = burnt.columns.pop("certificate_no")
    causes.hear(burnt)
    assert deaths(causes) == {}, "two agree"
    columns = {"certificate_no": texts(["D1"]), "relation": texts(["02"]), "id_no": texts(["1"])}
    paid = Rows("base.low_income", "2024-02-20/低保.xlsx", columns, {"subject": texts(["E1"])})
    causes.hear(paid)
    assert deaths(causes) == {"paid_after_death": LISTED}
