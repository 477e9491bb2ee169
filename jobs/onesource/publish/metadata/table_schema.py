"""Frictionless Table Schema and `dictionary.csv` of a dataset."""

from __future__ import annotations

import csv
import io
from typing import Any

from onesource.contracts.model import Contract, FieldSpec

_TYPE = {"timestamp": "datetime", "time": "string"}
# Table Schema's names of what ODCS says in logicalTypeOptions.
_CONSTRAINTS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "minLength",
    "maxLength": "maxLength",
    "pattern": "pattern",
}
DICTIONARY = (
    "name",
    "name_zh",
    "type",
    "unit",
    "codelist",
    "is_key",
    "is_nullable",
    "description",
    "sharing",
    "opening",
    "disclosure",
    "security_level",
    "legal_basis",
)


def table_schema(dataset: Contract) -> dict[str, Any]:
    """The Table Schema (Frictionless) of the CSV."""
    return {
        "fields": [_field(f) for f in dataset.fields],
        "primaryKey": list(dataset.key),
        "missingValues": [""],
    }


def _field(f: FieldSpec) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": f.name,
        "title": f.business_name,
        "type": _TYPE.get(f.logical_type, f.logical_type),
    }
    if made["type"] == "datetime":
        made["format"] = "%Y-%m-%dT%H:%M:%S%z"
    if f.description:
        made["description"] = " ".join(f.description.split())
    if f.properties.unit:
        made["unit"] = f.properties.unit
    constraints: dict[str, Any] = {
        ours: f.options[theirs]
        for theirs, ours in _CONSTRAINTS.items()
        # What disclosure control takes away is null, whatever the bounds are.
        if theirs in f.options
    }
    if f.required:
        constraints["required"] = True
    if f.enum:
        constraints["enum"] = list(f.enum)
    if constraints:
        made["constraints"] = constraints
    return made


def dictionary_csv(dataset: Contract) -> str:
    """The data dictionary: one row a column, header as in `DICTIONARY`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(DICTIONARY)
    d = dataset.properties
    for f in dataset.fields:
        p = f.properties
        writer.writerow(
            (
                f.name,
                f.business_name,
                f.physical_type or f.logical_type,
                p.unit or "",
                p.codelist or "",
                str(f.primary_key).lower(),
                str(not f.required).lower(),
                " ".join(f.description.split()),
                p.sharing or d.sharing,
                p.opening or d.opening,
                p.disclosure or d.disclosure,
                p.security_level or d.security_level,
                p.lawful_publication or "",
            )
        )
    return out.getvalue()
