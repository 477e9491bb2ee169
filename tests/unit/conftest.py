"""A small served lake without Spark, for the tests of what reads it. All data are made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.lake.manifest import Served, serve
from onesource.lake.paths import table_path
from tests.integration.small_city import CITY, feed, field, key

COAL_DAY = feed(
    "energy.coal_day",
    [
        key("county_code", zh="县区代码", codelist="county"),
        key("day", "date", zh="日期"),
        field(
            "output_t",
            "number",
            zh="原煤产量",
            unit="t",
            physicalType="decimal(18,3)",
            description="Raw coal of the day.",
        ),
        field("note", zh="备注"),
    ],
)
PERSON: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "registry.person",
    "name": "人口基础库",
    "version": "1.0.0",
    "status": "active",
    "domain": "registry",
    "customProperties": [
        {"property": "builder", "value": "tests:build"},
        {"property": "inputs", "value": ["silver.energy_coal_day"]},
    ],
    "schema": [
        {"name": "person", "properties": [key("person_id", zh="编号"), field("name", zh="姓名")]}
    ],
}
COAL_MONTH: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "curated.energy_coal_month",
    "name": "县区月度原煤产量",
    "version": "1.0.0",
    "status": "active",
    "domain": "energy",
    "schema": [
        {
            "name": "coal_month",
            "properties": [
                key("county_code", zh="县区代码"),
                field("county_name", zh="县区"),
                key("month", zh="月份"),
                field("output_t", "number", zh="原煤产量", unit="t"),
            ],
        }
    ],
}
COAL_MONTH_SQL = """\
-- Purpose: raw coal by county and month.
-- Grain: one row per county and month. Units: tonnes. Privacy: no persons.
SELECT
  d.county_code,
  c.name AS county_name,
  date_format(d.day, 'yyyy-MM') AS month,
  sum(d.output_t) AS output_t
FROM silver.energy_coal_day d
LEFT JOIN codelist.county c ON c.code = d.county_code
GROUP BY d.county_code, c.name, date_format(d.day, 'yyyy-MM')
"""
COUNTIES = "# 县区代码\ncode,name,valid_from\n141126,石楼县,2003-10-23\n141127,岚县,2003-10-23\n"
AT = datetime(2024, 6, 2, 1, 30, tzinfo=UTC)


@dataclass
class SmallLake:
    """A home with four contracts and a lake in which two runs served."""

    settings: Settings
    catalogue: Catalogue

    def put(self, table: str, rows: pa.Table, *, mode: str = "append") -> int:
        """Writes a version of the table; returns its number."""
        path = table_path(self.settings, self.catalogue.tables[table])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_deltalake(path, rows, mode=mode)  # type: ignore[call-overload]
        return len(list((path / "_delta_log").glob("*.json"))) - 1

    def serve(self, run: str, versions: Mapping[str, int], **more: Any) -> None:
        serve(self.settings, run, {t: Served(v, **more) for t, v in versions.items()})


def coal_rows(*rows: tuple[str, str, str | None, str | None]) -> pa.Table:
    """Rows of silver: county, day, tonnes, state; line numbers follow the order."""
    technical: dict[str, Any] = {
        "_issues": pa.array(
            [[{"field": "note", "verdict": "FMT"}] if r[2] is None else [] for r in rows],
            pa.list_(pa.struct([("field", pa.string()), ("verdict", pa.string())])),
        ),
        "_delivery_id": pa.array(["d1"] * len(rows)),
        "_line": pa.array([i + 2 for i in range(len(rows))], pa.int64()),
        "_received_at": pa.array([AT] * len(rows), pa.timestamp("us", tz="UTC")),
        "_order": pa.array(["x"] * len(rows)),
        "_state": pa.array([r[3] for r in rows], pa.string()),
    }
    amounts = [None if r[2] is None else Decimal(r[2]) for r in rows]
    return pa.table(
        {
            "_scope": pa.array([None] * len(rows), pa.string()),
            "county_code": [r[0] for r in rows],
            "day": pa.array([date.fromisoformat(r[1]) for r in rows]),
            "output_t": pa.array(amounts, pa.decimal128(18, 3)),
            "note": pa.array(["产量,“估”\n第二行"] + [None] * (len(rows) - 1), pa.string()),
            **technical,
        }
    )


@pytest.fixture
def small_lake(tmp_path: Path) -> SmallLake:
    """Run `r1` served two days of coal, run `r2` a third, a person, and the month."""
    home = tmp_path / "home"
    for place, value in (
        ("city.yaml", CITY),
        ("feeds/energy/coal_day.yaml", COAL_DAY),
        ("registry/person.yaml", PERSON),
        ("curated/energy/coal_month.yaml", COAL_MONTH),
    ):
        _write(home / "schemas" / place, yaml.safe_dump(value, allow_unicode=True))
    _write(home / "schemas" / "codelists" / "county.csv", COUNTIES)
    _write(home / "jobs" / "sql" / "energy" / "coal_month.sql", COAL_MONTH_SQL)
    settings = Settings.from_environment(
        {"ONESOURCE_HOME": str(home), "ONESOURCE_LAKE": str(tmp_path / "lake of tests")}
    )
    lake = SmallLake(settings, load_catalogue(settings.schemas, odcs=False))
    _fill(lake)
    return replace(lake)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _fill(lake: SmallLake) -> None:
    silver = "silver.energy_coal_day"
    lake.put(
        silver,
        coal_rows(
            ("141126", "2024-06-01", "1200.5", None),
            ("141127", "2024-06-01", None, None),
            ("141127", "2024-05-31", "7", "deleted"),
        ),
    )
    lake.serve("r1", {silver: 0}, rows=2)
    lake.put(silver, coal_rows(("141126", "2024-06-02", "99.25", None)))
    person = pa.table({"person_id": ["p1", "p2"], "name": ["张三(虚构)", "李四(虚构)"]})
    lake.put("registry.person", person)
    month = pa.table(
        {
            "county_code": ["141126", "141127"],
            "county_name": ["石楼县", "岚县"],
            "month": ["2024-06", "2024-06"],
            "output_t": pa.array([Decimal("1299.75"), None], pa.decimal128(20, 6)),
        }
    )
    lake.put("curated.energy_coal_month", month)
    lake.serve(
        "r2",
        {silver: 1, "registry.person": 0, "curated.energy_coal_month": 0},
        rows=3,
        inputs={silver: 1},
    )
