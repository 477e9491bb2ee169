"""For each expectation that can point at rows: the SQL condition that a bad row meets.

The condition is null or false for a good row; null values are never bad, save where null itself
is what is forbidden. That is Great Expectations' own reading, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from onesource.quality.rules import Rule
from onesource.quality.vocabulary import SQL_TYPE


def literal(value: Any) -> str:
    """A value as Spark SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        # Written out, so that a bound of 0.1 is the decimal 0.1 that people mean.
        return format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _inside(value: str, kw: Mapping[str, Any]) -> list[str]:
    """Conditions of lying outside the bounds."""
    bad = []
    if kw.get("min_value") is not None:
        sign = "<=" if kw.get("strict_min") else "<"
        bad.append(f"{value} {sign} {literal(kw['min_value'])}")
    if kw.get("max_value") is not None:
        sign = ">=" if kw.get("strict_max") else ">"
        bad.append(f"{value} {sign} {literal(kw['max_value'])}")
    return bad


def _in(value: str, members: Sequence[Any]) -> str:
    real = [m for m in members if m is not None]
    return f"{value} IN ({', '.join(literal(m) for m in real)})" if real else "FALSE"


def _column(kw: Mapping[str, Any]) -> str:
    return quoted(str(kw["column"]))


def _between(kw: Mapping[str, Any]) -> str:
    return " OR ".join(_inside(_column(kw), kw))


def _lengths(kw: Mapping[str, Any]) -> str:
    return " OR ".join(_inside(f"length({_column(kw)})", kw))


def _regexes(kw: Mapping[str, Any]) -> str:
    joined = " AND " if kw.get("match_on") == "all" else " OR "
    tests = joined.join(f"{_column(kw)} RLIKE {literal(r)}" for r in kw["regex_list"])
    return f"NOT ({tests})"


def _no_regexes(kw: Mapping[str, Any]) -> str:
    return " OR ".join(f"{_column(kw)} RLIKE {literal(r)}" for r in kw["regex_list"])


def _greater(kw: Mapping[str, Any]) -> str:
    sign = ">=" if kw.get("or_equal") else ">"
    return f"NOT ({quoted(kw['column_A'])} {sign} {quoted(kw['column_B'])})"


def _pairs(kw: Mapping[str, Any]) -> str:
    a, b = quoted(kw["column_A"]), quoted(kw["column_B"])
    pairs = " OR ".join(
        f"({a} = {literal(x)} AND {b} = {literal(y)})" for x, y in kw["value_pairs_set"]
    )
    # A half-empty pair is no member of the set, and no failure either.
    return f"{a} IS NOT NULL AND {b} IS NOT NULL AND NOT ({pairs})"


def _columns(kw: Mapping[str, Any]) -> list[str]:
    return [quoted(c) for c in kw["column_list"]]


def _sum(kw: Mapping[str, Any]) -> str:
    return f"({' + '.join(_columns(kw))}) <> {literal(kw['sum_total'])}"


def _all_equal(kw: Mapping[str, Any]) -> str:
    first, *rest = _columns(kw)
    return " OR ".join(f"{first} <> {c}" for c in rest)


def _within_record(kw: Mapping[str, Any]) -> str:
    cs = _columns(kw)
    return " OR ".join(f"{a} = {b}" for i, a in enumerate(cs) for b in cs[i + 1 :])


def _unique(kw: Mapping[str, Any]) -> str:
    c = _column(kw)
    return f"{c} IS NOT NULL AND count(*) OVER (PARTITION BY {c}) > 1"


def _compound(kw: Mapping[str, Any]) -> str:
    cs = _columns(kw)
    some = " OR ".join(f"{c} IS NOT NULL" for c in cs)
    return f"({some}) AND count(*) OVER (PARTITION BY {', '.join(cs)}) > 1"


_PREDICATES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_column_values_to_be_null": lambda kw: f"{_column(kw)} IS NOT NULL",
    "expect_column_values_to_not_be_null": lambda kw: f"{_column(kw)} IS NULL",
    "expect_column_values_to_be_in_set": lambda kw: f"NOT ({_in(_column(kw), kw['value_set'])})",
    "expect_column_values_to_not_be_in_set": lambda kw: _in(_column(kw), kw["value_set"]),
    "expect_column_values_to_be_between": _between,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": lambda kw: (
        f"length({_column(kw)}) <> {literal(kw['value'])}"
    ),
    "expect_column_values_to_match_regex": lambda kw: (
        f"NOT ({_column(kw)} RLIKE {literal(kw['regex'])})"
    ),
    "expect_column_values_to_not_match_regex": lambda kw: (
        f"{_column(kw)} RLIKE {literal(kw['regex'])}"
    ),
    "expect_column_values_to_match_regex_list": _regexes,
    "expect_column_values_to_not_match_regex_list": _no_regexes,
    "expect_column_values_to_match_like_pattern": lambda kw: (
        f"{_column(kw)} NOT LIKE {literal(kw['like_pattern'])}"
    ),
    "expect_column_values_to_not_match_like_pattern": lambda kw: (
        f"{_column(kw)} LIKE {literal(kw['like_pattern'])}"
    ),
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _compound,
    "expect_column_pair_values_to_be_equal": lambda kw: (
        f"{quoted(kw['column_A'])} <> {quoted(kw['column_B'])}"
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_in_set": _pairs,
    "expect_multicolumn_sum_to_equal": _sum,
    "expect_multicolumn_values_to_be_equal": _all_equal,
    "expect_select_column_values_to_be_unique_within_record": _within_record,
}


def bad_row(rule: Rule) -> str | None:
    """The condition, as Spark SQL, that a row failing the rule meets; never null.

    None where the rule cannot be judged on a row by itself: it speaks of the whole, or its SQL
    reads several rows or another table. With `by`, only rows whose date lies in the rule's
    validity are judged; with `row_condition`, only the rows that meet it.
    """
    if rule.expectation == SQL_TYPE:
        bad = rule.condition
    else:
        make = _PREDICATES.get(rule.expectation)
        bad = make(rule.kwargs) if make else None
    if not bad:
        return None
    conditions = [f"({bad})"]
    if rule.kwargs.get("row_condition"):
        conditions.append(f"({rule.kwargs['row_condition']})")
    if rule.by and rule.valid_from:
        conditions.append(f"{quoted(rule.by)} >= DATE {literal(rule.valid_from)}")
    if rule.by and rule.valid_to:
        conditions.append(f"{quoted(rule.by)} < DATE {literal(rule.valid_to)}")
    return f"coalesce({' AND '.join(conditions)}, FALSE)"
