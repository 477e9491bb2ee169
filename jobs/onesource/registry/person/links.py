"""Voices without a sound number: the linker finds the person whom they speak of, or nobody.

The rules and the frozen model are those of `onesource link` (`registry.linkage`). Only a clear best
match is a link; candidates stay without a person. Links are a function of the voices alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.standardisers import Context
from onesource.registry.linkage.model import load_model
from onesource.registry.linkage.persons import MODEL_FILE, link_unnumbered
from onesource.registry.person.names import compatible

_SAID = (
    "name",
    "sex",
    "birth_date",
    "county_code",
    "division_code",
    "coalesce(get_json_object(attributes, '$.current_address'), "
    "get_json_object(attributes, '$.hukou_address')) AS address",
    "get_json_object(attributes, '$.phone') AS phone",
    "mother_id_no",
    "get_json_object(attributes, '$.father_id_no') AS father_id_no",
    "get_json_object(attributes, '$.guardian_id_no') AS guardian_id_no",
    "birth_order",
)
_ROW = "concat_ws('|', source, source_key, role)"


def with_links(spark: SparkSession, spoken: DataFrame, ctx: Any) -> DataFrame:
    """The voices of `identified`, those without an atom put to the person that they mean.

    Brings the people (names, births, places: some hundred bytes each) and the lost voices to the
    driver, where the linker works in DuckDB.
    """
    lost = spoken.where("_atom IS NULL AND name IS NOT NULL")
    rows = lost.selectExpr(f"{_ROW} AS row_id", *_SAID, "id_no_delivered")
    rows = rows.dropDuplicates(["row_id"])
    asked = rows.toArrow()
    if not asked.num_rows:
        return spoken
    known = spoken.where("_atom IS NOT NULL")
    people = known.selectExpr("_component AS person_id", *_SAID, "id_no").distinct()
    model = load_model(ctx.settings.schemas / MODEL_FILE)
    context = Context(codelists=ctx.catalogue.codelists, today=ctx.day)
    reference = people.toArrow()
    pairs = link_unnumbered(asked, reference, model=model, context=context)
    sure = _same_names([r for r in pairs.to_pylist() if r["decision"] == "link"], asked, reference)
    if not sure:
        return spoken
    links = spark.createDataFrame(
        [tuple(r[c] for c in ("row_id", "person_id", "score", "rule")) for r in sure],
        "_row string, _linked string, _score double, _rule string",
    )
    first = known.groupBy("_component").agg(F.min("_atom").alias("_first"))
    links = links.join(first, F.col("_linked") == F.col("_component")).drop("_component")
    found = spoken.withColumn("_row", F.expr(_ROW)).join(F.broadcast(links), "_row", "left")
    return found.withColumns(
        {
            "_component": F.expr("coalesce(_component, _linked)"),
            "match_rule": F.expr("coalesce(match_rule, CASE WHEN _atom IS NULL THEN _rule END)"),
            "match_score": F.expr("coalesce(match_score, CASE WHEN _atom IS NULL THEN _score END)"),
            "_atom": F.expr("coalesce(_atom, _first)"),
        }
    ).drop("_row", "_linked", "_score", "_rule", "_first")


def _same_names(
    links: list[dict[str, Any]], asked: pa.Table, reference: pa.Table
) -> list[dict[str, Any]]:
    """Those links whose names may be the same person's.

    Twins without a number agree in all else: mother, day, place. Their order of birth parts
    them where it was written down, and their names where it was not.
    """
    wanted = {r["person_id"] for r in links}
    names: dict[str, set[str]] = defaultdict(set)
    for person, name in zip(*_columns(reference, "person_id", "name"), strict=True):
        if person in wanted and name:
            names[person].add(name)
    said = dict(zip(*_columns(asked, "row_id", "name"), strict=True))
    return [
        r for r in links if any(compatible(said[r["row_id"]], n) for n in names[r["person_id"]])
    ]


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    found: dict[str, list[Any]] = table.select(list(names)).to_pydict()
    return [found[n] for n in names]
