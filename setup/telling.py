"""How set-up speaks: one line each, on standard error, so that output stays the command's own."""

from __future__ import annotations

import sys


class SetupError(Exception):
    """What is missing, in one line, and what to do."""


def say(text: str) -> None:
    print(f"onesource set-up: {text}", file=sys.stderr, flush=True)


class Counter:
    """Shows `n of total` while something long goes on: in place on a terminal, else seldom."""

    def __init__(self, total: int, words: str) -> None:
        self.total, self.words, self.n = total, words, 0
        self._terminal = sys.stderr.isatty()

    def step(self) -> None:
        self.n += 1
        text = f"  {self.words}: {min(self.n, self.total)} of {self.total}"
        if self._terminal:
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
        elif self.n % 25 == 0:
            say(text)

    def end(self) -> None:
        if self._terminal and self.n:
            print(file=sys.stderr, flush=True)
