"""How fast the readers are: `python benchmarks/read.py [ROWS]` prints JSON.

Writes a CSV of 12 columns (plain, and with every cell quoted), a workbook and a JSON array of a
tenth of the rows to a temporary folder, inspects each once, and gives rows per second and the
peak memory of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from openpyxl import Workbook

from onesource.contracts.load import load_contract
from onesource.contracts.model import Contract, Kind
from onesource.ingest.readers import inspect

COLUMNS = [f"c{i}" for i in range(12)]
ROW = [
    "山西省吕梁市",
    "1234.5",
    "2020-01-01",
    "abc",
    "0",
    "x",
    "12345678",
    "离石区",
    "a",
    "b",
    "99",
]


def rows(count: int) -> Iterator[list[str]]:
    for i in range(count):
        yield [str(i), *ROW]


def feed(folder: Path, kind: str) -> Contract:
    """A contract of twelve text columns, the first the key."""
    needed = {
        "delivery": {"pattern": ".*", "format": kind}, "catalogue_code": "0", "steward": "bench",
        "provider_uscc": "11141100MB9X00015W", "permanent_uri": "https://example.org/bench",
        "update_cycle": "每日",
    }  # fmt: skip
    properties = [
        {"name": c, "businessName": c, "logicalType": "string", "primaryKey": c == "c0"}
        for c in COLUMNS
    ]
    path = folder / "base" / "bench.yaml"
    path.parent.mkdir(exist_ok=True)
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "base.bench", "name": "bench"}
    rest = {"version": "1.0.0", "status": "draft", "domain": "base"}
    schema = [{"name": "bench", "properties": properties}]
    custom = [{"property": k, "value": v} for k, v in needed.items()]
    path.write_text(
        yaml.safe_dump({**head, **rest, "schema": schema, "customProperties": custom}), "utf-8"
    )
    return load_contract(path, Kind.FEED)


def written(folder: Path, count: int) -> dict[str, tuple[str, Path, int]]:
    """The files: name of the measurement → format, path, rows."""
    few = count // 10
    plain, quoted = folder / "plain.csv", folder / "quoted.csv"
    for path, mark in ((plain, ""), (quoted, '"')):
        with path.open("w", encoding="utf-8") as f:
            f.write(",".join(COLUMNS) + "\n")
            f.writelines(",".join(f"{mark}{c}{mark}" for c in r) + "\n" for r in rows(count))
    book = Workbook(write_only=True)
    sheet = book.create_sheet("bench")
    sheet.append(COLUMNS)
    for r in rows(few):
        sheet.append([int(r[0]), r[1], float(r[2]), *r[3:]])
    book.save(folder / "b.xlsx")
    with (folder / "b.json").open("w", encoding="utf-8") as f:
        records = (json.dumps(dict(zip(COLUMNS, r, strict=True))) for r in rows(few))
        f.write("[" + ",".join(records) + "]")
    return {
        "csv": ("csv", plain, count),
        "csv_quoted": ("csv", quoted, count),
        "xlsx": ("xlsx", folder / "b.xlsx", few),
        "json": ("json", folder / "b.json", few),
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    out: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (kind, path, expected) in written(folder, count).items():
            contract = feed(folder, kind)
            began = time.perf_counter()
            found = inspect(path, contract, path.name)
            seconds = time.perf_counter() - began
            assert found.rows == expected
            out[what] = {
                "rows": found.rows,
                "seconds": round(seconds, 2),
                "rows_per_second": round(found.rows / seconds),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
