"""Standardisers on Arrow batches inside Spark's workers: columns in, one struct column out."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onesource.clean.standardisers.bound import Bound
from onesource.clean.standardisers.model import Answers, ArrowFunction, Context, Stage

if TYPE_CHECKING:
    from pyspark.sql import Column

FIELDS = ["value", "verdict", "detail"]


def answers(
    function: ArrowFunction,
    values: Sequence[str | None],
    by_row: Mapping[str, Sequence[str | None] | None],
    fixed: Mapping[str, str],
    context: Context,
) -> Answers:
    """What the function answers; a value is kept only where the verdict is OK."""
    found, verdicts, details = function(values, by_row, fixed, context)
    kept = [v if verdict == "OK" else None for v, verdict in zip(found, verdicts, strict=True)]
    return kept, verdicts, details


def answer_column(bound: Bound, context: Context) -> Column:
    """The answer column of one use, as an Arrow batch function."""
    from pyspark.sql import functions as F

    referring = [n for n, v in bound.by_row.items() if v is not None and v.startswith("$")]
    work = _by_function(bound, referring, context) if bound.standardiser.arrow else _by_sql(bound)

    def answer(raw: Any, *others: Any) -> Any:
        return work(raw, dict(zip(referring, others, strict=True)))

    # Spark reads the kind of function from its hints, which must be real types here.
    answer.__annotations__ = {"raw": pa.Array, "others": pa.Array, "return": pa.Array}
    wrapped: Any = F.arrow_udf(answer, "value string, verdict string, detail string")  # type: ignore[attr-defined]
    columns = [F.col(_quoted(bound.column)).cast("string")]
    columns += [F.col(f"{_quoted((bound.by_row[n] or '')[1:])}.value") for n in referring]
    column: Column = wrapped(*columns).alias(bound.out)
    return column


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


Work = Callable[[Any, Mapping[str, Any]], Any]


def _by_function(bound: Bound, referring: Sequence[str], context: Context) -> Work:
    function = bound.standardiser.arrow
    assert function is not None
    fixed = dict(bound.fixed)
    constant = {n: v for n, v in bound.by_row.items() if n not in referring}

    def work(raw: Any, others: Mapping[str, Any]) -> Any:
        by_row: dict[str, Sequence[str | None] | None] = {
            n: None if v is None else [v] * len(raw) for n, v in constant.items()
        }
        by_row |= {n: column.to_pylist() for n, column in others.items()}
        found = answers(function, raw.to_pylist(), by_row, fixed, context)
        arrays = [pa.array(column, pa.string()) for column in found]
        return pa.StructArray.from_arrays(arrays, names=FIELDS)

    return work


def _by_sql(bound: Bound) -> Work:
    # The program is made once in a worker and kept: workers serve many tasks.
    recipe = pickle.dumps((tuple(bound.stages), dict(bound.by_row)))
    key = hashlib.sha256(recipe).hexdigest()

    def work(raw: Any, others: Mapping[str, Any]) -> Any:
        found = _program(key, recipe).table(raw, others)
        arrays = [found.column(c).combine_chunks() for c in FIELDS]
        return pa.StructArray.from_arrays(arrays, names=FIELDS)

    return work


_made = threading.local()
_KEPT = 256


def _program(key: str, recipe: bytes) -> Any:
    from onesource.clean.standardisers.on_duckdb import Program

    kept: dict[str, Any] = _made.__dict__.setdefault("programs", {})
    if key not in kept:
        if len(kept) >= _KEPT:
            kept.clear()
        stages: tuple[Stage, ...]
        stages, by_row = pickle.loads(recipe)  # our own bytes, from this run's driver
        kept[key] = Program(stages, by_row)
    return kept[key]
