"""From a staged batch to the next version of a silver table, in one commit.

Whatever order deliveries are processed in, the table ends the same (P6): what decides is
`_order`, the recorded order of the statements, never the order of the work.

A silver table also keeps rows that nobody is shown: `_state` says why. They are the memory that
makes late and early statements come out right, and they go back with the table when a version is
restored:

* `statement`: this scope was spoken for at `_order`, even by an empty report;
* `deleted`: the key was deleted at `_order`, so an older row does not bring it back;
* `cancelled`, `waiting`: a reversal and what it cancelled; a reversal whose row is not there yet;
* `evidence`, `absence`: what a statement said of a bitemporal key, and that it lacked the key.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean import bitemporal, histories
from onesource.clean.stage import TECHNICAL, WHOLE, Counts, Staged, effective_key
from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction, History
from onesource.ingest.landing import Record
from onesource.lake import delta
from onesource.spark.local import local_rows

VISIBLE = "_state IS NULL"


@dataclass(frozen=True)
class Applied:
    """The version a batch made (None: nothing changed), the deliveries that were too late, and the
    keys whose rows are others now (None: not known, or all)."""

    version: int | None
    superseded: frozenset[str] = frozenset()
    concerned: DataFrame | None = None


# On every table, whatever its contract says.
_TECHNICAL_STATISTICS = ("_scope", "_delivery_id")


def columns(feed: Contract) -> dict[str, str]:
    """All columns of the feed's silver table: name → Spark SQL type."""
    fields = {f.name: f.spark_type for f in feed.fields}
    extra = bitemporal.COLUMNS if feed.history is History.BITEMPORAL else {}
    return fields | extra | TECHNICAL


def visible(frame: DataFrame) -> DataFrame:
    """The rows that readers see."""
    return frame.where(VISIBLE) if "_state" in frame.columns else frame


def prepare(spark: SparkSession, path: Path, feed: Contract) -> None:
    """Creates the table, or adds the columns that its contract has won since."""
    wanted = columns(feed)
    delta.create(
        spark,
        path,
        wanted,
        partition_by=feed.properties.partition_by,
        statistics_for=_statistics(feed),
    )
    present = set(delta.read(spark, path).columns)
    new = {n: t for n, t in wanted.items() if n not in present}
    if new:
        cols = ", ".join(f"`{n}` {t}" for n, t in new.items())
        spark.sql(f"ALTER TABLE {delta.sql_path(path)} ADD COLUMNS ({cols})").collect()


def _statistics(feed: Contract) -> list[str]:
    """The columns whose bounds may stand in the table's log: none that speaks of a person."""
    plain = [
        f.name
        for f in feed.fields
        if f.properties.identifier == "none"
        and f.properties.personal is None
        and f.spark_type != "boolean"  # Delta keeps no bounds of it
        and f.name not in feed.properties.partition_by
    ]
    return [*plain[:12], *_TECHNICAL_STATISTICS]


def empty(spark: SparkSession, path: Path, feed: Contract) -> None:
    """Makes the table empty, with the contract's columns as they are now.

    Served versions are untouched: readers stand on them.
    """
    # A table refuses to lose a column that its list of statistics names.
    delta.keep_statistics(spark, path, _TECHNICAL_STATISTICS)
    schema = ", ".join(f"`{n}` {t}" for n, t in columns(feed).items())
    delta.write(
        local_rows(spark, [], schema),
        path,
        mode="overwrite",
        partition_by=feed.properties.partition_by,
    )
    delta.keep_statistics(spark, path, _statistics(feed))


def apply(
    spark: SparkSession,
    path: Path,
    feed: Contract,
    staged: Staged,
    records: Sequence[Record],
) -> Applied:
    """Brings the accepted rows of a staged batch into silver; one commit, or none.

    Replaces scopes, merges rows by key, appends, or recomputes the histories concerned, as the
    contract's `correction` and `history` say.
    """
    if feed.history is History.BITEMPORAL:
        statements = _statements(spark, staged, records)
        every = columns(feed)
        rows = _rows(feed, staged)
        version, keys = histories.apply(spark, path, feed, staged, rows, statements, every)
        return Applied(version, concerned=keys)
    apply_one = _APPLY[feed.correction]
    return apply_one(spark, path, feed, staged, records)


# So many may always have gone: a share of a small scope is less than a household.
_ALWAYS = 5


def cut_short(
    spark: SparkSession, path: Path, feed: Contract, staged: Staged, records: Sequence[Record]
) -> dict[str, tuple[str, str]]:
    """The deliveries that lack more of what their scope holds than the contract's
    `max_missing_share`, with the reason in Chinese and English."""
    share = feed.delivery.max_missing_share
    if share is None:
        return {}
    statements = _statements(spark, staged, records)
    found = histories.absences(spark, path, feed, _rows(feed, staged), statements)
    return {
        delivery: (
            f"全量中缺少现有 {held} 条记录中的 {lacked} 条（上限 {share:.1%}），疑为文件不完整",
            f"the full statement lacks {lacked} of the {held} records that hold (at most "
            f"{share:.1%} may go): the file is likely cut short",
        )
        for delivery, (held, lacked) in found.items()
        if lacked > max(share * held, _ALWAYS)
    }


def _rows(feed: Contract, staged: Staged) -> DataFrame:
    """The accepted rows with the columns that every statement's row has."""
    rows = staged.accepted.withColumn("_state", F.lit(None).cast("string"))
    return rows.select(*feed.field_names, *TECHNICAL)


def _append(
    spark: SparkSession, path: Path, feed: Contract, staged: Staged, records: Sequence[Record]
) -> Applied:
    if feed.key:
        return _upsert(spark, path, feed, staged, records)
    if not any(c.accepted for c in staged.counts.values()):
        return Applied(None)
    return Applied(delta.write(_rows(feed, staged), path, mode="append"))


def _replace(
    spark: SparkSession, path: Path, feed: Contract, staged: Staged, records: Sequence[Record]
) -> Applied:
    """The latest statement of each scope holds; its rows replace the scope's rows."""
    said: dict[str, Record] = {}
    for record in records:
        for scope in staged.counts[record.delivery_id].scopes:
            if scope not in said or record.order > said[scope].order:
                said[scope] = record
    held = _spoken(spark, path, list(said))
    winners = {s: r for s, r in said.items() if s not in held or r.order > held[s]}
    won = {r.delivery_id for r in winners.values()}
    late = frozenset(
        r.delivery_id
        for r in records
        if r.delivery_id not in won and staged.counts[r.delivery_id].scopes
    )
    if not winners:
        return Applied(None, late)
    won_by = [(s, r.delivery_id) for s, r in winners.items()]
    pairs = local_rows(spark, won_by, "_scope string, _delivery_id string")
    rows = _rows(feed, staged).join(F.broadcast(pairs), ["_scope", "_delivery_id"], "left_semi")
    marks = _marks(spark, feed, winners)
    where = None
    if set(winners) != {WHOLE}:
        where = f"_scope IN ({', '.join(_literal(s) for s in winners)})"
    rows = rows.select(*columns(feed)).unionByName(marks)
    version = delta.write(rows, path, mode="overwrite", replace_where=where or "true")
    return Applied(version, late)


def _spoken(spark: SparkSession, path: Path, scopes: list[str]) -> dict[str, str]:
    """The order of the statement that holds now, for those of the scopes that have one."""
    marks = delta.read(spark, path).where("_state = 'statement'")
    found = marks.where(F.col("_scope").isin(scopes)).select("_scope", "_order").collect()
    return {r["_scope"]: r["_order"] for r in found}


def _marks(spark: SparkSession, feed: Contract, winners: Mapping[str, Record]) -> DataFrame:
    facts = [(s, r.delivery_id, r.statement_at, r.received_at, r.order) for s, r in winners.items()]
    names = "_scope string, _delivery_id string, _s string, _r string, _order string"
    marks = local_rows(spark, facts, names).select(
        "_scope",
        "_delivery_id",
        F.to_timestamp("_s").alias("_statement_at"),
        F.to_timestamp("_r").alias("_received_at"),
        "_order",
        F.lit("statement").alias("_state"),
    )
    wanted = columns(feed)
    return marks.select(
        *[
            F.col(n) if n in marks.columns else F.lit(None).cast(t).alias(n)
            for n, t in wanted.items()
        ]
    )


def _upsert(
    spark: SparkSession, path: Path, feed: Contract, staged: Staged, records: Sequence[Record]
) -> Applied:
    """The later row of a key holds; a change log's deletions stay as hidden rows."""
    rows = _rows(feed, staged)
    change = feed.delivery.change_type
    if feed.correction is Correction.CHANGE_LOG and change:
        words = ", ".join(_literal(w) for w in change.delete)
        rows = rows.withColumn(
            "_state", F.expr(f"CASE WHEN `{change.field}` IN ({words}) THEN 'deleted' END")
        )
    return _merge_latest(spark, path, feed, rows, effective_key(feed), staged.counts)


def _merge_latest(
    spark: SparkSession,
    path: Path,
    feed: Contract,
    rows: DataFrame,
    key: Sequence[str],
    counts: Mapping[str, Counts],
) -> Applied:
    if not any(c.accepted for c in counts.values()):
        return Applied(None)
    if len(counts) > 1:
        by = ", ".join(f"`{k}`" for k in key)
        rank = f"row_number() OVER (PARTITION BY {by} ORDER BY _order DESC)"
        rows = rows.withColumn("_rank", F.expr(rank)).where("_rank = 1").drop("_rank")
    if delta.read(spark, path).limit(1).count() == 0:
        # Nothing to merge with: an append gives the same rows for a fraction of the work.
        return Applied(delta.write(rows, path, mode="append"))
    match = " AND ".join(f"t.`{k}` <=> s.`{k}`" for k in key)
    return Applied(_merge(spark, path, rows, match, "s._order > t._order", list(columns(feed))))


def _merge(
    spark: SparkSession,
    path: Path,
    rows: DataFrame,
    match: str,
    update_when: str,
    names: Sequence[str],
) -> int:
    view = f"_batch_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(view)
    sets = ", ".join(f"t.`{n}` = s.`{n}`" for n in names)
    cols = ", ".join(f"`{n}`" for n in names)
    values = ", ".join(f"s.`{n}`" for n in names)
    try:
        return delta.merge(
            spark,
            f"MERGE INTO {delta.sql_path(path)} t USING {view} s ON {match} "
            f"WHEN MATCHED AND {update_when} THEN UPDATE SET {sets} "
            f"WHEN NOT MATCHED THEN INSERT ({cols}) VALUES ({values})",
            path,
        )
    finally:
        spark.catalog.dropTempView(view)


def _reversal(
    spark: SparkSession, path: Path, feed: Contract, staged: Staged, records: Sequence[Record]
) -> Applied:
    """Pairs each negative row with one earlier or later row of the opposite amount.

    Within rows of equal `match` fields and equal size, the first reversal takes the first row,
    and so on; the pairs are hidden (`cancelled`), a reversal without a row waits.
    """
    if not any(c.accepted for c in staged.counts.values()):
        return Applied(None)
    rule = feed.delivery.reversal
    assert rule is not None
    match = [f"`{m}`" for m in rule.match]
    amount = f"`{rule.amount}`"
    key = [f"`{k}`" for k in feed.key]
    batch = _rows(feed, staged)
    groups = batch.select(*rule.match).distinct()
    same = [F.expr(f"a.`{m}` <=> b.`{m}`") for m in rule.match]
    before = delta.read(spark, path).alias("a").join(groups.alias("b"), same, "left_semi")
    every = before.select(*columns(feed)).unionByName(batch)
    latest = (
        f"row_number() OVER (PARTITION BY {', '.join(key)}, signum({amount}) ORDER BY _order DESC)"
    )
    every = every.withColumn("_rank", F.expr(latest)).where("_rank = 1").drop("_rank")
    size = f"{', '.join(match)}, abs({amount})"
    every = every.withColumns(
        {
            "_nth": F.expr(
                f"row_number() OVER (PARTITION BY {size}, signum({amount}) "
                f"ORDER BY _order, _line, {', '.join(key)})"
            ),
            "_minus": F.expr(f"count_if({amount} < 0) OVER (PARTITION BY {size})"),
            "_plus": F.expr(f"count_if({amount} >= 0) OVER (PARTITION BY {size})"),
        }
    )
    state = (
        f"CASE WHEN {amount} < 0 AND _nth <= _plus THEN 'cancelled' "
        f"WHEN {amount} < 0 THEN 'waiting' "
        f"WHEN _nth <= _minus AND {amount} > 0 THEN 'cancelled' END"
    )
    rows = every.withColumn("_state", F.expr(state)).select(*columns(feed))
    on = " AND ".join(f"t.{k} <=> s.{k}" for k in key)
    on += f" AND signum(t.{amount}) <=> signum(s.{amount})"
    changed = "NOT (t._order <=> s._order AND t._state <=> s._state)"
    return Applied(_merge(spark, path, rows, on, changed, list(columns(feed))))


def _statements(spark: SparkSession, staged: Staged, records: Sequence[Record]) -> DataFrame:
    facts = [
        (s, r.delivery_id, r.statement_at, r.received_at, r.order)
        for r in records
        for s in staged.counts[r.delivery_id].scopes
    ]
    names = "_scope string, _delivery_id string, _s string, _r string, _order string"
    return local_rows(spark, facts, names).select(
        "_scope",
        "_delivery_id",
        F.to_timestamp("_s").alias("_statement_at"),
        F.to_timestamp("_r").alias("_received_at"),
        "_order",
    )


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_Apply = Callable[[SparkSession, Path, Contract, Staged, Sequence[Record]], Applied]
_APPLY: dict[Correction, _Apply] = {
    Correction.APPEND: _append,
    Correction.UPSERT: _upsert,
    Correction.CHANGE_LOG: _upsert,
    Correction.REPLACE: _replace,
    Correction.REVERSAL: _reversal,
}
