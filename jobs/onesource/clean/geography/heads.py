"""The head of an address: its names from the largest unit down, before any day is asked about."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from operator import ne

from onesource.clean.geography.fullname import NameReader
from onesource.clean.geography.index import DivisionIndex, Version
from onesource.clean.geography.names import LEVELS, WIDTH, stem, up
from onesource.clean.geography.resolve import Resolver

MORE = "0"  # stands for what follows behind the names
# 杏花村镇, 杜村乡, 宁乡镇, 兑镇镇: the word for what it is may stand in the name, too.
_TOWN = re.compile(
    "[^县区市村路号]{1,12}?(?:街道办事处|街道办|街道|村镇|村乡|乡镇|镇镇|镇|乡|苏木"
    "|(?:开发|园|示范)区)"
)
# Behind 凤城镇镇…: the second 镇 begins the next word (镇政府, 镇中心校, 镇东街).
_OF_TOWN = re.compile(
    "(?:[东南西北中]?大?[街路]|[内里域区办所党]|中[心学]|机关|政府|人民|卫生|小学|敬老)"
)
_RESIDENTS = "社区居民委员会|社区居委会|社区|居民委员会|居委会"
# 前马村社区居委会, 吴村村委会, 交通路社区居委会, 街上村委会.
_VILLAGE = re.compile(
    f"街?[^路街号0-9]{{1,15}}?(?:村?(?:{_RESIDENTS}|村民委员会|村委会)|行政村|自然村|村(?!民?[小组])"
    f"|嘎查)|[^路街号]{{1,8}}[路街](?:{_RESIDENTS}|村委会)"
)
# 西湾三组, 西湾12号: a village without its word, unless it is named like a street.
_BARE = re.compile("(.{2,6}?)(?=第?[一二三四五六七八九十]+(?:村民)?小?[组队]|0?$)")
# 汾阳市汾阳市场, 吕梁市吕梁大道: the name does not stand there twice, it begins another word.
_ANOTHER_WORD = re.compile("场|路|街|大[道街厦]")
_STREETS = ("路", "街", "巷", "道")
COUNTY, TOWN, VILLAGE = (LEVELS.index(level) for level in ("county", "town", "village"))


@dataclass(frozen=True)
class Reading:
    """The names in the head of an address, before any day is asked about."""

    surfaces: tuple[str, str, str, str, str]
    steps: tuple[tuple[int, tuple[Version, ...]], ...]  # (level, candidates), largest first
    left: str
    certainty: float
    county: str | None  # the county beside the address, where the address has none
    note: tuple[str, ...]


class HeadReader:
    """Reads heads of addresses against one index. For one thread."""

    def __init__(self, index: DivisionIndex, resolver: Resolver) -> None:
        self.index = index
        self._resolver = resolver
        self._names = NameReader(index)
        self._towns: dict[str, list[Version]] = defaultdict(list)
        for versions in index.versions.values():
            for v in versions:
                if v.level == "town" and v.source == "register":
                    self._towns[v.code[: WIDTH["county"]]].append(v)
        self._counties: dict[str, tuple[str, ...]] = {}

    def _beside(self, county: str) -> tuple[str, ...]:
        """Code prefixes of a county that the source names: now and before."""
        if county not in self._counties:
            found = self._resolver.resolve(county, None, level="county").code
            versions = self.index.versions.get(found or "", ())
            self._counties[county] = self._names.scope_of(versions)
        return self._counties[county]

    def read(self, head: str, county: str | None) -> Reading:
        """head: no digit and no letter but `MORE` at its end, where something follows."""
        beside = self._beside(county) if county else ()
        surfaces = [""] * len(LEVELS)
        steps: list[tuple[int, tuple[Version, ...]]] = []
        rest, scope, deepest, certainty = head, tuple[str, ...](), -1, 1.0
        while rest not in ("", MORE):
            step = self._step(rest, scope, deepest, beside)
            if step is None:
                shorter = self._doubled(rest, surfaces, deepest)
                if shorter is not None:
                    rest = shorter
                    continue
                step = self._misspelt_town(rest, scope) if deepest == COUNTY else None
            if step is None:
                break
            versions, length, loss = step
            deepest = max(LEVELS.index(v.level) for v in versions)
            surfaces[deepest], rest = rest[:length], rest[length:]
            steps.append((deepest, versions))
            certainty -= loss
            scope = self._names.scope_of(versions)
        rest, unknown = self._by_form(rest, surfaces, deepest)
        certainty *= 0.9**unknown
        implied, note = None, tuple[str, ...]()
        if beside:
            codes = {v.code for level, vs in steps if level >= COUNTY for v in vs}
            if not codes:
                implied, certainty = up(beside[-1].ljust(12, "0"), "county"), certainty * 0.95
            elif not any(c.startswith(beside) for c in codes):
                note, certainty = ("county_differs",), certainty * 0.7
            elif not surfaces[COUNTY]:
                certainty *= 0.95
        levels = (surfaces[0], surfaces[1], surfaces[2], surfaces[3], surfaces[4])
        return Reading(levels, tuple(steps), rest, certainty, implied, note)

    def _step(
        self, rest: str, scope: tuple[str, ...], deepest: int, beside: tuple[str, ...]
    ) -> tuple[tuple[Version, ...], int, float] | None:
        """The next name. A town or village without its county is looked for in the county that
        the source names, before anywhere else."""
        found = self._names.prefix(rest, scope, deepest, first=deepest < 0)
        if deepest < COUNTY and beside:
            inside = tuple(p for p in beside if p.startswith(scope)) if scope else beside
            upper = found is not None and LEVELS.index(found[0][0].level) <= COUNTY
            if inside and not upper:
                near = self._names.prefix(rest, inside, COUNTY, first=False)
                found = near or found
        if found is None and deepest == TOWN:
            found = self._bare_village(rest, scope)
        return found

    def _misspelt_town(
        self, rest: str, scope: tuple[str, ...]
    ) -> tuple[tuple[Version, ...], int, float] | None:
        """The one town of the county whose name differs in one character, but not in the word
        for what it is: 磧口镇. A county's towns are all in the register, so a name that is none
        of them is misspelt; of villages that cannot be said."""
        alike = {
            town
            for prefix in scope
            for town in self._towns.get(prefix, ())
            if len(town.name) > 2
            and len(rest) >= len(town.name)
            and rest[len(town.name) - 1] == town.name[-1]
            and sum(map(ne, town.name, rest)) == 1
        }
        if len({town.code for town in alike}) != 1:
            return None
        return tuple(alike), len(next(iter(alike)).name), 0.2

    def _bare_village(
        self, rest: str, scope: tuple[str, ...]
    ) -> tuple[tuple[Version, ...], int, float] | None:
        name = _BARE.match(rest)
        if name is None or name[1].endswith(_STREETS):
            return None
        found = tuple(
            v
            for v in self.index.by_core.get(name[1], ())
            if v.level == "village" and v.code.startswith(scope)
        )
        return (found, name.end(1), 0.05) if found else None

    def _doubled(self, rest: str, surfaces: list[str], deepest: int) -> str | None:
        """What follows a name that is written twice: 山西省吕梁市山西省吕梁市临县, 临县临县."""
        for level in range(deepest, -1, -1):
            name = surfaces[level]
            for twice in (name, stem(name) if level < COUNTY else ""):
                if len(twice) < 2 or not rest.startswith(twice):
                    continue
                behind = rest[len(twice) :]
                if behind and not _ANOTHER_WORD.match(behind):
                    return behind
        return None

    def _by_form(self, rest: str, surfaces: list[str], deepest: int) -> tuple[str, int]:
        """Town and village that are in no register, by their words; how many there were."""
        unknown = 0
        if deepest < TOWN:
            found = _TOWN.match(rest)
            if found:
                name = found[0]
                if name.endswith("镇镇") and _OF_TOWN.match(rest, found.end()):
                    name = name[:-1]
                surfaces[TOWN], rest, unknown = name, rest[len(name) :], 1
        if deepest < VILLAGE:
            found = _VILLAGE.match(rest)
            if found:
                surfaces[VILLAGE], rest, unknown = found[0], rest[found.end() :], unknown + 1
        return rest, unknown
