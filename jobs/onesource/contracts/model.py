"""A contract as the rest of the code sees it: typed, complete, frozen.

`contracts.load` makes these from YAML; nobody else builds them but tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onesource.contracts.open_dataset import OpenDataset
from onesource.contracts.properties import (
    ContractProperties,
    Correction,
    Delivery,
    FieldProperties,
    History,
    StandardiserUse,
)

if TYPE_CHECKING:
    from onesource.contracts.source_of_record import SourceOfRecord


class Kind(StrEnum):
    FEED = "feed"
    REGISTRY = "registry"
    CURATED = "curated"
    OPEN = "open"


# The sector whose feeds make the registries: what they deliver of persons is kept as it is.
BASE = "base"

# logicalType → Spark type where the contract names no physicalType.
_SPARK = {
    "string": "string",
    "integer": "bigint",
    "number": "decimal(20,6)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "time": "string",
}
# logicalType → standardiser where the contract names none.
_STANDARDISER = {
    "string": "text",
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "time": "text",
}


@dataclass(frozen=True)
class FieldSpec:
    """One column of a contract."""

    name: str
    business_name: str
    logical_type: str
    physical_type: str | None
    description: str
    required: bool
    primary_key: bool
    unique: bool
    options: dict[str, Any]
    enum: tuple[str, ...]
    examples: tuple[Any, ...]
    properties: FieldProperties
    line: int = 0
    is_token: bool = False  # the id token of a number, in the table's form of a contract

    @property
    def served(self) -> FieldSpec | None:
        """The column that the table has of this field; None: it keeps nothing of it."""
        if self.properties.keep == "none":
            return None
        if self.properties.keep == "value":
            return self
        kept: dict[str, Any] = {
            "keep": "value",
            "identifier": "quasi",
            "codelist": None,
            "aliases": [],
        }
        return replace(
            self,
            name=token_name(self.name),
            business_name=f"{self.business_name}令牌" if self.business_name else "",
            logical_type="string",
            physical_type="string",
            description="HMAC of the number, with the version of its key; never the number.",
            options={},
            enum=(),
            examples=(),
            properties=self.properties.model_copy(update=kept),
            is_token=True,
        )

    @property
    def spark_type(self) -> str:
        return self.physical_type or _SPARK[self.logical_type]

    @property
    def standardiser(self) -> StandardiserUse:
        return self.properties.standardiser or StandardiserUse(
            name=_STANDARDISER[self.logical_type]
        )

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers under which the field may arrive, the preferred first."""
        seen = dict.fromkeys((self.business_name, self.name, *self.properties.aliases))
        return tuple(h for h in seen if h)

    @property
    def is_column(self) -> bool:
        """Does the raw value stand in a column of the rows (not in a name, sheet or cell)?"""
        origin = self.properties.origin
        return origin is None or origin.from_ == "column"


def token_name(field: str) -> str:
    """`id_no` → `id_token`, `mother_id_no` → `mother_id_token`, `card` → `card_token`."""
    return field.removesuffix("_no") + "_token"


@dataclass(frozen=True)
class Contract:
    """A feed, registry table or curated table.

    `id` is `sector.name` for feeds (`energy.coal_daily`), `registry.name`, `curated.sector_name`.
    """

    id: str
    kind: Kind
    sector: str
    name: str
    business_name: str
    version: str
    status: str
    purpose: str
    limitations: str
    usage: str
    fields: tuple[FieldSpec, ...]
    properties: ContractProperties
    path: Path
    digest: str
    quality: tuple[dict[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def table_name(self) -> str:
        """`energy_coal_daily`, or `division` for a registry table or an open dataset."""
        sectorless = self.kind in (Kind.REGISTRY, Kind.OPEN)
        return self.name if sectorless else f"{self.sector}_{self.name}"

    @property
    def table(self) -> str:
        """The table that analysts see: `silver.…`, `registry.…` or `curated.…`; `open.…` for what
        the public sees."""
        layer = "silver" if self.kind is Kind.FEED else self.kind.value
        return f"{layer}.{self.table_name}"

    @property
    def served(self) -> Contract:
        """The contract as its table has it: for a feed, the fields that silver keeps."""
        if all(f.properties.keep == "value" for f in self.fields):
            return self
        return replace(self, fields=tuple(s for f in self.fields if (s := f.served) is not None))

    @property
    def holds_identities(self) -> bool:
        """Do names, numbers or exact addresses of persons stand in the feed's silver table?

        Then it stands in the zone of the registries. Only base feeds may.
        """
        return (
            self.kind is Kind.FEED
            and self.sector == BASE
            and any(f.properties.identifier == "direct" for f in self.served.fields)
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """The columns of the table that hold id tokens."""
        return tuple(f.name for f in self.served.fields if f.is_token)

    @property
    def bronze(self) -> str:
        return f"bronze.{self.table_name}"

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.primary_key)

    @property
    def delivery(self) -> Delivery:
        assert self.properties.delivery is not None, f"{self.id} is no feed"
        return self.properties.delivery

    @property
    def open(self) -> OpenDataset:
        assert self.properties.open is not None, f"{self.id} is no open dataset"
        return self.properties.open

    @property
    def history(self) -> History:
        return self.properties.history

    @property
    def correction(self) -> Correction:
        return self.delivery.correction

    def field(self, name: str) -> FieldSpec:
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(name)

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)


@dataclass(frozen=True)
class City:
    """`schemas/city.yaml`: the city's name, sectors, departments, reporting units, and who
    publishes open data under which address."""

    name: str
    code: str
    sectors: dict[str, str]
    departments: tuple[dict[str, Any], ...]
    counties: dict[str, str]
    reporting_units: dict[str, tuple[str, ...]]
    open_publisher_uscc: str = ""
    open_base_uri: str = "https://data.example.org/open/"

    def department(self, uscc: str, day: str) -> str | None:
        """The name that the department of this USCC has on an ISO day."""
        for d in self.departments:
            after, before = d.get("valid_from") or "", d.get("valid_to")
            if d["uscc"] == uscc and after <= day and (not before or day < before):
                return str(d["name"])
        return None


def _no_list() -> SourceOfRecord:
    from onesource.contracts.source_of_record import SourceOfRecord

    return SourceOfRecord()


@dataclass(frozen=True)
class Catalogue:
    """All contracts of a checkout, by id, the city, and the source-of-record list."""

    city: City
    feeds: dict[str, Contract]
    registry: dict[str, Contract]
    curated: dict[str, Contract]
    codelists: dict[str, CodeList]
    open: dict[str, Contract] = field(default_factory=dict)
    source_of_record: SourceOfRecord = field(default_factory=_no_list)

    @property
    def tables(self) -> dict[str, Contract]:
        """Served tables by name: `silver.energy_coal_daily`, `registry.division`, …

        Feeds in the form of their tables; as they are delivered they stand in `feeds`.
        """
        return {
            c.table: c.served
            for group in (self.feeds, self.registry, self.curated)
            for c in group.values()
        }


@dataclass(frozen=True)
class CodeList:
    """An official list of codes; each code holds from `valid_from` to before `valid_to`."""

    name: str
    title: str
    path: Path
    digest: str
    rows: tuple[CodeRow, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(r.code for r in self.rows)


@dataclass(frozen=True)
class CodeRow:
    code: str
    name: str
    valid_from: str | None = None
    valid_to: str | None = None
    parent: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
