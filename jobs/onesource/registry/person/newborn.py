"""Whose child is it? The register names no parents, but the household it stands in.

A certificate of birth has no number; it names the mother, the father and the day (DOMAIN 5.2,
rule 4). A child of the register stands in a household of grown-ups: each of them may be a parent,
and the certificate says which.
"""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.model import POLICE_SQL

# Ages between which somebody may have become the parent of a child of the household.
YOUNGEST, OLDEST = 14, 60


def with_parents(people: DataFrame, known: DataFrame, asked: DataFrame) -> DataFrame:
    """The reference rows of the linker, and the registered children once more with each grown-up
    of their household as the parent.

    people: the columns that the linker reads, with `person_id`. known: voices with
    `_component`. asked: the rows to link, of which those that name a mother are of children; only
    children born since the first of them are looked at.
    """
    since = asked.where("mother_id_no IS NOT NULL").agg(F.min("birth_date").alias("_since"))
    own = known.where(f"source IN ({POLICE_SQL}) AND birth_date IS NOT NULL").selectExpr(
        "_component AS person_id", "sex", "birth_date", "id_no", "_home"
    )
    children = (
        own.where("_home IS NOT NULL")
        .join(F.broadcast(since), F.col("birth_date") >= F.col("_since"))
        .select("person_id", "_home", F.col("birth_date").alias("_born"))
        .distinct()
    )
    years = "months_between(_born, birth_date) / 12"
    parents = (
        own.where("id_no IS NOT NULL")
        .drop("person_id")
        .join(F.broadcast(children), "_home")
        .where(f"{years} BETWEEN {YOUNGEST} AND {OLDEST}")
        .selectExpr(
            "person_id",
            "CASE WHEN sex = '2' THEN id_no END AS _mother",
            "CASE WHEN sex = '1' THEN id_no END AS _father",
        )
        .distinct()
    )
    shaped = people.join(F.broadcast(parents), "person_id").withColumns(
        {
            "mother_id_no": F.coalesce("_mother", "mother_id_no"),
            "father_id_no": F.coalesce("_father", "father_id_no"),
        }
    )
    return people.unionByName(shaped.drop("_mother", "_father"))


def unnamed_twins(asked: pa.Table) -> set[str]:
    """The rows, by `row_id`, of children without a name whose mother bore another that day.

    Which of the two it is, nothing says: the register writes no order of birth.
    """
    columns = ("row_id", "name", "mother_id_no", "birth_date", "birth_order")
    rows = list(zip(*asked.select(columns).to_pydict().values(), strict=True))
    orders: dict[object, set[int]] = defaultdict(set)
    for _, _, mother, born, order in rows:
        orders[mother, born].add(order or 1)
    return {
        row
        for row, name, mother, born, _ in rows
        if not name and mother and (len(orders[mother, born]) > 1 or max(orders[mother, born]) > 1)
    }
