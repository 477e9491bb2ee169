"""Open datasets and releases for tests of the portal. Nothing in them is real."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from onesource.contracts.model import Contract, FieldSpec, Kind
from onesource.contracts.properties import ContractProperties, FieldProperties
from onesource.publish.files import FORMATS, formats_of
from onesource.publish.metadata.table_schema import dictionary_csv
from onesource.publish.model import (
    BuiltDataset,
    DataFile,
    Difference,
    HeldDataset,
    Quality,
    Release,
)
from onesource.publish.portal import load_tile_grid

HOME = Path(__file__).resolve().parents[2]
COUNTIES = {
    "141102": "离石区",
    "141121": "文水县",
    "141122": "交城县",
    "141123": "兴县",
    "141124": "临县",
    "141125": "柳林县",
    "141126": "石楼县",
    "141127": "岚县",
    "141128": "方山县",
    "141129": "中阳县",
    "141130": "交口县",
    "141181": "孝义市",
    "141182": "汾阳市",
}
OFFICES = {
    "11141100MB9X00015W": "市统计局",
    "11141100MB9X0004XA": "市能源局",
    "11141100MB9X00103B": "市文化和旅游局",
    "11141100MB9X001116": "市政务信息管理局",
}
STATISTICS, ENERGY, TOURISM, DATA = OFFICES
RELEASE_FILES = (
    *("manifest.json", "SHA256SUMS", "SHA256SUMS.sig", "catalog.jsonld", "catalog.xlsx"),
    *("datapackage.json", "diff.json", "CHANGES.md"),
)
ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.decimal128(20, 3),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
}
Column = tuple[str, str, str, Mapping[str, Any]]


def column(name: str, zh: str, kind: str = "string", **said: Any) -> Column:
    return name, zh, kind, said


def field(name: str, zh: str, kind: str, said: Mapping[str, Any]) -> FieldSpec:
    return FieldSpec(
        name=name,
        business_name=zh,
        logical_type=kind,
        physical_type=None,
        description=said.get("description", ""),
        required=said.get("required", False),
        primary_key=said.get("key", False),
        unique=False,
        options={},
        enum=tuple(said.get("enum", ())),
        examples=(),
        properties=FieldProperties(unit=said.get("unit"), codelist=said.get("codelist")),
    )


def contract(
    name: str, zh: str, en: str, columns: Sequence[Column], office: str = DATA, **said: Any
) -> Contract:
    """said: what `open` says; `cycle`, `opening` and `limitations` are the contract's own."""
    cycle, opening = said.pop("cycle", "每月"), said.pop("opening", "可公开")
    limitations = said.pop("limitations", "")
    opened = {
        "source": f"curated.{name}",
        "theme": "综合",
        "theme_eu": "GOVE",
        "name_en": en,
        "summary_zh": f"{zh}。演示数据,全部为虚构。",
        "keywords": ["演示"],
        "grain": "一县一期一行",
        "licence": "CC-BY-4.0",
        "licence_uri": "https://creativecommons.org/licenses/by/4.0/",
        "spatial": "141100",
        "contact": "吕梁市政务信息管理局 数据科 open@example.org",
        "approval": "AP-2026-001",
        **said,
    }
    properties = ContractProperties.model_validate(
        {
            "catalogue_code": f"307/demo/{name}",
            "provider_uscc": office,
            "permanent_uri": f"https://data.example.org/id/dataset/{name}",
            "update_cycle": cycle,
            "opening": opening,
            "open": opened,
        }
    )
    return Contract(
        id=f"open.{name}",
        kind=Kind.OPEN,
        sector="open",
        name=name,
        business_name=zh,
        version="1.2.0",
        status="active",
        purpose="",
        limitations=limitations,
        usage="",
        fields=tuple(field(*c) for c in columns),
        properties=properties,
        path=HOME / "schemas" / "open" / f"{name}.yaml",
        digest="sha256:0",
    )


def built(
    folder: Path,
    made: Contract,
    rows: Sequence[Sequence[Any]],
    *,
    quality: Quality | None = None,
    difference: Difference | None = None,
    proof: Mapping[str, Any] | None = None,
    files: bool = True,
) -> BuiltDataset:
    """The dataset, with real files in the folder unless `files` is false."""
    types = [ARROW[f.logical_type] for f in made.fields]
    table = pa.table(
        {f.name: pa.array([row[i] for row in rows], types[i]) for i, f in enumerate(made.fields)}
    )
    covered = made.open.temporal
    times = [str(t) for t in table.column(covered).to_pylist()] if covered else []
    return BuiltDataset(
        contract=made,
        table=table,
        source_version=7,
        files=tuple(_files(folder, made, table)) if files else (),
        quality=quality or Quality(98.6, "2026-11-23T18:05:00+00:00", True),
        difference=difference or Difference(len(rows), len(rows)),
        time_covered=(min(times), max(times)) if times else None,
        proof=proof or {},
    )


def _files(folder: Path, made: Contract, table: pa.Table) -> list[DataFile]:
    inside = folder / "datasets" / made.name
    inside.mkdir(parents=True, exist_ok=True)
    (inside / "schema.json").write_text("{}\n")
    (inside / "disclosure.json").write_text("{}\n")
    (inside / "dictionary.csv").write_text(dictionary_csv(made), encoding="utf-8")
    found = []
    for kind in formats_of(made):
        path = inside / f"{made.name}.{kind}"
        write, media_type = FORMATS[kind]
        write(path, table, made)
        data = path.read_bytes()
        found.append(
            DataFile(
                f"datasets/{made.name}/{path.name}",
                kind,
                media_type,
                len(data),
                hashlib.sha256(data).hexdigest(),
            )
        )
    return found


def noise(*parts: object) -> float:
    """A number from 0 to 1 that always comes out the same."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def decimal(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")


COUNTY = (
    column("county_code", "县(市、区)代码", key=True, required=True, codelist="county"),
    column("county_name", "县(市、区)名称", required=True),
)


def release_of(
    datasets: Sequence[BuiltDataset], away: Sequence[HeldDataset] = (), **changed: Any
) -> Release:
    tiles = load_tile_grid(HOME / "schemas" / "tile_grid.csv")
    made = Release(
        id="20261124-5f0c2a91",
        day="2026-11-24",
        issued="2026-11-23T18:05:00+00:00",
        run="demonstration",
        commit="0" * 40,
        city="吕梁市",
        city_code="141100",
        counties=COUNTIES,
        publisher={"name": "吕梁市政务信息管理局", "uscc": DATA},
        datasets=tuple(sorted(datasets, key=lambda d: d.name)),
        held=tuple(away),
        previous="20261123-0b7d4410",
        history=("20261123-0b7d4410", "20261122-91aa3c02", "20261031-77e0d5b1"),
        departments=OFFICES,
        tile_grid={code: (t.row, t.column) for code, t in tiles.items()},
    )
    return replace(made, **changed)
