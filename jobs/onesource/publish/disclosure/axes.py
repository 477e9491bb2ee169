"""The dimensions of a release's linked tables: leaf codes, subtotals and the total of each.

Tables that share a dimension (by name) share its codes. A table that lacks a dimension of the
others shows sums over it: there its code is `TOTAL`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onesource.contracts.disclosure import Dimension
from onesource.publish.disclosure.model import DisclosureRefused

# One code for "all of them", whatever each table calls its total row.
TOTAL = "∑"


@dataclass(frozen=True)
class Axis:
    """One dimension: `sums` maps a subtotal (or `TOTAL`) to the codes directly below it;
    `layers` are maps leaf → node, each giving a leaf at most one node."""

    name: str
    leaves: tuple[str, ...]
    sums: Mapping[str, tuple[str, ...]]
    layers: tuple[Mapping[str, str], ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return (*self.leaves, *self.sums)


def make_axis(name: str, uses: Sequence[Dimension], codes: Iterable[str], total: bool) -> Axis:
    """The axis of all tables that use a dimension; `codes` are those found in their rows.

    Raises DisclosureRefused where subtotals contain themselves or contradict each other.
    """
    groups: dict[str, tuple[str, ...]] = {}
    prefixes: set[int] = set()
    for use in uses:
        for code, members in use.groups.items():
            if groups.setdefault(code, tuple(members)) != tuple(members):
                raise DisclosureRefused(
                    f"group {code} has other members in a linked table",
                    where=f"dimension {name}",
                    todo="give it the same members in both contracts",
                )
        prefixes |= set(use.prefixes)
    found = {c for c in codes if c != TOTAL}
    below = {m for members in groups.values() for m in members}
    leaves = sorted(c for c in found | below if c not in groups and len(c) not in prefixes)
    groups |= _by_prefix(leaves, sorted(prefixes, reverse=True))
    inside = {g: _expand(g, groups, name) for g in groups}
    lost = found - set(leaves) - set(groups)
    if lost:
        raise DisclosureRefused(
            f"code {min(lost)} is a subtotal without codes below it", where=f"dimension {name}"
        )
    sums = dict(groups)
    if total:
        sums[TOTAL] = _top(leaves, groups, inside)
    layers = [{c: c for c in leaves}, *_layers(inside)]
    if total:
        layers.append(dict.fromkeys(leaves, TOTAL))
    return Axis(name, tuple(leaves), sums, tuple(layers))


def _by_prefix(leaves: Sequence[str], lengths: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Subtotals by first characters, each the sum of the next longer ones."""
    groups: dict[str, tuple[str, ...]] = {}
    below = list(leaves)
    for length in lengths:
        level: dict[str, list[str]] = {}
        for code in below:
            level.setdefault(code[:length], []).append(code)
        groups |= {code: tuple(members) for code, members in level.items()}
        below = sorted(level)
    return groups


def _expand(group: str, groups: Mapping[str, tuple[str, ...]], name: str) -> frozenset[str]:
    """The leaves of a subtotal."""
    found: set[str] = set()
    waiting, steps = [group], 0
    while waiting:
        steps += 1
        if steps > 100_000:
            raise DisclosureRefused(
                f"group {group} contains itself", where=f"dimension {name}", todo="mend `groups`"
            )
        for code in groups[waiting.pop()]:
            if code in groups:
                waiting.append(code)
            else:
                found.add(code)
    return frozenset(found)


def _top(
    leaves: Sequence[str],
    groups: Mapping[str, tuple[str, ...]],
    members: Mapping[str, frozenset[str]],
) -> tuple[str, ...]:
    """What the total is the sum of: the codes below nobody, where they are a partition."""
    below = {m for g in groups.values() for m in g}
    top = [c for c in (*leaves, *groups) if c not in below]
    counted = sum(len(members[c]) if c in groups else 1 for c in top)
    return tuple(top) if counted == len(leaves) else tuple(leaves)


def _layers(members: Mapping[str, frozenset[str]]) -> list[dict[str, str]]:
    """Subtotals laid out so that no layer gives a leaf two of them."""
    layers: list[dict[str, str]] = []
    for group, leaves in members.items():
        for layer in layers:
            if not leaves & layer.keys():
                layer |= dict.fromkeys(leaves, group)
                break
        else:
            layers.append(dict.fromkeys(leaves, group))
    return layers
