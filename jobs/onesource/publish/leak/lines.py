"""Texts without columns: line after line, in blocks; JSON and Markdown tables by their keys too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa

from onesource.publish.leak import names, words
from onesource.publish.leak.columns import Looking, Values, finer_than, matches
from onesource.publish.leak.headings import COORDINATE_WORDS, Column, column
from onesource.publish.leak.model import Allowance, Hit, Kind
from onesource.publish.leak.unwrap import as_text, readings

_BLOCK = 4 << 20
_PIECE, _OVERLAP = 16_384, 512
_KEY = re.compile(
    r'"(?P<key>(?:[^"\\]|\\.){1,80})"\s{0,4}:\s{0,4}'
    r'(?:"(?P<text>(?:[^"\\]|\\.){0,200})"|(?P<number>-?\d+\.\d+))'
)
_KEYED = (
    rf'"(?i:{names.HEADINGS_ZH}|{names.HEADINGS_EN}|{COORDINATE_WORDS})"[ \t]*:|\\u[0-9a-fA-F]{{4}}'
)
_GEOMETRY = re.compile(r"\[\s*(-?\d+\.\d+)\s*,\s*(-?\d+(?:\.\d+)?)")
_GEOMETRY_KEY = re.compile(
    r'"(?:coordinates|bbox)"\s*:\s*[\[\s]*(-?\d+\.\d+)\s*,\s*(-?\d+(?:\.\d+)?)'
)
_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")


def look_at_text(text: str, place: str, to: Looking, *, alone: bool = True) -> None:
    """One short text at a known place. `alone=False`: an end of a range, judged by what is sure."""
    for hit in words.look(text, to.against, to.decimals):
        if alone or (hit.sure and not hit.shape):
            to.out.add(hit, place)


def look_at_bytes(raw: bytes, place: str, to: Looking) -> None:
    """Bytes of unknown encoding, as text and, where they are none, the words in them."""
    look_at_text(as_text(raw), place, to)
    if b"\x00" in raw:
        look_at_text(raw.decode("latin-1"), place, to)


def look_at_lines(
    raw: IO[bytes], allowance: Allowance, to: Looking, *, encoding: str, json: str = ""
) -> None:
    """A text file. `json`: "json" or "geojson", whose keys and geometries are looked at as well.

    `encoding` "mixed": every line for itself, in UTF-8, GB18030 or UTF-16.
    """
    table: list[str] | None = None
    before = ""
    for first, block in _blocks(raw, encoding):
        pieces = list(_pieces(first, block))
        texts = pa.array([t for _, t in pieces], pa.large_string())
        for i in _flagged(texts, words.flag_text(to.decimals)):
            number, text = pieces[i]
            for hit in words.look(text, to.against, to.decimals):
                to.out.add(hit, f"line {number}")
        if json:
            _look_at_json(pieces, texts, json, allowance, to)
        else:
            for number, text in pieces:
                table, before = _markdown(number, text, table, before, allowance, to)


def _flagged(texts: Values, pattern: str) -> list[int]:
    found: list[int] = np.flatnonzero(matches(texts, pattern)).tolist()
    return found


def _blocks(raw: IO[bytes], encoding: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, lines) of blocks of some megabytes."""
    if encoding.startswith("utf-16"):
        yield from _wide_blocks(raw, encoding)
        return
    number, rest = 1, b""
    while chunk := raw.read(_BLOCK):
        chunk = rest + chunk
        cut = chunk.rfind(b"\n") + 1
        if cut == 0 and len(chunk) < 4 * _BLOCK:
            rest = chunk
            continue
        cut = cut or len(chunk)
        rest = chunk[cut:] if cut < len(chunk) else chunk[-_OVERLAP:] if cut > 3 * _BLOCK else b""
        found = _decoded(chunk[:cut], encoding)
        yield number, found
        number += chunk[:cut].count(b"\n")
    if rest:
        yield number, _decoded(rest, encoding)


def _decoded(chunk: bytes, encoding: str) -> list[str]:
    if encoding == "mixed":
        return [as_text(line) for line in chunk.split(b"\n")]
    return chunk.decode(encoding, "replace").split("\n")


def _wide_blocks(raw: IO[bytes], encoding: str) -> Iterator[tuple[int, list[str]]]:
    number, rest = 1, ""
    while chunk := raw.read(_BLOCK):
        text = rest + chunk.decode(encoding, "replace")
        cut = text.rfind("\n") + 1 or len(text)
        yield number, text[:cut].split("\n")
        number += text[:cut].count("\n")
        rest = text[cut:]
    if rest:
        yield number, [rest]


def _pieces(first: int, block: list[str]) -> Iterator[tuple[int, str]]:
    """Lines; of very long ones pieces that overlap, so that nothing falls between two."""
    for i, line in enumerate(block):
        if len(line) <= _PIECE:
            yield first + i, line
        else:
            for start in range(0, len(line), _PIECE - _OVERLAP):
                yield first + i, line[start : start + _PIECE]


def _look_at_json(
    pieces: list[tuple[int, str]], texts: Values, json: str, allowance: Allowance, to: Looking
) -> None:
    known: dict[str, Column] = {}
    for i in _flagged(texts, _KEYED):
        number, text = pieces[i]
        for reading in readings(text, depth=0):
            for m in _KEY.finditer(reading):
                key = m["key"]
                if key not in known:
                    known[key] = column((key,), allowance, to.against)
                _key_and_value(m, known[key], f"line {number}", to)
    geometry = _GEOMETRY if json == "geojson" else _GEOMETRY_KEY
    for i in _flagged(texts, finer_than(to.decimals)):
        number, text = pieces[i]
        for m in geometry.finditer(text):
            if _is_place(m[1], m[2]) and any(words.finer(p, to.decimals) for p in (m[1], m[2])):
                hit = Hit(Kind.COORDINATE, True, len(m[0]), note="in a geometry")
                to.out.add(hit, f"line {number}")


def _is_place(one: str, two: str) -> bool:
    return abs(float(one)) <= 180 and abs(float(two)) <= 180


def _key_and_value(m: re.Match[str], one: Column, place: str, to: Looking) -> None:
    value = m["text"] if m["text"] is not None else m["number"]
    if one.is_person and names.is_name(value):
        hit = Hit(Kind.PERSON_NAME, True, len(value), note="under a heading of persons")
        to.out.add(hit, f"{place}, {one.place}", one)
    if one.is_coordinate:
        for n in words.NUMBER.findall(value):
            if abs(float(n)) <= 180 and words.finer(n, to.decimals):
                hit = Hit(Kind.COORDINATE, True, len(n))
                to.out.add(hit, f"{place}, {one.place}", one)


def _markdown(
    number: int,
    text: str,
    table: list[str] | None,
    before: str,
    allowance: Allowance,
    to: Looking,
) -> tuple[list[str] | None, str]:
    """Rows of a Markdown table under headings that say a person."""
    if "|" not in text:
        return None, text
    if table is None:
        return (
            ([c.strip() for c in before.strip(" |").split("|")], text)
            if _RULE.match(text)
            else (None, text)
        )
    look_at_row(table, text.strip(" |\r").split("|"), f"line {number}", allowance, to)
    return table, text


def look_at_row(
    headings: list[str], cells: list[str], place: str, allowance: Allowance, to: Looking
) -> None:
    """One row of a table in a page: names under headings of persons, fine coordinates."""
    for heading, cell in zip(headings, cells, strict=False):
        if names.is_heading(heading) or re.fullmatch(COORDINATE_WORDS, heading.strip(), re.I):
            one = column((heading,), allowance, to.against)
            value = cell.strip()
            if one.is_person and names.is_name(value):
                hit = Hit(Kind.PERSON_NAME, True, len(value), note="under a heading of persons")
                to.out.add(hit, f"{place}, {one.place}", one)
            if one.is_coordinate:
                for n in words.NUMBER.findall(value):
                    if words.finer(n, to.decimals):
                        hit = Hit(Kind.COORDINATE, True, len(n))
                        to.out.add(hit, f"{place}, {one.place}", one)
