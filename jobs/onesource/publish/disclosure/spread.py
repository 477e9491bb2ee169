"""Rounding of tables with three dimensions and more: single cells are rounded, totals are summed.

In such tables a choice of neighbouring multiples that adds up need not exist and is costly to look
for. Here only single cells are rounded to a neighbour and every total is the sum of what is shown,
so a reader learns nothing from totals; which neighbour, is chosen so that totals come out near.
"""

from __future__ import annotations

import numpy as np

from onesource.publish.disclosure.rollup import Floats
from onesource.publish.disclosure.universe import Bools, Universe, children_of

# More sweeps than this have not changed anything in any table seen.
_SWEEPS = 30


def spread(universe: Universe, truth: Floats, base: int) -> tuple[Floats, Bools]:
    """Rounded figures by key, single cells a neighbouring multiple, totals their sums; and which
    keys are single cells."""
    leaves = _leaves(universe)
    single = [k for k, below in leaves.items() if below == (k,)]
    above: dict[int, list[int]] = {k: [] for k in single}
    for key, below in leaves.items():
        if below != (key,):
            for leaf in below:
                above[leaf].append(key)
    figures = base * np.round(truth / base)
    low, high = base * np.floor(truth / base), base * np.ceil(truth / base)
    for key, below in leaves.items():
        if below != (key,):
            figures[key] = figures[list(below)].sum()
    for _ in range(_SWEEPS):
        if not _sweep(single, above, figures, truth, low, high):
            break
    alone = np.zeros(len(truth), bool)
    alone[single] = True
    return figures, alone


def _sweep(
    single: list[int],
    above: dict[int, list[int]],
    figures: Floats,
    truth: Floats,
    low: Floats,
    high: Floats,
) -> bool:
    """Turns each cell to its other neighbour where totals come nearer; says if any did."""
    changed = False
    for key in single:
        other = high[key] if figures[key] == low[key] else low[key]
        step = other - figures[key]
        if step == 0:
            continue
        touched = [key, *above[key]]
        error = figures[touched] - truth[touched]
        if ((error + step) ** 2).sum() < (error**2).sum() - 1e-9:
            figures[touched] += step
            changed = True
    return changed


def _leaves(universe: Universe) -> dict[int, tuple[int, ...]]:
    """The single cells that each key is the sum of."""
    found: dict[int, tuple[int, ...]] = {}

    def of(key: int) -> tuple[int, ...]:
        if key not in found:
            sums = next(
                (
                    (at, universe.axes[n].sums[universe.keys[key][at]])
                    for at, n in enumerate(universe.names)
                    if universe.keys[key][at] in universe.axes[n].sums
                ),
                None,
            )
            if sums is None:
                found[key] = (key,)
            else:
                below = children_of(universe, key, *sums)
                found[key] = tuple(leaf for child in below for leaf in of(child))
        return found[key]

    for key in range(len(universe.keys)):
        of(key)
    return found
