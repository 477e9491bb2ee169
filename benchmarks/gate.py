"""The gate alone: 15 rules on 1 M rows × 12 columns of staged Parquet. Prints JSON.

    .venv/bin/python benchmarks/gate.py [--rows 1000000] [--rules 15]

Measured: the batch gate when no row is rejected (one pass) and when some are (the rules of the
whole batch see the rows that go on only), the audit of a table with a key of two columns, and the
gate of a small table. Aim: at most a quarter of a step's time on 1 M rows (benchmarks/pipeline.py
measures the step).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.config import Settings
from onesource.quality.gate import DeliveryRows, run_gate
from onesource.quality.rules import Dimension, Phase, Rule, Severity
from onesource.spark.session import open_session

ISSUES = "array<struct<field:string,verdict:string,raw:string,detail:string>>"
REJECTS = "array<struct<field:string,rule:string,raw:string,detail:string>>"
COLUMN = "expect_column_"
NUMBERS = ("n0", "n1", "n2", "n3")


def _rule(on: Phase, severity: str, expectation: str, condition: str = "", **kwargs: Any) -> Rule:
    if condition:
        kwargs["unexpected_rows_query"] = f"SELECT * FROM {{batch}} WHERE {condition}"
    columns = "_".join(str(v) for k, v in kwargs.items() if k.startswith("column"))
    return Rule(
        id=f"{expectation}_{columns}{len(condition)}",
        table="silver.bench_gate",
        expectation=expectation,
        kwargs=kwargs,
        on=on,
        severity=Severity(severity),
        dimension=Dimension.VALIDITY,
        owner="onesource",
        zh="规则",
        en="rule",
        condition=condition or None,
    )


def batch_rules() -> list[Rule]:
    """Fifteen rules of every kind that a feed has."""
    b = Phase.BATCH
    counties = [str(141100 + i) for i in range(13)]
    return [
        _rule(b, "hold", "expect_table_row_count_to_be_between", min_value=1),
        *[
            _rule(b, "row", f"{COLUMN}values_to_not_be_null", column=c)
            for c in ("id", "county", "day")
        ],
        *[
            _rule(b, "flag", f"{COLUMN}values_to_be_between", column=c, min_value=0, max_value=999)
            for c in NUMBERS
        ],
        _rule(b, "row", f"{COLUMN}values_to_match_regex", column="id", regex="^K[0-9]+$"),
        _rule(b, "flag", f"{COLUMN}values_to_be_in_set", column="county", value_set=counties),
        _rule(b, "flag", f"{COLUMN}value_lengths_to_be_between", column="s0", max_value=10),
        _rule(
            b, "warn", f"{COLUMN}pair_values_a_to_be_greater_than_b", column_A="n0", column_B="n1"
        ),
        _rule(b, "flag", "unexpected_rows_expectation", "n0 > 990 AND n1 > 990"),
        _rule(b, "hold", "unexpected_rows_expectation", "exists(_issues, i -> i.field = 's1')"),
        _rule(b, "warn", f"{COLUMN}mean_to_be_between", column="n2", min_value=1, max_value=999),
    ]


def table_rules() -> list[Rule]:
    t = Phase.TABLE
    return [
        _rule(t, "hold", "expect_table_row_count_to_be_between", min_value=1),
        _rule(t, "hold", f"{COLUMN}values_to_not_be_null", column="id"),
        _rule(t, "hold", f"{COLUMN}values_to_not_be_null", column="day"),
        _rule(t, "hold", "expect_compound_columns_to_be_unique", column_list=["id", "day"]),
    ]


def frame(spark: SparkSession, rows: int, folder: Path, rejected: str) -> DataFrame:
    """Twelve columns and what staging adds, as Parquet; `rejected` is a condition on `id`."""
    reject = f"CASE WHEN {rejected} THEN CAST(array() AS {REJECTS}) END"
    made = spark.range(rows).select(
        F.concat(F.lit("K"), F.col("id")).alias("id"),
        (F.col("id") % 13 + 141100).cast("string").alias("county"),
        F.expr("date_add(DATE '2020-01-01', CAST(id % 365 AS INT))").alias("day"),
        *[(F.rand(i) * 999).cast("decimal(20,6)").alias(n) for i, n in enumerate(NUMBERS)],
        *[(F.rand(9 + i) * 1e5).cast("int").cast("string").alias(f"s{i}") for i in range(5)],
        F.lit("d1").alias("_delivery_id"),
        F.expr(f"CAST(array() AS {ISSUES})").alias("_issues"),
        F.expr(reject).alias("_rejects"),
    )
    made.repartition(4).write.mode("overwrite").parquet(str(folder))
    return spark.read.parquet(str(folder))


def timed(work: Callable[[], Any], times: int = 3) -> dict[str, float]:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {"first_s": round(seconds[0], 2), "median_s": round(statistics.median(seconds), 2)}


def measure(spark: SparkSession, rows: int, folder: Path) -> dict[str, Any]:
    def judge(df: DataFrame, rules: list[Rule], counted: DeliveryRows) -> Callable[[], Any]:
        def run() -> None:
            result = run_gate(
                df, rules, table="silver.bench_gate", phase=rules[0].on, run_id="bench",
                step="bench", deliveries={"d1": counted},
            )  # fmt: skip
            assert result.passed, result.reason_en

        return run

    small = frame(spark, 1000, folder / "small", "FALSE")
    clean = frame(spark, rows, folder / "clean", "FALSE")
    dirty = frame(spark, rows, folder / "dirty", "id % 100 = 0")
    batch, table = batch_rules(), table_rules()
    wide = [
        _rule(Phase.BATCH, "hold", "unexpected_rows_expectation", f"n0 > {10**9 + i}")
        for i in range(100)
    ]
    wide = [Rule(**{**vars(r), "id": f"r{i}"}) for i, r in enumerate(wide)]
    return {
        "rows": rows,
        "rules": len(batch),
        "small_table": timed(judge(small, batch, DeliveryRows(1000)), 5),
        "small_table_100_rules": timed(judge(small, wide, DeliveryRows(1000)), 5),
        "batch": timed(judge(clean, batch, DeliveryRows(rows))),
        "batch_with_rejected_rows": timed(judge(dirty, batch, DeliveryRows(rows, rows // 100))),
        "table_audit": timed(judge(clean, table, DeliveryRows(rows))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    spark = open_session(Settings.from_environment(), "onesource-bench-gate")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(spark, rows, Path(folder)), indent=1))
    spark.stop()


if __name__ == "__main__":
    main()
