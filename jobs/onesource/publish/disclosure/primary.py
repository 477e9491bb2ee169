"""Which cells may not be shown by themselves: too few respondents, dominance, what zeros say."""

from __future__ import annotations

import numpy as np

from onesource.publish.disclosure.model import DisclosureRefused
from onesource.publish.disclosure.rollup import Cell, floats
from onesource.publish.disclosure.universe import Bools, Member, Universe, children_of

# A share exactly at the limit is shown: sums of decimals may miss it by less than this.
_AT_LIMIT = 1e-9


def primary(universe: Universe) -> Bools:
    """Marks of all keys, also of implicit ones, by the rules of every table that holds them."""
    marks = np.zeros(len(universe.keys), bool)
    for member in universe.members:
        for key, cell in member.grid.items():
            if _few(member, cell) or _dominated(member, cell):
                marks[key] = True
        if member.rule.respondents == "persons":
            _mark_revealing_lines(universe, member, marks)
            _mark_shares(universe, member, marks)
    return marks


def _few(member: Member, cell: Cell) -> bool:
    return 0 < cell.respondents < member.rule.least


def _dominated(member: Member, cell: Cell) -> bool:
    limits = member.rule.dominated_above
    if limits is None:
        return False
    for value, total in cell.sums.items():
        first, second = cell.largest[value]
        if total > 0 and (
            first / total > limits.largest + _AT_LIMIT
            or (first + second) / total > limits.two_largest + _AT_LIMIT
        ):
            return True
    return False


def _mark_revealing_lines(universe: Universe, member: Member, marks: Bools) -> None:
    """A line in which all people stand in one category: that cell and the zeros beside it.

    The line's total says how many people there are; with it or without, the zeros and the one
    category tell what each of them is.
    """
    for dimension in member.rule.dimensions:
        axis = universe.axes[dimension.name]
        if dimension.reveals is False or (dimension.reveals is None and not axis.sums):
            continue
        at = universe.names.index(dimension.name)
        siblings = axis.sums or {"": axis.leaves}
        lines: set[tuple[int, str]] = set()
        for key, cell in member.grid.items():
            node = universe.keys[key][at]
            if cell.respondents:
                lines |= {(key, g) for g, below in siblings.items() if node in below}
        for key, group in lines:
            line = children_of(universe, key, at, siblings[group])
            line = [k for k in line if k in member.grid]
            full = [k for k in line if member.grid[k].respondents]
            # One code alone is no choice between categories.
            if len(full) == 1 and len(siblings[group]) > 1:
                marks[line] = True


def _mark_shares(universe: Universe, member: Member, marks: Bools) -> None:
    """0 %, 100 % and all-but-a-few of a group that is shown beside the count."""
    rows = list(member.keys)
    for part, whole in member.rule.wholes.items():
        everybody = floats(member.cells, whole, member.name)
        counted = universe.truth[part][rows]
        if (counted > everybody + _AT_LIMIT).any():
            at = rows[int(np.flatnonzero(counted > everybody + _AT_LIMIT)[0])]
            raise DisclosureRefused(
                f"{part} is more than {whole} at {universe.label(at)}", where=member.name
            )
        others = everybody - counted
        reveals = (everybody > 0) & ((counted == 0) | (others < member.rule.least))
        marks[np.array(rows)[reveals]] = True
        bound = universe.whole.setdefault(part, np.full(len(universe.keys), np.inf))
        bound[rows] = np.minimum(bound[rows], everybody)
