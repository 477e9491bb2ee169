"""A table's gate inside a run: history in, verdict out, results on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from pyspark.sql import DataFrame

from onesource.clean.stage import Counts
from onesource.lake import ops
from onesource.quality.change import Change
from onesource.quality.gate import DeliveryRows, run_gate
from onesource.quality.results import GateResult
from onesource.quality.rules import Phase, Rule
from onesource.run.context import RunContext
from onesource.run.ledger import TableState

# As many good deliveries or versions make the history against which volumes are judged.
REMEMBERED = 10


def judge(
    ctx: RunContext,
    table: str,
    frame: DataFrame,
    rules: Sequence[Rule],
    phase: Phase,
    step: str,
    *,
    state: TableState,
    allow_empty: bool,
    counts: Mapping[str, Counts] | None = None,
    change: Change | None = None,
) -> GateResult:
    """Runs the gate and records one row a rule in `ops.quality_results`.

    state: the table as the ledger knew it before this step; its good deliveries and versions are
    the history for rules about volume. counts: what each delivery of a batch brought. change: what
    the version has other than the one before.
    """
    history = _per_delivery(state) if phase is Phase.BATCH else [n for n in state.history if n]
    size = max(1, len(counts or ()))
    result = run_gate(
        frame,
        rules,
        table=table,
        phase=phase,
        run_id=ctx.run,
        step=step,
        allow_empty=allow_empty,
        parameters=_parameters(history, size),
        tables=ctx.frames_for(rules),
        deliveries={
            d: DeliveryRows(c.delivered, c.quarantined, c.superseded)
            for d, c in (counts or {}).items()
        },
        change=change,
        day=ctx.day,
    )
    ops.append(ctx.settings, "quality_results", ctx.run, result.rows_for_ops())
    return result


def _per_delivery(state: TableState) -> list[int]:
    good = [d for d in state.deliveries.values() if d.get("outcome") in ("loaded", "superseded")]
    return [int(d["delivered"]) for d in good if d.get("delivered")]


def _parameters(history: Sequence[int], size: int) -> dict[str, float | None]:
    """A batch of several deliveries is measured against as many usual ones."""
    recent = list(history[-REMEMBERED:])
    return {
        "previous_rows": recent[-1] * size if recent else None,
        "median_rows": median(recent) * size if recent else None,
    }
