"""The tickets as they are served, without a JVM, with what people said since then."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute

from onesource.config import Settings
from onesource.contracts.model import Catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.lake.manifest import read_manifest
from onesource.lake.reader import open_served
from onesource.lake.ticket_words import said
from onesource.run.ticket_fold import CLOSED, OPEN, SENT, STATES, WAITING
from onesource.run.ticket_log import EVENTS, TABLE

# Its stubs know no chunked columns.
pc: Any = pyarrow.compute
VALUES = ("value_a", "value_b", "decided_value", "round_values")
HIDDEN = "•••"


@dataclass(frozen=True)
class Wanted:
    """Which tickets: of one department (name or USCC), in one state, or overdue on a day."""

    day: date
    department: str | None = None
    state: str | None = None
    overdue: bool = False
    ids: tuple[str, ...] = ()


def tickets(settings: Settings, catalogue: Catalogue, wanted: Wanted) -> list[dict[str, Any]]:
    """The rows of `registry.ticket` that are wanted, those due first first.

    Raises UsageError for a department, state or ticket that is not there, and OneSourceError
    when no ticket was ever raised.
    """
    if wanted.state is not None and wanted.state not in STATES:
        raise UsageError(f"there is no state {wanted.state}", todo=f"one of {', '.join(STATES)}")
    table = _with_words(settings, _served(settings, catalogue))
    keep = _owned(table, catalogue, wanted.department)
    if wanted.ids:
        known = set(table["ticket_id"].to_pylist()) if len(wanted.ids) > 1 else None
        keep = pc.and_(keep, pc.is_in(table["ticket_id"], pa.array(wanted.ids)))
        missing = [i for i in wanted.ids if known is not None and i not in known]
        if missing or not pc.any(keep).as_py():
            raise UsageError(
                f"there is no ticket {(missing or wanted.ids)[0]}",
                todo="onesource tickets list shows them",
            )
    if wanted.state:
        keep = pc.and_(keep, pc.equal(table["state"], wanted.state))
    if wanted.overdue:
        keep = pc.and_(keep, _overdue(table, wanted.day))
    found: list[dict[str, Any]] = table.filter(keep).to_pylist()
    return sorted(found, key=lambda r: (r["due_on"], r["ticket_id"]))


def _served(settings: Settings, catalogue: Catalogue, columns: list[str] | None = None) -> pa.Table:
    contract = catalogue.tables.get(TABLE)
    if contract is None:
        raise OneSourceError("this project has no tickets", where=f"schemas/{TABLE}.yaml")
    source = open_served(settings, contract, read_manifest(settings))
    table: pa.Table = source.data.to_table(columns=columns)
    return table


def _with_words(settings: Settings, table: pa.Table) -> pa.Table:
    """What was sent and closed since the last run counts at once."""
    words: dict[tuple[str, int], str] = {}
    for w in said(settings):
        key = (w["ticket_id"], w["round"])
        if words.get(key) != CLOSED:
            words[key] = w["event"]
    if not words:
        return table
    rows = zip(*(table[c].to_pylist() for c in ("ticket_id", "round", "state")), strict=True)
    states = [_now(state, words.get((i, r))) for i, r, state in rows]
    at = table.schema.get_field_index("state")
    return table.set_column(at, "state", pa.array(states, pa.string()))


def _now(state: str, word: str | None) -> str:
    if word == CLOSED:
        return CLOSED
    return SENT if word == SENT and state == OPEN else state


def _overdue(table: pa.Table, day: date) -> Any:
    turn = pc.is_in(table["state"], pa.array(WAITING))
    return pc.and_(turn, pc.less(table["due_on"], pa.scalar(day)))


def _owned(table: pa.Table, catalogue: Catalogue, department: str | None) -> Any:
    if department is None:
        return pc.is_valid(table["ticket_id"])
    codes = {
        str(d["uscc"]) for d in catalogue.city.departments if department in (d["uscc"], d["name"])
    }
    keep = pc.or_(
        pc.is_in(table["owner_uscc"], pa.array(sorted(codes), pa.string())),
        pc.equal(table["owner"], department),
    )
    keep = pc.fill_null(keep, False)
    if not codes and not pc.any(keep).as_py():
        owners = sorted({str(o) for o in table["owner"].to_pylist()})
        raise UsageError(
            f"there is no department {department}",
            todo=f"those with tickets: {', '.join(owners) or 'none'}",
        )
    return keep


@dataclass(frozen=True)
class DepartmentTickets:
    """A department's tickets today. answered: settled, but the conflict is still seen."""

    owner: str
    owner_uscc: str
    open: int
    sent: int
    overdue: int
    answered: int
    closed: int
    next_due: str | None

    @property
    def waiting(self) -> int:
        return self.open + self.sent


def by_department(
    settings: Settings, catalogue: Catalogue, day: date
) -> tuple[DepartmentTickets, ...]:
    """One entry a department that has or had a ticket, most waiting first."""
    if TABLE not in catalogue.tables or TABLE not in read_manifest(settings).tables:
        return ()
    columns = ["ticket_id", "round", "owner", "owner_uscc", "state", "due_on"]
    try:
        table = _served(settings, catalogue, columns)
    except pa.ArrowInvalid:
        return ()  # a table of an earlier release; the next run makes it anew
    table = _with_words(settings, table)
    table = table.append_column("late", _overdue(table, day))
    keys = ["owner_uscc", "owner", "state", "late"]
    groups = table.group_by(keys).aggregate([([], "count_all"), ("due_on", "min")]).to_pylist()
    counts: dict[tuple[str, str], Counter[str]] = {}
    due: dict[tuple[str, str], date] = {}
    for g in groups:
        key = (g["owner"], g["owner_uscc"] or "")
        c = counts.setdefault(key, Counter())
        c[g["state"]] += g["count_all"]
        c["late"] += g["count_all"] if g["late"] else 0
        if g["state"] in WAITING:
            due[key] = min(due.get(key, g["due_on_min"]), g["due_on_min"])
    found = [
        DepartmentTickets(
            owner,
            code,
            c[OPEN],
            c[SENT],
            c["late"],
            sum(c[s] for s in STATES if s not in (*WAITING, CLOSED)),
            c[CLOSED],
            due[owner, code].isoformat() if (owner, code) in due else None,
        )
        for (owner, code), c in counts.items()
    ]
    return tuple(sorted(found, key=lambda d: (-d.waiting, d.owner)))


def events_of(settings: Settings, catalogue: Catalogue, ticket_id: str) -> list[dict[str, Any]]:
    """What happened to one ticket, oldest first, with what was said since the last run."""
    source = open_served(settings, catalogue.tables[EVENTS], read_manifest(settings))
    table = source.data.to_table(filter=pc.field("ticket_id") == ticket_id)
    found = table.sort_by([("at", "ascending")]).to_pylist()
    known = {e["event_id"] for e in found}
    new = [w for w in said(settings) if w["ticket_id"] == ticket_id]
    return [*found, *(w for w in new if w["event_id"] not in known)]


def is_personal(catalogue: Catalogue, registry: str, attribute: str) -> bool:
    """Do values of this attribute describe a person? An attribute that the registry's contract
    does not know does where any of its fields does."""
    contract = catalogue.tables.get(registry)
    if contract is None:
        return True
    marked = {
        f.name: f.properties.identifier != "none" or f.properties.personal is not None
        for f in contract.fields
    }
    return marked.get(attribute, any(marked.values()))


def without_values(catalogue: Catalogue, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the values of persons hidden."""
    hidden = []
    for row in rows:
        if is_personal(catalogue, row["registry"], row["attribute"]):
            row = row | {n: HIDDEN for n in VALUES if row.get(n)}
        hidden.append(row)
    return hidden


def reply_code(ticket_id: str, number: int) -> str:
    """What names a round of a ticket in a department's workbook: id, round, check."""
    name = f"{ticket_id}-{number}"
    return f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
