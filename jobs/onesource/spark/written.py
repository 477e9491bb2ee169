"""Rows written down beside a step, because they are read more than once."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType


def put(spark: SparkSession, frame: DataFrame, folder: Path) -> DataFrame:
    """The rows as they stand in `folder` now (Parquet; what was there is replaced)."""
    frame.write.mode("overwrite").parquet(str(folder))
    return spark.read.schema(StructType(frame.schema.fields)).parquet(str(folder))
