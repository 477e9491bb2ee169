"""Tables of a link domain: each build is on record, and the end of the approval empties them."""

from __future__ import annotations

from pathlib import Path

from onesource.contracts.link_domains import link_of
from onesource.contracts.model import Contract
from onesource.lake import delta
from onesource.lake.reads import record_read
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.ledger import PASSED
from onesource.run.results import Status, StepResult
from onesource.spark.local import local_rows

_ENDED = "link-ended"  # in place of a step's digest


def ended_link(
    ctx: RunContext, contract: Contract, state: ledger.TableState, path: Path
) -> StepResult | None:
    """Empties a table of a link domain whose approval does not hold on the run's day.

    Its rows go with their files, from older versions too; None: it stands on no ended link.
    """
    schemas = ctx.settings.schemas
    if contract.properties.person_domain in (None, *ctx.catalogue.city.sectors):
        return None
    link, holds = link_of(contract, schemas, ctx.day)
    if holds or link is None:
        return None
    zh = f"比对域 {link.domain} 的批准不在有效期内（{link.valid_from} 至 {link.valid_to}）"
    en = f"the link domain {link.domain} holds from {link.valid_from} to before {link.valid_to}"
    if state.version is None or (state.rows == 0 and state.step == _ENDED):
        version = state.version
        return StepResult(contract.table, Status.HELD, version, state.rows, 0.0, zh, en)
    schema = ", ".join(f"`{f.name}` {f.spark_type}" for f in contract.fields)
    version = delta.write(local_rows(ctx.spark, [], schema), path, mode="overwrite")
    delta.drop_old_files(ctx.spark, path)
    ctx.record(
        {
            "kind": "step",
            "table": contract.table,
            "step": _ENDED,
            "definition": _ENDED,
            "inputs": {},
            "verdict": PASSED,
            "version": version,
            "head": version,
            "rows": 0,
            "reason_zh": zh,
            "reason_en": en,
        }
    )
    ctx.passed(contract.table, version)
    return StepResult(contract.table, Status.HELD, version, 0, 0.0, zh, en)


def log_link(ctx: RunContext, contract: Contract, rows: int) -> None:
    """One line in `ops.reads` for each build in a link domain: who approved it, and what for."""
    link, holds = link_of(contract, ctx.settings.schemas, ctx.day)
    if link is not None and holds:
        record_read(
            ctx.settings,
            "link",
            sorted(ctx.graph.inputs[contract.table]),
            rows=rows,
            purpose=f"{link.domain}: {link.purpose} ({link.legal_basis}; {link.approver})",
            run=ctx.run,
            statement=ctx.graph.sql[contract.table].text,
        )
