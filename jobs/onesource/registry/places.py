"""In which county a thing stands, from every hint its record gives, and where the hints disagree.

Hints, and how far each goes: the point (in a polygon of `registry.boundary`), the address (read
from the largest unit down), the county that the source claims, and the county in a firm's own
name (where it was registered, not where it works). The first that is sure decides:

1. a point inside a county, unless the source calls its position approximate;
2. the claimed county; 3. the address; 4. any other point (near a border, or approximate);
5. the name.

A hint that names another county than the one chosen is a conflict, and a question to the
department. Where the point lies within 500 m of the other county too, the question says so: the
two may agree within the tolerance of the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.clean.geography.index import DivisionIndex, read_crosswalk, read_national
from onesource.clean.geography.names import clean, level_of, stem
from onesource.clean.geography.resolve import Resolver
from onesource.registry.points import (
    Boundaries,
    Values,
    arrow_function,
    located,
    supports_claim,
)

# The order in which hints are asked for agreement; also the order of conflicts.
HINTS = ("point", "claim", "address", "name")
_WORDS = {
    "point": ("坐标落点", "the point"),
    "claim": ("来源所称", "the county claimed"),
    "address": ("地址", "the address"),
    "name": ("名称", "the name"),
}
# says, but, the question, the remark on a point near the border of both, and what joins hints.
_PHRASES = (
    ("为 ", "，而", "：请核实所在县（市、区）", "（两者相距不足 500 米，在容差内）", "、"),
    (
        " says ",
        ", but ",
        ": which county is it in?",
        " (less than 500 m away, within tolerance)",
        " and ",
    ),
)
CONFLICT_COLUMNS = (
    "registry",
    "entity",
    "attribute",
    "value_a",
    "source_a",
    "value_b",
    "source_b",
    "owner",
    "detail_zh",
    "detail_en",
)


class Fields(NamedTuple):
    """Columns of the frame that hold the hints; None where the source has none."""

    lon: str
    lat: str
    address: str | None = None
    claim: str | None = None
    name: str | None = None
    accuracy: str | None = None


def registry_index(inputs: Mapping[str, DataFrame], ctx: Any) -> DivisionIndex:
    """The divisions as they are believed now, down to villages.

    Reference data of one city (some 5,000 rows), collected once and sent to the workers. Former
    codes and other provinces come from the code lists (`ctx.settings.schemas`).
    """
    now = inputs["registry.division"].where(F.col("known_to").isNull())
    rows = now.select("code", "name", "valid_from", "valid_to", "known_to").collect()
    steps = inputs["registry.division_successor"].collect()
    codelists = ctx.settings.schemas / "codelists"
    return DivisionIndex.from_rows(
        (r.asDict() for r in rows),
        (s.asDict() for s in steps),
        read_crosswalk(codelists / "division_crosswalk.csv"),
        read_national(codelists / "gb2260.csv"),
    )


def name_heads(index: DivisionIndex) -> dict[str, str]:
    """Names with which a firm's name may begin (full and short) → code of the division."""
    heads: dict[str, str] = {}
    for versions in index.versions.values():
        for v in versions:
            if v.level in ("province", "city", "county") and index.covers_or_contains(v.code):
                heads[v.name] = v.code
                if len(stem(v.name)) > 1:
                    heads[stem(v.name)] = v.code
    return heads


def county_in_name(heads: Mapping[str, str], name: str | None) -> str | None:
    """The county with which a firm's name begins, after province and city: 山西柳林大庄煤矿 → 柳林.

    Only what stands first counts: 山西吕梁离石交口煤业 is registered in 离石, not in 交口.
    """
    text = clean(name or "")
    while text:
        best = max((h for h in heads if text.startswith(h)), key=len, default="")
        if not best:
            return None
        code = heads[best]
        if level_of(code) == "county":
            return code
        text = text[len(best) :]
    return None


def with_county(
    frame: DataFrame, fields: Fields, index: DivisionIndex, boundaries: Boundaries | None
) -> DataFrame:
    """Adds `county_code, county_method, county_by_point, point_method, point_distance_m,
    county_by_claim, county_by_address, county_by_name, is_disputed, is_within_tolerance`.

    Without boundaries `county_by_point` is null and `point_method` says `no_boundary`.
    """
    lon, lat = F.col(fields.lon), F.col(fields.lat)
    if boundaries is None or not boundaries.codes:
        point = F.lit(None).cast("struct<code:string,method:string,distance_m:double>")
    else:
        point = located(boundaries)(lon, lat)
    read = _resolver_function(index)
    none = F.lit(None).cast("string")
    hints = read(*(F.col(c) if c else none for c in (fields.claim, fields.address, fields.name)))
    found = frame.withColumns({"_point": point, "_hints": hints}).withColumns(
        {
            "county_by_point": F.col("_point.code"),
            "point_method": F.coalesce("_point.method", F.lit("no_boundary")),
            "point_distance_m": F.col("_point.distance_m"),
            **{f"county_by_{h}": F.col(f"_hints.{h}") for h in HINTS[1:]},
        }
    )
    vague = F.lower(F.col(fields.accuracy)) == "approximate" if fields.accuracy else F.lit(False)
    sure = F.col("point_method").isin("inside", "border") & ~F.coalesce(vague, F.lit(False))
    order = {
        "point": F.when(sure, F.col("county_by_point")),
        "claim": F.col("county_by_claim"),
        "address": F.col("county_by_address"),
        "point_near": F.col("county_by_point"),
        "name": F.col("county_by_name"),
    }
    method = F.coalesce(*(F.when(c.isNotNull(), F.lit(m)) for m, c in order.items()))
    found = found.withColumns({"county_method": method, "county_code": F.coalesce(*order.values())})
    return _disputes(found, boundaries, lon, lat).drop("_point", "_hints")


def _disputes(
    found: DataFrame, boundaries: Boundaries | None, lon: Column, lat: Column
) -> DataFrame:
    """`_against`: the hints that contradict the county chosen; `_near`: those of them that do so
    by less than 500 m."""
    against, near = [], []
    for hint in HINTS:
        other = F.col(f"county_by_{hint}")
        differs = other.isNotNull() & (other != F.col("county_code"))
        against.append(F.when(differs, F.lit(hint)))
        if boundaries is not None and boundaries.codes:
            # For a point that was not chosen, the county to be near to is the chosen one.
            claimed = F.col("county_code") if hint == "point" else other
            close = supports_claim(boundaries)(lon, lat, claimed)
            near.append(F.when(differs & F.coalesce(close, F.lit(False)), F.lit(hint)))
    found = found.withColumns(
        {
            "_against": F.array_compact(F.array(*against)),
            "_near": F.array_compact(F.array(*near, F.lit(None).cast("string"))),
        }
    )
    return found.withColumns(
        {
            "is_disputed": F.size("_against") > 0,
            "is_within_tolerance": F.when(
                F.size("_against") > 0, F.size("_against") == F.size("_near")
            ),
        }
    )


def _resolver_function(index: DivisionIndex) -> Any:
    """Columns claim, address, name → struct of 12-digit county codes of the same names."""

    def of_batch(claim: Values, address: Values, name: Values) -> Values:
        resolver = Resolver(index)
        claims = [resolver.resolve(c, None, level="county").code for c in claim.to_pylist()]
        addresses = [resolver.resolve(a, None, level="county").code for a in address.to_pylist()]
        heads = name_heads(index)
        names = [county_in_name(heads, n) for n in name.to_pylist()]
        return pa.StructArray.from_arrays(
            [pa.array(v, pa.string()) for v in (claims, addresses, names)],
            names=list(HINTS[1:]),
        )

    return arrow_function(of_batch, "claim string, address string, name string")


def conflicts(found: DataFrame, registry: str, entity: str, owner: str) -> DataFrame:
    """One row per thing and county that contradicts the one chosen, with all hints that name it.

    found: as `with_county` leaves it. `source_b` lists the hints: `address,name`.
    """
    chosen = F.when(F.col("county_method") == "point_near", "point").otherwise(
        F.col("county_method")
    )
    hint = F.col("hint")
    other = F.coalesce(*(F.when(hint == h, F.col(f"county_by_{h}")) for h in HINTS))
    place = F.coalesce(*(F.when(hint == h, F.lit(i)) for i, h in enumerate(HINTS)))
    rows = (
        found.withColumn("hint", F.explode("_against"))
        .select(
            F.col(entity).alias("entity"),
            F.col("county_code").alias("value_a"),
            chosen.alias("source_a"),
            other.alias("value_b"),
            F.struct(place.alias("place"), "hint").alias("hint"),
            F.array_contains("_near", hint).alias("is_near"),
        )
        .groupBy("entity", "value_a", "source_a", "value_b")
        .agg(F.sort_array(F.collect_set("hint")).alias("hints"), F.max("is_near").alias("is_near"))
        .withColumn("hints", F.col("hints.hint"))
    )
    return rows.select(
        F.lit(registry).alias("registry"),
        "entity",
        F.lit("county_code").alias("attribute"),
        "value_a",
        "source_a",
        "value_b",
        F.concat_ws(",", "hints").alias("source_b"),
        F.lit(owner).alias("owner"),
        _sentence(0).alias("detail_zh"),
        _sentence(1).alias("detail_en"),
    )


def _sentence(language: int) -> Column:
    """The question in Chinese (0) or English (1), over the columns of one conflict."""

    def word(hint: Column) -> Column:
        return F.coalesce(*(F.when(hint == h, F.lit(_WORDS[h][language])) for h in HINTS))

    *phrases, joint = _PHRASES[language]
    says, but, ask, near = (F.lit(p) for p in phrases)
    others = F.array_join(F.transform("hints", word), joint)
    close = F.when(F.col("is_near"), near).otherwise("")
    first = word(F.col("source_a"))
    return F.concat(first, says, "value_a", but, others, says, "value_b", close, ask)


def boundaries_of(inputs: Mapping[str, DataFrame]) -> Boundaries | None:
    """The county polygons, where `registry.boundary` is served."""
    table = inputs.get("registry.boundary")
    return Boundaries.collect(table) if table is not None else None


def public(found: DataFrame, columns: Iterable[str]) -> DataFrame:
    """The registry's own columns plus what `with_county` found."""
    return found.select(
        *columns,
        "county_code",
        "county_method",
        "county_by_point",
        "point_method",
        F.round("point_distance_m", 1).cast("decimal(8,1)").alias("point_distance_m"),
        "county_by_claim",
        "county_by_address",
        "county_by_name",
        "is_disputed",
        "is_within_tolerance",
    )
