"""The registers of land: silver's rows with the county in which each thing lies and its holder.

The county is found as for mines (`onesource.registry.places`); a hint that contradicts it is a
question. The holder is the organisation with the unified code, else with the name in the county.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean.silver import visible
from onesource.registry.organisation.records import name_key
from onesource.registry.places import (
    CONFLICT_COLUMNS,
    Fields,
    boundaries_of,
    conflicts,
    public,
    registry_index,
    with_county,
)

_PERIODS = ("valid_from", "valid_to", "known_from", "known_to")


def build_mining_right(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """Rights to mine, and the questions about their places."""
    columns = (
        "right_no", "holder_name", "holder_uscc", "mine_name", "mineral", "scale_t_per_year",
        "area_m2", "right_from", "right_to", "right_status", "longitude", "latitude",
    )  # fmt: skip
    return _register("mining_right", "right_no", columns, inputs, ctx, name="mine_name")


def build_parcel(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """Land units of organisations."""
    columns = (
        "unit_no", "use_code", "area_m2", "right_kind", "holder_name", "holder_uscc", "right_to",
        "status", "address", "longitude", "latitude",
    )  # fmt: skip
    return _register("parcel", "unit_no", columns, inputs, ctx)


def build_forest(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """Forest plots."""
    columns = (
        "plot_no", "forest_kind", "protection", "species", "area_m2", "holder_name", "holder_uscc",
        "longitude", "latitude",
    )  # fmt: skip
    return _register("forest", "plot_no", columns, inputs, ctx)


def build_water_body(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame]:
    """Rivers, reservoirs and lakes."""
    columns = (
        "water_no", "name", "water_kind", "grade", "length_km", "area_m2", "holder_name",
        "holder_uscc", "longitude", "latitude",
    )  # fmt: skip
    return _register("water_body", "water_no", columns, inputs, ctx)


def _register(
    subject: str,
    key: str,
    columns: tuple[str, ...],
    inputs: Mapping[str, DataFrame],
    ctx: Any,
    name: str | None = None,
) -> dict[str, DataFrame]:
    feed = f"base_{subject}"
    rows = visible(inputs[f"silver.{feed}"])
    if subject == "water_body":
        rows = rows.withColumnsRenamed(
            {"manager_name": "holder_name", "manager_uscc": "holder_uscc"}
        )
    address = "address" if "address" in rows.columns else None
    kept = dict.fromkeys((*columns, *([address] if address else []), *_PERIODS))
    rows = rows.select(*kept, F.col("county_code").alias("_claim"))
    # `with_county` gives the county's own columns; an index row is named by key and periods.
    fields = Fields("longitude", "latitude", address, "_claim", name)
    found = with_county(rows, fields, registry_index(inputs, ctx), boundaries_of(inputs))
    found = _with_holder(found, inputs["registry.organisation"])
    table = f"registry.{subject}"
    held = public(found, (*columns, "org_id", "org_rule", *_PERIODS))
    open_rows = found.where("valid_to IS NULL AND known_to IS NULL")
    return {
        table: held,
        "conflicts": conflicts(open_rows, table, key, _owner(ctx, f"base.{subject}")).select(
            *CONFLICT_COLUMNS
        ),
    }


def _owner(ctx: Any, feed: str) -> str:
    """The department that keeps the register, by the name it has on the day."""
    contract = ctx.catalogue.feeds[feed]
    uscc = contract.properties.provider_uscc or ""
    return str(ctx.catalogue.city.department(uscc, ctx.day.isoformat()) or uscc)


def _with_holder(found: DataFrame, organisations: DataFrame) -> DataFrame:
    """Adds `org_id, org_rule`: by the unified code, else by the name in the county."""
    now = organisations.where("valid_to IS NULL AND known_to IS NULL")
    coded = now.where("uscc IS NOT NULL").select(
        F.col("uscc").alias("holder_uscc"), F.col("org_id").alias("_by_code")
    )
    named = (
        now.groupBy("county_code", name_key("name").alias("_holder"))
        .agg(F.min("org_id").alias("_by_name"), F.count("*").alias("_n"))
        .where("_n = 1 AND _holder IS NOT NULL")
        .drop("_n")
    )
    joined = (
        found.withColumn("_holder", name_key("holder_name"))
        .join(coded, "holder_uscc", "left")
        .join(named, ["county_code", "_holder"], "left")
    )
    rule = (
        "CASE WHEN _by_code IS NOT NULL THEN 'uscc' "
        "WHEN _by_name IS NOT NULL THEN 'name_county' END"
    )
    return joined.withColumns(
        {"org_id": F.coalesce("_by_code", "_by_name"), "org_rule": F.expr(rule)}
    ).drop("_by_code", "_by_name", "_holder")
