"""From bronze to a staged batch: standardised, typed, judged row by row, written once.

What is staged is what the gate sees and what silver takes; nothing is computed twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.reasons import GOOD
from onesource.clean.standardisers import STANDARDISERS, Context, Use, standardise
from onesource.config import Settings
from onesource.contracts.model import BASE, Catalogue, Contract, FieldSpec
from onesource.contracts.properties import Correction, History
from onesource.errors import ContractError
from onesource.ingest.landing import Record
from onesource.ingest.statements import scope_parts
from onesource.lake import delta
from onesource.lake.paths import bronze_path, staging_path
from onesource.person_keys import PersonKey
from onesource.quality.rules import Rule
from onesource.quality.split import across_rows, marks_across_rows, split_expressions
from onesource.spark.local import local_rows
from onesource.spark.person_columns import id_token
from onesource.spark.written import put

ISSUE = "struct<field:string,verdict:string,raw:string,detail:string>"
REJECT = "struct<field:string,rule:string,raw:string,detail:string>"
# The columns that every silver row carries beside its contract's fields.
TECHNICAL = {
    "_issues": f"array<{ISSUE}>",
    "_delivery_id": "string",
    "_sheet": "string",
    "_line": "bigint",
    "_statement_at": "timestamp",
    "_received_at": "timestamp",
    "_order": "string",
    "_scope": "string",
    "_state": "string",
}
WHOLE = "*"  # the scope of a statement that speaks for the whole feed


@dataclass(frozen=True)
class Counts:
    """What became of one delivery's rows: delivered = accepted + quarantined + superseded."""

    delivered: int
    accepted: int
    quarantined: int
    superseded: int
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """A batch on disk: its folder, its rows as a DataFrame, its counts by delivery."""

    folder: Path
    frame: DataFrame
    counts: dict[str, Counts]

    @property
    def accepted(self) -> DataFrame:
        """The rows that silver takes, at most one a key and delivery."""
        return self.frame.where("_rejects IS NULL AND _rank_in_file = 1")

    @property
    def rejected(self) -> DataFrame:
        return self.frame.where("_rejects IS NOT NULL")


def stage(
    spark: SparkSession,
    settings: Settings,
    catalogue: Catalogue,
    feed: Contract,
    records: Sequence[Record],
    rules: Sequence[Rule],
    context: Context,
    step: str,
    bronze_version: int,
    tables: Mapping[str, DataFrame],
    day: date,
    key: PersonKey | None = None,
) -> Staged:
    """Standardises the deliveries' bronze rows and writes them, as Parquet.

    feed: as it is delivered. tables: what rules that look beyond the row may read. day: by which
    dated rules are chosen. key: what its ID numbers become tokens with.

    Every row gets: typed fields, `_issues` (values that failed and became null), `_rejects` (why
    it goes to quarantine, or null) and `_rank_in_file` (1: the row of its key that holds within
    its file).
    """
    rows = _bronze_rows(spark, settings, feed, records, bronze_version)
    staged = as_kept(typed(rows, catalogue, feed, context), feed, key)
    staged = _judged(staged, feed, rules, day)
    folder = staging_path(settings, feed, step)
    shutil.rmtree(folder, ignore_errors=True)
    if across_rows(rules, day):
        # Those rules read the batch several times: they read it written, not computed again.
        judged = put(spark, staged, folder / "judged")
        staged = marks_across_rows(judged, rules, tables, day)
    # Only quarantine shows a row as it was delivered.
    shown = "CASE WHEN _rejects IS NOT NULL THEN _as_delivered END"
    staged = staged.withColumn("_as_delivered", F.expr(shown))
    frame = put(spark, _ranked(staged, feed.served), folder / "rows")
    return Staged(folder, frame, _counts(frame, feed, records))


def drop(staged: Staged) -> None:
    """Removes the batch's files: they hold raw values and are wanted no more."""
    shutil.rmtree(staged.folder, ignore_errors=True)


def _bronze_rows(
    spark: SparkSession,
    settings: Settings,
    feed: Contract,
    records: Sequence[Record],
    bronze_version: int,
) -> DataFrame:
    ids = [r.delivery_id for r in records]
    known = delta.read(spark, bronze_path(settings, feed), bronze_version)
    for name in feed.field_names:
        if name not in known.columns:  # the contract grew; older deliveries lack the field
            known = known.withColumn(name, F.lit(None).cast("string"))
    facts = [
        (r.delivery_id, r.statement_at, r.received_at, r.order, json.dumps(dict(r.scope)))
        for r in records
    ]
    columns = "_delivery_id string, _s_at string, _r_at string, _order string, _file_scope string"
    delivered = local_rows(spark, facts, columns).select(
        "_delivery_id",
        F.to_timestamp("_s_at").alias("_statement_at"),
        F.to_timestamp("_r_at").alias("_received_at"),
        "_order",
        "_file_scope",
        "_s_at",
    )
    rows = known.where(F.col("_delivery_id").isin(ids)).join(F.broadcast(delivered), "_delivery_id")
    for field in feed.fields:
        origin = field.properties.origin
        if origin is not None and origin.from_ == "delivery":
            rows = rows.withColumn(field.name, F.col("_s_at"))
        elif origin is not None and origin.from_ == "field":
            rows = rows.withColumn(field.name, F.col(str(origin.field)))
    return rows.drop("_s_at")


def typed(rows: DataFrame, catalogue: Catalogue, feed: Contract, context: Context) -> DataFrame:
    """Raw text columns become typed ones; what fails becomes null and an issue.

    Adds `_issues` and `_bad` (names of key or fatal fields that failed).
    """
    uses = [
        Use(
            column=f.name,
            out=f"_s_{f.name}",
            name=f.standardiser.name,
            args={k: _argument(v) for k, v in f.standardiser.args.items()} | _today(f),
        )
        for f in feed.fields
    ]
    if any(_today(f) for f in feed.fields):
        # By the day of the receipt: a rebuild years later answers as the first run did (P7).
        day = "CAST(to_date(_received_at) AS STRING)"
        rows = rows.withColumn(_TODAY, F.expr(f"named_struct('value', {day})"))
    read = standardise(rows, uses, context)
    casts = {f"_t_{f.name}": F.expr(_cast(f)) for f in feed.fields}
    read = read.withColumns(casts)
    read = read.withColumns({f"_v_{f.name}": F.expr(_verdict(f, catalogue)) for f in feed.fields})
    told = [_issue(f) for f in feed.fields if f.properties.keep != "none"]
    issues = F.expr(f"array_compact(CAST(array({', '.join(told)}) AS array<{ISSUE}>))")
    bad = F.expr(f"array_compact(array({', '.join(_bad(f) for f in feed.fields)}))")
    kept = [c for c in rows.columns if c not in (*feed.field_names, _TODAY)]
    values = [
        F.expr(f"CASE WHEN `_v_{f.name}` IN ({_GOOD_SQL}) THEN `_t_{f.name}` END").alias(f.name)
        for f in feed.fields
    ]
    raw = F.struct(*[F.col(f.name) for f in feed.fields]).alias("_as_delivered")
    return read.select(*values, issues.alias("_issues"), bad.alias("_bad"), raw, *kept)


def as_kept(rows: DataFrame, feed: Contract, key: PersonKey | None) -> DataFrame:
    """The columns that silver keeps: an id token in place of a number, nothing of what is dropped.

    Raises ContractError where a name, number or address of a person would pass: a rule of the
    contract that nobody checked does not open the zone (P10, P11).
    """
    refuse_identities(feed)
    fields = [f for f in feed.fields if f.properties.keep != "value"]
    if not fields:
        return rows
    for f in fields:
        made = f.served
        if made is not None:
            if key is None:
                raise ContractError("there is no key for the id tokens", where=str(feed.path))
            rows = rows.withColumn(made.name, id_token(F.col(f.name), key))
        rows = rows.drop(f.name)
    return rows


def refuse_identities(feed: Contract) -> None:
    """Raises ContractError when silver of a feed that is no base feed would name persons."""
    if feed.sector == BASE:
        return
    for f in feed.served.fields:
        if f.properties.identifier == "direct" and not f.properties.lawful_publication:
            raise ContractError(
                f"{f.name} names a person and would stand in {feed.table}",
                where=f"{feed.path}:{f.line}",
                todo="keep: token for an ID number, keep: none for the rest",
            )


_TODAY = "_today"


def _today(f: FieldSpec) -> dict[str, str]:
    """The argument of a standardiser that asks what day it is."""
    asks = any(a.name == "today" for a in STANDARDISERS[f.standardiser.name].arguments)
    return {"today": f"${_TODAY}"} if asks and "today" not in f.standardiser.args else {}


_GOOD_SQL = ", ".join(f"'{v}'" for v in sorted(GOOD))


def _argument(value: str) -> str:
    return f"$_s_{value[1:]}" if value.startswith("$") else value


def _cast(f: FieldSpec) -> str:
    value = f"`_s_{f.name}`.value"
    if f.spark_type == "string":
        return value
    if f.spark_type in ("date", "timestamp"):
        # A month or a year alone is no day: Spark would invent its first one.
        return f"CASE WHEN length({value}) >= 10 THEN try_cast({value} AS {f.spark_type}) END"
    return f"try_cast({value} AS {f.spark_type})"


def _verdict(f: FieldSpec, catalogue: Catalogue) -> str:
    """The standardiser's verdict, or TYPE or CODE_UNKNOWN where the contract is narrower."""
    s, t = f"`_s_{f.name}`", f"`_t_{f.name}`"
    code = "FALSE"
    if f.properties.codelist and f.standardiser.name != "code":
        codes = ", ".join(_text(c) for c in catalogue.codelists[f.properties.codelist].codes)
        code = f"{s}.value NOT IN ({codes})"
    return (
        f"CASE WHEN {s}.verdict NOT IN ({_GOOD_SQL}) THEN {s}.verdict "
        f"WHEN {s}.value IS NOT NULL AND {t} IS NULL THEN 'TYPE' "
        f"WHEN {s}.value IS NOT NULL AND {code} THEN 'CODE_UNKNOWN' "
        f"ELSE {s}.verdict END"
    )


def _issue(f: FieldSpec) -> str:
    # A value that names a person stays in bronze and quarantine: silver says only that it failed.
    personal = f.properties.identifier != "none" or f.properties.personal is not None
    raw = "CAST(NULL AS STRING)" if personal else f"`{f.name}`"
    detail = "CAST(NULL AS STRING)" if personal else f"`_s_{f.name}`.detail"
    return (
        f"CASE WHEN `_v_{f.name}` NOT IN ({_GOOD_SQL}) THEN named_struct('field', '{f.name}', "
        f"'verdict', `_v_{f.name}`, 'raw', {raw}, 'detail', {detail}) END"
    )


def _bad(f: FieldSpec) -> str:
    """A key or fatal field that failed; a key that is empty failed too."""
    v, s = f"`_v_{f.name}`", f"`_s_{f.name}`"
    failed = f"{v} NOT IN ({_GOOD_SQL})"
    if f.primary_key:
        failed += f" OR `_t_{f.name}` IS NULL"
    elif not f.properties.fatal:
        return f"CASE WHEN FALSE THEN {_reject(f.name, v, 'NULL', 'NULL')} END"
    empty = f"CASE WHEN {v} IN ({_GOOD_SQL}) THEN 'EMPTY' ELSE {v} END"
    return f"CASE WHEN {failed} THEN {_reject(f.name, empty, f'`{f.name}`', f'{s}.detail')} END"


def _reject(field: str, rule: str, raw: str, detail: str) -> str:
    return (
        f"named_struct('field', '{field}', 'rule', {rule}, 'raw', CAST({raw} AS STRING), "
        f"'detail', CAST({detail} AS STRING))"
    )


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _judged(rows: DataFrame, feed: Contract, rules: Sequence[Rule], day: date) -> DataFrame:
    """Adds `_rejects`: everything for which the row goes to quarantine, or null."""
    split = split_expressions(rules, day)
    by_rule = split.rejects or f"CAST(array() AS array<{REJECT}>)"
    shape = (
        f"CASE WHEN _raw IS NOT NULL THEN array({_reject('', repr('ROW_SHAPE'), '_raw', 'NULL')}) "
        f"ELSE concat(_bad, {by_rule}) END"
    )
    judged = rows.withColumn("_rejects", F.expr(shape)).withColumn(
        "_rejects", F.expr("CASE WHEN size(_rejects) > 0 THEN _rejects END")
    )
    if split.issues:
        judged = judged.withColumn("_issues", F.expr(f"concat(_issues, {split.issues})"))
    return judged.withColumn("_scope", F.expr(scope_sql(feed))).drop("_bad", "_file_scope", "_raw")


def scope_sql(feed: Contract) -> str:
    """The scope of a row as JSON text, from its fields or from what its file's name says."""
    if feed.correction is not Correction.REPLACE:
        return "CAST(NULL AS STRING)"
    parts = scope_parts(feed)
    if not parts:
        return f"'{WHOLE}'"
    fields = set(feed.field_names)
    cells = [
        f"CAST(`{p}` AS STRING)" if p in fields else f"get_json_object(_file_scope, '$.{p}')"
        for p in parts
    ]
    names = [f"'{p}', {c}" for p, c in zip(parts, cells, strict=True)]
    whole = " AND ".join(f"{c} IS NOT NULL" for c in cells)
    return f"CASE WHEN {whole} THEN to_json(named_struct({', '.join(names)})) END"


def file_scope(feed: Contract, record: Record) -> str | None:
    """The scope of a delivery that its file tells alone, as `scope_sql` writes it, or None."""
    if feed.correction is not Correction.REPLACE:
        return None
    parts = scope_parts(feed)
    if not parts:
        return WHOLE
    values = {p: record.scope.get(p) for p in parts}
    if any(v is None for v in values.values()):
        return None
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def effective_key(feed: Contract) -> tuple[str, ...]:
    """The columns that make a row of silver unique."""
    key = feed.key
    period = feed.properties.period
    # With two clocks the period is the day of the statement, not a state of its own.
    if key and period and period not in key and feed.history is not History.BITEMPORAL:
        key += (period,)
    return key


def _ranked(rows: DataFrame, feed: Contract) -> DataFrame:
    """Adds `_rank_in_file`: 1 for the last accepted row of its key in its file.

    A file that says two things of one key means the later one; both are counted.
    """
    key = [f"`{k}`" for k in effective_key(feed)]
    if not key:
        return rows.withColumn("_rank_in_file", F.lit(1))
    if feed.correction is Correction.REVERSAL and feed.delivery.reversal:
        key.append(f"signum(`{feed.delivery.reversal.amount}`)")
    if feed.correction is Correction.CHANGE_LOG and feed.delivery.change_type:
        order = feed.delivery.change_type.order
        lead = [f"`{order}` DESC"] if order else []
    else:
        lead = []
    by = ", ".join([*lead, "_sheet DESC", "_line DESC"])
    rank = (
        f"row_number() OVER (PARTITION BY _delivery_id, _rejects IS NULL, {', '.join(key)} "
        f"ORDER BY {by})"
    )
    return rows.withColumn("_rank_in_file", F.expr(rank))


def _counts(frame: DataFrame, feed: Contract, records: Sequence[Record]) -> dict[str, Counts]:
    found = (
        frame.groupBy("_delivery_id")
        .agg(
            F.count("*").alias("n"),
            F.expr("count_if(_rejects IS NOT NULL)").alias("bad"),
            F.expr("count_if(_rejects IS NULL AND _rank_in_file = 1)").alias("good"),
            F.expr("collect_set(_scope)").alias("scopes"),
        )
        .collect()
    )
    by_id = {r["_delivery_id"]: r for r in found}
    counts: dict[str, Counts] = {}
    for record in records:
        row = by_id.get(record.delivery_id)
        own = file_scope(feed, record)
        scopes = set(row["scopes"] if row else ()) | ({own} if own else set())
        n, bad, good = (row["n"], row["bad"], row["good"]) if row else (0, 0, 0)
        counts[record.delivery_id] = Counts(n, good, bad, n - bad - good, tuple(sorted(scopes)))
    return counts
