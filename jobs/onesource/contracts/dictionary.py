"""The data dictionary 数据字典 of a contract, as rows and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from onesource.contracts.model import Contract, FieldSpec

HEADER = (
    "table",
    "column",
    "name_zh",
    "type",
    "unit",
    "key",
    "required",
    "values",
    "code_list",
    "identifier",
    "personal",
    "sharing",
    "opening",
    "disclosure",
    "security_level",
    "description",
    "examples",
)


def dictionary(contract: Contract) -> list[tuple[str, ...]]:
    """One row per field, in the contract's order, in the columns of HEADER (all text).

    The four properties are the field's own or, where it says none, the contract's: what holds,
    not what stands in the file.
    """
    return [_row(contract, f) for f in contract.fields]


def _row(contract: Contract, f: FieldSpec) -> tuple[str, ...]:
    own, whole = f.properties, contract.properties
    return (
        contract.table,
        f.name,
        f.business_name,
        f.spark_type,
        own.unit or "",
        _position(contract, f),
        "yes" if f.required else "",
        " ".join(_values(f)),
        own.codelist or "",
        "" if own.identifier == "none" else own.identifier,
        own.personal or "",
        own.sharing or whole.sharing,
        own.opening or whole.opening,
        own.disclosure or whole.disclosure,
        own.security_level or whole.security_level,
        " ".join(f.description.split()),
        "; ".join(str(e) for e in f.examples),
    )


def _position(contract: Contract, f: FieldSpec) -> str:
    return str(contract.key.index(f.name) + 1) if f.primary_key else ""


def _values(f: FieldSpec) -> Iterator[str]:
    """What the field may hold, in words: a list, bounds, a pattern."""
    if f.enum:
        yield " | ".join(f.enum)
    for name, sign in (
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("exclusiveMaximum", "<"),
    ):
        if name in f.options:
            yield f"{sign} {f.options[name]}"
    if "pattern" in f.options:
        yield str(f.options["pattern"])


def dictionary_csv(contracts: Sequence[Contract]) -> str:
    """The dictionary of several contracts: CSV, UTF-8 without BOM, LF, one header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for contract in contracts:
        writer.writerows(dictionary(contract))
    return out.getvalue()
