"""Disclosure control of one table and those linked to it: decide, hide, prove.

    protected = protect(cells, contributions, rule, linked=[…], previous=[…])

Fails closed: what cannot be evaluated or proved raises DisclosureRefused, and nothing is returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.axes import TOTAL
from onesource.publish.disclosure.complement import Task, choose
from onesource.publish.disclosure.earlier import Memory, remember
from onesource.publish.disclosure.frozen import keep_frozen, thaw
from onesource.publish.disclosure.intruder import Indices, System
from onesource.publish.disclosure.model import DisclosureRefused, Earlier, Linked, Protected
from onesource.publish.disclosure.primary import primary
from onesource.publish.disclosure.proof import prove
from onesource.publish.disclosure.rollup import Floats
from onesource.publish.disclosure.rounding import rounded
from onesource.publish.disclosure.shown import checked_columns, masked
from onesource.publish.disclosure.universe import Bools, Universe, build, equations

NAME = "table"
# Closer than this share of its value a figure is as good as known.
EXACTLY = 1e-3


def protect(
    cells: pa.Table,
    contributions: pa.Table | None,
    rule: DisclosureRule,
    *,
    linked: Sequence[Linked] = (),
    previous: Sequence[pa.Table | Earlier] = (),
    restated: Mapping[str, str] | None = None,
    name: str = NAME,
) -> Protected:
    """The table with what must not be shown set to null, and the proof.

    `previous` are earlier releases of the table, newest first. `restated` maps a frozen period to
    the reason for which it is published anew. Raises DisclosureRefused.
    """
    earlier = [
        e if isinstance(e, Earlier) else Earlier(str(i + 1), e) for i, e in enumerate(previous)
    ]
    checked_columns(cells, rule, name)
    if rule.frozen and linked:
        raise DisclosureRefused(
            "a frozen table with linked tables is not known",
            where=name,
            todo="show the margins in the table itself",
        )
    for other in linked:
        checked_columns(other.cells, other.rule, other.name)
    _check_linked(rule, linked, name)
    new, new_contributions, frozen = keep_frozen(
        cells, contributions, rule, earlier, restated or {}, name
    )
    if rule.method == "round":
        if linked:
            raise DisclosureRefused("rounding of linked tables is not known", where=name)
        done = rounded(Linked(name, new, new_contributions, rule, previous=earlier))
    else:
        done = _suppressed([Linked(name, new, new_contributions, rule, previous=earlier), *linked])
    return thaw(done, frozen, restated or {}, rule, cells)


def _check_linked(rule: DisclosureRule, linked: Sequence[Linked], name: str) -> None:
    missing = sorted(set(rule.linked) - {t.name for t in linked})
    if missing:
        raise DisclosureRefused(f"linked table {missing[0]} was not handed in", where=name)
    for table in linked:
        if not set(table.rule.measures) & set(rule.measures):
            raise DisclosureRefused(f"{table.name} has no column in common", where=name)
        if table.rule.method == "round":
            raise DisclosureRefused(f"{table.name} is rounded and cannot be linked", where=name)


def _suppressed(tables: Sequence[Linked]) -> Protected:
    universe = build(tables)
    main = universe.members[0]
    marks = primary(universe)
    memory = remember(universe, {t.name: t.previous for t in tables}, marks)
    # Hidden figures of earlier releases stand behind today's cells.
    marks = np.r_[marks, np.zeros(len(universe.keys) - len(marks), bool)]
    task = _task(universe, marks | memory.differs, memory.differs & ~marks, memory)
    suppressed = choose(task)
    shown = {m.name: masked(universe, m, suppressed) for m in universe.members}
    proof = prove(task, suppressed, memory)
    return Protected(shown[main.name], proof, {n: t for n, t in shown.items() if n != main.name})


def _task(universe: Universe, marks: Bools, by_difference: Bools, memory: Memory) -> Task:
    rule = universe.members[0].rule
    fixed, gone = _published(universe)
    respondents = np.zeros(len(universe.keys), dtype=np.int64)
    for member in universe.members:
        for key, cell in member.grid.items():
            respondents[key] = max(respondents[key], cell.respondents)
    hidden = (~universe.shown & (respondents > 0)) | gone | memory.ghosts
    known = memory.known(universe)
    _refuse_known(universe, marks, fixed, known)
    movable = universe.shown & ~fixed & ~known
    positive = np.zeros(len(universe.keys), bool)
    for truth in universe.truth.values():
        positive |= np.nan_to_num(truth) > 0
    if rule.respondents == "enterprises":
        # That nobody is in a cell is seen from the street: a zero hides nothing.
        movable &= positive
    sides = [m.rule.protection for m in universe.members]
    interval = max(p.interval for p in sides)
    systems = [_system(universe, m, interval) for m in universe.truth]
    systems += [_joint(universe, s, memory) for s in systems if memory.releases and not s.beside]
    strict = "both" if any(p.sides == "both" for p in sides) else rule.protection.sides
    return Task(
        universe,
        systems,
        marks,
        by_difference,
        (marks & hidden) | gone | memory.ghosts,
        hidden,
        movable,
        _cost(universe, positive),
        interval,
        strict,
        _soles(universe) if any(m.rule.contributor_attack for m in universe.members) else {},
    )


def _published(universe: Universe) -> tuple[Bools, Bools]:
    """Keys that a published linked table shows, and keys that it suppresses."""
    fixed = np.zeros(len(universe.keys), bool)
    gone = np.zeros(len(universe.keys), bool)
    for member in universe.members:
        if member.published:
            column = member.cells.column(member.rule.measures[0]).to_pylist()
            for key, value in zip(member.keys, column, strict=True):
                (gone if value is None else fixed)[key] = True
    return fixed, gone & ~fixed


def _refuse_known(universe: Universe, marks: Bools, fixed: Bools, known: Bools) -> None:
    bad = np.flatnonzero(marks & (fixed | known))
    if len(bad):
        where = "a linked table" if fixed[bad[0]] else "an earlier release"
        raise DisclosureRefused(
            f"{universe.label(int(bad[0]))} must be suppressed but {where} shows it",
            where=universe.members[0].name,
            todo="withdraw what shows it, then publish",
        )


def _system(universe: Universe, measure: str, interval: float) -> System:
    truth = universe.truth[measure]
    held = ~np.isnan(truth)
    value = np.where(held, truth, 0.0)
    rows = equations(universe, measure)
    away = rows @ value
    exact = bool((np.abs(away) <= 1e-6 * np.maximum(1.0, np.abs(rows) @ value)).all())
    is_count = all(measure in m.rule.counts for m in universe.members if measure in m.rule.measures)
    if not exact and not is_count:
        raise DisclosureRefused(f"{measure} does not add up", where=universe.members[0].name)
    bound: Floats = np.full(len(truth), np.inf)
    limits = universe.whole.get(measure, bound)
    bound[: len(limits)] = limits
    beside = is_count and any(m.rule.values for m in universe.members)
    return System(measure, rows, value, bound, is_count, exact, held, interval, beside)


def _joint(universe: Universe, system: System, memory: Memory) -> System:
    """What a reader knows who keeps the earlier releases; he must not learn a figure exactly."""
    return replace(
        system,
        rows=memory.with_rows(system.measure, system.rows),
        held=system.held & ~memory.known_by[system.measure],
        interval=EXACTLY,
        joint=True,
    )


def _cost(universe: Universe, positive: Bools) -> Floats:
    """What a shown cell is worth: one, more for greater figures, and three times as much for
    each dimension over which it is a total; zeros last."""
    cost = np.ones(len(universe.keys))
    for truth in universe.truth.values():
        value = np.nan_to_num(truth)
        usual = float(np.median(value[value > 0])) if (value > 0).any() else 1.0
        cost += np.log1p(value / usual)
    totals = np.array(
        [
            sum(
                c == TOTAL or c in universe.axes[n].sums
                for n, c in zip(universe.names, key, strict=True)
            )
            for key in universe.keys
        ]
    )
    cost = cost * 3.0**totals
    return np.where(positive, cost, cost + 20.0)


def _soles(universe: Universe) -> dict[str, Indices]:
    found: dict[str, list[int]] = {}
    for member in universe.members:
        for key, cell in member.grid.items():
            if cell.sole is not None:
                found.setdefault(cell.sole, []).append(key)
    return {who: np.unique(np.array(keys, dtype=np.intp)) for who, keys in sorted(found.items())}
