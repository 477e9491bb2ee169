"""Every rule of every contract in `schemas/` and `expectations/` is broken on purpose.

For each table: a valid sample passes all rules, and for each rule the sample broken in just that
way fails just that rule, first row by row, then in the gate itself. New contracts and rules are
covered without a change here; see breaking.py.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.quality import engine
from onesource.quality.gate import DeliveryRows, run_gate
from onesource.quality.results import GateResult
from onesource.quality.rules import Phase, Rule, Severity
from onesource.quality.suite import check_all
from onesource.run.plan import build_graph
from tests.integration import breaking

SETTINGS = Settings.from_environment({})
# Rows of the good table beside the broken ones: enough for every derived floor of these tests.
GOOD_ROWS = 3


@cache
def catalogue() -> Catalogue:
    return load_catalogue(SETTINGS.schemas, odcs=False)


@cache
def suites() -> dict[str, list[Rule]]:
    return check_all(SETTINGS.expectations, catalogue())


TABLES = sorted(catalogue().tables)
FEEDS = sorted(c.table for c in catalogue().feeds.values())


def judge(frame: Any, rules: list[Rule], table: str, phase: Phase, **more: Any) -> GateResult:
    return run_gate(frame, rules, table=table, phase=phase, run_id="run", step="step", **more)


def failing(result: GateResult) -> set[str]:
    assert result.results, result.reason_en
    return {r.rule.id for r in result.results if not r.success}


def rules_of(table: str, phase: Phase) -> list[Rule]:
    return [r for r in suites()[table] if r.on is phase]


def broken_rows(
    spark: SparkSession, contract: Contract, rules: list[Rule], phase: Phase
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The good row, and for each rule that a row can break one row that breaks no other."""
    types = breaking.columns(contract, phase)
    good = breaking.valid_row(contract, catalogue(), phase)
    rows = [good, *breaking.candidates(contract, rules, good, phase)]
    for given in breaking.sample_of(contract.table).breaks.values():
        rows += [good | row for row in given]
    found = breaking.failures(spark, rows, types, rules)
    assert not found[0], f"the valid row of {contract.table} fails {sorted(found[0])}: {good}"
    breaks: dict[str, dict[str, Any]] = {}
    for row, failed in zip(rows, found, strict=True):
        if len(failed) == 1:
            breaks.setdefault(next(iter(failed)), row)
    missing = sorted({r.id for r in rules} - set(breaks))
    assert not missing, (
        f"no row was found that breaks only {missing} of {contract.table}: "
        f"say one in tests/samples/{contract.table}.yaml under breaks"
    )
    return good, breaks


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("table", TABLES)
def test_each_row_rule_fails_on_the_row_that_breaks_it_alone(
    spark: SparkSession, table: str, phase: Phase
) -> None:
    contract = catalogue().tables[table]
    rules = breaking.local(rules_of(table, phase))
    if not rules:
        return  # registry and curated tables have no batch
    good, breaks = broken_rows(spark, contract, rules, phase)
    types = breaking.columns(contract, phase)
    frame = breaking.frame(spark, [good] * GOOD_ROWS + list(breaks.values()), types)
    result = judge(frame, rules, table, phase)
    assert {r.rule.id: r.unexpected for r in result.results} == dict.fromkeys(breaks, 1)
    assert all(r.error is None for r in result.results)
    clean = judge(breaking.frame(spark, [good] * GOOD_ROWS, types), rules, table, phase)
    assert (failing(clean), clean.verdict) == (set(), "passed")


@pytest.mark.parametrize("table", TABLES)
def test_the_table_as_such_is_held_when_it_is_short_doubled_or_lacks_a_column(
    spark: SparkSession, table: str
) -> None:
    contract, phase = catalogue().tables[table], Phase.TABLE
    derived = {"min_rows", "columns_present", "rows_kept", "key_unique"}
    rules = [r for r in rules_of(table, phase) if r.id in derived]
    types = breaking.columns(contract, phase)
    good = breaking.valid_row(contract, catalogue(), phase)
    floor = next(int(r.kwargs["min_value"]) for r in rules if r.id == "min_rows")
    unique = [r for r in rules if r.id == "key_unique"]
    others = [r for r in rules if r.id != "key_unique"]
    enough = breaking.frame(spark, [good] * max(1, floor), types)
    assert not failing(judge(enough, others, table, phase))
    kept = judge(enough, others, table, phase, parameters={"previous_rows": 10.0**6})
    assert failing(kept) == {"rows_kept"}
    last = contract.fields[-1].name
    assert failing(judge(enough.drop(last), others, table, phase)) == {"columns_present"}
    if floor:
        short = breaking.frame(spark, [good] * (floor - 1), types)
        assert failing(judge(short, others, table, phase)) == {"min_rows"}
    if unique:
        assert not failing(judge(enough.limit(1), unique, table, phase))
        doubled = breaking.frame(spark, [good, good], types)
        assert failing(judge(doubled, unique, table, phase)) == {"key_unique"}


@pytest.mark.parametrize("table", FEEDS)
def test_a_short_delivery_and_one_with_too_many_rejected_rows_are_held(
    spark: SparkSession, table: str
) -> None:
    contract, phase = catalogue().tables[table], Phase.BATCH
    rules = [r for r in rules_of(table, phase) if r.per_delivery]
    good = breaking.valid_row(contract, catalogue(), phase)
    frame = breaking.frame(spark, [good], breaking.columns(contract, phase))
    many = max(1000, contract.delivery.min_rows)
    rejected = int(many * contract.delivery.max_quarantine_share)

    def with_counts(rows: int, bad: int = 0) -> GateResult:
        return judge(frame, rules, table, phase, deliveries={"d1": DeliveryRows(rows, bad)})

    assert not failing(with_counts(many, rejected))
    if rejected < many:
        assert failing(with_counts(many, rejected + 1)) == {"rejected_share"}
    if contract.delivery.min_rows > 1:
        assert failing(with_counts(contract.delivery.min_rows - 1)) == {"min_rows"}
    assert with_counts(0).verdict == "held"


WHOLE = {"min_rows", "columns_present", "rows_kept", "key_unique"}


def whole_rules() -> list[tuple[str, str, str]]:
    """The rules of rule files and contracts' `quality` that speak of several rows or tables."""
    found = []
    for table, rules in suites().items():
        by_row = {(r.on, r.id) for r in breaking.local(rules)}
        for r in rules:
            if (r.on, r.id) not in by_row and r.id not in WHOLE and not r.per_delivery:
                found.append((table, str(r.on), r.id))
    return found


def samples(spark: SparkSession, table: str, rules: list[Rule]) -> dict[str, Any]:
    """The valid rows of the other tables that the rules read beside their own."""
    sample, tables = breaking.sample_of(table), {}
    for other in {n for r in rules for n in r.needs}:
        kind = breaking.columns(catalogue().tables[other], Phase.TABLE)
        base = breaking.valid_row(catalogue().tables[other], catalogue(), Phase.TABLE)
        given = [base | r for r in sample.tables.get(other, [{}])]
        tables[other] = breaking.frame(spark, given, kind)
    return tables


@cache
def failing_on_the_sample(spark: SparkSession, table: str, on: str) -> set[str]:
    """What the valid rows fail of the rules over several rows, all judged at once."""
    contract, phase = catalogue().tables[table], Phase(on)
    wanted = {name for t, o, name in whole_rules() if (t, o) == (table, on)}
    rules = [r for r in rules_of(table, phase) if r.id in wanted]
    good = breaking.valid_row(contract, catalogue(), phase)
    rows = [good | r for r in breaking.sample_of(table).rows] or [good]
    frame = breaking.frame(spark, rows, breaking.columns(contract, phase))
    fine = judge(frame, rules, table, phase, tables=samples(spark, table, rules))
    assert {r.rule.id for r in fine.results} == wanted, fine.reason_en
    return failing(fine)


@pytest.mark.parametrize(("table", "on", "name"), whole_rules() or [("", "", "")])
def test_each_rule_over_several_rows_fails_on_the_rows_that_break_it(
    spark: SparkSession, table: str, on: str, name: str
) -> None:
    if not table:
        return  # no contract has such a rule
    contract, phase = catalogue().tables[table], Phase(on)
    [rule] = [r for r in rules_of(table, phase) if r.id == name]
    sample = breaking.sample_of(table)
    types = breaking.columns(contract, phase)
    good = breaking.valid_row(contract, catalogue(), phase)
    rows = [good | r for r in sample.rows] or [good]
    fine = failing_on_the_sample(spark, table, on)
    assert name not in fine, f"the sample of {table} fails {name}"
    assert name in {**sample.breaks, **sample.instead}, (
        f"{name} of {table} looks at several rows: say rows that fail it in "
        f"tests/samples/{table}.yaml under breaks"
    )
    worse = [good | r for r in sample.instead.get(name, [])]
    worse = worse or [*rows, *[good | r for r in sample.breaks[name]]]
    near = [rule, *[r for r in rules_of(table, phase) if r.id in ("columns_present", "rows_kept")]]
    tables = samples(spark, table, [rule])
    broken = judge(breaking.frame(spark, worse, types), near, table, phase, tables=tables)
    assert failing(broken) == {name}, f"{name} of {table} and no other must fail"
    assert all(r.error is None for r in broken.results)


def test_great_expectations_takes_the_arguments_of_every_rule() -> None:
    engine.check_arguments([r for rules in suites().values() for r in rules])


def test_every_rule_says_what_must_hold_in_chinese_and_english() -> None:
    for table, rules in suites().items():
        for rule in rules:
            assert any("一" <= c <= "鿿" for c in rule.zh), (table, rule.id)
            assert rule.en and rule.severity in Severity, (table, rule.id)


def test_every_table_has_rules_that_can_hold_it() -> None:
    for table, rules in suites().items():
        assert any(r.severity is Severity.HOLD and r.on is Phase.TABLE for r in rules), table


def test_a_rule_reads_only_tables_that_a_run_builds_before_its_own() -> None:
    """Else the gate would find them or not by chance, and hold where it does not.

    What no step builds (the tickets, folded from their events) is read as it was last served.
    """
    graph = build_graph(SETTINGS, catalogue())
    folded = {
        t
        for t, c in catalogue().tables.items()
        if c.kind is Kind.REGISTRY and c.properties.builder is None
    }
    for table, rules in suites().items():
        late = {n for r in rules for n in r.needs} - {*graph.all_inputs(table), *folded}
        assert not late, f"{table} must name {sorted(late)} in its optional_inputs"
