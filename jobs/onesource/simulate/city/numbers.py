"""Resident ID numbers (GB 11643-1999), made for many people at once, with right check digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Objects = NDArray[Any]
Ints = NDArray[np.int64]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


def texts(values: list[str]) -> Objects:
    """An array of Python texts, whose elements may have any length."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def numbers(codes: Ints, dates: Ints, sequences: Ints) -> Objects:
    """18 characters each from a six-digit code, a date as yyyymmdd and a sequence below 1000."""
    whole = (codes * 100_000_000 + dates) * 1000 + sequences
    total = np.zeros(len(whole), dtype=np.int64)
    for i, weight in enumerate(WEIGHTS):
        total += whole // 10 ** (16 - i) % 10 * weight
    return texts([f"{n:017d}{CHECKS[r]}" for n, r in zip(whole, total % 11, strict=True)])


def check_digit(first17: str) -> str:
    return CHECKS[sum(int(c) * w for c, w in zip(first17, WEIGHTS, strict=True)) % 11]


def rank_within(*keys: Ints) -> Ints:
    """0, 1, … for each element among those with the same keys, in their order."""
    if not len(keys[0]):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort(tuple(reversed(keys)))
    new = np.ones(len(order), dtype=bool)
    new[1:] = False
    for key in keys:
        k = key[order]
        new[1:] |= k[1:] != k[:-1]
    starts = np.flatnonzero(new)
    ranks = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    out = np.empty(len(order), dtype=np.int64)
    out[order] = ranks
    return out


def scattered(index: Ints, multiplier: int, width: int) -> list[str]:
    """A register's own running numbers: all different, in no order that shows the index.

    multiplier: odd and no multiple of 5, so that this is one to one below 10^width.
    """
    mod = 10**width
    return [f"{(int(i) * multiplier + 7_654_321) % mod:0{width}d}" for i in index]
