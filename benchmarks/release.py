"""An open release of 20 datasets with 2 M rows together. Prints JSON.

    .venv/bin/python benchmarks/release.py [--datasets 20] [--rows 2000000] [--profile FILE]

Aim: at most 60 s on 2 cores. Every dataset has XLSX, CSV and Parquet, every fifth GeoJSON too; the
figure is that of a first release with all checks (permit, leak gate, every file read again), then
of the next night, in which a fifth of the datasets has other rows. All rows are made up.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import resource
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from deltalake import write_deltalake

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.lake.manifest import Served, read_manifest, serve
from onesource.lake.paths import table_path
from onesource.publish.approvals import read_approvals, read_negative_list
from onesource.publish.permit import Rules
from onesource.publish.release import Sources, make_release
from onesource.run.plan import build_graph

PROJECT = Path(__file__).resolve().parents[1]
USCC = "11141100MB9X0004XA"  # synthetic
COUNTIES = ("141102", "141121", "141122", "141123", "141124", "141125", "141126", "141127")
HARMLESS = {
    "sharing": "无条件",
    "opening": "可公开",
    "disclosure": "主动公开",
    "security_level": "L1",
}
IDS = {"open": "open.{}", "curated": "curated.energy_{}", "feed": "energy.{}"}


def _custom(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"property": k, "value": v} for k, v in values.items()]


def _field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "businessName": name, "logicalType": kind, **more}


def _fields(placed: bool) -> list[dict[str, Any]]:
    fields = [
        _field("station_id", "string", primaryKey=True, primaryKeyPosition=1),
        _field("day", "date", primaryKey=True, primaryKeyPosition=2),
        _field("county_code", "string"),
        _field("kind", "string"),
        _field("output_kwh", "number", physicalType="decimal(18,3)"),
        _field("stops", "integer"),
        _field("remark", "string"),
    ]
    if placed:
        fields += [_field(n, "number", physicalType="decimal(9,6)") for n in ("lon", "lat")]
    return fields


def _contract(kind: str, name: str, placed: bool, own: dict[str, Any]) -> dict[str, Any]:
    said = {
        "catalogue_code": f"307/energy/{name}",
        "provider_uscc": USCC,
        "permanent_uri": f"https://data.example.org/id/{kind}/{name}",
        "update_cycle": "每日",
        **HARMLESS,
        **own,
    }
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": IDS[kind].format(name),
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "domain": kind if kind == "open" else "energy",
        "customProperties": _custom(said),
        "schema": [{"name": name, "physicalType": "table", "properties": _fields(placed)}],
    }


def _opened(name: str, placed: bool) -> dict[str, Any]:
    place = {"longitude": "lon", "latitude": "lat", "decimals": 4}
    return {
        "source": f"curated.energy_{name}",
        "theme": "资源能源",
        "theme_eu": "ENER",
        "name_en": name,
        "summary_zh": "虚构数据。",
        "keywords": ["测试"],
        "grain": "一站一日一行",
        "licence": "CC-BY-4.0",
        "licence_uri": "https://creativecommons.org/licenses/by/4.0/",
        "spatial": "141100",
        "temporal": "day",
        "contact": "示例局",
        "approval": f"A-{name}",
        "chart": {"measure": "output_kwh", "time": "day", "county": "county_code"},
        **({"place": place} if placed else {}),
    }


def _rows(n: int, seed: int, placed: bool) -> pa.Table:
    rng = np.random.default_rng(seed)
    days = np.datetime64("2020-01-01") + (np.arange(n) // 100).astype("timedelta64[D]")
    table = {
        "station_id": np.char.add("S-", (np.arange(n) % 100).astype(str)),
        "day": pa.array(days.astype("datetime64[D]")),
        "county_code": np.array(COUNTIES)[rng.integers(0, len(COUNTIES), n)],
        "kind": np.array(["光伏", "风电", "水电"])[rng.integers(0, 3, n)],
        "output_kwh": pc.cast(
            pa.array(np.round(rng.random(n) * 1e5, 3)), pa.decimal128(18, 3), safe=False
        ),
        "stops": rng.integers(0, 9, n),
        "remark": np.array(["", "检修", "限电，半日", "=正常"])[rng.integers(0, 4, n)],
    }
    if placed:
        for name, low in (("lon", 110.5), ("lat", 36.8)):
            degrees = pa.array(np.round(low + rng.random(n), 6))
            table[name] = pc.cast(degrees, pa.decimal128(9, 6), safe=False)
    return pa.table(table)


class City:
    """A city in a folder, with as many open datasets over as many curated tables."""

    def __init__(self, folder: Path, datasets: int, rows: int) -> None:
        self.names = [f"made_{i:02}" for i in range(datasets)]
        self.each = rows // datasets
        home = folder / "home"
        (home / "schemas").mkdir(parents=True)
        self.settings = Settings.from_environment(
            {
                "ONESOURCE_HOME": str(home),
                "ONESOURCE_LAKE": str(folder / "lake"),
                "ONESOURCE_OPEN": str(folder / "open"),
                "ONESOURCE_KEYS": str(folder / "keys"),
            }
        )
        for part in ("city.yaml", "codelists/county.csv", "tile_grid.csv", "negative_list.csv"):
            target = home / "schemas" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((PROJECT / "schemas" / part).read_bytes())
        approvals = ["id,dataset,columns,approver,legal_basis,valid_from,valid_to,review_on"]
        for i, name in enumerate(self.names):
            placed = i % 5 == 0
            self._write(f"curated/energy/{name}.yaml", _contract("curated", name, placed, {}))
            opened = _contract("open", name, placed, {"open": _opened(name, placed)})
            self._write(f"open/{name}.yaml", opened)
            sql = home / "jobs" / "sql" / "energy" / f"{name}.sql"
            sql.parent.mkdir(parents=True, exist_ok=True)
            names = [f["name"] for f in _fields(placed)]
            query = f"SELECT {', '.join(names)} FROM silver.energy_made"
            sql.write_text(f"-- Rows that are made up.\n{query}\n", encoding="utf-8")
            columns = ";".join(names)
            approvals.append(f"A-{name},{name},{columns},示例局,示例依据,2024-01-01,,")
        delivery = {"pattern": r"made_.*\.csv", "format": "csv"}
        feed = _contract("feed", "made", True, {"steward": "benchmark", "delivery": delivery})
        self._write("feeds/energy/made.yaml", feed)
        (home / "schemas" / "approvals.csv").write_text("\n".join(approvals) + "\n")
        self.catalogue = load_catalogue(self.settings.schemas, odcs=False)

    def _write(self, name: str, contract: dict[str, Any]) -> None:
        path = self.settings.schemas / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")

    def fill(self, run: str, names: list[str], seed: int) -> None:
        """Serves other rows of these tables."""
        served = {}
        for i, name in enumerate(names):
            contract = self.catalogue.tables[f"curated.energy_{name}"]
            path = table_path(self.settings, contract)
            path.parent.mkdir(parents=True, exist_ok=True)
            placed = self.names.index(name) % 5 == 0
            write_deltalake(path, _rows(self.each, seed + i, placed), mode="overwrite")
            version = len(list((path / "_delta_log").glob("*.json"))) - 1
            served[contract.table] = Served(version, rows=self.each)
        serve(self.settings, run, served)

    def release(self, day: date) -> Path:
        rules = Rules(
            self.catalogue,
            build_graph(self.settings, self.catalogue).sql,
            read_approvals(self.settings.schemas),
            read_negative_list(self.settings.schemas),
        )
        publisher = {"name": "示例局", "uscc": USCC}
        manifest = read_manifest(self.settings)
        made = make_release(
            self.settings, Sources(rules, manifest, {}, {}, publisher, "benchmark"), day
        )
        if made.held or len(made.datasets) != len(self.names):
            raise SystemExit(f"held: {[h.reason_en for h in made.held]}")
        return made.folder


def measure(datasets: int, rows: int, profile: str | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        city = City(Path(folder), datasets, rows)
        city.fill("n1", city.names, seed=1)
        found: dict[str, Any] = {"datasets": datasets, "rows": city.each * datasets}
        watch = cProfile.Profile() if profile else None
        if watch:
            watch.enable()
        started = time.monotonic()
        made = city.release(date(2026, 1, 1))
        found["first_release_s"] = round(time.monotonic() - started, 1)
        if watch:
            watch.disable()
            watch.dump_stats(profile or "")
        size = sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
        found["release_mb"] = round(size / 1e6)
        city.fill("n2", city.names[: datasets // 5], seed=1_000)
        started = time.monotonic()
        city.release(date(2026, 1, 2))
        found["next_night_s"] = round(time.monotonic() - started, 1)
        # Children, too: the part of the work that is done in processes of its own.
        used = [
            resource.getrusage(w).ru_maxrss
            for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        found["peak_memory_mb"] = round(sum(used) / 1e3)
        return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--profile")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.datasets, asked.rows, asked.profile)))
