"""Why a person's number changed, and the numbers that stand on no row of `registry.person`.

The register's change records say it: 06 a wrong number was put right, 07 fifteen digits became
eighteen. A number that two people had is replaced (重号更换), and so is that of a second
registration: it was the person's own, and whoever looks for it must find the person.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.model import DECISION, POLICE_SQL, UPGRADED

FIRST, UPGRADE, CORRECTION = "首次", "15升18", "纠错"
REPLACED, REISSUED = "重号更换", "港澳台居住证换发"
# Residence permits of people from Hong Kong, Macao and Taiwan; the form of 2023 of foreigners'.
_PERMITS = "('06', '07')"
_COLUMNS = ("person_id", "id_type", "id_no", "reason", "valid_from", "valid_to", "known_from",
            "known_to")  # fmt: skip


def numbers_with_reasons(found: DataFrame, source: DataFrame) -> DataFrame:
    """The rows of `registry.person_id_history`.

    found: `person_id, id_type, id_no` with the four clocks, from `registry.person`. source:
    `registry.person_source`.
    """
    register = source.where(f"source IN ({POLICE_SQL}) AND person_id IS NOT NULL")
    old = _fifteen(register)
    shared = source.where("_is_shared AND id_no IS NOT NULL").selectExpr("id_no AS _before")
    by = "PARTITION BY person_id, known_to IS NULL ORDER BY valid_from, known_from"
    ordered = found.withColumns(
        {"_before": F.expr(f"lag(id_no) OVER ({by})"), "_type": F.expr(f"lag(id_type) OVER ({by})")}
    )
    upgraded = (
        old.select("person_id", F.col("_eighteen").alias("id_no"))
        .unionByName(register.where(f"event = '{UPGRADED}'").select("person_id", "id_no"))
        .distinct()
        .withColumn("_upgraded", F.lit(True))
    )
    reason = f"""
        CASE WHEN _before IS NULL AND coalesce(_upgraded, false) THEN '{UPGRADE}'
          WHEN _before IS NULL THEN '{FIRST}'
          WHEN id_type IN {_PERMITS} AND _type IN {_PERMITS} THEN '{REISSUED}'
          WHEN _shared THEN '{REPLACED}'
          ELSE '{CORRECTION}' END
    """
    changed = (
        ordered.join(upgraded, ["person_id", "id_no"], "left")
        .join(shared.distinct().withColumn("_shared", F.lit(True)), "_before", "left")
        .withColumn("reason", F.expr(reason))
        .select(*_COLUMNS)
    )
    return changed.unionByName(old.select(*_COLUMNS)).unionByName(_of_second(found, source))


def _fifteen(register: DataFrame) -> DataFrame:
    """Numbers that the register still wrote with fifteen digits, until it wrote eighteen.

    What was believed before the upgrade was known stays: the number was open then.
    """
    digits = "regexp_replace(id_no_delivered, '[^0-9]', '')"
    said = register.where(f"id_no IS NOT NULL AND length({digits}) = 15").selectExpr(
        "person_id", "'01' AS id_type", f"{digits} AS id_no", f"'{FIRST}' AS reason",
        "id_no AS _eighteen", "said_from AS valid_from", "said_to AS valid_to", "known_from",
        "known_to",
    )  # fmt: skip
    written = register.where(f"id_no IS NOT NULL AND length({digits}) >= 17").selectExpr(
        "person_id", "id_no AS _eighteen", "said_from", "known_from AS learned"
    )
    later = said.join(written, ["person_id", "_eighteen"]).where("said_from > valid_from")
    key = ("person_id", "id_no", "valid_from", "known_from")
    first = later.groupBy(*key).agg(F.expr("min(struct(said_from, learned))").alias("next"))
    both = said.dropDuplicates([*key]).join(first, [*key], "left")
    until = both.withColumn("known_to", F.expr("least(known_to, next.learned)"))
    since = both.where("next.learned < coalesce(known_to, TIMESTAMP '9999-12-31 00:00:00')")
    since = since.withColumns(
        {"known_from": F.col("next.learned"), "valid_to": F.col("next.said_from")}
    )
    made = until.unionByName(since).drop("next")
    return made.where("known_to IS NULL OR known_from < known_to")


def _of_second(found: DataFrame, source: DataFrame) -> DataFrame:
    """Numbers of second registrations, from when it was known that they are the person's."""
    joined = (
        source.where(f"(source = '{DECISION}' AND _unit IS NOT NULL) OR role = 'kept'")
        .where("known_to IS NULL AND person_id IS NOT NULL")
        .groupBy("person_id")
        .agg(F.min("known_from").alias("_since"), F.min("said_from").alias("_on"))
    )
    own = (
        source.where(f"source IN ({POLICE_SQL}) AND id_no IS NOT NULL AND known_to IS NULL")
        .join(F.broadcast(joined), "person_id")
        .groupBy("person_id", "id_no", "_since", "_on")
        .agg(F.min("said_from").alias("valid_from"), F.max("id_type").alias("id_type"))
        .join(found.where("known_to IS NULL").select("person_id", "id_no"),
              ["person_id", "id_no"], "left_anti")
    )  # fmt: skip
    return own.selectExpr(
        "person_id", "coalesce(id_type, '01') AS id_type", "id_no", f"'{REPLACED}' AS reason",
        "valid_from", "CASE WHEN _on > valid_from THEN _on END AS valid_to",
        "_since AS known_from", "CAST(NULL AS TIMESTAMP) AS known_to",
    )  # fmt: skip
