"""What follows from who is who: redirects of merged people, and payments after a death."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.person import arrow
from onesource.registry.person.belief import moments, nightly
from onesource.registry.person.build import PERSON, SOURCE, by_component, several_atoms
from onesource.registry.person.model import Voice, person_id
from onesource.registry.person.survive import persons_at

_TIME = pa.timestamp("us", tz="UTC")
_FIELDS: list[pa.Field[Any]] = [
    pa.field("person_id", pa.string()),
    pa.field("into_person_id", pa.string()),
    pa.field("known_from", _TIME),
    pa.field("known_to", _TIME),
]
_SCHEMA = pa.schema(_FIELDS)


def build_redirects(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.person_redirect`: an identity that turned out to be another person's.

    One row per identity and the person it is part of, while that was known; a merge that was
    taken back has `known_to`. Reads `registry.person_source`.
    """
    spoken = by_component(several_atoms(inputs[SOURCE]))
    schema = "person_id string, into_person_id string, known_from timestamp, known_to timestamp"
    return {"registry.person_redirect": spoken.mapInArrow(_redirects, schema)}


def _redirects(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _, voices in arrow.components(batches):
        rows = list(redirects(voices))
        if rows:
            columns = list(zip(*rows, strict=True))
            arrays = [pa.array(c, type=f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def redirects(
    voices: list[Voice],
) -> Iterator[tuple[str, str, datetime, datetime | None]]:
    """`identity, person, known_from, known_to` of one component."""
    at = nightly(moments((v.known_from, v.known_to) for v in voices))
    into: dict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
    atoms = sorted({v.atom for v in voices})
    for moment in at:
        of = {a: p.person_id for p in persons_at(voices, moment) for a in p.atoms}
        for atom in atoms:
            own, now = person_id(atom), of.get(atom)
            target = now if now != own else None
            if not into[own] or into[own][-1][1] != target:
                into[own].append((moment, target))
    for own, changes in sorted(into.items()):
        ends: list[datetime | None] = [moment for moment, _ in changes[1:]]
        for (start, target), end in zip(changes, [*ends, None], strict=True):
            if target is not None:
                yield own, target, start, end


# The last month for which a list paid. Who still stands on a county's list of 低保 was paid until
# the latest word of that county.
_PAID = """
    CASE source
      WHEN 'base.low_income'
      THEN date_format(coalesce(CAST(date_sub(said_to, 1) AS TIMESTAMP), _latest), 'yyyy-MM')
      ELSE substring(get_json_object(attributes, '$.last_paid_month'), 1, 7)
    END
"""


def build_payments(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """`registry.payment_after_death`: who is still on a list of benefits after the month of death.

    One row per person and paying source. A death that one source alone reports is listed, too,
    and marked: the money stops first, the question is settled after (DOMAIN 5.2).
    """
    dead = (
        inputs[PERSON]
        .where("known_to IS NULL AND death_date IS NOT NULL")
        .groupBy("person_id")
        .agg(
            F.max("death_date").alias("death_date"),
            F.expr("max_by(status, valid_from)").alias("status"),
        )
    )
    said = (
        inputs[SOURCE]
        .where("known_to IS NULL")
        .withColumn("_county", F.expr("coalesce(county_code, '')"))
    )
    latest = (
        said.where("source = 'base.low_income'")
        .groupBy("source", "_county")
        .agg(F.max("statement_at").alias("_latest"))
    )
    paid = (
        said.where("source IN ('base.low_income', 'base.social_insurance')")
        .join(F.broadcast(dead), "person_id")
        .where(
            "source = 'base.low_income' OR get_json_object(attributes, '$.insurance_status') = '3'"
        )
        .join(F.broadcast(latest), ["source", "_county"], "left")
        .withColumn("last_paid_month", F.expr(_PAID))
    )
    late = paid.where("last_paid_month > date_format(death_date, 'yyyy-MM')")
    rows = late.groupBy("person_id", "source", "source_key").agg(
        F.first("status").alias("status"),
        F.first("death_date").alias("death_date"),
        F.max("last_paid_month").alias("last_paid_month"),
        F.expr("max_by(CAST(get_json_object(attributes, '$.paid_yuan') AS DECIMAL(12,2)), "
               "struct(statement_at, voice_id))").alias("amount_yuan"),
        F.expr("max_by(concat_ws('/', delivery_id, sheet, line), struct(statement_at, voice_id))")
        .alias("evidence"),
    )  # fmt: skip
    months = (
        "CAST(months_between(to_date(concat(last_paid_month, '-01')), "
        "trunc(death_date, 'month')) AS INT)"
    )
    return {"registry.payment_after_death": rows.withColumn("months_count", F.expr(months))}
