"""Synthetic unified social credit codes: well-formed, with valid check digits, nobody's own.

Rules: GB 32100-2015 (the code), GB 11714 (the organisation code inside).
"""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def organisation_code(first8: str) -> str:
    """The nine characters of GB 11714 from the first eight."""
    values = (int(c) if c.isdigit() else ord(c) - 55 for c in first8)
    check = 11 - sum(v * w for v, w in zip(values, _BODY_WEIGHTS, strict=True)) % 11
    return first8 + {10: "X", 11: "0"}.get(check, str(check))


def uscc(kind: str, division: str, first8: str) -> str:
    """The 18 characters for a registrar and type such as `91`, a county and an organisation."""
    head = kind + division + organisation_code(first8)
    total = sum(_ALPHABET.index(c) * w for c, w in zip(head, _WEIGHTS, strict=True))
    return head + _ALPHABET[(31 - total % 31) % 31]


def with_wrong_check(code: str) -> str:
    """The same code with a check digit that cannot be right."""
    last = _ALPHABET[(_ALPHABET.index(code[-1]) + 1) % 31]
    return code[:-1] + last
