"""Which numbers are identifiers: pure checks of digits, one by one.

Resident IDs: GB 11643-1999. Organisations, which must not be taken for persons: GB 32100-2015.
Cards: ISO/IEC 7812 (Luhn) with the issuers that Chinese banks use. A random number of 18 digits is
a valid resident ID of some province with probability 1.4e-5 (34 of 90 first pairs, dates of 127
years, one check digit of eleven), and of a county that ever was with 3e-7.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from functools import lru_cache

from onesource.clean.standardisers.checked import (
    ALPHABET,
    BODY_ALPHABET,
    BODY_WEIGHTS,
    USCC_WEIGHTS,
)
from onesource.clean.standardisers.resident import CHECK_DIGITS, WEIGHTS

# GB/T 2260: provinces; 81 to 83: residence permits, whose numbers are made alike.
PROVINCES = frozenset(
    map(
        str,
        (
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            *(71, 81, 82, 83),
        ),
    )
)
FIRST_BIRTH = 1900
# Ministry of Industry and Information Technology, numbering plan for mobile services, 2024.
MOBILE = re.compile(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}", re.ASCII)
# What will be given out next is not known: the rest of 13 to 19 counts for less, not for nothing.
ANY_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
# 62 UnionPay; older cards of the large banks; Visa, Mastercard, JCB of 16 digits.
_CARD_CN = re.compile(r"(?:62|60[13]|68|69|9558|436742)\d+", re.ASCII)
_CARD_WORLD = re.compile(r"(?:4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|35)\d+", re.ASCII)


@lru_cache(maxsize=100_000)
def is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def id_check(first17: str) -> str:
    """The check character of the 17 digits."""
    total = sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True))
    return CHECK_DIGITS[total % 11]


def born(text: str, last_year: int) -> bool:
    """Whether eight digits are a birth date of somebody who may live, or has not been dead long."""
    year = int(text[:4])
    return FIRST_BIRTH <= year <= last_year and is_day(year, int(text[4:6]), int(text[6:8]))


def is_id18(text: str, last_year: int) -> bool:
    """18 characters, digits and perhaps an X: province, birth date, check character."""
    return (
        text[:2] in PROVINCES
        and born(text[6:14], last_year)
        and id_check(text[:17]) == text[17].upper()
    )


def is_id15(text: str) -> bool:
    """15 digits of before 1999: province and a birth date of the 20th century (or, for people
    above a hundred, the 19th)."""
    month, day = int(text[8:10]), int(text[10:12])
    return (
        text[:2] in PROVINCES
        and 1 <= month <= 12
        and text[12:] != "000"
        and is_day(1900 + int(text[6:8]), month, day)
    )


def known(code: str, divisions: Collection[str]) -> bool:
    """Whether six digits were ever a division; permits count. Without a list the province tells."""
    if not divisions:
        return code[:2] in PROVINCES
    return code in divisions or code in ("810000", "820000", "830000")


def is_mobile(text: str) -> bool:
    return MOBILE.fullmatch(text) is not None


def luhn(text: str) -> bool:
    total = 0
    for i, c in enumerate(reversed(text)):
        d = int(c) << (i & 1)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def is_card(text: str) -> bool:
    """16 to 19 digits of a known issuer with a right last digit, not one digit again and again."""
    issued = _CARD_CN.fullmatch(text) or (len(text) == 16 and _CARD_WORLD.fullmatch(text))
    return bool(issued) and len(set(text)) > 3 and luhn(text)


def is_uscc(text: str) -> bool:
    """18 characters with both check characters right, that of the code and of the body inside."""
    text = text.upper()
    if len(text) != 18 or not text[2:8].isdigit() or any(c not in ALPHABET for c in text):
        return False
    total = sum(ALPHABET.index(c) * w for c, w in zip(text[:17], USCC_WEIGHTS, strict=True))
    if text[17] != ALPHABET[(31 - total % 31) % 31]:
        return False
    inner = sum(BODY_ALPHABET.index(c) * w for c, w in zip(text[8:16], BODY_WEIGHTS, strict=True))
    return text[16] == "0X987654321"[inner % 11]


def has_registration_check(text: str) -> bool:
    """Whether 15 digits are a business registration number of before 2015 (ISO 7064 MOD 11,10).

    They are public, begin with a division code, too, and one 15-digit ID in ten passes.
    """
    p = 10
    for c in text[:14]:
        s = (int(c) + p) % 10 or 10
        p = (s * 2) % 11
    return (p + int(text[14])) % 10 == 1
