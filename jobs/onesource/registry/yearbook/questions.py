"""All checks together, and the questions that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from onesource.registry.yearbook import by_source, by_years
from onesource.registry.yearbook.figures import Book, Bounds, Doubt, Spot

# A difference of definition is asked about, but the figure may be right: it still stands as a
# neighbour of others.
_STILL_TRUSTED = "POPULATION_BASIS_DIFFERS"


def find_doubts(
    values: Mapping[Spot, float], counted: Mapping[str, tuple[float, ...]], bounds: Bounds
) -> list[Doubt]:
    """Every doubt, one a figure and reason, in order of figure and reason.

    values: printed figures. counted: county → persons in by_source.CENSUS_YEARS; may be empty.
    What a second source contradicts is left out when the county's years are compared, so that
    one wrong year does not put its neighbours in doubt.
    """
    book = Book(values, bounds)
    people = by_source.Populations(book)
    first = [
        *by_source.population_doubts(people),
        *by_source.implied_doubts(people),
        *by_source.census_doubts(book, counted),
        *by_source.row_doubts(book),
    ]
    doubted = {d.spot for d in first if d.reason != _STILL_TRUSTED}
    return _once(
        [
            *first,
            *by_years.neighbour_doubts(book, doubted),
            *by_years.jump_doubts(book, doubted),
            *by_years.drift_doubts(people, doubted),
            *by_years.repeated_doubts(book),
            *by_years.magnitude_doubts(book),
            *by_years.coverage_doubts(book),
        ]
    )


def _once(doubts: Iterable[Doubt]) -> list[Doubt]:
    """One doubt a figure and reason; what is known of it from any is kept."""
    kept: dict[tuple[Spot, str], Doubt] = {}
    for doubt in doubts:
        seen = kept.setdefault((doubt.spot, doubt.reason), doubt)
        kept[doubt.spot, doubt.reason] = replace(
            seen,
            expected=doubt.expected if seen.expected is None else seen.expected,
            like=doubt.like if seen.like is None else seen.like,
        )
    return [kept[key] for key in sorted(kept)]


def years_asked(doubts: Iterable[Doubt]) -> dict[tuple[str, str, str], tuple[int, ...]]:
    """(county, indicator, reason) → all years: one question to the bureau each."""
    found: dict[tuple[str, str, str], set[int]] = {}
    for d in doubts:
        found.setdefault((d.spot.county, d.spot.indicator, d.reason), set()).add(d.spot.year)
    return {key: tuple(sorted(years)) for key, years in found.items()}
