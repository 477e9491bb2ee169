"""The words of the leak gate: what a dataset may show, and what was found.

A finding never holds the value that was found, nor a label (file, sheet, column) that holds one:
it goes to an audit table and into logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a finding is about."""

    RESIDENT_ID = "resident_id"
    MOBILE = "mobile"
    PLATE = "plate"
    BANK_CARD = "bank_card"
    PERSON_NAME = "person_name"
    COORDINATE = "coordinate"
    LANDING_TOKEN = "landing_token"
    ENCODING = "encoding"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown_type"
    ARCHIVE = "archive"


class Confidence(StrEnum):
    """`STOP` stops the dataset (without one, the release); `WARN` is for a person."""

    STOP = "stop"
    WARN = "warn"


# Without a word in the contract: two decimals of a degree, about 1 km, as for incidents.
DEFAULT_DECIMALS = 2


@dataclass(frozen=True)
class Allowance:
    """What the contract of one open dataset allows to be seen.

    `lawful_names`: column → legal basis for publishing persons' names in it; an empty basis allows
    nothing. `titles`: column → its Chinese name, by which sheets and pages show it.
    `coordinate_decimals`: the finest coordinates allowed, in decimals of a degree; None: the
    contract says nothing, and DEFAULT_DECIMALS holds.
    """

    lawful_names: Mapping[str, str] = field(default_factory=dict)
    coordinate_decimals: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict)

    def decimals(self) -> int:
        return DEFAULT_DECIMALS if self.coordinate_decimals is None else self.coordinate_decimals

    def names_allowed(self, headings: tuple[str, ...]) -> bool:
        """Whether one of a column's headings is a column whose names are public by law."""
        lawful = {c for c, basis in self.lawful_names.items() if basis.strip()}
        shown = lawful | {self.titles[c] for c in lawful if c in self.titles}
        return any(h.strip() in shown for h in headings)


@dataclass(frozen=True)
class Finding:
    """What stands where it must not: `count` times in this column, at `place` first."""

    dataset: str | None
    file: str
    place: str
    kind: Kind
    confidence: Confidence
    masked: str
    count: int = 1

    def line(self) -> str:
        """One line for a log."""
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{self.confidence} {self.kind} {where}{more}: {self.masked}"


@dataclass(frozen=True)
class Hit:
    """One candidate in a text. `sure`: what it would count as, alone. `shape`: what numbers of the
    same look are counted, to tell chance from a column of such numbers ('' where none are)."""

    kind: Kind
    sure: bool
    length: int
    shape: str = ""
    note: str = ""

    def masked(self) -> str:
        length = f"{self.length} characters" if self.length else ""
        told = ", ".join(t for t in (length, self.note) if t)
        return f"{'*' * min(self.length, 24)} ({told})".strip()
