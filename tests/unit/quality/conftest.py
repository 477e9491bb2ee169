"""Small contracts for the tests of the gates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onesource.contracts.load import load_contract
from onesource.contracts.model import Catalogue, City, Contract, Kind

FEED = """
apiVersion: v3.1.0
kind: DataContract
id: energy.output
name: 产量
version: 1.0.0
status: active
domain: energy
schema:
  - name: energy_output
    properties:
      - {name: mine, logicalType: string, businessName: 煤矿, primaryKey: true}
      - {name: day, logicalType: date, businessName: 日期, primaryKey: true}
      - name: output_t
        logicalType: number
        businessName: 产量
        required: true
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100000}
      - name: kind
        logicalType: string
        businessName: 类型
        logicalTypeOptions: {minLength: 1, maxLength: 4}
      - name: holder
        logicalType: string
        businessName: 联系人
        customProperties:
          - {property: identifier, value: direct}
          - {property: fatal, value: true}
customProperties:
  - {property: catalogue_code, value: "307-1"}
  - {property: provider_uscc, value: "11141100012345678X"}
  - {property: steward, value: 能源局}
  - {property: permanent_uri, value: "https://example.org/output"}
  - {property: update_cycle, value: 每日}
  - property: delivery
    value: {pattern: 'output.*', format: csv, min_rows: 2, max_quarantine_share: 0.25}
"""

CURATED = """
apiVersion: v3.1.0
kind: DataContract
id: curated.energy_month
name: 月产量
version: 1.0.0
status: active
domain: energy
schema:
  - name: energy_month
    properties:
      - {name: mine, logicalType: string, businessName: 煤矿, primaryKey: true}
      - name: output_t
        logicalType: number
        businessName: 产量
        required: true
        logicalTypeOptions: {minimum: 0}
"""


@pytest.fixture
def feed(tmp_path: Path) -> Contract:
    """The feed `energy.output`: key mine and day, output_t, kind, and holder, who is a person."""
    path = tmp_path / "schemas" / "feeds" / "energy" / "output.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(FEED, encoding="utf-8")
    return load_contract(path, Kind.FEED)


@pytest.fixture
def curated(tmp_path: Path) -> Contract:
    """The curated table `curated.energy_month`."""
    path = tmp_path / "schemas" / "curated" / "energy" / "month.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CURATED, encoding="utf-8")
    return load_contract(path, Kind.CURATED)


@pytest.fixture
def catalogue(feed: Contract, curated: Contract) -> Catalogue:
    city = City("测试市", "141100000000", {"energy": "能源"}, ({"name": "能源局"},), {}, {})
    return Catalogue(city, {feed.id: feed}, {}, {curated.id: curated}, {})


@pytest.fixture
def expectations(tmp_path: Path) -> Path:
    return tmp_path / "expectations"


@pytest.fixture
def write_rules(expectations: Path) -> Callable[[str], Path]:
    """Writes the feed's rule file."""

    def write(text: str) -> Path:
        path = expectations / "silver" / "energy" / "output.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
