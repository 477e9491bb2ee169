"""The gate of the tickets: judged once a run, after the last table that may raise one.

Many steps add to the log and fold tickets; each leaves a version that waits (`ledger.PENDING`).
Here the newest one is judged and, with the log that it was folded from, served; or both are taken
back together to what was served, and the tables whose events went with them are done again by the
next run, so that nothing that departments or sources said is lost.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import functions as F

from onesource.lake import delta
from onesource.lake.files import locked
from onesource.lake.paths import table_path
from onesource.quality.results import GateResult
from onesource.quality.rules import Phase
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.definition import definition
from onesource.run.gates import judge
from onesource.run.ledger import HELD, PASSED, REDO
from onesource.run.recover import recover
from onesource.run.results import Status, StepResult
from onesource.run.ticket_log import EVENTS, TABLE

_BOTH = (EVENTS, TABLE)


def run_ticket_gate(ctx: RunContext) -> StepResult:
    """Serves the tickets as this run's steps left them, or takes them back."""
    with locked(ctx.settings.root("ops") / "locks" / f"{TABLE}.lock"):
        states = {t: ledger.state(ctx.settings, t) for t in _BOTH}
        heads = {t: recover(ctx, t, _path(ctx, t), s) for t, s in states.items()}
        state, head = states[TABLE], heads[TABLE]
        if head is None or all(s.verdict == PASSED for s in states.values()):
            return StepResult(TABLE, Status.UNCHANGED, state.version, state.rows)
        ctx.say(f"{TABLE}: judging")
        rows = delta.read(ctx.spark, _path(ctx, TABLE), head)
        rules = ctx.rules[TABLE]
        verdict = judge(
            ctx, TABLE, rows, rules, Phase.TABLE, ctx.run, state=state, allow_empty=True
        )
        if verdict.passed:
            return _let_pass(ctx, heads, rows.count())
        writers = _take_back(ctx, states, heads, verdict)
    # Another process may have been within such a step, and have recorded it since as done.
    for table in writers:
        with locked(ctx.settings.root("ops") / "locks" / f"{table}.lock"):
            ctx.record({"kind": REDO, "table": table})
    words = (verdict.reason_zh, verdict.reason_en)
    return StepResult(TABLE, Status.HELD, state.version, state.rows, 0.0, *words)


def _let_pass(ctx: RunContext, heads: dict[str, int | None], count: int) -> StepResult:
    digest = definition(ctx.graph.contracts[TABLE], ctx.catalogue, ctx.rules[TABLE])
    for table in _BOTH:
        own = {"rows": count, "definition": digest} if table == TABLE else {}
        version = heads[table]
        ctx.record(
            {**_event(ctx, table), "verdict": PASSED, "version": version, "head": version, **own}
        )
        ctx.passed(table, version or 0)
    return StepResult(TABLE, Status.PASSED, heads[TABLE], count)


def _take_back(
    ctx: RunContext,
    states: dict[str, ledger.TableState],
    heads: dict[str, int | None],
    verdict: GateResult,
) -> list[str]:
    """Restores both tables to what was served; gives the tables that must say it all again."""
    writers = _writers(ctx, states[EVENTS].version, heads[EVENTS])
    # First of all: a process that ends after this does a step too much, never one too few.
    for table in writers:
        ctx.record({"kind": REDO, "table": table})
    for table in (TABLE, EVENTS):
        state = states[table]
        restored = delta.restore(ctx.spark, _path(ctx, table), state.version)
        said = {"reason_zh": verdict.reason_zh, "reason_en": verdict.reason_en, "verdict": HELD}
        ctx.record({**_event(ctx, table), **said, "version": state.version, "head": restored})
        with ctx.lock:
            ctx.versions.pop(table, None)
        if state.version is not None:
            ctx.passed(table, state.version)
    return writers


def _writers(ctx: RunContext, before: int | None, head: int | None) -> list[str]:
    """The tables whose events came into the log since a version of it."""
    if head is None:
        return []
    path = _path(ctx, EVENTS)
    log = delta.read(ctx.spark, path, head)
    if before is not None:
        log = log.join(
            delta.read(ctx.spark, path, before).select("event_id"), "event_id", "left_anti"
        )
    # A batch is named `run:table`.
    found = log.select(F.expr("substring_index(batch, ':', -1)").alias("t")).distinct().collect()
    return sorted(r["t"] for r in found if r["t"] in ctx.graph.contracts)


def _event(ctx: RunContext, table: str) -> dict[str, str]:
    return {"kind": "step", "table": table, "step": ctx.run}


def _path(ctx: RunContext, table: str) -> Path:
    return table_path(ctx.settings, ctx.graph.contracts[table])
