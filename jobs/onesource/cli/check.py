"""`onesource check`: one line a finding, on standard output."""

from __future__ import annotations

from collections import Counter

from onesource.config import Settings
from onesource.contracts.findings import Weight
from onesource.run.check import check


def check_command(settings: Settings) -> int:
    """Prints the findings and a closing line. Exit code 2 when one is an error, else 0."""
    found = check(settings)
    for finding in found:
        print(finding.line())
    counted = Counter(f.weight for f in found)
    errors = counted[Weight.ERROR]
    rest = f"{counted[Weight.WARNING]} warnings, {counted[Weight.NOTE]} notes"
    print(f"check: {errors} errors, {rest}" if errors else f"check: all right ({rest})")
    return 2 if errors else 0
