"""Declared rules: pairs that need no score, in the order of the spec; the first that holds
counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from onesource.registry.linkage.spec import RuleSpec, Spec

if TYPE_CHECKING:
    import duckdb

# A rule proves what the spec says; it is still not more certain than that.
SURE, PROPOSED = 1.0, 0.5


def apply_rules(
    con: duckdb.DuckDBPyConnection, spec: Spec, *, dedupe: bool, say: Callable[[str], None]
) -> None:
    """Makes `ruled`: rid_l, rid_r, rule, score, candidate, and `place`, the rule's number."""
    con.execute(
        "CREATE OR REPLACE TABLE ruled (rid_l BIGINT, rid_r BIGINT, rule VARCHAR, score DOUBLE, "
        "candidate BOOLEAN, place INTEGER)"
    )
    for i, rule in enumerate(spec.rules):
        for group in rule.any_equal or [[]]:
            _apply(con, spec, rule, i, [*rule.equal, *group], dedupe, say)


def _apply(
    con: duckdb.DuckDBPyConnection,
    spec: Spec,
    rule: RuleSpec,
    i: int,
    equal: list[str],
    dedupe: bool,
    say: Callable[[str], None],
) -> None:
    """Adds the pairs of one way in which a rule can hold; a block above the limit is left out."""
    key = f"concat_ws(chr(31), {', '.join(equal)})"
    there = " AND ".join(f"{f} IS NOT NULL" for f in equal)
    con.execute(
        f"CREATE OR REPLACE TABLE rule_keys AS SELECT rid, side, {key} AS key FROM records "
        f"WHERE {there}"
    )
    pairs = (
        "count(*) * (count(*) - 1) // 2"
        if dedupe
        else "count(*) FILTER (side = 0) * count(*) FILTER (side = 1)"
    )
    con.execute(
        f"CREATE OR REPLACE TABLE rule_large AS SELECT key FROM rule_keys GROUP BY key "
        f"HAVING {pairs} > {spec.limits.pairs_per_key}"
    )
    row = con.execute("SELECT count(*) FROM rule_large").fetchall()[0]
    if row[0]:
        say(
            f"rule {rule.name}: {row[0]:,} value{'s' if row[0] > 1 else ''} of "
            f"{' + '.join(equal)} left out, each would make above "
            f"{spec.limits.pairs_per_key:,} pairs"
        )
    score = rule.score if rule.score is not None else PROPOSED if rule.candidate else SURE
    meet = "a.rid < b.rid" if dedupe else "a.side = 0 AND b.side = 1"
    con.execute(
        f"INSERT INTO ruled SELECT l.rid, r.rid, '{rule.name}', {score}, {rule.candidate}, {i} "
        "FROM rule_keys a JOIN rule_keys b USING (key) JOIN records l ON l.rid = a.rid "
        f"JOIN records r ON r.rid = b.rid WHERE {meet} "
        f"AND key NOT IN (SELECT key FROM rule_large){_conditions(rule)} "
        "AND NOT EXISTS (SELECT 1 FROM ruled x WHERE x.rid_l = l.rid AND x.rid_r = r.rid)"
    )


def _conditions(rule: RuleSpec) -> str:
    found = ""
    for f in rule.near:
        one, two = f"coalesce(l.{f}, l.{f}__raw)", f"coalesce(r.{f}, r.{f}__raw)"
        found += f" AND damerau_levenshtein({one}, {two}) = 1"
    for f in rule.one_fails:
        found += f" AND l.{f}__bad <> r.{f}__bad"
    for f in rule.not_other:
        found += f" AND coalesce(l.{f} = r.{f}, true)"
    return found
