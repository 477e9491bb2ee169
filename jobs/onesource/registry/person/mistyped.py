"""Registrations whose number was written down wrong (DOMAIN 5.2, rule 3).

Such a registration is a person of its own, for it has the register's key; and whoever other sources
know by the right number would be a second one. The two are one where the numbers differ in one
place, the register's fails its check, name, day of birth and county are the same, and the register
has nobody else for the number.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.standardisers import Context
from onesource.registry.linkage.model import load_model
from onesource.registry.linkage.persons import MODEL_FILE, link_unnumbered
from onesource.registry.person.model import POLICE_SQL

MISTYPED = "number_mistyped"
# What the linker reads of a voice.
SAID = (
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
_FEEDS = f"source IN ({POLICE_SQL})"
# No line of it has a sound number: it is alone with itself.
_ALONE = f"{_FEEDS} AND _atom = _unit AND _component = _atom"
# Of several lines of one row: what is believed now, and said last.
_LATER = "struct(known_to IS NULL, statement_at, said_order, said_from, line, known_from) AS _later"


def latest_rows(voices: DataFrame, row: str) -> DataFrame:
    """`row_id` (SQL), what the linker reads, and `id_no_delivered`: the later word of each row."""
    said = voices.selectExpr(*SAID, "id_no_delivered", f"{row} AS row_id", _LATER)
    rows = said.groupBy("row_id").agg(F.expr("max_by(struct(*), _later)").alias("r"))
    return rows.select("r.*").drop("_later")


def with_mistyped_registrations(spark: SparkSession, spoken: DataFrame, ctx: Any) -> DataFrame:
    """The voices, such registrations put to the person whom their number means.

    Only namesakes of one day are compared: few, whatever the size of the city.
    """
    alone = spoken.where(f"{_ALONE} AND id_no_delivered IS NOT NULL AND name IS NOT NULL")
    asked = latest_rows(alone, "_unit").toArrow()
    if not asked.num_rows:
        return spoken
    namesakes = alone.select("name", "birth_date").distinct()
    near = spoken.where("id_no IS NOT NULL").join(
        F.broadcast(namesakes), ["name", "birth_date"], "left_semi"
    )
    components = F.broadcast(near.select("_component").distinct())
    registered = spoken.where(f"{_FEEDS} AND NOT ({_ALONE})").join(
        components, "_component", "left_semi"
    )
    free = near.join(registered.select("_component").distinct(), "_component", "left_anti")
    reference = free.selectExpr("_component AS person_id", *SAID, "id_no").distinct().toArrow()
    model = load_model(ctx.settings.schemas / MODEL_FILE)
    context = Context(codelists=ctx.catalogue.codelists, today=ctx.day)
    pairs = link_unnumbered(asked, reference, model=model, context=context).to_pylist()
    # By the declared rule alone: among so few the model would think everybody rare.
    sure = [r for r in pairs if r["decision"] == "link" and r["rule"] == MISTYPED]
    times = Counter(r["person_id"] for r in sure)  # a number that two mean is neither's
    links = [(r["row_id"], r["person_id"], r["score"]) for r in sure if times[r["person_id"]] == 1]
    if not links:
        return spoken
    found = spark.createDataFrame(links, "_row string, _linked string, _score double")
    # The root of a component is one of its atoms.
    return (
        spoken.join(F.broadcast(found), F.expr(f"_unit = _row AND {_ALONE}"), "left")
        .withColumns(
            {
                "_atom": F.expr("coalesce(_linked, _atom)"),
                "_component": F.expr("coalesce(_linked, _component)"),
                "match_score": F.expr("coalesce(_score, match_score)"),
            }
        )
        .drop("_row", "_linked", "_score")
    )


def namesakes(old: DataFrame, fresh: DataFrame) -> DataFrame:
    """`_component` of whom such a registration may mean, or mean no longer, by what is said now.

    old: `registry.person_source` as it was. fresh: the voices that changed.
    """
    keys = fresh.where("name IS NOT NULL").selectExpr(
        "name", "birth_date", f"{_FEEDS} AND id_no IS NULL AS _fresh"
    )
    return (
        old.where("_component IS NOT NULL")
        .join(F.broadcast(keys.distinct()), ["name", "birth_date"])
        .where(f"_fresh OR ({_FEEDS} AND id_no IS NULL)")
        .select("_component")
        .distinct()
    )
