"""What became of a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    PASSED = "passed"  # a new version was made and passed its gates
    UNCHANGED = "unchanged"  # nothing new to do
    HELD = "held"  # a gate held it; what was served before stays
    WAITING = "waiting"  # an input was never served
    FAILED = "failed"  # an error stopped it


@dataclass(frozen=True)
class StepResult:
    """One table of one run. held: deliveries that a gate holds, with the reason (zh, en)."""

    table: str
    status: Status
    version: int | None = None
    rows: int | None = None
    seconds: float = 0.0
    reason_zh: str = ""
    reason_en: str = ""
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    taken: int = 0

    @property
    def is_held(self) -> bool:
        return self.status is Status.HELD or bool(self.held)
