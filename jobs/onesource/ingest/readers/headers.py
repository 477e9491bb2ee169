"""Finds the header of a table and says which field stands in which cell.

Departments rename, reorder and decorate headers from month to month. Two headers are the same
when they are equal after NFKC, without any white space or invisible characters, in one case; a
unit in brackets may be there or not, but two different units are never the same header.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from onesource.contracts.model import Contract, FieldSpec
from onesource.contracts.properties import Header
from onesource.errors import ContractError, DeliveryRefused

SEARCHED = 30  # rows in which a header is looked for, as the contract reference says
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕")
# Spellings of one unit; a header in 万吨 is no header in 吨.
_UNITS = {
    "吨": "t", "t": "t", "万吨": "10kt", "千克": "kg", "公斤": "kg", "kg": "kg",
    "元": "yuan", "yuan": "yuan", "人民币元": "yuan", "千元": "kyuan", "万元": "10kyuan",
    "亿元": "100myuan", "千瓦时": "kwh", "kwh": "kwh", "度": "kwh", "万千瓦时": "10mwh",
    "万kwh": "10mwh", "兆瓦时": "mwh", "mwh": "mwh", "兆瓦": "mw", "mw": "mw", "千瓦": "kw",
    "kw": "kw", "万千瓦": "10mw", "人": "person", "万人": "10kperson", "人次": "visit",
    "万人次": "10kvisit", "亩": "mu", "公顷": "ha", "ha": "ha", "平方米": "m2", "m2": "m2",
    "平方公里": "km2", "km2": "km2", "万亩": "10kmu", "米": "m", "m": "m", "千米": "km",
    "公里": "km", "km": "km",
}  # fmt: skip


@lru_cache(maxsize=65536)
def normalised(text: str) -> str:
    """A header as it is compared: NFKC, nothing invisible, one case."""
    folded = unicodedata.normalize("NFKC", text)
    kept = (c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
    return "".join(kept).casefold()


def _bare(header: str) -> str:
    return _BRACKETS.sub("", header)


def _unit(header: str) -> str | None:
    found = _BRACKETS.findall(header)
    words = (w[1:-1].removeprefix("单位:").removeprefix("单位") for w in found)
    return next((_UNITS[w] for w in words if w in _UNITS), None)


@dataclass(frozen=True)
class Match:
    """Which cell holds which field.

    `cells` has one entry per contract field (None: not in the rows); `unknown` the cells that no
    field knows, with their header; `renamed` field → the header under which it came.
    """

    width: int
    cells: tuple[int | None, ...]
    unknown: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]
    renamed: dict[str, str]

    @property
    def score(self) -> int:
        return sum(c is not None for c in self.cells)


@dataclass
class HeaderIndex:
    """The headers that a contract accepts, made for comparing."""

    feed: Contract
    exact: dict[str, int] = field(default_factory=dict)
    bare: dict[str, int | None] = field(default_factory=dict)
    units: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        for i, f in enumerate(self.feed.fields):
            self.units.append(_declared_unit(f))
            for header in f.headers if f.is_column else ():
                key = normalised(header)
                if self.exact.setdefault(key, i) != i:
                    other = self.feed.fields[self.exact[key]].name
                    raise ContractError(
                        f"{f.name}: the header {header} is also one of {other}",
                        where=f"{self.feed.path}:{f.line}",
                        todo="take it out of one of the two",
                    )
                bare = _bare(key)
                if bare:
                    self.bare[bare] = i if self.bare.get(bare, i) == i else None

    def exactly(self, header: str) -> int | None:
        return self.exact.get(normalised(header))

    def loosely(self, header: str) -> int | None:
        """The field whose header is the same but for a unit that only one of the two names."""
        key = normalised(header)
        bare = _bare(key)
        found = self.exact.get(bare) if bare != key else self.bare.get(key)
        if found is None:
            return None
        said, declared = _unit(key), self.units[found]
        return None if said and declared and said != declared else found

    def find(self, header: str) -> int | None:
        found = self.exactly(header)
        return found if found is not None else self.loosely(header)


def _declared_unit(f: FieldSpec) -> str | None:
    """The unit of a bare number: the standardiser's argument, or that in the field's header."""
    said = f.standardiser.args.get("unit")
    if said and normalised(said) in _UNITS:
        return _UNITS[normalised(said)]
    units = (_unit(normalised(h)) for h in f.headers)
    return next((u for u in units if u), None)


def match(index: HeaderIndex, names: Sequence[str], where: str) -> Match:
    """Fields to cells. Raises DeliveryRefused(HEADER) where one header or field stands twice."""
    feed = index.feed
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        key = normalised(name)
        if key and key in seen:
            raise DeliveryRefused(
                f"the header {short(name)} stands twice",
                reason="HEADER",
                where=where,
                why=f"columns {seen[key] + 1} and {i + 1}",
                todo="ask which of the two holds, and for a file with one",
            )
        seen[key] = i
    found: dict[int, int] = {}
    for look in (index.exactly, index.loosely):
        taken = dict(found)
        for i, name in enumerate(names):
            at = look(name) if name and i not in taken.values() else None
            if at is None or at in taken:
                continue
            if at in found:
                raise DeliveryRefused(
                    f"{feed.fields[at].name} comes in two columns",
                    reason="HEADER",
                    where=where,
                    why=f"headers {short(names[found[at]])} and {short(name)}",
                    todo="ask which of the two holds",
                )
            found[at] = i
    return _matched(index, names, found)


def _matched(index: HeaderIndex, names: Sequence[str], found: dict[int, int]) -> Match:
    feed = index.feed
    known = set(found.values())
    renamed = {}
    for at, i in found.items():
        f = feed.fields[at]
        if normalised(names[i]) not in (normalised(f.business_name), normalised(f.name)):
            renamed[f.name] = names[i].strip()
    return Match(
        width=len(names),
        cells=tuple(found.get(at) for at in range(len(feed.fields))),
        unknown=tuple(
            (i, n.strip() or f"column_{i + 1}") for i, n in enumerate(names) if i not in known
        ),
        missing=tuple(
            f.name for at, f in enumerate(feed.fields) if f.is_column and at not in found
        ),
        renamed=renamed,
    )


def by_position(feed: Contract) -> Match:
    """A table without a header: the contract's column fields in their order."""
    cells, at = [], 0
    for f in feed.fields:
        cells.append(at if f.is_column else None)
        at += f.is_column
    return Match(width=at, cells=tuple(cells), unknown=(), missing=(), renamed={})


@dataclass(frozen=True)
class Found:
    """A header in its rows: the first data row (0-based) and the names of the columns."""

    after: int
    names: tuple[str, ...]


def locate(index: HeaderIndex, rows: Sequence[Sequence[str | None]], spec: Header) -> Found | None:
    """The run of `spec.rows` rows that holds most of the contract's headers; None if none does.

    `rows` are the first rows of the file or sheet, blank ones included. With `spec.skip` the
    place is given.
    """
    if spec.skip is not None:
        if len(rows) < spec.skip + spec.rows:
            return None
        names = join_levels(rows[spec.skip : spec.skip + spec.rows])
        return Found(spec.skip + spec.rows, names)
    best: tuple[int, Found] | None = None
    for at in range(min(SEARCHED, len(rows) - spec.rows + 1)):
        names = join_levels(rows[at : at + spec.rows])
        score = len({f for n in names if n and (f := index.find(n)) is not None})
        if score and (best is None or score > best[0]):
            best = (score, Found(at + spec.rows, names))
    return best[1] if best else None


def join_levels(levels: Sequence[Sequence[str | None]]) -> tuple[str, ...]:
    """One name per column from the rows of a header: `产量` over `当日` is `产量/当日`.

    A group title stands only in its first column when it is merged or written once; it holds to
    the right for columns that have a lower title, up to the next group.
    """
    width = max((len(r) for r in levels), default=0)
    grid = [[(r[i] or "").strip() if i < len(r) else "" for i in range(width)] for r in levels]
    for depth in range(len(grid) - 1):
        below = [any(row[i] for row in grid[depth + 1 :]) for i in range(width)]
        same = [
            all(row[i] in ("", grid[depth][i]) for row in grid[depth + 1 :]) for i in range(width)
        ]
        for i in range(1, width):
            group = bool(grid[depth][i - 1]) and not same[i - 1]
            upper_same = all(grid[d][i] == grid[d][i - 1] for d in range(depth))
            if not grid[depth][i] and below[i] and group and upper_same:
                grid[depth][i] = grid[depth][i - 1]
    names = []
    for i in range(width):
        parts: list[str] = []
        for row in grid:
            if row[i] and (not parts or normalised(parts[-1]) != normalised(row[i])):
                parts.append(row[i])
        names.append("/".join(parts))
    return tuple(names)


def settle(index: HeaderIndex, found: Found | None, where: str) -> Match:
    """The match of a header found. Raises DeliveryRefused(HEADER) saying what is missing."""
    feed = index.feed
    if found is None:
        raise DeliveryRefused(
            "has no header that the contract knows",
            reason="HEADER",
            where=where,
            why=f"looked in the first {SEARCHED} rows for "
            + ", ".join(f.business_name for f in feed.fields if f.is_column),
            todo="ask for the header, or add its words as aliases to the contract",
        )
    m = match(index, found.names, where)
    require(feed, m, found.names, where)
    return m


def require(feed: Contract, m: Match, names: Sequence[str], where: str) -> None:
    """Raises DeliveryRefused(HEADER) when a key or required field has no column."""
    lacking = [feed.field(n) for n in m.missing if feed.field(n).required]
    if not lacking and m.score:
        return
    unknown = [n for _, n in m.unknown]
    shown = list(names) if m.score or not _personal(feed) else []
    what = ", ".join(f"{f.business_name} ({f.name})" for f in lacking) or "every field"
    raise DeliveryRefused(
        f"the header lacks {what}",
        reason="HEADER",
        where=where,
        why="found " + (", ".join(short(n) for n in shown if n) or f"{len(names)} other columns"),
        todo=(
            f"if one of them is now called {', '.join(short(n) for n in unknown[:5])}, "
            "add that as an alias"
            if m.score and unknown
            else "ask the department for a whole file"
        ),
    )


def _personal(feed: Contract) -> bool:
    """May a row of this feed name a person? Then rows are never quoted in a message."""
    return any(f.properties.identifier != "none" or f.properties.personal for f in feed.fields)


def short(name: str, length: int = 40) -> str:
    text = " ".join(name.split())
    return text if len(text) <= length else text[:length] + "…"
