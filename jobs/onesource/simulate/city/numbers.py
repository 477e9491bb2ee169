"""Resident ID numbers (GB 11643-1999), made for many people at once, with right check digits."""

from __future__ import annotations

import hashlib
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


def scattered(index: Ints, key: str, width: int) -> list[str]:
    """A register's own running numbers of `width` digits: all different below 10^width, and
    without the key nobody can tell the index from one, or that two registers mean one person.

    A Feistel network over two halves of decimal digits: each round adds to one half what a keyed
    hash makes of the other, so it is one to one.
    """
    left_size, right_size = 10 ** (width // 2), 10 ** (width - width // 2)
    left, right = index // right_size % left_size, index % right_size
    digest = hashlib.sha256(key.encode()).digest()
    for r in range(6):
        secret = int.from_bytes(digest[4 * r : 4 * r + 4], "big") | 1
        if r % 2:
            right = (right + _mixed(left, secret)) % right_size
        else:
            left = (left + _mixed(right, secret)) % left_size
    whole = left * right_size + right
    return [f"{n:0{width}d}" for n in whole.tolist()]


def _mixed(values: Ints, secret: int) -> Ints:
    x = (values.astype(np.uint64) + np.uint64(secret)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(32)
    found: Ints = (x >> np.uint64(2)).astype(np.int64)
    return found
