"""What a new version changed of one that passed its gate, so that the rest is not read again.

A rule that found nothing in the version before finds in the new one what it finds in the rows that
came; a rule that reads rows together, what it finds among the rows that came and those that agree
with one that came or went. Every other rule reads the whole version. So each count is that of the
whole version, whatever was read for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.quality.predicates import bad_row
from onesource.quality.rules import Rule

# What is right today may be wrong tomorrow by the calendar alone.
_CLOCK = re.compile(r"\b(current_\w+|now|curdate)\b", re.IGNORECASE)
# A row that came is judged by itself.
ALONE: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """came: the rows that came, with all columns. went: of the rows that went, the columns by which
    rules read rows together. clean: the rules that found nothing in the version before."""

    came: DataFrame
    went: DataFrame
    clean: frozenset[str]

    def scope(self, rule: Rule) -> tuple[str, ...] | None:
        """The columns in which rows agree that the rule must read; `ALONE`; None: all rows."""
        if rule.id not in self.clean or rule.needs:
            return None
        condition = bad_row(rule)
        if condition is not None and " OVER (" not in condition:
            return None if _CLOCK.search(condition) else ALONE
        if "mostly" in rule.kwargs or _CLOCK.search(str(rule.kwargs)):
            return None
        return together(rule) or None

    def rows(self, whole: DataFrame, scope: Sequence[str]) -> DataFrame:
        """The rows of the new version that rules of this scope must read."""
        if not scope:
            return self.came
        both = self.came.select(*scope).unionByName(self.went.select(*scope)).distinct()
        touched = both.toDF(*(f"_touched_{c}" for c in scope))
        same = " AND ".join(f"`{c}` <=> `_touched_{c}`" for c in scope)
        return whole.join(F.broadcast(touched), F.expr(same), "left_semi")


def together(rule: Rule) -> tuple[str, ...]:
    """The columns in which rows agree that the rule reads together; none where it does not say."""
    if rule.within:
        return rule.within
    if rule.expectation == "expect_column_values_to_be_unique":
        return (str(rule.kwargs["column"]),)
    if rule.expectation == "expect_compound_columns_to_be_unique":
        return tuple(str(c) for c in rule.kwargs["column_list"])
    return ()


def columns_together(rules: Sequence[Rule]) -> list[str]:
    """All columns by which any of the rules reads rows together."""
    return sorted({c for rule in rules for c in together(rule)})
