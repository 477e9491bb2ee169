"""Reads a GeoJSON FeatureCollection: the properties are the columns, `geometry` one more.

The geometry is compact JSON text; its coordinates keep the digits in which they were written. The
coordinate system that the file declares must be the contract's: GCJ-02 taken for WGS-84 moves
every boundary by half a kilometre, and no later check would see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from onesource.errors import DeliveryRefused
from onesource.ingest.readers import text
from onesource.ingest.readers.batches import Row, Source, Tally
from onesource.ingest.readers.json_ import Keyed, too_deep
from onesource.ingest.readers.jsonstream import MAX_VALUE, Duplicate, Stream, compact

# How files name the systems: EPSG codes, OGC names, words. The order of longitude and latitude is
# always that of GeoJSON.
_SYSTEMS = {
    "wgs84": ("crs84", "4326", "wgs84", "wgs1984"),
    "cgcs2000": ("4490", "cgcs2000", "china2000", "chinageodetic2000"),
    "gcj02": ("gcj02",),
    "bd09": ("bd09", "bd09ll"),
}


def batches(source: Source, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The file as bronze batches. Raises DeliveryRefused; see the package for the reasons."""
    codec = text.encoding_of(source.path, source.feed.delivery.encoding, source.file_name)
    tally.encoding = codec
    keyed = Keyed(source, tally, MAX_VALUE)
    try:
        yield from keyed.batches(_features(source, codec, keyed))
    except RecursionError as e:
        raise too_deep(source.file_name) from e


def _features(source: Source, codec: str, keyed: Keyed) -> Iterator[Row]:
    stream = Stream(text.pieces(source.path, codec, source.file_name), source.file_name)
    if not stream.peek():
        return
    if stream.peek() != "{":
        raise _refused(source, "FORMAT", "is no GeoJSON FeatureCollection")
    number, found = 0, False
    features = stream.records(("features",))
    try:
        while True:
            try:
                feature = next(features)
            except StopIteration as end:
                found = bool(end.value)
                break
            number += 1
            yield _row(source, keyed, number, feature)
    except Duplicate as e:
        raise _refused(source, "HEADER", f"feature {number + 1} names the key {e} twice") from e
    if stream.skeleton.get("type") != "FeatureCollection" or not found:
        raise _refused(source, "FORMAT", "is no GeoJSON FeatureCollection")
    if stream.peek():
        raise _refused(source, "FORMAT", "goes on after the end of the collection")
    _check_crs(source, _declared(stream.skeleton.get("crs")), "its crs")


def _row(source: Source, keyed: Keyed, number: int, feature: Any) -> Row:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return Row(number, None, compact(feature))
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        return Row(number, None, compact(feature))
    _check_crs(source, properties.get("crs"), f"feature {number}")
    record = dict(properties)
    if "id" in feature:
        record.setdefault("id", feature["id"])
    if feature.get("geometry") is not None:
        record["geometry"] = feature["geometry"]
    return keyed.row(number, record)


def _declared(crs: Any) -> str | None:
    """The name in a `crs` member of the old GeoJSON specification."""
    if isinstance(crs, dict):
        properties = crs.get("properties")
        crs = properties.get("name") if isinstance(properties, dict) else None
    return crs if isinstance(crs, str) else None


def _check_crs(source: Source, declared: Any, place: str) -> None:
    expected = source.feed.delivery.crs
    if expected is None or not isinstance(declared, str) or not declared.strip():
        return
    if system_of(declared) != expected:
        raise _refused(
            source,
            "CRS",
            f"declares {declared[:60]}, the contract {expected}",
            place,
            "ask which of the two is right, and correct the contract or the file",
        )


def system_of(name: str) -> str | None:
    """The coordinate system of a name such as `urn:ogc:def:crs:OGC:1.3:CRS84` or `GCJ-02`."""
    words = [re.sub(r"[^a-z0-9]", "", w) for w in name.lower().split(":")]
    last = words[-1]
    return next((s for s, names in _SYSTEMS.items() if last in names), None)


def _refused(
    source: Source, reason: str, what: str, why: str = "", todo: str = ""
) -> DeliveryRefused:
    return DeliveryRefused(
        what,
        reason=reason,
        where=source.file_name,
        why=why,
        todo=todo or "ask for the file again",
    )
