"""A small typical job, run once with ONESOURCE_JSA_DUMP set: what it loads goes into the archive.

Delta create, append, MERGE, partition replace, read, window, a Python batch function. The lake
is a folder that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from onesource.config import Settings
from onesource.spark.session import open_session

ROOT = Path(__file__).resolve().parents[1]


def _same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="onesource-warm-") as place:
        settings = Settings.from_environment(
            {
                "ONESOURCE_HOME": str(ROOT),
                "ONESOURCE_LAKE": place,
                "ONESOURCE_SPARK": "local[2]",
            }
        )
        spark = open_session(settings, "onesource-warm")
        table = f"{place}/t"
        text = Path(place) / "t.csv"
        text.write_text("id,county,amount\n1,141102,1.5\n2,141121,2.5\n3,141122,x\n")
        rows = (
            spark.read.option("header", True)
            .csv(str(text))
            .select(
                F.col("id").cast("bigint").alias("id"),
                "county",
                F.expr("try_cast(amount as decimal(20,6))").alias("amount"),
                F.current_timestamp().alias("at"),
            )
        )
        rows.write.format("delta").partitionBy("county").save(table)
        rows.withColumn("id", F.col("id") + 10).write.format("delta").mode("append").save(table)
        rows.createOrReplaceTempView("news")
        spark.sql(
            f"MERGE INTO delta.`{table}` AS t USING (SELECT * FROM news) AS s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )
        rows.where("county = '141102'").write.format("delta").mode("overwrite").option(
            "replaceWhere", "county = '141102'"
        ).save(table)
        served = spark.read.format("delta").option("versionAsOf", 1).load(table)
        served.groupBy("county").agg(
            F.count("*").alias("n"), F.sum("amount"), F.max_by("id", "at")
        ).collect()
        served.mapInArrow(_same, served.schema).selectExpr(
            "row_number() over (partition by county order by id desc) as place"
        ).toArrow()
        spark.sql(f"DESCRIBE HISTORY delta.`{table}`").collect()
        _stop_and_wait(spark)


def _stop_and_wait(spark: SparkSession) -> None:
    """Ends Spark and waits for its Java process, which writes the archive as its last act."""
    gateway = spark.sparkContext._gateway
    spark.stop()
    process = gateway.proc
    gateway.shutdown()
    process.stdin.close()
    process.wait(timeout=300)


if __name__ == "__main__":
    main()
