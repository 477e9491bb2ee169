"""The gate between two layers: judges a staged batch, or a new version, by the table's rules.

It fails closed (P11): no rules, no rows where there must be some, a rule that cannot be judged,
an unknown expectation, or an error in the engine: all hold, with a reason.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.config import BEIJING, now
from onesource.quality import engine, vocabulary
from onesource.quality.change import ALONE, Change
from onesource.quality.engine import Outcome
from onesource.quality.parameters import BadExpression, resolved
from onesource.quality.predicates import bad_row
from onesource.quality.queries import run_query
from onesource.quality.results import GateResult, RuleResult, held, observed, verdict_of
from onesource.quality.rules import Phase, Rule, Severity, of_phase

_log = logging.getLogger(__name__)
# Rows that a result may name by their `report` columns.
REPORTED = 20
# The rows of a staged batch that go on: not rejected, and the last of their key in their file.
ACCEPTED = {"_rejects": "_rejects IS NULL", "_rank_in_file": "_rank_in_file = 1"}


@dataclass(frozen=True)
class DeliveryRows:
    """How many rows a delivery brought, how many of them were rejected, and how many a later row
    of the same file replaced."""

    rows: int
    rejected: int = 0
    superseded: int = 0


@dataclass(frozen=True)
class _Gate:
    """What one call judges, and by what."""

    frame: DataFrame
    table: str
    phase: Phase
    run_id: str
    step: str
    at: datetime
    allow_empty: bool
    parameters: Mapping[str, float | None]
    tables: Mapping[str, DataFrame]
    deliveries: Mapping[str, DeliveryRows]
    change: Change | None


def run_gate(
    frame: DataFrame,
    rules: Sequence[Rule],
    *,
    table: str,
    phase: Phase | str,
    run_id: str,
    step: str,
    allow_empty: bool = False,
    parameters: Mapping[str, float | None] | None = None,
    tables: Mapping[str, DataFrame] | None = None,
    deliveries: Mapping[str, DeliveryRows] | None = None,
    change: Change | None = None,
    at: datetime | None = None,
    day: date | None = None,
) -> GateResult:
    """Judges `frame` by those of `rules` that are of this phase and in force.

    frame: the staged batch (typed fields, `_issues`, `_delivery_id`; `_rejects` and
    `_rank_in_file` where rows were already split), or the visible rows of the new version. On a
    batch, `row` rules are counted on all rows, all others on the rows that go on.
    allow_empty: no rows are a statement (a zero report). parameters: `previous_rows`,
    `median_rows`; what is missing is unknown. tables: the other tables that rules name, as
    DataFrames. deliveries: what each delivery of the batch brought, also those without rows; left
    out, it is counted. change: what the new version has other than one that passed by these very
    rules. at, day: the time written into the results, and the day by which rules are
    in force (now, in Beijing).

    Never raises for what is wrong with the data or a rule: that is a verdict.
    """
    phase = Phase(phase)
    at = at or now()
    day = day or at.astimezone(BEIJING).date()
    gate = _Gate(
        frame,
        table,
        phase,
        run_id,
        step,
        at,
        allow_empty,
        dict(parameters or {}),
        dict(tables or {}),
        dict(deliveries or {}),
        change if phase is Phase.TABLE else None,
    )
    chosen = of_phase(rules, phase, day)
    if not rules:
        return held(f"{table} 没有质量规则", f"{table} has no quality rules")
    if not chosen:
        return held(
            f"{table} 在“{phase}”阶段没有生效的质量规则",
            f"{table} has no quality rules in force on the {phase}",
        )
    unknown = [r for r in chosen if r.expectation not in vocabulary.EXPECTATIONS]
    if unknown:
        return held(
            f"规则 {unknown[0].id} 的类型 {unknown[0].expectation} 无法识别",
            f"the rule {unknown[0].id} has the unknown type {unknown[0].expectation}",
        )
    try:
        return _judge(gate, chosen)
    except Exception as e:  # P11: whatever goes wrong in a check, the data are not let through
        _log.debug("the gate of %s failed", table, exc_info=True)
        kind = type(e).__name__
        return held(f"质量检查出错（{kind}）", f"the quality check itself failed ({kind})")


def _judge(gate: _Gate, rules: list[Rule]) -> GateResult:
    deliveries: Mapping[str, DeliveryRows] = gate.deliveries
    if gate.phase is Phase.BATCH and not deliveries and any(r.per_delivery for r in rules):
        deliveries = _count_deliveries(gate.frame)
    split = [r for r in rules if not r.per_delivery]
    results = {r.id: _per_delivery(gate, r, deliveries) for r in rules if r.per_delivery}
    total = sum(d.rows for d in deliveries.values())
    if gate.phase is Phase.BATCH and deliveries and total == 0:
        return _empty(gate, rules, results)
    everything, going_on = _frames(gate, deliveries)
    if gate.change is not None:
        rows = _run_changed(gate, gate.change, split, results)
    elif going_on is None:
        rows = _run(gate, everything, split, results)
    else:
        on_all = [r for r in split if r.severity is Severity.ROW]
        if on_all:
            _run(gate, everything, on_all, results)
        rows = _run(gate, going_on, [r for r in split if r not in on_all], results)
    if rows == 0:
        # A batch of which every row is rejected is no zero report.
        statement = gate.phase is Phase.TABLE or total == 0
        return _empty(gate, rules, results, statement)
    return verdict_of([results[r.id] for r in rules], rows)


def _frames(
    gate: _Gate, deliveries: Mapping[str, DeliveryRows]
) -> tuple[DataFrame, DataFrame | None]:
    """All rows, and the rows that go on where they are others."""
    conditions = [sql for name, sql in ACCEPTED.items() if name in gate.frame.columns]
    if gate.phase is Phase.TABLE or not conditions:
        return gate.frame, None
    if deliveries and not any(d.rejected or d.superseded for d in deliveries.values()):
        return gate.frame, None
    return gate.frame, gate.frame.where(" AND ".join(conditions))


def _run_changed(
    gate: _Gate, change: Change, rules: list[Rule], results: dict[str, RuleResult]
) -> int:
    """Evaluates each rule on what it must read of a changed version; returns the version's rows."""
    by_scope: dict[tuple[str, ...] | None, list[Rule]] = {None: []}
    for rule in rules:
        by_scope.setdefault(change.scope(rule), []).append(rule)
    rows = _run(gate, gate.frame, by_scope.pop(None), results)
    for scope, some in by_scope.items():
        _run(gate, change.rows(gate.frame, scope or ALONE), some, results, rows)
    return rows


def _run(
    gate: _Gate,
    frame: DataFrame,
    rules: list[Rule],
    results: dict[str, RuleResult],
    of: int | None = None,
) -> int:
    """Evaluates rules on a frame, fills `results`, and returns the frame's rows. of: the rows of
    the whole, where the frame is the part of it that matters."""
    ready: list[tuple[Rule, Mapping[str, Any]]] = []
    for rule in rules:
        missing = [t for t in rule.needs if t not in gate.tables]
        if missing:
            results[rule.id] = _result(
                gate, rule, Outcome(False, error=f"{missing[0]} is not served"), {}
            )
            continue
        try:
            kwargs: Mapping[str, Any] = resolved(rule.kwargs, gate.parameters, rule.floor)
        except (BadExpression, ZeroDivisionError) as e:
            results[rule.id] = _result(gate, rule, Outcome(False, error=type(e).__name__), {})
            continue
        ready.append((rule, kwargs))
    rows, outcomes = engine.evaluate(frame, ready, gate.tables, of)
    for (rule, kwargs), outcome in zip(ready, outcomes, strict=True):
        results[rule.id] = _result(gate, rule, outcome, kwargs, frame)
    return rows


def _result(
    gate: _Gate,
    rule: Rule,
    outcome: Outcome,
    kwargs: Mapping[str, Any],
    frame: DataFrame | None = None,
) -> RuleResult:
    detail = outcome.error or observed(rule, outcome, kwargs)
    if frame is not None and rule.report and not outcome.success and not outcome.error:
        detail = _reported(gate, rule, frame)
    return RuleResult(
        gate.run_id,
        gate.step,
        gate.table,
        gate.phase,
        rule,
        outcome.success,
        outcome.evaluated,
        outcome.unexpected,
        detail,
        gate.at,
        error=outcome.error,
    )


def _reported(gate: _Gate, rule: Rule, frame: DataFrame) -> str:
    """Which rows failed, by the columns that the rule may name: `county=141123 year=2003; …`."""
    frames = {"batch": frame, **{t: gate.tables[t] for t in rule.needs}}
    query = str(rule.kwargs["unexpected_rows_query"])
    bad = (
        frame.where(bad_row(rule) or "FALSE")
        if rule.condition
        else run_query(frame.sparkSession, query, frames)
    )
    named = bad.select(*rule.report).distinct().orderBy(*rule.report).limit(REPORTED + 1).collect()
    words = [" ".join(f"{c}={row[c]}" for c in rule.report) for row in named[:REPORTED]]
    return "; ".join(words) + ("; …" if len(named) > REPORTED else "")


def _count_deliveries(frame: DataFrame) -> dict[str, DeliveryRows]:
    if "_delivery_id" not in frame.columns:
        frame = frame.withColumn("_delivery_id", F.lit(""))
    rejected = "count_if(_rejects IS NOT NULL)" if "_rejects" in frame.columns else "0"
    superseded = "0"
    if "_rank_in_file" in frame.columns:
        superseded = "count_if(_rejects IS NULL AND _rank_in_file > 1)"
    found = (
        frame.groupBy("_delivery_id")
        .agg(
            F.count("*").alias("n"),
            F.expr(rejected).alias("bad"),
            F.expr(superseded).alias("late"),
        )
        .collect()
    )
    counted = {r["_delivery_id"]: DeliveryRows(r["n"], r["bad"], r["late"]) for r in found}
    return counted or {"": DeliveryRows(0)}


def _per_delivery(gate: _Gate, rule: Rule, deliveries: Mapping[str, DeliveryRows]) -> RuleResult:
    """A floor of rows, or a share of rejected rows, judged for each delivery."""
    if rule.expectation == vocabulary.ROW_COUNT:
        floor = rule.kwargs["min_value"]
        blamed = [
            d
            for d, n in deliveries.items()
            if n.rows < floor and not (n.rows == 0 and gate.allow_empty)
        ]
        unexpected = None
        detail = f"observed={min((n.rows for n in deliveries.values()), default=0)}"
        counts: dict[str, tuple[int, int | None]] = {d: (deliveries[d].rows, None) for d in blamed}
    else:
        share = 1 - float(rule.kwargs["mostly"])
        # A hair's breadth, for shares such as 1 - 0.8 are not exact.
        blamed = [d for d, n in deliveries.items() if n.rejected > share * n.rows + 1e-9]
        unexpected = sum(n.rejected for n in deliveries.values())
        detail = ""
        counts = {d: (deliveries[d].rows, deliveries[d].rejected) for d in blamed}
    rows = sum(n.rows for n in deliveries.values())
    return RuleResult(
        gate.run_id,
        gate.step,
        gate.table,
        gate.phase,
        rule,
        not blamed,
        rows,
        unexpected,
        detail,
        gate.at,
        tuple(sorted(d for d in blamed if d)),
        delivery_rows=counts,
    )


def _empty(
    gate: _Gate,
    rules: Sequence[Rule],
    results: Mapping[str, RuleResult],
    statement: bool = True,
) -> GateResult:
    """No rows: held, or, where that is a statement, passed without being judged further.

    Floors and errors still count; every other rule has nothing to say of no rows.
    """
    made = []
    for rule in rules:
        found = results.get(rule.id)
        floor = rule.per_delivery or rule.expectation == vocabulary.ROW_COUNT
        if found is None or not (floor or found.error):
            found = _result(gate, rule, Outcome(True, 0, 0), rule.kwargs)
        made.append(found)
    if not (gate.allow_empty and statement):
        return held(
            f"{gate.table} 没有任何可用的行，且不允许零报告",
            f"{gate.table} has no rows that go on, and an empty one is not allowed",
            made,
            0,
        )
    return verdict_of(made, 0)
