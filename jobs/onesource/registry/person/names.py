"""May two names written beside the same number be the same person's?

The number has already agreed in all its eighteen places, so the question is only whether the name
was typed, exported or written otherwise. A renaming is no such question: the police's own change
record says it, and both names belong to the person from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

# A character that an export could not write, or that was hidden on purpose.
_WILD = frozenset("?？*＊�□■×●○")
# A name of so many characters may be one that was cut off at the end of a narrow column.
_CUT = 4
# The same character in another form: simplified and traditional, common and rare.
_OTHER = (
    "張陳劉楊趙黃吳孫馬鄭謝韓馮許鄧蕭葉蘇盧鐘鍾賈譚廖范鄒閻魯圖龍萬錢湯賴龔賀顧東華國偉麗蘭鳳強軍"
    "紅靜濤輝飛曉艷豔衛慶貴榮興發寶實愛雲龙峯堃昇喆"
)
_COMMON = (
    "张陈刘杨赵黄吴孙马郑谢韩冯许邓萧叶苏卢钟钟贾谭廖范邹阎鲁图龙万钱汤赖龚贺顾东华国伟丽兰凤强军"
    "红静涛辉飞晓艳艳卫庆贵荣兴发宝实爱云龙峰坤升哲"
)
_FORMS = str.maketrans(_OTHER, _COMMON)
_BLANKS = "·•．. \u3000\u00a0-"
_SILENT = str.maketrans("", "", _BLANKS)
# `plain` in SQL: `translate` leaves out what has nothing at its place in the second text.
PLAIN_SQL = f"upper(translate(translate({{name}}, '{_BLANKS}', ''), '{_OTHER}', '{_COMMON}'))"


def plain(name: str) -> str:
    """The name without dots and blanks, in the common form of its characters."""
    return name.translate(_SILENT).translate(_FORMS).upper()


def compatible(a: str, b: str) -> bool:
    """Equal, or different by what typing and exporting does to a name.

    One unreadable character matches any; of names of the same first character one more may be
    wrong or missing. A name in Latin letters cannot be compared with one in Han characters: the
    number decides.
    """
    a, b = plain(a), plain(b)
    if a == b or not a or not b:
        return True
    if a.isascii() != b.isascii():
        return True
    if len(a) == len(b):
        wrong = [(x, y) for x, y in zip(a, b, strict=True) if x != y and not {x, y} & _WILD]
        hidden = sum(x != y for x, y in zip(a, b, strict=True)) - len(wrong)
        return not wrong or (len(wrong) == 1 and hidden == 0 and a[0] == b[0])
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    if len(longer) - len(shorter) > 1 or longer[0] != shorter[0]:
        # A long name cut off at the end of a narrow column.
        return len(shorter) >= _CUT and longer.startswith(shorter)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(1, len(longer)))


def illegible(a: str, b: str) -> bool:
    """Can the two not be told apart, because a character is hidden or the script is another?"""
    a, b = plain(a), plain(b)
    return compatible(a, b) and (bool(set(a + b) & _WILD) or a.isascii() != b.isascii())


def clusters(
    speakers: Sequence[Sequence[str]], registered: Sequence[bool] | None = None
) -> list[int]:
    """Parts the speakers of one number into persons by the names that each of them uses.

    speakers: for each, all names that it ever gave. registered: which of them are registrations of
    the police's register (None: nobody). Two registrations under one number are one person only
    where their names are written alike: 张辉 and 张瑞 are two who were given the same number, and
    no slip of the pen. Who gives no name, or one that cannot be read, joins one of the others and
    makes no two of them one.

    Returns for each the number of its person, 0 the one of the first speaker. The order says who
    is first, and who is chosen where a name fits two; else who belongs together does not depend on
    it.
    """
    is_registered = registered or [False] * len(speakers)
    plain_names = [{plain(n) for n in names} - {""} for names in speakers]
    latin = all(n.isascii() for names in plain_names for n in names)
    clear = [
        bool(names) and not any(set(n) & _WILD or (n.isascii() and not latin) for n in names)
        for names in plain_names
    ]

    def alike(i: int, j: int) -> bool:
        return any(
            a == b or (min(len(a), len(b)) >= _CUT and (a.startswith(b) or b.startswith(a)))
            for a in plain_names[i]
            for b in plain_names[j]
        )

    def fits(i: int, j: int) -> bool:
        return (
            not plain_names[i]
            or not plain_names[j]
            or any(compatible(a, b) for a in plain_names[i] for b in plain_names[j])
        )

    every = range(len(speakers))
    seeds = _linked([i for i in every if clear[i] and is_registered[i]], alike)
    others = [i for i in every if clear[i] and not is_registered[i]]
    if len(seeds) < 2:
        seeds = _linked([*(i for seed in seeds for i in seed), *others], fits)
    else:
        left: list[int] = []
        for i in others:
            same = [s for s in seeds if any(alike(i, j) for j in s if is_registered[j])]
            near = same or [s for s in seeds if any(fits(i, j) for j in s if is_registered[j])]
            (near[0] if near else left).append(i)
        seeds += _linked(left, fits)
    for i in every:
        if not clear[i]:
            free = [s for s in seeds if not any(is_registered[j] for j in s)]
            order = [*free, *seeds] if is_registered[i] else seeds
            home = next((s for s in order if any(fits(i, j) for j in s)), None)
            if home is None:
                seeds.append([i])
            else:
                home.append(i)
    of = {i: n for n, seed in enumerate(seeds) for i in seed}
    number = {n: k for k, n in enumerate(dict.fromkeys(of[i] for i in every))}
    return [number[of[i]] for i in every]


def _linked(some: Sequence[int], same: Callable[[int, int], bool]) -> list[list[int]]:
    """Groups of those that are linked by `same`, directly or through others."""
    groups: list[list[int]] = []
    for i in some:
        met = [g for g in groups if any(same(i, j) for j in g)]
        groups = [g for g in groups if g not in met]
        groups.append(sorted([i, *(j for g in met for j in g)]))
    return sorted(groups)
