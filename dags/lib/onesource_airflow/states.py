"""What a run did to each table, and what the lake serves of it now.

From two sources: the run's own lines (which tables it touched, and with what verdict) and
`onesource status --json` (version, rows, reason, deliveries held).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from onesource_airflow.command import output_of

# `01:30:12 silver.energy_coal_daily: passed, 12 rows, 1 deliveries held, 3.1 s: reason`
_STEP = re.compile(
    r"^\d\d:\d\d:\d\d ((?:silver|registry|curated)\.\w+): (passed|held|failed)\b(.*)$"
)
# `held: silver.energy_coal_daily delivery 2f…: reason` and `held: silver.x: reason`
_HELD = re.compile(r"^(?:held|failed): ((?:silver|registry|curated)\.\w+)")


class TableState(TypedDict):
    """verdict: `passed`, `held`, `failed`. new: no event has told of the served version yet.
    reason: one line, Chinese and English. held: a line for
    each delivery that a gate holds."""

    verdict: str
    new: bool
    version: int | None
    rows: int | None
    reason: str
    held: list[str]


def of_run(
    lines: Iterable[str],
    tables: Iterable[str],
    announced: Callable[[str], int | None],
    *,
    again: bool = False,
) -> dict[str, TableState]:
    """What a run found of these tables: those that it touched, and those whose served version no
    event has told of. Raises RuntimeError without a status.

    again: a try before this one was cut off or failed; what it held is shown now.
    """
    said: dict[str, str] = {}
    for line in lines:
        if step := _STEP.match(line):
            said[step[1]] = step[2]
        elif again and (held := _HELD.match(line)):
            said.setdefault(held[1], "held")
    status = json.loads(output_of(["status", "--json"]))
    now = {t["table"]: t for t in status["tables"]}
    deliveries = {
        f"silver.{f['feed'].replace('.', '_', 1)}": [_delivery(d) for d in f["held"]]
        for f in status["feeds"]
    }
    found: dict[str, TableState] = {}
    for table in tables:
        row = now.get(table, {})
        version = row.get("version")
        new = version is not None and version != announced(table)
        if new or table in said:
            held_now = deliveries.get(table, [])
            found[table] = _state(row, said.get(table, "passed"), new, held_now)
    return found


def _state(row: Mapping[str, Any], verdict: str, new: bool, held: list[str]) -> TableState:
    reason = f"{row.get('reason_zh') or ''} {row.get('reason_en') or ''}".strip()
    return TableState(
        verdict="held" if verdict == "passed" and held else verdict,
        new=new,
        version=row.get("version"),
        rows=row.get("rows"),
        reason=reason or "; ".join(held[:3]),
        held=held,
    )


def _delivery(row: Mapping[str, str]) -> str:
    return f"{row['file'] or row['delivery']}: {row['reason_zh']} {row['reason_en']}".strip()
