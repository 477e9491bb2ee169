"""Writes the files of a dataset, and those of the release around them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from onesource.contracts.model import CodeList, Contract
from onesource.publish.changes import changes
from onesource.publish.difference import Before, as_json, difference, unchanged
from onesource.publish.disclosure import Protected
from onesource.publish.files import FORMATS, formats_of
from onesource.publish.files.cells import as_text
from onesource.publish.latest import MANIFEST
from onesource.publish.metadata.catalogue_sheet import write_catalogue
from onesource.publish.metadata.datapackage import data_package
from onesource.publish.metadata.dcat import catalogue
from onesource.publish.metadata.table_schema import dictionary_csv, table_schema
from onesource.publish.model import BuiltDataset, DataFile, Difference, Quality, Release
from onesource.publish.portal import write_portal
from onesource.publish.processes import Processes
from onesource.publish.signing import Signer
from onesource.publish.sums import SIGNATURE, sha256, write_sums


def build_dataset(
    building: Path,
    dataset: Contract,
    safe: Protected,
    version: int | None,
    before: Before | None,
    quality: Quality,
) -> BuiltDataset:
    """Writes the dataset's files.

    safe: its rows, as disclosure control lets them out. Raises OneSourceError when a file cannot be
    written.
    """
    folder = building / "datasets" / dataset.name
    folder.mkdir(parents=True)
    _write_json(folder / "schema.json", table_schema(dataset))
    (folder / "dictionary.csv").write_text(dictionary_csv(dataset), encoding="utf-8", newline="\n")
    if safe.proof:
        _write_json(folder / "disclosure.json", safe.proof)
    files = tuple(
        _data_file(building, folder, dataset, safe.table, kind, before)
        for kind in formats_of(dataset)
    )
    return BuiltDataset(
        contract=dataset,
        table=safe.table,
        source_version=version,
        files=files,
        quality=quality,
        difference=_difference(dataset, safe.table, files, before),
        time_covered=_covered(dataset, safe.table),
        proof=safe.proof,
    )


def _data_file(
    building: Path,
    folder: Path,
    dataset: Contract,
    table: pa.Table,
    kind: str,
    before: Before | None,
) -> DataFile:
    write, media_type = FORMATS[kind]
    path = folder / f"{dataset.name}.{kind}"
    write(path, table, dataset)
    digest = sha256(path)
    name = path.relative_to(building).as_posix()
    _link_unchanged(path, name, digest, dataset, before)
    return DataFile(name, kind, media_type, path.stat().st_size, digest)


def _difference(
    dataset: Contract, table: pa.Table, files: Sequence[DataFile], before: Before | None
) -> Difference:
    """Equal bytes of Parquet are equal rows: then nothing needs to be compared."""
    was = before.dataset(dataset.name) if before else None
    told = was["files"] if was else {}
    if any(f.format == "parquet" and told.get(f.path, {}).get("sha256") == f.sha256 for f in files):
        return unchanged(table)
    return difference(dataset, table, before)


def _link_unchanged(
    path: Path, name: str, digest: str, dataset: Contract, before: Before | None
) -> None:
    """A file with the bytes of the release before becomes one with it on disk."""
    was = before.dataset(dataset.name) if before else None
    if before is None or was is None or was["files"].get(name, {}).get("sha256") != digest:
        return
    old = before.folder / name
    # The old file is hashed, too: what was damaged there must not come into a new release.
    if old.is_file() and sha256(old) == digest:
        part = path.with_name(f".{path.name}.link")
        os.link(old, part)
        part.replace(path)


def _covered(dataset: Contract, table: pa.Table) -> tuple[str, str] | None:
    column = dataset.open.temporal
    if column is None or not table.num_rows:
        return None
    compute: Any = pc
    bounds = compute.min_max(as_text(table.column(column))).as_py()
    return (bounds["min"], bounds["max"]) if bounds["min"] is not None else None


def write_release(
    building: Path,
    release: Release,
    before: Before | None,
    inputs: str,
    key: Signer,
    codelists: Mapping[str, CodeList],
    processes: Processes,
) -> None:
    """Writes descriptions, pages, manifest, sums and signature around the datasets' files."""
    _write_json(building / "datapackage.json", data_package(release))
    _write_json(building / "catalog.jsonld", catalogue(release, _base(release)))
    write_catalogue(building / "catalog.xlsx", release)
    diff = {d.name: as_json(d.difference) for d in release.datasets}
    gone = sorted(set(before.manifest["datasets"]) - set(diff)) if before else []
    _write_json(
        building / "diff.json",
        {"release": release.id, "previous": release.previous, "datasets": diff, "gone": gone},
    )
    (building / "CHANGES.md").write_text(changes(release), encoding="utf-8", newline="\n")
    write_portal(building, release, codelists=codelists, processes=processes)
    _write_json(building / MANIFEST, manifest(release, inputs))
    known = {f.path: f.sha256 for d in release.datasets for f in d.files}
    sums = write_sums(building, known)
    (building / SIGNATURE).write_text(key.sign(sums), encoding="ascii")


def _base(release: Release) -> str:
    """Addresses in the catalogue; a city that publishes under another says so in city.yaml."""
    return release.base_uri.rstrip("/") + f"/releases/{release.id}/"


def manifest(release: Release, inputs: str) -> Mapping[str, Any]:
    """`manifest.json`. inputs: digest of what decided the content."""
    return {
        "release": release.id,
        "day": release.day,
        "issued": release.issued,
        "run": release.run,
        "commit": release.commit,
        "inputs": inputs,
        "previous": release.previous,
        "city": {"name": release.city, "code": release.city_code},
        "publisher": dict(release.publisher),
        "datasets": {d.name: _entry(d) for d in release.datasets},
        "held": [
            {"dataset": h.contract.name, "reason_zh": h.reason_zh, "reason_en": h.reason_en}
            for h in release.held
        ],
    }


def _entry(d: BuiltDataset) -> Mapping[str, Any]:
    return {
        "contract": d.contract.id,
        "contract_version": d.contract.version,
        "approval": d.contract.open.approval,
        "source": d.contract.open.source,
        "source_version": d.source_version,
        "rows": d.rows,
        "columns": len(d.contract.fields),
        "time_covered": list(d.time_covered) if d.time_covered else None,
        "served_at": d.quality.served_at,
        "later_version_held": {"zh": d.quality.held_zh, "en": d.quality.held_en}
        if d.quality.held_zh
        else None,
        "disclosure": dict(d.proof) if d.proof else None,
        "files": {
            f.path: {
                "format": f.format,
                "media_type": f.media_type,
                "size": f.size,
                "sha256": f.sha256,
            }
            for f in d.files
        },
    }


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
