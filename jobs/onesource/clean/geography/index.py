"""The register of divisions in memory: versions by code and by name, and the way through time.

Made once from rows of `registry.division` and `registry.division_successor`, or from a folder of
snapshots where no registry has been built yet; then only read. It holds no open file and no
session, so that it can travel to Arrow workers.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from onesource.clean.geography import history
from onesource.clean.geography.names import core, level_of, variant
from onesource.clean.geography.successors import chain
from onesource.errors import ContractError

_SNAPSHOT = re.compile(r".*divisions?_(\d{4})-?(\d{2})-?(\d{2})\.csv")
FOREVER = date(9999, 12, 31)


class Version(NamedTuple):
    """One state of a division. `source`: register, crosswalk (former codes) or gb2260."""

    code: str
    name: str
    level: str
    valid_from: date | None
    valid_to: date | None
    source: str = "register"

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


class Step(NamedTuple):
    """One edge of the successor table, as the resolver walks it."""

    event: str
    old_code: str
    new_code: str | None
    weight: float
    method: str
    confidence: float
    on: date


class Crosswalk(NamedTuple):
    """A code of before the first snapshot and the code that its unit has in the register."""

    code: str
    name: str
    current_code: str


@dataclass
class DivisionIndex:
    """Look-ups by code, by name and through time. Build it with one of the class methods."""

    versions: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    by_variant: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    by_core: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    forward: dict[tuple[str, date], list[Step]] = field(default_factory=lambda: defaultdict(list))
    backward: dict[tuple[str, date], list[Step]] = field(default_factory=lambda: defaultdict(list))
    former: dict[str, Crosswalk] = field(default_factory=dict)
    former_names: dict[str, str] = field(default_factory=dict)
    # By the first two characters: no reading of a name that begins so is longer.
    longest: dict[str, int] = field(default_factory=dict)
    first_day: date = FOREVER  # of the register: nothing is known of earlier days
    areas: set[str] = field(default_factory=set)  # prefectures (4 digits) that the register covers

    @classmethod
    def from_rows(
        cls,
        divisions: Iterable[Mapping[str, Any]],
        successors: Iterable[Mapping[str, Any]] = (),
        crosswalk: Iterable[Crosswalk] = (),
        national: Iterable[Version] = (),
    ) -> DivisionIndex:
        """From rows of the two registry tables.

        Division rows need `code, name, valid_from, valid_to`; those whose `known_to` is set are
        passed over. Successor rows need `event, old_code, new_code, weight, method, confidence,
        snapshot_after`.
        """
        index = cls()
        for row in divisions:
            if row.get("known_to") is None:
                code = str(row["code"])
                index._add(
                    Version(
                        code,
                        str(row["name"]),
                        level_of(code),
                        row["valid_from"],
                        row["valid_to"],
                    )
                )
        for row in successors:
            if row["old_code"] is not None:
                index._link(
                    Step(
                        str(row["event"]),
                        str(row["old_code"]),
                        row["new_code"],
                        float(row["weight"] or 0),
                        str(row["method"]),
                        float(row["confidence"]),
                        row["snapshot_after"],
                    )
                )
        for old in crosswalk:
            index.former[old.code.ljust(12, "0")] = old
            index._begins(variant(old.name))
            index.former_names.setdefault(variant(old.name), old.current_code.ljust(12, "0"))
        for version in national:
            if version.code[:4] not in index.areas and version.code not in index.former:
                index._add(version)
        return index

    @classmethod
    def from_snapshots(cls, folder: Path, codelists: Path | None = None) -> DivisionIndex:
        """From `…divisions_YYYYMMDD.csv` files (code, name, parent_code), one per snapshot.

        `codelists`: the folder of code lists, for former codes and for other prefectures.
        Raises ContractError where the folder holds no snapshot.
        """
        snapshots = sorted(read_snapshots(folder))
        if not snapshots:
            raise ContractError(
                "no snapshot of divisions here",
                where=str(folder),
                todo="files are named luliang_divisions_YYYYMMDD.csv",
            )
        rows = (v._asdict() for v in history.validities(snapshots))
        events = (e._asdict() for e in chain(snapshots))
        crosswalk = read_crosswalk(codelists / "division_crosswalk.csv") if codelists else ()
        national = read_national(codelists / "gb2260.csv") if codelists else ()
        return cls.from_rows(rows, events, crosswalk, national)

    def _add(self, version: Version) -> None:
        self.versions[version.code].append(version)
        self.by_name[version.name].append(version)
        self._begins(version.name)
        self.by_variant[variant(version.name)].append(version)
        bare = core(version.name, version.level)
        if len(bare) > 1:  # 兴 alone is not 兴县
            self.by_core[bare].append(version)
        if version.source == "register":
            self.areas.add(version.code[:4])
            if version.valid_from is not None:
                self.first_day = min(self.first_day, version.valid_from)

    def _begins(self, name: str) -> None:
        # Every reading (`fullname`) keeps the first two characters, and none is longer than the
        # name by more than 4: 上村村民委员会 for 上村委会, 滨河街道办事处 for 滨河街道.
        self.longest[name[:2]] = max(self.longest.get(name[:2], 0), min(len(name) + 4, 24))

    def _link(self, step: Step) -> None:
        self.forward[step.old_code, step.on].append(step)
        if step.new_code:
            self.backward[step.new_code, step.on].append(step)

    def on(self, code: str, day: date) -> Version | None:
        """The state of a code on a day."""
        for version in self.versions.get(code, ()):
            if version.holds_on(day):
                return version
        return None

    def day_for(self, code: str, day: date | None) -> tuple[date, bool]:
        """The day on which a code is looked up, and whether it had to be moved.

        Without a day: the latest state. A day before the register begins is moved to its first
        snapshot, since the register says nothing of earlier days.
        """
        if day is None:
            return FOREVER, False
        if code[:4] in self.areas and day < self.first_day:
            return self.first_day, True
        return day, False

    def covers_or_contains(self, code: str) -> bool:
        """Does the unit lie in an area of the register, or an area of it in the unit?"""
        head = code[:2] if level_of(code) == "province" else code[:4]
        return any(area.startswith(head) for area in self.areas)


def read_snapshots(folder: Path) -> Iterator[tuple[date, history.Holding]]:
    """The snapshots of a folder, with the day that the file name says."""
    for path in sorted(folder.glob("*.csv")):
        found = _SNAPSHOT.fullmatch(path.name)
        if not found:
            continue
        with path.open(encoding="utf-8-sig", newline="") as lines:
            holding = {
                row["code"]: history.state(row["name"], row["parent_code"])
                for row in csv.DictReader(lines)
            }
        yield date(*(int(part) for part in found.groups())), holding


def _remarked(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a code list; lines that begin with # are remarks."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def read_crosswalk(path: Path) -> list[Crosswalk]:
    """Former codes with the current code of the same unit: `code,name,…,current_code`."""
    if not path.exists():
        return []
    return [Crosswalk(r["code"], r["name"], r["current_code"]) for r in _remarked(path)]


def read_national(path: Path) -> list[Version]:
    """Every six-digit code that was ever used (GB/T 2260), with the days of its validity."""
    if not path.exists():
        return []

    def day(text: str | None) -> date | None:
        # A bare year is the first of January of it.
        return date.fromisoformat(text if len(text) > 4 else f"{text}-01-01") if text else None

    versions = []
    for row in _remarked(path):
        code = row["code"].ljust(12, "0")
        starts, ends = day(row.get("valid_from")), day(row.get("valid_to"))
        versions.append(Version(code, row["name"], level_of(code), starts, ends, "gb2260"))
    return versions
