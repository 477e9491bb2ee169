"""Tickets from the first conflict to the closed one, as a department and the steward see them.

All data are made up (synthetic).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook

from onesource.cli import tickets as command
from onesource.contracts.load import load_catalogue
from onesource.errors import OneSourceError
from onesource.lake import delta, ops
from onesource.lake.paths import quarantine_path
from onesource.lake.reader import open_version
from onesource.run.engine import RunReport, run
from onesource.run.overview import overview
from onesource.run.ticket_list import Wanted
from tests.integration.small_city import SmallCity
from tests.integration.ticket_registry import make_ticket_city

FIRST_DAY = date(2026, 9, 30)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    return make_ticket_city(tmp_path_factory.mktemp("tickets"))


def night(city: SmallCity, day: date) -> RunReport:
    report = run(city.settings, day=day)
    assert report.exit_code == 0, [r.reason_en for r in report.results if r.reason_en]
    return report


def tickets(city: SmallCity, **wanted: Any) -> dict[str, dict[str, Any]]:
    """Entity → its ticket."""
    catalogue = load_catalogue(city.settings.schemas)
    found = command.tickets(city.settings, catalogue, Wanted(FIRST_DAY, **wanted))
    assert len({r["entity"] for r in found}) == len(found)
    return {r["entity"]: r for r in found}


def states(city: SmallCity) -> dict[str, str]:
    return {k: f"{r['state']} {r['round']} {r['owner']}" for k, r in tickets(city).items()}


def filled(city: SmallCity, name: str, department: str, fill: Callable[[Any], None]) -> None:
    """Sends the department its workbook, fills it in and delivers it."""
    path = city.inbox / name
    code = command.send_command(city.settings, department, path, FIRST_DAY, again=True, purpose="")
    assert code == 0
    book = load_workbook(path)
    fill(book["校核工单"])
    book.save(path)
    assert city.deliver(name, path.read_bytes()).status == "taken"


def line_of(sheet: Any, entity: str) -> int:
    return next(r for r in range(3, sheet.max_row + 1) if sheet.cell(r, 4).value == entity)


def quarantined(city: SmallCity) -> list[str]:
    contract = city.contract("silver.base_ticket_answer")
    path = quarantine_path(city.settings, contract)
    version = delta.latest_version(path)
    assert version is not None
    rows = open_version("quarantine", path, version).data.to_table().to_pylist()
    return sorted(r["rule"] for r in rows)


def test_a_ticket_lives(city: SmallCity, capsys: pytest.CaptureFixture[str]) -> None:
    """One story, told in order: each step stands on the one before."""
    city.deliver(
        "first_1.csv", "thing_id,name\nT1,张三\nT2,李四\nT3,王五\nT4,同\nT5,钱七\nT6,孙八\n"
    )
    city.deliver(
        "second_1.csv", "thing_id,name\nT1,张山\nT2,李斯\nT3,王武\nT4,同\nT5,钱启\nT6,孙巴\n"
    )
    night(city, FIRST_DAY)
    # Each conflict once, for the owner of the list (not the builder's), due by the calendar.
    assert states(city) == dict.fromkeys(("T1", "T2", "T3", "T5", "T6"), "OPEN 1 甲局")
    assert {r["due_on"] for r in tickets(city).values()} == {date(2026, 10, 20)}

    # Values of persons stay hidden until asked for, and the asking is on record.
    wanted = Wanted(date(2026, 10, 21), overdue=True)
    command.list_command(
        city.settings, wanted, values=False, csv=None, as_json=True, purpose="督办"
    )
    printed = capsys.readouterr().out
    assert len(json.loads(printed)) == 5 and "张三" not in printed
    command.list_command(city.settings, wanted, values=True, csv=None, as_json=True, purpose="")
    assert "张三" in capsys.readouterr().out
    reads = [r for r in ops.rows(city.settings, "reads") if r["command"] == "tickets"]
    assert [r["purpose"] for r in reads] == ["督办", ""] and reads[0]["rows"] == 5

    # The department fills its workbook in: two right answers, one row spoilt in each known way.
    def fill(sheet: Any) -> None:
        t1, t2, t3, t5, t6 = (line_of(sheet, e) for e in ("T1", "T2", "T3", "T5", "T6"))
        sheet.cell(t1, 11).value, sheet.cell(t1, 12).value = "应予更正", "张珊"
        sheet.cell(t2, 11).value = "非本部门职责"
        code = sheet.cell(t3, 1).value
        sheet.cell(t3, 1).value = ("0" if code[0] != "0" else "1") + code[1:]  # changed by hand
        sheet.cell(t3, 11).value = "现用值正确"
        sheet.cell(t5, 11).value = "大概吧"  # no answer that is known
        sheet.cell(t6, 1).value = sheet.cell(t2, 1).value  # moved
        sheet.cell(t6, 11).value = "现用值正确"

    filled(city, "校核工单_甲局.xlsx", "甲局", fill)
    assert set(states(city).values()) == {"SENT 1 甲局"}  # counts at once
    # Meanwhile the same conflicts are delivered again, in another file: no ticket more.
    ids = {e: r["ticket_id"] for e, r in tickets(city).items()}
    city.deliver("first_2.csv", "thing_id,name\nT5,钱七\nT6,孙八\n")
    night(city, date(2026, 10, 9))
    assert {e: r["ticket_id"] for e, r in tickets(city).items()} == ids
    assert quarantined(city) == [
        "CODE_UNKNOWN",  # T5
        *("about_the_same_thing", "about_the_same_thing"),  # T2 and T6, under one number
        *("answered_once", "answered_once"),
        "code_is_whole",  # T3
    ]
    assert night(city, date(2026, 10, 9)).served == ()


def test_answers_move_tickets(city: SmallCity) -> None:
    # T2 stood twice with two answers, so neither was taken; T1 was.
    assert states(city)["T1"] == "CORRECTED 1 甲局"
    assert states(city)["T3"] == states(city)["T5"] == "SENT 1 甲局"
    [decision] = city.rows("registry.decision")
    assert (decision["entity"], decision["decided_value"]) == ("T1", "张珊")
    assert {"thing_id": "T1", "name": "张珊"} in city.rows("registry.thing")

    t2 = tickets(city)["T2"]["ticket_id"]
    command.answer_command(city.settings, t2, "NOT_OURS", FIRST_DAY, "", "", "甲局办公室")
    t3 = tickets(city)["T3"]["ticket_id"]
    command.answer_command(city.settings, t3, "现用值正确", FIRST_DAY, "", "", "甲局办公室")
    command.close_command(city.settings, [tickets(city)["T6"]["ticket_id"]], "重复提出", FIRST_DAY)
    # T3 is confirmed and the second source repeats its word in the same night.
    # The second source repeats its word on T3 (settled) and T5 (waiting); it follows on T1.
    city.deliver("second_2.csv", "thing_id,name\nT3,王武\nT5,钱启\nT1,张珊\n")
    night(city, date(2026, 10, 10))
    assert states(city)["T2"] == "OPEN 2 乙局"
    assert tickets(city)["T2"]["due_on"] == date(2026, 10, 23)
    assert states(city)["T6"] == "CLOSED 1 甲局"
    decided = {r["entity"]: r["decided_value"] for r in city.rows("registry.decision")}
    assert decided == {"T1": "张珊", "T3": "王五"}
    assert states(city)["T3"] == "OPEN 2 甲局"
    assert states(city)["T5"] == "SENT 1 甲局"
    # The first source still says the value that was corrected: the same ticket, no second one.
    assert len(tickets(city)) == 5
    city.deliver("first_3.csv", "thing_id,name\nT1,张珊\nT3,王武\n")
    night(city, date(2026, 10, 13))
    assert states(city)["T1"].startswith("CLOSED")
    assert not states(city)["T3"].startswith("CLOSED")  # decided 王五, and both say 王武 now


def test_a_settled_answer_is_revised_while_the_conflict_lasts_and_not_after(
    city: SmallCity, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = {e: r["ticket_id"] for e, r in tickets(city).items() if e in ("T1", "T6")}
    with pytest.raises(OneSourceError, match="the sources show no conflict any more"):
        command.answer_command(city.settings, closed["T1"], "现用值正确", FIRST_DAY, "", "", "")
    # T6 was closed by hand; both sources go on to say what they said.
    command.answer_command(city.settings, closed["T6"], "CORRECTED", FIRST_DAY, "孙把", "", "甲局")
    assert "is CLOSED; it is opened again as round 2" in capsys.readouterr().out
    night(city, date(2026, 10, 14))
    assert states(city)["T6"] == "CORRECTED 2 甲局"
    command.answer_command(city.settings, closed["T6"], "现用值正确", FIRST_DAY, "", "", "甲局")
    said = capsys.readouterr().out
    assert "is CORRECTED, answered CORRECTED on 2026-10-14; it is opened again as round 3" in said
    night(city, date(2026, 10, 15))
    assert states(city)["T6"] == "CONFIRMED_SOURCE_RIGHT 3 甲局"
    decided = [r for r in city.rows("registry.decision") if r["entity"] == "T6"]
    first, second = sorted(decided, key=lambda r: r["round"])
    assert (first["decided_value"], second["decided_value"]) == ("孙把", "孙八")
    assert first["known_to"] == second["known_from"] and second["known_to"] is None
    assert {"thing_id": "T6", "name": "孙八"} in city.rows("registry.thing")
    assert night(city, date(2026, 10, 15)).served == ()


def test_the_log_gives_the_same_tickets_again_and_the_score_adds_up(city: SmallCity) -> None:
    from onesource.run.ticket_fold import fold

    log: dict[str, list[dict[str, Any]]] = {}
    for e in city.rows("registry.ticket_event"):
        log.setdefault(e["ticket_id"], []).append(e)
    made = {i: fold(i, reversed(events)) for i, events in log.items()}
    assert {r["ticket_id"]: r for r in city.rows("registry.ticket")} == made
    score = city.rows("curated.base_ticket_score")
    rounds = [r for t in made.values() for r in json.loads(t["rounds"])]
    assert sum(r["raised_count"] for r in score) == len(rounds)
    assert sum(r["upheld_count"] for r in score) == 2
    assert {r["department_name"] for r in score} == {"甲局", "乙局"}


def test_the_status_shows_tickets_by_department(city: SmallCity) -> None:
    asked = {d.owner: d for d in overview(city.settings, date(2027, 1, 1)).tickets}
    assert asked["乙局"].open == 1 and asked["乙局"].overdue == 1
    assert asked["乙局"].next_due == "2026-10-23"
