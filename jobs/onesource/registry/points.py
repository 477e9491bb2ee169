"""In which division a point lies.

Border rule: a point inside one polygon belongs to it; a point on a border, or inside several
polygons that overlap, belongs to the one with the smallest code; a point outside all of them but
within 500 m of one belongs to the nearest (`near`), again the smallest code of equally near ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

Floats = npt.NDArray[np.float64]
Values: TypeAlias = Any  # a pyarrow array

TOLERANCE_M = 500.0
# 500 m in degrees, generously (a degree of longitude at 45° N is 79 km).
_MARGIN = 0.0075
_M_PER_DEGREE = 111_320.0
LOCATED = "code string, method string, distance_m double"


@dataclass(frozen=True)
class Boundaries:
    """Polygons of one level in WGS-84, sorted by code. Travels to workers as text."""

    codes: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False)

    @classmethod
    def collect(cls, registry: DataFrame, level: str = "county") -> Boundaries:
        """The primary, valid polygons of a level of `registry.boundary`.

        Reference data: as many rows as there are divisions of the level, whatever the points.
        """
        rows = (
            registry.where(F.col("is_primary") & F.col("is_valid") & (F.col("level") == level))
            .select("code", "geometry")
            .orderBy("code")
            .collect()
        )
        return cls(tuple(r["code"] for r in rows), tuple(r["geometry"] for r in rows))

    @cached_property
    def shapes(self) -> list[Any]:
        shapes = [shapely.from_wkt(t) for t in self.texts]
        for shape in shapes:
            shapely.prepare(shape)
        return shapes

    @cached_property
    def planes(self) -> list[tuple[Any, Floats]]:
        """Each polygon in metres, scaled at its middle latitude, and the scale: right to 2 % for
        distances of some kilometres, for polygons of up to 3 degrees of latitude."""
        planes = []
        for shape in self.shapes:
            _, south, _, north = shape.bounds
            middle = np.radians((south + north) / 2)
            scale = np.array([_M_PER_DEGREE * np.cos(middle), _M_PER_DEGREE])
            plane = shapely.transform(shape, lambda points, scale=scale: points * scale)
            shapely.prepare(plane)
            planes.append((plane, scale))
        return planes

    def __getstate__(self) -> dict[str, Any]:
        return {"codes": self.codes, "texts": self.texts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _near_box(self, i: int, lon: Floats, lat: Floats, margin: float) -> npt.NDArray[np.intp]:
        west, south, east, north = self.shapes[i].bounds
        hit = (lon >= west - margin) & (lon <= east + margin)
        hit &= (lat >= south - margin) & (lat <= north + margin)
        return np.flatnonzero(hit)

    def locate(
        self, lon: Floats, lat: Floats
    ) -> tuple[list[str | None], list[str], list[float | None]]:
        """For each point (WGS-84 degrees): code, method and metres to the polygon.

        Methods: `inside`, `border`, `near`, `outside`, `no_point` (null or no degrees).
        """
        n = len(lon)
        found = np.full(n, -1, dtype=np.intp)
        method = np.full(n, "outside", dtype=object)
        usable = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
        usable &= ~((lon == 0) & (lat == 0))
        method[~usable] = "no_point"
        for way, test in (("inside", shapely.contains_xy), ("border", shapely.intersects_xy)):
            for i, shape in enumerate(self.shapes):
                at = self._near_box(i, lon, lat, 0.0)
                at = at[(found[at] < 0) & usable[at]]
                hit = at[test(shape, lon[at], lat[at])] if len(at) else at
                found[hit], method[hit] = i, way
        metres = np.where(found >= 0, 0.0, np.inf)
        self._add_near(lon, lat, (found < 0) & usable, found, metres)
        method[(method == "outside") & (found >= 0)] = "near"
        codes = [self.codes[f] if f >= 0 else None for f in found]
        return codes, [str(m) for m in method], [float(d) if d < np.inf else None for d in metres]

    def _add_near(
        self,
        lon: Floats,
        lat: Floats,
        open_: npt.NDArray[np.bool_],
        found: npt.NDArray[np.intp],
        metres: Floats,
    ) -> None:
        """Puts the nearest polygon within 500 m and its distance to the points still open."""
        for i in range(len(self.codes)):
            at = self._near_box(i, lon, lat, _MARGIN)
            at = at[open_[at]]
            if len(at):
                away = np.round(self._metres(i, lon[at], lat[at]), 1)
                closer = (away <= TOLERANCE_M) & (away < metres[at])
                found[at[closer]], metres[at[closer]] = i, away[closer]

    def _metres(self, i: int, lon: Floats, lat: Floats) -> Floats:
        """Metres to a polygon, 0 inside; infinite beyond the tolerance (with a metre to spare)."""
        plane, scale = self.planes[i]
        points = shapely.points(np.column_stack([lon, lat]) * scale)
        away = np.full(len(lon), np.inf)
        close = np.flatnonzero(shapely.dwithin(plane, points, TOLERANCE_M + 1))
        away[close] = shapely.distance(plane, points[close])
        return away

    def within_tolerance(
        self, lon: Floats, lat: Floats, claimed: Sequence[str | None]
    ) -> list[bool | None]:
        """Does each point lie in the division it claims, or within 500 m of it? None: unknown."""
        codes = np.array([c or "" for c in claimed], dtype=object)
        answers = np.full(len(codes), None, dtype=object)
        finite = np.isfinite(lon) & np.isfinite(lat)
        for i, code in enumerate(self.codes):
            at = np.flatnonzero((codes == code) & finite)
            if len(at):
                answers[at] = self._metres(i, lon[at], lat[at]) <= TOLERANCE_M
        return [None if a is None else bool(a) for a in answers]


def arrow_function(f: Callable[..., Values], returns: str) -> Callable[..., Column]:
    """A function of Arrow arrays as a function of columns; runs batch by batch.

    Wrapped in a lambda without type hints, from which Spark would guess another kind of function.
    """
    make: Any = arrow_udf
    return cast("Callable[..., Column]", make(lambda *columns: f(*columns), returns))


def located(boundaries: Boundaries) -> Callable[[Column, Column], Column]:
    """A function of (lon, lat) columns in WGS-84 degrees → struct `code, method, distance_m`."""

    def of_batch(lon: Values, lat: Values) -> Values:
        codes, methods, metres = boundaries.locate(floats(lon), floats(lat))
        return pa.StructArray.from_arrays(
            [
                pa.array(codes, pa.string()),
                pa.array(methods, pa.string()),
                pa.array(metres, pa.float64()),
            ],
            names=["code", "method", "distance_m"],
        )

    udf = arrow_function(of_batch, LOCATED)
    return lambda lon, lat: udf(lon.cast("double"), lat.cast("double"))


def supports_claim(boundaries: Boundaries) -> Callable[[Column, Column, Column], Column]:
    """A function of (lon, lat, claimed code) columns → boolean: inside it or within 500 m."""

    def of_batch(lon: Values, lat: Values, claimed: Values) -> Values:
        answers = boundaries.within_tolerance(floats(lon), floats(lat), claimed.to_pylist())
        return pa.array(answers, pa.bool_())

    udf = arrow_function(of_batch, "boolean")
    return lambda lon, lat, claimed: udf(lon.cast("double"), lat.cast("double"), claimed)


def floats(values: Values) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
