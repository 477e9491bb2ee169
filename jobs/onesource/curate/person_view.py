"""`person.key`: from id tokens to the keys of one domain, as the registry is at the build."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.curate.sqlfiles import PERSON_KEY_COLUMNS
from onesource.person_keys import PersonKey
from onesource.spark.person_columns import person_key


def person_key_view(tokens: DataFrame, domain: str, key: PersonKey) -> DataFrame:
    """One row a token that is believed now: `id_token, person_key, is_shared`.

    tokens: `registry.person_token`. A number that two people have, and that no decision has
    settled, has a row without a key (`is_shared`): so a join never doubles a row, and never gives
    one person's treatment to another. The next build after the decision has the key.
    """
    believed = tokens.where("known_to IS NULL")
    by_token = believed.groupBy("id_token").agg(
        F.expr("count(DISTINCT person_id)").alias("_people"), F.min("person_id").alias("_person")
    )
    one = F.expr("CASE WHEN _people = 1 THEN _person END")
    made = by_token.select(
        "id_token", one.alias("_person"), (F.col("_people") > 1).alias("is_shared")
    )
    return made.select(
        "id_token", person_key(F.col("_person"), domain, key).alias("person_key"), "is_shared"
    ).select(*PERSON_KEY_COLUMNS)
