"""The leak gate over a built release: which datasets must not go out, and why."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake import ops
from onesource.publish.leak import Allowance, Confidence, Finding, scan
from onesource.publish.model import Release
from onesource.publish.processes import Processes


def leaks(
    settings: Settings, folder: Path, release: Release, processes: Processes
) -> dict[str, tuple[str, str]]:
    """Dataset → (Chinese, English) reason, for every dataset with a certain finding.

    Every finding is written to `ops.release_findings`, without the value. Raises OneSourceError
    for one that belongs to no dataset of the release: then nothing may go out.
    """
    allowed = {d.name: _allowance(d.contract) for d in release.datasets}
    found = scan(folder, allowed, processes=processes)
    if not found:
        return {}
    rows = [{"release": release.id, **_row(f)} for f in found]
    ops.append(settings, "release_findings", release.id, rows)
    certain = [f for f in found if f.confidence is Confidence.STOP]
    names = {d.name for d in release.datasets}
    for f in certain:
        if f.dataset not in names:
            raise OneSourceError(
                f"a {f.kind} stands in a file of no dataset",
                where=f"{f.file} {f.place}",
                todo="see ops.release_findings; nothing was released",
            )
    by: dict[str, list[Finding]] = defaultdict(list)
    for f in certain:
        by[str(f.dataset)].append(f)
    return {d: _reason(fs) for d, fs in by.items()}


def _allowance(dataset: Contract) -> Allowance:
    place = dataset.open.place
    return Allowance(
        lawful_names={f.name: f.properties.lawful_publication or "" for f in dataset.fields},
        coordinate_decimals=place.decimals if place else None,
        titles={f.name: f.business_name for f in dataset.fields},
    )


def _row(f: Finding) -> dict[str, object]:
    return {
        "dataset": f.dataset,
        "file": f.file,
        "place": f.place,
        "kind": str(f.kind),
        "confidence": str(f.confidence),
        "masked": f.masked,
        "count": f.count,
    }


def _reason(found: list[Finding]) -> tuple[str, str]:
    kinds = ", ".join(sorted({f.kind for f in found}))
    first = found[0]
    return (
        f"泄漏检查发现 {len(found)} 处（{kinds}），如 {first.file} {first.place}",
        f"the leak gate found {len(found)} places ({kinds}), such as {first.file} {first.place}",
    )
