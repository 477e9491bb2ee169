"""`registry.county_year_question`: the year-book values that are doubted, and whom to ask.

The source has real errors and marks none. Values stay as printed in `silver.base_county_yearbook`;
here stands what contradicts them, by county and year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from onesource.clean.silver import visible
from onesource.contracts.model import CodeList
from onesource.registry.yearbook.by_source import CENSUS_YEARS
from onesource.registry.yearbook.figures import PRINTED, Bounds, Doubt, Spot
from onesource.registry.yearbook.questions import find_doubts, years_asked

TABLE = "registry.county_year_question"
YEARBOOK, CENSUS = "silver.base_county_yearbook", "silver.base_county_census"
OWNER = "市统计局"
_SOURCES = ("统计年鉴", "交叉校核")
_SCHEMA = (
    "county_code string, county_name string, year int, attribute string, attribute_name string, "
    "reason string, reason_zh string, value double, expected_value double, "
    "like_county_code string, like_county_name string, question_zh string, question_en string"
)
_CONFLICTS = (
    "registry string, entity string, attribute string, value_a string, source_a string, "
    "value_b string, source_b string, owner string, detail_zh string, detail_en string"
)


def build(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, DataFrame]:
    """Reads the year-book and, if served, the censuses; bounds and words from the code lists
    `yearbook_checks` and `yearbook_reason`.

    The year-book is some tens of rows a county: it is judged in the driver. Also returns
    `conflicts`: one question a county, indicator and reason, for all its years.
    """
    lists = ctx.catalogue.codelists
    bounds = Bounds(lists["yearbook_checks"])
    values = printed(inputs[YEARBOOK])
    doubts = find_doubts(values, counted(inputs.get(CENSUS)), bounds)
    words = Words(bounds, lists["yearbook_reason"], _names(lists.get("county"), ctx.day))
    rows = [words.row(d, values.get(d.spot)) for d in doubts]
    asked = [words.conflict(*key, years) for key, years in sorted(years_asked(doubts).items())]
    return {
        TABLE: spark.createDataFrame(rows, _SCHEMA),
        "conflicts": spark.createDataFrame(asked, _CONFLICTS),
    }


def printed(yearbook: DataFrame) -> dict[Spot, float]:
    """The printed figures; each series fills its own columns of a county and year."""
    rows = visible(yearbook).select("county_code", "year", *PRINTED).collect()
    return {
        Spot(name, r["county_code"][:6], int(r["year"])): float(r[name])
        for r in rows
        for name in PRINTED
        if r[name] is not None
    }


def counted(census: DataFrame | None) -> dict[str, tuple[float, ...]]:
    """County → persons in CENSUS_YEARS; 0 for a count that is missing."""
    if census is None:
        return {}
    names = [f"population_{y}" for y in CENSUS_YEARS[:-1]]
    names.append(f"population_{CENSUS_YEARS[-1]}_estimate")
    rows = visible(census).select("county_code", *names).collect()
    return {r["county_code"][:6]: tuple(float(r[n] or 0) for n in names) for r in rows}


def _names(counties: CodeList | None, day: date) -> dict[str, str]:
    rows: Sequence[Any] = counties.rows if counties else ()
    return {r.code: r.name for r in rows if not r.valid_to or r.valid_to > day.isoformat()}


class Words:
    """A doubt in Chinese and English."""

    def __init__(self, bounds: Bounds, reasons: CodeList, counties: Mapping[str, str]) -> None:
        self.bounds, self.counties = bounds, counties
        self.reasons = {r.code: (r.name, r.extra["english"]) for r in reasons.rows}

    def row(self, d: Doubt, value: float | None) -> tuple[object, ...]:
        """A row of the table, in the order of its schema."""
        indicator, code, year = d.spot
        county, like = self._county(code), self._county(d.like) if d.like else None
        name, (zh, en) = self._indicator(indicator, year), self.reasons[d.reason]
        tail_zh = f"，接近{like}" if like else ""
        tail_en = f" (near {d.like})" if like else ""
        return (
            code, county, year, indicator, name, d.reason, zh, value, d.expected, d.like, like,
            f"{county}{year}年{name}：{zh}{tail_zh}",
            f"{code}, {year}, {indicator}: {en}{tail_en}",
        )  # fmt: skip

    def conflict(
        self, code: str, indicator: str, reason: str, years: Sequence[int]
    ) -> tuple[str, ...]:
        """A question of `registry.ticket`: the county, the indicator, its years, the reason."""
        zh, en = self.reasons[reason]
        asked = ",".join(map(str, years))
        name = self._indicator(indicator, years[0])
        return (
            TABLE, code, indicator, asked, _SOURCES[0], reason, _SOURCES[1], OWNER,
            f"{self._county(code)}“{name}”{'、'.join(map(str, years))}年存疑：{zh}",
            f"{indicator} of {code} in {', '.join(map(str, years))}: {en}",
        )  # fmt: skip

    def _county(self, code: str) -> str:
        return self.counties.get(code, code)

    def _indicator(self, indicator: str, year: int) -> str:
        bound = self.bounds.at(indicator, year)
        return bound.name if bound else indicator
