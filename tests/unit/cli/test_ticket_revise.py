"""`onesource tickets answer` on a ticket that waits for nobody. All made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from openpyxl import load_workbook

from onesource.cli import tickets as command
from onesource.errors import OneSourceError, UsageError
from onesource.lake.manifest import Served, serve
from onesource.lake.paths import table_path
from onesource.lake.ticket_words import say
from onesource.run.ticket_fold import CLOSED, fold
from onesource.run.ticket_list import reply_code
from onesource.run.ticket_log import TABLE, _arrow
from tests.integration.small_city import SmallCity
from tests.integration.ticket_registry import make_ticket_city
from tests.unit.run.test_ticket_fold import answer, event, seen

DAY = date(2026, 10, 9)
ID = "0123456789abcdef"
CORRECTED = [seen(), answer("CORRECTED", 1, value="丙")]


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return make_ticket_city(tmp_path)


def serve_ticket(city: SmallCity, *events: dict[str, Any]) -> None:
    """A lake that serves the one ticket that the events make."""
    contract = city.contract(TABLE)
    path = table_path(city.settings, contract)
    path.parent.mkdir(parents=True, exist_ok=True)
    batch = _arrow([fold(ID, events)], [f.name for f in contract.fields])
    write_deltalake(path, pa.Table.from_batches([batch]))
    serve(city.settings, "r1", {TABLE: Served(0, rows=1)})


def revise(city: SmallCity, word: str, value: str = "") -> int:
    return command.answer_command(city.settings, ID, word, DAY, value, "", "甲局")


def handed_in(city: SmallCity) -> list[str]:
    """The codes in the workbooks that were delivered."""
    files = city.settings.root("landing").rglob("*.xlsx")
    return [load_workbook(f).worksheets[0].cell(3, 1).value for f in files]


def test_a_settled_answer_is_revised_in_the_next_round_and_says_so(
    city: SmallCity, capsys: pytest.CaptureFixture[str]
) -> None:
    serve_ticket(city, *CORRECTED)
    assert revise(city, "CORRECTED", "丁") == 0
    said = capsys.readouterr().out
    assert "is CORRECTED, answered CORRECTED on 2026-10-01; it is opened again as round 2" in said
    assert "丙" not in said and "丁" not in said
    assert handed_in(city) == [reply_code(ID, 2)]


def test_what_waits_is_answered_in_its_own_round(city: SmallCity) -> None:
    serve_ticket(city, seen())
    assert revise(city, "现用值正确") == 0
    assert handed_in(city) == [reply_code(ID, 1)]


@pytest.mark.parametrize(
    ("events", "word", "error", "why"),
    [
        ([*CORRECTED, event("GONE", 2)], "现用值正确", OneSourceError, "show no conflict any more"),
        (CORRECTED, "NOT_OURS", UsageError, "goes to no other department"),
        (CORRECTED, "CORRECTED", UsageError, "needs the right value"),
    ],
)
def test_what_cannot_be_revised_is_refused_in_words(
    city: SmallCity,
    events: list[dict[str, Any]],
    word: str,
    error: type[OneSourceError],
    why: str,
) -> None:
    serve_ticket(city, *events)
    with pytest.raises(error, match=why):
        revise(city, word)
    assert handed_in(city) == []


def test_what_was_closed_by_hand_is_opened_again_once_a_run_took_that_in(
    city: SmallCity,
) -> None:
    serve_ticket(city, seen(), event("CLOSED", 1, round=1))
    assert revise(city, "现用值正确") == 0
    assert handed_in(city) == [reply_code(ID, 2)]


def test_what_was_closed_since_the_last_run_waits_for_the_next(city: SmallCity) -> None:
    serve_ticket(city, seen())
    say(city.settings, CLOSED, [(ID, 1)], DAY, "重复提出")
    with pytest.raises(OneSourceError, match="closed since the last run"):
        revise(city, "现用值正确")
