"""The intruder who is himself a respondent: he knows every cell in which nobody else is.

Two mines that are each alone in their county hide each other from the public, not from each other.
Only cells that may not be shown by themselves are kept from him: a complementary one is harmless.
"""

from __future__ import annotations

import numpy as np

from onesource.publish.disclosure.intruder import Component, Indices
from onesource.publish.disclosure.universe import Bools

# Up to this many unknown cells every respondent's view is solved as a linear programme; beyond it
# his lines are looked at, which is what the tools of statistical offices do ("singletons").
SOLVED = 250


def exposed(
    part: Component, sensitive: Indices, soles: dict[str, Indices], interval: float
) -> list[tuple[int, float, Indices]]:
    """(cell, 0, what the respondent knows) of each cell that a respondent narrows too far."""
    found: list[tuple[int, float, Indices]] = []
    at = {key: i for i, key in enumerate(part.cells.tolist())}
    done: set[tuple[int, ...]] = set()
    for keys in soles.values():
        own = tuple(at[k] for k in keys.tolist() if k in at)
        if not own or own in done:
            continue
        done.add(own)
        known = np.array(own, dtype=np.intp)
        look = _solved if len(part.cells) <= SOLVED else _last_in_line
        for i in look(part, known, np.setdiff1d(sensitive, known), interval):
            found.append((int(part.cells[i]), 0.0, part.cells[known]))
    return found


def _last_in_line(part: Component, known: Indices, others: Indices, _: float) -> list[int]:
    """Cells that are the only unknown ones left in a sum once the respondent's own are known."""
    mask = np.zeros(len(part.cells), bool)
    mask[known] = True
    left = part.unknowns - part.matrix @ mask
    touched = (part.unknowns > left) & (left == 1)
    lonely: set[int] = set()
    for row in np.flatnonzero(touched).tolist():
        cells = part.matrix.indices[part.matrix.indptr[row] : part.matrix.indptr[row + 1]]
        lonely |= {int(c) for c in cells if not mask[c]}
    return sorted(lonely & set(others.tolist()))


def _inside(part: Component, cells: Indices, interval: float) -> Bools:
    """Is all that is feasible of a cell within the share of its value?"""
    true, low, high = part.true[cells], part.low[cells], part.high[cells]
    gap = true * interval
    if part.system.whole:
        # Counts: the next whole number outside must be reached.
        gap = (np.floor(true * part.scale * interval + 1e-6) + 0.999) / part.scale
    return np.asarray((low >= true - gap) & (high <= true + gap))


def _solved(part: Component, known: Indices, others: Indices, interval: float) -> list[int]:
    """Those of the other cells that no feasible figures take out of the band."""
    kept = part.low, part.high
    part.low, part.high = part.true.copy(), part.true.copy()
    part.fix(known, True)
    bad = []
    for i in others.tolist():
        cell = np.array([i])
        for sign in (-1.0, 1.0):
            if _inside(part, cell, interval)[0]:
                part.extend(i, sign)
        if _inside(part, cell, interval)[0]:
            bad.append(i)
    part.fix(known, False)
    part.low, part.high = np.minimum(kept[0], part.low), np.maximum(kept[1], part.high)
    return bad
