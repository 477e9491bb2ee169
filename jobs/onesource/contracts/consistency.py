"""Checks of one contract against itself and against the rest of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from onesource.contracts.findings import Finding, Weight
from onesource.contracts.model import BASE, Catalogue, Contract, FieldSpec, Kind, token_name
from onesource.contracts.properties import Correction

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# The four properties of a field that no name or number of a person may have without a legal basis.
_OPEN_WORDS = (("sharing", "无条件"), ("opening", "可公开"), ("disclosure", "主动公开"))


def check_contract(contract: Contract, catalogue: Catalogue) -> Iterator[Finding]:
    """What a contract alone, or with code lists and `city.yaml`, can show to be wrong."""
    if not _VERSION.fullmatch(contract.version):
        what = f"version: {contract.version} is not of the form 1.2.3"
        yield _error(contract, what)
    if not contract.fields:
        yield _error(contract, "schema: there is no field")
    if not contract.key and not _may_lack_key(contract):
        yield _error(contract, "schema: no field is part of the primaryKey")
    todo = _todo_words(contract.raw)
    if todo:
        what = f"{todo} values are still marked TODO"
        yield Finding(Weight.WARNING, f"{contract.path}:1", what, "say what is meant")
    yield from _columns(contract)
    yield from _expected_units(contract, catalogue)
    for field in contract.fields:
        yield from _field(contract, field, catalogue)


def _todo_words(value: Any) -> int:
    """How many texts of a YAML value a scaffold left to be written."""
    if isinstance(value, dict):
        return sum(_todo_words(v) for v in value.values())
    if isinstance(value, list):
        return sum(_todo_words(v) for v in value)
    return int(isinstance(value, str) and "TODO" in value)


def _may_lack_key(contract: Contract) -> bool:
    return contract.kind is Kind.FEED and contract.delivery.correction is Correction.APPEND


def _error(
    contract: Contract, what: str, field: FieldSpec | None = None, todo: str = ""
) -> Finding:
    line = field.line if field else 1
    named = f"{field.name}: {what}" if field else what
    return Finding(Weight.ERROR, f"{contract.path}:{line}", named, todo)


def _columns(contract: Contract) -> Iterator[Finding]:
    names = set(contract.field_names)
    p = contract.properties
    for n in p.partition_by:
        if n not in names:
            yield _error(contract, f"partition_by names {n}, which is no field")
    if contract.kind is not Kind.FEED:
        if p.delivery is not None:
            yield _error(contract, "delivery belongs to feeds only")
        for named in (p.period, p.valid_from, p.valid_to):
            if named and named not in names:
                yield _error(contract, f"{named} is named as period or validity and is no field")
    if contract.kind is not Kind.REGISTRY and (p.builder or p.inputs):
        yield _error(contract, "builder and inputs belong to registry tables only")
    if p.inputs and not p.builder:
        yield _error(contract, "inputs without a builder are read by nobody")
    headers: dict[str, str] = {}
    for f in contract.fields if contract.kind is Kind.FEED else ():
        for header in f.headers if f.is_column else ():
            other = headers.setdefault(header.casefold(), f.name)
            if other != f.name:
                yield _error(contract, f"the header {header} is also that of {other}", f)


def _expected_units(contract: Contract, catalogue: Catalogue) -> Iterator[Finding]:
    if contract.kind is not Kind.FEED or contract.delivery.expects is None:
        return
    units = contract.delivery.expects.units
    if (
        isinstance(units, str)
        and units != "counties"
        and units not in catalogue.city.reporting_units
    ):
        known = ", ".join(["counties", *sorted(catalogue.city.reporting_units)])
        yield _error(
            contract, f"expects.units: {units} is no list of city.yaml", None, f"known: {known}"
        )
    expects, scope = contract.delivery.expects, contract.delivery.replace_scope
    for what, part in (("unit", expects.unit), ("period_field", expects.period_field)):
        if part is not None and part not in {*scope, contract.properties.period}:
            yield _error(
                contract,
                f"expects.{what}: {part} is no part of replace_scope",
                None,
                f"its parts: {', '.join(scope) or 'none'}",
            )


def _field(contract: Contract, f: FieldSpec, catalogue: Catalogue) -> Iterator[Finding]:
    p = f.properties
    if p.codelist and p.codelist not in catalogue.codelists:
        known = ", ".join(sorted(catalogue.codelists)) or "none"
        yield _error(contract, f"codelist: there is no {p.codelist}", f, f"known: {known}")
    yield from _copied(contract, f)
    yield from _patterns(contract, f)
    yield from _publicity(contract, f)
    yield from _kept(contract, f)
    low, high = f.options.get("minimum"), f.options.get("maximum")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield _error(contract, f"minimum {low} is above maximum {high}", f)


def _copied(contract: Contract, f: FieldSpec) -> Iterator[Finding]:
    """A field that reads another one's raw value needs that one to stand in the rows."""
    origin = f.properties.origin
    if origin is None or (origin.from_ != "field" and origin.field is None):
        return
    if origin.from_ != "field":
        yield _error(contract, "origin.field needs from: field", f)
    elif origin.field not in contract.field_names or not contract.field(origin.field).is_column:
        yield _error(
            contract, f"origin.field: {origin.field} is no field that stands in the rows", f
        )


def _patterns(contract: Contract, f: FieldSpec) -> Iterator[Finding]:
    for what, pattern in (
        ("pattern", f.options.get("pattern")),
        ("origin.pattern", f.properties.origin.pattern if f.properties.origin else None),
    ):
        if pattern is None:
            continue
        try:
            re.compile(str(pattern))
        except re.error as e:
            yield _error(contract, f"{what} is no regular expression: {e}", f)


def _kept(contract: Contract, f: FieldSpec) -> Iterator[Finding]:
    """Names, numbers, phones and exact addresses stand in the zones of identities alone."""
    p = f.properties
    if p.keep != "value":
        yield from _kept_otherwise(contract, f)
    elif contract.kind is not Kind.FEED:
        if contract.kind is Kind.CURATED and p.identifier == "direct" and not p.lawful_publication:
            yield _error(contract, "identifier direct: no curated table names a person", f)
    elif contract.sector != BASE and p.identifier == "direct" and not p.lawful_publication:
        todo = "keep: token for an ID number, keep: none for the rest"
        yield _error(contract, "it names a person and would stand in silver", f, todo)
    elif contract.sector != BASE and f.standardiser.name in _NUMBERS and p.identifier == "none":
        todo = "identifier: direct, personal: pi and keep: token or none"
        yield _error(contract, f"{f.standardiser.name} reads what names a person", f, todo)


# Standardisers of what names a person, whatever else a contract says of the field.
_NUMBERS = ("resident_id", "phone", "person_name")


def _kept_otherwise(contract: Contract, f: FieldSpec) -> Iterator[Finding]:
    """A field of which silver keeps a token or nothing."""
    p = f.properties
    if contract.kind is not Kind.FEED:
        yield _error(contract, f"keep: {p.keep} belongs to feeds only", f)
        return
    if contract.sector == BASE:
        yield _error(contract, f"keep: {p.keep}: the registries need what base feeds bring", f)
    if p.keep == "none" and (f.required or f.unique or f.primary_key):
        yield _error(contract, "keep: none, and it is required, unique or part of the key", f)
    if p.keep == "token":
        if p.identifier != "direct" or f.logical_type != "string":
            yield _error(contract, "keep: token needs identifier direct and logicalType string", f)
        if token_name(f.name) in contract.field_names:
            yield _error(contract, f"its column {token_name(f.name)} is another field", f)
        if contract.delivery.bronze_retention_days is None:
            what = "keep: token needs delivery.bronze_retention_days: the number stays in bronze"
            yield _error(contract, what, f)
    d = contract.delivery
    said: dict[str, list[str | None]] = {
        "replace_scope": [*d.replace_scope],
        "period": [contract.properties.period],
        "partition_by": [*contract.properties.partition_by],
        "change_type": [d.change_type.field, d.change_type.order] if d.change_type else [],
        "reversal": [d.reversal.amount, *d.reversal.match] if d.reversal else [],
    }
    for what, names in said.items():
        if f.name in names:
            yield _error(contract, f"{what} names it, and silver does not keep it", f)


def _publicity(contract: Contract, f: FieldSpec) -> Iterator[Finding]:
    """Denied by default: what names a person is never open by a property alone."""
    p = f.properties
    if p.identifier == "direct" and p.personal is None:
        what = "identifier direct needs personal (pi, spi or minor)"
        yield _error(contract, what, f)
    if p.lawful_publication:
        return
    if p.identifier != "direct" and p.personal is None:
        return
    for name, word in _OPEN_WORDS:
        effective = getattr(p, name) or getattr(contract.properties, name)
        if effective == word:
            yield _error(
                contract,
                f"{name} is {word}, but the field names or describes a person",
                f,
                "set it on the field, or name the legal basis in lawful_publication",
            )
