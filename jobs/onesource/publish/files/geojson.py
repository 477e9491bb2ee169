"""GeoJSON (RFC 7946): one point a row, WGS-84, no finer than the contract allows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from onesource.contracts.model import Contract
from onesource.publish.files.cells import as_text


def write(path: Path, table: pa.Table, dataset: Contract) -> None:
    """Writes one Feature a line; a row without coordinates has the geometry null."""
    place = dataset.open.place
    assert place is not None
    others = [n for n in table.column_names if n not in (place.longitude, place.latitude)]
    with path.open("w", encoding="utf-8", newline="\n") as f:
        f.write('{"type": "FeatureCollection", "features": [')
        separator = "\n"
        for batch in table.to_batches(max_chunksize=8192):
            columns = {n: _values(pa.chunked_array([batch.column(n)])) for n in others}
            lon, lat = batch.column(place.longitude), batch.column(place.latitude)
            for i in range(batch.num_rows):
                point = _point(lon[i].as_py(), lat[i].as_py())
                feature = {
                    "type": "Feature",
                    "geometry": point,
                    "properties": {n: column[i] for n, column in columns.items()},
                }
                f.write(separator + json.dumps(feature, ensure_ascii=False))
                separator = ",\n"
        f.write("\n]}\n")


def _point(lon: Any, lat: Any) -> dict[str, Any] | None:
    if lon is None or lat is None:
        return None
    return {"type": "Point", "coordinates": [float(lon), float(lat)]}


def _values(column: pa.ChunkedArray[Any]) -> list[Any]:
    """JSON has no decimals and no dates: numbers stay numbers, days and times are text."""
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return as_text(column).to_pylist()
    return [float(v) if isinstance(v, Decimal) else v for v in column.to_pylist()]
