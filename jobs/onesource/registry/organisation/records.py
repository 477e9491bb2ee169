"""The registers' rows in one shape, and which of them are one organisation.

A subject is a register's own number. It is an organisation of its own, unless its unified code is
that of an earlier subject and they share a name or a former number: then it is the same one. Two
subjects with one code and nothing else in common stay two, and a question is put.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from onesource.clean.silver import visible

# Feed → the field of the register's own number.
REGISTERS: Mapping[str, str] = {
    "base_enterprise": "subject_no",
    "base_public_institution": "org_no",
    "base_social_organisation": "certificate_no",
    "base_rural_collective": "certificate_no",
}
# Columns every record has; a register that lacks one leaves it empty.
TEXTS = (
    "uscc", "registration_no", "organisation_code", "tax_no", "name", "former_names", "org_type",
    "status", "currency", "legal_rep_name", "legal_rep_id_no", "address", "county_code",
    "industry_reg", "registrar", "parent_uscc", "change_type", "predecessor_uscc",
    "successor_uscc",
)  # fmt: skip
DATES = ("registered_on", "cancelled_on", "revoked_on")
AMOUNTS = {"capital_yuan": "decimal(20,2)", "succession_share": "decimal(6,4)"}
PERIODS = ("valid_from", "valid_to", "known_from", "known_to")
# The registers as `feed` names them.
FEEDS = tuple(feed.replace("_", ".", 1) for feed in REGISTERS)


def records(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """`feed, source_key`, the columns above, the four ends of the periods.

    Reads the registers that are served; one row a subject, state and stretch of knowledge.
    """
    parts = []
    for feed, key in REGISTERS.items():
        if f"silver.{feed}" not in inputs:
            continue
        rows = visible(inputs[f"silver.{feed}"])
        have = set(rows.columns)
        wanted: list[Column] = [
            F.lit(feed.replace("_", ".", 1)).alias("feed"),
            F.col(key).alias("source_key"),
        ]
        wanted += [_column(n, "string", have) for n in TEXTS]
        wanted += [_column(n, "date", have) for n in DATES]
        wanted += [_column(n, t, have) for n, t in AMOUNTS.items()]
        parts.append(rows.select(*wanted, *PERIODS))
    found = parts[0]
    for part in parts[1:]:
        found = found.unionByName(part)
    return found.withColumns(
        {
            "registration_no": F.expr(
                "CASE WHEN registration_no RLIKE '^[0-9]{15}$' THEN registration_no END"
            ),
            "organisation_code": code9("organisation_code"),
            "status": F.expr(
                "CASE WHEN status = '注销' AND change_type IN ('吸收合并', '新设合并') "
                "AND successor_uscc IS NOT NULL THEN '注销-合并' ELSE status END"
            ),
        }
    )


def _column(name: str, kind: str, have: set[str]) -> Column:
    return (F.col(name) if name in have else F.lit(None)).cast(kind).alias(name)


def code9(column: str) -> Column:
    """The nine characters of an organisation code, or null."""
    bare = f"upper(regexp_replace({column}, '[-－ ]', ''))"
    return F.expr(f"CASE WHEN {bare} RLIKE '^[0-9A-Z]{{8}}[0-9X]$' THEN {bare} END")


def name_key(column: str) -> Column:
    """A name without blanks and brackets: what two writings of one name share.

    有限公司 and 有限责任公司 stay two: they are two names in law.
    """
    bare = f"regexp_replace({column}, '[\\\\s\\\\u3000\\\\u00a0（）()·,，.．]', '')"
    return F.expr(f"nullif(lower({bare}), '')")


def subjects(rows: DataFrame) -> DataFrame:
    """One row a subject: `feed, source_key, org_id, first_org_id, subject_uscc, is_primary,
    withheld, known_from, said`.

    `withheld`: its unified code belongs to another organisation as well. `said`: the digest of its
    rows' `_hash`.
    """
    each = rows.groupBy("feed", "source_key").agg(
        F.expr(
            "max_by(uscc, struct(known_from, valid_from)) FILTER (WHERE uscc IS NOT NULL)"
        ).alias("subject_uscc"),
        F.min("registered_on").alias("_since"),
        F.collect_set(name_key("name")).alias("_names"),
        F.collect_set("registration_no").alias("_numbers"),
        F.min("known_from").alias("known_from"),
        F.expr(DIGEST).alias("said"),
    )
    order = Window.partitionBy("subject_uscc").orderBy(
        F.coalesce("_since", F.lit("9999-12-31").cast("date")), "feed", "source_key"
    )
    first = {n: F.first(n).over(order) for n in ("_names", "_numbers", "feed", "source_key")}
    has = F.col("subject_uscc").isNotNull()
    rank = F.row_number().over(order)
    same = F.arrays_overlap("_names", first["_names"]) | F.arrays_overlap(
        "_numbers", first["_numbers"]
    )
    joined = has & (rank > 1) & F.coalesce(same, F.lit(False))
    each = each.withColumns(
        {
            "is_primary": ~joined,
            "withheld": has & (rank > 1) & ~joined,
            "_feed": F.when(joined, first["feed"]).otherwise(F.col("feed")),
            "_key": F.when(joined, first["source_key"]).otherwise(F.col("source_key")),
            "_first_feed": first["feed"],
            "_first_key": first["source_key"],
        }
    )
    return each.select(
        "feed",
        "source_key",
        org_id("_feed", "_key").alias("org_id"),
        org_id("_first_feed", "_first_key").alias("first_org_id"),
        "subject_uscc",
        "is_primary",
        "withheld",
        "known_from",
        "said",
    )


# Of all that a source says of its thing, in whatever order the rows come: another digest, another
# word. The rows have a `_hash` each.
DIGEST = "xxhash64(sort_array(collect_list(_hash)))"


def org_id(feed: str, key: str) -> Column:
    """'O' and 20 characters, from the register's own number: stable and never used again."""
    return F.expr(f"concat('O', upper(substring(sha2(concat_ws('|', {feed}, {key}), 256), 1, 20)))")
