"""A version that differs little from one that passed: what its rules find is what they find in all
of its rows, whatever was read for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from onesource.quality.change import ALONE, Change, columns_together
from onesource.quality.gate import run_gate
from onesource.quality.results import GateResult
from onesource.quality.rules import Dimension, Phase, Rule, Severity
from onesource.spark.local import local_rows

COLUMNS = "id string, person string, start date, end date, n int"
Row = tuple[str | None, str | None, date | None, date | None, int | None]
SQL = "unexpected_rows_expectation"


def rule(id_: str, expectation: str, kwargs: dict[str, Any], **more: Any) -> Rule:
    return Rule(
        id_, "registry.t", expectation, kwargs, Phase.TABLE, Severity.HOLD, Dimension.VALIDITY,
        "onesource", id_, id_, **more,
    )  # fmt: skip


def sql(id_: str, query: str, **more: Any) -> Rule:
    return rule(id_, SQL, {"unexpected_rows_query": query}, **more)


HOLES = (
    "SELECT person FROM (SELECT person, end, lead(start) OVER (PARTITION BY person ORDER BY start)"
    " AS next FROM {batch}) WHERE NOT end <=> next"
)
RULES = [
    rule("floor", "expect_table_row_count_to_be_between", {"min_value": 1}),
    rule("person_there", "expect_column_values_to_not_be_null", {"column": "person"}),
    rule("small", "expect_column_values_to_be_between", {"column": "n", "max_value": 9}),
    rule("id_unique", "expect_column_values_to_be_unique", {"column": "id"}),
    rule("start_unique", "expect_compound_columns_to_be_unique",
         {"column_list": ["person", "start"]}),
    sql("forward", "SELECT * FROM {batch} WHERE end <= start", condition="end <= start"),
    sql("no_hole", HOLES, within=("person",)),
    sql("one_of_all", "SELECT 1 AS found FROM {batch} HAVING sum(n) > 40"),
    rule("mostly_small", "expect_column_values_to_be_between",
         {"column": "n", "max_value": 5, "mostly": 0.6}),
    sql("past", "SELECT * FROM {batch} WHERE start > current_date()",
        condition="start > current_date()"),
]  # fmt: skip


def person(name: str, *days: int, n: int = 1, last: int | None = None) -> list[Row]:
    """Periods of a person that meet, the last one open (or until the day `last`)."""
    ends = [*days[1:], last]
    return [
        (f"{name}{a}", name, date(2024, 1, a), date(2024, 1, b) if b else None, n)
        for a, b in zip(days, ends, strict=True)
    ]


BEFORE = [*person("A", 1, 5, 9), *person("B", 2), *person("C", 3, 4), *person("D", 1, n=5)]
CASES: dict[str, list[Row]] = {
    "nothing": BEFORE,
    "good rows": [*BEFORE, *person("E", 2, 8)],
    "a person replaced": [*BEFORE[3:], *person("A", 1, 7)],
    "a hole where a row went": [r for r in BEFORE if r[0] != "A5"],
    "an end too many": [*BEFORE[:-1], *person("D", 1, n=5, last=20)],
    "an overlap with a row that stayed": [*BEFORE, ("x", "A", date(2024, 1, 3), None, 1)],
    "the id of a row that stayed": [*BEFORE, ("B2", "E", date(2024, 1, 3), None, 1)],
    "a key twice": [*BEFORE, ("x", "B", date(2024, 1, 2), None, 1)],
    "nobody": [*BEFORE, ("x", None, date(2024, 1, 2), None, 1)],
    "backwards": [*BEFORE, ("x", "E", date(2024, 1, 9), date(2024, 1, 2), 1)],
    "too large": [*BEFORE, *person("E", 2, n=10), *person("F", 2, n=11)],
    "too large together": [*BEFORE, *person("E", 2, n=9), *person("F", 2, n=9),
                           *person("G", 2, n=9), *person("H", 2, n=9)],
    "too late": [*BEFORE, ("x", "E", date(2999, 1, 1), None, 1)],
    "all gone but one": BEFORE[3:4],
}  # fmt: skip


def table(spark: SparkSession, rows: list[Row]) -> DataFrame:
    return local_rows(spark, rows, COLUMNS).coalesce(1)


def judge(frame: DataFrame, rules: list[Rule], change: Change | None = None) -> GateResult:
    return run_gate(
        frame, rules, table="registry.t", phase=Phase.TABLE, run_id="r", step="s", change=change
    )


def changed(spark: SparkSession, before: list[Row], now: list[Row], rules: list[Rule]) -> Change:
    found = judge(table(spark, before), rules)
    clean = frozenset(r.rule.id for r in found.results if r.success and r.unexpected == 0)
    came = table(spark, [r for r in now if r not in before])
    went = table(spark, [r for r in before if r not in now])
    return Change(came, went.select(*columns_together(rules)), clean)


@pytest.mark.parametrize("case", CASES)
def test_a_changed_version_is_judged_as_if_all_were_read(spark: SparkSession, case: str) -> None:
    now = CASES[case]
    whole = judge(table(spark, now), RULES)
    part = judge(table(spark, now), RULES, changed(spark, BEFORE, now, RULES))
    assert [replace(r, at=part.results[0].at) for r in whole.results] == [
        replace(r, at=part.results[0].at) for r in part.results
    ]
    assert (part.verdict, part.reason_zh, part.rows) == (whole.verdict, whole.reason_zh, whole.rows)


def test_what_a_rule_found_before_is_looked_for_in_all_rows(spark: SparkSession) -> None:
    before = CASES["too large"]
    now = [*before, *person("I", 4)]
    change = changed(spark, before, now, RULES)
    assert "small" not in change.clean
    found = {r.rule.id: r for r in judge(table(spark, now), RULES, change).results}
    assert (found["small"].success, found["small"].unexpected) == (False, 2)


def test_each_rule_reads_no_more_than_it_must(spark: SparkSession) -> None:
    change = changed(spark, BEFORE, BEFORE, RULES)
    assert {r.id: change.scope(r) for r in RULES} == {
        "floor": None,
        "person_there": ALONE,
        "small": ALONE,
        "id_unique": ("id",),
        "start_unique": ("person", "start"),
        "forward": ALONE,
        "no_hole": ("person",),
        "one_of_all": None,
        "mostly_small": ALONE,
        "past": None,
    }
    assert change.scope(replace(RULES[1], needs=("registry.other",))) is None
