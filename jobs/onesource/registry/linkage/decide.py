"""Which pairs are links, which are candidates, and in words why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onesource.registry.linkage.levels import Comparison
from onesource.registry.linkage.spec import Spec

if TYPE_CHECKING:
    import duckdb

# Evidence beside the name that a link of persons needs, in bits: more than the same sex (1) or
# one county of thirteen (3.7), less than a birth date, a house or a number.
BESIDE_NAME_BITS = 4.0
NAME_KINDS = frozenset({"person_name", "chinese_name"})
# Two pairs whose weights differ by no more than this are equally good (a factor of 8).
MARGIN_BITS = 3.0
MODEL, CANDIDATE = "model", "candidate"


@dataclass(frozen=True)
class Pair:
    """Two rows: their numbers in `records`, score 0 to 1, the rule that spoke, and why."""

    left: int
    right: int
    score: float
    weight: float
    rule: str
    explanation: str

    @property
    def is_candidate(self) -> bool:
        return self.rule == CANDIDATE


def gather(
    con: duckdb.DuckDBPyConnection, spec: Spec, comparisons: Sequence[Comparison]
) -> list[Pair]:
    """All pairs from `ruled` and `scored` from the candidate threshold up, best first.

    A rule's word outweighs the score. A pair of persons for which nothing but the name speaks is
    a candidate, below the threshold, whatever it scores (unless the spec says otherwise).
    """
    beside = _beside_name(spec, comparisons)
    below = min(spec.threshold, 1.0) * 0.99
    con.execute(
        "CREATE OR REPLACE TABLE judged AS "
        f"SELECT s.*, {beside} < {BESIDE_NAME_BITS} AS name_alone FROM scored s"
        if beside is not None
        else "CREATE OR REPLACE TABLE judged AS SELECT s.*, false AS name_alone FROM scored s"
    )
    gammas = ", ".join(f"gamma_{c.name}, weight_{c.name}" for c in comparisons)
    rows = con.execute(
        f"SELECT rid_l, rid_r, score, weight, name_alone, NULL, NULL, {gammas} FROM judged j "
        "WHERE NOT EXISTS (SELECT 1 FROM ruled r "
        "WHERE r.rid_l = j.rid_l AND r.rid_r = j.rid_r)"
    ).fetchall()
    found = [_scored_pair(row, spec, comparisons, below) for row in rows]
    ruled = con.execute(
        "SELECT rid_l, rid_r, any_value(rule), any_value(r.score), any_value(candidate), "
        "any_value(weight) FROM ruled r LEFT JOIN scored s USING (rid_l, rid_r) "
        "GROUP BY rid_l, rid_r"
    ).fetchall()
    for left, right, rule, score, candidate, weight in ruled:
        said = f"rule {rule}"
        if candidate:
            found.append(
                Pair(left, right, min(score, below), weight or 0.0, CANDIDATE, f"{said}; candidate")
            )
        else:
            # Rules come before any score: 100 bits are above what a model reaches.
            found.append(Pair(left, right, score, 100.0 + (weight or 0.0), rule, said))
    return sorted(found, key=lambda p: (-p.score, -p.weight, p.left, p.right))


def _beside_name(spec: Spec, comparisons: Sequence[Comparison]) -> str | None:
    """SQL of the bits that speak for a pair beside the names; None where that does not matter."""
    named = [c for c in comparisons if c.spec.kind in NAME_KINDS]
    if spec.name_alone == "link" or not (spec.kind == "person" or named):
        return None
    others = [c for c in comparisons if c.spec.kind not in NAME_KINDS and c.spec.identity]
    return " + ".join(["0.0", *(f"greatest(weight_{c.name}, 0)" for c in others)])


def _scored_pair(
    row: tuple[object, ...], spec: Spec, comparisons: Sequence[Comparison], below: float
) -> Pair:
    left, right, score, weight, name_alone = row[:5]
    assert isinstance(left, int) and isinstance(right, int)
    assert isinstance(score, float) and isinstance(weight, float)
    words = _words(row[7:], comparisons)
    if name_alone and score >= spec.threshold:
        words = f"{words}; too little speaks for it beside the name"
        score = min(score, below)
    rule = MODEL if score >= spec.threshold else CANDIDATE
    return Pair(left, right, score, weight, rule, words)


def _words(values: Sequence[object], comparisons: Sequence[Comparison]) -> str:
    """`surname equal +6.1; birth one_digit +4.0; phone missing`: levels and bits, never values."""
    found = []
    for i, c in enumerate(comparisons):
        gamma, bits = values[2 * i], values[2 * i + 1]
        level = c.level(int(gamma))  # type: ignore[call-overload]
        if level is None:
            found.append(f"{c.name} missing")
        else:
            found.append(f"{c.name} {level.label} {float(bits or 0.0):+.1f}")  # type: ignore[arg-type]
    return "; ".join(found)


def assign(pairs: Sequence[Pair], how: str) -> list[Pair]:
    """The links among the pairs (best first) above the threshold.

    all: every one. one_to_one: no row twice, the better pair first. best: a pair stays when it is
    about as good as the best of either row: duplicates within one list all stay, second choices
    go.
    """
    if how == "all":
        return list(pairs)
    if how == "one_to_one":
        taken_l: set[int] = set()
        taken_r: set[int] = set()
        found = []
        for p in pairs:
            if p.left not in taken_l and p.right not in taken_r:
                taken_l.add(p.left)
                taken_r.add(p.right)
                found.append(p)
        return found
    best: dict[tuple[int, int], float] = defaultdict(lambda: float("-inf"))
    for p in pairs:
        for key in ((0, p.left), (1, p.right)):
            best[key] = max(best[key], p.weight)
    return [p for p in pairs if p.weight >= max(best[0, p.left], best[1, p.right]) - MARGIN_BITS]


def split(pairs: Iterable[Pair], spec: Spec, *, dedupe: bool) -> tuple[list[Pair], list[Pair]]:
    """(links, candidates): links above the threshold as assigned; all others are candidates.

    Within one list every link above the threshold stays: it is clusters that are sought.
    """
    every = list(pairs)
    linkable = [p for p in every if not p.is_candidate]
    links = linkable if dedupe else assign(linkable, spec.assign)
    kept = {(p.left, p.right) for p in links}
    rest = [
        p
        if p.is_candidate
        else Pair(p.left, p.right, p.score, p.weight, CANDIDATE, f"{p.explanation}; not the best")
        for p in every
        if (p.left, p.right) not in kept
    ]
    return links, rest
