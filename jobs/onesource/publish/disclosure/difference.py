"""What two releases of a table tell together: figures that changed because of few respondents.

* A shown figure that changed because fewer respondents than the minimum came or went gives theirs
  away by difference: it is suppressed.
* So does a hidden figure whose change follows from the shown changes around it (the total rose by
  four mines and a shown county by three of them): further changed figures are suppressed until no
  such change follows any more. The reader is taken to know which hidden figures did not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.model import DisclosureRefused, Earlier
from onesource.publish.disclosure.rollup import Floats, Key, codes, numbers, roll_up
from onesource.publish.disclosure.then import by_key, hidden_then
from onesource.publish.disclosure.universe import EXACT, Bools, Member, Universe

# Up to this many changed and unknown figures the equations are solved as a dense matrix; beyond
# it one equation after the other is resolved.
_DENSE = 800


def same(rule: DisclosureRule, was: Floats, truth: Floats) -> Bools:
    """Figures of an earlier release (negative: none) that are still the same as displayed."""
    near = 2 * rule.tolerance + EXACT * np.maximum(1.0, np.abs(truth))
    with np.errstate(invalid="ignore"):
        return np.asarray((was >= 0) & (np.abs(was - truth) <= near))


@dataclass(frozen=True)
class Change:
    """What changed between an earlier release and today, by key."""

    seen: Bools  # shown then and in today's table
    changed: Bools  # shown then, with another figure
    few: Bools  # changed because fewer respondents than the minimum came or went
    touched: Bools  # any contribution changed

    def __or__(self, other: Change) -> Change:
        return Change(
            self.seen | other.seen,
            self.changed | other.changed,
            self.few | other.few,
            self.touched | other.touched,
        )


def change_of(
    universe: Universe,
    member: Member,
    old: Earlier,
    shown: Mapping[str, Floats],
    then: Mapping[str, Floats],
) -> Change:
    """What changed in one table.

    shown: measure → the earlier figures by key (NaN suppressed, -1 no row). then: the same with
    the hidden ones as far as they are known.
    """
    seen = np.zeros(len(universe.keys), bool)
    changed = seen.copy()
    for measure, was in shown.items():
        seen |= (was >= 0) & universe.shown
        changed |= (was >= 0) & ~same(member.rule, was, universe.truth[measure])
    if old.contributions is None:
        figures = {m: np.where(hidden_then(member, was), then[m], was) for m, was in shown.items()}
        few, touched = _few_by_counts(universe, member, figures)
    else:
        few, touched = _few_by_contributions(universe, member, old)
    return Change(seen, changed, few, touched)


def differs(
    universe: Universe, change: Change, sums: Sequence[sparse.csr_matrix], marks: Bools
) -> Bools:
    """Keys to suppress so that no change of few respondents is seen in the tables of a release.

    marks: keys that are suppressed today anyway.
    """
    found = change.changed & change.few
    if not change.changed.any():
        return found
    for rows in sums:
        found |= _indirect(universe, rows, change, marks | found)
    return found


def ghosts_of(
    universe: Universe, member: Member, shown: Mapping[str, Floats], then: Mapping[str, Floats]
) -> dict[str, dict[int, int]]:
    """Adds to the universe each figure that the earlier release hid and that has changed since, as
    a key of its own; measure → today's key → that key."""
    found: dict[str, dict[int, int]] = {}
    for measure, was in shown.items():
        figures = then[measure]
        for key in np.flatnonzero(hidden_then(member, was) & ~np.isnan(figures)).tolist():
            if not same(member.rule, figures[key], universe.truth[measure][key]):
                found.setdefault(measure, {})[key] = len(universe.keys)
                universe.keys.append(universe.keys[key])
                for name, truth in universe.truth.items():
                    own_figure = figures[key] if name == measure else np.nan
                    universe.truth[name] = np.r_[truth, own_figure]
    return found


def _few_by_counts(
    universe: Universe, member: Member, figures: Mapping[str, Floats]
) -> tuple[Bools, Bools]:
    """Without the contributions of then, the counts say how many came or went at least; values
    without counts: always few. And the keys with any change."""
    rule = member.rule
    touched = np.zeros(len(universe.keys), bool)
    for measure, was in figures.items():
        known = ~np.isnan(was) & (was >= 0)
        touched |= known & ~same(rule, was, universe.truth[measure])
    if not rule.counts:
        return touched, touched
    few = np.zeros(len(universe.keys), bool)
    for count in rule.counts:
        step = np.abs(np.nan_to_num(universe.truth[count]) - np.nan_to_num(figures[count]))
        # Nobody came or went: a correction. Of a firm it shows the step only, of a person more.
        few |= (step < rule.least) & ((step > 0) | (rule.respondents == "persons"))
    return few & touched, touched


def _few_by_contributions(universe: Universe, member: Member, old: Earlier) -> tuple[Bools, Bools]:
    """Keys with a change of few, and keys with any change. A firm whose figure was corrected and
    that neither came nor went shows the step only."""
    rule = member.rule
    axes = [universe.axes[d.name] for d in rule.dimensions]
    changed, moved = (
        by_key(universe, member, roll_up(t, rule, axes, f"release {old.release}"))
        for t in _changes(universe, member, old)
    )
    few = np.zeros(len(universe.keys), bool)
    touched = np.zeros(len(universe.keys), bool)
    for key, cell in changed.items():
        touched[key] = True
        came_or_went = key in moved or rule.respondents == "persons"
        few[key] = came_or_went and cell.respondents < rule.least
    return few, touched


def _changes(universe: Universe, member: Member, old: Earlier) -> tuple[pa.Table, pa.Table]:
    """Contributions that differ between then and now, and those of them that came or went (from
    or to nothing, or to a figure of 0)."""
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
    changed = [k for k in inside if then.get(k) != now.get(k)]
    moved = [
        k
        for k in changed
        if k not in then
        or k not in now
        or any((a == 0) != (b == 0) for a, b in zip(then[k], now[k], strict=True))
    ]
    return _table(rule, columns, changed), _table(rule, columns, moved)


def _table(rule: DisclosureRule, columns: Sequence[str], keys: Sequence[Key]) -> pa.Table:
    data: dict[str, Any] = {
        c: pa.array([k[i] for k in keys], pa.string()) for i, c in enumerate(columns)
    }
    for value in rule.values:
        data[rule.contributions.column(value)] = pa.array([1.0] * len(keys), pa.float64())
    return pa.table(data)


def _indirect(universe: Universe, rows: sparse.csr_matrix, change: Change, hidden: Bools) -> Bools:
    """Keys to hide so that no unseen change of few follows from the changes that are seen. What has
    the same figure as before is known: to hide it would be no use."""
    few, touched, seen = change.few, change.touched, change.seen & ~hidden
    movable = change.changed & universe.shown
    found = np.zeros(len(universe.keys), bool)
    while True:
        known = seen & ~found
        unknown = touched & ~known
        bare = np.flatnonzero(few & unknown & _determined(rows, unknown))
        if len(bare) == 0:
            return found
        with_them = rows[np.flatnonzero(np.diff(rows[:, bare].tocsr().indptr))]
        around = np.zeros(len(found), bool)
        around[with_them.indices] = True
        more = around & movable & known
        if not more.any():
            raise DisclosureRefused(
                f"the change of {universe.label(int(bare[0]))} follows from an earlier release",
                why="it is that of few respondents",
                todo="wait until more has changed, or withdraw the earlier release",
            )
        found |= more


def _determined(rows: sparse.csr_matrix, unknown: Bools) -> Bools:
    """Unknown keys to which the equations leave one answer (signs are not known)."""
    at = np.flatnonzero(unknown)
    part = rows[:, at]
    part = part[np.flatnonzero(np.diff(part.indptr))].tocsr()
    found = np.zeros(len(unknown), bool)
    if part.shape[0] and len(at) <= _DENSE:
        _, size, axes = np.linalg.svd(part.toarray(), full_matrices=False)
        span = axes[size > 1e-9 * size.max(initial=1.0)]
        found[at] = (span**2).sum(axis=0) > 1 - 1e-9
    elif part.shape[0]:
        found[at] = _resolved(part)
    return found


def _resolved(part: sparse.csr_matrix) -> Bools:
    """Those that are left alone in an equation, again and again."""
    solved = np.zeros(part.shape[1], bool)
    shape = abs(part)
    while True:
        left = shape @ (~solved).astype(float)
        alone = shape[np.flatnonzero(left == 1)]
        new = np.zeros(len(solved), bool)
        new[alone.indices] = True
        if not (new & ~solved).any():
            return solved
        solved |= new
