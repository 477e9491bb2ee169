"""A small city for tests: contracts written in a few lines, a lake of its own, and one call each to
deliver and to run. All data are made up."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from onesource.cli.deliver import deliver_files
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Contract
from onesource.ingest.deliver import Outcome
from onesource.lake.digest import content_digest
from onesource.lake.manifest import read_manifest
from onesource.lake.reader import open_served
from onesource.run.engine import RunReport, run

USCC = "11141100MB9X0004XA"  # synthetic, with a valid check digit

CITY: dict[str, Any] = {
    "name": "示例市",
    "code": "141100",
    "sectors": {"base": "基础", "energy": "能源"},
    "counties": {"141126": "石楼县", "141127": "岚县"},
    "departments": [
        {"uscc": USCC, "name": "示例局", "valid_from": "2003-01-01", "synthetic": True}
    ],
    "reporting_units": {"both": ["141126", "141127"]},
}


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """One field: ODCS keys as they are, ours (standardiser, origin, …) into customProperties."""
    own = ("standardiser", "origin", "aliases", "unit", "codelist", "identifier", "fatal")
    own += ("personal", "keep")
    custom = [{"property": k, "value": more.pop(k)} for k in own if k in more]
    made = {"name": name, "businessName": more.pop("zh", name), "logicalType": kind, **more}
    return made | ({"customProperties": custom} if custom else {})


def key(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return field(name, kind, primaryKey=True, **more)


def feed(
    identity: str,
    fields: Sequence[Mapping[str, Any]],
    *,
    history: str = "current",
    properties: Mapping[str, Any] | None = None,
    **delivery: Any,
) -> dict[str, Any]:
    """A feed's contract as a mapping; `delivery` holds what differs from a plain CSV."""
    sector, name = identity.split(".")
    own: dict[str, Any] = {
        "catalogue_code": f"307/{sector}/{name}",
        "provider_uscc": USCC,
        "steward": "示例局",
        "permanent_uri": f"https://data.example.org/id/{identity}",
        "update_cycle": "每日",
        "history": history,
        "delivery": {"pattern": rf"{name}_.*\.csv", "format": "csv", **delivery},
        **(properties or {}),
    }
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": identity,
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "domain": sector,
        "description": {"purpose": "For tests."},
        "customProperties": [{"property": k, "value": v} for k, v in own.items()],
        "schema": [{"name": name, "physicalType": "table", "properties": list(fields)}],
    }


@dataclass
class SmallCity:
    """A home with contracts, and a lake."""

    settings: Settings
    inbox: Path

    def write(self, contract: Mapping[str, Any]) -> None:
        sector, name = str(contract["id"]).split(".")
        path = self.settings.schemas / "feeds" / sector / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(dict(contract), allow_unicode=True), encoding="utf-8")

    def curated(
        self, identity: str, select: str, fields: Sequence[Mapping[str, Any]], **own: Any
    ) -> None:
        """A curated table `sector.name`: its SELECT and its contract."""
        sector, name = identity.split(".")
        sql = self.settings.sql / sector / f"{name}.sql"
        sql.parent.mkdir(parents=True, exist_ok=True)
        sql.write_text(f"-- Purpose: for tests.\n{select}\n", encoding="utf-8")
        contract = feed(identity, fields)
        contract |= {
            "id": f"curated.{sector}_{name}",
            "customProperties": [{"property": k, "value": v} for k, v in own.items()],
        }
        path = self.settings.schemas / "curated" / sector / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")

    def rules(self, table: str, rules: Sequence[Mapping[str, Any]]) -> None:
        layer, name = table.split(".")
        sector, _, rest = name.partition("_")
        path = self.settings.expectations / layer / sector / f"{rest}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            yaml.safe_dump({"rules": list(rules)}, allow_unicode=True), encoding="utf-8"
        )

    def file(self, name: str, text: str | bytes, folder: str = "in") -> Path:
        path = self.inbox / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        os.utime(path, (1_700_000_000, 1_700_000_000))  # long settled
        return path

    def deliver(self, name: str, text: str | bytes, feed_id: str | None = None) -> Outcome:
        return deliver_files(self.settings, [self.file(name, text)], feed_id)[0]

    def run(self, *words: str) -> RunReport:
        return run(self.settings, words=words)

    def contract(self, table: str) -> Contract:
        return load_catalogue(self.settings.schemas, odcs=False).tables[table]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The served rows of a table, without `_` columns, sorted."""
        source = open_served(self.settings, self.contract(table), read_manifest(self.settings))
        found = source.data.to_table().to_pylist()
        visible = [r for r in found if r.get("_state") is None]
        plain = [{k: v for k, v in r.items() if not k.startswith("_")} for r in visible]
        return sorted(plain, key=lambda r: tuple(str(v) for v in r.values()))

    def digest(self, table: str) -> str:
        version = read_manifest(self.settings).tables[table].version
        return content_digest(self.settings, self.contract(table), version)


def make_city(folder: Path, *contracts: Mapping[str, Any], lake: str = "lake") -> SmallCity:
    """A new home in `folder` with these contracts."""
    home = folder / "home"
    (home / "schemas" / "codelists").mkdir(parents=True, exist_ok=True)
    (home / "schemas" / "city.yaml").write_text(
        yaml.safe_dump(CITY, allow_unicode=True), encoding="utf-8"
    )
    project = Path(__file__).resolve().parents[2]
    settings = Settings.from_environment(
        {
            "ONESOURCE_HOME": str(home),
            "ONESOURCE_LAKE": str(folder / lake),
            "ONESOURCE_CACHE": str(project / ".cache"),
            "ONESOURCE_KEYS": str(folder / "keys"),
            "ONESOURCE_SPARK": "local[2]",
        }
    )
    city = SmallCity(settings, folder / "inbox")
    for contract in contracts:
        city.write(contract)
    return city
