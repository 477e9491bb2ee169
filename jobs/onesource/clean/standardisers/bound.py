"""A use of a standardiser with everything found that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onesource.clean.standardisers.model import Stage, Standardiser


@dataclass(frozen=True)
class Bound:
    """Which column, which standardiser, its stages, its fixed arguments, and those by row
    (`$out` of another use, a fixed value, or None)."""

    column: str
    out: str
    standardiser: Standardiser
    stages: Sequence[Stage]
    fixed: Mapping[str, str]
    by_row: Mapping[str, str | None]

    @property
    def needs(self) -> set[str]:
        return {v[1:] for v in self.by_row.values() if v and v.startswith("$")}
