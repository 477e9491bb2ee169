"""Standardisers: 5 M resident IDs in a warm session, and 12 fields of 1 M rows. Prints JSON.

    .venv/bin/python benchmarks/standardise.py [--ids 5000000] [--rows 1000000]

Aim: 5 M IDs in at most 20 s on 2 cores. The input is Parquet, the output is computed in full and
thrown away. One ID in fifty is full-width, one has 15 digits, one has blanks round it. All numbers
are synthetic. CPU seconds are those of the JVM: they say more than the clock on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from onesource.clean.standardisers import Context, Use, standardise, standardise_values
from onesource.config import Settings
from onesource.contracts.load import load_codelist
from onesource.spark.session import open_session

CODES = (142325, 142326, 141123, 141124, 141102, 142333)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
TWELVE = {
    "id_no": ("resident_id", {}),
    "uscc": ("uscc", {}),
    "name": ("person_name", {}),
    "phone": ("phone", {"area": "0358"}),
    "day": ("date", {}),
    "moment": ("datetime", {}),
    "ethnicity": ("code", {"list": "gbt3304"}),
    "amount": ("money", {}),
    "mass_t": ("mass", {}),
    "count": ("integer", {}),
    "is_open": ("boolean", {}),
    "note": ("text", {}),
}


def ids(n: int, rng: np.random.Generator) -> list[str]:
    """Synthetic resident IDs with right check digits, some of them dirty."""
    birth = rng.integers(1940, 2002, n) * 10000 + rng.integers(1, 13, n) * 100
    birth += rng.integers(1, 29, n)
    first = rng.choice(CODES, n).astype(np.int64) * 10**11 + birth * 1000 + rng.integers(1, 1000, n)
    total = sum((first // 10 ** (16 - i)) % 10 * w for i, w in enumerate(WEIGHTS)) % 11
    found = [f"{a}{'10X98765432'[b]}" for a, b in zip(first.tolist(), total.tolist(), strict=True)]
    for i in range(0, n - 2, 50):
        found[i] = f" {found[i]}\u3000"
        found[i + 1] = found[i + 1][:6] + found[i + 1][8:17]
        found[i + 2] = found[i + 2].translate(WIDE)
    return found


def twelve(n: int, rng: np.random.Generator) -> pa.Table:
    """A table as departments deliver it: text, mostly clean."""
    days = rng.integers(0, 5000, n).astype("timedelta64[D]") + np.datetime64("2010-01-01")
    moments = days.astype("datetime64[s]") + rng.integers(0, 86400, n)
    amounts = rng.integers(0, 10**7, n) / 100
    columns: dict[str, Any] = {
        "id_no": ids(n, rng),
        "uscc": rng.choice(["91110000600037341L", "93141123MA0HBB2567"], n),
        "name": rng.choice(["张三", "李 四", "买买提•吐尔逊", "王五（曾用名王六）"], n),
        "phone": [f"139{i:08d}" for i in rng.integers(10**7, 10**8, n).tolist()],
        "day": days.astype(str),
        "moment": [m.replace("T", " ") for m in moments.astype(str)],
        "ethnicity": rng.choice(["01", "汉族", "3"], n),
        "amount": [f"{a:,.2f}" for a in amounts.tolist()],
        "mass_t": [f"{a:.2f}" for a in amounts.tolist()],
        "count": rng.integers(0, 1000, n).astype(str),
        "is_open": rng.choice(["是", "否"], n),
        "note": rng.choice(["正常生产", "检修　", ""], n),
    }
    return pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()})


def context(settings: Settings) -> Context:
    folder = settings.schemas / "codelists"
    return Context({p.stem: load_codelist(p) for p in folder.glob("*.csv")})


class Jvm:
    """The driver's JVM, seen from the operating system."""

    def __init__(self, spark: SparkSession) -> None:
        self._pid = int(spark._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def peak_mb(self) -> int:
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024


def timed(jvm: Jvm, rows: int, work: Callable[[], None]) -> dict[str, float]:
    """The second of two runs: the first one warms the session."""
    work()
    clock, cpu = time.perf_counter(), jvm.cpu_s()
    work()
    seconds = time.perf_counter() - clock
    return {
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "jvm_cpu_seconds": round(jvm.cpu_s() - cpu, 2),
    }


def computed(df: DataFrame) -> None:
    df.write.format("noop").mode("overwrite").save()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ids", type=int, default=5_000_000)
    options.add_argument("--rows", type=int, default=1_000_000)
    args = options.parse_args()
    settings = Settings.from_environment()
    told = context(settings)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        raw = ids(args.ids, rng)
        pq.write_table(pa.table({"raw": raw}), f"{folder}/ids.parquet", row_group_size=500_000)
        table = twelve(args.rows, rng)
        pq.write_table(table, f"{folder}/twelve.parquet", row_group_size=100_000)
        spark = open_session(settings, "benchmark")
        jvm = Jvm(spark)
        numbers = spark.read.parquet(f"{folder}/ids.parquet")
        fields = spark.read.parquet(f"{folder}/twelve.parquet")
        one = [Use("raw", "answer", "resident_id")]
        uses = [Use(c, f"_{c}", name, a) for c, (name, a) in TWELVE.items()]
        found: dict[str, Any] = {
            "resident_id": timed(jvm, args.ids, lambda: computed(standardise(numbers, one, told))),
            "twelve_fields": timed(
                jvm, args.rows, lambda: computed(standardise(fields, uses, told))
            ),
        }
        found["jvm_peak_mb"] = jvm.peak_mb()
        spark.stop()
        few = raw[: min(args.ids, 500_000)]
        clock = time.perf_counter()
        for _ in standardise_values("resident_id", {}, few, told):
            pass
        seconds = time.perf_counter() - clock
        found["resident_id_without_jvm"] = {
            "rows": len(few),
            "seconds": round(seconds, 2),
            "rows_per_second": round(len(few) / seconds),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
