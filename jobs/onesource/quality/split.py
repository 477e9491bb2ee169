"""Row verdicts: which rules a row fails, as SQL expressions over the row, in the one pass that
standardises and writes the batch; no second scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.config import BEIJING, now
from onesource.errors import OneSourceError
from onesource.quality.predicates import bad_row, literal, quoted
from onesource.quality.queries import run_query
from onesource.quality.rules import Phase, Rule, Severity, of_phase

_ISSUE = "array<struct<field:string,verdict:string,raw:string,detail:string>>"
_REJECT = "array<struct<field:string,rule:string,raw:string,detail:string>>"


@dataclass(frozen=True)
class Split:
    """SQL expressions over a standardised row.

    reject, flag: array<string> of the ids of the rules with severity `row`, `flag` that the row
    fails; null where there is no such rule. rejects, issues: the same as arrays of structs in
    the shape of quarantine reasons (`field, rule, raw, detail`) and of `_issues`
    (`field, verdict, raw, detail`), which name the field. An issue holds no value: the value is
    still on the row, and a quarantined row is kept whole beside its reasons.
    """

    reject: str | None
    flag: str | None
    rejects: str | None
    issues: str | None


def split_expressions(rules: Sequence[Rule], day: date | None = None) -> Split:
    """The expressions for the batch rules in force on a day (left out: today in Beijing).

    Rules that a row alone cannot answer (see `marks_across_rows`) and those that standardising
    answers itself are not in them.
    """
    day = day or now().astimezone(BEIJING).date()
    chosen = [r for r in of_phase(rules, Phase.BATCH, day) if not r.judged_in_staging]
    reject = [(r, bad) for r in chosen if r.severity is Severity.ROW and (bad := bad_row(r))]
    flag = [(r, bad) for r in chosen if r.severity is Severity.FLAG and (bad := bad_row(r))]
    return Split(
        reject=_ids(reject),
        flag=_ids(flag),
        rejects=_structs(reject, "rule") if reject else None,
        issues=_structs(flag, "verdict") if flag else None,
    )


def _ids(found: Sequence[tuple[Rule, str]]) -> str | None:
    if not found:
        return None
    cases = ", ".join(f"CASE WHEN {bad} THEN {literal(r.id)} END" for r, bad in found)
    return f"array_compact(array({cases}))"


def _structs(found: Sequence[tuple[Rule, str]], word: str) -> str:
    cases = ", ".join(f"CASE WHEN {bad} THEN {_struct(r, word)} END" for r, bad in found)
    return f"array_compact(array({cases}))"


def _struct(rule: Rule, word: str) -> str:
    field = f"CAST({literal(rule.field)} AS STRING)"
    nothing = "CAST(NULL AS STRING)"
    return (
        f"named_struct('field', {field}, '{word}', {literal(rule.id)}, "
        f"'raw', {nothing}, 'detail', {nothing})"
    )


def across_rows(rules: Sequence[Rule], day: date | None = None) -> list[Rule]:
    """The `row` and `flag` rules whose SQL reads several rows or other tables."""
    day = day or now().astimezone(BEIJING).date()
    return [
        r
        for r in of_phase(rules, Phase.BATCH, day)
        if r.severity in (Severity.ROW, Severity.FLAG)
        and not r.judged_in_staging
        and bad_row(r) is None
    ]


def marks_across_rows(
    frame: DataFrame,
    rules: Sequence[Rule],
    tables: Mapping[str, DataFrame] | None = None,
    day: date | None = None,
) -> DataFrame:
    """Lays the verdicts of `across_rows` on the rows: into `_issues`, or into `_rejects`.

    Each such rule's query names the rows by the contract's key; they are joined back by it. Rows
    that are already rejected are not read by the queries. The frame is returned as it is when
    there is no such rule. Raises OneSourceError when a table that a rule reads is not given.
    """
    found = across_rows(rules, day)
    if not found:
        return frame
    rejecting = "_rejects" in frame.columns
    batch = frame.where("_rejects IS NULL") if rejecting else frame
    columns = frame.columns
    for i, rule in enumerate(found):
        bad = run_query(frame.sparkSession, _query(rule), _frames(rule, batch, tables or {}))
        hits = bad.select(*[F.col(k).alias(f"_k{n}") for n, k in enumerate(rule.key)]).distinct()
        hits = F.broadcast(hits.withColumn(f"_hit{i}", F.lit(True)))
        same = " AND ".join(f"{quoted(k)} <=> _k{n}" for n, k in enumerate(rule.key))
        keys = [f"_k{n}" for n in range(len(rule.key))]
        frame = frame.join(hits, F.expr(same), "left").drop(*keys)
    flags = _hits(found, Severity.FLAG, "verdict", _ISSUE)
    frame = frame.withColumn("_issues", F.expr(f"concat(_issues, {flags})"))
    if rejecting:
        more = _hits(found, Severity.ROW, "rule", _REJECT)
        both = f"concat(coalesce(_rejects, CAST(array() AS {_REJECT})), {more})"
        frame = frame.withColumn("_rejects", F.expr(both))
        frame = frame.withColumn(
            "_rejects", F.expr("CASE WHEN size(_rejects) > 0 THEN _rejects END")
        )
    return frame.select(*columns)


def _hits(found: Sequence[Rule], severity: Severity, word: str, kind: str) -> str:
    cases = ", ".join(
        f"CASE WHEN _hit{i} THEN {_struct(r, word)} END"
        for i, r in enumerate(found)
        if r.severity is severity
    )
    return f"CAST(array_compact(array({cases})) AS {kind})" if cases else f"CAST(array() AS {kind})"


def _query(rule: Rule) -> str:
    return str(rule.kwargs["unexpected_rows_query"])


def _frames(rule: Rule, batch: DataFrame, tables: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
    missing = [t for t in rule.needs if t not in tables]
    if missing:
        raise OneSourceError(
            f"the rule {rule.id} of {rule.table} reads {missing[0]}, which is not served",
            where=rule.origin,
            todo=f"run {missing[0]} first",
        )
    return {"batch": batch, **{t: tables[t] for t in rule.needs}}
