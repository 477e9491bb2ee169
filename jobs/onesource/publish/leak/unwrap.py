"""One text in all the guises in which it may hold another: what a reader, a browser or a parser
would make of it.

`plain` brings digits, letters and blanks of every script and width to ASCII and drops what cannot
be seen. `readings` gives the plain text, and what escapes and base64 in it stand for.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

# Escapes in escapes: %2531 is %31 is 1.
ROUNDS = 3
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－⁃ー"), "-")
_DROPPED = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5"
    "\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff"
    "\\uffa0\\ufff9-\\ufffb\\U000e0000-\\U000e0fff]"
)
_OTHER_DIGIT = re.compile(r"[^\W\D0-9]")
_UNICODE = re.compile(
    r"\\+u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))|\\+x([0-9a-fA-F]{2})|_x([0-9a-fA-F]{4})_"
)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ENTITY = re.compile(r"&(?:#\d|#[xX][0-9a-fA-F]|[a-zA-Z]{2,8};)")
# Digits in threes in base64, at any of the three ways in which they can fall on its four letters.
DIGITS_IN_BASE64 = "(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){3}"
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_LOOKS_BASE64 = re.compile(f"{DIGITS_IN_BASE64}|=$")


def plain(text: str) -> str:
    """The text in NFKC with ASCII digits, hyphens and blanks, less what has no width."""
    if text.isascii():
        return _DROPPED.sub("", text)
    text = _DROPPED.sub("", text)
    text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    # NFKC makes an ordinary blank of U+00A0 and U+3000; U+1680 and U+2028 stay and part words.
    return _OTHER_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0], m[0])), text)


def readings(text: str, *, depth: int = 2) -> Iterator[str]:
    """The text made plain, then each further text that it stands for, each once.

    One kind of escape is undone at a time: what stood before an escape (a bare `%b`) could
    otherwise swallow what the escape stands for.
    """
    seen: set[str] = set()
    now = text
    for _ in range(ROUNDS + 1):
        before = now
        for undone in (now, *_steps(now)):
            shown = plain(undone)
            now = undone
            if shown in seen:
                continue
            seen.add(shown)
            yield shown
            if depth > 0:
                for inner in _decoded(shown):
                    yield from readings(inner, depth=depth - 1)
        if now == before:
            break


def _steps(text: str) -> Iterator[str]:
    """The text with one kind of escape undone after the other; percent last, in GB18030 and in
    UTF-8, each with bytes that do not fit passed over."""
    if "\\" in text or "_x" in text:
        text = _UNICODE.sub(_character, text)
        yield text
    if _ENTITY.search(text):
        text = html.unescape(text)
        yield text
    if "%" in text:
        for encoding in ("gb18030", "utf-8"):
            yield _PERCENT.sub(_bytes_in(encoding), text)


def _bytes_in(encoding: str) -> Callable[[re.Match[str]], str]:
    return lambda m: unquote_to_bytes(m[0]).decode(encoding, "replace")


def _character(m: re.Match[str]) -> str:
    code = int(m[1] or m[2] or m[3] or m[4], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"


def _decoded(text: str) -> Iterator[str]:
    for m in _BASE64.finditer(text):
        token = m[0]
        if _LOOKS_BASE64.search(token) or text[max(0, m.start() - 7) : m.start()] == "base64,":
            yield from _from_base64(token)


def _from_base64(token: str) -> Iterator[str]:
    """A token is tried from each of four places: what stands before it may have stuck to it."""
    body = token.rstrip("=").replace("-", "+").replace("_", "/")
    for start in range(4):
        part = body[start:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            raw = base64.b64decode(part + "=" * (-len(part) % 4))
        except (binascii.Error, ValueError):
            continue
        yield as_text(raw)


def as_text(raw: bytes) -> str:
    """Bytes as text: UTF-8, UTF-16 where every second byte is zero or a mark says so, GB18030,
    else byte by byte. Never raises: what is looked for is ASCII in most of them."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    zeros = raw[:4096].count(0)
    if zeros * 4 > len(raw[:4096]) > 0:
        little = raw[1:4096:2].count(0) >= raw[0:4096:2].count(0)
        return raw.decode("utf-16-le" if little else "utf-16-be", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
