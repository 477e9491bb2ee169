"""What division a raw value means, and its code on a day.

Order of the rules (the design's domain chapter on geography): a code valid on the day; a code
valid on another day, followed through its successors; a former code (1423xx); a name, unique
within its parent; a full name such as 山西省吕梁市临县碛口镇; a town found by one of its villages.
What is not unique does not resolve.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from onesource.clean.geography.fullname import Named, NameReader
from onesource.clean.geography.index import DivisionIndex, Version
from onesource.clean.geography.names import (
    WIDTH,
    clean,
    is_town_name,
    level_of,
    stem,
    up,
    variant,
)
from onesource.clean.geography.walk import Answer, Walker

_CODE = re.compile(r"\d{6}(\d{3}(\d{3})?)?")
# What spreadsheets do to a number: 141124109000.0, 1.41124109e+11, 141,124,109,000.
_DAMAGED = re.compile(r"(\d+)\.0*|(\d{1,3}(?:,\d{3})+)")
_EXPONENT = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_EMPTY = re.compile(r"[-—–―_/\\]*|无|空|暂无|不详|未知|null|none|nan|#?n/a", re.IGNORECASE)
# What people put between the names of a path: 吕梁市/临县/碛口镇.
_BETWEEN = re.compile(r"(?<=[一-鿿])[-/\\,、>|·—]+(?=[一-鿿])")
# No name is longer (the longest official full name has some fifty characters), and no control
# character stands in one.
_LONGEST = 300
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# Certainty of a name found in each of the three ways (judgement, November 2026).
_BY_NAME = (("name", 0.98), ("name_variant", 0.95), ("short_name", 0.8))


class Resolver:
    """Resolves raw values against one index. Keeps no state but the index."""

    def __init__(self, index: DivisionIndex) -> None:
        self.index = index
        self.walker = Walker(index)
        self.reader = NameReader(index)

    def resolve(
        self, raw: str | None, day: date | None, parent: str | None = None, level: str | None = None
    ) -> Answer:
        """The 12-digit code valid on `day` (None: the latest), with verdict and method.

        Verdicts: OK, EMPTY, FMT (digits that are no code), COLLECTOR (市辖区: no area of its own),
        UNKNOWN, AMBIGUOUS, ABOLISHED (no successor known), NOT_YET (not before a later day),
        PARENT_UNKNOWN, TOO_COARSE (above the level asked for).
        """
        if raw is not None and len(raw) > _LONGEST:
            return Answer(None, "FMT", note=("unreadable=length",))
        text = clean(raw or "")
        if _EMPTY.fullmatch(text):
            return Answer(None, "EMPTY")
        if _CONTROL.search(text):
            return Answer(None, "FMT", note=("unreadable=control",))
        text, damage = _repaired(text)
        if _EXPONENT.fullmatch(text):
            return Answer(None, "FMT", note=("cause=digits lost to scientific notation",))
        if text.isdigit():
            answer = self._by_code(text, day)
        else:
            answer = self._by_name(text, day, parent, level)
        return self._at_level(answer, day, level).because(*damage)

    # ---- codes

    def _by_code(self, digits: str, day: date | None) -> Answer:
        if not _CODE.fullmatch(digits):
            return Answer(None, "FMT", note=("cause=not 6, 9 or 12 digits",))
        code = digits.ljust(12, "0")
        if code[4:6] == "01" and level_of(code) == "county" and self._is_collector(code):
            return Answer(
                None, "COLLECTOR", "exact_code", 1.0, "市辖区", (f"city={up(code, 'city')}",)
            )
        when, moved = self.index.day_for(code, day)
        held = self.index.on(code, when)
        if held:
            method = "exact_code" if held.source == "register" else "national_code"
            answer = Answer(code, "OK", method, 0.9 if moved else 1.0, held.name)
            return answer.because("day=before_first_snapshot") if moved else answer
        if code in self.index.versions:
            return self.walker.nearest(self.index.versions[code], when)
        return self._by_former_code(code, day)

    def _is_collector(self, code: str) -> bool:
        known = self.index.versions.get(code)
        if not known:
            return code not in self.index.former
        return all(v.name == "市辖区" for v in known)

    def _by_former_code(self, code: str, day: date | None) -> Answer:
        old = self.index.former.get(up(code, "county")) or self.index.former.get(code)
        if old and level_of(code) in ("county", "city"):
            now = self._by_code(old.current_code, day)
            return replace(now, method="former_code", confidence=min(now.confidence, 0.99))
        if old:
            return Answer(None, "UNKNOWN", note=(f"county={old.current_code.ljust(12, '0')}",))
        county = self._by_code(code[:6], day) if level_of(code) in ("town", "village") else None
        note = (f"within={county.code}",) if county and county.code else ()
        return Answer(None, "UNKNOWN", note=note)

    # ---- names

    def _by_name(
        self, text: str, day: date | None, parent: str | None, level: str | None
    ) -> Answer:
        text = _BETWEEN.sub("", text)
        within: tuple[str, ...] = ()
        if parent and clean(parent):
            within = self._parent_prefixes(parent, day)
            if not within:
                return Answer(None, "PARENT_UNKNOWN")
        matches = self._matches(text, within, level)
        former = self.index.former_names.get(variant(text))
        own = any(v.source == "register" for v, _ in matches)
        if former and not own and (not within or former.startswith(within)):
            now = self._by_code(former, day)
            return replace(now, method="former_name", confidence=min(now.confidence, 0.99))
        direct = self._pick(matches, day, within)
        if direct.verdict != "UNKNOWN":
            return direct
        named = self.reader.read(text, within)
        if not named or not named.found:
            return direct
        if named.rest:
            inside = self.pick(named.found, day, within, named)
            if inside.code and level and WIDTH[level_of(inside.code)] >= WIDTH[level]:
                return replace(inside, confidence=inside.confidence * 0.9).because(
                    f"rest={named.rest}"
                )
            note = (f"within={inside.code}",) if inside.code else ()
            return Answer(None, "UNKNOWN", note=(*note, f"rest={named.rest}"))
        return self.pick(named.found, day, within, named)

    def _parent_prefixes(self, parent: str, day: date | None) -> tuple[str, ...]:
        """Code prefixes under which a child of `parent` may stand, on the day or before."""
        now = self.resolve(parent, day)
        prefixes = {now.code[: WIDTH[level_of(now.code)]]} if now.code else set()
        text, _ = _repaired(clean(parent))
        if text.isdigit() and _CODE.fullmatch(text):
            code = text.ljust(12, "0")
            if code in self.index.versions:
                prefixes.add(code[: WIDTH[level_of(code)]])
        elif now.code:
            for version in self.index.by_name.get(text, ()):
                if (
                    version.source == "register"
                    and self.walker.to_day(version, day).code == now.code
                ):
                    prefixes.add(version.code[: WIDTH[version.level]])
        return tuple(sorted(prefixes))

    def _matches(
        self, text: str, within: tuple[str, ...], level: str | None
    ) -> list[tuple[Version, int]]:
        """Versions of any day that bear the name, by the strictest of three readings that finds
        some: as written, official variants, the bare name. The register goes before the
        national list."""
        ways: tuple[Callable[[], Iterable[Version]], ...] = (
            lambda: self.index.by_name.get(text, ()),
            lambda: self.index.by_variant.get(variant(text), ()),
            lambda: self._bare(text, bool(within)),
        )
        for rank, way in enumerate(ways):
            found = [
                v
                for v in way()
                if (not within or (v.code.startswith(within) and not _is_any(v, within)))
                and (level is None or v.level == level)
            ]
            own = [v for v in found if v.source == "register"]
            if own or found:
                return [(v, rank) for v in (own or found)]
        return []

    def _bare(self, text: str, loose: bool) -> Iterable[Version]:
        found = self.index.by_core.get(text, ())
        if not is_town_name(text):
            return found
        towns = [v for v in found if v.level == "town"]  # 兑镇 for 兑镇镇
        if not towns and loose:  # 西河镇 for 西河乡: only inside a known parent
            towns = [v for v in self.index.by_core.get(stem(text), ()) if v.level == "town"]
        return towns

    def _pick(
        self,
        matches: list[tuple[Version, int]],
        day: date | None,
        within: tuple[str, ...],
    ) -> Answer:
        if not matches:
            return Answer(None, "UNKNOWN")
        method, sure = _BY_NAME[matches[0][1]]
        if not within:
            sure -= 0.05
        named = Named(tuple(v for v, _ in matches), "", sure, method)
        return self.pick(named.found, day, within, named)

    def pick(
        self, found: Iterable[Version], day: date | None, within: tuple[str, ...], named: Named
    ) -> Answer:
        """The one unit among the candidates: those that hold on the day before all others."""
        versions = list(dict.fromkeys(found))
        held = {v.code: v for v in versions if v.holds_on(self.index.day_for(v.code, day)[0])}
        if len(held) == 1:
            version = next(iter(held.values()))
            moved = self.index.day_for(version.code, day)[1]
            answer = Answer(version.code, "OK", named.method, named.confidence, version.name)
            return answer.because("day=before_first_snapshot") if moved else answer
        if held:
            return _ambiguous(held)
        answers = [self.walker.to_day(v, day) for v in versions]
        reached = {a.code: a for a in answers if a.code}
        units = {v.code for v in versions}
        if len(reached) == 1 and (len(units) == 1 or all(a.code for a in answers)):
            answer = next(iter(reached.values()))
            how = named.method if answer.method == "exact_code" else answer.method
            return replace(
                answer, method=how, confidence=round(answer.confidence * named.confidence, 4)
            ).because(f"found_as={named.method}")
        fates = dict.fromkeys(a for a in answers if not a.code)
        if len(fates) == 1 and not reached:
            return next(iter(fates))
        return _ambiguous({v.code: v for v in versions})

    # ---- level

    def _at_level(self, answer: Answer, day: date | None, level: str | None) -> Answer:
        """The unit of the level asked for: from a village its town (also of one that is gone)."""
        if level is None:
            return answer
        if answer.verdict == "ABOLISHED" and level != "village":
            town = next((n[5:] for n in answer.note if n.startswith("town=")), None)
            if town:
                above = self._by_code(up(town, level), day)
                return replace(above, method="town_from_village", confidence=0.7)
        if answer.code is None or level_of(answer.code) == level:
            return answer
        if WIDTH[level_of(answer.code)] < WIDTH[level]:
            return Answer(None, "TOO_COARSE", note=(f"found={answer.code}",))
        upper = up(answer.code, level)
        held = self.index.on(upper, self.index.day_for(upper, day)[0])
        return replace(answer, code=upper, name=held.name if held else "").because(
            f"from={answer.code}"
        )


def _is_any(version: Version, prefixes: tuple[str, ...]) -> bool:
    """Is the unit one of the parents themselves?"""
    return version.code[: WIDTH[version.level]] in prefixes


def _ambiguous(units: dict[str, Version]) -> Answer:
    codes = sorted(units)
    listed = ",".join(codes[:5]) + (",…" if len(codes) > 5 else "")
    return Answer(None, "AMBIGUOUS", note=(f"candidates={listed}", f"count={len(codes)}"))


def _repaired(text: str) -> tuple[str, tuple[str, ...]]:
    """A number as it was before a spreadsheet touched it."""
    match = _DAMAGED.fullmatch(text)
    if not match:
        return text, ()
    return (match.group(1) or match.group(2).replace(",", "")), ("repaired=number_format",)
