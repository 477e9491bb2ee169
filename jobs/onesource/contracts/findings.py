"""What `onesource check` found: one line each, with the place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from onesource.errors import OneSourceError


class Weight(StrEnum):
    """`error` refuses (exit 2); `warning` is looked at; `note` is only said."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing found. where: `path:line`, or a table."""

    weight: Weight
    where: str
    what: str
    todo: str = ""

    def line(self) -> str:
        hint = f"; {self.todo}" if self.todo else ""
        return " ".join(f"{self.weight.value}: {self.where}: {self.what}{hint}".split())


def of_error(e: OneSourceError, where: str = "") -> Finding:
    """An error that was raised, as a finding; `where` holds for errors without a place."""
    what = f"{e.what} ({e.why})" if e.why else e.what
    return Finding(Weight.ERROR, e.where or where, what, e.todo)


def shortened(found: list[Finding], home: Path) -> list[Finding]:
    """The findings without repetition, places relative to the project's folder, errors first."""
    order = list(Weight)
    prefix = f"{home}/"
    short = {
        Finding(f.weight, f.where.removeprefix(prefix), f.what.replace(prefix, ""), f.todo): None
        for f in found
    }
    return sorted(short, key=lambda f: (order.index(f.weight), _place(f.where)))


def _place(where: str) -> tuple[str, int]:
    path, _, line = where.rpartition(":")
    return (path, int(line)) if path and line.isdigit() else (where, 0)
