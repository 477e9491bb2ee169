"""Rows of one file as a chunk writes them: columns, who is meant, and what was planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onesource.simulate.city.numbers import Ints, Objects, texts

# The columns of relief lists whose cells are merged over a household.
OF_HOUSEHOLD = (
    "certificate_no",
    "household_no",
    "head_name",
    "category",
    "amount_yuan",
    "started_on",
    "division_code",
)


@dataclass
class Rows:
    """Columns by the contract's field; `who` by role: `subject`, `mother`, `husband`, …"""

    feed: str
    file: str  # <night>/<name>
    columns: dict[str, Objects]
    who: dict[str, Objects]
    faults: list[Planted] = field(default_factory=list)
    shifted: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Planted:
    """One fault in a row of this part (None: not in a row)."""

    kind: str
    row: int | None
    entity: str
    field: str
    written: str
    true_value: str


def same(value: str, count: int) -> Objects:
    return texts([value] * count)


def pick(values: Objects, at: Ints) -> Objects:
    """The elements at the places; an empty text where a place is -1."""
    out: Objects = values[np.maximum(at, 0)].copy()
    out[at < 0] = ""
    return out


def append(rows: Rows, columns: dict[str, str], who: str = "") -> int:
    """One more row at the end; its place."""
    for name, values in rows.columns.items():
        rows.columns[name] = np.append(values, np.array([columns.get(name, "")], dtype=object))
    for role, entities in rows.who.items():
        rows.who[role] = np.append(entities, np.array([who], dtype=object))
    return len(rows) - 1


def row(rows: Rows, at: int) -> dict[str, Any]:
    return {name: values[at] for name, values in rows.columns.items()}
