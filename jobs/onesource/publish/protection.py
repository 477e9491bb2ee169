"""Puts a dataset's rows under its disclosure rule: with its contributions, its linked tables, and
what earlier releases showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onesource.contracts.disclosure import DisclosureRule
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.reader import Source, open_version
from onesource.publish.disclosure import Earlier, Linked, Protected, protect
from onesource.publish.latest import read_release_manifest

Open = Callable[[str], Source]


def protected(
    dataset: Contract,
    rows: pa.Table,
    open_table: Open,
    releases: Sequence[Path],
    *,
    linked: Mapping[str, tuple[Contract, pa.Table]] | None = None,
    restated: Mapping[str, str] | None = None,
) -> Protected:
    """The rows as they may be shown, in the contract's columns, and the proof.

    rows: the dataset's columns, without values in the one that disclosure control adds. open_table:
    opens a served table. releases: folders of earlier releases, newest first. linked: the other
    datasets that the rule names, with their rows. restated: period → reason for publishing it anew;
    a reason counts once, so a line that stays in the list does not restate the period every night.
    Raises OneSourceError when the rule cannot be evaluated or held (P11).
    """
    rule = dataset.open.disclosure_rule
    if rule is None:
        return Protected(rows, {})
    before = [_Before(p, read_release_manifest(p)["datasets"]) for p in releases]
    contracts = {name: contract for name, (contract, _) in (linked or {}).items()}
    others = [
        Linked(
            name,
            _cells(contract, cells),
            _contributions(_rule(contract), open_table(_rule(contract).contributions.source)),
            _rule(contract),
            previous=_earlier(contract, before, open_table),
        )
        for name, (contract, cells) in (linked or {}).items()
    ]
    source = open_table(rule.contributions.source)
    done = protect(
        _cells(dataset, rows),
        _contributions(rule, source),
        rule,
        linked=others,
        previous=_earlier(dataset, before, open_table),
        restated=_not_yet(dataset, restated or {}, before),
        name=dataset.name,
    )
    # The version with which the next releases compare; a number that says nothing of anybody.
    proof = {**done.proof, "contributions": {rule.contributions.source: source.version}}
    for contract in contracts.values():
        name = _rule(contract).contributions.source
        proof["contributions"][name] = open_table(name).version
    return Protected(
        done.table.select(list(dataset.field_names)),
        proof,
        {n: t.select(list(contracts[n].field_names)) for n, t in done.linked.items()},
    )


def _rule(dataset: Contract) -> DisclosureRule:
    rule = dataset.open.disclosure_rule
    if rule is None:
        raise OneSourceError(f"{dataset.id} is linked and has no disclosure rule")
    return rule


def _cells(dataset: Contract, rows: pa.Table) -> pa.Table:
    made = dataset.open.made_column
    return rows.drop_columns([made]) if made in rows.column_names else rows


def _contributions(rule: DisclosureRule, source: Source) -> pa.Table:
    """Only the columns that the rule reads: a contribution table may be wide."""
    names = [rule.contributions.column(d.column) for d in rule.dimensions]
    names += [rule.contributions.contributor, *map(rule.contributions.column, rule.values)]
    there = [n for n in dict.fromkeys(names) if n in source.columns]
    seen = pc.field("_state").is_null() if source.has_hidden_rows else None
    table: pa.Table = source.data.to_table(columns=there, filter=seen)
    return table


@dataclass(frozen=True)
class _Before:
    """An earlier release: its folder and what its manifest says of each dataset."""

    folder: Path
    datasets: Mapping[str, Any]

    def proof(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.datasets.get(name, {}).get("disclosure") or {}
        return found


def _earlier(dataset: Contract, before: Sequence[_Before], open_table: Open) -> list[Earlier]:
    """What earlier releases showed, each different table once, newest first."""
    seen: set[int] = set()
    found: list[Earlier] = []
    rule = _rule(dataset)
    for release in before:
        path = release.folder / "datasets" / dataset.name / f"{dataset.name}.parquet"
        if not path.is_file():
            continue
        inode = path.stat().st_ino  # unchanged files are linked
        if inode not in seen:
            seen.add(inode)
            then = _then(rule, release.proof(dataset.name), open_table)
            found.append(Earlier(release.folder.name, pq.read_table(path), then))
    return found


def _then(rule: DisclosureRule, proof: Mapping[str, Any], open_table: Open) -> pa.Table | None:
    """The contributions behind an earlier release; None where their version is gone: then every
    changed figure is taken to have changed by few."""
    name = rule.contributions.source
    version = proof.get("contributions", {}).get(name)
    if version is None:
        return None
    now = open_table(name)
    if version == now.version:
        return _contributions(rule, now)
    try:
        return _contributions(rule, open_version(name, now.path, int(version)))
    except OneSourceError:
        return None


def _not_yet(
    dataset: Contract, restated: Mapping[str, str], before: Sequence[_Before]
) -> dict[str, str]:
    """The restatements that no earlier release has made."""
    done = {
        (period, reason)
        for release in before
        for period, reason in release.proof(dataset.name)
        .get("frozen", {})
        .get("restated", {})
        .items()
    }
    return {p: r for p, r in restated.items() if (p, r) not in done}
