"""Which faults are planted in the files of organisations and land, and how often.

A rate is the chance for one row; those that begin with `conflict_` contradict another source on
purpose, and each must be found as one question to a department.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from onesource.errors import UsageError
from onesource.simulate import faults as energy

KINDS: Mapping[str, tuple[str, float, str]] = {
    "org_full_width": ("digits and letters in full width", 0.01, "read"),
    "org_spaces": ("blanks of several kinds round and in the name", 0.02, "read"),
    "org_brackets": ("half-width brackets in the name", 0.03, "read"),
    "org_bad_check": ("a unified code with a wrong check character", 0.01, "flagged"),
    "org_no_uscc": ("the unified code is missing", 0.02, "read"),
    "org_county_name": ("the county by its name or its former code", 0.04, "read"),
    "org_date_form": ("a date in another form", 0.05, "read"),
    "org_thousands": ("an amount with separators", 0.02, "read"),
    "org_in_yuan": ("the amount in 元, and the row says so", 0.02, "read"),
    "org_dash": ("— or 无 for nothing", 0.02, "read"),
    "org_repeated_row": ("the same row twice", 0.005, "superseded"),
    "org_test_row": ("a row that somebody made to try the form", 0.0005, "read"),
    "org_other_name": ("another department writes the name in another way", 0.05, "read"),
    "org_twin": ("the register holds the same unified code under two numbers", 0.0005, "ticket"),
    "conflict_tax": ("declares sales after it was struck off", 0.001, "ticket"),
    "conflict_power": ("uses electricity while it rests", 0.02, "ticket"),
    "conflict_name_county": ("its name begins with another county", 0.0005, "ticket"),
    "conflict_capital_unit": ("an amount in 元 under 万元", 0.001, "ticket"),
    "conflict_type": ("registrar and type of the code do not fit the type", 0.0005, "ticket"),
}


def org_rates(profile: str) -> dict[str, float]:
    """The rates of a named profile, or of a YAML file `kind: rate`; kinds of other sectors in the
    file are left to them. Raises UsageError."""
    factor = {"none": 0.0, "light": 0.3, "real": 1.0, "heavy": 4.0}.get(profile)
    if factor is not None:
        return {k: min(0.4, rate * factor) for k, (_, rate, _) in KINDS.items()}
    path = Path(profile)
    if not path.is_file():
        raise UsageError(
            f"there are no faults {profile}", todo="none, light, real, heavy, or a YAML file"
        )
    raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(raw, dict):
        raise UsageError("is no mapping of kind to rate", where=profile)
    for kind, rate in raw.items():
        if (kind in KINDS or kind in energy.KINDS) and not (
            isinstance(rate, int | float) and 0 <= rate <= 1
        ):
            raise UsageError(f"the rate of {kind} is not between 0 and 1", where=profile)
    return {kind: float(raw.get(kind, 0.0)) for kind in KINDS}
