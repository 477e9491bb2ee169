"""May two names written beside the same number be the same person's?

The number has already agreed in all its eighteen places, so the question is only whether the name
was typed, exported or written otherwise. A renaming is no such question: the police's own change
record says it, and both names belong to the person from then on.
"""

from __future__ import annotations

from collections.abc import Sequence

# A character that an export could not write, or that was hidden on purpose.
_WILD = frozenset("?？*＊�□■×●○")
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
        return len(shorter) >= 4 and longer.startswith(shorter)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(1, len(longer)))


def illegible(a: str, b: str) -> bool:
    """Can the two not be told apart, because a character is hidden or the script is another?"""
    a, b = plain(a), plain(b)
    return compatible(a, b) and (bool(set(a + b) & _WILD) or a.isascii() != b.isascii())


def clusters(speakers: Sequence[Sequence[str]]) -> list[int]:
    """Parts the speakers of one number into persons by the names that each of them uses.

    speakers: for each, all names that it ever gave (none: it joins whoever is first). Returns for
    each the number of its person, 0 the one of the first speaker. The order of the speakers says
    who is first; who belongs together does not depend on it.
    """
    group = list(range(len(speakers)))

    def root(i: int) -> int:
        while group[i] != i:
            i = group[i]
        return i

    for i, names in enumerate(speakers):
        for j in range(i):
            others = speakers[j]
            if not names or not others or any(compatible(a, b) for a in names for b in others):
                low, high = sorted((root(i), root(j)))
                group[high] = low
    number = {r: n for n, r in enumerate(dict.fromkeys(root(i) for i in range(len(speakers))))}
    return [number[root(i)] for i in range(len(speakers))]
