"""`registry.address_written` and `registry.address`: addresses of people and organisations.

The first has one row for each way in which an address is written (with the county that its record
gives beside it) and each stretch of days in which its division has one code; the second one row
for each address that they mean. Both follow from what the histories of people and organisations
hold and from the register of divisions as it is believed now; neither adds anything to those
tables: they are joined by the written text (docs/registries.md has the SQL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, reduce
from itertools import islice
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.geography.address import AddressReader, county_of
from onesource.clean.geography.index import DivisionIndex
from onesource.clean.geography.standard import Standard, Standards, address_id
from onesource.clean.geography.written import written
from onesource.registry.patch import Before, Patch
from onesource.registry.places import registry_index
from onesource.spark.written import put

ADDRESS, WRITTEN = "registry.address", "registry.address_written"
# Where addresses come from: table → SQL of the address and of the county beside it.
SOURCES = {
    "registry.person_address_history": ("address", "rpad(left(division_code, 6), 12, '0')"),
    "registry.organisation": ("address", "county_code"),
}
# The levels of the normal form, and the address written out.
LEVELS = Standard._fields[1:]
_BATCH = 50_000
_ID = (
    "concat('W', upper(substring(sha2(concat_ws('|', written, coalesce(county_beside, ''), "
    "coalesce(cast(valid_from AS string), '')), 256), 1, 20)))"
)
# A text and the county beside it, which is digits: no two are one.
_TEXT = "concat(coalesce(county_beside, ''), '|', written)"
_TEXTS = (
    "written", "county_beside", "verdict", "address_id", "address", *LEVELS,
    "division_code", "division_now", "division_method", "division_verdict", "county_code",
)  # fmt: skip
_FIELDS: list[pa.Field[Any]] = [
    *(pa.field(name, pa.string()) for name in _TEXTS),
    pa.field("match_level", pa.int32()),
    pa.field("match_score", pa.float64()),
    pa.field("valid_from", pa.date32()),
    pa.field("valid_to", pa.date32()),
]
_ARROW = pa.schema(_FIELDS)
_SQL = ", ".join(
    (*(f"{n} string" for n in _TEXTS), "match_level int", "match_score double",
     "valid_from date", "valid_to date")
)  # fmt: skip


def build_written(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """`registry.address_written`. Reads the divisions, and of `SOURCES` what is served.

    Every distinct text is read once, in the workers; nothing is collected but the divisions. While
    the divisions are what they were, only texts that the last version does not have are read.
    """
    given = [
        inputs[table].selectExpr(f"{text} AS written", f"{county} AS county_beside")
        for table, (text, county) in SOURCES.items()
        if table in inputs
    ]
    none = spark.createDataFrame([], "written string, county_beside string")
    rows = reduce(DataFrame.union, given, none).where("written IS NOT NULL").distinct()
    read = partial(_read, index=registry_index(inputs, ctx))
    before: Before | None = ctx.before
    if before is None or before.changed - set(SOURCES):
        return {WRITTEN: _rows(rows, read)}
    texts = put(spark, rows.withColumn("_text", F.expr(_TEXT)), ctx.scratch / "texts")
    there = before.rows.select(F.expr(_TEXT).alias("_text")).distinct()
    new = texts.join(there, "_text", "left_anti").drop("_text")
    gone = put(spark, there.join(texts, "_text", "left_anti"), ctx.scratch / "gone")
    made = put(spark, _rows(new, read), ctx.scratch / "rows")
    told = gone.unionByName(made.select(F.expr(_TEXT).alias("_text")))
    return {WRITTEN: Patch(_TEXT, gone, made, told)}


def _rows(texts: DataFrame, read: Callable[..., Iterator[pa.RecordBatch]]) -> DataFrame:
    return texts.mapInArrow(read, _SQL).withColumns(
        {"match_score": F.col("match_score").cast("decimal(5,4)"), "written_id": F.expr(_ID)}
    )


def _read(batches: Iterable[pa.RecordBatch], index: DivisionIndex) -> Iterator[pa.RecordBatch]:
    reader, standards = AddressReader(index), Standards(index)
    rows = (
        row
        for batch in batches
        for text, county in zip(*(c.to_pylist() for c in batch.columns), strict=True)
        for row in rows_of(text, county, reader, standards)
    )
    while chunk := list(islice(rows, _BATCH)):
        columns = zip(*chunk, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, _ARROW, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=_ARROW)


def rows_of(
    raw: str, county: str | None, reader: AddressReader, standards: Standards
) -> Iterator[tuple[Any, ...]]:
    """The rows of one written address, in the order of `_ARROW`: one for each stretch of days."""
    cell = written(raw)
    if cell.verdict != "OK":
        nothing = [None] * (len(LEVELS) + 7)
        yield (raw, county, cell.verdict, *nothing, 0, 0.0, None, None)
        return
    now, normal = None, tuple[Any, ...]()
    for start, end, found in reader.through_time(cell.text, county):
        if not normal or found.division_now != now:
            standard, now = standards.of(found), found.division_now
            number = address_id(standard) if found.match_level else None
            normal = (number, standard.text, *[part or None for part in standard[1:]])
        yield (
            raw, county, "OK", *normal,
            found.division_code, now, found.method or None, found.verdict,
            county_of(found.division_code), found.match_level, found.match_score, start, end,
        )  # fmt: skip


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """`registry.address`: one row per address, from the best of the ways it is written.

    Reads `registry.address_written` in the latest stretch of days.
    """
    now = inputs[WRITTEN].where("address_id IS NOT NULL AND valid_to IS NULL")
    kept = ("address", *LEVELS, "division_code", "county_code", "match_level", "match_score")
    best = F.max_by(F.struct(*kept), F.struct("match_score", "match_level", "written_id"))
    found = now.groupBy("address_id").agg(
        best.alias("best"), F.count_distinct("written").alias("ways_count")
    )
    return {ADDRESS: found.select("address_id", "best.*", "ways_count")}
