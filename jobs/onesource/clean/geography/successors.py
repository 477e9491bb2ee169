"""What became of a division between two snapshots: renamed, recoded, merged, split, gone, new.

No notice of a change is at hand, only the snapshots; so everything but a rename under the same
code is inferred, and says how (`method`) and how surely (`confidence`). How it is found:

1. Villages: one whose name is gone from its code is looked for by its core name among the new
   codes of its county, and among the codes of its own town that took another name (codes are
   re-used: the communities of a street are renumbered when one is dropped).
2. Towns: a gone town goes to the new town of its stem in its county (洪相乡 → 洪相镇, `recode`);
   else to the town in which most of its found villages stand (`merge`); towns with fewer of them
   took a part (`split`). The weight is a town's share of the villages found again (11/14), the
   confidence its share of all the villages there were (11/19).
3. Villages again, with the towns known: by name in the successor town, then by the code's last
   three digits where the town was recoded one to one.

Rows of `weight` of one old code sum to 1. An abolished or created unit has no other side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from onesource.clean.geography.history import Holding
from onesource.clean.geography.names import core, level_of, resemblance, up

# How sure each way of finding is: grades set by judgement (November 2026), not measured, since no
# notice of a change was at hand. The shares of the town rule are computed instead.
SURE = {
    "same code, other form of the name": 1.0,
    "same code, similar name": 0.9,
    "same code, other name": 0.6,
    "same name in the same town": 0.95,
    "same name in the successor town": 0.95,
    "same name in the successor town, claimed twice": 0.5,
    "same name in the county": 0.8,
    "same name in the county, same last digits": 0.7,
    "same last digits in the recoded town": 0.6,
    "not found again": 0.8,
    "not there before": 0.9,
}


_PLURAL = {"city": "cities", "county": "counties", "town": "towns", "village": "villages"}


class Event(NamedTuple):
    """One edge from an old code to a new one. `code_reused`: the code named last (the new one,
    else the old one) stands in both snapshots, for two different units."""

    level: str
    event: str
    old_code: str | None
    old_name: str | None
    new_code: str | None
    new_name: str | None
    weight: float | None
    method: str
    evidence: str
    confidence: float
    code_reused: bool
    snapshot_before: date
    snapshot_after: date


@dataclass
class _Pair:
    """Two consecutive snapshots and what is known of their units so far."""

    before: Holding
    after: Holding
    by_level: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    counties: dict[str, str] = field(default_factory=dict)  # old county → new, where one to one
    towns: dict[str, Counter[str]] = field(default_factory=dict)  # gone town → votes
    recoded: dict[str, str] = field(default_factory=dict)  # gone unit → new unit of its stem

    def core(self, side: Holding, code: str) -> str:
        return core(side[code].name, level_of(code))

    def keeps_name(self, code: str) -> bool:
        """Does the code name the same unit in both snapshots?"""
        return (
            code in self.before
            and code in self.after
            and self.core(self.before, code) == self.core(self.after, code)
        )


def compare(before: Holding, after: Holding, day_before: date, day_after: date) -> list[Event]:
    """All events between two full snapshots of one area (a prefecture and what lies in it)."""
    pair = _Pair(before, after)
    for code in before:
        pair.by_level[level_of(code)].append(code)
    lines: list[_Line] = []
    for level in ("province", "city", "county"):
        lines += _upper(pair, level)
    first = _find_villages(pair, with_towns=False)
    lines += _towns(pair, first)
    lines += _villages(pair, _find_villages(pair, with_towns=True))
    return [_event(pair, line, day_before, day_after) for line in sorted(lines, key=str)]


class _Line(NamedTuple):
    """An event before names and dates are put to it."""

    event: str
    old: str | None
    new: str | None
    weight: float | None
    method: str
    confidence: float
    evidence: str = ""


def _event(pair: _Pair, line: _Line, day_before: date, day_after: date) -> Event:
    kind, old, new = line.event, line.old, line.new
    named = new or old
    assert named is not None
    reused = kind != "rename" and named in pair.before and named in pair.after
    if kind in ("merge", "split") and reused:  # the target went on being itself
        reused = not pair.keeps_name(named) and level_of(named) == "village"
    return Event(
        level=level_of(named),
        event=kind,
        old_code=old,
        old_name=pair.before[old].name if old else None,
        new_code=new,
        new_name=pair.after[new].name if new else None,
        weight=round(line.weight, 6) if line.weight is not None else None,
        method=line.method,
        evidence=line.evidence,
        confidence=round(line.confidence, 4),
        code_reused=reused,
        snapshot_before=day_before,
        snapshot_after=day_after,
    )


def _gone(pair: _Pair, level: str) -> list[str]:
    return sorted(c for c in pair.by_level[level] if c not in pair.after)


def _fresh(pair: _Pair, level: str) -> list[str]:
    return sorted(c for c in pair.after if c not in pair.before and level_of(c) == level)


def _renames(pair: _Pair, level: str) -> list[_Line]:
    lines: list[_Line] = []
    for code in pair.by_level[level]:
        if code in pair.after and pair.before[code].name != pair.after[code].name:
            lines.append(_rename(pair, code))
    return lines


def _rename(pair: _Pair, code: str) -> _Line:
    old, new = pair.core(pair.before, code), pair.core(pair.after, code)
    if old == new:
        method = "same code, other form of the name"
    elif resemblance(old, new) >= 0.4:
        method = "same code, similar name"
    else:
        method = "same code, other name"
    return _Line("rename", code, code, 1.0, method, SURE[method])


def _upper(pair: _Pair, level: str) -> list[_Line]:
    """Counties and above: by stem among the new ones, else by where their children reappear."""
    lines = _renames(pair, level)
    fresh = _fresh(pair, level)
    stems = defaultdict(list)
    for code in fresh:
        stems[pair.core(pair.after, code)].append(code)
    child = {"province": "city", "city": "county", "county": "town"}[level]
    votes = _child_votes(pair, level, child)
    used: set[str] = set()
    for code in _gone(pair, level):
        same = stems[pair.core(pair.before, code)]
        if len(same) == 1:
            pair.recoded[code] = same[0]
        found, targets = _spread(pair, code, votes.get(code, Counter()), child)
        lines += found
        used |= targets
    for code in pair.by_level[level]:
        pair.counties[code] = pair.recoded.get(code, code)
    lines += [_created(c) for c in fresh if c not in used]
    return lines


def _child_votes(pair: _Pair, level: str, child: str) -> dict[str, Counter[str]]:
    """For each gone unit, in which units its children's names stand anew, each name once."""
    homes: dict[str, list[str]] = defaultdict(list)
    for code in _fresh(pair, child):
        homes[pair.core(pair.after, code)].append(up(code, level))
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for code in _gone(pair, child):
        where = homes[pair.core(pair.before, code)]
        if len(where) == 1:
            votes[up(code, level)][where[0]] += 1
    return votes


def _spread(
    pair: _Pair, code: str, votes: Counter[str], child: str
) -> tuple[list[_Line], set[str]]:
    """The lines of one gone unit: recode or merge for its main successor, split for the rest."""
    children = sum(1 for c in pair.by_level[child] if up(c, level_of(code)) == code)
    same = pair.recoded.get(code)
    tally = Counter(votes)
    if same and not tally:
        tally[same] = 1
    if not tally:
        return [_abolished(code)], set()
    total = sum(tally.values())
    main = same if same in tally else min(tally, key=lambda c: (-tally[c], c))
    lines: list[_Line] = []
    for target, n in sorted(tally.items()):
        share = n / max(children, 1) if votes else 0.0
        evidence = f"{n} of {total} {_PLURAL[child]} found again stand there" if votes else ""
        if target == same == main:
            # The name itself is evidence; what became of the parts adds to it.
            sure = 0.9 + 0.1 * min(share, 1.0)
            lines.append(_Line("recode", code, target, n / total, "same stem", sure, evidence))
        else:
            kind = "merge" if target == main else "split"
            method = f"{kind} (inferred)"
            lines.append(_Line(kind, code, target, n / total, method, min(share, 1.0), evidence))
    return lines, set(tally)


def _abolished(code: str) -> _Line:
    return _Line("abolished", code, None, None, "not found again", SURE["not found again"])


def _created(code: str) -> _Line:
    return _Line("created", None, code, None, "not there before", SURE["not there before"])


def _towns(pair: _Pair, moves: Mapping[str, tuple[str, str]]) -> list[_Line]:
    lines = _renames(pair, "town")
    fresh = _fresh(pair, "town")
    stems = defaultdict(list)
    for code in fresh:
        stems[code[:6], pair.core(pair.after, code)].append(code)
    for old, (new, _) in moves.items():
        if new not in pair.before:
            pair.towns.setdefault(up(old, "town"), Counter())[up(new, "town")] += 1
    used: set[str] = set()
    for code in _gone(pair, "town"):
        county = pair.counties.get(up(code, "county"), up(code, "county"))
        same = stems[county[:6], pair.core(pair.before, code)]
        if len(same) == 1:
            pair.recoded[code] = same[0]
        found, targets = _spread(pair, code, pair.towns.get(code, Counter()), "village")
        lines += found
        used |= targets
        pair.towns[code] = Counter({str(t): 1 for t in targets})
    for code in (c for c in fresh if c not in used):
        lines += _carved_out(pair, code, moves) or [_created(code)]
    return lines


def _carved_out(pair: _Pair, new: str, moves: Mapping[str, tuple[str, str]]) -> list[_Line]:
    """A new town made of villages of towns that go on: each of them was split.

    The old town's remaining share is its own and has no line.
    """
    given = Counter(up(o, "town") for o, (n, _) in moves.items() if up(n, "town") == new)
    lines: list[_Line] = []
    for old, n in sorted(given.items()):
        children = sum(1 for c in pair.by_level["village"] if up(c, "town") == old)
        share, sure = n / children, n / sum(given.values())
        evidence = f"{n} of {children} villages stand there"
        lines.append(_Line("split", old, new, share, "split (inferred)", sure, evidence))
    return lines


def _find_villages(pair: _Pair, *, with_towns: bool) -> dict[str, tuple[str, str]]:
    """Where each village that lost its code or its name stands now: old → (new, method)."""
    lost: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code in pair.by_level["village"]:
        if not pair.keeps_name(code):
            county = pair.counties.get(up(code, "county"), up(code, "county"))
            lost[county, pair.core(pair.before, code)].append(code)
    shown: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code in pair.after:
        if level_of(code) == "village" and not pair.keeps_name(code):
            shown[up(code, "county"), pair.core(pair.after, code)].append(code)
    moves: dict[str, tuple[str, str]] = {}
    for key, olds in lost.items():
        for old in olds:
            choice = _choose(pair, old, len(olds), sorted(shown.get(key, ())), with_towns)
            if choice:
                moves[old] = choice
    return moves


def _choose(
    pair: _Pair, old: str, rivals: int, candidates: list[str], with_towns: bool
) -> tuple[str, str] | None:
    """The one place of a name. A re-used code counts only inside the unit's own town."""
    town = up(old, "town")
    kin = {town, *(pair.towns.get(town, ()) if with_towns else ())}
    near = [c for c in candidates if up(c, "town") in kin]
    if len(near) == 1:
        where = "same" if up(near[0], "town") == town else "successor"
        return near[0], f"same name in the {where} town"
    wide = near or [c for c in candidates if c not in pair.before]
    if len(wide) == 1 and (rivals == 1 or near):
        return wide[0], "same name in the county"
    tail = [c for c in wide if c[9:] == old[9:]]
    if len(tail) == 1:
        return tail[0], "same name in the county, same last digits"
    return None


def _villages(pair: _Pair, moves: dict[str, tuple[str, str]]) -> list[_Line]:
    moves = {**moves, **_by_tail(pair, moves)}
    arrivals = Counter(new for new, _ in moves.values())
    homes = defaultdict(set)
    for old, (new, _) in moves.items():
        homes[new].add(up(old, "town"))
    lines: list[_Line] = []
    for code in pair.by_level["village"]:
        if code in moves:
            new, method = moves[code]
            if len(homes[new]) > 1 and method == "same name in the successor town":
                method += ", claimed twice"
            kind = "merge" if arrivals[new] > 1 else "recode"
            lines.append(_Line(kind, code, new, 1.0, method, SURE[method]))
        elif code not in pair.after or (code in arrivals and not pair.keeps_name(code)):
            lines.append(_abolished(code))
        elif pair.before[code].name != pair.after[code].name:
            lines.append(_rename(pair, code))
    taken = set(arrivals)
    for code in (c for c in pair.after if level_of(c) == "village" and c not in taken):
        if code not in pair.before or code in moves:
            lines.append(_created(code))
    return lines


def _by_tail(pair: _Pair, moves: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Villages of a recoded town that kept their last digits and part of their name."""
    taken = {new for new, _ in moves.values()}
    found: dict[str, tuple[str, str]] = {}
    for old in _gone(pair, "village"):
        town = pair.recoded.get(up(old, "town"))
        new = town[:9] + old[9:] if town else ""
        if old in moves or new in taken or new not in pair.after or new in pair.before:
            continue
        if resemblance(pair.core(pair.before, old), pair.core(pair.after, new)) >= 0.4:
            found[old] = (new, "same last digits in the recoded town")
    return found


def chain(snapshots: Iterable[tuple[date, Holding]]) -> list[Event]:
    """The events of a series of snapshots, each compared with the one before it."""
    events: list[Event] = []
    last: tuple[date, Holding] | None = None
    for day, holding in sorted(snapshots, key=lambda s: s[0]):
        if last is not None:
            events += compare(last[1], holding, last[0], day)
        last = (day, holding)
    return events
