"""The gate: what passes, what holds, and that it fails closed (P11)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from onesource.contracts.model import Catalogue, Contract
from onesource.quality import engine
from onesource.quality.derive import derived_rules
from onesource.quality.gate import DeliveryRows, run_gate
from onesource.quality.load import file_rules
from onesource.quality.results import GateResult
from onesource.quality.rules import Phase, Rule
from onesource.spark.local import local_rows

ISSUES = "_issues array<struct<field:string,verdict:string,raw:string,detail:string>>"
REJECTS = "_rejects array<struct<field:string,rule:string,raw:string,detail:string>>"
COLUMNS = f"mine string, day date, output_t decimal(20,6), kind string, holder string, {ISSUES}"
STAGED = f"{COLUMNS}, {REJECTS}, _rank_in_file int, _delivery_id string"
DAY = date(2024, 5, 1)
# Synthetic: nobody of this name is meant.
HOLDER = "张三三"


def row(mine: str | None = "A", output: Any = 10, **other: Any) -> dict[str, Any]:
    from decimal import Decimal

    base: dict[str, Any] = {
        "mine": mine,
        "day": DAY,
        "output_t": None if output is None else Decimal(output),
        "kind": "原煤",
        "holder": HOLDER,
        "_issues": [],
        "_rejects": None,
        "_rank_in_file": 1,
        "_delivery_id": "d1",
    }
    return base | other


def issue(field: str, verdict: str = "FMT") -> dict[str, Any]:
    return {"field": field, "verdict": verdict, "raw": None, "detail": None}


def staged(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    names = list(row())
    return local_rows(spark, [tuple(r[n] for n in names) for r in rows], STAGED).coalesce(1)


def judge(
    frame: DataFrame, rules: list[Rule], phase: Phase = Phase.BATCH, **more: Any
) -> GateResult:
    return run_gate(
        frame, rules, table="silver.energy_output", phase=phase, run_id="run", step="step", **more
    )


def failing(result: GateResult) -> set[str]:
    return {r.rule.id for r in result.results if not r.success}


@pytest.fixture
def rules(feed: Contract, catalogue: Catalogue) -> list[Rule]:
    return derived_rules(feed, catalogue)


@pytest.fixture
def made(
    feed: Contract,
    catalogue: Catalogue,
    expectations: Path,
    write_rules: Callable[[str], Path],
    rules: list[Rule],
) -> Callable[[str], list[Rule]]:
    """The derived rules and one more, written as in a rule file."""

    def make(text: str) -> list[Rule]:
        head = "rules:\n  - {id: own, dimension: accuracy, owner: provider, zh: 规则, en: rule, "
        write_rules(head + text + "}")
        return [*rules, *file_rules(feed, expectations, catalogue)]

    return make


Made = Callable[[str], list[Rule]]


def test_a_good_batch_passes_and_every_rule_is_on_record(
    spark: SparkSession, rules: list[Rule]
) -> None:
    result = judge(staged(spark, row("A"), row("B")), rules)
    assert (result.verdict, result.rows, failing(result)) == ("passed", 2, set())
    assert len(result.results) == len([r for r in rules if r.on is Phase.BATCH])
    [kept] = [r for r in result.rows_for_ops() if r["rule"] == "output_t_range"]
    assert (kept["dimension"], kept["owner"], kept["severity"]) == ("accuracy", "provider", "flag")
    assert (kept["evaluated"], kept["unexpected"], kept["unexpected_share"]) == (2, 0, 0)


@pytest.mark.parametrize(
    ("broken", "rule", "verdict"),
    [
        ([row("A"), row("B"), row("C", -1)], "output_t_range", "passed"),
        ([row("A"), row("B"), row("C", 100000)], "output_t_range", "passed"),
        ([row("A"), row("B"), row("C", kind="很长的类型")], "kind_length", "passed"),
        ([row("A"), row("B"), row("C", None)], "output_t_required", "passed"),
        ([row("A")], "min_rows", "held"),
        ([*[row(f"M{i}") for i in range(4)], row(None)], "mine_readable", "passed"),
        ([*[row(f"M{i}") for i in range(4)], row(day=None)], "day_readable", "passed"),
        (
            [*[row(f"M{i}") for i in range(4)], row("B", _issues=[issue("holder")])],
            "holder_readable",
            "passed",
        ),
        (
            [row(f"M{i}", None, _issues=[issue("output_t")]) for i in range(21)],
            "output_t_unreadable_share",
            "held",
        ),
        (
            [row("A"), row("B"), row("C", _rejects=[issue("mine") | {"rule": "FMT"}])],
            "rejected_share",
            "held",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_derived_batch_rule_can_fail_and_no_other_does(
    spark: SparkSession, rules: list[Rule], broken: list[Any], rule: str, verdict: str
) -> None:
    result = judge(staged(spark, *broken), rules)
    assert (failing(result), result.verdict) == ({rule}, verdict)


GOOD_TABLE = [("A", 1), ("B", 2), ("C", 3)]


@pytest.mark.parametrize(
    ("select", "rule"),
    [
        ("* FROM t WHERE FALSE", "min_rows"),
        ("mine, day, output_t, kind FROM t", "columns_present"),
        ("nullif(mine, 'A') AS mine, day, output_t, kind, holder FROM t", "mine_required"),
        ("replace(mine, 'B', 'A') AS mine, day, output_t, kind, holder FROM t", "key_unique"),
    ],
)
def test_each_derived_table_rule_can_fail_and_no_other_does(
    spark: SparkSession, rules: list[Rule], select: str, rule: str
) -> None:
    good = staged(spark, row("A"), row("B"), row("C"))
    assert judge(good, rules, Phase.TABLE).passed
    broken = spark.sql(f"SELECT {select.replace('FROM t', 'FROM {t}')}", t=good)
    result = judge(broken, rules, Phase.TABLE)
    assert result.verdict == "held"
    assert failing(result) == {rule}


def test_a_table_that_loses_most_of_its_rows_is_noted(
    spark: SparkSession, rules: list[Rule]
) -> None:
    frame = staged(spark, row("A"), row("B"))
    few = judge(frame, rules, Phase.TABLE, parameters={"previous_rows": 10})
    assert (failing(few), few.verdict) == ({"rows_kept"}, "passed")
    assert judge(frame, rules, Phase.TABLE, parameters={"previous_rows": 3}).passed
    assert not failing(judge(frame, rules, Phase.TABLE, parameters={"previous_rows": None}))


# P11: every guard fails closed.


def test_a_gate_without_rules_holds(spark: SparkSession) -> None:
    result = judge(staged(spark, row()), [])
    assert (result.verdict, "no quality rules" in result.reason_en) == ("held", True)
    assert "没有质量规则" in result.reason_zh


def test_a_gate_whose_rules_are_all_of_another_phase_or_time_holds(
    spark: SparkSession, rules: list[Rule]
) -> None:
    frame = staged(spark, row("A"), row("B"))
    tables = [r for r in rules if r.on is Phase.TABLE]
    assert judge(frame, tables).verdict == "held"
    over = [replace(r, valid_to="2024-01-01") for r in rules]
    assert judge(frame, over, day=date(2024, 1, 1)).verdict == "held"
    assert judge(frame, over, day=date(2023, 12, 31)).verdict == "passed"


def test_an_empty_batch_holds_unless_it_is_a_statement(
    spark: SparkSession, rules: list[Rule]
) -> None:
    nothing = staged(spark, row()).limit(0)
    result = judge(nothing, rules)
    assert (result.verdict, "no rows" in result.reason_en) == ("held", True)
    assert judge(nothing, rules, allow_empty=True).verdict == "passed"
    assert judge(nothing, [r for r in rules if not r.per_delivery]).verdict == "held"


def test_a_batch_of_which_every_row_is_rejected_is_no_zero_report(
    spark: SparkSession, rules: list[Rule]
) -> None:
    bad = row(None, _rejects=[issue("mine") | {"rule": "EMPTY"}])
    lenient = [r for r in rules if r.id != "rejected_share"]
    assert judge(staged(spark, bad, bad), lenient, allow_empty=True).verdict == "held"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {batch} WHERE CAST(holder AS INT) > 1",
        "SELECT max(CAST(holder AS INT)) AS n FROM {batch} HAVING n > 1",
    ],
)
def test_an_error_inside_a_rule_holds_whatever_its_severity_and_quotes_no_value(
    spark: SparkSession, made: Made, query: str
) -> None:
    rules = made(
        "expectation: unexpected_rows_expectation, severity: warn, "
        f'kwargs: {{unexpected_rows_query: "{query}"}}'
    )
    result = judge(staged(spark, row("A"), row("B")), rules)
    assert (result.verdict, failing(result)) == ("held", {"own"})
    said = str(result.rows_for_ops()) + result.reason_en + result.reason_zh
    assert "CAST_INVALID_INPUT" in said
    assert HOLDER not in said


def test_an_unknown_expectation_holds(spark: SparkSession, rules: list[Rule]) -> None:
    result = judge(
        staged(spark, row("A"), row("B")), [replace(rules[0], expectation="expect_luck")]
    )
    assert (result.verdict, "expect_luck" in result.reason_en) == ("held", True)


def test_an_error_of_the_engine_holds(
    spark: SparkSession, rules: list[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError(HOLDER)

    monkeypatch.setattr(engine, "_engine", broken)
    result = judge(staged(spark, row("A"), row("B")), rules)
    assert (result.verdict, "RuntimeError" in result.reason_en) == ("held", True)
    assert HOLDER not in result.reason_en + result.reason_zh


def test_a_rule_that_reads_a_table_which_is_not_served_holds(
    spark: SparkSession, made: Made
) -> None:
    rules = made(
        "expectation: unexpected_rows_expectation, severity: hold, with: [curated.energy_month], "
        'kwargs: {unexpected_rows_query: "SELECT b.mine FROM {batch} b '
        'LEFT ANTI JOIN curated.energy_month m ON m.mine = b.mine"}'
    )
    frame = staged(spark, row("A"), row("B"))
    assert "curated.energy_month is not served" in judge(frame, rules).reason_en
    month = local_rows(spark, [("A",), ("B",)], "mine string")
    assert judge(frame, rules, tables={"curated.energy_month": month}).passed
    short = judge(frame, rules, tables={"curated.energy_month": month.limit(1)})
    assert (failing(short), short.verdict) == ({"own"}, "held")


# What a result says.


def test_deliveries_are_judged_one_by_one_and_the_bad_one_is_named(
    spark: SparkSession, rules: list[Rule]
) -> None:
    frame = staged(spark, row("A"), row("B"), row("C", _delivery_id="d2"))
    result = judge(frame, rules)
    assert (result.verdict, result.held_deliveries) == ("held", ("d2",))
    counted = {"d1": DeliveryRows(2), "d2": DeliveryRows(1), "d3": DeliveryRows(0)}
    known = judge(frame, rules, deliveries=counted)
    assert known.held_deliveries == ("d2", "d3")
    assert judge(frame, rules, deliveries=counted, allow_empty=True).held_deliveries == ("d2",)
    many = {"d1": DeliveryRows(100, rejected=1), "d2": DeliveryRows(10, rejected=9)}
    shared = judge(frame, rules, deliveries=many)
    assert "9 of 10 rows" in shared.reason_for("d2")[1], "its own counts, not those of all"


def test_rejected_and_superseded_rows_do_not_count_against_the_batch(
    spark: SparkSession, made: Made
) -> None:
    rules = made(
        "expectation: expect_column_max_to_be_between, severity: hold, "
        "kwargs: {column: output_t, max_value: 50}"
    )
    fine = [row(f"M{i}") for i in range(6)]
    rejected = row("X", 99, _rejects=[issue("mine") | {"rule": "FMT"}])
    superseded = row("Y", 99, _rank_in_file=2)
    assert judge(staged(spark, *fine, rejected, superseded), rules).passed
    assert judge(staged(spark, *fine, row("Z", 99)), rules).verdict == "held"


def test_failing_rows_are_named_by_the_columns_that_may_be_named(
    spark: SparkSession, made: Made
) -> None:
    rules = made(
        "expectation: unexpected_rows_expectation, severity: warn, report: [mine, output_t], "
        'kwargs: {unexpected_rows_query: "SELECT * FROM {batch} WHERE output_t > 50"}'
    )
    result = judge(staged(spark, row("A"), row("B", 60), row("C", 70)), rules)
    [own] = [r for r in result.results if r.rule.id == "own"]
    assert own.detail == "mine=B output_t=60.000000; mine=C output_t=70.000000"
    assert (own.unexpected, own.evaluated) == (2, 3)


def test_what_was_seen_of_a_personal_field_is_not_in_the_result(
    spark: SparkSession, made: Made
) -> None:
    rules = made(
        "expectation: expect_column_most_common_value_to_be_in_set, severity: hold, "
        "kwargs: {column: holder, value_set: [李四四]}"
    )
    result = judge(staged(spark, row("A"), row("B")), rules)
    assert failing(result) == {"own"}
    assert HOLDER not in str(result.rows_for_ops()) + result.reason_en + result.reason_zh


def test_a_volume_rule_follows_history_and_keeps_its_floor(spark: SparkSession, made: Made) -> None:
    rules = made(
        "expectation: expect_table_row_count_to_be_between, severity: hold, floor: 2, "
        'kwargs: {min_value: {$PARAMETER: "0.5 * median_rows"}, '
        'max_value: {$PARAMETER: "3 * median_rows"}}'
    )
    lenient = [r for r in rules if not r.per_delivery]
    three = staged(spark, row("A"), row("B"), row("C"))
    assert judge(three, lenient, parameters={"median_rows": 4}).passed
    assert judge(three, lenient, parameters={"median_rows": 7}).verdict == "held"
    assert judge(three, lenient, parameters={"median_rows": 0.5}).verdict == "held"
    assert judge(three, lenient).passed
    assert judge(staged(spark, row("A")), lenient).verdict == "held"
    assert judge(staged(spark, row("A")), lenient, parameters={"median_rows": 1}).verdict == "held"


def test_a_threshold_is_applied_by_the_date_of_the_event(spark: SparkSession, made: Made) -> None:
    rules = made(
        "expectation: expect_column_values_to_be_between, severity: hold, by: day, "
        "valid_from: 2020-01-01, valid_to: 2024-01-01, kwargs: {column: output_t, max_value: 50}"
    )
    before, after = date(2023, 12, 31), date(2024, 1, 1)
    late = staged(spark, row("A", 60, day=after), row("B", day=after))
    assert judge(late, rules, day=date(2022, 1, 1)).passed
    early = staged(spark, row("A", 60, day=before), row("B", day=after))
    assert failing(judge(early, rules, day=date(2026, 1, 1))) == {"own"}


def test_four_gates_at_once_do_not_see_each_others_rows(spark: SparkSession, made: Made) -> None:
    rules = made(
        "expectation: unexpected_rows_expectation, severity: hold, "
        'kwargs: {unexpected_rows_query: "SELECT kind, count(*) AS n FROM {batch} GROUP BY kind '
        'HAVING n <> 3"}'
    )
    batches = [staged(spark, *[row(f"M{i}") for i in range(2 + n)]) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda b: judge(b, rules), batches * 2))
    assert [r.rows for r in found] == [2, 3, 4, 5] * 2
    assert [r.verdict for r in found] == ["held", "passed", "held", "held"] * 2
