"""What the contract of an open dataset says beside its columns: `customProperties: open`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from onesource.contracts.disclosure import DisclosureRule, Strict


class Place(Strict):
    """Columns that say where a row is: with them the dataset has a GeoJSON and a point map."""

    longitude: str = Field(description="Column of WGS-84 longitude, degrees.")
    latitude: str = Field(description="Column of WGS-84 latitude, degrees.")
    decimals: int = Field(
        3, ge=0, le=6, description="Decimal places that may be published; 3 is about 100 m."
    )


class Chart(Strict):
    """What the page of the dataset draws."""

    measure: str = Field(description="Column of the main measure.")
    time: str | None = Field(None, description="Column of the time axis.")
    county: str | None = Field(None, description="Column of the county code, for the tile map.")
    title_zh: str | None = Field(None, description="Title; left out: the measure's name.")


class OpenDataset(Strict):
    """A projection of one served table, and how it is described to the public."""

    source: str = Field(
        description="The served table it is a projection of: `curated.…`, or a view `ops.…`."
    )
    where: str | None = Field(
        None, description="A condition on the source's rows, in SQL; only the source's columns."
    )
    theme: str = Field(description="主题 in Chinese, as the portal filters by it.")
    theme_eu: Literal[
        "AGRI",
        "ECON",
        "EDUC",
        "ENER",
        "ENVI",
        "GOVE",
        "HEAL",
        "INTR",
        "JUST",
        "REGI",
        "SOCI",
        "TECH",
        "TRAN",
    ] = Field(description="EU data theme, for DCAT-AP.")
    name_en: str = Field(description="The dataset's name in English.")
    summary_zh: str = Field(description="摘要, for the public.")
    keywords: list[str] = Field(min_length=1, description="关键字.")
    grain: str = Field(description="What one row is.")
    licence: str = Field(description="Licence: an SPDX identifier or a name.")
    licence_uri: str = Field(description="Where the licence's text is.")
    attribution: str | None = Field(None, description="What a user has to name.")
    spatial: str = Field(description="Division code of the area, 6 digits.")
    temporal: str | None = Field(
        None, description="Column from which the time covered is read (its least and greatest)."
    )
    contact: str = Field(description="Where to report an error: office, telephone or address.")
    method: str = Field("", description="How it was collected and reckoned, for the public.")
    approval: str = Field(description="Id of the approval in schemas/approvals.csv.")
    condition: str | None = Field(None, description="开放条件, where it is 依条件公开.")
    disclosure_rule: DisclosureRule | None = Field(
        None, description="Disclosure control; left out: the table may be shown as it is."
    )
    place: Place | None = Field(None, description="Where a row is.")
    chart: Chart | None = Field(None, description="What its page draws.")
    xlsx: bool = Field(True, description="Also as XLSX; false for what no sheet can hold.")

    @field_validator("source")
    @classmethod
    def _served(cls, value: str) -> str:
        if not re.fullmatch(r"(curated|ops)\.[a-z][a-z0-9_]*", value):
            raise ValueError("only a curated table, or a view of ops, can be published")
        return value

    @model_validator(mode="after")
    def _licence(self) -> OpenDataset:
        if not self.licence_uri.startswith(("https://", "http://")):
            raise ValueError("licence_uri must be a web address")
        return self

    @property
    def made_column(self) -> str | None:
        """The column that disclosure control adds; the source has none of this name."""
        return self.disclosure_rule.status_column if self.disclosure_rule else None
