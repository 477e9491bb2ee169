"""One person with two numbers (双重户籍): two registrations that are likely one person's.

Both stay, and the police are asked. Name, sex and day of birth alone name thousands of pairs of
namesakes in a city of millions; so the two must share something that namesakes do not: where they
are registered, a parent, a spouse, a guardian or a telephone. Twins have names of their own.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.model import DECISION, POLICE_SQL, Status
from onesource.registry.person.names import PLAIN_SQL

ATTRIBUTE = "second_registration"
# More people than these with one name, one day of birth and one sign: the sign is none (the
# telephone of a village committee, an address without a house number), and pairs would be many.
MOST = 3
# sign → its words, SQL over the registry's row or over the attributes of a voice.
_OF_ROW = {
    "household": ("同户", "household", "household_no"),
    "address": (
        "户籍地址相同",
        "address",
        "concat(coalesce(hukou_division_code, ''), regexp_replace(hukou_address, '[ \u3000]', ''))",
    ),
}
_OF_VOICE = {
    "mother": ("母亲相同", "mother", "mother_id_no"),
    "father": ("父亲相同", "father", "get_json_object(attributes, '$.father_id_no')"),
    "guardian": ("监护人相同", "guardian", "get_json_object(attributes, '$.guardian_id_no')"),
    "spouse": ("配偶相同", "spouse", "get_json_object(attributes, '$.spouse_id_no')"),
    "phone": ("联系电话相同", "telephone", "get_json_object(attributes, '$.phone')"),
}


def namesakes_said(source: DataFrame) -> DataFrame:
    """`_component` of the people of whom one may be another: a line of each says the same name and
    day of birth; and of all on whom a department decided, for what is served of them no line says.

    source: `registry.person_source`. Found there, the pairs are known before the rows of the people
    are made, for a few of whom they are made twice.
    """
    now = source.where("known_to IS NULL AND person_id IS NOT NULL")
    words = now.where("name IS NOT NULL AND birth_date IS NOT NULL").select(
        F.expr(f"xxhash64({PLAIN_SQL.format(name='name')}, birth_date)").alias("_who"),
        "person_id",
        "_component",
    )
    several = (
        words.groupBy("_who")
        .agg(F.expr("min(person_id) <> max(person_id)").alias("n"))
        .where("n")
        .select("_who")
    )
    found = words.join(several, "_who", "left_semi").select("_component")
    decided = now.where(f"source = '{DECISION}'").select("_component")
    return found.unionByName(decided).distinct()


def second_registrations(people: DataFrame, source: DataFrame) -> DataFrame:
    """The conflicts, one a pair, as `registry.ticket` keeps them but for the owner.

    people: `registry.person`, of which only living people in the register now are looked at.
    source: `registry.person_source`. Only namesakes of one day are looked at further, and of them
    only those who share a sign: the work grows with the people, never with pairs of them.
    """
    alike = _namesakes(people)
    met = (
        _signs(alike, source)
        .groupBy("_who", "sign", "value")
        .agg(F.expr("sort_array(collect_set(struct(person_id, id_no)))").alias("they"))
        .where(f"size(they) BETWEEN 2 AND {MOST}")
    )
    pairs = (
        met.selectExpr("sign", "they", "posexplode(they) AS (n, a)")
        .selectExpr("sign", "a", "explode(slice(they, n + 2, size(they))) AS b")
        .where("a.id_no <> b.id_no")
        .groupBy("a.person_id", F.col("b.person_id").alias("other_id"))
        .agg(F.expr("sort_array(collect_set(sign))").alias("signs"))
    )
    asked = pairs.selectExpr("explode(array(person_id, other_id)) AS person_id").distinct()
    places = _places(asked, source)
    first = places.selectExpr("person_id", "place AS evidence_a", "source AS source_a")
    other = places.selectExpr("person_id AS other_id", "place AS evidence_b", "source AS source_b")
    return (
        pairs.join(first, "person_id")
        .join(other, "other_id")
        .selectExpr(
            "person_id AS entity",
            f"'{ATTRIBUTE}' AS attribute",
            "person_id AS value_a",
            "source_a",
            "other_id AS value_b",
            "source_b",
            "evidence_a",
            "evidence_b",
            "concat('疑似一人两个户口、两个号码：', person_id, '、', other_id, "
            f"'；姓名、性别、出生日期相同，', {_words(0, '、')}) AS detail_zh",
            "concat('likely one person with two registrations and two numbers: ', person_id, ', ', "
            f"other_id, '; the same name, sex, day of birth, ', {_words(1, ', ')}) AS detail_en",
        )
    )


def _words(which: int, between: str) -> str:
    """SQL: the words of `signs`."""
    named = {sign: said[which] for sign, said in (_OF_ROW | _OF_VOICE).items()}
    pairs = ", ".join(f"'{sign}', '{word}'" for sign, word in named.items())
    return f"array_join(transform(signs, s -> map({pairs})[s]), '{between}')"


def _namesakes(people: DataFrame) -> DataFrame:
    """Those in the register now who have a namesake of the same sex and day; `_who` names them."""
    who = f"concat_ws('|', {PLAIN_SQL.format(name='name')}, sex, birth_date)"
    living = people.where(
        f"known_to IS NULL AND valid_to IS NULL AND status = '{Status.REGISTERED}' "
        "AND length(id_no) = 18 AND name IS NOT NULL AND sex IS NOT NULL "
        "AND birth_date IS NOT NULL"
    ).select(
        "person_id",
        "id_no",
        F.expr(who).alias("_who"),
        *(F.expr(sql).alias(f"_{sign}") for sign, (_, _, sql) in _OF_ROW.items()),
    )
    several = (
        living.groupBy("_who").agg(F.expr("min(id_no) <> max(id_no)").alias("n")).where("n")
    ).select("_who")
    return living.join(several, "_who", "left_semi")


def _signs(alike: DataFrame, source: DataFrame) -> DataFrame:
    """`person_id, id_no, _who, sign, value`: what each namesake may share with another."""
    who = ("person_id", "id_no", "_who")
    own = alike.selectExpr(*who, _stacked({s: f"_{s}" for s in _OF_ROW}))
    spoken = (
        source.where("known_to IS NULL")
        .drop("id_no")
        .join(F.broadcast(alike.select(*who)), "person_id")
        .selectExpr(*who, _stacked({s: sql for s, (_, _, sql) in _OF_VOICE.items()}))
    )
    return own.unionByName(spoken).where("value <> ''").distinct()


def _stacked(signs: dict[str, str]) -> str:
    """SQL: a row for each sign."""
    cells = ", ".join(f"'{sign}', {sql}" for sign, sql in signs.items())
    return f"stack({len(signs)}, {cells}) AS (sign, value)"


def _places(people: DataFrame, source: DataFrame) -> DataFrame:
    """`person_id, place, source`: the line with which the register says it last."""
    return (
        source.where(f"known_to IS NULL AND source IN ({POLICE_SQL})")
        .join(people, "person_id", "left_semi")
        .groupBy("person_id")
        .agg(
            F.expr(
                "max_by(struct(concat_ws('/', delivery_id, coalesce(sheet, ''), line) AS place, "
                "source), struct(statement_at, source, _order, line))"
            ).alias("said")
        )
        .selectExpr("person_id", "said.place", "said.source")
    )
