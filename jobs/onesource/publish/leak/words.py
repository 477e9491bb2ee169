"""What is looked for in a plain text besides digits: plates, tokens of the landing zone, names
behind a word, coordinates. And `FLAG`, the one expression that says which texts need a look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from onesource.clean.standardisers.contact import PROVINCES as PLATE_PROVINCES
from onesource.publish.leak import digits, names
from onesource.publish.leak.digits import Known
from onesource.publish.leak.model import Hit, Kind
from onesource.publish.leak.unwrap import DIGITS_IN_BASE64, readings

_L, _B, _SEP = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]", r"[ ·.•・_-]?"
# GA 36: five places, six of a new-energy vehicle.
PLATE = re.compile(
    rf"[{PLATE_PROVINCES}]{_SEP}{_L}{_SEP}(?P<number>[DABCEFGHJK]{_B}[0-9]{{4}}|[0-9]{{5}}[DABCEFGHJK]"
    rf"|{_B}{{4}}[A-HJ-NP-Z0-9挂学警港澳])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
TOKEN = re.compile(
    r"hmac-[a-z0-9]+(?::v\d+)?:[0-9A-Za-z+/_=-]{8,}"
    r"|(?:landing|bronze|quarantine|registry)/\w+/(?:\w+/)?[0-9a-f]{20}(?:-\d+)?(?![0-9a-f])"
    r"|\b_?delivery(?:_id)?\W{1,4}[0-9a-f]{20}(?:-\d+)?(?![0-9a-f])",
    re.IGNORECASE,
)
# Columns that only the lake has.
TOKEN_COLUMN = re.compile(
    r"(?:.*_)?(?:id_token|person_key|person_token)|_(?:delivery_id|sheet|line|ingested_at|received_at"
    r"|scope|order|state|issues|extra)|delivery_id|household_key",
    re.IGNORECASE,
)
_TOKEN_NAME = re.compile(r"(?<![A-Za-z0-9])(?:\w*_)?(?:id_token|person_key)(?![A-Za-z0-9])")

_LON = r"(?:7[3-9]|[89]\d|1[0-2]\d|13[0-5])"
_LAT = r"(?:1[89]|[2-4]\d|5[0-3])"
_BETWEEN = r"[°度]?[EN]?[\s,，;；、/]{1,3}"
PAIR = re.compile(
    rf"(?<![\d.])(?:(?P<a>{_LON}\.\d+){_BETWEEN}(?P<b>{_LAT}\.\d+)"
    rf"|(?P<c>{_LAT}\.\d+){_BETWEEN}(?P<d>{_LON}\.\d+))(?![\d.])"
)
_DMS = re.compile(r"\d{2,3} ?[°度] ?\d{1,2} ?['′分] ?\d{1,2}(?:\.\d+)? ?(?:[\"″秒]|''|′′)")
_POINT = re.compile(r"point ?z?\( ?(-?\d+\.\d+) +(-?\d+\.\d+)", re.IGNORECASE)
NUMBER = re.compile(r"-?\d+\.\d+")
_SECOND = 3  # a second of arc is 31 m, between three and four decimals

# --- which texts need a look; RE2, over UTF-8 --------------------------------------------------
_INVISIBLE = (
    r"\x{00}-\x{08}\x{0b}\x{0c}\x{0e}-\x{1f}\x{7f}\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{180b}-\x{180f}"
    r"\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}"
    r"\x{e0000}-\x{e0fff}"
)
_BLANKS = r" \t_\x{a0}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}"
_HYPHENS = r"\-\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}\x{2043}\x{30fc}"
_GAP = f"[{_INVISIBLE}]*(?:[{_BLANKS}{_HYPHENS}][{_INVISIBLE}]*){{0,2}}"
_D = r"[\p{Nd}\p{No}]"
_WIDE_LETTER = r"A-Za-z\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}"
FLAG = "|".join(
    (
        f"{_D}(?:{_GAP}{_D}){{14}}",
        # Eleven digits, with or without +86, not within a longer number.
        rf"(?:^|[^\p{{Nd}}])(?:(?:00)?86|0|００８６|８６|０)?{_GAP}[1１]{_GAP}[3-9３-９](?:{_GAP}{_D}){{9}}"
        rf"(?:[^\p{{Nd}}]|$)",
        r"1[3-9][0-9][.][0-9]{4}[.][0-9]{4}",
        r"[0-9]{3}(?:,[0-9]{3}){5}",
        r"[0-9][.][0-9]{9,}[eE][+]?0?1[0-8]",
        rf"[{PLATE_PROVINCES}][{_INVISIBLE}]*[ ·.•・_\-]?[{_INVISIBLE}]*[{_WIDE_LETTER}]"
        rf"[{_INVISIBLE}]*[ ·.•・_\-]?[{_INVISIBLE}]*[0-9{_WIDE_LETTER}\x{{ff10}}-\x{{ff19}}]",
        r"(?i:hmac-|id_token|person_key|(?:landing|bronze|quarantine|registry)/|delivery)",
        DIGITS_IN_BASE64,
        r"[A-Za-z0-9+/]{14,}={1,2}|base64,",
        r"%[0-9a-fA-F]{2}|&#|\\+u|\\+x[0-9a-fA-F]|_x[0-9a-fA-F]{4}_",
        f"{names.LABELLED}",
    )
)


@lru_cache
def flag_text(decimals: int) -> str:
    """`FLAG`, and for free text pairs of coordinates of more decimals than allowed."""
    fine = rf"[0-9]{{2,3}}\.[0-9]{{{decimals + 1},}}"
    return rf"{FLAG}|{fine}[^0-9]{{1,4}}{fine}|(?i:point ?z?\()|[°度][ 0-9]"


def look(text: str, against: Known, decimals: int, *, free: bool = True) -> list[Hit]:
    """Everything that a text shows, in all its readings, each kind and length once a reading.

    `free`: a text of more than one value, in which coordinates and names stand among words.
    """
    found: dict[tuple[Kind, int, bool], list[Hit]] = {}
    for reading in readings(text):
        now: dict[tuple[Kind, int, bool], list[Hit]] = {}
        for hit in _in_plain(reading, against, decimals, free):
            now.setdefault((hit.kind, hit.length, hit.sure), []).append(hit)
        for key, hits in now.items():
            if len(hits) > len(found.get(key, ())):
                found[key] = hits
    return [h for hits in found.values() for h in hits]


def _in_plain(text: str, against: Known, decimals: int, free: bool) -> Iterator[Hit]:
    numbers = list(digits.hits(text, against))
    yield from numbers
    yield from plates(text)
    yield from tokens(text)
    for name in names.labelled(text):
        yield Hit(Kind.PERSON_NAME, True, len(name), note="behind a word that says a person")
    if any(h.kind is not Kind.RESIDENT_ID or h.sure for h in numbers):
        yield from _beside(text)
    if free:
        yield from coordinates(text, decimals)


def plates(text: str) -> Iterator[Hit]:
    """Ordinary and new-energy plates. Words such as 新Kaggle have too few digits for one; five
    zeros stand for a plate that was not read."""
    for m in PLATE.finditer(text):
        number = m["number"]
        if sum(c.isdigit() for c in number) >= 3 and not number.endswith("00000"):
            yield Hit(Kind.PLATE, True, len(m[0]))


def tokens(text: str) -> Iterator[Hit]:
    for m in TOKEN.finditer(text):
        yield Hit(Kind.LANDING_TOKEN, True, len(m[0]))
    for m in _TOKEN_NAME.finditer(text):
        yield Hit(Kind.LANDING_TOKEN, True, len(m[0]), note="a column of the lake")


def _beside(text: str) -> Iterator[Hit]:
    for m in digits.RUN.finditer(text):
        name = names.next_to(text, m.start(), m.end())
        if name:
            yield Hit(Kind.PERSON_NAME, True, len(name), note="beside an identifier")


def coordinates(text: str, decimals: int) -> Iterator[Hit]:
    """Pairs of a longitude and a latitude of China that are finer than allowed.

    Two numbers of a chart can look like one: a warning, save where it says POINT or is written in
    degrees.
    """
    for m in PAIR.finditer(text):
        pair = [m["a"] or m["c"], m["b"] or m["d"]]
        if all(finer(p, decimals) for p in pair):
            yield Hit(Kind.COORDINATE, False, len(m[0]))
    for m in _POINT.finditer(text):
        if finer(m[1], decimals) or finer(m[2], decimals):
            yield Hit(Kind.COORDINATE, True, len(m[0]))
    if decimals <= _SECOND:
        for m in _DMS.finditer(text):
            yield Hit(Kind.COORDINATE, True, len(m[0]))


def finer(number: str, decimals: int) -> bool:
    """Whether a decimal number has more places than allowed; 111.15000000000001 has two."""
    places = len(number.strip().partition(".")[2].rstrip("0"))
    if places <= decimals:
        return False
    value = float(number)
    return abs(value - round(value, decimals)) > 1e-9
