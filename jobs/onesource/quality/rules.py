"""What a rule is: one thing that must hold of a table, and what happens when it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from onesource.contracts.model import Contract
from onesource.quality import vocabulary


class Phase(StrEnum):
    """When a rule is judged: on the staged rows, or on the new version before it is served."""

    BATCH = "batch"
    TABLE = "table"


class Severity(StrEnum):
    """What a failure does; see expectations/README.md."""

    ROW = "row"
    FLAG = "flag"
    HOLD = "hold"
    WARN = "warn"


class Dimension(StrEnum):
    """The six quality dimensions of GB/T 36344-2018."""

    ACCURACY = "accuracy"
    COMPLETENESS = "completeness"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    VALIDITY = "validity"
    ACCESSIBILITY = "accessibility"


# Chinese names of the dimensions, as the standard has them.
DIMENSION_ZH = {
    Dimension.ACCURACY: "准确性",
    Dimension.COMPLETENESS: "完整性",
    Dimension.CONSISTENCY: "一致性",
    Dimension.TIMELINESS: "时效性",
    Dimension.VALIDITY: "规范性",
    Dimension.ACCESSIBILITY: "可访问性",
}
OWNERS = ("provider", "steward", "onesource")


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a table.

    id: unique within table and phase. expectation, kwargs: Great Expectations' own type and
    arguments. owner: who must act. origin: `contract`, or `file:line`. field: the one that an
    issue is laid on. report: columns of the failing rows that the result may name. needs: other
    served tables that the SQL reads. floor: the bound while history is unknown, and the least
    ever. by: the date field by which `valid_from` (from this day) and `valid_to` (until before
    this day) are applied. judged_in_staging: the row was already rejected when its values were
    standardised; the gate only counts. per_delivery: judged for each delivery of the batch.
    tolerate: so many unexpected rows are never a failure. sensitive: speaks of a field that
    names a person, so that no value of it may stand in a result. condition: the row condition of
    an SQL rule that looks at one row alone. within: the columns in which rows agree that any other
    SQL reads together. key: the contract's key, by which the rows that any other SQL finds are
    found again.
    """

    id: str
    table: str
    expectation: str
    kwargs: Mapping[str, Any]
    on: Phase
    severity: Severity
    dimension: Dimension
    owner: str
    zh: str
    en: str
    origin: str = "contract"
    field: str | None = None
    report: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    floor: float | None = None
    by: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    judged_in_staging: bool = False
    per_delivery: bool = False
    tolerate: int = 0
    sensitive: bool = False
    condition: str | None = None
    within: tuple[str, ...] = ()
    key: tuple[str, ...] = ()

    @property
    def spec(self) -> vocabulary.Expectation:
        return vocabulary.EXPECTATIONS[self.expectation]

    def holds_on(self, day: date) -> bool:
        """Is the rule in force on this day? One that looks at the rows' own date always is."""
        if self.by:
            return True
        text = day.isoformat()
        return (self.valid_from or "") <= text and (not self.valid_to or text < self.valid_to)


def of_phase(rules: Sequence[Rule], phase: Phase, day: date) -> list[Rule]:
    """The rules of one phase that are in force on a day."""
    return [r for r in rules if r.on is phase and r.holds_on(day)]


def sensitive_fields(contract: Contract) -> frozenset[str]:
    """Fields whose values name or mark a person: they never stand in a result."""
    return frozenset(
        f.name
        for f in contract.fields
        if f.properties.identifier != "none" or f.properties.personal is not None
    )
