"""Examples of standardisers as tables, put to both engines. All persons in them are made up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

from pyspark.sql import SparkSession

from onesource.clean.standardisers import Answer, Context, Use, standardise, standardise_values
from onesource.clean.standardisers.division import shipped_index
from onesource.config import Settings
from onesource.contracts.load import load_codelist
from onesource.spark.local import local_rows

TODAY = date(2024, 6, 30)
# raw, value, verdict, a part of the detail
Example = tuple[str | None, str | None, str, str]
# standardiser, arguments, examples
Table = tuple[str, Mapping[str, str], list[Example]]


@cache
def context() -> Context:
    schemas = Settings.from_environment().schemas
    lists = {p.stem: load_codelist(p) for p in (schemas / "codelists").glob("*.csv")}
    return Context(lists, division=shipped_index(schemas), today=TODAY)


def answers(name: str, raws: Iterable[str | None], **args: str) -> list[Answer]:
    return list(standardise_values(name, args, raws, context()))


def check_without_a_jvm(table: Table) -> None:
    name, args, examples = table
    found = answers(name, [e[0] for e in examples], **args)
    for (raw, value, verdict, part), answer in zip(examples, found, strict=True):
        assert answer[:2] == (value, verdict), (name, raw, answer)
        assert part in answer[2], (name, raw, answer)


def check_alike(spark: SparkSession, name: str, raws: list[str | None], **args: str) -> None:
    """Spark and DuckDB answer every value alike."""
    frame = local_rows(spark, list(enumerate(raws)), "i int, raw string").coalesce(1)
    uses = [Use("raw", "s", name, args)]
    rows = standardise(frame, uses, context(), native=True).orderBy("i").collect()
    found = [(r.s.value, r.s.verdict, r.s.detail) for r in rows]
    expected = answers(name, raws, **args)
    for raw, by_spark, by_duckdb in zip(raws, found, expected, strict=True):
        assert by_spark == by_duckdb, (name, raw)
