"""`onesource new open`: the contract of an open dataset, to be finished and approved by people."""

from __future__ import annotations

import re
from typing import Any

import yaml

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Contract, FieldSpec, Kind
from onesource.errors import UsageError
from onesource.lake.files import write_atomically

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def new_open_command(settings: Settings, name: str, source: str) -> int:
    """Writes `schemas/open/<name>.yaml` over a curated table. Never overwrites. Exit code 0.

    Every property begins closed: the dataset is held until somebody has opened and approved it.
    Raises UsageError for an id of another form, a contract that exists, or an unknown source.
    """
    short = name.removeprefix("open.")
    if not _NAME.fullmatch(short):
        raise UsageError(f"{name} is no name", todo="small letters, digits and single _")
    catalogue = load_catalogue(settings.schemas)
    path = settings.schemas / "open" / f"{short}.yaml"
    if path.exists():
        raise UsageError(f"{path} exists already", todo="nothing was changed; edit it by hand")
    table = catalogue.tables.get(source)
    if table is None or table.kind is not Kind.CURATED or not table.key:
        known = ", ".join(sorted(c.table for c in catalogue.curated.values() if c.key))
        raise UsageError(f"{source} is no curated table with a key", todo=f"one of {known}")
    text = yaml.safe_dump(
        _contract(short, table, catalogue.city.code), allow_unicode=True, sort_keys=False, width=96
    )
    write_atomically(path, f"# TODO: one line that says what it is.\n{text}")
    columns = ";".join(table.field_names)
    print(f"written: {path.relative_to(settings.home)}")
    print(
        f"""
What to do next:
  1. Take out the columns that nobody outside needs; set the words marked TODO, and the four
     properties (sharing, opening, disclosure, security_level) as the department decided.
  2. Have it approved, and add the line to schemas/approvals.csv:
     TODO-ID,{short},{columns},APPROVER,LEGAL BASIS,YYYY-MM-DD,,YYYY-MM-DD
  3. onesource check           says what would hold it, and why
  4. onesource release
"""
    )
    return 0


def _contract(name: str, table: Contract, city: str) -> dict[str, Any]:
    own = {
        "catalogue_code": "TODO",
        "provider_uscc": table.properties.provider_uscc or "TODO",
        "permanent_uri": f"https://data.example.org/id/dataset/{name}",
        "update_cycle": "每月",
        "sharing": table.properties.sharing,
        "opening": "不可公开",
        "disclosure": "不予公开",
        "security_level": table.properties.security_level,
    }
    described = {
        "source": table.table,
        "theme": "TODO",
        "theme_eu": "GOVE",
        "name_en": "TODO",
        "summary_zh": "TODO",
        "keywords": ["TODO"],
        "grain": "TODO",
        "licence": "CC-BY-4.0",
        "licence_uri": "https://creativecommons.org/licenses/by/4.0/",
        "spatial": city,
        "contact": "TODO",
        "approval": "TODO-ID",
    }
    custom = [{"property": k, "value": v} for k, v in (own | {"open": described}).items()]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"open.{name}",
        "name": table.business_name,
        "version": "1.0.0",
        "status": "draft",
        "domain": "open",
        "description": {"purpose": table.purpose or "TODO"},
        "customProperties": custom,
        "schema": [
            {
                "name": name,
                "physicalType": "table",
                "properties": [_field(f, table) for f in table.fields],
            }
        ],
    }


def _field(f: FieldSpec, table: Contract) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": f.name,
        "businessName": f.business_name,
        "logicalType": f.logical_type,
    }
    if f.physical_type:
        made["physicalType"] = f.physical_type
    if f.description:
        made["description"] = " ".join(f.description.split())
    if f.primary_key:
        made |= {"primaryKey": True, "primaryKeyPosition": table.key.index(f.name) + 1}
    p = f.properties
    kept = {"unit": p.unit, "codelist": p.codelist, "period_kind": p.period_kind}
    custom = [{"property": k, "value": v} for k, v in kept.items() if v]
    return made | ({"customProperties": custom} if custom else {})
