"""All that is wrong with the files below `schemas/`, where the loader stops at the first error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import CustomProperty
from pydantic import BaseModel, ValidationError

from onesource.contracts.load import (
    Path_,
    Source,
    dates_as_text,
    deepest_error,
    jsonschema_words,
    load_city,
    load_codelist,
    load_contract,
    odcs_schema,
    read_yaml,
)
from onesource.contracts.model import Catalogue, City, CodeList, Contract, Kind
from onesource.contracts.properties import ContractProperties, FieldProperties
from onesource.contracts.source_of_record import FILE, read_source_of_record
from onesource.errors import ContractError

FOLDERS = {
    Kind.FEED: "feeds",
    Kind.REGISTRY: "registry",
    Kind.CURATED: "curated",
    Kind.OPEN: "open",
}


def contract_errors(path: Path, kind: Kind) -> tuple[Contract | None, list[ContractError]]:
    """The contract, or None and everything that is wrong with its file."""
    try:
        return load_contract(path, kind), []
    except ContractError as first:
        found = [first]
    try:
        raw, lines = read_yaml(path)
    except ContractError:
        return None, found
    if isinstance(raw, dict):
        source = Source(path, raw, lines)
        seen = {e.line() for e in found}
        found += [e for e in (*_shape(source), *_custom(source)) if e.line() not in seen]
    return None, found


def _shape(source: Source) -> Iterator[ContractError]:
    for error in odcs_schema().iter_errors(dates_as_text(source.raw)):
        deepest = deepest_error(error)
        yield source.error(tuple(deepest.absolute_path), jsonschema_words(deepest))


def _custom(source: Source) -> Iterator[ContractError]:
    """Every error in our custom properties, of the contract and of each field."""
    raw = source.raw
    yield from _block(source, ContractProperties, raw.get("customProperties"), ())
    objects = raw.get("schema")
    first = objects[0] if isinstance(objects, list) and objects else {}
    fields = first.get("properties") if isinstance(first, dict) else None
    for i, field in enumerate(fields if isinstance(fields, list) else []):
        if isinstance(field, dict):
            at: Path_ = ("schema", 0, "properties", i)
            yield from _block(source, FieldProperties, field.get("customProperties"), at)


def _block(
    source: Source, model: type[BaseModel], items: Any, at: Path_
) -> Iterator[ContractError]:
    at = (*at, "customProperties")
    try:
        properties = [CustomProperty.model_validate(dates_as_text(i)) for i in items or []]
    except (ValidationError, TypeError):
        return  # said by the shape
    position = {str(p.property): i for i, p in enumerate(properties)}
    try:
        model.model_validate({str(p.property): p.value for p in properties})
    except ValidationError as e:
        yield from source.custom_errors(model, e, position, at)


def catalogue_errors(schemas: Path) -> tuple[Catalogue | None, list[ContractError]]:
    """What can be loaded, and all errors. The catalogue is None when `city.yaml` is wrong.

    A contract or code list that is wrong is missing from the catalogue.
    """
    found: list[ContractError] = []
    contracts: dict[Kind, dict[str, Contract]] = {kind: {} for kind in FOLDERS}
    for path, kind in contract_files(schemas):
        contract, errors = contract_errors(path, kind)
        found += errors
        if contract is not None:
            contracts[kind][contract.id] = contract
    found += _misplaced(schemas)
    codelists: dict[str, CodeList] = {}
    for path in sorted((schemas / "codelists").glob("*.csv")):
        try:
            codelists[path.stem] = load_codelist(path)
        except ContractError as e:
            found.append(e)
        except UnicodeDecodeError as e:
            found.append(ContractError("is not UTF-8", where=str(path), why=str(e)))
    city = _city(schemas, found)
    if city is None:
        return None, found
    for c in contracts[Kind.FEED].values():
        if c.sector not in city.sectors:
            what = f"domain: the sector {c.sector} is not in city.yaml"
            found.append(ContractError(what, where=f"{c.path}:1"))
    catalogue = Catalogue(
        city=city,
        feeds=contracts[Kind.FEED],
        registry=contracts[Kind.REGISTRY],
        curated=contracts[Kind.CURATED],
        codelists=codelists,
        open=contracts[Kind.OPEN],
    )
    listed, errors = read_source_of_record(schemas / FILE, catalogue)
    return replace(catalogue, source_of_record=listed), [*found, *errors]


def contract_files(schemas: Path) -> Iterator[tuple[Path, Kind]]:
    """Every contract file where the loader looks, and its kind."""
    for kind, folder in FOLDERS.items():
        pattern = "*.yaml" if kind in (Kind.REGISTRY, Kind.OPEN) else "*/*.yaml"
        for path in sorted((schemas / folder).glob(pattern)):
            yield path, kind


def _misplaced(schemas: Path) -> Iterator[ContractError]:
    """Files that look like contracts and that the loader never sees."""
    read = {path for path, _ in contract_files(schemas)}
    for folder in FOLDERS.values():
        for path in sorted((schemas / folder).rglob("*.y*ml")):
            if path not in read:
                yield ContractError(
                    "is never read",
                    where=str(path),
                    why="a contract stands at feeds/<sector>/<name>.yaml, registry/<name>.yaml, "
                    "curated/<sector>/<name>.yaml or open/<name>.yaml",
                    todo="move or rename it",
                )


def _city(schemas: Path, found: list[ContractError]) -> City | None:
    try:
        return load_city(schemas / "city.yaml")
    except ContractError as e:
        found.append(e)
    except OSError as e:
        found.append(
            ContractError("cannot be read", where=str(schemas / "city.yaml"), why=str(e.strerror))
        )
    return None
