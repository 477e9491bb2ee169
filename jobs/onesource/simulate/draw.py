"""Random numbers that depend on the seed and on what they are for, and on nothing else.

Each purpose has its own stream, so that adding a fault or a station changes no other number.
"""

from __future__ import annotations

import random


def stream(seed: int, *purpose: object) -> random.Random:
    """The stream of one purpose: `stream(7, "coal", "141125", "2024-01-03")`.

    Random seeds a text by its SHA-512, which is the same on every platform.
    """
    return random.Random("/".join(map(str, (seed, *purpose))))
