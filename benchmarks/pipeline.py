"""Delivery to served silver: 1 M rows × 12 columns of CSV with 15 rules. Prints JSON.

    .venv/bin/python benchmarks/pipeline.py [--rows 1000000]

Aim: at most 30 s in a warm session and 5 GB in all processes. The session is warmed by a run over
a small feed of the same kind; the figure is that of `deliver` and `run` on the large file. It also
measures a run with nothing new and the cost of one small table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import yaml
from memory import Memory

from onesource.cli.deliver import deliver_files
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.quality.suite import rules_for
from onesource.run.engine import run

PROJECT = Path(__file__).resolve().parents[1]
USCC = "11141100MB9X0004XA"  # synthetic


def _field(name: str, kind: str, own: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    custom = [{"property": k, "value": v} for k, v in (own or {}).items()]
    made: dict[str, Any] = {"name": name, "businessName": name, "logicalType": kind, **more}
    return made | ({"customProperties": custom} if custom else {})


def _contract(name: str) -> dict[str, Any]:
    """Twelve fields; the gate that follows from them has fifteen rules or more."""
    fields = [
        _field("id", "integer", primaryKey=True),
        _field("county_code", "string", {"standardiser": "code", "codelist": "county"}),
        _field("happened_on", "date", required=True),
        _field("recorded_at", "timestamp"),
        _field("kind", "string", required=True, logicalTypeOptions={"maxLength": 4}),
        _field("amount", "number", logicalTypeOptions={"minimum": 0}),
        _field("mass_t", "number", {"standardiser": {"name": "mass", "unit": "t"}}),
        _field("count", "integer", logicalTypeOptions={"minimum": 0, "maximum": 1000}),
        _field("share", "number", logicalTypeOptions={"minimum": 0, "maximum": 1}),
        _field("name", "string", logicalTypeOptions={"minLength": 1}),
        _field("is_open", "boolean"),
        _field("note", "string"),
    ]
    own = {
        "catalogue_code": f"307/base/{name}",
        "provider_uscc": USCC,
        "steward": "benchmark",
        "permanent_uri": f"https://data.example.org/id/base.{name}",
        "update_cycle": "每日",
        "synthetic": True,
        "delivery": {"pattern": rf"{name}_.*\.csv", "format": "csv"},
    }
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"base.{name}",
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "domain": "base",
        "customProperties": [{"property": k, "value": v} for k, v in own.items()],
        "schema": [{"name": name, "physicalType": "table", "properties": fields}],
    }


def _write_rows(path: Path, n: int, seed: int) -> None:
    """Rows as a department's system would export them; about one in a thousand is faulty."""
    rng = np.random.default_rng(seed)
    counties = np.array(["141102", "141121", "141122", "141123", "141124", "141125"])
    days = np.datetime64("2024-01-01") + rng.integers(0, 365, n).astype("timedelta64[D]")
    count = rng.integers(0, 1000, n)
    count[rng.random(n) < 0.001] = 5000
    table = pa.table(
        {
            "id": np.arange(n),
            "county_code": counties[rng.integers(0, len(counties), n)],
            "happened_on": np.datetime_as_string(days, unit="D"),
            "recorded_at": np.char.add(np.datetime_as_string(days, unit="D"), " 08:30:00"),
            "kind": np.array(["a", "bb", "ccc"])[rng.integers(0, 3, n)],
            "amount": np.round(rng.random(n) * 1e5, 2),
            "mass_t": np.round(rng.random(n) * 100, 3),
            "count": count,
            "share": np.round(rng.random(n), 4),
            "name": np.char.add("名称", rng.integers(0, 9999, n).astype(str)),
            "is_open": np.array(["是", "否"])[rng.integers(0, 2, n)],
            "note": np.array(["", "测算", "x"])[rng.integers(0, 3, n)],
        }
    )
    pacsv.write_csv(table, path)


def measure(rows: int) -> dict[str, Any]:
    """Runs the benchmark in a temporary lake."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        (home / "schemas" / "feeds" / "base").mkdir(parents=True)
        (home / "schemas" / "codelists").mkdir()
        for part in ("city.yaml", "codelists/county.csv"):
            (home / "schemas" / part).write_bytes((PROJECT / "schemas" / part).read_bytes())
        for name in ("warm", "large", "small"):
            text = yaml.safe_dump(_contract(name), allow_unicode=True)
            (home / "schemas" / "feeds" / "base" / f"{name}.yaml").write_text(text)
        settings = Settings.from_environment(
            {
                "ONESOURCE_HOME": str(home),
                "ONESOURCE_LAKE": str(Path(folder) / "lake"),
                "ONESOURCE_CACHE": str(PROJECT / ".cache"),
            }
        )
        with Memory() as memory:
            found = _stages(settings, Path(folder), rows)
        found["peak_memory_gb"] = round(memory.peak / 1e9, 2)
        return found


def _stages(settings: Settings, folder: Path, rows: int) -> dict[str, Any]:
    catalogue = load_catalogue(settings.schemas)
    rules = rules_for(catalogue.feeds["base.large"], settings.expectations, catalogue)
    for name, n in (("warm", 50_000), ("large", rows), ("small", 100)):
        _write_rows(folder / f"{name}_1.csv", n, seed=len(name))
    for i in range(2, 4):
        _write_rows(folder / f"warm_{i}.csv", 50_000, seed=100 + i)
    timing: dict[str, Any] = {"rows": rows, "columns": 12, "rules": len(rules)}
    for i in range(1, 4):  # the session warms: class loading, code generation, workers
        deliver_files(settings, [folder / f"warm_{i}.csv"])
        run(settings, words=["feed:base.warm"])
    timing["deliver_s"] = _timed(lambda: deliver_files(settings, [folder / "large_1.csv"]))
    timing["run_s"] = _timed(lambda: run(settings, words=["feed:base.large"]))
    timing["delivery_to_served_s"] = round(timing["deliver_s"] + timing["run_s"], 2)
    timing["rows_per_s"] = round(rows / timing["delivery_to_served_s"])
    deliver_files(settings, [folder / "small_1.csv"])
    timing["one_small_table_s"] = _timed(lambda: run(settings, words=["feed:base.small"]))
    timing["nothing_new_s"] = _timed(lambda: run(settings))
    return timing


def _timed(work: Any) -> float:
    started = time.monotonic()
    work()
    return round(time.monotonic() - started, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    print(json.dumps(measure(parser.parse_args().rows), ensure_ascii=False))
