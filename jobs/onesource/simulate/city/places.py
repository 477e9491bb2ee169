"""Where people live: the villages of the division snapshots, shares and codes of the counties."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from onesource.errors import UsageError
from onesource.simulate.city.numbers import Ints

# People of 2020 in 10,000 (census communiqués; those of four counties as their product per head
# implies, 孝义 as the rest), and the share of the registered who live elsewhere.
COUNTIES: dict[str, tuple[float, float]] = {
    "141102": (45.64, 0.10), "141121": (37.26, 0.12), "141122": (22.68, 0.10),
    "141123": (18.70, 0.40), "141124": (39.47, 0.40), "141125": (28.80, 0.15),
    "141126": (9.68, 0.30), "141127": (14.90, 0.25), "141128": (11.30, 0.28),
    "141129": (13.90, 0.15), "141130": (9.53, 0.18), "141181": (47.20, 0.08),
    "141182": (40.76, 0.10),
}  # fmt: skip
# Former codes with the first year in which each no longer held.
OLD_CODES: dict[str, tuple[tuple[int, int], ...]] = {
    "141102": ((142331, 1996), (142302, 2003)), "141121": ((142322, 2003),),
    "141122": ((142323, 2003),), "141123": ((142325, 2003),), "141124": ((142326, 2003),),
    "141125": ((142327, 2003),), "141126": ((142328, 2003),), "141127": ((142329, 2003),),
    "141128": ((142330, 2003),), "141129": ((142332, 2003),), "141130": ((142333, 2003),),
    "141181": ((142324, 1992), (142301, 2003)), "141182": ((142321, 1996), (142303, 2003)),
}  # fmt: skip
# Where people from elsewhere were numbered; the first ten also those who married into the city.
ELSEWHERE = (
    140105, 140702, 140107, 141002, 140902, 140109, 140603, 140202, 140402, 140502,
    110105, 120103, 130102, 130403, 130602, 150102, 210102, 220102, 310104, 320102,
    330102, 340102, 350102, 360102, 370102, 410102, 410122, 420102, 430102, 440103,
)  # fmt: skip
CHUNK = 20_000  # people: some 60 MB of a process


@dataclass(frozen=True)
class Chunk:
    """A part of a county's people: `index` of `of` in its county, `number` of `total` at all."""

    county: str
    index: int
    of: int
    number: int
    total: int
    people: int


@dataclass(frozen=True)
class Village:
    code: str
    name: str
    town: str
    county: str


def chunks(people: int, counties: dict[str, str]) -> list[Chunk]:
    """The city in chunks, every county by its share. Depends on the number of people only."""
    known = {c: COUNTIES.get(c, (10.0, 0.15))[0] for c in counties}
    total = sum(known.values())
    sizes: list[tuple[str, int, int, int]] = []
    for county, share in sorted(known.items()):
        mine = max(1, round(people * share / total))
        parts = -(-mine // CHUNK)
        sizes += [
            (county, i, parts, mine * (i + 1) // parts - mine * i // parts) for i in range(parts)
        ]
    return [Chunk(c, i, of, n, len(sizes), p) for n, (c, i, of, p) in enumerate(sizes)]


@lru_cache(maxsize=16)
def villages(samples: Path, day: str) -> dict[str, tuple[Village, ...]]:
    """The villages of each county by the latest snapshot of the day (yyyymmdd) or before.

    Raises UsageError where the snapshots do not ship.
    """
    files = sorted(samples.glob("*_divisions_*.csv"))
    if not files:
        raise UsageError("there are no division snapshots", where=str(samples))
    before = [f for f in files if f.stem[-8:] <= day]
    rows: dict[str, str] = {}
    with (before[-1] if before else files[0]).open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            rows[row["code"]] = row["name"]
    found: dict[str, list[Village]] = defaultdict(list)
    for code, name in sorted(rows.items()):
        if code[9:] != "000":
            town, county = rows.get(code[:9] + "000", ""), rows.get(code[:6] + "000000", "")
            found[code[:6]].append(Village(code, name, town, county))
    return {c: tuple(v) for c, v in found.items()}


def snapshot(samples: Path, day: str) -> str:
    """The day (yyyymmdd) of the snapshot that holds on a day."""
    known = [f.stem[-8:] for f in sorted(samples.glob("*_divisions_*.csv"))]
    return max((k for k in known if k <= day), default=known[0] if known else "")


def renewed(places: tuple[Village, ...], samples: Path, day: str) -> tuple[Village, ...]:
    """The same villages on a later day: a code that was abolished is followed by the village's
    name within the county, where that is one; else it stays as people know it."""
    now = villages(samples, day)
    kept = {v.code: v for vs in now.values() for v in vs}
    named: dict[tuple[str, str], list[Village]] = defaultdict(list)
    for county, vs in now.items():
        for v in vs:
            named[county, v.name].append(v)
    out = []
    for v in places:
        found = named[v.code[:6], v.name]
        out.append(kept.get(v.code) or (found[0] if len(found) == 1 else v))
    return tuple(out)


@lru_cache(maxsize=4)
def former(samples: Path, day: str) -> dict[str, str]:
    """Codes of a day → the code of the same village in the snapshot before, where it changed."""
    known = [f.stem[-8:] for f in sorted(samples.glob("*_divisions_*.csv"))]
    at = snapshot(samples, day)
    out: dict[str, str] = {}
    for before in [k for k in known if k < at]:
        places = tuple(v for vs in villages(samples, before).values() for v in vs)
        for old, new in zip(places, renewed(places, samples, day), strict=True):
            if old.code != new.code:
                out[new.code] = old.code
    return out


def number_codes(draw: np.random.Generator, county: str, born: Ints) -> Ints:
    """The code under which each was numbered, by year of birth.

    Numbers were given from 1985; who was born before got one then. One in twenty was registered
    late. The recoding of 2003 reached the counters during two years.
    """
    given = np.maximum(born, 1985 + draw.integers(0, 3, len(born)))
    late = draw.random(len(born)) < 0.05
    given = given + np.where(late, draw.integers(1, 12, len(born)), 0)
    out = np.full(len(born), int(county), dtype=np.int64)
    slow = (born >= 2003) & (born <= 2004) & (draw.random(len(born)) < 0.5)
    for code, until in reversed(OLD_CODES.get(county, ())):
        out[(given < until) | (slow & (until == 2003))] = code
    return out
