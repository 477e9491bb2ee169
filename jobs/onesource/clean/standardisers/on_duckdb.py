"""Standardisers in DuckDB: the stages, put over by sqlglot, on Arrow batches.

It needs no JVM, and inside Spark's workers it is the fast way for many fields at once (measured:
docs/performance.md): a plan of 12 fields with 30 stages each is too large for Spark's code
generator, and without it every stage copies every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot

from onesource.clean.standardisers.model import Answer, Lookup, Stage, Table
from onesource.clean.standardisers.sql import literal, renamed, words

# A batch is this many values, or this many characters: a stream of megabyte values must not pile
# up in memory.
BATCH_ROWS = 100_000
BATCH_CHARACTERS = 16_000_000
ANSWER = ("value", "verdict", "detail")


@cache
def _transpiled(text: str) -> str:
    return sqlglot.transpile(text, read="spark", write="duckdb")[0]


def _column(name: str) -> str:
    # Away from the words that the parsers keep for themselves.
    return f"s_{name}"


class _Batch:
    """What DuckDB reads: always the same object, so that the prepared query stays prepared (a
    table registered anew is not seen by it), with the batch of the moment in it."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream: object = self.table.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]
        return stream

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


class Program:
    """One standardiser with its arguments, ready to answer batch after batch, in one thread.

    by_row: its arguments that may differ by row: a fixed value, None, or `$…`: then each batch
    brings a column of them.
    """

    def __init__(self, stages: Sequence[Stage], by_row: Mapping[str, str | None]) -> None:
        self._referring = [n for n, v in by_row.items() if v is not None and v.startswith("$")]
        self._connection = duckdb.connect(":memory:")
        # No file is read or written: values of persons must not spill to disk.
        for setting in ("threads = 2", "temp_directory = ''", "enable_external_access = false"):
            self._connection.execute(f"SET {setting}")
        self._batch = _Batch(self._table(pa.array([None], pa.string()), {}))
        self._connection.register("batch", self._batch)
        self._connection.execute(f"PREPARE answers AS {self._build(stages, by_row)}")

    def _table(self, raw: pa.Array[Any], others: Mapping[str, pa.Array[Any]]) -> pa.Table:
        nothing = pa.nulls(len(raw), pa.string())
        columns = {n: others.get(n, nothing) for n in self._referring}
        return pa.table({"n": pa.array(range(len(raw)), pa.int32()), "raw": raw, **columns})

    def _build(self, stages: Sequence[Stage], by_row: Mapping[str, str | None]) -> str:
        arguments = {
            f"arg_{n}": n if n in self._referring else literal(v) for n, v in by_row.items()
        }
        first = "".join(f", {v} AS {_column(n)}" for n, v in arguments.items())
        query = f"SELECT n, raw AS s_raw{first} FROM batch"
        known = ["raw", *arguments]
        for i, (stage, later) in enumerate(zip(stages, _used_later(stages), strict=True)):
            names = {n: _column(n) for n in known}
            # Only what is still wanted goes on: the planner's time grows with the columns.
            kept = ", ".join(["n", *(_column(n) for n in known if n in later)])
            if isinstance(stage, Lookup):
                query = self._joined(query, stage, names, i, kept)
                made = list(stage.table.columns[1:])
            else:
                columns = ", ".join(
                    f"{_transpiled(renamed(text, names))} AS {_column(n)}"
                    for n, text in stage.items()
                )
                query = f"SELECT {kept}, {columns} FROM ({query})"
                made = list(stage)
            known = [n for n in (*known, *made) if n in later or n in made]
        return (
            "SELECT CASE WHEN s_verdict = 'OK' THEN s_value END AS value, "
            "s_verdict AS verdict, "
            # Of nothing there is nothing to tell.
            "CASE WHEN s_verdict = 'EMPTY' THEN '' ELSE s_detail END AS detail "
            f"FROM ({query}) ORDER BY n"
        )

    def _joined(
        self, query: str, stage: Lookup, names: Mapping[str, str], i: int, kept: str
    ) -> str:
        name = f"lookup_{i}"
        self._connection.register("given", arrow_table(stage.table))
        self._connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        self._connection.unregister("given")
        key, *rest = stage.table.columns
        columns = "".join(f", {name}.{c} AS {_column(c)}" for c in rest)
        on = _transpiled(renamed(stage.key, names))
        return (
            f"SELECT {kept}{columns} FROM (SELECT *, {on} AS k_{i} FROM ({query})) q "
            f"LEFT JOIN {name} ON {name}.{key} = q.k_{i}"
        )

    def table(self, raw: pa.Array[Any], others: Mapping[str, pa.Array[Any]]) -> pa.Table:
        """The answers to the values, in order: columns value, verdict, detail (text)."""
        if not self._referring and len(raw) > 1:
            # Days, codes and names come again and again: each is answered once.
            coded = raw.dictionary_encode(null_encoding="encode")
            if len(coded.dictionary) * 2 < len(raw):
                return self._answered(coded.dictionary, {}).take(coded.indices)
        return self._answered(raw, others)

    def _answered(self, raw: pa.Array[Any], others: Mapping[str, pa.Array[Any]]) -> pa.Table:
        self._batch.table = self._table(raw, others)
        found: pa.Table = self._connection.sql("EXECUTE answers").to_arrow_table()
        return found

    def answer(self, values: Sequence[str | None]) -> list[Answer]:
        """One answer for each value, in order."""
        found = self.table(pa.array(values, pa.string()), {})
        return list(zip(*(found.column(c).to_pylist() for c in ANSWER), strict=True))


def _used_later(stages: Sequence[Stage]) -> list[set[str]]:
    """For each stage: the columns that a later stage, or the answer, still looks at."""
    later = set(ANSWER)
    found = []
    for stage in reversed(stages):
        found.append(set(later))
        texts = [stage.key] if isinstance(stage, Lookup) else list(stage.values())
        later |= {w for text in texts for w in words(text)}
    return found[::-1]


def arrow_table(table: Table) -> pa.Table:
    """A lookup table in Arrow; columns of whole numbers are bigint, all others text."""
    arrays = {}
    for i, name in enumerate(table.columns):
        cells = [row[i] for row in table.rows]
        whole = any(isinstance(c, int) for c in cells)
        arrays[name] = pa.array(cells, pa.int64() if whole else pa.string())
    return pa.table(arrays)


def batches(values: Iterable[str | None]) -> Iterator[list[str | None]]:
    """The values in lists of limited length and size."""
    batch: list[str | None] = []
    characters = 0
    for value in values:
        batch.append(value)
        characters += len(value or "")
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
