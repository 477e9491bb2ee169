"""The Great Expectations types that a rule may use, and the arguments each one takes.

This table exists so that a rule file is refused with its line, and a rule shown or split, without
the seconds that importing Great Expectations takes. A test compares it with the installed
Great Expectations, so that the two cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

SQL_TYPE = "unexpected_rows_expectation"
ROW_COUNT = "expect_table_row_count_to_be_between"

_BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")


@dataclass(frozen=True)
class Expectation:
    """One type.

    columns: the arguments that name columns. needed: those without which it says nothing.
    either: at least one of these must stand. points_at_rows: a failure can be laid on rows.
    native: Great Expectations itself does it on Spark,
    and counts it together with others in one aggregation; else the row condition is a column that
    it counts.
    """

    type: str
    columns: tuple[str, ...]
    needed: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    points_at_rows: bool = False
    native: bool = True

    @property
    def arguments(self) -> frozenset[str]:
        return frozenset((*self.columns, *self.needed, *self.either, *self.optional))

    @property
    def takes_mostly(self) -> bool:
        return "mostly" in self.optional


def _column_map(
    type_: str,
    *needed: str,
    either: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
    native: bool = True,
) -> Expectation:
    optional = (*more, "mostly", "row_condition")
    return Expectation(
        type_, ("column",), needed, either, optional, points_at_rows=True, native=native
    )


def _pair(type_: str, *needed: str, more: tuple[str, ...] = ()) -> Expectation:
    optional = (*more, "mostly", "row_condition")
    columns = ("column_A", "column_B")
    return Expectation(type_, columns, needed, (), optional, points_at_rows=True, native=False)


def _multi(type_: str, *needed: str, native: bool = False) -> Expectation:
    optional = ("mostly", "row_condition")
    return Expectation(
        type_, ("column_list",), needed, (), optional, points_at_rows=True, native=native
    )


def _aggregate(
    type_: str, *needed: str, either: tuple[str, ...] = (), more: tuple[str, ...] = ()
) -> Expectation:
    return Expectation(type_, ("column",), needed, either, (*more, "row_condition"))


def _bounded(type_: str) -> Expectation:
    return _aggregate(type_, either=("min_value", "max_value"), more=("strict_min", "strict_max"))


_ALL = (
    _column_map("expect_column_values_to_be_null"),
    _column_map("expect_column_values_to_not_be_null"),
    _column_map("expect_column_values_to_be_in_set", "value_set"),
    _column_map("expect_column_values_to_not_be_in_set", "value_set"),
    _column_map(
        "expect_column_values_to_be_between",
        either=("min_value", "max_value"),
        more=("strict_min", "strict_max"),
    ),
    _column_map(
        "expect_column_value_lengths_to_be_between",
        either=("min_value", "max_value"),
        more=("strict_min", "strict_max"),
    ),
    _column_map("expect_column_value_lengths_to_equal", "value"),
    _column_map("expect_column_values_to_match_regex", "regex"),
    _column_map("expect_column_values_to_not_match_regex", "regex"),
    _column_map("expect_column_values_to_match_regex_list", "regex_list", more=("match_on",)),
    _column_map("expect_column_values_to_not_match_regex_list", "regex_list"),
    # Great Expectations has no LIKE on Spark.
    _column_map("expect_column_values_to_match_like_pattern", "like_pattern", native=False),
    _column_map("expect_column_values_to_not_match_like_pattern", "like_pattern", native=False),
    _column_map("expect_column_values_to_be_unique"),
    _multi("expect_compound_columns_to_be_unique", native=True),
    _pair("expect_column_pair_values_to_be_equal"),
    _pair("expect_column_pair_values_a_to_be_greater_than_b", more=("or_equal",)),
    _pair("expect_column_pair_values_to_be_in_set", "value_pairs_set"),
    _multi("expect_multicolumn_sum_to_equal", "sum_total"),
    _multi("expect_multicolumn_values_to_be_equal"),
    _multi("expect_select_column_values_to_be_unique_within_record"),
    # `mostly` is ours: Great Expectations has none here, though all its other row checks do.
    Expectation(
        SQL_TYPE,
        (),
        ("unexpected_rows_query",),
        optional=("mostly",),
        points_at_rows=True,
        native=False,
    ),
    Expectation(
        ROW_COUNT, (), (), ("min_value", "max_value"), ("strict_min", "strict_max", "row_condition")
    ),
    Expectation("expect_table_row_count_to_equal", (), ("value",), (), ("row_condition",)),
    Expectation("expect_table_columns_to_match_set", ("column_set",), (), (), ("exact_match",)),
    Expectation("expect_column_to_exist", ("column",), (), (), ("column_index",)),
    _bounded("expect_column_min_to_be_between"),
    _bounded("expect_column_max_to_be_between"),
    _bounded("expect_column_mean_to_be_between"),
    _bounded("expect_column_median_to_be_between"),
    _bounded("expect_column_sum_to_be_between"),
    _bounded("expect_column_stdev_to_be_between"),
    _aggregate(
        "expect_column_quantile_values_to_be_between",
        "quantile_ranges",
        more=("allow_relative_error",),
    ),
    _bounded("expect_column_unique_value_count_to_be_between"),
    _bounded("expect_column_proportion_of_unique_values_to_be_between"),
    _bounded("expect_column_proportion_of_non_null_values_to_be_between"),
    _aggregate("expect_column_distinct_values_to_be_in_set", "value_set"),
    _aggregate("expect_column_distinct_values_to_contain_set", "value_set"),
    _aggregate("expect_column_distinct_values_to_equal_set", "value_set"),
    _aggregate("expect_column_most_common_value_to_be_in_set", "value_set", more=("ties_okay",)),
    _aggregate(
        "expect_column_kl_divergence_to_be_less_than",
        "partition_object",
        "threshold",
        more=("internal_weight_holdout", "tail_weight_holdout", "bucketize_data"),
    ),
)
EXPECTATIONS: dict[str, Expectation] = {e.type: e for e in _ALL}
