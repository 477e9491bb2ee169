"""Findings of one file, brought together: one for each column, kind and weight, with a count.

Numbers that look alike are weighed together: one in a hundred of random numbers looks like a card,
so a column of which one in a hundred does is no column of cards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from onesource.publish.leak.headings import Column
from onesource.publish.leak.model import Confidence, Finding, Hit, Kind

# (fewest numbers of that look, largest share of them that is chance)
_CHANCE = {"id15": (50, 0.05), "id18": (1000, 0.001), "card": (50, 0.2), "mobile13": (10, 0.5)}

MOST_PLACES = 50


@dataclass
class _Entry:
    place: str
    hit: Hit
    count: int = 0


@dataclass
class Gather:
    """Collects what is found in one file."""

    dataset: str | None
    file: str
    inside: str = ""
    _entries: dict[tuple[str, Kind, bool, str, str], _Entry] = field(default_factory=dict)
    _alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    _said: dict[str, frozenset[Kind]] = field(default_factory=dict)
    _plain: list[Finding] = field(default_factory=list)

    def add(self, hit: Hit, place: str, column: Column | None = None, count: int = 1) -> None:
        """A hit at a place; in a column the first place stands for all."""
        place = self._within(place)
        group = self._within(column.place) if column else self._group_of(place)
        if column:
            self._said[group] = column.says
        key = (group, hit.kind, hit.sure, hit.shape, hit.note)
        entry = self._entries.setdefault(key, _Entry(place, hit))
        entry.count += count

    def _group_of(self, place: str) -> str:
        """Outside of columns each place is told, up to a number; the rest is counted there."""
        known = {k[0] for k in self._entries}
        return place if place in known or len(known) < MOST_PLACES else "elsewhere"

    def alike(self, column: Column, shape: str, numbers: int) -> None:
        """Tells of numbers in a column that have the look of `shape`, hits and others."""
        self._alike[(self._within(column.place), shape)] += numbers

    def problem(self, kind: Kind, place: str, why: str, *, stop: bool = True) -> None:
        """What the gate could not look into, or should not have met."""
        weight = Confidence.STOP if stop else Confidence.WARN
        self._plain.append(Finding(self.dataset, self.file, self._within(place), kind, weight, why))

    def within(self, member: str) -> Gather:
        """The same collection, seen from a member of an archive."""
        return replace(self, inside=self._within(member))

    def _within(self, place: str) -> str:
        return ", ".join(p for p in (self.inside, place) if p)

    def findings(self) -> Iterable[Finding]:
        yield from self._plain
        totals: Counter[tuple[str, str]] = Counter()
        for (group, _, _, shape, _), e in self._entries.items():
            totals[(group, shape)] += e.count
        for (group, kind, sure, shape, _), e in self._entries.items():
            if sure and shape and kind not in self._said.get(group, ()):
                sure = not self._is_chance(group, shape, totals[(group, shape)])
            yield Finding(
                self.dataset,
                self.file,
                e.place,
                kind,
                Confidence.STOP if sure else Confidence.WARN,
                e.hit.masked(),
                e.count,
            )

    def _is_chance(self, group: str, shape: str, hits: int) -> bool:
        alike = self._alike[(group, shape)]
        if shape == "mobile":  # the others are amounts or codes of about that length
            return alike - hits >= hits
        fewest, share = _CHANCE[shape]
        return alike >= fewest and hits < share * alike
