"""What the last runs did, for the engineer's page: rows, rejected rows and time, run by run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.lake import ops
from onesource.run.ledger import HELD, PASSED
from onesource.run.plan import build_graph

NIGHTS = 30


@dataclass(frozen=True)
class Night:
    """One run: when its last step ended, steps that passed, deliveries and tables that were held,
    steps that failed, and the seconds all took."""

    run: str
    at: str
    passed: int
    held: int
    failed: int
    seconds: float


@dataclass(frozen=True)
class Series:
    """A table run by run, oldest first: rows after each step, and rows rejected in it."""

    table: str
    rows: tuple[int, ...]
    quarantined: tuple[int, ...]


@dataclass(frozen=True)
class History:
    nights: tuple[Night, ...]
    series: tuple[Series, ...]
    slowest: tuple[tuple[str, str, float], ...]
    edges: tuple[tuple[str, str], ...]


def history(settings: Settings, most: int = NIGHTS) -> History:
    """The last runs that did something, newest first; the series and slowest steps are theirs."""
    steps = [e for e in ops.rows(settings, "steps") if e.get("kind") == "step"]
    steps.sort(key=lambda e: str(e.get("at", "")))
    failures = list(ops.rows(settings, "failures"))
    runs = list(dict.fromkeys(str(e["run"]) for e in reversed(steps)))[:most]
    chosen = [e for e in steps if e["run"] in runs]
    nights = tuple(_night(run, chosen, failures) for run in runs)
    timed = [(str(e["table"]), str(e["run"]), float(e.get("seconds") or 0)) for e in chosen]
    slowest = tuple(sorted(timed, key=lambda t: -t[2])[:10])
    graph = build_graph(settings, load_catalogue(settings.schemas, odcs=False))
    edges = tuple((i, t) for t in graph.order for i in graph.all_inputs(t))
    return History(nights, _series(chosen), slowest, edges)


def _night(run: str, steps: list[dict[str, Any]], failures: list[dict[str, Any]]) -> Night:
    own = [e for e in steps if e["run"] == run]
    return Night(
        run,
        max(str(e["at"]) for e in own),
        sum(1 for e in own if e.get("verdict") == PASSED),
        sum(_held(e) for e in own),
        sum(1 for e in failures if e.get("run") == run),
        round(sum(float(e.get("seconds") or 0) for e in own), 1),
    )


def _held(event: Mapping[str, Any]) -> int:
    """Deliveries that a step held; a held table without deliveries is one."""
    deliveries = sum(1 for d in event.get("deliveries") or () if d.get("outcome") == HELD)
    return deliveries or int(event.get("verdict") == HELD)


def _series(steps: list[dict[str, Any]]) -> tuple[Series, ...]:
    rows: dict[str, list[int]] = defaultdict(list)
    rejected: dict[str, list[int]] = defaultdict(list)
    for event in steps:
        table = str(event["table"])
        if event.get("rows") is not None:
            rows[table].append(int(event["rows"]))
        if table.startswith("silver."):
            rejected[table].append(_rejected(event))
    return tuple(Series(t, tuple(r), tuple(rejected.get(t, ()))) for t, r in sorted(rows.items()))


def _rejected(event: Mapping[str, Any]) -> int:
    return sum(int(d.get("quarantined") or 0) for d in event.get("deliveries") or ())
