"""Blocking: which pairs are looked at, and a guard against one huge block.

Each rule of a spec is a list of views (`surname`, `birth.year`, `title.words`); two rows come
together when they agree in all of them. A key that would make more pairs than the limit (a name
that half the list has, 1900-01-01) is split by further fields, twice, and what is still too large
is left out; both are said. A pair that two rules find is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onesource.registry.linkage.spec import VIEW, Spec
from onesource.registry.linkage.words import grams_sql, words_sql

if TYPE_CHECKING:
    import duckdb

# A word in more than this share of the pairs' room is no reason to look; the limit for words is
# lower than for keys, for a text has many of them.
WORD_PAIRS = 50_000
_SPLITS = 2


@dataclass(frozen=True)
class Blocked:
    """What blocking made: pairs in all, and for each rule its pairs."""

    pairs: int
    by_rule: tuple[int, ...]


def view_sql(view: str) -> tuple[str, bool]:
    """The SQL of a view as text, and is it a list of keys of which one suffices?"""
    match = VIEW.match(view)
    assert match is not None, view
    field, part = match.groups()
    if part is None:
        return f"CAST({field} AS VARCHAR)", False
    if part in ("words", "grams"):
        return (words_sql if part == "words" else grams_sql)(field), True
    if part == "year":
        return f"left(CAST({field} AS VARCHAR), 4)", False
    if part == "month_day":
        return f"substr(CAST({field} AS VARCHAR), 6)", False
    if part == "rounded":
        return f"CAST(round({field}) AS VARCHAR)", False
    if part == "soundex":
        return soundex_sql(field), False
    name, length = re.findall(r"[a-z]+|\d+", part)
    return f"{'left' if name == 'first' else 'right'}(CAST({field} AS VARCHAR), {length})", False


def _field(view: str) -> str:
    return view.split(".", 1)[0]


def soundex_sql(field: str) -> str:
    """The four characters of Soundex for names in letters: first letter, then classes of sound."""
    letters = f"regexp_replace(upper({field}), '[^A-Z]', '', 'g')"
    classes = f"translate({letters}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230129022455012623019202')"
    # h and w (9) do not part two letters of one class, vowels do.
    one = f"replace({classes}, '9', '')"
    for digit in "123456":
        one = f"regexp_replace({one}, '{digit}+', '{digit}', 'g')"
    rest = f"replace(substr({one}, 2), '0', '')"
    return f"nullif(left(left({letters}, 1) || {rest} || '000', 4), '000')"


def splitters(spec: Spec) -> list[str]:
    """The views that may split a key: those of the other rules that are not lists, in order."""
    found = dict.fromkeys(v for rule in spec.blocking for v in rule if not view_sql(v)[1])
    for c in spec.comparisons:
        if c.kind in ("exact", "code"):
            found[c.fields[0]] = None
        elif c.kind == "date":
            found[f"{c.fields[0]}.year"] = None
    return list(found)


def block(
    con: duckdb.DuckDBPyConnection, spec: Spec, *, dedupe: bool, say: Callable[[str], None]
) -> Blocked:
    """Makes `pairs(match_key, join_key_l, join_key_r)`, each pair once under its first rule.

    con holds `records`. say: hears of keys split or left out (never of their values).
    """
    con.execute("CREATE TABLE pairs (match_key VARCHAR, join_key_l BIGINT, join_key_r BIGINT)")
    limit = spec.limits.pairs_per_key
    counts: list[int] = []
    for i, rule in enumerate(spec.blocking):
        _keys(con, rule)
        lists = any(view_sql(v)[1] for v in rule)
        most = min(limit, WORD_PAIRS) if lists else limit
        own = {_field(v) for v in rule}
        others = [v for v in splitters(spec) if _field(v) not in own]
        _guard(con, " + ".join(rule), others, most, dedupe, say)
        room = spec.limits.pairs - sum(counts)
        _within(con, " + ".join(rule), room, most, dedupe, say)
        counts.append(_add_pairs(con, i, dedupe))
    return Blocked(sum(counts), tuple(counts))


def _keys(con: duckdb.DuckDBPyConnection, rule: Sequence[str]) -> None:
    """Makes `keys(rid, side, key)` of one rule; rows that lack a part have none."""
    scalars = [view_sql(v)[0] for v in rule if not view_sql(v)[1]]
    lists = [view_sql(v)[0] for v in rule if view_sql(v)[1]]
    names = [f"k{i}" for i in range(len(scalars) + len(lists))]
    columns = [f"{x} AS {n}" for x, n in zip(scalars, names, strict=False)]
    columns += [f"unnest({x}) AS {n}" for x, n in zip(lists, names[len(scalars) :], strict=True)]
    there = " AND ".join(f"{n} IS NOT NULL AND {n} <> ''" for n in names)
    # A list beside another would be walked in step with it: only one is unnested at a time.
    con.execute(
        f"CREATE OR REPLACE TABLE keys AS SELECT rid, side, concat_ws(chr(31), {', '.join(names)}) "
        f"AS key FROM (SELECT rid, side, {', '.join(columns)} FROM records) WHERE {there}"
    )


def _sizes(dedupe: bool) -> str:
    """The keys with the pairs that each makes."""
    if dedupe:
        pairs = "count(*) * (count(*) - 1) // 2"
    else:
        pairs = "count(*) FILTER (side = 0) * count(*) FILTER (side = 1)"
    return f"SELECT key, {pairs} AS n FROM keys GROUP BY key"


def _guard(
    con: duckdb.DuckDBPyConnection,
    rule: str,
    others: list[str],
    most: int,
    dedupe: bool,
    say: Callable[[str], None],
) -> None:
    """Splits keys above the limit by further views, then leaves out what is still above it."""
    split_by: list[str] = []
    large = _large(con, most, dedupe)
    before = large
    for view in others:
        if not large[0] or len(split_by) == _SPLITS:
            break
        con.execute(
            "CREATE OR REPLACE TABLE keys AS SELECT k.rid, k.side, CASE WHEN b.key IS NULL THEN "
            f"k.key ELSE k.key || chr(31) || {view_sql(view)[0]} END AS key FROM keys k "
            "LEFT JOIN large b USING (key) JOIN records r ON r.rid = k.rid"
        )
        con.execute("DELETE FROM keys WHERE key IS NULL")
        split_by.append(view)
        large = _large(con, most, dedupe)
    if split_by:
        say(
            f"blocking on {rule}: {_counted(before)} would make too many pairs, split by "
            f"{' and '.join(split_by)}"
        )
    if large[0]:
        con.execute("DELETE FROM keys WHERE key IN (SELECT key FROM large)")
        say(f"blocking on {rule}: {_counted(large)} left out, each above {most:,} pairs")


def _large(con: duckdb.DuckDBPyConnection, most: int, dedupe: bool) -> tuple[int, int]:
    """Makes `large(key)` and gives how many they are and what pairs they would make."""
    con.execute(
        f"CREATE OR REPLACE TABLE large AS SELECT key, n FROM ({_sizes(dedupe)}) WHERE n > {most}"
    )
    found = con.execute("SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM large").fetchall()[0]
    return int(found[0]), int(found[1])


def _counted(large: tuple[int, int]) -> str:
    return f"{large[0]:,} key{'s' if large[0] > 1 else ''} ({large[1]:,} pairs)"


def _within(
    con: duckdb.DuckDBPyConnection,
    rule: str,
    room: int,
    most: int,
    dedupe: bool,
    say: Callable[[str], None],
) -> None:
    """Leaves out the largest keys until the rule fits into what may be compared in all."""
    con.execute(
        "CREATE OR REPLACE TABLE large AS SELECT key, n FROM (SELECT key, n, sum(n) OVER (ORDER BY "
        f"n, key) AS so_far FROM ({_sizes(dedupe)})) WHERE so_far > {max(room, 0)} AND n > 0"
    )
    found = con.execute("SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM large").fetchall()[0]
    if found[0]:
        con.execute("DELETE FROM keys WHERE key IN (SELECT key FROM large)")
        say(
            f"blocking on {rule}: {_counted((int(found[0]), int(found[1])))} left out, "
            "for more pairs than limits.pairs would be compared"
        )


def _add_pairs(con: duckdb.DuckDBPyConnection, i: int, dedupe: bool) -> int:
    """Adds the pairs of `keys` that no rule before has found; returns their number."""
    meet = "l.rid < r.rid" if dedupe else "l.side = 0 AND r.side = 1"
    con.execute(
        f"INSERT INTO pairs SELECT DISTINCT '{i}', l.rid, r.rid FROM keys l JOIN keys r USING "
        f"(key) WHERE {meet} AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.join_key_l = l.rid "
        "AND p.join_key_r = r.rid)"
    )
    row = con.execute(f"SELECT count(*) FROM pairs WHERE match_key = '{i}'").fetchall()[0]
    return int(row[0])
