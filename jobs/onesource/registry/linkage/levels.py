"""The comparisons of a spec as levels in SQL, and what they say before anything was learned.

A level is a condition on `<column>_l` and `<column>_r`; the first that holds counts. `m` is how
often it holds for two rows of the same thing, `u` for two of different things. The values here are
the start of the training and its anchor where there is little to learn from; they are those of
experience with lists typed by hand (one in ten values wrong or missing), not of one data set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onesource.registry.linkage.names import HAS_PINYIN
from onesource.registry.linkage.spec import ComparisonSpec

_NULL = "null"


@dataclass(frozen=True)
class Level:
    """label: a word for the explanation. sql: on `_l` and `_r`. agrees: it speaks for the pair.
    frequency: the column whose value's rarity counts."""

    label: str
    sql: str
    m: float
    u: float
    agrees: bool = True
    frequency: str | None = None


@dataclass(frozen=True)
class Comparison:
    """A comparison ready for SQL: `null` where either side says nothing, then its levels from
    alike to `differs`. graded: a higher level never says less than a lower one."""

    name: str
    spec: ComparisonSpec
    null: str
    levels: tuple[Level, ...]
    graded: bool = True

    def gamma_sql(self) -> str:
        """-1 for null; the highest level is len(levels) - 1, `differs` 0, as in splink."""
        top = len(self.levels) - 1
        whens = [f"WHEN {lv.sql} THEN {top - i}" for i, lv in enumerate(self.levels[:-1])]
        return f"CASE WHEN {self.null} THEN -1 {' '.join(whens)} ELSE 0 END"

    def level(self, gamma: int) -> Level | None:
        return None if gamma < 0 else self.levels[len(self.levels) - 1 - gamma]


def comparison(c: ComparisonSpec) -> Comparison:
    """The levels of one comparison of a spec."""
    null, levels, graded = _KINDS[c.kind](c)
    frequency = c.fields[0] if c.frequency and c.kind in _WITH_FREQUENCY else None
    if frequency:
        first = levels[0]
        levels[0] = Level(first.label, first.sql, first.m, first.u, True, frequency)
    return Comparison(c.name, c, null, tuple(levels), graded)


def _missing(*fields: str) -> str:
    return " OR ".join(f"({f}_l IS NULL OR {f}_r IS NULL)" for f in fields)


_Made = tuple[str, list[Level], bool]


def _differs(m: float, u: float) -> Level:
    return Level("differs", "ELSE", m, u, agrees=False)


def _exact(c: ComparisonSpec) -> _Made:
    f = c.fields[0]
    return _missing(f), [Level("equal", f"{f}_l = {f}_r", 0.9, 0.05), _differs(0.1, 0.95)], True


def _code(c: ComparisonSpec) -> _Made:
    """Division codes: the whole code, the town (9 digits), the county (6), the city (4)."""
    f = c.fields[0]
    parts = (
        (9, "same_town", 0.1, 0.01),
        (6, "same_county", 0.1, 0.05),
        (4, "same_city", 0.05, 0.5),
    )
    levels = [Level("equal", f"{f}_l = {f}_r", 0.7, 0.005)]
    levels += [Level(w, f"left({f}_l, {n}) = left({f}_r, {n})", m, u) for n, w, m, u in parts]
    return _missing(f), [*levels, _differs(0.05, 0.435)], True


def _string(c: ComparisonSpec) -> _Made:
    f = c.fields[0]
    levels = [Level("equal", f"{f}_l = {f}_r", 0.75, 0.01)]
    if c.measure == "levenshtein":
        for n in c.levels or [1, 2]:
            near = f"damerau_levenshtein({f}_l, {f}_r) <= {n:g}"
            # One edit in a word of two letters is another word.
            near = f"least(length({f}_l), length({f}_r)) > {2 * n:g} AND {near}"
            levels.append(Level(f"within_{n:g}", near, 0.08, 0.01))
    else:
        for s in c.levels or [0.92, 0.8]:
            near = f"jaro_winkler_similarity({f}_l, {f}_r) >= {s:g}"
            levels.append(Level(f"similar_{s:g}", near, 0.08, 0.02))
    return _missing(f), [*levels, _differs(0.09, 0.95)], True


def _text(c: ComparisonSpec) -> _Made:
    f = c.fields[0]
    sim = f"text_similarity({f}__t_l, {f}__w_r, {f}__n_l, {f}__n_r, {f}__g_l, {f}__g_r)"
    # Missing words make a title shorter, they do not make it another.
    steps = c.levels or [0.85, 0.7, 0.55, 0.4, 0.25]
    levels = [Level("equal", f"{f}_l = {f}_r", 0.4, 0.0005)]
    for i, s in enumerate(steps):
        m, u = 0.5 / len(steps), 0.001 * 3.0 ** (i + 1)
        levels.append(Level(f"similar_{s:g}", f"{sim} >= {s:g}", m, min(u, 0.3)))
    return _missing(f), [*levels, _differs(0.1, 0.7)], True


def _person_name(c: ComparisonSpec) -> _Made:
    """Names in letters: given name and surname, also the wrong way round; or one field."""
    if len(c.fields) == 1:
        f = c.fields[0]
        near = "jaro_winkler_similarity({a}_l, {a}_r) >= {s}"
        return (
            _missing(f),
            [
                Level("equal", f"{f}_l = {f}_r", 0.7, 0.001),
                Level("swapped", f"sorted_words({f}_l) = sorted_words({f}_r)", 0.05, 0.001),
                Level("similar", near.format(a=f, s=0.92), 0.12, 0.003),
                Level("alike", near.format(a=f, s=0.82), 0.05, 0.02),
                _differs(0.08, 0.975),
            ],
            True,
        )
    g, s = c.fields
    null = f"({g}_l IS NULL AND {s}_l IS NULL) OR ({g}_r IS NULL AND {s}_r IS NULL)"

    def sim(a: str, b: str, least: float) -> str:
        return f"coalesce(jaro_winkler_similarity({a}_l, {b}_r) >= {least}, false)"

    def one(a: str, b: str) -> str:
        """One part agrees and the other is missing somewhere."""
        return f"{a}_l = {a}_r AND ({b}_l IS NULL OR {b}_r IS NULL)"

    initial = f"left({g}_l, 1) = left({g}_r, 1) AND least(length({g}_l), length({g}_r)) = 1"
    return (
        null,
        [
            Level("equal", f"{g}_l = {g}_r AND {s}_l = {s}_r", 0.55, 0.0005),
            Level("swapped", f"{g}_l = {s}_r AND {s}_l = {g}_r", 0.05, 0.0001),
            Level("similar", f"{sim(g, g, 0.88)} AND {sim(s, s, 0.88)}", 0.15, 0.001),
            Level("swapped_similar", f"{sim(g, s, 0.88)} AND {sim(s, g, 0.88)}", 0.02, 0.0003),
            Level("part_missing", f"({one(s, g)}) OR ({one(g, s)})", 0.05, 0.01),
            Level("initial", f"{s}_l = {s}_r AND {initial}", 0.03, 0.003),
            Level("surname", sim(s, s, 0.92), 0.07, 0.01),
            Level("given_name", sim(g, g, 0.92), 0.05, 0.01),
            _differs(0.03, 0.965),
        ],
        False,
    )


def _chinese_name(c: ComparisonSpec) -> _Made:
    """姓名: equal; equal once variant and traditional characters are one; same sound; one
    character other or missing."""
    f = c.fields[0]
    levels = [
        Level("equal", f"{f}_l = {f}_r", 0.9, 0.001),
        Level("variant", f"{f}__v_l = {f}__v_r", 0.03, 0.0002),
    ]
    if HAS_PINYIN:
        levels.append(Level("same_sound", f"{f}__p_l = {f}__p_r", 0.02, 0.001))
    one = f"one_character({f}__v_l, {f}__v_r)"
    turned = (
        f"length({f}_l) > 1 AND list_sort(string_split({f}_l, '')) = "
        f"list_sort(string_split({f}_r, ''))"
    )
    levels += [
        Level("turned", turned, 0.005, 0.0002),
        Level("one_character", one, 0.03, 0.01),
        _differs(0.015, 0.985),
    ]
    return _missing(f), levels, True


def _date(c: ComparisonSpec) -> _Made:
    f = c.fields[0]
    y, md = "left({f}_{s}, 4)", "substr({f}_{s}, 6)"
    year = f"{y.format(f=f, s='l')} = {y.format(f=f, s='r')}"
    days = f"{md.format(f=f, s='l')} = {md.format(f=f, s='r')}"
    turned = (
        f"substr({f}_l, 6, 2) = substr({f}_r, 9, 2) AND substr({f}_l, 9, 2) = substr({f}_r, 6, 2)"
    )
    return (
        _missing(f),
        [
            Level("equal", f"{f}_l = {f}_r", 0.85, 0.0002),
            Level("day_and_month_turned", f"{year} AND {turned}", 0.02, 0.0002),
            Level("one_digit", f"damerau_levenshtein({f}_l, {f}_r) = 1", 0.07, 0.002),
            Level("other_year", days, 0.02, 0.003),
            Level("same_year", year, 0.02, 0.015),
            _differs(0.02, 0.98),
        ],
        True,
    )


def _number(c: ComparisonSpec) -> _Made:
    f = c.fields[0]
    gap = f"abs({f}_l - {f}_r)"
    if c.share:
        gap = f"{gap} / nullif(greatest(abs({f}_l), abs({f}_r)), 0)"
    steps = c.levels or ([0.01, 0.1, 0.3] if c.share else [1.0])
    levels = [Level("equal", f"{f}_l = {f}_r", 0.6, 0.02)]
    for i, s in enumerate(steps):
        levels.append(Level(f"within_{s:g}", f"{gap} <= {s:g}", 0.25 / len(steps), 0.04 * 2**i))
    return _missing(f), [*levels, _differs(0.15, 0.7)], True


def _place(c: ComparisonSpec) -> _Made:
    """Longitude and latitude in degrees; the distance on the sphere, in metres."""
    x, y = c.fields
    steps = c.levels or [100.0, 500.0, 2000.0, 10000.0]
    metres = f"metres({x}_l, {y}_l, {x}_r, {y}_r)"
    share = (0.5, 0.25, 0.1, 0.05)
    levels = [
        Level(f"within_{s:g}_m", f"{metres} <= {s:g}", share[min(i, 3)], 0.0005 * 6.0 ** min(i, 4))
        for i, s in enumerate(steps)
    ]
    return _missing(x, y), [*levels, _differs(0.1, 0.9)], True


_KINDS: dict[str, Callable[[ComparisonSpec], _Made]] = {
    "exact": _exact,
    "code": _code,
    "string": _string,
    "text": _text,
    "person_name": _person_name,
    "chinese_name": _chinese_name,
    "date": _date,
    "number": _number,
    "place": _place,
}
_WITH_FREQUENCY = frozenset({"exact", "string", "chinese_name"})


def columns_of(comparisons: Sequence[Comparison]) -> list[str]:
    """The columns of `records` that the comparisons look at."""
    found: dict[str, None] = {}
    for c in comparisons:
        for f in c.spec.fields:
            found[f] = None
            if c.spec.kind == "text":
                found.update(dict.fromkeys(f"{f}__{p}" for p in "twng"))
            if c.spec.kind == "chinese_name":
                found.update(dict.fromkeys(f"{f}__{p}" for p in ("vp" if HAS_PINYIN else "v")))
    return list(found)


MACROS = (
    # levenshtein counts bytes, of which a Chinese character has three. Of two characters one says
    # too little.
    "CREATE MACRO one_character(a, b) AS greatest(length(a), length(b)) > 2 AND a <> b AND "
    "len(list_filter(range(1, greatest(length(a), length(b)) + 1), lambda i: "
    "left(a, i - 1) = left(b, i - 1) AND (substr(a, i + 1) = substr(b, i + 1) OR "
    "substr(a, i + 1) = substr(b, i) OR substr(a, i) = substr(b, i + 1)))) > 0",
    # The weighted words that both have, over the lengths; or the three-letter pieces that both
    # have, which forgives typing errors.
    "CREATE MACRO text_similarity(t, w, n, m, g, h) AS greatest("
    "coalesce(list_sum(list_transform(list_filter(t, lambda e: list_contains(w, e.t)), "
    "lambda e: e.w)), 0) / nullif(n * m, 0), "
    "2.0 * len(list_filter(g, lambda e: list_contains(h, e))) / nullif(len(g) + len(h), 0))",
    "CREATE MACRO sorted_words(x) AS array_to_string(list_sort(string_split(x, ' ')), ' ')",
    "CREATE MACRO metres(x, y, v, w) AS 12742000 * asin(sqrt(least(1, "
    "pow(sin(radians(w - y) / 2), 2) + cos(radians(y)) * cos(radians(w)) * "
    "pow(sin(radians(v - x) / 2), 2))))",
)
