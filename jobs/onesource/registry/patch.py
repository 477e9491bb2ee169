"""A registry table built on from its last version: only what its inputs changed is made anew.

A builder that can say which of its rows the changed inputs may alter gives a `Patch` in place of
the whole table. The rest of the rows go over as they are, in the same commit, so that a version is
whole, as if it had been built at once. What a patch touched is kept beside the table for those
that are built from it (`Before.told`); where that is not known, everything is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_GONE = "_patched"


@dataclass(frozen=True)
class Patch:
    """What changes of a table.

    key: SQL over the table's rows. gone: `key`, of the rows that go (as far as there are any).
    rows: those that come, with the table's columns. told: whatever names what was touched to the
    tables built from this one.
    """

    key: str
    gone: DataFrame
    rows: DataFrame
    told: DataFrame

    def rest(self, before: DataFrame) -> DataFrame:
        """The rows of the last version that stay."""
        gone = self.gone.toDF(_GONE).distinct()
        kept = before.withColumn(_GONE, F.expr(self.key))
        return kept.join(F.broadcast(gone), _GONE, "left_anti").drop(_GONE)

    def went(self, before: DataFrame, columns: Sequence[str]) -> DataFrame:
        """Of the rows of the last version that go, some columns."""
        gone = self.gone.toDF(_GONE).distinct()
        keyed = before.withColumn(_GONE, F.expr(self.key)).select(_GONE, *columns)
        return keyed.join(F.broadcast(gone), _GONE, "left_semi").drop(_GONE)


@dataclass(frozen=True)
class Before:
    """A table as it was built last under today's definition, for a builder that builds on from it.

    changed: the inputs that have another version since. told: for an input, what its patches
    since then touched (its own columns), or None where that is not known.
    """

    rows: DataFrame
    changed: frozenset[str] = frozenset()
    told_by: Mapping[str, Callable[[], DataFrame | None]] = field(default_factory=dict)

    def told(self, table: str) -> DataFrame | None:
        """What was touched in an input since the table was built last; None: anything."""
        tell = self.told_by.get(table)
        return tell() if tell is not None else None
