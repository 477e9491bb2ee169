"""Links two tables, or finds the duplicates of one, by a spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from onesource.clean.standardisers import Context
from onesource.lake import reader
from onesource.registry.linkage import decide
from onesource.registry.linkage.blocking import Blocked, block
from onesource.registry.linkage.clusters import clusters
from onesource.registry.linkage.levels import MACROS, Comparison, comparison
from onesource.registry.linkage.prepare import build_records
from onesource.registry.linkage.rules import apply_rules
from onesource.registry.linkage.score import score
from onesource.registry.linkage.spec import Spec
from onesource.registry.linkage.suggest import default_blocking
from onesource.registry.linkage.training import Model, fixed, train
from onesource.registry.linkage.words import add_derived

if TYPE_CHECKING:
    import duckdb

# With fewer pairs than this nothing can be learned; the values of experience are used.
FEWEST_PAIRS = 50
# Among fewer rows nothing can be said of how rare a value is.
FEWEST_FOR_FREQUENCY = 500
Say = Callable[[str], None]


@dataclass(frozen=True)
class Linked:
    """links and candidates (rows by their number: left first, then right); `first_right` is the
    number of the first right row; model and pairs are what was learned from and looked at."""

    links: list[decide.Pair]
    candidates: list[decide.Pair]
    first_right: int
    rows: int
    pairs: int
    model: Model


def link_tables(
    tables: Sequence[pa.Table],
    spec: Spec,
    context: Context,
    *,
    model: Model | None = None,
    say: Say = lambda _: None,
) -> Linked:
    """Links one table (its own duplicates) or two, columns of text under their headers.

    model: frozen; left out, it is trained on these tables. say: hears in words what was left out.
    Nothing is written to disk. Raises UsageError where a header is not there.
    """
    dedupe = len(tables) == 1
    if not spec.blocking:
        spec = spec.model_copy(update={"blocking": default_blocking(spec)})
    if sum(t.num_rows for t in tables) < FEWEST_FOR_FREQUENCY:
        plain = [c.model_copy(update={"frequency": False}) for c in spec.comparisons]
        spec = spec.model_copy(update={"comparisons": plain})
    comparisons = [comparison(c) for c in spec.comparisons]
    with reader.database() as con:
        for macro in MACROS:
            con.execute(macro)
        build_records(con, spec, tables, context)
        add_derived(con, spec)
        apply_rules(con, spec, dedupe=dedupe, say=say)
        blocked = block(con, spec, dedupe=dedupe, say=say)
        if model is None:
            model = _model(con, spec, comparisons, blocked, dedupe, say)
        score(con, comparisons, model, spec.candidate_threshold)
        pairs = decide.gather(con, spec, comparisons)
    links, candidates = decide.split(pairs, spec, dedupe=dedupe)
    first_right = 0 if dedupe else tables[0].num_rows
    rows = sum(t.num_rows for t in tables)
    return Linked(links, candidates, first_right, rows, blocked.pairs, model)


def _model(
    con: duckdb.DuckDBPyConnection,
    spec: Spec,
    comparisons: Sequence[Comparison],
    blocked: Blocked,
    dedupe: bool,
    say: Say,
) -> Model:
    if blocked.pairs >= FEWEST_PAIRS:
        return train(con, spec, comparisons, blocked, dedupe=dedupe)
    say(f"{blocked.pairs} pairs are too few to learn from: fixed weights are used")
    row = con.execute("SELECT count(*) FROM records").fetchall()[0]
    # As if every tenth row had its like: the evidence then decides.
    return replace(fixed(comparisons, 0.0), prior=0.1 / max(row[0], 2))


def cluster_rows(linked: Linked, spec: Spec) -> dict[int, int]:
    """Row number → number of the first row of its cluster."""
    pairs = [(p.left, p.right, p.score) for p in linked.links]
    return clusters(range(linked.rows), pairs, spec.cohesion)
