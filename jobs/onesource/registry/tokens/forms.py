"""The forms in which an ID number can come: 18 digits, and the 15 of before 1999 (GB 11643)."""

from __future__ import annotations

import re

from onesource.clean.standardisers.resident import CHECK_DIGITS, WEIGHTS
from onesource.person_keys import canonical

# Sequence numbers that 15 digits kept for those born in the 1800s.
_BORN_1800S = ("996", "997", "998", "999")


def forms(number: str) -> list[str]:
    """The forms in which a number can come: itself, and its 15 or 18 digits."""
    own = canonical(number)
    if re.fullmatch(r"[1-9]\d{5}19\d{9}[\dX]", own):
        return [own, own[:6] + own[8:17]]
    if re.fullmatch(r"[1-9]\d{14}", own):
        century = "18" if own[12:] in _BORN_1800S else "19"
        return [own, _with_check(own[:6] + century + own[6:])]
    return [own] if own else []


def _with_check(n17: str) -> str:
    total = sum(int(d) * w for d, w in zip(n17, WEIGHTS, strict=True))
    return n17 + CHECK_DIGITS[total % 11]
