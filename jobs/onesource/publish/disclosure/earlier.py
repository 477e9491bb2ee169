"""What earlier releases of the table tell a reader, and the frozen cadence.

* A figure that an earlier release showed and that is still the same is known: hiding it now hides
  nothing, so it can neither be suppressed nor protect others.
* A sum that an earlier release showed with other figures stays an equation as long as it is true
  of today's figures: a reader who assumes that the hidden ones did not change is right.
* A shown figure that changed because of fewer respondents than the minimum gives their figures
  away by difference: it is suppressed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.axes import TOTAL
from onesource.publish.disclosure.model import DisclosureRefused, Earlier, Protected
from onesource.publish.disclosure.rollup import (
    Cell,
    Floats,
    Key,
    codes,
    numbers,
    roll_up,
    row_keys,
)
from onesource.publish.disclosure.universe import EXACT, Bools, Member, Universe, equations


@dataclass
class Memory:
    """Per measure the keys whose figure is known, and further equations; keys that differ from an
    earlier release by too few respondents."""

    differs: Bools
    known_by: dict[str, Bools] = field(default_factory=dict)
    rows: dict[str, list[sparse.csr_matrix]] = field(default_factory=dict)
    releases: int = 0

    def with_rows(self, measure: str, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        return sparse.vstack([rows, *self.rows.get(measure, [])]).tocsr()

    def known(self, rule: DisclosureRule) -> Bools:
        """Keys with a known figure of the kind that the rule protects: values, else counts."""
        found = np.zeros(len(self.differs), bool)
        for measure in rule.values or rule.counts:
            found |= self.known_by.get(measure, found)
        return found


def remember(universe: Universe, earlier: Sequence[Earlier]) -> Memory:
    """What the earlier releases add to a reader's knowledge of the first member's cells."""
    size = len(universe.keys)
    memory = Memory(np.zeros(size, bool), {m: np.zeros(size, bool) for m in universe.truth})
    member = universe.members[0]
    sums = {m: equations(universe, m) for m in member.rule.measures} if earlier else {}
    for old in earlier:
        keys = _keys(universe, member, old)
        if not keys:
            continue
        memory.releases += 1
        shown = {m: _shown(universe, member, old, keys, m) for m in member.rule.measures}
        for measure, was in shown.items():
            same = _same(member.rule, was, universe.truth[measure])
            memory.known_by[measure] |= same
            memory.rows.setdefault(measure, []).extend(
                _old_rows(universe, measure, sums[measure], was, same, member.rule.tolerance)
            )
        memory.differs |= _differs(universe, member, old, shown)
    return memory


def _keys(universe: Universe, member: Member, old: Earlier) -> dict[int, int]:
    """Key → row of the earlier table, for cells that are still in the table."""
    own = [d.name for d in member.rule.dimensions]
    found = {}
    for row, key in enumerate(row_keys(old.cells, member.rule, f"release {old.release}")):
        at = universe.index.get(_spread(universe, own, key))
        if at is not None:
            found[at] = row
    return found


def _spread(universe: Universe, own: Sequence[str], key: Key) -> Key:
    at = dict(zip(own, key, strict=True))
    return tuple(at.get(n, TOTAL) for n in universe.names)


def _shown(
    universe: Universe, member: Member, old: Earlier, keys: dict[int, int], measure: str
) -> Floats:
    """The earlier figures by key; NaN where suppressed, -1 where the table had no such row."""
    was = np.full(len(universe.keys), -1.0)
    if measure not in old.cells.column_names:
        return was
    values = numbers(old.cells, measure, f"release {old.release}")
    for key, row in keys.items():
        was[key] = values[row]
    return was


def _same(rule: DisclosureRule, was: Floats, truth: Floats) -> Bools:
    near = 2 * rule.tolerance + EXACT * np.maximum(1.0, np.abs(truth))
    with np.errstate(invalid="ignore"):
        return np.asarray((was >= 0) & (np.abs(was - truth) <= near))


def _old_rows(
    universe: Universe,
    measure: str,
    matrix: sparse.csr_matrix,
    was: Floats,
    same: Bools,
    tolerance: float,
) -> list[sparse.csr_matrix]:
    """The earlier sums in which a shown figure was another one, as equations between the cells
    that were hidden then; only those that are true of today's figures."""
    truth = np.nan_to_num(universe.truth[measure])
    # No row then: the cell was empty, or a margin that only could be added up.
    hidden = np.isnan(was) | ((was == -1.0) & ~universe.shown)
    then = np.where(hidden, truth, np.maximum(np.nan_to_num(was), 0.0))
    parts = matrix.multiply(hidden.astype(float)).tocsr()
    changed = (abs(matrix) @ (~hidden & ~same).astype(float)) > 0
    room = tolerance * (abs(matrix) @ np.ones(len(truth)))
    holds = np.abs(matrix @ then) <= room + 1e-7 * np.maximum(1.0, abs(matrix) @ then)
    use = np.flatnonzero(changed & holds & (np.diff(matrix.indptr) > 0))
    kept = parts[use]
    kept.eliminate_zeros()
    return [kept[np.flatnonzero(np.diff(kept.indptr))]] if kept.nnz else []


def _differs(
    universe: Universe, member: Member, old: Earlier, shown: Mapping[str, Floats]
) -> Bools:
    changed = np.zeros(len(universe.keys), bool)
    for measure, was in shown.items():
        changed |= (was >= 0) & ~_same(member.rule, was, universe.truth[measure])
    if not changed.any():
        return changed
    few = _few_by_contributions if old.contributions is not None else _few_by_counts
    return changed & few(universe, member, old, shown)


def _few_by_counts(
    universe: Universe, member: Member, old: Earlier, shown: Mapping[str, Floats]
) -> Bools:
    """Without the contributions of then, the shown counts say how many came or went at least."""
    rule = member.rule
    if not rule.counts:
        return np.ones(len(universe.keys), bool)
    few = np.zeros(len(universe.keys), bool)
    for count in rule.counts:
        step = np.abs(np.nan_to_num(universe.truth[count]) - np.nan_to_num(shown[count]))
        # Nobody came or went: a correction. Of a firm it shows the step only, of a person more.
        few |= (step < rule.least) & ((step > 0) | (rule.respondents == "persons"))
    return few


def _few_by_contributions(
    universe: Universe, member: Member, old: Earlier, shown: Mapping[str, Floats]
) -> Bools:
    rule = member.rule
    axes = [universe.axes[d.name] for d in rule.dimensions]
    own = [d.name for d in rule.dimensions]
    changed, moved = (
        _by_key(universe, own, roll_up(t, rule, axes, f"release {old.release}"))
        for t in _changes(universe, member, old)
    )
    few = np.zeros(len(universe.keys), bool)
    for key, cell in changed.items():
        came_or_went = key in moved or rule.respondents == "persons"
        few[key] = came_or_went and cell.respondents < rule.least
    return few


def _by_key(universe: Universe, own: Sequence[str], rolled: dict[Key, Cell]) -> dict[int, Cell]:
    spread = ((_spread(universe, own, k), c) for k, c in rolled.items())
    return {universe.index[k]: c for k, c in spread if k in universe.index}


def _changes(universe: Universe, member: Member, old: Earlier) -> tuple[pa.Table, pa.Table]:
    """Contributions that differ between then and now, and those of them that came or went."""
    rule, names = member.rule, member.rule.contributions
    columns = [names.column(d.column) for d in rule.dimensions] + [names.contributor]
    sides = []
    assert old.contributions is not None
    for table in (old.contributions, member.contributions):
        keys = zip(*(codes(table, c, "contributions") for c in columns), strict=True)
        values = [numbers(table, names.column(v), "contributions").tolist() for v in rule.values]
        totals: dict[Key, list[float]] = {}
        for row, key in enumerate(keys):
            at = totals.setdefault(key, [0.0] * len(values))
            for i, v in enumerate(values):
                at[i] += v[row]
        sides.append(totals)
    then, now = sides
    leaves = [set(universe.axes[d.name].leaves) for d in rule.dimensions]
    inside = sorted(
        k
        for k in then.keys() | now.keys()
        if all(c in at for c, at in zip(k[:-1], leaves, strict=True))
    )
    moved = [k for k in inside if (k in then) != (k in now)]
    changed = [k for k in inside if then.get(k) != now.get(k)]
    return _table(rule, columns, changed), _table(rule, columns, moved)


def _table(rule: DisclosureRule, columns: Sequence[str], keys: Sequence[Key]) -> pa.Table:
    data: dict[str, Any] = {
        c: pa.array([k[i] for k in keys], pa.string()) for i, c in enumerate(columns)
    }
    for value in rule.values:
        data[rule.contributions.column(value)] = pa.array([1.0] * len(keys), pa.float64())
    return pa.table(data)


def keep_frozen(
    cells: pa.Table,
    contributions: pa.Table | None,
    rule: DisclosureRule,
    earlier: Sequence[Earlier],
    restated: Mapping[str, str],
    name: str,
) -> tuple[pa.Table, pa.Table | None, pa.Table | None]:
    """(cells to decide, their contributions, rows that stay as published) under a frozen cadence.

    `earlier` goes from the newest to the oldest release; of a frozen period the newest holds.
    """
    if rule.frozen is None:
        if restated:
            raise DisclosureRefused("nothing is frozen, so nothing is restated", where=name)
        return cells, contributions, None
    if contributions is None:
        raise DisclosureRefused("contributions are missing", where=name)
    period = rule.frozen.period
    newest: dict[str, Earlier] = {}
    for old in earlier:
        for code in codes(old.cells, period, f"release {old.release}"):
            newest.setdefault(code, old)
    for again, reason in restated.items():
        if again not in newest or not reason.strip():
            why = "was never published" if again not in newest else "has no reason"
            raise DisclosureRefused(f"the restated period {again} {why}", where=name)
    frozen = {p: old for p, old in newest.items() if p not in restated}
    kept = [
        _where(old.cells, period, [p for p, o in frozen.items() if o is old])
        for old in _different(list(frozen.values()))
    ]
    column = rule.contributions.column(period)
    return (
        _where(cells, period, list(frozen), inside=False),
        _where(contributions, column, list(frozen), inside=False),
        pa.concat_tables(kept, promote_options="default") if kept else None,
    )


def _different(releases: Sequence[Earlier]) -> list[Earlier]:
    found: list[Earlier] = []
    for old in releases:
        if not any(old is f for f in found):
            found.append(old)
    return found


def _where(table: pa.Table, column: str, values: list[str], inside: bool = True) -> pa.Table:
    text = pa.array([str(v) for v in table.column(column).to_pylist()], pa.string())
    hit = pc.is_in(text, value_set=pa.array(values, pa.string()))
    return table.filter(hit if inside else pc.invert(hit))


def thaw(
    done: Protected,
    frozen: pa.Table | None,
    restated: Mapping[str, str],
    rule: DisclosureRule,
    cells: pa.Table,
) -> Protected:
    """Puts the frozen rows back, in the order of the input, rows that are gone from it last."""
    if rule.frozen is None:
        return done
    table = done.table
    if frozen is not None:
        missing = sorted(set(table.column_names) - set(frozen.column_names))
        if missing:
            raise DisclosureRefused(
                f"the earlier release has no column {missing[0]}", todo="restate all periods"
            )
        table = pa.concat_tables([frozen.select(table.column_names).cast(table.schema), table])
    order = {k: i for i, k in enumerate(row_keys(cells, rule, "table"))}
    keys = row_keys(table, rule, "table")
    rows = sorted(range(len(keys)), key=lambda r: (order.get(keys[r], len(order)), keys[r]))
    periods = 0 if frozen is None else len(set(codes(frozen, rule.frozen.period, "table")))
    proof = done.proof | {"frozen": {"periods": periods, "restated": dict(restated)}}
    return replace(done, table=table.take(rows), proof=proof)
