"""A few rows of ours as a table of Spark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType


def local_rows(spark: SparkSession, rows: Iterable[Sequence[Any]], schema: str) -> DataFrame:
    """The rows as a local relation: part of the plan itself, with a size that the planner knows.

    schema: names and types as DDL. A moment without a zone is one of this machine's zone, as
    `createDataFrame` takes it, which hands such rows over as pickles that a Python worker copies
    anew in every query that reads them. For what is small and no person's: in every plan it stays.
    """
    shape = cast(StructType, StructType.fromDDL(schema))
    types = to_arrow_schema(shape)
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    arrays = [
        pa.array([v.astimezone() if isinstance(v, datetime) else v for v in column], f.type)
        for column, f in zip(columns, types, strict=True)
    ]
    return spark.createDataFrame(pa.table(arrays, schema=types), shape)
