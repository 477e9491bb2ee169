"""Quarantine: every rejected row, and why, so that the department can mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.reasons import reasons
from onesource.clean.stage import Staged
from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.ingest.landing import Record
from onesource.lake import delta
from onesource.lake.paths import quarantine_path
from onesource.quality.rules import Rule
from onesource.spark.local import local_rows

COLUMNS = {
    "delivery_id": "string",
    "file": "string",
    "sheet": "string",
    "line": "bigint",
    "field": "string",
    "field_name_zh": "string",
    "rule": "string",
    "raw": "string",
    "detail": "string",
    "reason_zh": "string",
    "reason_en": "string",
    "owner": "string",
    "received_at": "timestamp",
    "as_delivered": "string",
}


def write(
    spark: SparkSession,
    settings: Settings,
    feed: Contract,
    staged: Staged,
    records: Sequence[Record],
    rules: Sequence[Rule],
) -> None:
    """Replaces what quarantine holds of these deliveries, in one commit; idempotent."""
    path = quarantine_path(settings, feed)
    bad = any(c.quarantined for c in staged.counts.values())
    if not bad and delta.latest_version(path) is None:
        return
    delta.create(spark, path, COLUMNS, statistics_for=["delivery_id", "line"])
    ids = ", ".join(f"'{r.delivery_id}'" for r in records)
    delta.write(
        rejected_rows(spark, feed, staged.rejected, records, rules),
        path,
        mode="overwrite",
        replace_where=f"delivery_id IN ({ids})",
    )


def rejected_rows(
    spark: SparkSession,
    feed: Contract,
    rejected: DataFrame,
    records: Sequence[Record],
    rules: Sequence[Rule],
) -> DataFrame:
    """One row per rejected row and reason (`COLUMNS`)."""
    files = local_rows(
        spark, [(r.delivery_id, r.file_name) for r in records], "_delivery_id string, file string"
    )
    texts = _texts(rules)
    words = local_rows(
        spark,
        [(rule, zh, en, owner) for rule, (zh, en, owner) in texts.items()],
        "rule string, zh string, en string, rule_owner string",
    )
    words_of = {f.name: f.business_name for c in (feed.served, feed) for f in c.fields}
    names = local_rows(spark, list(words_of.items()), "field string, field_name_zh string")
    steward = feed.properties.steward or "provider"
    exploded = rejected.select("*", F.explode("_rejects").alias("_r"))
    flat = exploded.select(
        "_delivery_id",
        "_sheet",
        "_line",
        "_received_at",
        F.to_json("_as_delivered").alias("as_delivered"),
        F.expr("nullif(_r.field, '')").alias("field"),
        F.col("_r.rule").alias("rule"),
        F.col("_r.raw").alias("raw"),
        F.col("_r.detail").alias("detail"),
    )
    joined = (
        flat.join(F.broadcast(files), "_delivery_id")
        .join(F.broadcast(words), "rule", "left")
        .join(F.broadcast(names), "field", "left")
    )
    return joined.select(
        F.col("_delivery_id").alias("delivery_id"),
        "file",
        F.col("_sheet").alias("sheet"),
        F.col("_line").alias("line"),
        "field",
        "field_name_zh",
        "rule",
        "raw",
        "detail",
        F.expr("coalesce(zh, concat('不符合规则 ', rule))").alias("reason_zh"),
        F.expr("coalesce(en, concat('fails the rule ', rule))").alias("reason_en"),
        F.expr(f"coalesce(rule_owner, '{steward}')").alias("owner"),
        F.col("_received_at").alias("received_at"),
        "as_delivered",
    )


def _texts(rules: Sequence[Rule]) -> Mapping[str, tuple[str, str, str | None]]:
    """zh, en and owner of every verdict and row rule."""
    texts: dict[str, tuple[str, str, str | None]] = {
        v: (zh, en, None) for v, (zh, en) in reasons().items()
    }
    texts |= {r.id: (r.zh, r.en, r.owner) for r in rules}
    return texts
