"""Registry and curated tables: built from the versions that the run reads, audited, or restored."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.contracts.model import Catalogue, CodeList, Contract, Kind
from onesource.curate.lineage import openlineage_event
from onesource.curate.person_view import person_key_view
from onesource.curate.persons import PERSON_TOKEN, refuse_linking, uses_person_key
from onesource.curate.sqlfiles import PERSON_KEY, rewrite
from onesource.errors import ContractError
from onesource.lake import delta, ops
from onesource.lake.files import locked, scratch
from onesource.lake.paths import scratch_path, table_path
from onesource.person_keys import PersonKey
from onesource.quality.change import Change, columns_together
from onesource.quality.rules import Phase, Rule, of_phase
from onesource.registry.patch import Before, Patch
from onesource.run import ledger
from onesource.run.before import before_of, keep_told
from onesource.run.context import RunContext
from onesource.run.definition import definition, step_digest
from onesource.run.gates import judge
from onesource.run.ledger import HELD, PASSED, TableState
from onesource.run.link_step import ended_link, log_link
from onesource.run.recover import recover
from onesource.run.results import Status, StepResult
from onesource.run.tickets import write_tickets
from onesource.spark.local import local_rows
from onesource.spark.written import put


class Builder(Protocol):
    """What a registry contract's `builder` names."""

    def __call__(
        self, spark: SparkSession, inputs: Mapping[str, DataFrame], context: BuildContext
    ) -> Mapping[str, Any]: ...


class BuildContext:
    """What a builder may know beside its inputs."""

    def __init__(
        self,
        catalogue: Catalogue,
        day: date,
        settings: Any,
        key: PersonKey | None = None,
        before: Before | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.catalogue, self.day, self.settings, self.key = catalogue, day, settings, key
        self.before, self.scratch = before, scratch


def run_table(ctx: RunContext, table: str) -> StepResult:
    """Builds one registry or curated table when an input or its definition changed."""
    contract = ctx.graph.contracts[table]
    missing = [t for t in ctx.graph.inputs[table] if t not in ctx.versions]
    if missing:
        return StepResult(
            table,
            Status.WAITING,
            reason_zh=f"等待 {missing[0]}",
            reason_en=f"waits for {missing[0]}, which was never served",
        )
    with locked(ctx.settings.root("ops") / "locks" / f"{table}.lock"):
        return _build(ctx, table, contract)


def _build(ctx: RunContext, table: str, contract: Contract) -> StepResult:
    path = table_path(ctx.settings, contract)
    state = ledger.state(ctx.settings, table)
    head = recover(ctx, table, path, state)
    rules = ctx.rules[table]
    sql = ctx.graph.sql.get(table)
    key = ctx.person_key if uses_person_key(contract, sql) else None
    digest = definition(contract, ctx.catalogue, rules, sql, ctx.day, key)
    inputs = {t: ctx.versions[t] for t in ctx.graph.all_inputs(table) if t in ctx.versions}
    step = step_digest(table, inputs, digest)
    ended = ended_link(ctx, contract, state, path)
    if ended is not None:
        return ended
    if state.step == step and head is not None:
        if state.verdict == PASSED:
            return StepResult(table, Status.UNCHANGED, state.version, state.rows)
        return StepResult(
            table, Status.HELD, state.version, state.rows, 0.0, state.reason_zh, state.reason_en
        )
    ctx.say(f"{table}: building")
    # Built on from the last version where that was made in the same way.
    same = head is not None and state.version is not None and state.definition == digest
    before = before_of(ctx, table, state, inputs, head) if same else None
    with scratch(scratch_path(ctx.settings, table, step)) as folder:
        built = _frames(ctx, table, contract, key, before, folder)
        made = built[table]
        patch = made if isinstance(made, Patch) else None
        frame = _shaped(made if patch is None else patch.rows, contract)
        change: Change | None = None
        if patch is not None:
            assert before is not None, "a patch is made on the last version"
            if (state.rows or 0) >= delta.MANY_ROWS:
                frame = put(ctx.spark, frame, folder / "came")
                change = _change(ctx, patch, before, frame, rules, state, folder)
            else:
                frame = patch.rest(before.rows).unionByName(frame)
        if patch is not None and change is not None:
            version = delta.replace_rows(
                ctx.spark, path, key=[patch.key], gone=patch.gone, rows=frame
            )
        else:
            version = delta.write(
                frame, path, mode="overwrite", partition_by=contract.properties.partition_by
            )
        if patch is not None:
            keep_told(ctx, table, version, patch.told)
        rows = delta.read(ctx.spark, path, version)
        verdict = judge(
            ctx,
            table,
            rows,
            rules,
            Phase.TABLE,
            step,
            state=state,
            allow_empty=contract.properties.min_rows == 0,
            change=change,
        )
    event: dict[str, Any] = {
        "kind": "step",
        "table": table,
        "step": step,
        "definition": digest,
        "person_key": key and key.id,
        "inputs": inputs,
        "patched": head if patch is not None else None,
        "reason_zh": verdict.reason_zh,
        "reason_en": verdict.reason_en,
    }
    if not verdict.passed:
        head = delta.restore(ctx.spark, path, head)
        ctx.record({**event, "verdict": HELD, "version": state.version, "head": head})
        return StepResult(
            table,
            Status.HELD,
            state.version,
            state.rows,
            0.0,
            verdict.reason_zh,
            verdict.reason_en,
        )
    if "conflicts" in built:
        found = built["conflicts"]
        # A builder whose rows carry their conflicts says how to read them off what was written.
        write_tickets(ctx, table, found(rows) if callable(found) else found)
    count = rows.count()
    if contract.kind is Kind.CURATED:
        log_link(ctx, contract, count)
    clean = sorted(r.rule.id for r in verdict.results if r.success and r.unexpected == 0)
    ctx.record(
        {
            **event,
            "verdict": PASSED,
            "version": version,
            "head": version,
            "rows": count,
            "clean": clean,
        }
    )
    _record_lineage(ctx, table, inputs, version)
    ctx.passed(table, version)
    return StepResult(table, Status.PASSED, version, count)


def _change(
    ctx: RunContext,
    patch: Patch,
    before: Before,
    came: DataFrame,
    rules: Sequence[Rule],
    state: TableState,
    folder: Path,
) -> Change:
    """What the patch changes, for the gate; of the rows that go only what rules compare."""
    columns = columns_together(of_phase(rules, Phase.TABLE, ctx.day)) or came.columns[:1]
    went = put(ctx.spark, patch.went(before.rows, columns), folder / "went")
    return Change(came, went, state.clean)


def _frames(
    ctx: RunContext,
    table: str,
    contract: Contract,
    key: PersonKey | None,
    before: Before | None,
    scratch: Path,
) -> Mapping[str, Any]:
    inputs = {t: ctx.frame(t) for t in ctx.graph.all_inputs(table) if t in ctx.versions}
    if contract.kind is Kind.REGISTRY:
        builder = load_builder(contract)
        context = BuildContext(ctx.catalogue, ctx.day, ctx.settings, key, before, scratch)
        return builder(ctx.spark, inputs, context)
    refuse_linking(ctx.graph.sql[table], contract, ctx.catalogue, ctx.day)
    domain = contract.properties.person_domain
    if key is not None and domain is not None:
        inputs[PERSON_KEY] = person_key_view(inputs[PERSON_TOKEN], domain, key)
    return {table: _select(ctx, table, inputs)}


def load_builder(contract: Contract) -> Builder:
    """The function that a registry contract names. Raises ContractError."""
    name = contract.properties.builder or ""
    module, _, function = name.partition(":")
    try:
        found: Builder = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as e:
        raise ContractError(
            f"builder: {name or 'missing'} cannot be loaded", where=str(contract.path), why=str(e)
        ) from e
    return found


def _select(ctx: RunContext, table: str, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Runs the table's one SELECT over views of exactly its inputs."""
    sql = ctx.graph.sql[table]
    views: dict[str, str] = {}
    for name in sql.inputs:
        frame = (
            _codelist(ctx.spark, ctx.catalogue.codelists[name.split(".", 1)[1]])
            if name.startswith("codelist.")
            else inputs[name]
        )
        views[name] = f"_in_{uuid.uuid4().hex}"
        frame.createOrReplaceTempView(views[name])
    return ctx.spark.sql(rewrite(sql, views))


def _codelist(spark: SparkSession, codes: CodeList) -> DataFrame:
    extra = sorted({k for r in codes.rows for k in r.extra})
    names = ["code", "name", "parent", *extra]
    rows = [
        (r.code, r.name, r.parent, *(r.extra.get(k) for k in extra), r.valid_from, r.valid_to)
        for r in codes.rows
    ]
    schema = ", ".join(f"`{n}` string" for n in [*names, "valid_from", "valid_to"])
    frame = local_rows(spark, rows, schema)
    return frame.withColumns({n: F.col(n).cast("date") for n in ("valid_from", "valid_to")})


def _shaped(frame: DataFrame, contract: Contract) -> DataFrame:
    """Exactly the contract's columns, in its order and types; `_` columns are kept behind.

    Raises ContractError when the frame lacks a column or has one that the contract does not know.
    """
    hidden = [c for c in frame.columns if c.startswith("_")]
    found, wanted = set(frame.columns) - set(hidden), set(contract.field_names)
    for names, what in (
        (wanted - found, "is not made"),
        (found - wanted, "is not in the contract"),
    ):
        if names:
            raise ContractError(
                f"the column {', '.join(sorted(names))} of {contract.table} {what}",
                where=str(contract.path),
            )
    columns = [F.col(f.name).cast(f.spark_type).alias(f.name) for f in contract.fields]
    return frame.select(*columns, *hidden)


def _record_lineage(ctx: RunContext, table: str, inputs: Mapping[str, int], version: int) -> None:
    if table in ctx.graph.sql:
        event = openlineage_event(
            ctx.graph.sql[table], ctx.catalogue, ctx.run, inputs=inputs, version=version
        )
        ops.append(ctx.settings, "lineage", ctx.run, [event])
