"""The definition of a table as one digest: when it changes, the table is built anew."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence, Set
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onesource import digests
from onesource.clean.context import uses_divisions
from onesource.clean.standardisers import STANDARDISERS
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.contracts.properties import History
from onesource.curate.persons import uses_person_key
from onesource.curate.sqlfiles import CuratedSql
from onesource.person_keys import PersonKey
from onesource.quality.rules import Rule

# Raised when the code gives another result for the same contract and the same input.
PIPELINE = 1
# The same for tables on two clocks alone. 2: what full statements repeat is not kept again.
HISTORIES = 2

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
    contract: Contract,
    catalogue: Catalogue,
    rules: Sequence[Rule],
    sql: CuratedSql | None = None,
    day: date | None = None,
    key: PersonKey | None = None,
) -> str:
    """Digest of all that decides what a table holds, beside its inputs.

    day: that of the run, on which the source-of-record list is read. key: what its id tokens and
    person keys are made with; of a table without any it decides nothing.
    """
    lists = {
        name: catalogue.codelists[name].digest
        for name in sorted(_lists(contract, catalogue, sql))
        if name in catalogue.codelists
    }
    parts: dict[str, Any] = {
        "pipeline": PIPELINE,
        "contract": _meaning(contract.raw),
        "codelists": lists,
        "rules": sorted(f"{r.id}|{r.expectation}|{r.kwargs}|{r.severity}|{r.on}" for r in rules),
        "sql": sql.text if sql else None,
    }
    if contract.kind is Kind.REGISTRY and contract.properties.builder:
        parts["builder"] = _source(contract.properties.builder)
        if day is not None and catalogue.source_of_record.rules:
            parts["source_of_record"] = catalogue.source_of_record.digest(day)
    if key is not None and uses_person_key(contract, sql):
        parts["person_key"] = key.id
    return digests.of_json(parts)


def _lists(contract: Contract, catalogue: Catalogue, sql: CuratedSql | None) -> set[str]:
    """The code lists that the table stands on."""
    if contract.kind is Kind.REGISTRY:
        return set(catalogue.codelists)  # a builder may read any of them
    found = {n.removeprefix("codelist.") for n in (sql.inputs if sql else ()) if _is_list(n)}
    for f in contract.fields:
        if f.properties.codelist:
            found.add(f.properties.codelist)
        if contract.kind is Kind.FEED:
            found |= {*STANDARDISERS[f.standardiser.name].lists, *f.standardiser.args.values()}
    return found


def _is_list(name: str) -> bool:
    return name.startswith("codelist.")


# The parts of a delivery's description that the readers look at.
_READ_BY = frozenset(
    {"pattern", "format", "encoding", "delimiter", "quote", "sheets", "header", "fill_down"}
    | {"skip_rows", "skip_rows_in", "footer", "envelope", "crs"}
)


def reading(feed: Contract) -> str:
    """Digest of all that decides how a delivered file becomes rows of bronze."""
    fields = [
        [f.name, f.headers, f.required, f.primary_key, _json(f.properties.origin)]
        for f in feed.fields
    ]
    return digests.of_json([PIPELINE, _json(feed.delivery, _READ_BY), fields])


def _json(model: BaseModel | None, only: Set[str] | None = None) -> Any:
    return model and model.model_dump(mode="json", include=set(only) if only else None)


def feed_definition(
    feed: Contract,
    catalogue: Catalogue,
    rules: Sequence[Rule],
    divisions: str | None,
    key: PersonKey | None = None,
) -> str:
    """The definition of a feed's silver table.

    feed: as it is delivered.
    divisions: the versions of the registry of divisions that its standardisers read (None: the
    index that ships). Another one may read a delivered name in another way.
    """
    own = [definition(feed, catalogue, rules, key=key), reading(feed)]
    if feed.history is History.BITEMPORAL:
        own.append(f"histories {HISTORIES}")
    return digests.of_json([*own, divisions] if uses_divisions(feed) else own)


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
