"""The views of ops that can be published: how good and how fresh every table is, and the catalogue.

They are made when a release is; nothing is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from onesource.config import BEIJING, Settings
from onesource.contracts.model import Catalogue, Contract
from onesource.lake import ops
from onesource.lake.manifest import Manifest
from onesource.run.ledger import HELD, TableState
from onesource.run.overview import PROMISE_DAYS

OPS_VIEWS = frozenset({"ops.table_quality", "ops.open_catalogue"})
# What a rule that fails takes from the score: as much as it would stop.
_WEIGHT = {"hold": 3, "row": 2, "flag": 1, "warn": 1}


@dataclass(frozen=True)
class Judged:
    rules: int
    failed: int
    score: float | None


def last_judged(settings: Settings) -> dict[str, Judged]:
    """Each table's last audit: the newest result of every rule of its last judged step."""
    last: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in ops.rows(settings, "quality_results"):
        seen = last[str(row["table"])]
        rule = f"{row['phase']}|{row['rule']}"
        if rule not in seen or str(row["at"]) >= str(seen[rule]["at"]):
            seen[rule] = row
    return {t: _score(rows.values()) for t, rows in last.items()}


def _score(rows: Iterable[Mapping[str, Any]]) -> Judged:
    found = list(rows)
    whole = sum(_WEIGHT.get(str(r["severity"]), 1) for r in found)
    passed = 0.0
    for r in found:
        share = r.get("unexpected_share")
        # A rule that counts rows and does not stop them passes for the rows that keep it.
        part = 1.0 if r["success"] else (1 - share if share is not None else 0.0)
        passed += _WEIGHT.get(str(r["severity"]), 1) * part
    failed = sum(1 for r in found if not r["success"])
    return Judged(len(found), failed, round(100 * passed / whole, 2) if whole else None)


def is_fresh(contract: Contract, at: str | None, day: date) -> bool | None:
    promise = PROMISE_DAYS.get(contract.properties.update_cycle or "")
    if promise is None or not at:
        return None
    return day - datetime.fromisoformat(at).astimezone(BEIJING).date() <= timedelta(days=promise)


def table_quality(
    catalogue: Catalogue,
    manifest: Manifest,
    states: Mapping[str, TableState],
    judged: Mapping[str, Judged],
    day: date,
) -> pa.Table:
    """One row a served table: how much, how good, how fresh."""
    rows = []
    for table, contract in sorted(catalogue.tables.items()):
        served = manifest.tables.get(table)
        if served is None:
            continue
        state = states.get(table, TableState())
        found = judged.get(table)
        at = served.at or manifest.at
        deliveries = list(state.deliveries.values()) if table.startswith("silver.") else None
        rows.append(
            {
                "table_name": table,
                "name_zh": contract.business_name,
                "layer": table.split(".")[0],
                "rows": served.rows,
                "served_at": datetime.fromisoformat(at) if at else None,
                "update_cycle": contract.properties.update_cycle,
                "is_fresh": is_fresh(contract, at, day),
                "score": found.score if found else None,
                "rules_count": found.rules if found else None,
                "rules_failed": found.failed if found else None,
                "is_held": state.verdict == HELD,
                "deliveries_count": len(deliveries) if deliveries is not None else None,
                "quarantined_rows": sum(int(d.get("quarantined") or 0) for d in deliveries)
                if deliveries is not None
                else None,
            }
        )
    return pa.Table.from_pylist(rows, _QUALITY)


_QUALITY: pa.Schema = pa.schema(
    pa.field(n, t)
    for n, t in [
        ("table_name", pa.string()),
        ("name_zh", pa.string()),
        ("layer", pa.string()),
        ("rows", pa.int64()),
        ("served_at", pa.timestamp("us", tz="UTC")),
        ("update_cycle", pa.string()),
        ("is_fresh", pa.bool_()),
        ("score", pa.float64()),
        ("rules_count", pa.int64()),
        ("rules_failed", pa.int64()),
        ("is_held", pa.bool_()),
        ("deliveries_count", pa.int64()),
        ("quarantined_rows", pa.int64()),
    ]
)


def open_catalogue(catalogue: Catalogue, day: date) -> pa.Table:
    """One row an open dataset, as its contract describes it."""
    rows = []
    for contract in catalogue.open.values():
        o, p = contract.open, contract.properties
        rows.append(
            {
                "dataset": contract.name,
                "name_zh": contract.business_name,
                "name_en": o.name_en,
                "catalogue_code": p.catalogue_code,
                "theme": o.theme,
                "provider": catalogue.city.department(p.provider_uscc or "", day.isoformat()),
                "provider_uscc": p.provider_uscc,
                "update_cycle": p.update_cycle,
                "opening": p.opening,
                "licence": o.licence,
                "columns_count": len(contract.fields),
                "contract_version": contract.version,
                "permanent_uri": p.permanent_uri,
            }
        )
    return pa.Table.from_pylist(sorted(rows, key=lambda r: str(r["dataset"])))
