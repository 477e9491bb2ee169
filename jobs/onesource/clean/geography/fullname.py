"""Full names such as 山西省吕梁市临县碛口镇, read from the largest unit down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from onesource.clean.geography.index import DivisionIndex, Version
from onesource.clean.geography.names import (
    LEVELS,
    WIDTH,
    clean,
    is_bare,
    is_town_name,
    level_of,
    variant,
)
from onesource.clean.geography.walk import Walker

_STREET = re.compile("[东南西北中大]?[路街道巷]|大道|胡同|市|藏族")


@dataclass(frozen=True)
class Named:
    """A text read as names from the largest unit down: the deepest unit, and what was left."""

    found: tuple[Version, ...]  # the candidates for the deepest unit
    rest: str
    confidence: float
    method: str


class NameReader:
    """Reads full names against one index. Keeps no state but the index."""

    def __init__(self, index: DivisionIndex) -> None:
        self.index = index
        self.walker = Walker(index)

    def read(self, text: str, within: tuple[str, ...] = ()) -> Named | None:
        """Names from the largest unit down, each a prefix of what is left, never a substring.

        离石区交口街道 is a street of 离石区; 交口县 is not in it. Levels may be left out where the
        name below is unique: 吕梁市兑镇偏店村. What cannot be read stays in `rest`.
        """
        rest, scope = clean(text), within
        found: tuple[Version, ...] = ()
        sure, deepest = 0.98, -1
        while rest:
            step = self.prefix(rest, scope, deepest, first=not found and not within)
            if step is None:
                break
            versions, length, loss = step
            rest, found = rest[length:], versions
            deepest = max(LEVELS.index(v.level) for v in versions)
            sure = round(sure - loss, 4)
            scope = self.scope_of(versions)
            if len({v.code for v in versions}) > 1 and not rest:
                break
        return Named(tuple(found), rest, sure, "full_name") if found else None

    def scope_of(self, versions: Iterable[Version]) -> tuple[str, ...]:
        """Prefixes of a unit, of what it became and of what it was."""
        prefixes = set()
        for version in versions:
            prefixes.add(version.code[: WIDTH[version.level]])
            later = self.walker.to_day(version, None)
            if later.code:
                prefixes.add(later.code[: WIDTH[level_of(later.code)]])
        return tuple(sorted(prefixes))

    def prefix(
        self, rest: str, scope: tuple[str, ...], deepest: int, *, first: bool
    ) -> tuple[tuple[Version, ...], int, float] | None:
        """The longest prefix that names a unit in scope below the last; the highest level wins."""
        longest = self.index.longest.get(rest[:2], 0)
        for length in range(min(len(rest), longest), 1, -1):
            head, tail = rest[:length], rest[length:]
            for candidates in self._heads(head, tail):
                inside = [
                    v
                    for v in candidates
                    if LEVELS.index(v.level) > deepest
                    and (not scope or v.code.startswith(scope))
                    and not (first and tail and v.level == "village")
                ]
                own = [v for v in inside if v.source == "register"] or inside
                if own:
                    top = min(LEVELS.index(v.level) for v in own)
                    skipped = max(top - deepest - 1, 0) if deepest >= 0 else 0
                    best = tuple(v for v in own if LEVELS.index(v.level) == top)
                    return best, length, 0.05 * skipped
        return None

    def _heads(self, head: str, tail: str) -> Iterator[Iterable[Version]]:
        """Readings of one prefix, the strictest first."""
        named = self.index.by_name.get(head, ())
        former = self.index.former_names.get(variant(head))
        # 吕梁地区 had yet another code before 1982: what the crosswalk says goes before that.
        if former and not any(v.source == "register" for v in named):
            yield self.index.versions.get(former, ())
        yield named
        if not tail or not is_bare(head):
            yield self.index.by_variant.get(variant(head), ())
        # 山西吕梁临县…: short names of provinces and cities before more; of others alone.
        # 北京路 and 山西大街 are streets everywhere.
        yield [
            v
            for v in self.index.by_core.get(head, ())
            if not tail
            or (is_bare(head) and v.level in ("province", "city") and not _STREET.match(tail))
            or (is_town_name(head) and v.level == "town")
            or self._goes_on(v, tail)
        ]

    def _goes_on(self, version: Version, tail: str) -> bool:
        """柳林薛村镇: the short name of a county is read when a town of it follows."""
        if version.level != "county":
            return False
        return any(
            v.level == "town" and v.code.startswith(version.code[:6])
            for n in range(2, min(len(tail), 12) + 1)
            for v in self.index.by_name.get(tail[:n], ())
        )
