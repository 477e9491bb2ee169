"""Voices without a sound number: the linker finds the person whom they speak of, or nobody.

The rules and the frozen model are those of `onesource link` (`registry.linkage`). Only a clear best
match is a link; candidates stay without a person. Links are a function of the voices alone.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.standardisers import Context
from onesource.registry.linkage.model import load_model
from onesource.registry.linkage.persons import MODEL_FILE, link_unnumbered
from onesource.registry.person.identity import ROW
from onesource.registry.person.names import compatible

_SAID = (
    "name",
    "sex",
    "birth_date",
    "county_code",
    "division_code",
    "_address AS address",
    "_phone AS phone",
    "mother_id_no",
    "_father_id_no AS father_id_no",
    "_guardian_id_no AS guardian_id_no",
    "birth_order",
)
# Of several lines of one row: what is believed now, and said last.
_LATEST = (
    f"row_number() OVER (PARTITION BY {ROW} ORDER BY known_to IS NOT NULL, statement_at DESC, "
    "said_order DESC, said_from DESC, line)"
)
LINKS = "_row string, _linked string, _score double, _rule string"
# What a score is worth: its later digits move with every name that the city wins or loses.
_DIGITS = 4


def links_of(
    spark: SparkSession, lost: DataFrame, known: DataFrame, ctx: Any, folder: Path
) -> DataFrame:
    """`_row, _linked (a component), _score, _rule`: the persons whom voices without a number mean.

    lost: voices without an atom. known: those with `_component`. The lost ones come to the driver;
    of the people, those that share a key with one of them do: they are put down in `folder`, and
    the linker reads them from there.
    """
    rows = lost.where("name IS NOT NULL").withColumn("_n", F.expr(_LATEST)).where("_n = 1")
    asked = rows.selectExpr(f"{ROW} AS row_id", *_SAID, "id_no_delivered").toArrow()
    sure: list[dict[str, Any]] = []
    if asked.num_rows:
        people = known.selectExpr("_component AS person_id", *_SAID, "id_no")
        people.write.mode("overwrite").parquet(str(folder))
        reference = ds.dataset(str(folder), format="parquet")
        model = load_model(ctx.settings.schemas / MODEL_FILE)
        context = Context(codelists=ctx.catalogue.codelists, today=ctx.day)
        pairs = link_unnumbered(asked, reference, model=model, context=context)
        links = [r for r in pairs.to_pylist() if r["decision"] == "link"]
        sure = _same_names(links, asked, reference)
    found = [(r["row_id"], r["person_id"], round(r["score"], _DIGITS), r["rule"]) for r in sure]
    return spark.createDataFrame(found, LINKS)


def with_links(spoken: DataFrame, links: DataFrame) -> DataFrame:
    """The voices, those without an atom put to the person that they mean."""
    wanted = links.select(F.col("_linked").alias("_component")).distinct()
    first = (
        spoken.where("_atom IS NOT NULL")
        .join(F.broadcast(wanted), "_component", "left_semi")
        .groupBy("_component")
        .agg(F.min("_atom").alias("_first"), F.max("_is_joined").alias("_joins"))
        .withColumnRenamed("_component", "_linked")
    )
    found = spoken.withColumn("_row", F.expr(ROW)).join(
        F.broadcast(links.join(first, "_linked")), "_row", "left"
    )
    return found.withColumns(
        {
            "_component": F.expr("coalesce(_component, _linked)"),
            "match_rule": F.expr("coalesce(match_rule, CASE WHEN _atom IS NULL THEN _rule END)"),
            "match_score": F.expr("coalesce(match_score, CASE WHEN _atom IS NULL THEN _score END)"),
            "_is_joined": F.expr(
                "CASE WHEN _atom IS NULL AND _joins THEN true ELSE _is_joined END"
            ),
            "_atom": F.expr("coalesce(_atom, _first)"),
        }
    ).drop("_row", "_linked", "_score", "_rule", "_first", "_joins")


def _same_names(
    links: list[dict[str, Any]], asked: pa.Table, reference: ds.Dataset
) -> list[dict[str, Any]]:
    """Those links whose names may be the same person's.

    Twins without a number agree in all else: mother, day, place. Their order of birth parts
    them where it was written down, and their names where it was not.
    """
    wanted = sorted({r["person_id"] for r in links})
    there = reference.to_table(
        columns=["person_id", "name"],
        filter=pc.field("person_id").isin(pa.array(wanted, pa.string())),
    )
    names: dict[str, set[str]] = defaultdict(set)
    for person, name in zip(*_columns(there, "person_id", "name"), strict=True):
        if name:
            names[person].add(name)
    said = dict(zip(*_columns(asked, "row_id", "name"), strict=True))
    return [
        r for r in links if any(compatible(said[r["row_id"]], n) for n in names[r["person_id"]])
    ]


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    found: dict[str, list[Any]] = table.select(list(names)).to_pydict()
    return [found[n] for n in names]
