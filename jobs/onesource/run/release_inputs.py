"""What a release is told of the lake: contracts, versions, quality, freshness, why it differs."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.manifest import Manifest, read_manifest
from onesource.publish import latest
from onesource.publish.approvals import read_approvals, read_negative_list, read_restatements
from onesource.publish.model import Quality
from onesource.publish.permit import Rules
from onesource.publish.release import Sources
from onesource.run import ledger
from onesource.run.ledger import HELD, TableState
from onesource.run.plan import build_graph
from onesource.run.release_reasons import reasons
from onesource.run.release_views import (
    Judged,
    is_fresh,
    last_judged,
    open_catalogue,
    table_quality,
)


def release_sources(settings: Settings, day: date) -> Sources:
    """Everything that `make_release` needs. Raises ContractError, OneSourceError."""
    catalogue = load_catalogue(settings.schemas)
    if not catalogue.open:
        raise OneSourceError(
            "there is no open dataset", where=str(settings.schemas / "open"), todo="write one"
        )
    graph = build_graph(settings, catalogue)
    manifest = read_manifest(settings)
    states = ledger.states(settings)
    judged = last_judged(settings)
    quality = {
        t: _quality(c, manifest, states.get(t), judged.get(t), day)
        for t, c in catalogue.tables.items()
        if t in manifest.tables
    }
    publisher = catalogue.city.open_publisher_uscc
    name = catalogue.city.department(publisher, day.isoformat())
    if name is None:
        raise OneSourceError(
            f"open.publisher_uscc {publisher or 'is missing'}: no department of {day}",
            where=str(settings.schemas / "city.yaml"),
        )
    return Sources(
        rules=Rules(
            catalogue,
            graph.sql,
            read_approvals(settings.schemas),
            read_negative_list(settings.schemas),
        ),
        manifest=manifest,
        quality=quality,
        views={
            "ops.table_quality": table_quality(catalogue, manifest, states, judged, day),
            "ops.open_catalogue": open_catalogue(catalogue, day),
        },
        publisher={"name": name, "uscc": publisher},
        commit=_commit(settings.home),
        restated=read_restatements(settings.schemas),
        reasons=reasons(settings, graph, manifest, states, _before(settings, day)),
    )


def _quality(
    contract: Contract,
    manifest: Manifest,
    state: TableState | None,
    judged: Judged | None,
    day: date,
) -> Quality:
    served = manifest.tables[contract.table]
    held = state is not None and state.verdict == HELD
    return Quality(
        score=judged.score if judged else None,
        served_at=served.at or manifest.at or "",
        is_fresh=is_fresh(contract, served.at or manifest.at, day),
        held_zh=state.reason_zh if state and held else "",
        held_en=state.reason_en if state and held else "",
    )


def _before(settings: Settings, day: date) -> str | None:
    """When the versions behind the release before were served."""
    name = latest.release_before(settings, day)
    if name is None:
        return None
    manifest = latest.read_release_manifest(latest.releases_folder(settings) / name)
    return str(manifest["issued"]) or None


def _commit(home: Path) -> str:
    """The commit of the code; `unknown` outside a checkout."""
    done = subprocess.run(
        ["git", "-C", str(home), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
