"""Each expectation that a rule may use passes on good rows and fails on rows broken in its way,
and no other one fails with it. One table holds a column (or two) for every expectation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.quality import engine, vocabulary
from onesource.quality.gate import run_gate
from onesource.quality.predicates import bad_row
from onesource.quality.results import GateResult
from onesource.quality.rules import Dimension, Phase, Rule, Severity
from onesource.spark.local import local_rows

ROWS = 6
Value = Callable[[int], Any]


@dataclass(frozen=True)
class Case:
    """columns: name → (Spark type, good value of row i). broken: column → value that breaks the
    expectation in row 0, or in every row where it speaks of the whole."""

    expectation: str
    kwargs: dict[str, Any]
    columns: dict[str, tuple[str, Value]]
    broken: dict[str, Any] = field(default_factory=dict)
    everywhere: bool = False
    condition: str | None = None


def one(expectation: str, name: str, kind: str, good: Value, bad: Any, **kwargs: Any) -> Case:
    whole = not vocabulary.EXPECTATIONS[expectation].points_at_rows
    kwargs = {"column": name, **kwargs}
    return Case(expectation, kwargs, {name: (kind, good)}, {name: bad}, everywhere=whole)


def pair(expectation: str, name: str, good: tuple[Any, Any], bad: Any, **kwargs: Any) -> Case:
    a, b = f"{name}_a", f"{name}_b"
    return Case(
        expectation,
        {"column_A": a, "column_B": b, **kwargs},
        {a: ("int", lambda i: good[0]), b: ("int", lambda i: good[1])},
        {a: bad},
    )


def several(expectation: str, name: str, good: tuple[Value, Value], bad: Any, **kw: Any) -> Case:
    a, b = f"{name}_a", f"{name}_b"
    columns = {a: ("int", good[0]), b: ("int", good[1])}
    return Case(expectation, {"column_list": [a, b], **kw}, columns, {a: bad})


def sql(name: str, query: str, condition: str | None, bad: Any, good: Value) -> Case:
    kwargs = {"unexpected_rows_query": query}
    columns = {name: ("int", good)}
    return Case(vocabulary.SQL_TYPE, kwargs, columns, {name: bad}, condition=condition)


COLUMN = "expect_column_"
CASES = [
    one(f"{COLUMN}values_to_be_null", "none", "string", lambda i: None, "x"),
    one(f"{COLUMN}values_to_not_be_null", "full", "string", lambda i: "x", None),
    one(
        f"{COLUMN}values_to_be_in_set", "coded", "string", lambda i: "a", "z", value_set=["a", "b"]
    ),
    one(
        f"{COLUMN}values_to_not_be_in_set",
        "banned",
        "string",
        lambda i: "a",
        "测试",
        value_set=["测试"],
    ),
    one(
        f"{COLUMN}values_to_be_between",
        "share",
        "decimal(10,3)",
        lambda i: Decimal("0.1"),
        Decimal("0.099"),
        min_value=0.1,
        max_value=0.5,
    ),
    one(
        f"{COLUMN}values_to_be_between",
        "day",
        "date",
        lambda i: date(2024, 1, 31),
        date(2024, 2, 1),
        max_value="2024-02-01",
        strict_max=True,
    ),
    one(
        f"{COLUMN}value_lengths_to_be_between",
        "short",
        "string",
        lambda i: "吕梁",
        "吕",
        min_value=2,
    ),
    one(f"{COLUMN}value_lengths_to_equal", "six", "string", lambda i: "141100", "14110", value=6),
    one(f"{COLUMN}values_to_match_regex", "code", "string", lambda i: "A'1", "A1", regex=r"^A'\d$"),
    one(f"{COLUMN}values_to_not_match_regex", "plain", "string", lambda i: "x", "x1", regex=r"\d"),
    one(
        f"{COLUMN}values_to_match_regex_list",
        "either",
        "string",
        lambda i: "a1",
        "c1",
        regex_list=["^a", "^b"],
    ),
    one(
        f"{COLUMN}values_to_not_match_regex_list",
        "neither",
        "string",
        lambda i: "c1",
        "b1",
        regex_list=["^a", "^b"],
    ),
    one(
        f"{COLUMN}values_to_match_like_pattern",
        "like",
        "string",
        lambda i: "ab",
        "ba",
        like_pattern="a%",
    ),
    one(
        f"{COLUMN}values_to_not_match_like_pattern",
        "unlike",
        "string",
        lambda i: "ba",
        "ab",
        like_pattern="a%",
    ),
    one(f"{COLUMN}values_to_be_unique", "single", "int", lambda i: i, 1),
    several("expect_compound_columns_to_be_unique", "key", (lambda i: i, lambda i: 7), 1),
    pair(f"{COLUMN}pair_values_to_be_equal", "same", (1, 1), 2),
    pair(f"{COLUMN}pair_values_a_to_be_greater_than_b", "above", (3, 2), 2),
    pair(f"{COLUMN}pair_values_to_be_in_set", "known", (1, 2), 2, value_pairs_set=[[1, 2], [3, 4]]),
    several("expect_multicolumn_sum_to_equal", "sum", (lambda i: 4, lambda i: 6), 5, sum_total=10),
    several("expect_multicolumn_values_to_be_equal", "equal", (lambda i: i, lambda i: i), 9),
    several(
        "expect_select_column_values_to_be_unique_within_record",
        "apart",
        (lambda i: 1, lambda i: 2),
        2,
    ),
    sql("alone", "SELECT * FROM {batch} WHERE alone > 5", "alone > 5", 6, lambda i: 5),
    sql(
        "together",
        "SELECT together FROM {batch} GROUP BY together HAVING count(*) > 1",
        None,
        3,
        lambda i: i,
    ),
    one(f"{COLUMN}min_to_be_between", "low", "int", lambda i: 10 + i, -1, min_value=10),
    one(f"{COLUMN}max_to_be_between", "high", "int", lambda i: 10 + i, 99, max_value=50),
    one(
        f"{COLUMN}mean_to_be_between", "mean", "int", lambda i: i % 3, 50, min_value=0, max_value=9
    ),
    one(f"{COLUMN}median_to_be_between", "median", "int", lambda i: 5, 50, max_value=9),
    one(f"{COLUMN}sum_to_be_between", "total", "int", lambda i: 1, 9, max_value=20),
    one(f"{COLUMN}stdev_to_be_between", "spread", "int", lambda i: i * 10, 1, min_value=2),
    one(
        f"{COLUMN}quantile_values_to_be_between",
        "quantile",
        "int",
        lambda i: 5,
        50,
        quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[1, 9], [1, 9]]},
    ),
    one(f"{COLUMN}unique_value_count_to_be_between", "kinds", "int", lambda i: i, 1, min_value=3),
    one(
        f"{COLUMN}proportion_of_unique_values_to_be_between",
        "rare",
        "int",
        lambda i: i,
        1,
        min_value=0.5,
    ),
    one(
        f"{COLUMN}proportion_of_non_null_values_to_be_between",
        "filled",
        "int",
        lambda i: i,
        None,
        min_value=0.5,
    ),
    one(
        f"{COLUMN}distinct_values_to_be_in_set",
        "within",
        "string",
        lambda i: "a",
        "z",
        value_set=["a", "b"],
    ),
    one(
        f"{COLUMN}distinct_values_to_contain_set",
        "covers",
        "string",
        lambda i: "ab"[i % 2],
        "a",
        value_set=["a", "b"],
    ),
    one(
        f"{COLUMN}distinct_values_to_equal_set",
        "exactly",
        "string",
        lambda i: "ab"[i % 2],
        "a",
        value_set=["a", "b"],
    ),
    one(
        f"{COLUMN}most_common_value_to_be_in_set",
        "common",
        "string",
        lambda i: "a",
        "z",
        value_set=["a"],
    ),
    one(
        f"{COLUMN}kl_divergence_to_be_less_than",
        "mix",
        "string",
        lambda i: "ab"[i % 2],
        "a",
        partition_object={"values": ["a", "b"], "weights": [0.5, 0.5]},
        threshold=0.1,
    ),
]


def rule_of(n: int, case: Case) -> Rule:
    return Rule(
        id=f"r{n}",
        table="silver.test_all",
        expectation=case.expectation,
        kwargs=case.kwargs,
        on=Phase.TABLE,
        severity=Severity.HOLD,
        dimension=Dimension.VALIDITY,
        owner="onesource",
        zh="规则",
        en="rule",
        condition=case.condition,
    )


RULES = [rule_of(n, c) for n, c in enumerate(CASES)]
# A broken table is judged by the rules next to the one it breaks: all by all would take minutes.
NEIGHBOURS = 2
SCHEMA = ", ".join(f"{n} {t}" for c in CASES for n, (t, _) in c.columns.items())


def table(spark: SparkSession, broken: Case | None = None) -> DataFrame:
    rows = []
    for i in range(ROWS):
        row: dict[str, Any] = {n: good(i) for c in CASES for n, (_, good) in c.columns.items()}
        if broken and (i == 0 or broken.everywhere):
            row |= broken.broken
        rows.append(row)
    names = list(rows[0])
    return local_rows(spark, [tuple(r[n] for n in names) for r in rows], SCHEMA).coalesce(1)


def judge(frame: DataFrame, rules: list[Rule], phase: str = "table", **more: Any) -> GateResult:
    return run_gate(
        frame, rules, table="silver.test_all", phase=phase, run_id="run", step="step", **more
    )


def failing(result: GateResult) -> list[str]:
    return [r.rule.id for r in result.results if not r.success]


def test_good_rows_pass_every_expectation(spark: SparkSession) -> None:
    result = judge(table(spark), RULES)
    assert (failing(result), result.verdict, result.rows) == ([], "passed", ROWS)


@pytest.mark.parametrize("n", range(len(CASES)), ids=[c.expectation[7:] for c in CASES])
def test_rows_broken_in_one_way_fail_exactly_that_expectation(spark: SparkSession, n: int) -> None:
    near = RULES[max(0, n - NEIGHBOURS) : n + NEIGHBOURS + 1]
    result = judge(table(spark, CASES[n]), near)
    assert (failing(result), result.verdict) == ([f"r{n}"], "held")
    assert all(r.error is None for r in result.results)


def test_row_conditions_mean_what_great_expectations_means(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conditions by which rows are split and counted, against Great Expectations' own row
    expectations: on good rows, on broken ones, and where one or all values are missing."""
    monkeypatch.setattr(engine, "_as_column", lambda rule: not rule.spec.native)
    pointing = [r for r in RULES if bad_row(r)]
    names = [n for c in CASES for n in c.columns]
    first = {next(iter(c.columns)) for c in CASES}
    good = {n: value(0) for c in CASES for n, (_, value) in c.columns.items()}
    broken = good | {n: v for c in CASES for n, v in c.broken.items()}
    rows = [
        good,
        broken,
        {n: None if n in first else v for n, v in good.items()},
        {n: None if n not in first else v for n, v in broken.items()},
        dict.fromkeys(names),
    ]
    frame = local_rows(spark, [tuple(r[n] for n in names) for r in rows], SCHEMA).coalesce(1)
    counted = {r.rule.id: r.unexpected for r in judge(frame, pointing).results if r.error is None}
    flags = frame.select(*[F.expr(bad_row(r) or "").cast("int").alias(r.id) for r in pointing])
    by_sql = flags.agg(*[F.sum(r.id).alias(r.id) for r in pointing]).collect()[0].asDict()
    assert by_sql == counted


def test_every_expectation_of_the_vocabulary_has_a_case() -> None:
    elsewhere = {
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
        "expect_table_columns_to_match_set",
        "expect_column_to_exist",
    }
    assert {c.expectation for c in CASES} | elsewhere == set(vocabulary.EXPECTATIONS)


@pytest.mark.parametrize(
    ("expectation", "kwargs", "broken"),
    [
        (
            "expect_table_row_count_to_be_between",
            {"min_value": 2, "max_value": 3},
            "SELECT 1 AS a, 2 AS b",
        ),
        ("expect_table_row_count_to_equal", {"value": 2}, "SELECT 1 AS a, 2 AS b"),
        (
            "expect_table_columns_to_match_set",
            {"column_set": ["a", "b"], "exact_match": False},
            "SELECT 1 AS a FROM range(2)",
        ),
        ("expect_column_to_exist", {"column": "b"}, "SELECT 1 AS a FROM range(2)"),
    ],
)
def test_an_expectation_of_the_table_as_such_can_fail(
    spark: SparkSession, expectation: str, kwargs: dict[str, Any], broken: str
) -> None:
    rule = rule_of(0, Case(expectation, kwargs, {}))
    good = spark.sql("SELECT 1 AS a, 2 AS b FROM range(2)")
    assert judge(good, [rule]).verdict == "passed"
    assert failing(judge(spark.sql(broken), [rule])) == ["r0"]
