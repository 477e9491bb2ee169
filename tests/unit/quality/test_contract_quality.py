"""The `quality` entries of a contract, in ODCS's own words, become rules that can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from onesource.contracts.load import load_contract
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.errors import ContractError
from onesource.quality.gate import run_gate
from onesource.quality.odcs import contract_quality
from onesource.quality.rules import Rule
from onesource.spark.local import local_rows

WORDS = "dimension: accuracy, description: 规则, customProperties: [{property: en, value: rule}]"


def with_quality(curated: Contract, entry: str, field: str | None = None) -> Contract:
    """The curated contract with one entry, on the table or on a field."""
    raw = yaml.safe_load(curated.path.read_text(encoding="utf-8"))
    place = raw["schema"][0]
    if field:
        [place] = [p for p in place["properties"] if p["name"] == field]
    place["quality"] = [yaml.safe_load(f"{{name: own, {WORDS}, {entry}}}")]
    curated.path.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return load_contract(curated.path, Kind.CURATED)


@pytest.mark.parametrize(
    ("field", "entry", "good", "bad"),
    [
        (None, "type: library, metric: rowCount, mustBeGreaterThan: 1", [1, 2], [1]),
        ("output_t", "type: library, metric: nullValues, mustBe: 0", [1, 2], [1, None]),
        ("output_t", "type: library, metric: duplicateValues, mustBe: 0", [1, 2], [1, 1]),
        (
            "output_t",
            "type: library, metric: nullValues, unit: percent, mustBeLessOrEqualTo: 50",
            [1, None],
            [1, None, None],
        ),
        (
            "output_t",
            "type: library, metric: invalidValues, mustBe: 0, arguments: {validValues: [1, 2]}",
            [1, 2],
            [3],
        ),
        (
            None,
            "type: sql, query: 'SELECT sum(output_t) FROM ${object}', mustBeBetween: [1, 5]",
            [2, 3],
            [2, 4],
        ),
        (
            None,
            "type: custom, engine: greatExpectations, implementation: {expectation: "
            "expect_column_values_to_be_between, kwargs: {column: output_t, max_value: 5}}",
            [5],
            [6],
        ),
    ],
)
def test_an_entry_passes_on_good_rows_and_holds_on_bad_ones(
    spark: SparkSession,
    curated: Contract,
    catalogue: Catalogue,
    field: str | None,
    entry: str,
    good: list[int | None],
    bad: list[int | None],
) -> None:
    [rule] = contract_quality(with_quality(curated, entry, field), catalogue)
    assert (rule.id, rule.zh, rule.en, rule.owner) == ("own", "规则", "rule", "onesource")

    def verdict(values: list[int | None]) -> str:
        frame = local_rows(spark, [("A", v) for v in values], "mine string, output_t int")
        return run_gate(
            frame, [rule], table=rule.table, phase="table", run_id="run", step="step"
        ).verdict

    assert (verdict(good), verdict(bad)) == ("passed", "held")


def test_a_remark_makes_no_rule(curated: Contract, catalogue: Catalogue) -> None:
    assert contract_quality(with_quality(curated, "type: text"), catalogue) == []


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("type: library, metric: nullValues, mustBe: 0", "the metric nullValues is not served"),
        ("type: library, metric: duplicateValues, mustBe: 0", "needs a field"),
        ("type: sql, query: 'SELECT sum(depth) FROM ${object}', mustBe: 1", "depth"),
        ("type: custom, engine: soda, implementation: {a: b}", "engine: greatExpectations"),
    ],
)
def test_an_entry_that_cannot_be_judged_is_refused_with_its_line(
    curated: Contract, catalogue: Catalogue, entry: str, says: str
) -> None:
    changed = with_quality(curated, entry)
    with pytest.raises(ContractError) as refused:
        contract_quality(changed, catalogue)
    assert says in str(refused.value)
    assert refused.value.where.startswith(f"{Path(changed.path)}:")


def test_rules_of_a_contract_carry_its_file_and_line(
    curated: Contract, catalogue: Catalogue
) -> None:
    changed = with_quality(curated, "type: library, metric: rowCount, mustBe: 3")
    rules: list[Rule] = contract_quality(changed, catalogue)
    assert [r.origin.rpartition("/")[2].partition(":")[0] for r in rules] == ["month.yaml"]
