"""Bronze: every delivered field as text, with its delivery, sheet and line.

Append only, as long as the contract reads files in the same way; else it is read from landing anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.ingest import landing
from onesource.ingest.readers import bronze_schema, read
from onesource.lake import delta
from onesource.lake.paths import bronze_path
from onesource.spark.session import tasks_at_once

TECHNICAL = {
    "_extra": "map<string,string>",
    "_raw": "string",
    "_sheet": "string",
    "_line": "bigint",
    "_delivery_id": "string",
    "_ingested_at": "timestamp",
}

# A large delivery is read by one task, and standardised by all: with one file it would be one. Of
# 1 M rows on two cores the run took 29 s with one file.
ROWS_PER_FILE = 125_000


def columns(feed: Contract) -> dict[str, str]:
    return dict.fromkeys(feed.field_names, "string") | TECHNICAL


def append(
    spark: SparkSession,
    settings: Settings,
    feed: Contract,
    records: Sequence[landing.Record],
    *,
    anew: bool = False,
) -> int:
    """Appends the rows of the deliveries to bronze in one commit; returns its version.

    anew: they take the place of all rows, which were read under another contract; the versions
    before stay readable.

    The files are read where Spark's workers run, one task a delivery, in batches: no file is
    ever held whole. Raises what the reader raises when kept bytes cannot be read.
    """
    path = bronze_path(settings, feed)
    # Values of people stand here: none of them in the log's file statistics.
    delta.create(
        spark,
        path,
        columns(feed),
        partition_by=["_delivery_id"],
        statistics_for=["_line", "_ingested_at"],
    )
    frame = _rows(spark, settings, feed, records)
    frame = frame.withColumn("_ingested_at", F.current_timestamp())
    return delta.write(
        frame.select(*columns(feed)),
        path,
        mode="overwrite" if anew else "append",
        partition_by=["_delivery_id"],
        rows_per_file=ROWS_PER_FILE,
    )


def _rows(
    spark: SparkSession, settings: Settings, feed: Contract, records: Sequence[landing.Record]
) -> DataFrame:
    files = [(r.delivery_id, str(landing.payload(settings, feed, r)), r.file_name) for r in records]
    source = spark.createDataFrame(files, "delivery_id string, path string, name string")
    schema = bronze_schema(feed)
    out = ", ".join(f"`{n}` {t}" for n, t in columns(feed).items() if n != "_ingested_at")

    def read_all(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                for rows in read(Path(row["path"]), feed, row["name"]):
                    ids = pa.array([row["delivery_id"]] * rows.num_rows, pa.string())
                    yield pa.RecordBatch.from_arrays(
                        [*rows.columns, ids], names=[*schema.names, "_delivery_id"]
                    )

    tasks = min(len(files), max(2, tasks_at_once(spark) or 64))
    return source.repartition(tasks).mapInArrow(read_all, out)
