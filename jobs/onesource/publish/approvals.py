"""Who allowed what to be published, and what never may be: small tables that people edit.

`schemas/approvals.csv`: `id,dataset,columns,approver,legal_basis,valid_from,valid_to,review_on`;
columns is a list with `;`. `schemas/negative_list.csv` (负面清单): `resource,legal_basis,reason_zh,
approver,valid_from,valid_to,review_on`; resource is a table or `table.column`, `*` stands for any
part. Dates are ISO, `valid_to` is the first day on which the row no longer holds.
"""

from __future__ import annotations

import csv
import fnmatch
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from onesource.errors import ContractError


@dataclass(frozen=True)
class Approval:
    id: str
    dataset: str
    columns: frozenset[str]
    approver: str
    legal_basis: str
    valid_from: date
    valid_to: date | None
    review_on: date | None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Forbidden:
    """A row of the negative list."""

    resource: str
    legal_basis: str
    reason_zh: str
    approver: str
    valid_from: date
    valid_to: date | None

    def covers(self, resource: str, day: date) -> bool:
        """Does it forbid this table, or this `table.column`, on this day?"""
        in_force = self.valid_from <= day and (self.valid_to is None or day < self.valid_to)
        return in_force and fnmatch.fnmatchcase(resource, self.resource)


def read_approvals(schemas: Path) -> dict[str, Approval]:
    """By id. Raises ContractError with file and line."""
    path = schemas / "approvals.csv"
    found: dict[str, Approval] = {}
    for line, row in _rows(path, {"id", "dataset", "columns", "approver", "legal_basis"}):
        where = f"{path}:{line}"
        if row["id"] in found:
            raise ContractError(f"the approval {row['id']} stands twice", where=where)
        columns = frozenset(c.strip() for c in row["columns"].split(";") if c.strip())
        if not columns:
            raise ContractError(f"the approval {row['id']} names no column", where=where)
        found[row["id"]] = Approval(
            row["id"],
            row["dataset"],
            columns,
            row["approver"],
            row["legal_basis"],
            _must(_day(row, "valid_from", where), "valid_from", where),
            _day(row, "valid_to", where),
            _day(row, "review_on", where),
        )
    return found


def read_negative_list(schemas: Path) -> list[Forbidden]:
    """Raises ContractError with file and line; a missing file is an error, too (P11)."""
    path = schemas / "negative_list.csv"
    found = []
    for line, row in _rows(path, {"resource", "legal_basis", "reason_zh", "approver"}):
        where = f"{path}:{line}"
        found.append(
            Forbidden(
                row["resource"],
                row["legal_basis"],
                row["reason_zh"],
                row["approver"],
                _must(_day(row, "valid_from", where), "valid_from", where),
                _day(row, "valid_to", where),
            )
        )
    return found


def read_restatements(schemas: Path) -> dict[str, dict[str, str]]:
    """Dataset → frozen period → why it is published anew; from `schemas/restatements.csv`
    (`dataset,period,reason,approver,valid_from,valid_to`), which may be missing."""
    path = schemas / "restatements.csv"
    found: dict[str, dict[str, str]] = {}
    if path.is_file():
        for _, row in _rows(path, {"dataset", "period", "reason", "approver"}):
            found.setdefault(row["dataset"], {})[row["period"]] = row["reason"]
    return found


def _rows(path: Path, needed: set[str]) -> list[tuple[int, Mapping[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise ContractError(
            "is missing", where=str(path), why="without it nothing may be published"
        ) from e
    except UnicodeDecodeError as e:
        raise ContractError("is not UTF-8", where=str(path)) from e
    numbered = [(n, ln) for n, ln in enumerate(text.splitlines(), 1) if ln and ln[0] != "#"]
    reader = csv.DictReader(io.StringIO("\n".join(ln for _, ln in numbered)))
    missing = needed | {"valid_from", "valid_to"}
    missing -= set(reader.fieldnames or ())
    if missing:
        raise ContractError(f"lacks the columns {', '.join(sorted(missing))}", where=f"{path}:1")
    rows: list[tuple[int, Mapping[str, str]]] = []
    for (line, _), row in zip(numbered[1:], reader, strict=True):
        if None in row or None in row.values():
            raise ContractError(
                "has another number of cells than the header", where=f"{path}:{line}"
            )
        empty = sorted(n for n in needed if not row[n].strip())
        if empty:
            raise ContractError(f"{empty[0]} is empty", where=f"{path}:{line}")
        rows.append((line, {k: v.strip() for k, v in row.items()}))
    return rows


def _day(row: Mapping[str, str], name: str, where: str) -> date | None:
    text = row.get(name) or ""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise ContractError(f"{name}: {text} is no day (YYYY-MM-DD)", where=where) from e


def _must(day: date | None, name: str, where: str) -> date:
    if day is None:
        raise ContractError(f"{name} is empty", where=where)
    return day
