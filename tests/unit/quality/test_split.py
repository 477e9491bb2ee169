"""Row verdicts: `row` rules reject, `flag` rules leave an issue and keep the value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.contracts.model import Catalogue, Contract
from onesource.errors import OneSourceError
from onesource.quality.load import file_rules
from onesource.quality.rules import Rule
from onesource.quality.split import across_rows, marks_across_rows, split_expressions
from onesource.spark.local import local_rows

DAY = date(2024, 5, 1)
ISSUE = "array<struct<field:string,verdict:string,raw:string,detail:string>>"
REJECT = "array<struct<field:string,rule:string,raw:string,detail:string>>"
RULES = """
rules:
  - id: not_test
    expectation: expect_column_values_to_not_match_regex
    kwargs: {column: kind, regex: 测试}
    severity: row
    dimension: validity
    owner: provider
    zh: 不得含测试数据
    en: holds no test data
  - id: plausible
    expectation: expect_column_values_to_be_between
    kwargs: {column: output_t, max_value: 100}
    severity: flag
    dimension: accuracy
    owner: provider
    zh: 产量应不超过 100
    en: the output is at most 100
  - id: steady
    expectation: unexpected_rows_expectation
    kwargs:
      unexpected_rows_query: >-
        SELECT mine, day FROM (SELECT mine, day, output_t,
          lag(output_t) OVER (PARTITION BY mine ORDER BY day) AS before FROM {batch})
        WHERE output_t > 3 * before
    severity: flag
    field: output_t
    dimension: accuracy
    owner: provider
    zh: 产量不应突增
    en: the output does not jump
  - id: known
    expectation: unexpected_rows_expectation
    kwargs:
      unexpected_rows_query: >-
        SELECT b.mine, b.day FROM {batch} b LEFT ANTI JOIN curated.energy_month m
        ON m.mine = b.mine
    with: [curated.energy_month]
    severity: row
    field: mine
    dimension: consistency
    owner: steward
    zh: 煤矿应在名录中
    en: the mine is on the list
"""


@pytest.fixture
def rules(
    feed: Contract, catalogue: Catalogue, expectations: Path, write_rules: Callable[[str], Path]
) -> list[Rule]:
    write_rules(RULES)
    return file_rules(feed, expectations, catalogue)


def frame(spark: SparkSession, *rows: tuple[str, int, str, int]) -> DataFrame:
    """(mine, day of May, kind, output)."""
    made = [(m, date(2024, 5, d), k, n) for m, d, k, n in rows]
    frame = local_rows(spark, made, "mine string, day date, kind string, output_t int").coalesce(1)
    return frame.withColumns({"_issues": F.expr(f"CAST(array() AS {ISSUE})")})


def test_each_row_carries_the_rules_it_fails(spark: SparkSession, rules: list[Rule]) -> None:
    split = split_expressions(rules, DAY)
    assert split.reject and split.flag and split.rejects and split.issues
    rows = frame(spark, ("A", 1, "原煤", 5), ("B", 1, "测试煤", 5), ("C", 1, "测试", 500))
    found = rows.select("mine", F.expr(split.reject).alias("r"), F.expr(split.flag).alias("f"))
    assert {x["mine"]: (x["r"], x["f"]) for x in found.collect()} == {
        "A": ([], []),
        "B": (["not_test"], []),
        "C": (["not_test"], ["plausible"]),
    }
    [issue] = rows.where("mine = 'C'").select(F.expr(split.issues).alias("i")).first()["i"]
    assert issue.asDict() == {
        "field": "output_t",
        "verdict": "plausible",
        "raw": None,
        "detail": None,
    }


def test_a_null_is_no_failure_and_never_makes_the_verdict_null(
    spark: SparkSession, rules: list[Rule]
) -> None:
    split = split_expressions(rules, DAY)
    empty = frame(spark, ("A", 1, "原煤", 5)).withColumns(
        {"kind": F.lit(None).cast("string"), "output_t": F.lit(None).cast("int")}
    )
    assert empty.select(F.expr(split.reject), F.expr(split.flag)).first() == ([], [])


def test_without_row_rules_there_is_nothing_to_split(rules: list[Rule]) -> None:
    split = split_expressions([r for r in rules if r.id in ("steady", "known")], DAY)
    assert (split.reject, split.flag, split.rejects, split.issues) == (None, None, None, None)


def test_rules_over_several_rows_or_tables_are_laid_on_the_rows_they_find(
    spark: SparkSession, rules: list[Rule]
) -> None:
    rows = frame(
        spark, ("A", 1, "原煤", 5), ("A", 2, "原煤", 50), ("B", 1, "原煤", 5), ("B", 2, "原煤", 6)
    ).withColumn("_rejects", F.expr(f"CAST(NULL AS {REJECT})"))
    month = local_rows(spark, [("A",)], "mine string")
    marked = marks_across_rows(rows, rules, {"curated.energy_month": month}, DAY)
    assert marked.columns == rows.columns

    def rule_ids(values: Any, name: str) -> list[str]:
        return [v[name] for v in values or []]

    found = {
        (r["mine"], r["day"].day): (
            rule_ids(r["_issues"], "verdict"),
            rule_ids(r["_rejects"], "rule"),
        )
        for r in marked.collect()
    }
    assert found == {
        ("A", 1): ([], []),
        ("A", 2): (["steady"], []),
        ("B", 1): ([], ["known"]),
        ("B", 2): ([], ["known"]),
    }
    assert marked.where("mine = 'A' AND _rejects IS NOT NULL").count() == 0


def test_a_table_that_a_row_rule_reads_must_be_served(
    spark: SparkSession, rules: list[Rule]
) -> None:
    rows = frame(spark, ("A", 1, "原煤", 5))
    with pytest.raises(OneSourceError, match=r"known of silver\.energy_output reads"):
        marks_across_rows(rows, rules, {}, DAY)
    assert [r.id for r in across_rows(rules, DAY)] == ["steady", "known"]
