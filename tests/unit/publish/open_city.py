"""A small city with one open dataset over the small lake, to be released and broken by tests."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.lake.manifest import read_manifest
from onesource.publish.approvals import read_approvals, read_negative_list
from onesource.publish.model import Quality
from onesource.publish.permit import Refusal, Rules, refusals
from onesource.publish.release import Made, Sources, make_release
from onesource.run.plan import build_graph
from tests.integration.small_city import USCC
from tests.unit.conftest import SmallLake

DAY = date(2024, 6, 3)
OPEN_WORDS = {
    "sharing": "无条件",
    "opening": "可公开",
    "disclosure": "主动公开",
    "security_level": "L1",
}
DATASET: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "open.coal_month",
    "name": "原煤月产量",
    "version": "1.0.0",
    "status": "active",
    "domain": "open",
    "customProperties": [
        {"property": "catalogue_code", "value": "307/energy/1"},
        {"property": "provider_uscc", "value": USCC},
        {"property": "permanent_uri", "value": "https://data.example.org/id/dataset/coal_month"},
        {"property": "update_cycle", "value": "每月"},
        *({"property": k, "value": v} for k, v in OPEN_WORDS.items()),
        {
            "property": "open",
            "value": {
                "source": "curated.energy_coal_month",
                "theme": "能源",
                "theme_eu": "ENER",
                "name_en": "Coal by month",
                "summary_zh": "各县月产量。",
                "keywords": ["煤"],
                "grain": "一县一月一行",
                "licence": "CC-BY-4.0",
                "licence_uri": "https://creativecommons.org/licenses/by/4.0/",
                "spatial": "141100",
                "temporal": "month",
                "contact": "示例局",
                "approval": "A-1",
            },
        },
    ],
    "schema": [
        {
            "name": "coal_month",
            "properties": [
                {"name": "county_code", "businessName": "县区代码", "logicalType": "string",
                 "primaryKey": True, "primaryKeyPosition": 1},
                {"name": "month", "businessName": "月份", "logicalType": "string",
                 "primaryKey": True, "primaryKeyPosition": 2},
                {"name": "county_name", "businessName": "县区", "logicalType": "string"},
                {"name": "output_t", "businessName": "产量", "logicalType": "number",
                 "physicalType": "decimal(18,3)",
                 "customProperties": [{"property": "unit", "value": "t"}]},
            ],
        }
    ],
}  # fmt: skip
APPROVALS = (
    "id,dataset,columns,approver,legal_basis,valid_from,valid_to,review_on\n"
    "A-1,coal_month,county_code;month;county_name;output_t,示例局,示例依据,2024-01-01,2025-01-01,\n"
)
NEGATIVE = "resource,legal_basis,reason_zh,approver,valid_from,valid_to,review_on\n"


@dataclass
class OpenCity:
    """The lake, the dataset's contract as a mapping to be changed, and calls on them."""

    lake: SmallLake
    dataset: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(DATASET))
    approvals: str = APPROVALS
    negative: str = NEGATIVE
    views: dict[str, pa.Table] = field(default_factory=dict)
    commit: str = "c0ffee"
    served_at: str = "2024-06-02T09:30:00+08:00"

    @property
    def settings(self) -> Settings:
        return self.lake.settings

    def custom(self, name: str) -> Any:
        found = [p for p in self.dataset["customProperties"] if p["property"] == name]
        return found[0]["value"]

    def set(self, name: str, value: Any) -> None:
        for p in self.dataset["customProperties"]:
            if p["property"] == name:
                p["value"] = value

    def field(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            f for f in self.dataset["schema"][0]["properties"] if f["name"] == name
        )
        return found

    def write(self, *more: Mapping[str, Any]) -> None:
        schemas = self.settings.schemas
        for contract in (self.dataset, *more):
            path = schemas / "open" / f"{str(contract['id']).split('.')[1]}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(yaml.safe_dump(dict(contract), allow_unicode=True), encoding="utf-8")
        (schemas / "approvals.csv").write_text(self.approvals, encoding="utf-8")
        (schemas / "negative_list.csv").write_text(self.negative, encoding="utf-8")

    def sources(self) -> Sources:
        catalogue = load_catalogue(self.settings.schemas, odcs=False)
        graph = build_graph(self.settings, catalogue)
        return Sources(
            rules=Rules(
                catalogue,
                graph.sql,
                read_approvals(self.settings.schemas),
                read_negative_list(self.settings.schemas),
            ),
            manifest=read_manifest(self.settings),
            quality={"curated.energy_coal_month": Quality(98.5, self.served_at, True)},
            views=self.views,
            publisher={"name": "示例局", "uscc": USCC},
            commit=self.commit,
        )

    def refusals(self, day: date = DAY) -> list[Refusal]:
        self.write()
        sources = self.sources()
        return refusals(sources.rules.catalogue.open["open.coal_month"], sources.rules, day)

    def release(self, day: date = DAY) -> Made:
        self.write()
        return make_release(self.settings, self.sources(), day)

    def serve(self, run: str, *rows: tuple[str, str, str, str | None]) -> None:
        """Serves another version of the month: code, name, month, tonnes."""
        amounts = [None if r[3] is None else Decimal(r[3]) for r in rows]
        table = pa.table(
            {
                "county_code": pa.array([r[0] for r in rows], pa.string()),
                "county_name": pa.array([r[1] for r in rows], pa.string()),
                "month": pa.array([r[2] for r in rows], pa.string()),
                "output_t": pa.array(amounts, pa.decimal128(20, 6)),
            }
        )
        version = self.lake.put("curated.energy_coal_month", table, mode="overwrite")
        self.lake.serve(run, {"curated.energy_coal_month": version}, rows=len(rows))

    def file(self, release: str, path: str) -> Path:
        return self.settings.open / "releases" / release / path


def another(name: str, **own: Any) -> dict[str, Any]:
    """A second dataset on the same source, under an approval `A-<name>`."""
    made = copy.deepcopy(DATASET)
    made["id"], made["name"] = f"open.{name}", f"数据集 {name}"
    for p in made["customProperties"]:
        if p["property"] == "open":
            p["value"] |= {"approval": f"A-{name}", **own}
        if p["property"] == "permanent_uri":
            p["value"] += f"/{name}"
    return made


def approval(name: str, columns: Sequence[str]) -> str:
    return f"A-{name},{name},{';'.join(columns)},示例局,示例依据,2024-01-01,,\n"
