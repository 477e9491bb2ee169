"""A rule file is read as written, and a wrong one is refused with file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onesource.contracts.model import Catalogue, Contract
from onesource.errors import ContractError
from onesource.quality.load import check_places, file_rules
from onesource.quality.rules import Dimension, Phase, Rule, Severity
from onesource.quality.suite import rules_for

GOOD = """
rules:
  - id: kind_known
    expectation: expect_column_values_to_be_in_set
    kwargs: {column: kind, value_set: [原煤, 精煤]}
    severity: flag
    dimension: validity
    owner: provider
    zh: 类型应为原煤或精煤
    en: the kind is raw or washed coal
"""
WriteRules = Callable[[str], Path]


@pytest.fixture
def load(
    feed: Contract, expectations: Path, catalogue: Catalogue, write_rules: WriteRules
) -> Callable[[str], list[Rule]]:
    def read(text: str) -> list[Rule]:
        write_rules(text)
        return file_rules(feed, expectations, catalogue)

    return read


Load = Callable[[str], list[Rule]]


def test_a_rule_is_read_as_it_is_written(load: Load) -> None:
    [rule] = load(GOOD)
    assert (rule.id, rule.table, rule.on) == ("kind_known", "silver.energy_output", Phase.BATCH)
    assert (rule.severity, rule.dimension) == (Severity.FLAG, Dimension.VALIDITY)
    assert (rule.field, rule.sensitive) == ("kind", False)
    assert rule.origin.endswith("expectations/silver/energy/output.yaml:3")


def test_no_rule_file_means_no_rules_of_its_own(
    feed: Contract, expectations: Path, catalogue: Catalogue
) -> None:
    assert file_rules(feed, expectations, catalogue) == []


@pytest.mark.parametrize(
    ("written", "instead", "line", "says"),
    [
        ("severity: flag", "severity: fatal", 6, "severity: fatal is not known"),
        ("severity: flag", "severety: flag", 6, "unknown key severety"),
        ("    zh: 类型应为原煤或精煤\n", "", 3, "lacks zh"),
        ("dimension: validity", "dimension: beauty", 7, "dimension: beauty"),
        ("owner: provider", "owner: nobody", 8, "the owner nobody is not known"),
        ("id: kind_known", "id: Kind Known", 3, "must be snake_case"),
        (
            "expect_column_values_to_be_in_set",
            "expect_wonders",
            4,
            "no expectation that rules may use",
        ),
        ("column: kind", "column: sort", 5, "sort is no column"),
        ("value_set: [原煤, 精煤]", "values: [原煤]", 5, "has no argument values"),
        ("value_set: [原煤, 精煤]", "value_set: []", 5, "needs value_set"),
        ("精煤]}", "精煤], mostly: 1.5}", 5, "mostly must lie between 0 and 1"),
        ("精煤]}", "精煤], mostly: 0.9}", 6, "with mostly cannot point at rows"),
        ("精煤]}", "精煤], row_condition: sort = 1}", 5, "row_condition: sort is no column"),
        ("    severity: flag", "    severity: flag\n    on: table", 6, "goes with on: batch only"),
        ("    severity: flag", "    severity: flag\n    field: sort", 7, "sort is no column"),
        ("    severity: flag", "    severity: flag\n    by: kind", 7, "by: kind is no date field"),
        ("    severity: flag", "    severity: flag\n    by: day", 7, "by goes with valid_from"),
        ("    severity: flag", "    severity: flag\n    valid_from: soon", 7, "must be a date"),
        (
            "    severity: flag",
            "    severity: flag\n    floor: 3",
            7,
            "floor goes with a min_value",
        ),
        ("    severity: flag", "    severity: flag\n    report: [mine]", 7, "report goes with"),
        ("rules:", "rulez:", 1, "must hold one key"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(
    load: Load, written: str, instead: str, line: int, says: str
) -> None:
    with pytest.raises(ContractError) as refused:
        load(GOOD.replace(written, instead))
    assert says in str(refused.value)
    assert refused.value.where.endswith(f"output.yaml:{line}")


SQL = """
rules:
  - id: by_query
    expectation: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "QUERY"}
    severity: flag
    dimension: accuracy
    owner: 能源局
    zh: 规则
    en: rule
"""


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM {batch} WHERE depth > 1", "depth is no column"),
        ("SELECT mine, day FROM {batch} JOIN silver.mines m USING (mine)", "not in `with`"),
        ("SELECT * FROM csv.`/etc/passwd` WHERE 1 = 1", "does not read {batch}"),
        ("DELETE FROM {batch}", "must be one SELECT"),
        ("SELECT * FROM {batch} WHERE (", "cannot be read as SQL"),
        ("SELECT mine FROM {batch} GROUP BY mine", "day is missing"),
        ("SELECT mine, max(week) AS day FROM {batch} GROUP BY mine", "names something that is not"),
    ],
)
def test_a_query_that_cannot_work_is_refused(load: Load, query: str, says: str) -> None:
    with pytest.raises(ContractError, match="query") as refused:
        load(SQL.replace("QUERY", query))
    assert says in str(refused.value)


def test_a_condition_on_one_row_is_told_from_a_query_over_several(load: Load) -> None:
    [alone] = load(SQL.replace("QUERY", "SELECT * FROM {batch} WHERE output_t > 5"))
    assert alone.condition == "output_t > 5"
    text = SQL.replace(
        "QUERY", "SELECT mine, day FROM {batch} GROUP BY mine, day HAVING count(*) > 1"
    )
    [together] = load(text)
    assert together.condition is None and together.key == ("mine", "day")


def test_a_query_names_other_tables_with_their_columns(load: Load) -> None:
    query = (
        "SELECT b.mine, b.day FROM {batch} b JOIN curated.energy_month m USING (mine) "
        "WHERE b.output_t > m.COLUMN"
    )
    text = SQL.replace("QUERY", query) + "    with: [curated.energy_month]\n"
    [rule] = load(text.replace("COLUMN", "output_t"))
    assert rule.needs == ("curated.energy_month",)
    with pytest.raises(ContractError, match="depth"):
        load(text.replace("COLUMN", "depth"))
    with pytest.raises(ContractError, match="no table of the catalogue"):
        load(text.replace("[curated.energy_month]", "[curated.nothing]"))


@pytest.mark.parametrize(
    ("query", "report"),
    [
        ("SELECT * FROM {batch} WHERE output_t > 5", "[holder]"),
        ("SELECT mine, day, upper(holder) AS who FROM {batch} WHERE output_t > 5", "[who]"),
    ],
)
def test_a_field_that_names_a_person_is_never_reported(load: Load, query: str, report: str) -> None:
    text = SQL.replace("QUERY", query) + f"    report: {report}\n"
    with pytest.raises(ContractError, match="may name a person"):
        load(text)


@pytest.mark.parametrize(
    ("bound", "says"),
    [
        ("previous_rows", "needs a floor"),
        ("__import__('os')", "__import__ is no parameter"),
        ("yesterday_rows * 2", "yesterday_rows is no parameter"),
        ("previous_rows ** 9", "is not allowed"),
        ("1 +", "no arithmetic expression"),
    ],
)
def test_a_bound_on_history_is_arithmetic_on_known_parameters(
    load: Load, bound: str, says: str
) -> None:
    text = GOOD.replace("expect_column_values_to_be_in_set", "expect_table_row_count_to_be_between")
    text = text.replace(
        "{column: kind, value_set: [原煤, 精煤]}", '{min_value: {$PARAMETER: "BOUND"}}'
    )
    text = text.replace("severity: flag", "severity: hold").replace("BOUND", bound)
    with pytest.raises(ContractError) as refused:
        load(text)
    assert says in str(refused.value)


def test_two_rules_of_one_name_are_refused(
    feed: Contract, expectations: Path, catalogue: Catalogue, write_rules: WriteRules
) -> None:
    write_rules(GOOD.replace("kind_known", "kind_length"))
    with pytest.raises(ContractError, match="two rules kind_length"):
        rules_for(feed, expectations, catalogue)


def test_a_rule_file_without_a_contract_is_refused(
    expectations: Path, catalogue: Catalogue
) -> None:
    stray = expectations / "silver" / "energy" / "outptu.yaml"
    stray.parent.mkdir(parents=True)
    stray.write_text(GOOD, encoding="utf-8")
    with pytest.raises(ContractError, match="belongs to no contract"):
        check_places(expectations, catalogue)
