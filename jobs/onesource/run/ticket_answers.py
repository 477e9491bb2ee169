"""The step that takes in what departments answered and what was sent and closed.

It runs after the answers' silver table and before the registries, so that a builder reads in
`registry.decision` what was decided until now. The decision is taken by the department: a builder
serves `decided_value` from `decided_on` on, by what is known from `known_from` on.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource import digests
from onesource.contracts.model import Contract
from onesource.lake import delta
from onesource.lake.files import locked
from onesource.lake.paths import table_path
from onesource.lake.ticket_words import said
from onesource.quality.rules import Phase
from onesource.registry.person.model import IDENTITY
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.definition import definition, step_digest
from onesource.run.gates import judge
from onesource.run.ledger import HELD, PASSED
from onesource.run.recover import recover
from onesource.run.results import Status, StepResult
from onesource.run.ticket_fold import ANSWERED, SETTLED
from onesource.run.ticket_log import EVENTS, TABLE, take_in

DECISION = "registry.decision"
ANSWERS = "silver.base_ticket_answer"
_SAID = (
    "event_id string, ticket_id string, round int, event string, day date, who string, "
    "remark string"
)
_ROUNDS = "array<struct<round:int,answer:string,answered_on:date,known_from:timestamp>>"


def run_answers(ctx: RunContext, table: str) -> StepResult:
    """Adds the new answers and words to the log, and makes `registry.decision` from the tickets."""
    contract = ctx.graph.contracts[table]
    if TABLE not in ctx.versions:
        zh, en = "尚无工单", "no ticket was ever raised"
        return StepResult(table, Status.WAITING, reason_zh=zh, reason_en=en)
    with locked(ctx.settings.root("ops") / "locks" / f"{table}.lock"):
        return _run(ctx, table, contract)


def _run(ctx: RunContext, table: str, contract: Contract) -> StepResult:
    path = table_path(ctx.settings, contract)
    state = ledger.state(ctx.settings, table)
    head = recover(ctx, table, path, state)
    words = list(said(ctx.settings))
    inputs = {ANSWERS: ctx.versions[ANSWERS]} if ANSWERS in ctx.versions else {}
    rules = ctx.rules[table]
    digest = definition(contract, ctx.catalogue, rules)
    heard = digests.of_json(sorted(w["event_id"] for w in words))
    step = step_digest(table, {**inputs, "ops.ticket_events": heard}, digest)
    if state.step == step and head is not None:
        return StepResult(table, Status.UNCHANGED, state.version, state.rows)
    ctx.say(f"{table}: taking in answers")
    take_in(ctx, table, lambda tickets: _new(ctx, words))
    tickets = ctx.frame(TABLE)
    version = delta.write(_decisions(tickets, contract), path, mode="overwrite")
    rows = delta.read(ctx.spark, path, version)
    verdict = judge(ctx, table, rows, rules, Phase.TABLE, step, state=state, allow_empty=True)
    event: dict[str, Any] = {
        "kind": "step",
        "table": table,
        "step": step,
        "definition": digest,
        "inputs": inputs,
        "reason_zh": verdict.reason_zh,
        "reason_en": verdict.reason_en,
    }
    if not verdict.passed:
        head = delta.restore(ctx.spark, path, head)
        ctx.record({**event, "verdict": HELD, "version": state.version, "head": head})
        words_of = (verdict.reason_zh, verdict.reason_en)
        return StepResult(table, Status.HELD, state.version, state.rows, 0.0, *words_of)
    count = rows.count()
    ctx.record({**event, "verdict": PASSED, "version": version, "head": version, "rows": count})
    ctx.passed(table, version)
    return StepResult(table, Status.PASSED, version, count)


def _new(ctx: RunContext, words: list[dict[str, Any]]) -> DataFrame:
    """Events that the log does not have yet: words of people, and answers."""
    spark = ctx.spark
    rows = [tuple(w.values()) for w in words]
    events = spark.createDataFrame(rows, _SAID)
    if ANSWERS in ctx.versions:
        events = events.unionByName(_answers(ctx.frame(ANSWERS)), allowMissingColumns=True)
    log = delta.read(spark, table_path(ctx.settings, ctx.graph.contracts[EVENTS]))
    return events.join(log.select("event_id"), "event_id", "left_anti")


def _answers(silver: DataFrame) -> DataFrame:
    """Answered rows as events; the same answer given again is the same event."""
    said = silver.where("answer IS NOT NULL").selectExpr(
        "substring_index(reply_code, '-', 1) AS ticket_id",
        "CAST(split(reply_code, '-')[1] AS INT) AS round",
        f"'{ANSWERED}' AS event",
        "answered_by AS who",
        "answer",
        "corrected_value AS value",
        "_received_at AS said_at",
    )
    name = F.concat_ws("|", "event", "ticket_id", F.col("round").cast("string"), "answer", "value")
    return said.withColumn("event_id", F.substring(F.sha2(name, 256), 1, 24))


def _decisions(tickets: DataFrame, contract: Contract) -> DataFrame:
    """One row a round that was settled, with the time until which its word was the last.

    The values of an attribute are one question, whichever ticket asks it; of identity each pair of
    people is.
    """
    settled = ", ".join(f"'{a}'" for a in SETTLED)
    of_pairs = ", ".join(f"'{a}'" for a in IDENTITY)
    rounds = (
        tickets.where("decided_value IS NOT NULL")
        .select("*", F.posexplode(F.from_json("rounds", _ROUNDS)).alias("_nth", "r"))
        .withColumn("_value", F.expr("get(from_json(round_values, 'array<string>'), _nth)"))
        .where(f"r.answer IN ({settled})")
        .selectExpr(
            "ticket_id",
            "r.round",
            "registry",
            "entity",
            "attribute",
            "value_a",
            "value_b",
            "r.answer",
            "_value AS decided_value",
            "r.answered_on AS decided_on",
            "r.known_from",
        )
        .withColumn(
            "known_to",
            F.expr(
                "lead(known_from) OVER (PARTITION BY registry, entity, attribute, "
                f"if(attribute IN ({of_pairs}), ticket_id, '') "
                "ORDER BY known_from, ticket_id, round)"
            ),
        )
    )
    return rounds.select(*[F.col(f.name).cast(f.spark_type) for f in contract.fields])
