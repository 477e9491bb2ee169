"""The proof that goes into the release: only what a reader of the release could compute himself.

A distance to the true value is never given: with the ends of the interval it would give the value.
So the width of an interval is relative to its middle, and `passed` says that the limit held.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onesource.publish.disclosure.complement import Task
from onesource.publish.disclosure.earlier import Memory
from onesource.publish.disclosure.intruder import Indices, System, audit, too_close
from onesource.publish.disclosure.model import DisclosureRefused
from onesource.publish.disclosure.rollup import Floats
from onesource.publish.disclosure.universe import Bools, Member


def prove(task: Task, suppressed: Bools, memory: Memory) -> dict[str, Any]:
    """Cells, primary, complementary and the exact widest and narrowest interval, per table.

    Raises DisclosureRefused where an interval is too close to the truth after all.
    """
    cells = np.flatnonzero(suppressed | task.protect)
    ends_ = {}
    for system in task.systems:
        ends = _audited(task, system, suppressed, cells)
        if not system.joint:
            ends_[system.measure] = ends
    return {
        "method": "suppress",
        "passed": True,
        "protection": {"interval": task.interval, "sides": task.sides},
        "intruder": {
            "knows": "all shown cells of all tables, every sum, no figure is negative",
            "contributors_know_their_own": bool(task.soles),
            "earlier_releases": memory.releases,
            "figures_known_from_earlier": int(
                np.logical_or.reduce(list(memory.known_by.values())).sum()
            ),
            "cells_that_differ_by_few": int(memory.differs.sum()),
        },
        "tables": {m.name: _of_table(task, suppressed, ends_, m) for m in task.universe.members},
    }


def _audited(
    task: Task, system: System, suppressed: Bools, cells: Indices
) -> tuple[Floats, Floats]:
    low, high, _ = audit(system, suppressed | task.hidden, cells.tolist(), exact=True)
    held = cells[system.held[cells]]
    both = task.both(system, held)
    short = too_close(system, low[held], high[held], system.interval, both, held)
    if np.isnan(low[held]).any() or (short[0] | short[1]).any():
        raise DisclosureRefused(f"the audit of {system.measure} did not pass")
    return low, high


def _of_table(
    task: Task, suppressed: Bools, ends_: dict[str, tuple[Floats, Floats]], member: Member
) -> dict[str, Any]:
    rows = np.array(member.keys, dtype=np.intp)
    hidden = rows[suppressed[rows]]
    return {
        "cells": len(rows),
        "suppressed": len(hidden),
        "primary": int(task.primary[hidden].sum()),
        "complementary": int((~task.primary[hidden]).sum()),
        "measures": {
            measure: _widths(task, hidden, *ends_[measure]) for measure in member.rule.measures
        },
    }


def _widths(task: Task, hidden: np.ndarray[Any, Any], low: Floats, high: Floats) -> dict[str, Any]:
    hidden = hidden[~np.isnan(low[hidden])]  # less what readers know from earlier releases
    if len(hidden) == 0:
        return {"narrowest": None, "widest": None}
    middle = np.where(np.isinf(high[hidden]), 1.0, (low[hidden] + high[hidden]) / 2)
    width = np.where(
        np.isinf(high[hidden]), np.inf, (high[hidden] - low[hidden]) / np.maximum(middle, 1e-300)
    )

    def one(at: int) -> dict[str, Any]:
        key = int(hidden[at])
        top = float(high[key])
        return {
            "cell": task.universe.label(key),
            "low": _plain(float(low[key])),
            "high": None if np.isinf(top) else _plain(top),
            "width_of_middle": None if np.isinf(width[at]) else _plain(float(width[at])),
        }

    return {"narrowest": one(int(width.argmin())), "widest": one(int(width.argmax()))}


def _plain(value: float) -> float:
    """Six significant digits, so that the proof is the same on every machine."""
    return float(f"{value:.6g}")
