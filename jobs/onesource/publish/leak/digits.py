"""Runs of digits in a plain text, and which of them identify somebody.

A run is digits with at most two blanks, hyphens or underscores between any two of them. Every part
of it that begins and ends where groups do is tried; inside a long group without blanks only whole
resident IDs of known counties are looked for (a disability certificate is an ID with two digits
more; files are called by day and number).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from onesource.publish.leak import numbers
from onesource.publish.leak.model import Hit, Kind

RUN = re.compile(r"\d(?:[ \t_-]{0,2}\d){9,}(?:[ \t_-]{0,2}[xX×*])?", re.ASCII)
_GROUP = re.compile(r"\d+")
_SCIENTIFIC = re.compile(r"(\d)\.(\d{9,})[eE]\+?0?(1[0-8])(?!\d)", re.ASCII)
_DOTTED = re.compile(r"(?<![\d.])(1[3-9]\d)\.(\d{4})\.(\d{4})(?![\d.])", re.ASCII)
_THOUSANDS = re.compile(r"(?<![\d,])\d{3}(?:,\d{3}){5}(?![\d,])", re.ASCII)
# Digests, UUIDs and names of deliveries: digits in them are chance.
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|(?=[0-9a-fA-F]*[a-fA-F])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}"
    r"|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128}|(?:[0-9a-f]{20})))(?![0-9A-Za-z])"
)
_WORD = re.compile(r"[0-9A-Za-z]")
_PHONE_WORDS = re.compile(
    r"(?:tel|phone|mobile|mob|cell|sj|dh|call|sms|contact|wx|wechat|vx|user|no|id|p|t)$", re.I
)
# What makes eleven digits an amount.
_UNIT = re.compile(
    r" ?(?:元|万|亿|吨|千|个|人|户|次|度|米|平方|立方|克|%|％|m\b|t\b|kg|kWh|MWh|yuan|CNY|RMB|/)"
)
_MONEY = re.compile(r"(?:[¥￥$€]|RMB|CNY|元) ?$")
# How people part eleven digits.
_MOBILE_GROUPS = {
    (11,),
    (3, 4, 4),
    (3, 8),
    (7, 4),
    (3, 3, 5),
    (4, 3, 4),
    (4, 4, 3),
    (5, 6),
    (6, 5),
    (3, 2, 2, 2, 2),
    (3, 2, 3, 3),
    (1, 10),
    (2, 3, 3, 3),
    (3, 3, 3, 2),
    (2, 9),
    (1,) * 11,
}
_LONGEST = 40  # groups of more digits are no numbers that people write


@dataclass(frozen=True)
class Known:
    """Against what numbers are judged: divisions that ever were, and the last year of birth."""

    divisions: Collection[str]
    last_year: int


def hits(text: str, against: Known) -> Iterator[Hit]:
    """Identifiers among the digits of a plain text."""
    hexes = [m.span() for m in _HEX.finditer(text)]
    for run in RUN.finditer(text):
        yield from _of_run(_Run(text, run, hexes, against))
    for m in _SCIENTIFIC.finditer(text):
        yield from _of_scientific(m, against)
    for m in _DOTTED.finditer(text):
        yield Hit(Kind.MOBILE, True, len(m[0]))
    for m in _THOUSANDS.finditer(text):
        digits = m[0].replace(",", "")
        if id18(digits, against):
            yield Hit(Kind.RESIDENT_ID, True, len(m[0]))


@dataclass
class _Run:
    text: str
    match: re.Match[str]
    hexes: list[tuple[int, int]]
    against: Known

    def __post_init__(self) -> None:
        start, end = self.match.span()
        self.groups = [(m.start() + start, m.end() + start) for m in _GROUP.finditer(self.match[0])]
        self.x_at = end if self.text[end - 1] in "xX×*" else None
        self.in_hex = any(a <= start and end <= b for a, b in self.hexes)

    def digits(self, i: int, j: int) -> str:
        return "".join(self.text[a:b] for a, b in self.groups[i : j + 1])

    def is_fraction(self, i: int) -> bool:
        """Whether the group stands behind the point of a decimal number."""
        at = self.groups[i][0]
        return at > 1 and self.text[at - 1] == "." and self.text[at - 2].isdigit()

    def has_fraction(self, j: int) -> bool:
        """Whether a fraction other than zero follows the group."""
        return re.match(r"\.0*[1-9]", self.text[self.groups[j][1] :][:20]) is not None


def _of_run(run: _Run) -> Iterator[Hit]:
    taken = -1
    for i in range(len(run.groups)):
        if i <= taken:
            continue
        for j, hit in _from_group(run, i):
            yield hit
            taken = max(taken, j)


def _from_group(run: _Run, i: int) -> Iterator[tuple[int, Hit]]:
    """The first identifier that begins with a group: resident ID before card before mobile."""
    counted: list[tuple[int, str]] = []
    size = 0
    for j in range(i, len(run.groups)):
        size += run.groups[j][1] - run.groups[j][0]
        if size > _LONGEST or (size > 20 and j > i):
            break
        counted.append((j, run.digits(i, j)))
    for find in (_resident, _card, _mobile):
        for j, digits in reversed(counted):  # 15 digits of an ID of 18 can look like an old one
            hit = find(run, i, j, digits)
            if hit:
                yield j, hit
                return
    if counted and len(counted[0][1]) > 18:
        hit = _inside(run, i, counted[0][1])
        if hit:
            yield i, hit


def _resident(run: _Run, i: int, j: int, digits: str) -> Hit | None:
    against = run.against
    x_follows = run.x_at is not None and j == len(run.groups) - 1
    if len(digits) == 17 and x_follows:
        digits += "X"
    if len(digits) == 18:
        known = numbers.known(digits[:6], against.divisions)
        if i < j and not known:
            return None
        if numbers.is_id18(digits, against.last_year):
            # One ID in 341 is well-formed as an organisation's code, too: the county decides.
            if not known and (run.is_fraction(i) or numbers.is_uscc(digits)):
                return None
            return Hit(Kind.RESIDENT_ID, True, 18, "" if known else "id18")
        if i == j and known and numbers.born(digits[6:14], against.last_year):
            if numbers.is_uscc(digits) or run.is_fraction(i):
                return None
            if run.text[run.groups[j][1] :].startswith(".0") and digits[15:] != "000":
                return Hit(Kind.RESIDENT_ID, True, 18, "id18", "as a rounded number")
            damaged = "its end lost" if digits.endswith("000") else "wrong check digit"
            return Hit(Kind.RESIDENT_ID, False, 18, "id18", damaged)
    if len(digits) == 15 and not run.in_hex:
        return _old_resident(run, i, j, digits)
    return None


def _old_resident(run: _Run, i: int, j: int, digits: str) -> Hit | None:
    if run.is_fraction(i) or run.has_fraction(j) or not numbers.is_id15(digits):
        return None
    known = numbers.known(digits[:6], run.against.divisions)
    if not known:
        return None
    sure = known and not numbers.has_registration_check(digits)
    return Hit(Kind.RESIDENT_ID, sure, 15, "id15")


def _card(run: _Run, i: int, j: int, digits: str) -> Hit | None:
    if not 16 <= len(digits) <= 19 or run.in_hex or not numbers.is_card(digits):
        return None
    if run.is_fraction(i) or run.has_fraction(j):
        return None
    if i < j:
        sizes = [b - a for a, b in run.groups[i : j + 1]]
        even = all(s == sizes[0] for s in sizes[:-1]) and sizes[0] in (1, 4, 6)
        if not even or sizes[-1] > 13:
            return None
    return Hit(Kind.BANK_CARD, True, len(digits), "card")


def _mobile(run: _Run, i: int, j: int, digits: str) -> Hit | None:
    sizes = tuple(b - a for a, b in run.groups[i : j + 1])
    shape = "mobile"
    for head in ("0086", "86", "0"):
        if digits.startswith(head + "1") and len(digits) == 11 + len(head):
            shape = "mobile13" if head == "86" else shape
            digits = digits[len(head) :]
            sizes = _less(sizes, len(head))
    if len(digits) != 11 or run.in_hex or sizes not in _MOBILE_GROUPS:
        return None
    if not numbers.ANY_MOBILE.fullmatch(digits) or run.is_fraction(i) or run.has_fraction(j):
        return None
    start, end = run.groups[i][0], run.groups[j][1]
    before, after = run.text[max(0, start - 12) : start], run.text[end : end + 8]
    if _UNIT.match(after) or _MONEY.search(before):
        return None
    glued = _WORD.match(before[-1:]) or _WORD.match(after)
    word = re.search(r"[A-Za-z]*$", before)
    sure = numbers.is_mobile(digits) and not digits.endswith("00000")
    sure = sure and (not glued or bool(word and _PHONE_WORDS.search(word[0])))
    return Hit(Kind.MOBILE, bool(sure), 11, shape)


def _less(sizes: tuple[int, ...], n: int) -> tuple[int, ...]:
    """Group sizes without the first n digits."""
    left = list(sizes)
    while n and left:
        cut = min(n, left[0])
        left[0] -= cut
        n -= cut
        if left[0] == 0:
            left.pop(0)
    return tuple(left)


def _inside(run: _Run, i: int, digits: str) -> Hit | None:
    """A whole resident ID of a known county within a longer number."""
    if run.is_fraction(i):
        return None
    for at in range(len(digits) - 17):
        if id18(digits[at : at + 18], run.against):
            return Hit(Kind.RESIDENT_ID, True, 18, "id18", "within a longer number")
    if run.x_at is not None and id18(digits[-17:] + "X", run.against):
        return Hit(Kind.RESIDENT_ID, True, 18, "id18", "within a longer number")
    return None


def id18(digits: str, against: Known) -> bool:
    """A resident ID with right check digit, of a division that ever was."""
    return numbers.known(digits[:6], against.divisions) and numbers.is_id18(
        digits, against.last_year
    )


def _of_scientific(m: re.Match[str], against: Known) -> Iterator[Hit]:
    """1.41124199001010113E+17: a spreadsheet's or a float's way to write eighteen digits."""
    digits, exponent = m[1] + m[2], int(m[3])
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    if set(digits[exponent + 1 :]) - {"0"}:
        return
    yield from _of_lossy(whole, len(m[2]) + 1, against)


def _of_lossy(whole: str, kept: int, against: Known) -> Iterator[Hit]:
    """A number of which `kept` leading digits are certain."""
    code, length = whole[:6], len(whole)
    if length == 18 and numbers.known(code, against.divisions):
        if numbers.born(whole[6:14], against.last_year):
            yield Hit(Kind.RESIDENT_ID, kept >= 16, 18, "id18", "as a rounded number")
    elif length == 15 and kept >= 14 and numbers.is_id15(whole):
        if numbers.known(code, against.divisions):
            yield Hit(Kind.RESIDENT_ID, True, 15, "id15")
    elif length == 11 and numbers.is_mobile(whole):
        yield Hit(Kind.MOBILE, not whole.endswith("00000"), 11, "mobile")
    elif 16 <= length <= 19 and kept >= length and numbers.is_card(whole):
        yield Hit(Kind.BANK_CARD, True, length, "card")


def of_float(value: float, against: Known) -> Iterator[Hit]:
    """Identifiers that a 64-bit float holds: of 18 digits the last one or two are rounded away."""
    if 1e10 <= value < 1e19 and value == int(value):
        whole = str(int(value))
        yield from _of_lossy(whole, min(len(whole), 16), against)
