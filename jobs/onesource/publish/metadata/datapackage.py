"""`datapackage.json`: the release as one Frictionless Data Package (v1)."""

from __future__ import annotations

from typing import Any

from onesource.publish.metadata.table_schema import table_schema
from onesource.publish.model import BuiltDataset, DataFile, Release


def data_package(release: Release) -> dict[str, Any]:
    """The descriptor; paths are relative to the release's folder."""
    made: dict[str, Any] = {
        "profile": "data-package",
        "name": f"open-data-{release.city_code}",
        "id": release.id,
        "title": f"{release.city}公共数据开放",
        "version": release.id,
        "created": release.issued,
        "licenses": _licences(release),
        "contributors": [{"title": release.publisher["name"], "role": "publisher"}],
        "resources": [_resource(d) for d in release.datasets],
    }
    return made


def _licences(release: Release) -> list[dict[str, str]]:
    found = {d.contract.open.licence: d.contract.open.licence_uri for d in release.datasets}
    return [{"name": n, "path": uri, "title": n} for n, uri in sorted(found.items())]


def _resource(d: BuiltDataset) -> dict[str, Any]:
    """The CSV as a tabular resource; the same rows in other formats stand under `alternatives`."""
    o = d.contract.open
    csv = next(f for f in d.files if f.format == "csv")
    return {
        "profile": "tabular-data-resource",
        "name": d.name,
        "title": d.contract.business_name,
        "description": o.summary_zh,
        **_file(csv),
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"'},
        "schema": table_schema(d.contract),
        "licenses": [{"name": o.licence, "path": o.licence_uri, "title": o.licence}],
        "sources": [{"title": o.attribution or d.contract.open.contact}],
        "alternatives": [_file(f) for f in d.files if f is not csv],
    }


def _file(file: DataFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "format": file.format,
        "mediatype": file.media_type,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
    }
