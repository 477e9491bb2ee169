"""What a registry table was built from last, and what its inputs touched since.

An input tells what a version of it touched: a patched registry table in its own words, a silver
table on two clocks by the keys that its deliveries told anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial

from pyspark.sql import DataFrame

from onesource.lake import delta
from onesource.lake.paths import table_path, told_path
from onesource.registry.patch import Before
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.ledger import TableState

# As many patches are remembered: a table that is further behind is built anew.
_REMEMBERED = 40


def before_of(
    ctx: RunContext,
    table: str,
    state: TableState,
    inputs: Mapping[str, int],
    head: int | None,
) -> Before | None:
    """The table's last version, which of its inputs changed, and what their patches touched.

    None where that version was made under another definition than the step that was held since.
    """
    if state.made_under != state.definition:
        return None
    path = table_path(ctx.settings, ctx.graph.contracts[table])
    changed = {t for t in {*inputs, *state.inputs} if inputs.get(t) != state.inputs.get(t)}
    return Before(
        delta.read(ctx.spark, path, head),
        frozenset(changed),
        {t: partial(_told, ctx, t, state.inputs, inputs) for t in inputs},
    )


def _told(
    ctx: RunContext, table: str, read: Mapping[str, int], reads: Mapping[str, int]
) -> DataFrame | None:
    """What was touched in an input between what was read last and what is read now.

    None where a step of that is unknown, and where the input was held, so that another of its own
    inputs was, or is, read beside it at a version that it does not know.
    """
    state = ledger.state(ctx.settings, table)
    if not all(_agrees(ctx, state, table, versions) for versions in (read, reads)):
        return None
    old, new = read.get(table), reads.get(table)
    found: DataFrame | None = None
    at = new
    seen = 0
    while at != old and not _same(state, at, old):
        if at is None or seen > _REMEMBERED:
            return None
        seen += 1
        if at in state.same_as:
            at = state.same_as[at]
            continue
        folder = told_path(ctx.settings, table, at)
        if at not in state.made_from or not folder.is_dir():
            return None
        part = ctx.spark.read.parquet(str(folder))
        found = part if found is None else found.unionByName(part)
        at = state.made_from[at]
    return found


def _agrees(ctx: RunContext, state: TableState, table: str, read: Mapping[str, int]) -> bool:
    """Was the table made from those versions of its inputs that were read beside it?"""
    at = read.get(table)
    while at is not None and at not in state.read and at in state.same_as:
        at = state.same_as[at]
    made = state.read.get(at) if at is not None else None
    beside = set(read) & set(ctx.graph.all_inputs(table))
    return made is not None and all(made.get(t) == read[t] for t in beside)


def _same(state: TableState, a: int | None, b: int | None) -> bool:
    """Have the two versions the same rows, for one is a copy of the other?"""
    return a is not None and b is not None and (state.same_as.get(b) == a)


def keep_told(ctx: RunContext, table: str, version: int, told: DataFrame) -> None:
    """Writes down what a version touched, and forgets what is older than any table looks back."""
    folder = told_path(ctx.settings, table, version)
    shutil.rmtree(folder, ignore_errors=True)
    told.distinct().coalesce(1).write.parquet(str(folder))
    for old in folder.parent.iterdir():
        if old.name.isdigit() and int(old.name) <= version - 2 * _REMEMBERED:
            shutil.rmtree(old, ignore_errors=True)
