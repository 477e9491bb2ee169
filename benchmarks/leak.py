"""The leak gate: a CSV of 200 MB, and the same rows as Parquet and XLSX. Prints JSON.

    .venv/bin/python benchmarks/leak.py [--mb 200] [--workers 1]

Aim: 2 M rows in CSV, Parquet and XLSX pass in a few seconds each, in less than 300 MB of memory
(`peak_mb` is what the scan adds to what the process held before). The rows are made up and hold
nothing that must be found, save one synthetic ID at the end, so that the gate is seen to look; with
it codes of villages, organisations' codes, times, amounts and long decimals. `false_alarms_random`
counts findings among random numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import xlsxwriter

from onesource.config import Settings
from onesource.publish.leak import Allowance, ever_divisions, scan
from onesource.publish.leak.numbers import id_check
from onesource.publish.processes import Processes

ROWS_OF_BLOCK = 100_000
ROWS_XLSX = 100_000
ROWS_RANDOM = 1_000_000


def block(n: int, rng: np.random.Generator) -> pa.Table:
    """Rows as open data have them: codes, names of works, days, amounts, long decimals."""
    day = rng.integers(0, 5000, n).astype("timedelta64[D]") + np.datetime64("2010-01-01")
    at = rng.integers(0, 10**9, n).astype("timedelta64[s]") + np.datetime64("1990-01-01")
    return pa.table(
        {
            "village_code": [f"141124{v:06d}" for v in rng.integers(0, 10**6, n).tolist()],
            "org_code": rng.choice(["91141100MA0GTB9K08", "93141123MA0HBB2567"], n),
            "name": rng.choice(["临县某某煤业有限公司（虚构）", "柳林县第二中学（虚构）"], n),
            "day": day.astype(str),
            "reported_at": at.astype(str),
            "output_t": rng.integers(0, 10**8, n) / 1000,
            "share": rng.random(n),
            "row_id": np.arange(n),
        }
    )


def write_csv(path: Path, megabytes: float, found: str) -> int:
    """Writes blocks until the file has its size; returns the number of rows."""
    rows, rng = 0, np.random.default_rng(1)
    with path.open("wb") as f:
        while f.tell() < megabytes * 1e6:
            options = pacsv.WriteOptions(include_header=rows == 0)
            pacsv.write_csv(block(ROWS_OF_BLOCK, rng), f, options)
            rows += ROWS_OF_BLOCK
        f.write(f'141124100201,,"见{found}档案",,,1,0.5,1\n'.encode())
    return rows + 1


def write_parquet(path: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    first = block(ROWS_OF_BLOCK, rng)
    with pq.ParquetWriter(path, first.schema) as writer:
        for _ in range(rows // ROWS_OF_BLOCK):
            writer.write_table(block(ROWS_OF_BLOCK, rng))


def write_xlsx(path: Path, rows: int) -> None:
    table = block(rows, np.random.default_rng(1))
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("数据")
        sheet.write_row(0, 0, table.column_names)
        sheet.write_row(1, 0, table.column_names)
        for i, row in enumerate(zip(*(c.to_pylist() for c in table.columns), strict=True)):
            sheet.write_row(i + 2, 0, row)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Peak:
    """The largest memory of the process while the block runs, above what it had before, in MB."""

    def __enter__(self) -> Peak:
        self._before = self.mb = resident_mb()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.mb = max(self.mb, resident_mb())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.mb -= self._before


def measured(folder: Path, workers: int, codes: frozenset[str], rows: int) -> dict[str, Any]:
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6
    with Peak() as peak:
        clock = time.perf_counter()
        with Processes(workers) as processes:
            found = scan(folder, {}, processes=processes, divisions=codes)
        seconds = time.perf_counter() - clock
    return {
        "rows": rows,
        "mb": round(size, 1),
        "seconds": round(seconds, 2),
        "mb_per_second": round(size / seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_mb": round(peak.mb),
        "findings": len(found),
    }


def random_numbers(folder: Path, codes: frozenset[str]) -> dict[str, Any]:
    """Findings in columns of random numbers of 11 to 19 digits and of decimals."""
    rng = np.random.default_rng(2)
    counted: dict[str, Any] = {"rows_each": ROWS_RANDOM}
    for digits in (11, 12, 13, 15, 16, 18):
        values = rng.integers(10 ** (digits - 1), 10**digits, ROWS_RANDOM)
        pq.write_table(pa.table({"row_id": values}), folder / "r.parquet")
        found = scan(folder, {"r": Allowance()}, divisions=codes)
        counted[f"digits_{digits}"] = {
            w: sum(f.count for f in found if f.confidence == w) for w in ("stop", "warn")
        }
    return counted


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mb", type=float, default=200)
    options.add_argument("--workers", type=int, default=1)
    args = options.parse_args()
    codes = ever_divisions(Settings.from_environment().schemas)
    first = "14112419850312012"
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as root:
        folders = {k: Path(root) / k / "datasets" / "x" for k in ("csv", "parquet", "xlsx")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        rows = write_csv(folders["csv"] / "x.csv", args.mb, first + id_check(first))
        write_parquet(folders["parquet"] / "x.parquet", rows)
        write_xlsx(folders["xlsx"] / "x.xlsx", ROWS_XLSX)
        for kind, n in (("csv", rows), ("parquet", rows), ("xlsx", ROWS_XLSX)):
            told[kind] = measured(Path(root) / kind, args.workers, codes, n)
        chance = Path(root) / "random"
        chance.mkdir()
        told["random_numbers"] = random_numbers(chance, codes)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
