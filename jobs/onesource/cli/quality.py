"""`onesource quality show TABLE`: what a table's gate checks, and what it found last."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, Contract
from onesource.errors import UsageError
from onesource.lake import ops
from onesource.quality.rules import DIMENSION_ZH, Phase, Rule
from onesource.quality.suite import rules_for

_ON = {
    Phase.BATCH: "On the batch, before it is merged 批次检查",
    Phase.TABLE: "On the new version, before it is served 新版本检查",
}
_SEVERITY_ZH = {"row": "剔除行", "flag": "标记", "hold": "扣留", "warn": "提示"}


def show_quality(settings: Settings, table: str) -> int:
    """Prints the suite of a table (`silver.energy_coal_daily`, or the feed `energy.coal_daily`)
    and each rule's last result. Raises UsageError for a table without a contract."""
    catalogue = load_catalogue(settings.schemas, odcs=False)
    contract = _contract(catalogue, table)
    rules = rules_for(contract, settings.expectations, catalogue)
    last = last_results(settings, contract.table)
    # Wide enough for every column where there is no terminal.
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(f"{contract.table} {contract.business_name}: {len(rules)} rules", markup=False)
    for phase, title in _ON.items():
        chosen = [r for r in rules if r.on is phase]
        if chosen:
            console.print(_grid(title, chosen, last))
    newest = max((r for r in last.values()), key=lambda r: str(r["at"]), default=None)
    when = f"run {newest['run']}, {str(newest['at'])[:16]}" if newest else "never judged 尚未检查"
    console.print(f"last result: {when}", markup=False)
    return 0


def _contract(catalogue: Catalogue, table: str) -> Contract:
    known = {**catalogue.tables, **catalogue.feeds}
    if table not in known:
        raise UsageError(
            f"{table} is no table with a contract",
            todo=f"one of {', '.join(sorted(catalogue.tables)) or 'none yet'}",
        )
    return known[table]


def last_results(settings: Settings, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The newest row of `ops.quality_results` by phase and rule."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in ops.rows(settings, "quality_results"):
        if row.get("table") != table:
            continue
        key = (str(row["phase"]), str(row["rule"]))
        if key not in newest or str(row["at"]) >= str(newest[key]["at"]):
            newest[key] = row
    return newest


def _grid(title: str, rules: list[Rule], last: Mapping[tuple[str, str], Any]) -> Table:
    grid = Table(title=title, title_justify="left")
    for name in ("rule 规则", "severity", "dimension", "owner", "must hold 要求", "from", "last"):
        grid.add_column(name, overflow="fold")
    for rule in rules:
        grid.add_row(
            rule.id,
            f"{rule.severity} {_SEVERITY_ZH[rule.severity]}",
            f"{rule.dimension} {DIMENSION_ZH[rule.dimension]}",
            rule.owner,
            f"{rule.en}\n{rule.zh}{_period(rule)}",
            "contract" if rule.origin == "contract" else rule.origin.rpartition("/")[2],
            _last(last.get((str(rule.on), rule.id))),
        )
    return grid


def _period(rule: Rule) -> str:
    if not rule.valid_from and not rule.valid_to:
        return ""
    return f"\n[{rule.valid_from or '…'}, {rule.valid_to or '…'})" + (
        f" by {rule.by}" if rule.by else ""
    )


def _last(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    words = "passed 通过" if row["success"] else "failed 不符"
    if row.get("unexpected"):
        words += f" {row['unexpected']}/{row['evaluated']}"
    return f"{words}\n{row['detail']}" if row.get("detail") else words
