"""Two people who may be one: what is asked of a pair, and what a department answered.

One number that two people use, and two registrations that are likely one person's, are questions
about two people. The answer that they are one joins their voices (`decided`). The answer that they
are two changes no voice: the pair is looked for and found as before, with the ticket that settled
it, and nobody is disputed for it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from onesource.registry.person.model import DECISION, IDENTITY, POLICE_SQL, TWO_PERSONS
from onesource.registry.person.twice import second_registrations
from onesource.spark.written import put

NUMBER = "id_no"
Pair = tuple[str, str, str]  # attribute, the lesser person_id, the other
# A pair as `registry.ticket` keeps it but for the owner; `settled_by`: the ticket that says two.
_PAIR = ", ".join(
    f"{name} string"
    for name in (
        "entity", "attribute", "value_a", "source_a", "value_b", "source_b", "evidence_a",
        "evidence_b", "detail_zh", "detail_en", "settled_by",
    )
)  # fmt: skip


def pairs_of(spark: SparkSession, people: DataFrame, source: DataFrame, folder: Path) -> DataFrame:
    """The conflicts of pairs, with `settled_by`: a few rows that outlast the step's own files.

    people: rows of `registry.person`, all namesakes of one day among them. source:
    `registry.person_source`, which is walked through once for the numbers and the answers.
    """
    words = put(spark, _words(source), folder / "words_on_pairs")
    settled = settled_pairs(words.where(f"source = '{DECISION}'").collect())
    found = [
        r.asDict()
        for pairs in (shared_numbers(words), second_registrations(people, source))
        for r in pairs.collect()
    ]
    names = [part.split()[0] for part in _PAIR.split(", ")]
    rows = []
    for r in found:
        by = settled.get((r["attribute"], r["value_a"], r["value_b"]))
        rows.append(tuple(r.get(n) if n != "settled_by" else by for n in names))
    return spark.createDataFrame(rows, _PAIR)


def settled_pairs(answers: Iterable[Row | Mapping[str, str]]) -> dict[Pair, str]:
    """The pairs that a department said to be two people → its ticket.

    answers: `source_key` (the ticket), `person_id` and `attribute`, a row for each of the two. Two
    who have become one since are no pair.
    """
    they: dict[tuple[str, str], set[str]] = {}
    for r in answers:
        they.setdefault((r["source_key"], r["attribute"]), set()).add(r["person_id"])
    found: dict[Pair, str] = {}
    for (ticket, attribute), two in sorted(they.items()):
        if len(two) > 1:
            first, other = sorted(two)
            found.setdefault((attribute, first, other), ticket)
    return found


def _words(source: DataFrame) -> DataFrame:
    """The voices with a number that several use, and the answers that two people are two."""
    answer = " ".join(
        f"WHEN get_json_object(attributes, '$.{a}') = '{min(TWO_PERSONS)}' THEN '{a}'"
        for a in IDENTITY
    )
    return (
        source.where("known_to IS NULL AND person_id IS NOT NULL")
        .where(f"(_is_shared AND id_no IS NOT NULL) OR source = '{DECISION}'")
        .withColumn("attribute", F.expr(f"CASE {answer} END"))
        .where(f"source <> '{DECISION}' OR attribute IS NOT NULL")
        .select(
            "id_no", "person_id", "source", "source_key", "delivery_id", "sheet", "line",
            "statement_at", "_order", "attribute",
        )
    )  # fmt: skip


def shared_numbers(words: DataFrame) -> DataFrame:
    """One number with two people: both stay, and the police are asked once a pair."""
    who = (
        words.where("id_no IS NOT NULL")
        .groupBy("id_no", "person_id")
        .agg(
            F.expr(
                "min_by(struct(source, concat_ws('/', delivery_id, coalesce(sheet, ''), line) AS "
                f"place), struct(source NOT IN ({POLICE_SQL}), statement_at, source, _order))"
            ).alias("said"),
        )
    )
    shared = (
        who.groupBy("id_no")
        .agg(F.expr("sort_array(collect_list(struct(person_id, said)))").alias("people"))
        .where("size(people) > 1")
        .selectExpr("people[0] AS a", "explode(slice(people, 2, size(people))) AS b")
    )
    return shared.selectExpr(
        "a.person_id AS entity",
        f"'{NUMBER}' AS attribute",
        "a.person_id AS value_a",
        "a.said.source AS source_a",
        "b.person_id AS value_b",
        "b.said.source AS source_b",
        "a.said.place AS evidence_a",
        "b.said.place AS evidence_b",
        "concat('同一证件号码下有两人：', a.person_id, '、', b.person_id) AS detail_zh",
        "concat('two people use one number: ', a.person_id, ', ', b.person_id) AS detail_en",
    )


def marked(rows: DataFrame, pairs: DataFrame) -> DataFrame:
    """The rows of people with `is_disputed` and `is_number_shared`, as believed now of today.

    Disputed are those about whom a question is open, alone or as one of a pair. A number is shared
    where a department found that it is two people's.
    """
    one = (
        pairs.selectExpr("explode(array(value_a, value_b)) AS person_id", "attribute", "settled_by")
        .groupBy("person_id")
        .agg(
            F.expr("bool_or(settled_by IS NULL)").alias("_paired"),
            F.expr(f"bool_or(settled_by IS NOT NULL AND attribute = '{NUMBER}')").alias("_told"),
        )
    )
    found = rows.join(F.broadcast(one), "person_id", "left")
    is_now = "known_to IS NULL AND valid_to IS NULL"
    return found.withColumns(
        {
            "is_disputed": F.expr(f"_is_asked OR (coalesce(_paired, false) AND {is_now})"),
            "is_number_shared": F.expr(f"coalesce(_told, false) AND {is_now}"),
        }
    ).select(*rows.columns)
