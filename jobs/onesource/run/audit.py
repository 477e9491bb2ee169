"""Who read a person's rows: answered from `ops.reads`, which holds no number of anybody.

A read that knows whose rows it shows writes their audit keys down: HMAC(audit key, person_id), and
of rows that have a number and no person_id, of the number. A statement of SQL reads tables; that
may have shown everybody in them, and is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onesource import person_keys
from onesource.config import Settings
from onesource.contracts.model import Catalogue, Kind
from onesource.lake import ops, reader
from onesource.lake.manifest import read_manifest
from onesource.registry.tokens.forms import forms

_PERSON, _NUMBER = "person", "number"
_TOKENS = "registry.person_token"


@dataclass(frozen=True)
class Read:
    """One read: `is_certain` where it is on record that this person's rows were shown."""

    at: str
    who: str
    command: str
    tables: tuple[str, ...]
    purpose: str
    is_certain: bool


def audit_keys(settings: Settings, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The audit keys of the persons of these rows, by `person_id` and `…id_no` columns."""
    ids: set[tuple[str, str]] = set()
    for row in rows:
        for name, value in row.items():
            if not value:
                continue
            if name == "person_id" or name.endswith("_person_id"):
                ids.add((_PERSON, str(value)))
            elif name == "id_no" or name.endswith("_id_no"):
                ids |= {(_NUMBER, form) for form in forms(str(value))}
    if not ids:
        return ()
    key = person_keys.audit_key(settings.keys)
    return tuple(sorted(key.key(kind, value) for kind, value in ids))


def reads_of(
    settings: Settings, catalogue: Catalogue, who: str, since: datetime | None
) -> Iterator[Read]:
    """The reads of a person, the newest first. who: a person_id, or any number that it ever had."""
    wanted = set(audit_keys(settings, _everything(settings, catalogue, who)))
    found = sorted(ops.rows(settings, "reads"), key=lambda r: str(r.get("at")), reverse=True)
    for row in found:
        at = str(row.get("at"))
        if since is not None and datetime.fromisoformat(at) < since:
            continue
        people, tables = set(row.get("people") or ()), tuple(row.get("tables") or ())
        certain = bool(people & wanted)
        if certain or (not people and any(_names_persons(catalogue, t) for t in tables)):
            yield Read(
                at,
                str(row.get("who")),
                str(row.get("command")),
                tables,
                str(row.get("purpose") or ""),
                certain,
            )


def _everything(settings: Settings, catalogue: Catalogue, who: str) -> list[dict[str, str]]:
    """A person_id, or a number with the persons who have it: as rows for `audit_keys`."""
    contract, manifest = catalogue.tables.get(_TOKENS), read_manifest(settings)
    if not forms(who) or who.startswith("P") or contract is None or _TOKENS not in manifest.tables:
        return [{"person_id": who}, {"id_no": who}]
    ring = person_keys.ring(settings.keys)
    tokens = [key.token(form) for key in ring.keys for form in forms(who)]
    with reader.database() as con:
        reader.add_view(con, reader.open_served(settings, contract, manifest), contract)
        marks = ", ".join("?" for _ in tokens)
        people = con.execute(
            f"SELECT DISTINCT person_id FROM {_TOKENS} WHERE id_token IN ({marks})", tokens
        ).fetchall()
    return [{"id_no": who}, *({"person_id": str(p)} for (p,) in people)]


def _names_persons(catalogue: Catalogue, table: str) -> bool:
    """Does the table, its quarantine or bronze hold rows of persons?"""
    layer, _, name = table.partition(".")
    if layer in ("quarantine", "bronze", "landing"):
        feeds = [c for c in catalogue.feeds.values() if name in (c.table_name, c.id)]
        return any(f.properties.identifier == "direct" for c in feeds for f in c.fields)
    contract = catalogue.tables.get(table)
    if contract is None:
        return False
    return contract.holds_identities or (
        contract.kind is Kind.REGISTRY
        and any(n == "person_id" or n.endswith("_person_id") for n in contract.field_names)
    )
