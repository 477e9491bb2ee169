"""Standardisers in Spark: the fields of a table together, in Arrow batches or as expressions.

As expressions each level is one projection. A stage used many times by the next is not written
into it many times: Spark keeps two projections apart when merging them would repeat work.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.clean.standardisers.bound import Bound
from onesource.clean.standardisers.model import Context, Lookup
from onesource.clean.standardisers.on_duckdb import arrow_table
from onesource.clean.standardisers.sql import literal, renamed


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def standardise_frame(
    df: DataFrame, waves: Sequence[Sequence[Bound]], context: Context, native: bool
) -> DataFrame:
    """`df` with one answer column per use. Uses of a later wave may look at earlier answers."""
    from onesource.clean.standardisers.in_batches import answer_column

    for wave in waves:
        if native:
            df = _native(df, [b for b in wave if b.standardiser.build])
        batched = [b for b in wave if not native or b.standardiser.arrow]
        if batched:
            kept = [F.col(_quoted(c)) for c in df.columns]
            df = df.select(*kept, *(answer_column(b, context) for b in batched))
    return df


def _argument(value: str | None) -> str:
    if value is not None and value.startswith("$"):
        return f"{_quoted(value[1:])}.value"
    return literal(value)


def _native(df: DataFrame, bound: Sequence[Bound]) -> DataFrame:
    if not bound:
        return df
    kept = [_quoted(c) for c in df.columns]
    names: list[dict[str, str]] = []
    first: list[str] = []
    for i, b in enumerate(bound):
        own = {"raw": f"__{i}_raw"}
        first.append(f"cast({_quoted(b.column)} as string) as __{i}_raw")
        for name, value in b.by_row.items():
            own[f"arg_{name}"] = f"__{i}_arg_{name}"
            first.append(f"{_argument(value)} as __{i}_arg_{name}")
        names.append(own)
    df = df.selectExpr("*", *first)
    for depth in range(max(len(b.stages) for b in bound)):
        columns: list[str] = []
        lookups: list[tuple[int, Lookup]] = []
        for i, b in enumerate(bound):
            if depth >= len(b.stages):
                continue
            stage = b.stages[depth]
            if isinstance(stage, Lookup):
                lookups.append((i, stage))
                columns.append(f"{renamed(stage.key, names[i])} as __{i}_key{depth}")
                continue
            columns += [f"{renamed(text, names[i])} as __{i}_{n}" for n, text in stage.items()]
            names[i] |= {n: f"__{i}_{n}" for n in stage}
        df = df.selectExpr("*", *columns)
        for i, lookup in lookups:
            df = _joined(df, lookup, i, depth)
            names[i] |= {c: f"__{i}_{c}" for c in lookup.table.columns[1:]}
    answers = [
        f"named_struct('value', case when __{i}_verdict = 'OK' then __{i}_value end, "
        f"'verdict', __{i}_verdict, 'detail', case when __{i}_verdict = 'EMPTY' then '' "
        f"else __{i}_detail end) as {_quoted(b.out)}"
        for i, b in enumerate(bound)
    ]
    return df.selectExpr(*kept, *answers)


def _joined(df: DataFrame, lookup: Lookup, i: int, depth: int) -> DataFrame:
    key, *rest = lookup.table.columns
    table = df.sparkSession.createDataFrame(arrow_table(lookup.table)).selectExpr(
        f"{key} as __{i}_on{depth}", *(f"{c} as __{i}_{c}" for c in rest)
    )
    on = F.col(f"__{i}_key{depth}") == F.col(f"__{i}_on{depth}")
    return df.join(F.broadcast(table), on, "left")
