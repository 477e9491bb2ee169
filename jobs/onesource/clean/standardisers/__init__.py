"""Standardisers: named pure functions from a raw value to (value, verdict, detail).

`standardise` applies them to a Spark table, `standardise_values` to a stream of values without
a JVM; both run the same definition. `describe` gives what the documentation prints.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from onesource.clean.standardisers.bound import Bound
from onesource.clean.standardisers.model import (
    Answer,
    Argument,
    Context,
    Request,
    Stage,
    Standardiser,
)
from onesource.clean.standardisers.registry import STANDARDISERS
from onesource.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "STANDARDISERS",
    "Answer",
    "Argument",
    "Context",
    "Standardiser",
    "Use",
    "answering",
    "check_args",
    "describe",
    "names",
    "standardise",
    "standardise_values",
]


@dataclass(frozen=True)
class Use:
    """One standardiser put to one column.

    column: where the raw text is. out: the answer column to make. args: an argument that begins
    with `$` names another use's `out`; its standardised value of the same row is passed.
    """

    column: str
    out: str
    name: str
    args: Mapping[str, str] = field(default_factory=dict)


def names() -> list[str]:
    """The standardisers' names, sorted."""
    return sorted(STANDARDISERS)


def describe(name: str) -> Standardiser:
    """A standardiser by name: its description, arguments and verdicts. Raises UsageError."""
    if name not in STANDARDISERS:
        raise UsageError(f"there is no standardiser {name}", todo=f"one of {', '.join(names())}")
    return STANDARDISERS[name]


def check_args(name: str, args: Mapping[str, str]) -> None:
    """Raises UsageError when the standardiser does not exist or an argument is not its own, is
    missing, or has a value that it cannot have."""
    standardiser = describe(name)
    known = ", ".join(a.name for a in standardiser.arguments) or "none"
    for key, value in args.items():
        argument = standardiser.argument(key)
        if argument is None:
            raise UsageError(f"{name} takes no argument {key}", todo=f"its arguments: {known}")
        if value.startswith("$"):
            if not argument.by_row:
                raise UsageError(f"{name}: {key} must be a fixed value, not a field")
            continue
        problem = argument.check(value)
        if problem:
            raise UsageError(f"{name}: {key} cannot be {value!r}", todo=f"must be {problem}")
    for argument in standardiser.arguments:
        if argument.required and argument.name not in args:
            raise UsageError(f"{name} needs the argument {argument.name}", why=argument.en)


def standardise(
    df: DataFrame, uses: Sequence[Use], context: Context, *, native: bool | None = None
) -> DataFrame:
    """`df` with one column `struct<value, verdict, detail>` (all text) per use.

    Value is null unless the verdict is OK. Every other column stays as it is. Raises UsageError
    for a wrong use.

    native: as Spark's own column expressions; else the same expressions in DuckDB, on Arrow
    batches. Left out: native for a single use, batches for several: one large expression is
    compiled well, a dozen in one plan are not (the code generator gives up at 64 kB, and each of
    some thirty projections then copies every row).
    """
    from onesource.clean.standardisers.on_spark import standardise_frame

    if native is None:
        native = len(uses) == 1
    return standardise_frame(
        df, _waves([_bound(u, context) for u in uses], df.columns), context, native
    )


def standardise_values(
    name: str, args: Mapping[str, str], values: Iterable[str | None], context: Context
) -> Iterator[Answer]:
    """(value, verdict, detail) for every value, in order, in batches, without a JVM.

    Raises UsageError for wrong arguments, before the first value is read.
    """
    from onesource.clean.standardisers.on_duckdb import batches

    answer = answering(name, args, context)
    return chain.from_iterable(answer(batch) for batch in batches(values))


def answering(
    name: str, args: Mapping[str, str], context: Context
) -> Callable[[Sequence[str | None]], Sequence[Answer]]:
    """The standardiser as a function on lists of values, without a JVM.

    It is made once for the same question in a thread. Raises UsageError for wrong arguments.
    """
    key = (name, tuple(sorted(args.items())), id(context.codelists), context.day)
    kept: dict[Any, Any] = _made.__dict__.setdefault("kept", {})
    # The context is kept, too, so that no other can take its identity.
    if key not in kept or kept[key][1].division is not context.division:
        if len(kept) >= _KEPT:
            kept.clear()
        kept[key] = (_answering(name, args, context), context)
    function: Callable[[Sequence[str | None]], Sequence[Answer]] = kept[key][0]
    return function


# A connection of DuckDB serves one thread at a time.
_made = threading.local()
_KEPT = 32


def _answering(
    name: str, args: Mapping[str, str], context: Context
) -> Callable[[Sequence[str | None]], Sequence[Answer]]:
    bound = _bound(Use("raw", "answer", name, args), context)
    if bound.needs:
        raise UsageError(f"{name}: there are no other fields here to refer to")
    function = bound.standardiser.arrow
    if function is None:
        from onesource.clean.standardisers.on_duckdb import Program

        return Program(bound.stages, bound.by_row).answer
    from onesource.clean.standardisers.in_batches import answers

    def answer(batch: Sequence[str | None]) -> Sequence[Answer]:
        by_row = {n: None if v is None else [v] * len(batch) for n, v in bound.by_row.items()}
        return list(zip(*answers(function, batch, by_row, bound.fixed, context), strict=True))

    return answer


def _bound(use: Use, context: Context) -> Bound:
    check_args(use.name, use.args)
    standardiser = STANDARDISERS[use.name]
    by_row = {a.name: use.args.get(a.name) for a in standardiser.arguments if a.by_row}
    fixed = {k: v for k, v in use.args.items() if k not in by_row}
    stages: Sequence[Stage] = ()
    if standardiser.build is not None:
        referring = frozenset(n for n, v in by_row.items() if v and v.startswith("$"))
        constant = {k: v for k, v in use.args.items() if k not in referring}
        stages = standardiser.build(Request(constant, context, referring))
    return Bound(use.column, use.out, standardiser, stages, fixed, by_row)


def _waves(bound: Sequence[Bound], given: Collection[str]) -> list[list[Bound]]:
    """The uses in an order in which each finds the answers that it refers to.

    given: columns that are there already; one of the shape of an answer can be referred to.
    """
    outs = {b.out for b in bound}
    if len(outs) < len(bound):
        raise UsageError("two uses of standardisers make the same column")
    waiting, done, waves = list(bound), set(given), list[list[Bound]]()
    while waiting:
        wave = [b for b in waiting if b.needs <= done]
        if not wave:
            stuck = waiting[0]
            unknown = sorted(stuck.needs - outs - set(given))
            raise UsageError(
                f"the standardiser of {stuck.out} refers to {', '.join(sorted(stuck.needs))}",
                why="no such field" if unknown else "the fields refer to one another in a circle",
            )
        waves.append(wave)
        done |= {b.out for b in wave}
        waiting = [b for b in waiting if b.out not in done]
    return waves
