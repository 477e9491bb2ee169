"""Reads JSON in pieces: the elements of one array inside a document of any size.

Numbers keep the text in which they were written (`0.10`, `1e5`, twenty digits), which the usual
streaming parsers lose, and a key that stands twice in an object is an error, never silently the
last one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

from onesource.errors import DeliveryRefused

MAX_VALUE = 64 << 20  # one record or feature; the largest national boundary has some 20 MB
MAX_DEPTH = 100  # the deepest honest answers have some ten levels
_TOKEN = 32  # longer than a number or an escape that the end of the buffer may cut
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Number(str):
    """A JSON number as its text."""


class Duplicate(ValueError):
    """An object names a key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        counts = Counter(k for k, _ in pairs)
        raise Duplicate(next(k for k, n in counts.items() if n > 1))
    return out


DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=Number
)


def compact(value: Any, depth: int = 0) -> str:
    """A nested value as JSON text without spaces; numbers as they were written.

    Raises RecursionError below `MAX_DEPTH` levels: how deep one may go must not depend on the
    caller.
    """
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        inner = (
            f"{json.dumps(k, ensure_ascii=False)}:{compact(v, depth + 1)}" for k, v in value.items()
        )
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(v, depth + 1) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def as_text(value: Any) -> str | None:
    """A value as bronze text: text as it is, null as null, nested values as compact JSON."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Number):
        return str(value)
    return compact(value)


class Stream:
    """A JSON document that is read forward only.

    `skeleton` gathers everything beside the array that was streamed, by dotted path.
    """

    def __init__(self, pieces: Iterator[tuple[str, bool]], file_name: str) -> None:
        self._pieces, self.file_name = pieces, file_name
        self._buffer, self._at, self._last = "", 0, False
        self._lines_before = 1
        self.skeleton: dict[str, Any] = {}

    # -- the text ----------------------------------------------------------------------------

    def _more(self) -> bool:
        """Reads on; False at the end of the file."""
        if self._last:
            return False
        piece, self._last = next(self._pieces)
        self._lines_before += self._buffer.count("\n", 0, self._at)
        self._buffer, self._at = self._buffer[self._at :] + piece, 0
        if len(self._buffer) > MAX_VALUE + (1 << 21):
            raise self._error("CELL", f"a value has more than {MAX_VALUE >> 20} MiB")
        return True

    @property
    def line(self) -> int:
        return self._lines_before + self._buffer.count("\n", 0, self._at)

    def peek(self) -> str:
        """The next character that is no white space; empty at the end of the file."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _expect(self, char: str) -> None:
        found = self.peek()
        if not found:
            raise self.cut_off()
        if found != char:
            raise self._error("FORMAT", f"is no JSON: {char!r} is missing")
        self._at += 1

    def value(self) -> Any:
        """The next whole value. Raises DeliveryRefused; Duplicate for a key that stands twice."""
        if not self.peek():
            raise self.cut_off()
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as e:
                # An error at the end of the buffer (or a string that is open there) may come
                # from a value cut in half; anywhere else it is an error of the file.
                at_end = e.msg.startswith("Unterminated") or e.pos > len(self._buffer) - _TOKEN
                if at_end and self._more():
                    continue
                if at_end and self._open_at_end():
                    raise self.cut_off() from e
                raise self._error("FORMAT", f"is no JSON: {e.msg}") from e
            except RecursionError as e:
                raise self._error("FORMAT", "is nested too deeply") from e
            if end == len(self._buffer) and self._more():
                continue  # a number may go on in the next piece
            self._at = end
            return value

    def _open_at_end(self) -> bool:
        """Is a bracket or a quote still open where the file ends?"""
        rest = _STRING.sub("", self._buffer[self._at :])
        return '"' in rest or sum(map(rest.count, "[{")) > sum(map(rest.count, "]}"))

    def cut_off(self) -> DeliveryRefused:
        return self._error("TRUNCATED", "ends in the middle of a value", "the file was cut off")

    def _error(self, reason: str, what: str, why: str = "") -> DeliveryRefused:
        return DeliveryRefused(
            what,
            reason=reason,
            where=f"{self.file_name}: line {self.line}",
            why=why,
            todo="ask for the file again",
        )

    # -- the structure -----------------------------------------------------------------------

    def array(self) -> Iterator[Any]:
        """The elements of the array that comes next."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            found = self.peek()
            if found == ",":
                self._at += 1
                continue
            self._expect("]")
            return

    def records(self, path: tuple[str, ...], prefix: str = "") -> Generator[Any, None, bool]:
        """The elements of the array at a path inside the object that comes next.

        Everything else is put into `skeleton`. Returns whether the path was there; null there
        means no records. Raises Duplicate for a key that stands twice beside the array.
        """
        found = False
        keys: set[str] = set()
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return found
        while True:
            key = self.value()
            if not isinstance(key, str) or isinstance(key, Number):
                raise self._error("FORMAT", "is no JSON: a key is no text")
            if key in keys:
                raise Duplicate(key)
            keys.add(key)
            self._expect(":")
            here = f"{prefix}{key}"
            if path and key == path[0] and self.peek() in "[{":
                if len(path) == 1:
                    if self.peek() == "{":
                        raise self._error("FORMAT", f"{here} is one object, not a list of records")
                    yield from self.array()
                    found = True
                else:
                    found = (yield from self.records(path[1:], f"{here}.")) or found
            else:
                value = self.value()
                found = found or (path == (key,) and value is None)
                self._keep(here, value)
            if self.peek() == ",":
                self._at += 1
                continue
            self._expect("}")
            return found

    def _keep(self, path: str, value: Any) -> None:
        self.skeleton[path] = value
        if isinstance(value, dict):
            for k, v in value.items():
                self._keep(f"{path}.{k}", v)
