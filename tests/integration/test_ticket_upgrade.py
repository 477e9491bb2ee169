"""A lake with the tickets of the first release (contract 1.0.0) goes on with them. All made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from onesource.cli import tickets as command
from onesource.contracts.load import load_catalogue
from onesource.lake import delta
from onesource.lake.manifest import Served, serve
from onesource.lake.paths import table_path
from onesource.run import ledger
from onesource.run.engine import run
from onesource.run.ticket_fold import fold
from onesource.run.ticket_list import Wanted
from onesource.run.ticket_log import TABLE
from onesource.run.ticket_upgrade import as_events, is_old
from onesource.run.tickets import ticket_id
from tests.integration.ticket_registry import make_ticket_city

OLD = (
    "ticket_id string, registry string, entity string, attribute string, value_a string, "
    "source_a string, value_b string, source_b string, owner string, detail_zh string, "
    "detail_en string, state string, opened_on date, due_on date, closed_on date"
)
FIRST, LATER, LAST = date(2026, 9, 1), date(2026, 9, 7), date(2026, 9, 9)


def old(
    entity: str, a: str | None, b: str | None, opened: date, closed: date | None = None
) -> tuple[Any, ...]:
    state = "CLOSED" if closed else "OPEN"
    said = ("registry.thing", entity, "name", a, "energy.first", b, "energy.second")
    words = ("甲局", "名称不一致", "names differ")
    return (f"old{entity}", *said, *words, state, opened, date(2026, 9, 15), closed)


def renewed(spark: SparkSession, *rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    """The tickets that the events of old rows make."""
    frame = spark.createDataFrame(list(rows), OLD)
    assert is_old(frame)
    events: dict[str, list[dict[str, Any]]] = {}
    for e in as_events(frame).collect():
        made = {"evidence_a": None, "evidence_b": None, "evidence_key": None, **e.asDict()}
        events.setdefault(e["ticket_id"], []).append(made | {"event_id": e["event"]})
    return [fold(i, found) for i, found in events.items()]


def test_an_open_ticket_stays_open_since_its_day_and_a_closed_one_closed(
    spark: SparkSession,
) -> None:
    rows = renewed(spark, old("T1", "甲", "乙", FIRST), old("T2", "丙", None, FIRST, LATER))
    found = {r["entity"]: (r["state"], r["opened_on"], r["closed_on"], r["owner"]) for r in rows}
    assert found == {
        "T1": ("OPEN", FIRST, None, "甲局"),
        "T2": ("CLOSED", FIRST, LATER, "甲局"),
    }


@pytest.mark.parametrize(("a", "b"), [("甲", "乙"), ("乙", "甲"), ("甲", None)])
def test_it_has_the_number_that_the_same_conflict_gets_today(
    spark: SparkSession, a: str, b: str | None
) -> None:
    (made,) = renewed(spark, old("T1", a, b, FIRST))
    conflict = spark.createDataFrame(
        [Row(registry="registry.thing", entity="T1", attribute="name", a=b, b=a)],
        "registry string, entity string, attribute string, a string, b string",
    )
    (today,) = conflict.select(ticket_id("registry", "entity", "attribute", "a", "b")).collect()
    assert made["ticket_id"] == today[0]


@pytest.mark.parametrize("closed_first", [True, False])
def test_two_tickets_on_one_pair_are_one_that_is_open_while_either_is(
    spark: SparkSession, closed_first: bool
) -> None:
    rows = [old("T1", "甲", "乙", FIRST, LATER), old("T1", "乙", "甲", LATER)]
    (made,) = renewed(spark, *(rows if closed_first else reversed(rows)))
    assert (made["state"], made["opened_on"], made["value_a"]) == ("OPEN", FIRST, "甲")
    (gone,) = renewed(spark, rows[0], old("T1", "乙", "甲", FIRST, LAST))
    assert (gone["state"], gone["closed_on"]) == ("CLOSED", LAST)


def test_a_night_goes_on_with_the_tickets_of_before(spark: SparkSession, tmp_path: Path) -> None:
    city = make_ticket_city(tmp_path)
    city.deliver("first_1.csv", "thing_id,name\nT1,张三\nT2,李四\n")
    city.deliver("second_1.csv", "thing_id,name\nT1,张山\nT2,李四\n")
    contract = city.contract(TABLE)
    path = table_path(city.settings, contract)
    rows = [old("T1", "张三", "张山", FIRST), old("T2", "李四", "李斯", FIRST)]
    version = delta.write(spark.createDataFrame(rows, OLD), path, mode="overwrite")
    step = {"kind": "step", "table": TABLE, "verdict": ledger.PASSED, "rows": len(rows)}
    ledger.record(city.settings, "r0", {**step, "version": version, "head": version})
    serve(city.settings, "r0", {TABLE: Served(version, rows=len(rows))})

    report = run(city.settings, day=LATER)
    assert report.exit_code == 0, [r.reason_en for r in report.results if r.reason_en]
    found = command.tickets(city.settings, load_catalogue(city.settings.schemas), Wanted(LATER))
    assert {r["entity"]: (r["state"], r["round"], r["opened_on"]) for r in found} == {
        "T1": ("OPEN", 1, FIRST),  # the same conflict, and no second ticket
        "T2": ("CLOSED", 1, FIRST),  # which is not there any more
    }
    events = [(e["entity"], e["event"]) for e in city.rows("registry.ticket_event")]
    assert sorted(events) == [("T1", "SEEN"), ("T1", "SEEN"), ("T2", "GONE"), ("T2", "SEEN")]
