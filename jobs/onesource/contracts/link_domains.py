"""Link domains 信息比对: who may join the persons of which sectors, for what, and until when.

`schemas/link_domains.csv` has the columns of `_COLUMNS`; sectors and tables are lists with `;`.
Dates are ISO; `valid_to` is the first day on which the row no longer holds, and no row is without
one: a link ends by itself.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from onesource.contracts.model import Contract
from onesource.errors import ContractError

FILE = "link_domains.csv"
_COLUMNS = (
    "domain", "sectors", "tables", "approver", "purpose", "legal_basis", "valid_from", "valid_to",
)  # fmt: skip


@dataclass(frozen=True)
class LinkDomain:
    """One approval: `tables` may be built from the persons of `sectors` while it holds."""

    domain: str
    sectors: frozenset[str]
    tables: frozenset[str]
    approver: str
    purpose: str
    legal_basis: str
    valid_from: date
    valid_to: date

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_to


def read_link_domains(schemas: Path) -> dict[str, list[LinkDomain]]:
    """By domain, oldest approval first; empty without the file. Raises ContractError with line."""
    path = schemas / FILE
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    first = len(text.splitlines()) - len(lines)
    reader = csv.DictReader(io.StringIO("\n".join(lines)), strict=True)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ContractError("has other columns", where=f"{path}:1", todo=",".join(_COLUMNS))
    found: dict[str, list[LinkDomain]] = {}
    for number, row in enumerate(reader, first + 2):
        one = _read(row, f"{path}:{number}")
        found.setdefault(one.domain, []).append(one)
    return {d: sorted(rows, key=lambda r: r.valid_from) for d, rows in found.items()}


def _read(row: dict[str, str | None], where: str) -> LinkDomain:
    values = {k: (row.get(k) or "").strip() for k in _COLUMNS}
    missing = [k for k in _COLUMNS if not values[k]]
    if missing:
        raise ContractError(f"{missing[0]} is empty", where=where, todo="a link needs all of it")
    try:
        since, until = (date.fromisoformat(values[k]) for k in ("valid_from", "valid_to"))
    except ValueError as e:
        raise ContractError("a date is not written as 2026-06-30", where=where, why=str(e)) from e
    if since >= until:
        raise ContractError("valid_to is not after valid_from", where=where)
    sectors, tables = (frozenset(values[k].split(";")) for k in ("sectors", "tables"))
    if len(sectors) < 2:
        raise ContractError("links fewer than two sectors", where=where)
    return LinkDomain(
        values["domain"],
        sectors,
        tables,
        values["approver"],
        values["purpose"],
        values["legal_basis"],
        since,
        until,
    )


def link_of(contract: Contract, schemas: Path, day: date) -> tuple[LinkDomain | None, bool]:
    """The approval on which a table stands, and whether it holds on the day.

    (None, False): its domain is no link domain. Of several approvals the one that holds, else the
    last.
    """
    rows = read_link_domains(schemas).get(contract.properties.person_domain or "", [])
    own = [r for r in rows if contract.table in r.tables]
    holding = [r for r in own if r.holds_on(day)]
    if holding:
        return holding[-1], True
    return (own[-1] if own else rows[-1] if rows else None), False
