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
) -> Before:
    """The table's last version, which of its inputs changed, and what their patches touched."""
    path = table_path(ctx.settings, ctx.graph.contracts[table])
    changed = {t for t in {*inputs, *state.inputs} if inputs.get(t) != state.inputs.get(t)}
    return Before(
        delta.read(ctx.spark, path, head),
        frozenset(changed),
        {t: partial(_told, ctx, t, state.inputs.get(t), inputs.get(t)) for t in inputs},
    )


def _told(ctx: RunContext, table: str, old: int | None, new: int | None) -> DataFrame | None:
    """What was touched between two versions of an input; None where a step of them is unknown."""
    state = ledger.state(ctx.settings, table)
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
