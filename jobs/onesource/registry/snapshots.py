"""Full snapshots of divisions in silver, as statements about areas, for the registry builders.

An area is a prefecture (the first four digits), the unit in which codes move. A statement speaks
for the prefectures that it holds; one that holds a province's own row, or several prefectures of
it, speaks for all of that province, so that a prefecture it no longer holds is seen to be gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.clean.geography import history
from onesource.clean.geography.history import Holding, Statement
from onesource.clean.silver import visible

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Spoken(NamedTuple):
    """A statement and a prefecture of which it holds rows; `whole`: also the province's own."""

    statement: Statement
    area: str


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    return EPOCH + us * _MICROSECOND


def rows_of(silver: DataFrame) -> DataFrame:
    """`code, name, parent_code, as_of, area, ident, said, received`; times in microseconds.

    silver: one row per code and snapshot, as `silver.base_division` keeps them.
    """
    return visible(silver).select(
        "code",
        "name",
        "parent_code",
        "as_of",
        F.substring("code", 1, 4).alias("area"),
        F.concat_ws("@", "_delivery_id", "as_of").alias("ident"),
        F.unix_micros("_statement_at").alias("said"),
        F.unix_micros("_received_at").alias("received"),
    )


def statements_by_area(rows: DataFrame) -> dict[str, list[Statement]]:
    """For each prefecture the statements that speak for it.

    Collects one row per snapshot file and prefecture: a few thousand for a whole country over
    ten years, whatever the number of divisions.
    """
    found = rows.select("area", "as_of", "said", "received", "ident").distinct().collect()
    spoken = [
        Spoken(
            Statement(r["as_of"], instant(r["said"]), instant(r["received"]), r["ident"]), r["area"]
        )
        for r in found
    ]
    return speakers(spoken)


def speakers(spoken: Iterable[Spoken]) -> dict[str, list[Statement]]:
    """The rule of the module's first lines. Same result for any order of its input."""
    held: dict[tuple[Statement, str], set[str]] = defaultdict(set)
    for s in spoken:
        held[s.statement, s.area[:2]].add(s.area)
    known: dict[str, set[str]] = defaultdict(set)
    for (_, province), areas in held.items():
        known[province] |= areas
    said: dict[str, set[Statement]] = defaultdict(set)
    for (statement, province), areas in held.items():
        whole = province + "00" in areas or len(areas) > 1
        for area in known[province] if whole else areas:
            said[area].add(statement)
    return {area: sorted(statements) for area, statements in said.items()}


def holdings(table: pa.Table) -> dict[str, Holding]:
    """The rows of one area as ident → code → state."""
    found: dict[str, dict[str, history.State]] = defaultdict(dict)
    columns = [table.column(c).to_pylist() for c in ("ident", "code", "name", "parent_code")]
    for ident, code, name, parent in zip(*columns, strict=True):
        found[ident][code] = history.state(name, parent)
    return dict(found)


def current(
    statements: Iterable[Statement], held: Mapping[str, Holding]
) -> list[tuple[date, Holding]]:
    """The snapshots as they are believed now, in the order of their days."""
    said = list(statements)
    last = max(s.received_at for s in said)
    return [(s.as_of, held.get(s.ident, {})) for s in history.believed_at(said, last)]


def per_area(
    rows: DataFrame,
    schema: str,
    table_of: Callable[[list[Statement], Mapping[str, Holding]], pa.Table],
) -> DataFrame:
    """One Arrow group function over the rows of each prefecture."""
    said = statements_by_area(rows)

    def of_area(table: pa.Table) -> pa.Table:
        area = table.column("area")[0].as_py()
        return table_of(said[area], holdings(table))

    return rows.groupBy("area").applyInArrow(of_area, schema)
