"""Learns m and u of every level from the pairs themselves, and falls back where it cannot.

u comes from random pairs. m comes from expectation maximisation over the blocked pairs, in which
each blocking rule has a share of matches of its own and says nothing on the fields that it blocks
on (they agree in all of its pairs). The values of `levels` count as some pairs that were seen
before (`PRIOR_PAIRS`): with few pairs they stay, with many they do not matter. splink's own
training runs once per rule and refuses where a level was never seen; a list that a department
brings must not fail for that. Everything is drawn by a seeded hash and summed in order: the same
input gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onesource.registry.linkage.blocking import Blocked
from onesource.registry.linkage.levels import Comparison
from onesource.registry.linkage.spec import VIEW, Spec

if TYPE_CHECKING:
    import duckdb

Floats = NDArray[np.float64]
RANDOM_PAIRS = 1_000_000
PAIRS_PER_RULE = 400_000
PRIOR_PAIRS = 20.0
# A level seen in no random pair is still possible in one of them.
U_PRIOR_PAIRS = 2.0
ROUNDS, ENOUGH = 100, 1e-5
# No value is certain: an m or u of 0 would let one typing error outweigh everything.
LEAST = 1e-7
START = 0.5
PURGES = 3


@dataclass(frozen=True)
class Model:
    """m and u per comparison, from `differs` (0) to alike, and how likely a random pair matches."""

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    prior: float
    trained_on: int

    def weights(self) -> list[Floats]:
        """log2(m / u) per comparison and level."""
        return [np.asarray(np.log2(m / u), float) for m, u in zip(self.m, self.u, strict=True)]


def fixed(comparisons: Sequence[Comparison], prior: float) -> Model:
    """The model before anything was learned."""
    m = [_start([lv.m for lv in c.levels]) for c in comparisons]
    u = [_start([lv.u for lv in c.levels]) for c in comparisons]
    return Model(tuple(m), tuple(u), prior, 0)


def _start(values: Sequence[float]) -> Floats:
    found = np.array(values[::-1], float)
    return np.asarray(found / found.sum(), float)


def train(
    con: duckdb.DuckDBPyConnection,
    spec: Spec,
    comparisons: Sequence[Comparison],
    blocked: Blocked,
    *,
    dedupe: bool,
) -> Model:
    """Learns from `records` and `pairs`; deterministic by the spec's seed."""
    begin = fixed(comparisons, 0.0)
    random = patterns(con, comparisons, random_pairs(con, spec.seed, dedupe))
    u = tuple(u_of(random, k, begin.u[k]) for k in range(len(comparisons)))
    seen: list[tuple[NDArray[np.int64], Floats, list[int]]] = []
    for i, rule in enumerate(spec.blocking):
        if not blocked.by_rule[i]:
            continue
        used = {VIEW.match(v).group(1) for v in rule}  # type: ignore[union-attr]
        free = [k for k, c in enumerate(comparisons) if not used & set(c.spec.fields)]
        share = max(1, blocked.by_rule[i] // PAIRS_PER_RULE)
        some = (
            f"SELECT join_key_l, join_key_r FROM pairs WHERE match_key = '{i}' AND "
            f"hash(join_key_l, join_key_r, {spec.seed}) % {share} = 0"
        )
        gammas, counts = patterns(con, comparisons, some)
        seen.append((gammas, counts * blocked.by_rule[i] / max(counts.sum(), 1.0), free))
    whole, rows = _possible(con, dedupe), _fewest_rows(con, dedupe)
    drawn = float(random[1].sum())
    clean = u
    for _ in range(PURGES):
        m, matches = _maximise(seen, begin, clean, comparisons, rows)
        prior = min(max(matches / max(whole, 1.0), 1.0 / max(whole, 2.0)), 0.5)
        clean = tuple(_without_matches(x, y, prior, drawn) for x, y in zip(u, m, strict=True))
    u = clean
    return Model(m, u, prior, int(sum(c.sum() for _, c, _ in seen)))


def _possible(con: duckdb.DuckDBPyConnection, dedupe: bool) -> float:
    """All pairs that there could be."""
    row = con.execute(
        "SELECT count(*) FILTER (side = 0), count(*) FILTER (side = 1) FROM records"
    ).fetchall()[0]
    return float(row[0] * (row[0] - 1) / 2 if dedupe else row[0] * row[1])


def _fewest_rows(con: duckdb.DuckDBPyConnection, dedupe: bool) -> float:
    """The most matches that there may be: in two lists, those of lists without duplicates of their
    own; in one, each row three times over."""
    row = con.execute(
        "SELECT count(*) FILTER (side = 0), count(*) FILTER (side = 1) FROM records"
    ).fetchall()[0]
    return float(3 * row[0] if dedupe else min(row))


def random_pairs(con: duckdb.DuckDBPyConnection, seed: int, dedupe: bool) -> str:
    """The SQL of pairs of rows drawn by a hash: all of them where they are few."""
    n = int(RANDOM_PAIRS**0.5)

    def some(side: int, salt: int) -> str:
        return (
            f"(SELECT rid FROM records WHERE side = {side} "
            f"ORDER BY hash(rid, {seed + salt}), rid LIMIT {n})"
        )

    right = some(0, 7) if dedupe else some(1, 7)
    meet = "l.rid < r.rid" if dedupe else "true"
    return (
        f"SELECT l.rid AS join_key_l, r.rid AS join_key_r FROM {some(0, 0)} l "
        f"JOIN {right} r ON {meet}"
    )


def patterns(
    con: duckdb.DuckDBPyConnection, comparisons: Sequence[Comparison], pairs: str
) -> tuple[NDArray[np.int64], Floats]:
    """The different rows of levels of some pairs, and how many pairs show each, in order."""
    names = [f"g{i}" for i in range(len(comparisons))]
    columns = columns_sql(comparisons)
    gammas = ", ".join(f"{c.gamma_sql()} AS {n}" for c, n in zip(comparisons, names, strict=True))
    rows = con.execute(
        f"SELECT {', '.join(names)}, count(*) FROM (SELECT {gammas} FROM (SELECT {columns} FROM "
        f"({pairs}) p JOIN records l ON l.rid = p.join_key_l JOIN records r ON r.rid = "
        "p.join_key_r)) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    table = np.array(rows, np.int64).reshape(-1, len(names) + 1)
    return table[:, :-1], table[:, -1].astype(float)


def columns_sql(comparisons: Sequence[Comparison]) -> str:
    """`l.x AS x_l, r.x AS x_r` for every column that is compared."""
    from onesource.registry.linkage.levels import columns_of

    return ", ".join(f"l.{c} AS {c}_l, r.{c} AS {c}_r" for c in columns_of(comparisons)) or "1"


def u_of(random: tuple[NDArray[np.int64], Floats], k: int, begin: Floats) -> Floats:
    gammas, counts = random
    found = np.zeros(len(begin))
    for level in range(len(begin)):
        found[level] = counts[gammas[:, k] == level].sum()
    return share_of(found, begin, U_PRIOR_PAIRS)


def _without_matches(u: Floats, m: Floats, prior: float, drawn: float) -> Floats:
    """u without the matches among the random pairs: in short lists they are most of those that
    agree, and would make a rare title look common."""
    found = np.maximum((u - prior * m) / (1 - prior), 0.5 / max(drawn, 1.0))
    return np.asarray(found / found.sum(), float)


def share_of(counts: Floats, begin: Floats, weight: float) -> Floats:
    found = (counts + begin * weight) / (counts.sum() + weight)
    found = np.maximum(found, LEAST)
    return np.asarray(found / found.sum(), float)


def _maximise(
    seen: Sequence[tuple[NDArray[np.int64], Floats, list[int]]],
    begin: Model,
    u: tuple[Floats, ...],
    comparisons: Sequence[Comparison],
    rows: float,
) -> tuple[tuple[Floats, ...], float]:
    """m of every comparison, and how many of the blocked pairs match.

    A row has hardly more than one like it in the other list: without that bound the largest group
    of pairs that are alike in anything (one maker, one price) would be taken for the matches.
    """
    m = [x.copy() for x in begin.m]
    most = [min(rows / max(float(counts.sum()), 1.0), 0.999) for _, counts, _ in seen]
    shares = [START * x for x in most]
    for _ in range(ROUNDS):
        weighted = [np.zeros(len(x)) for x in m]
        moved = 0.0
        for r, (gammas, counts, free) in enumerate(seen):
            chance = _chance(gammas, free, m, u, shares[r])
            matched = counts * chance
            shares[r] = float(min(max(matched.sum() / max(counts.sum(), 1.0), 1e-6), most[r]))
            for k in free:
                for level in range(len(m[k])):
                    weighted[k][level] += matched[gammas[:, k] == level].sum()
        for k, counted in enumerate(weighted):
            new = share_of(counted, begin.m[k], PRIOR_PAIRS)
            if comparisons[k].graded:
                new = _graded(new, u[k])
            moved = max(moved, float(np.abs(new - m[k]).max()))
            m[k] = new
        if moved < ENOUGH:
            break
    matches = sum(
        share * float(counts.sum()) for share, (_, counts, _) in zip(shares, seen, strict=True)
    )
    return tuple(m), matches


def _chance(
    gammas: NDArray[np.int64], free: list[int], m: list[Floats], u: tuple[Floats, ...], share: float
) -> Floats:
    """The chance that a pair of each pattern is a match, by the comparisons that are free."""
    weight = np.full(len(gammas), np.log(share / (1 - share)))
    for k in free:
        ratio = np.append(np.log(m[k] / u[k]), 0.0)  # the last one stands for null (-1)
        weight += ratio[gammas[:, k]]
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(weight, -60, 60))), float)


def _graded(m: Floats, u: Floats) -> Floats:
    """m such that no level says less than the one below: neighbours that do are put together."""
    groups: list[list[Any]] = []
    for i in range(len(m)):
        groups.append([[i], float(m[i]), float(u[i])])
        while len(groups) > 1 and groups[-2][1] / groups[-2][2] > groups[-1][1] / groups[-1][2]:
            last = groups.pop()
            groups[-1] = [a + b for a, b in zip(groups[-1], last, strict=True)]
    found = m.copy()
    for levels, a, b in groups:
        for i in levels:
            found[i] = a * float(u[i]) / b
    return found
