"""Which faults are planted, how often, and the record of every one.

A rate is the chance for one thing: a report (a county's workbook of a day), a row of it, a
point of a station, a row of the mine list. `real` is what departments' files look like; `heavy`
is for tests that need many of each.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import yaml

from onesource.errors import UsageError
from onesource.simulate.city.kinds import PERSON_KINDS, PERSON_PROFILES

# kind → (what it is, what must become of it)
KINDS: Mapping[str, tuple[str, str]] = {
    # a county's workbook
    "unit_10kt": ("the sheet is in 万吨 and says so", "read"),
    "correction": ("a row was wrong; a corrected workbook comes the next night", "replaced"),
    "missing_report": ("no workbook came", "missing"),
    "late_report": ("the workbook comes two nights late", "read"),
    "resent": ("the same bytes again under another name", "known"),
    "swapped_nights": ("two days' workbooks under each other's name; right ones follow", "held"),
    "zipped": ("the workbook comes in a zip", "read"),
    # a row of a workbook
    "name_variant": ("the mine's name is written in another way", "read"),
    "thousands": ("12,345 as text", "read"),
    "full_width": ("digits in full width", "read"),
    "dash": ("— or / or 无 for nothing", "read"),
    "unit_unlabelled": ("one row in 万吨 on a sheet in 吨", "flagged"),
    "spike": ("ten times the true output", "flagged"),
    "negative": ("an output below zero", "quarantined"),
    "bad_uscc": ("a credit code with a wrong check digit", "quarantined"),
    "month_not_reset": ("the month's sum goes on from the month before", "flagged"),
    # stations
    "gap": ("a quarter of an hour is missing", "counted"),
    "repeated_point": ("a quarter of an hour stands twice", "superseded"),
    "negative_night": ("power below zero at night", "flagged"),
    "above_capacity": ("power above 1.02 times the capacity", "flagged"),
    # the mine list
    "shifted_row": ("the cells after the opening year moved left by one", "quarantined"),
}
_LIGHT = {
    "unit_10kt": 0.08,
    "correction": 0.03,
    "name_variant": 0.02,
    "thousands": 0.02,
    "gap": 0.002,
}
_REAL = {
    "unit_10kt": 0.17,
    "correction": 0.06,
    "missing_report": 0.02,
    "late_report": 0.03,
    "resent": 0.03,
    "swapped_nights": 0.01,
    "zipped": 0.10,
    "name_variant": 0.05,
    "thousands": 0.03,
    "full_width": 0.02,
    "dash": 0.05,
    "unit_unlabelled": 0.003,
    "spike": 0.002,
    "negative": 0.002,
    "bad_uscc": 0.002,
    "month_not_reset": 0.002,
    "gap": 0.004,
    "repeated_point": 0.002,
    "negative_night": 0.004,
    "above_capacity": 0.002,
    "shifted_row": 0.01,
}
PROFILES: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "light": _LIGHT,
    "real": _REAL,
    "heavy": {k: min(0.4, v * 4) for k, v in _REAL.items()},
}


def rates(profile: str) -> dict[str, float]:
    """The rates of a named profile, or of a YAML file `kind: rate`. Raises UsageError."""
    return _rates(profile, KINDS, PROFILES)


def person_rates(profile: str) -> dict[str, float]:
    """The same for the kinds of the person feeds; one file may name kinds of both."""
    return _rates(profile, PERSON_KINDS, PERSON_PROFILES)


def _rates(
    profile: str, kinds: Mapping[str, tuple[str, str]], profiles: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    if profile in profiles:
        return {kind: profiles[profile].get(kind, 0.0) for kind in kinds}
    path = Path(profile)
    if not path.is_file():
        known = ", ".join(profiles)
        raise UsageError(f"there are no faults {profile}", todo=f"one of {known}, or a YAML file")
    raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(raw, dict):
        raise UsageError("is no mapping of kind to rate", where=profile)
    from onesource.simulate.orgs.faults import KINDS as ORG_KINDS  # which knows this module

    every = {**KINDS, **PERSON_KINDS, **ORG_KINDS}
    for kind, rate in raw.items():
        if kind not in every:
            raise UsageError(
                f"there is no fault {kind}", where=profile, todo=f"one of {', '.join(every)}"
            )
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise UsageError(f"the rate of {kind} is not between 0 and 1", where=profile)
    return {kind: float(raw.get(kind, 0.0)) for kind in kinds}


@dataclass(frozen=True)
class Fault:
    """One planted fault. `file` is relative to the deliveries; line as the reader counts it."""

    kind: str
    file: str
    sheet: str = ""
    line: int | None = None
    key: str = ""
    day: str = ""
    field: str = ""
    written: str = ""
    true_value: str = ""
    expected: str = ""


@dataclass
class Ledger:
    """All faults of a simulation, in the order in which they were planted."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        expected = fault.expected or KINDS[fault.kind][1]
        self.faults.append(Fault(**{**asdict(fault), "expected": expected}))

    def write(self, path: Path) -> None:
        write_csv(path, [f.name for f in fields(Fault)], [asdict(f) for f in self.faults])


def write_csv(path: Path, header: list[str], rows: list[dict[str, object]]) -> None:
    """UTF-8, LF, one header row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
