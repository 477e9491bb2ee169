"""The files of a dataset: written from its rows and its contract, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from onesource.contracts.model import Contract
from onesource.publish.files import delimited, geojson, parquet, sheet

Writer = Callable[[Path, pa.Table, Contract], None]
# In the order of the page: people first.
FORMATS: Mapping[str, tuple[Writer, str]] = {
    "xlsx": (
        sheet.write,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "csv": (delimited.write, "text/csv"),
    "parquet": (parquet.write, "application/vnd.apache.parquet"),
    "geojson": (geojson.write, "application/geo+json"),
}


def formats_of(dataset: Contract) -> tuple[str, ...]:
    wanted = {"csv", "parquet"}
    if dataset.open.xlsx:
        wanted.add("xlsx")
    if dataset.open.place:
        wanted.add("geojson")
    return tuple(f for f in FORMATS if f in wanted)
