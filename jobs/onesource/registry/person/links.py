"""Voices without a sound number: the linker finds the person whom they speak of, or nobody.

The rules and the frozen model are those of `onesource link` (`registry.linkage`). Only a clear best
match is a link; a candidate is named and stays without a person. Links are a function of the voices
alone.
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
from onesource.registry.person.mistyped import MISTYPED, SAID, latest_rows
from onesource.registry.person.model import person_id
from onesource.registry.person.names import compatible
from onesource.registry.person.newborn import unnamed_twins, with_parents

_BLIND = "|~"  # behind the name of a row that stands once more without its number
_PROPOSED, CANDIDATE = "candidate_person_id", "candidate"
LINKS = "_row string, _linked string, _score double, _rule string, _proposed string"
# What a score is worth: its later digits move with every name that the city wins or loses.
_DIGITS = 4


def links_of(
    spark: SparkSession, lost: DataFrame, known: DataFrame, ctx: Any, folder: Path
) -> DataFrame:
    """`_row, _linked (a component), _score, _rule`: the persons whom voices without a number mean;
    or `_proposed`, a person whom one may mean and somebody must confirm.

    lost: voices without an atom. known: those with `_component`. The lost ones come to the driver;
    of the people, those that share a key with one of them do: they are put down in `folder`, and
    the linker reads them from there.
    """
    rows = lost.where("coalesce(name, mother_id_no) IS NOT NULL")
    asked = latest_rows(rows, ROW).toArrow()
    found: list[tuple[Any, ...]] = []
    if asked.num_rows:
        people = known.selectExpr("_component AS person_id", *SAID, "id_no")
        people = with_parents(people, known, lost)
        people.write.mode("overwrite").parquet(str(folder))
        reference = ds.dataset(str(folder), format="parquet")
        model = load_model(ctx.settings.schemas / MODEL_FILE)
        context = Context(codelists=ctx.catalogue.codelists, today=ctx.day)
        sensitive = sensitive_feeds(ctx.catalogue)
        asked = pa.concat_tables([asked, _without_number(asked, sensitive)])
        pairs = link_unnumbered(asked, reference, model=model, context=context)
        found = _decided(pairs, asked, reference, sensitive)
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
        F.broadcast(links.join(first, "_linked", "left")), "_row", "left"
    )
    return found.withColumns(
        {
            _PROPOSED: F.expr("CASE WHEN _atom IS NULL THEN _proposed END"),
            "_component": F.expr("coalesce(_component, _linked)"),
            "match_rule": F.expr("coalesce(match_rule, CASE WHEN _atom IS NULL THEN _rule END)"),
            "match_score": F.expr("coalesce(match_score, CASE WHEN _atom IS NULL THEN _score END)"),
            "_is_joined": F.expr(
                "CASE WHEN _atom IS NULL AND _joins THEN true ELSE _is_joined END"
            ),
            "_atom": F.expr("coalesce(_atom, _first)"),
        }
    ).drop("_row", "_linked", "_score", "_rule", "_first", "_joins", "_proposed")


def sensitive_feeds(catalogue: Any) -> frozenset[str]:
    """The feeds whose rows hold sensitive personal information (`personal: spi`)."""
    return frozenset(
        name
        for name, feed in catalogue.feeds.items()
        if any(f.properties.personal == "spi" for f in feed.fields)
    )


def _is_sensitive(row: str, sensitive: frozenset[str]) -> bool:
    return row.split("|", 1)[0] in sensitive


def _without_number(asked: pa.Table, sensitive: frozenset[str]) -> pa.Table:
    """The sensitive rows once more, under another name and without the number that failed.

    What the number alone would decide somebody must confirm; what the rest decides is decided.
    """
    rows = [r for r in asked.to_pylist() if r["id_no_delivered"]]
    own = [r for r in rows if _is_sensitive(r["row_id"], sensitive)]
    made = [r | {"row_id": r["row_id"] + _BLIND, "id_no_delivered": None} for r in own]
    return pa.Table.from_pylist(made, schema=asked.schema)


def _decided(
    pairs: pa.Table, asked: pa.Table, reference: ds.Dataset, sensitive: frozenset[str]
) -> list[tuple[Any, ...]]:
    """The rows of `LINKS`: each row's best pair.

    A number with one wrong place decides (DOMAIN 5.2, rule 3), but not where the row is sensitive:
    there somebody must confirm it.
    """
    best: dict[str, dict[str, Any]] = {}
    for r in pairs.to_pylist():  # the best of a row first
        best.setdefault(r["row_id"], r)
    named = {r["row_id"] for r in _same_names(list(best.values()), asked, reference)}
    unsure = unnamed_twins(asked)
    found = []
    for row, r in best.items():
        if row not in named or row.endswith(_BLIND):
            continue
        is_link = r["decision"] == "link" and row not in unsure
        if is_link and r["rule"] == MISTYPED and _is_sensitive(row, sensitive):
            blind = best.get(row + _BLIND, {"decision": "", "person_id": ""})
            is_link = blind["decision"] == "link" and blind["person_id"] == r["person_id"]
            r = blind if is_link else r
        component, score = r["person_id"], round(r["score"], _DIGITS)
        # The root of a component is one of its atoms.
        said = (component, score, r["rule"], None) if is_link else (
            None, score, CANDIDATE, person_id(component)
        )  # fmt: skip
        found.append((row, *said))
    return found


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
        r
        for r in links
        if any(compatible(said[r["row_id"]] or "", n) for n in names[r["person_id"]])
    ]


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    found: dict[str, list[Any]] = table.select(list(names)).to_pydict()
    return [found[n] for n in names]
