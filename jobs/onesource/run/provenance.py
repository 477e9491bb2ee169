"""Rows found again by their values, and the places in deliveries from which they came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onesource.config import Settings
from onesource.contracts.model import Contract, FieldSpec
from onesource.errors import OneSourceError
from onesource.ingest import landing
from onesource.lake.paths import landing_path
from onesource.lake.reader import identifier

if TYPE_CHECKING:
    import duckdb

Values = dict[str, str | None]
# Stands for a value that names a person: the values themselves stay in their zone.
PERSONAL = "(personal 个人信息)"


@dataclass(frozen=True)
class Place:
    """A line of a delivery, and what is known of the delivery (None: its record is gone)."""

    delivery_id: str
    sheet: str | None
    line: str | None
    record: landing.Record | None = None


def place_of(
    settings: Settings,
    feed: Contract,
    delivery: str | None,
    sheet: str | None = None,
    line: str | None = None,
) -> Place:
    """A line of a delivery with the delivery's record, where it can be read."""
    record = None
    if delivery:
        try:
            record = _masked(landing.read_record(landing_path(settings, feed) / delivery), feed)
        except OneSourceError:
            record = None
    return Place(delivery or "", sheet, line, record)


def _masked(record: landing.Record, feed: Contract) -> landing.Record:
    personal = {f.name for f in feed.fields if is_personal(f)}
    scope = {k: PERSONAL if v and k in personal else v for k, v in record.scope.items()}
    return replace(record, scope=scope)


def rows_where(
    con: duckdb.DuckDBPyConnection, table: str, wanted: Mapping[str, str | None], limit: int
) -> list[Values]:
    """Rows of a view in which these columns have these values, every value as text."""
    layer, name = table.split(".", 1)
    view = f"{identifier(layer)}.{identifier(name)}"
    types = {str(r[0]): str(r[1]) for r in con.execute(f"DESCRIBE {view}").fetchall()}
    missing = [c for c in wanted if c not in types]
    if missing:
        raise OneSourceError(f"{table} has no column {missing[0]}")
    where = " AND ".join(
        f"{identifier(c)} IS NOT DISTINCT FROM TRY_CAST(? AS {types[c]})" for c in wanted
    )
    texts = ", ".join(_as_text(c, t) for c, t in types.items())
    order = ", ".join(c for c in ("valid_from", "known_from") if c in types)
    sql = f"SELECT {texts} FROM {view} WHERE {where or 'true'}"
    sql += (f" ORDER BY {order}" if order else "") + f" LIMIT {limit}"
    found = con.execute(sql, list(wanted.values())).fetchall()
    return [dict(zip(types, row, strict=True)) for row in found]


def _as_text(column: str, kind: str) -> str:
    name = identifier(column)
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    return f"CAST({f'to_json({name})' if nested else name} AS VARCHAR)"


def is_personal(f: FieldSpec) -> bool:
    return f.properties.identifier != "none" or f.properties.personal is not None
