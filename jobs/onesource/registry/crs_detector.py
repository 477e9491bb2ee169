"""In which coordinate system a batch of points with claimed counties is.

The points are looked up twice: as they stand (WGS-84), and shifted back from GCJ-02. The reading
under which more of them lie in the county that they claim wins, if the shares differ by more than
5 points; else it is unknown. A shift of 600 m shows only near borders, so this needs many points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry import crs
from onesource.registry.points import Boundaries, Floats, Values, arrow_function, floats

# Points of agreement that decide; the domain chapter on coordinates.
DECISIVE_POINTS = 5.0
_COUNTS = ("points", "wgs84", "gcj02")


@dataclass(frozen=True)
class Agreement:
    """Of `points` with a claimed county, how many lie in it read as WGS-84, as GCJ-02."""

    points: int
    wgs84: int
    gcj02: int

    @property
    def verdict(self) -> str:
        """`wgs84`, `gcj02` or `unknown`."""
        if not self.points:
            return "unknown"
        apart = 100.0 * (self.wgs84 - self.gcj02) / self.points
        if abs(apart) <= DECISIVE_POINTS:
            return "unknown"
        return "wgs84" if apart > 0 else "gcj02"


def readings(
    boundaries: Boundaries, lon: Floats, lat: Floats, claimed: Sequence[str | None]
) -> list[tuple[int, int, int]]:
    """For each point three times 0 or 1: it counts, agrees as WGS-84, agrees as GCJ-02."""
    as_wgs, _, _ = boundaries.locate(lon, lat)
    as_gcj, _, _ = boundaries.locate(*crs.gcj_to_wgs(lon, lat))
    known = set(boundaries.codes)
    rows = []
    for x, code, wgs, gcj in zip(lon.tolist(), claimed, as_wgs, as_gcj, strict=True):
        counts = code in known and bool(np.isfinite(x))
        rows.append((int(counts), int(counts and wgs == code), int(counts and gcj == code)))
    return rows


def agreement(
    boundaries: Boundaries, lon: Floats, lat: Floats, claimed: Sequence[str | None]
) -> Agreement:
    """The sums over a batch. claimed: 12-digit county codes, None where the row names none."""
    rows = readings(boundaries, lon, lat, claimed)
    return Agreement(*(sum(r[i] for r in rows) for i in range(3)))


def detect_crs(
    frame: DataFrame, boundaries: Boundaries, lon: str, lat: str, claimed: str, by: Sequence[str]
) -> DataFrame:
    """Per group of `by` (for example `_delivery_id`): points, both agreements, `verdict`.

    claimed: the column with the 12-digit code of the county that the row names.
    """

    def of_batch(x: Values, y: Values, code: Values) -> Values:
        rows = readings(boundaries, floats(x), floats(y), code.to_pylist())
        counts = [pa.array([r[i] for r in rows], pa.int64()) for i in range(3)]
        return pa.StructArray.from_arrays(counts, names=list(_COUNTS))

    udf = arrow_function(of_batch, ", ".join(f"{n} bigint" for n in _COUNTS))
    read = udf(F.col(lon).cast("double"), F.col(lat).cast("double"), F.col(claimed))
    counted = (
        frame.select(*by, read.alias("_read"))
        .groupBy(*by)
        .agg(*(F.sum(f"_read.{n}").alias(n) for n in _COUNTS))
    )
    apart = F.lit(100.0) * (F.col("wgs84") - F.col("gcj02")) / F.col("points")
    undecided = (F.col("points") == 0) | (F.abs(apart) <= DECISIVE_POINTS)
    verdict = F.when(undecided, "unknown").when(apart > 0, "wgs84").otherwise("gcj02")
    return counted.withColumn("verdict", verdict)
