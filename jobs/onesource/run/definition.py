"""The definition of a table as one digest: when it changes, the table is built anew."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from onesource import digests
from onesource.clean.context import uses_divisions
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.quality.rules import Rule

# Raised when the code gives another result for the same contract and the same input.
PIPELINE = 1

# Words for people: a better description is no other table.
_WORDS = frozenset(
    {
        "description",
        "businessName",
        "examples",
        "tags",
        "version",
        "status",
        "name_zh",
        "steward",
        "permanent_uri",
        "catalogue_code",
    }
)


def definition(
    contract: Contract, catalogue: Catalogue, rules: Sequence[Rule], sql: str | None = None
) -> str:
    """Digest of all that decides what a table holds, beside its inputs."""
    lists = {
        f.properties.codelist: catalogue.codelists[f.properties.codelist].digest
        for f in contract.fields
        if f.properties.codelist and f.properties.codelist in catalogue.codelists
    }
    parts: dict[str, Any] = {
        "pipeline": PIPELINE,
        "contract": _meaning(contract.raw),
        "codelists": lists,
        "rules": sorted(f"{r.id}|{r.expectation}|{r.kwargs}|{r.severity}|{r.on}" for r in rules),
        "sql": sql,
    }
    if contract.kind is Kind.REGISTRY and contract.properties.builder:
        parts["builder"] = _source(contract.properties.builder)
    return digests.of_json(parts)


def feed_definition(
    feed: Contract, catalogue: Catalogue, rules: Sequence[Rule], divisions: str | None
) -> str:
    """The definition of a feed's silver table.

    divisions: the versions of the registry of divisions that its standardisers read (None: the
    index that ships). Another one may read a delivered name in another way.
    """
    own = definition(feed, catalogue, rules)
    return digests.of_json([own, divisions]) if uses_divisions(feed) else own


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        if "property" in value and value["property"] in _WORDS:
            return None
        return {
            str(k): _meaning(v)
            for k, v in value.items()
            if k not in _WORDS or (k == "name" and isinstance(v, str))
        }
    if isinstance(value, list):
        return [m for v in value if (m := _meaning(v)) is not None]
    return str(value) if hasattr(value, "isoformat") else value


@cache
def _source(builder: str) -> str:
    """Digest of the code that a builder stands on: its own room, and the reading of divisions."""
    rooms = [builder.split(":", 1)[0].rsplit(".", 1)[0], "onesource.clean.geography"]
    files: list[Path] = []
    for room in rooms:
        spec = importlib.util.find_spec(room)
        for place in (spec.submodule_search_locations or []) if spec else []:
            files += sorted(Path(place).rglob("*.py"))
    return digests.of_json([[f.name, digests.of_file(f)] for f in files])


def step_digest(table: str, inputs: Any, definition_digest: str) -> str:
    """Names a step: the same table from the same inputs under the same definition."""
    return digests.short(digests.of_json([table, inputs, definition_digest]))
