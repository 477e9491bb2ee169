"""Tickets that break a rule are not served, and nothing that was said is lost. All made up."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from onesource.cli import tickets as command
from onesource.contracts.load import load_catalogue
from onesource.lake import delta, ops
from onesource.lake.manifest import read_manifest
from onesource.lake.paths import table_path
from onesource.lake.reader import open_version
from onesource.run.engine import RunReport, run
from onesource.run.results import Status
from onesource.run.ticket_list import Wanted
from onesource.run.ticket_log import EVENTS, TABLE
from tests.integration.small_city import SmallCity
from tests.integration.ticket_registry import PROJECT, make_ticket_city

DAY = date(2026, 9, 30)
RULES = "expectations/registry/ticket.yaml"
# As if the fold made a row that no ticket may have.
BROKEN = {
    "id": "no_ticket_about_t9",
    "expectation": "unexpected_rows_expectation",
    "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE entity = 'T9'"},
    "severity": "hold",
    "dimension": "validity",
    "owner": "onesource",
    "zh": "不应有此工单",
    "en": "there can be no such ticket",
}


def night(city: SmallCity) -> RunReport:
    return run(city.settings, day=DAY)


def ticket_step(report: RunReport) -> Any:
    [step] = [r for r in report.results if r.table == TABLE]
    return step


def served(city: SmallCity) -> dict[str, str]:
    found = command.tickets(city.settings, load_catalogue(city.settings.schemas), Wanted(DAY))
    return {r["entity"]: r["state"] for r in found}


def newest(city: SmallCity, table: str) -> list[dict[str, Any]]:
    """The rows of the newest Delta version, served or not."""
    path = table_path(city.settings, city.contract(table))
    version = delta.latest_version(path)
    assert version is not None
    rows: list[dict[str, Any]] = open_version("newest", path, version).data.to_table().to_pylist()
    return rows


def test_tickets_that_break_a_rule_are_taken_back_with_their_events_and_said_again(
    tmp_path: Path,
) -> None:
    city = make_ticket_city(tmp_path)
    rules = city.settings.home / RULES
    rules.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / RULES, rules)
    city.deliver("first_1.csv", "thing_id,name\nT1,张三\n")
    city.deliver("second_1.csv", "thing_id,name\nT1,张山\n")
    assert ticket_step(night(city)).status is Status.PASSED
    judged = [r for r in ops.rows(city.settings, "quality_results") if r["table"] == TABLE]
    assert Counter(r["rule"] for r in judged)["one_ticket_a_conflict"] == 1, "once a run"
    assert ticket_step(night(city)).status is Status.UNCHANGED

    good = yaml.safe_load(rules.read_text("utf-8"))
    rules.write_text(yaml.safe_dump({"rules": [*good["rules"], BROKEN]}, allow_unicode=True))
    [asked] = command.tickets(city.settings, load_catalogue(city.settings.schemas), Wanted(DAY))
    command.answer_command(city.settings, asked["ticket_id"], "CORRECTED", DAY, "张珊", "", "甲局")
    city.deliver("first_2.csv", "thing_id,name\nT9,李四\n")
    city.deliver("second_2.csv", "thing_id,name\nT9,李斯\n")
    before = {t: read_manifest(city.settings).tables[t].version for t in (TABLE, EVENTS)}
    report = night(city)
    held = ticket_step(report)
    assert report.exit_code == 3 and held.status is Status.HELD
    assert "no such ticket" in held.reason_en
    assert {t: read_manifest(city.settings).tables[t].version for t in before} == before
    assert served(city) == {"T1": "OPEN"}
    assert [r["entity"] for r in newest(city, TABLE)] == ["T1"], "no reader finds the broken one"
    assert [e["event"] for e in newest(city, EVENTS)] == ["SEEN"]

    rules.write_text(yaml.safe_dump(good, allow_unicode=True))
    report = night(city)
    assert report.exit_code == 0 and ticket_step(report).status is Status.PASSED
    assert served(city) == {"T1": "CORRECTED", "T9": "OPEN"}
    events = Counter((e["entity"], e["event"]) for e in city.rows(EVENTS))
    assert events[("T9", "SEEN")] == 1 and events[(None, "ANSWERED")] == 1
    assert night(city).served == ()


def test_the_first_tickets_that_break_a_rule_are_no_tickets_at_all(tmp_path: Path) -> None:
    city = make_ticket_city(tmp_path)
    rules = city.settings.home / RULES
    rules.parent.mkdir(parents=True, exist_ok=True)
    rules.write_text(yaml.safe_dump({"rules": [BROKEN]}, allow_unicode=True))
    city.deliver("first_1.csv", "thing_id,name\nT9,李四\n")
    city.deliver("second_1.csv", "thing_id,name\nT9,李斯\n")
    assert ticket_step(night(city)).status is Status.HELD
    assert TABLE not in read_manifest(city.settings).tables
    rules.unlink()
    assert night(city).exit_code == 0
    assert served(city) == {"T9": "OPEN"}
