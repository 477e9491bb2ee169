"""Of a registry row with sources per attribute: whose word won, why, and whose lost.

Such a table has a column `sources` (JSON: attribute → feed and reason) and, beside it, a table of
the same name with `_source` behind that keeps every voice with delivery and line. What a voice
said of a person is not shown, only whether it agrees with what is served.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract
from onesource.errors import OneSourceError
from onesource.lake import reader
from onesource.lake.manifest import Manifest
from onesource.run.provenance import Place, Values, place_of, rows_where

if TYPE_CHECKING:
    import duckdb

_VOICES = 500
# Reasons as the registries write them → words.
REASONS: Mapping[str, tuple[str, str]] = {
    "authoritative": ("数源清单首位", "the first of the source-of-record list"),
    "fills_null": ("前位来源无值，由其补充", "those before it say nothing"),
    "fresher": ("前位来源已超过最长时效", "those before it are older than their maximum age"),
    "valid": ("前位来源的值未通过校验", "those before it fail their check"),
    "decided": ("校核工单已裁定", "a ticket decided it"),
}


@dataclass(frozen=True)
class Heard:
    """One voice on one attribute: who, from when, by which line, and whether it agrees."""

    source: str
    said_from: str
    said_to: str
    stated: str
    place: Place
    agrees: bool


@dataclass(frozen=True)
class Attribute:
    """One attribute: the source that won and why, and all voices on it, the winner's first."""

    name: str
    name_zh: str
    source: str
    reason_zh: str
    reason_en: str
    voices: tuple[Heard, ...]


def attributes_of(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    contract: Contract,
    manifest: Manifest,
    values: Values,
    notes: list[str],
) -> tuple[Attribute, ...]:
    """What is known of each attribute of a row; empty for a table without `sources`."""
    evidence = catalogue.tables.get(f"{contract.table}_source")
    if not values.get("sources") or evidence is None:
        return ()
    try:
        if not _is_open(con, evidence):
            reader.add_view(con, reader.open_served(settings, evidence, manifest), evidence)
        own = contract.key[0]
        voices = rows_where(con, evidence.table, {own: values.get(own)}, _VOICES)
    except OneSourceError as e:
        notes.append(e.line())
        return ()
    known = [v for v in voices if v.get("known_to") is None]
    sources: Mapping[str, Sequence[str]] = json.loads(values["sources"] or "{}")
    return tuple(
        _attribute(settings, catalogue, contract, name, won, values, known)
        for name, won in sources.items()
    )


def _is_open(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    layer, name = contract.table.split(".", 1)
    found = con.execute(
        "SELECT count(*) FROM duckdb_views() WHERE schema_name = ? AND view_name = ?", [layer, name]
    ).fetchone()
    return found is not None and found[0] > 0


def _attribute(
    settings: Settings,
    catalogue: Catalogue,
    contract: Contract,
    name: str,
    won: Sequence[str],
    values: Values,
    voices: Sequence[Values],
) -> Attribute:
    source, why = won
    heard: list[Heard] = []
    for v in voices:
        said = _said(v, name)
        if said is not None:
            feed = catalogue.feeds.get(str(v["source"]))
            where = (v.get("delivery_id"), v.get("sheet"), v.get("line"))
            # What was decided on a ticket came with no line of a feed of persons.
            place = place_of(settings, feed, *where) if feed else Place(where[0] or "", *where[1:])
            heard.append(
                Heard(
                    str(v["source"]),
                    v.get("said_from") or "",
                    v.get("said_to") or "",
                    v.get("statement_at") or "",
                    place,
                    said == values.get(name),
                )
            )
    heard.sort(key=lambda h: (h.source != source, not h.agrees, h.source, h.said_from))
    zh, en = REASONS.get(why, (why, why))
    return Attribute(name, contract.field(name).business_name, source, zh, en, tuple(heard))


def _said(voice: Values, name: str) -> str | None:
    if voice.get(name) is not None:
        return voice[name]
    said: Mapping[str, str | None] = json.loads(voice.get("attributes") or "{}")
    return said.get(name)
