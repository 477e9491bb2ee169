"""Parquet: the contract's types, Chinese names and units in the fields' metadata."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from onesource.contracts.model import Contract


def write(path: Path, table: pa.Table, dataset: Contract) -> None:
    """Writes the file, compressed with Zstandard. Only the pinned pyarrow makes equal bytes."""
    fields = []
    for f in dataset.fields:
        said = {"title": f.business_name, "unit": f.properties.unit or ""}
        told: dict[bytes | str, bytes | str] = {k: v for k, v in said.items() if v}
        fields.append(table.schema.field(f.name).with_metadata(told))
    schema = pa.schema(fields, {"dataset": dataset.id, "version": dataset.version})
    pq.write_table(table.cast(schema), path, compression="zstd")
