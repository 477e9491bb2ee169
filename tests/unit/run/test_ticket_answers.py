"""Which answer is the last word on what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.run.ticket_answers import _decisions
from onesource.run.ticket_fold import fold
from tests.unit.run.test_ticket_fold import answer, seen

FIRST = datetime(2026, 10, 1, 8, tzinfo=UTC)


def held(spark: SparkSession, attribute: str) -> dict[str, bool]:
    """Of two tickets on one thing, answered one after the other: does the answer hold still?"""
    tables = load_catalogue(Settings.from_environment({}).schemas, odcs=False).tables
    rows = []
    for n, other in enumerate(("乙", "丙")):
        about = {"attribute": attribute, "value_b": other}
        said = answer("CORRECTED", n + 1, value="两人") | {"said_at": FIRST + timedelta(days=n)}
        rows.append(fold(other, [seen() | about, said]))
    contract = tables["registry.ticket"]
    schema = ", ".join(f"{f.name} {f.spark_type}" for f in contract.fields)
    tickets = spark.createDataFrame(
        [tuple(r[f.name] for f in contract.fields) for r in rows], schema
    )
    found = _decisions(tickets, tables["registry.decision"]).collect()
    return {r["ticket_id"]: r["known_to"] is None for r in found}


def test_a_later_answer_ends_the_earlier_one_on_the_same_attribute(spark: SparkSession) -> None:
    assert held(spark, "name") == {"乙": False, "丙": True}


def test_each_pair_of_people_is_a_question_of_its_own(spark: SparkSession) -> None:
    assert held(spark, "id_no") == {"乙": True, "丙": True}
