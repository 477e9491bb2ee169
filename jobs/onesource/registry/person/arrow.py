"""Voices from Arrow batches to components, and survivors back to Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from onesource.registry.person.belief import Belief
from onesource.registry.person.death import Death
from onesource.registry.person.decided import is_asked, open_conflicts
from onesource.registry.person.model import ATTRIBUTES, Status, Voice
from onesource.registry.person.survive import (
    Providers,
    persons_at,
    sources_json,
    survive,
)

# What a component's voices are read from, in this order.
READ = (
    "_component", "_atom", "_unit", "source", "source_key", "role", "event", "said_from",
    "said_to", "known_from", "known_to", "statement_at", "_order", "id_type", "id_no", "name",
    "sex", "birth_date", "attributes", "delivery_id", "sheet", "line",
    "_ends_by_itself",
)  # fmt: skip
_CONFLICT = pa.struct(
    [
        (name, pa.string())
        for name in (
            "entity", "attribute", "value_a", "source_a", "value_b", "source_b", "evidence_a",
            "evidence_b", "detail_zh", "detail_en",
        )
    ]
)  # fmt: skip
_DATES = frozenset({"birth_date"})
_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("person_id", pa.string()),
        *[(a, pa.date32() if a in _DATES else pa.string()) for a in ATTRIBUTES],
        ("status", pa.string()),
        ("death_date", pa.date32()),
        ("county_code", pa.string()),
        ("is_registered", pa.bool_()),
        ("is_present", pa.bool_()),
        ("is_disputed", pa.bool_()),
        ("is_number_shared", pa.bool_()),
        ("sources", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("known_from", _TIME),
        ("known_to", _TIME),
        ("_component", pa.string()),
        ("_conflicts", pa.list_(_CONFLICT)),
        # What is disputed by the person's own voices; what others add to it: `pairs.marked`.
        ("_is_asked", pa.bool_()),
    ]
)
SPARK_SCHEMA = ", ".join(
    f"`{f.name}` "
    + {
        pa.string(): "string",
        pa.date32(): "date",
        pa.bool_(): "boolean",
        _TIME: "timestamp",
    }.get(f.type, "array<struct<" + ",".join(f"{n.name}:string" for n in _CONFLICT) + ">>")
    for f in SCHEMA
)
_ROWS = 20_000
_GONE = frozenset({Status.DEAD, Status.MOVED_OUT, Status.DUPLICATE, Status.CANCELLED})


def components(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, list[Voice]]]:
    """The voices of each component; the batches come sorted by `_component`."""
    current: str | None = None
    voices: list[Voice] = []
    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in READ]
        for row in zip(*columns, strict=True):
            if row[0] != current:
                if voices:
                    yield current or "", voices
                current, voices = row[0], []
            voices.append(_voice(row))
    if voices:
        yield current or "", voices


def _voice(row: tuple[Any, ...]) -> Voice:
    (_, atom, unit, source, key, role, event, said_from, said_to, known_from, known_to, at, order,
     id_type, id_no, name, sex, birth, attributes, delivery, sheet, line,
     ends_by_itself) = row  # fmt: skip
    values: dict[str, str] = json.loads(attributes) if attributes else {}
    for attribute, value in (
        ("id_no", id_no),
        ("id_type", id_type or ("01" if id_no else None)),
        ("name", name),
        ("sex", sex),
        # A day of birth after the statement fails its check: it is no word on the person.
        ("birth_date", birth.isoformat() if birth is not None and birth <= at.date() else None),
    ):
        if value is not None:
            values[attribute] = value
    start = said_from or at.date()
    place = f"{delivery}/{sheet or ''}/{line}"
    return Voice(source, key or "", role, atom, unit, event or "state", start, said_to, known_from,
                 known_to, at, order or "", values, place, bool(ends_by_itself))  # fmt: skip


def survivors(batches: Iterable[pa.RecordBatch], providers: Providers) -> Iterator[pa.RecordBatch]:
    """Rows of `SCHEMA` of every component."""
    rows: list[tuple[Any, ...]] = []
    for component, voices in components(batches):
        rows += _component_rows(component, voices, providers)
        if len(rows) >= _ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _component_rows(
    component: str, voices: list[Voice], providers: Providers
) -> Iterator[tuple[Any, ...]]:
    now = {p.person_id: p for p in persons_at([v for v in voices if v.known_to is None], None)}
    for pid, believed in survive(voices, providers).items():
        last = _last(believed)
        found = open_conflicts(now[pid], last.state, providers) if last and pid in now else []
        asked = pid in now and is_asked(now[pid], found)
        for b in believed:
            disputed = b.known_to is None and b.valid_to is None and asked
            yield _row(pid, b, component, found if b is last else [], disputed)


def _last(believed: list[Belief]) -> Belief | None:
    """What is believed now of the latest days."""
    now = [b for b in believed if b.known_to is None]
    return max(now, key=lambda b: b.valid_from) if now else None


def _row(pid: str, b: Belief, component: str, found: list[Any], disputed: bool) -> tuple[Any, ...]:
    *won, status, death = b.state
    values = {a: w.value if w is not None else None for a, w in zip(ATTRIBUTES, won, strict=True)}
    cells: list[Any] = [_cell(a, values[a]) for a in ATTRIBUTES]
    division = values["current_division_code"] or values["hukou_division_code"]
    return (
        pid,
        *cells,
        status,
        death.on if isinstance(death, Death) else None,
        f"{division[:6]}000000" if division else None,
        status in (Status.REGISTERED, Status.MAYBE_DEAD),
        status not in _GONE and division is not None,
        disputed,
        False,
        sources_json(won),
        b.valid_from,
        b.valid_to,
        b.known_from,
        b.known_to,
        component,
        [c._asdict() for c in found] or None,
        disputed,
    )


def _cell(attribute: str, value: str | None) -> str | date | None:
    return date.fromisoformat(value) if value is not None and attribute in _DATES else value


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def atom_owners(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """`_atom, person_id` as known now, for components of more than one atom."""
    for _, voices in components(batches):
        rows: dict[str, list[str]] = {"_atom": [], "person_id": []}
        now = [v for v in voices if v.known_to is None] or voices
        for person in persons_at(now, None):
            for atom in sorted(person.atoms):
                rows["_atom"].append(atom)
                rows["person_id"].append(person.person_id)
        yield pa.RecordBatch.from_pydict(rows)
