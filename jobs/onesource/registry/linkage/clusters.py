"""Clusters: rows that are one thing, through pairs, without the chains that one bad pair makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def clusters(
    rows: Iterable[int], pairs: Sequence[tuple[int, int, float]], cohesion: float
) -> dict[int, int]:
    """Row → the smallest row of its cluster; every row has one.

    Two clusters become one along their best pair only if at least the share `cohesion` of all
    pairs between them is linked: a chain a-b, b-c, c-d does not tie a to d. With 0 these are the
    connected components.
    """
    home = {row: row for row in rows}
    members = {row: [row] for row in home}
    between: dict[int, dict[int, int]] = {row: {} for row in home}
    for a, b, _ in pairs:
        between[a][b] = between[a].get(b, 0) + 1
        between[b][a] = between[b].get(a, 0) + 1
    ordered = sorted(pairs, key=lambda p: (-p[2], p[0], p[1]))
    for a, b, _ in ordered:
        one, two = home[a], home[b]
        if one == two:
            continue
        room = len(members[one]) * len(members[two])
        if between[one].get(two, 0) < cohesion * room:
            continue
        # The smaller moves: each row moves at most log2(n) times.
        if len(members[one]) < len(members[two]):
            one, two = two, one
        _merge(one, two, home, members, between)
    first = {root: min(found) for root, found in members.items()}
    return {row: first[root] for row, root in home.items()}


def _merge(
    one: int,
    two: int,
    home: dict[int, int],
    members: dict[int, list[int]],
    between: dict[int, dict[int, int]],
) -> None:
    for row in members[two]:
        home[row] = one
    members[one] += members.pop(two)
    for other, n in between.pop(two).items():
        if other == one:
            continue
        between[other].pop(two, None)
        between[one][other] = between[one].get(other, 0) + n
        between[other][one] = between[one][other]
    between[one].pop(two, None)
