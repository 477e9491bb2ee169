"""Pieces of SQL text that the standardisers share: characters, folding, details.

Everything here returns text in the subset that `model` describes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

# Longer values are no identifiers, names or numbers; patterns never see them (a megabyte in a
# pattern with groups overflows the stack of Java's matcher).
MAX_LENGTH = 500


def _ranges(points: Iterable[int]) -> str:
    """The inside of a character class that holds just these code points."""
    out: list[str] = []
    run: list[int] = []
    for p in [*sorted(set(points)), -1]:
        if run and p == run[-1] + 1:
            run.append(p)
            continue
        if run:
            out.append(chr(run[0]) if len(run) == 1 else f"{chr(run[0])}-{chr(run[-1])}")
        run = [p]
    return "".join(out)


# Blanks of every kind, and marks without width that come in by copying from pages and chats:
# zero-width (U+200B–U+200F), bidi, word joiner, byte order mark, soft hyphen.
_BLANK = [
    *range(0x09, 0x0E),
    *(0x20, 0x85, 0xA0, 0xAD, 0x061C, 0x1680, 0x180E),
    *range(0x2000, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    *(0x3000, 0xFEFF),
]
BLANK = f"[{_ranges(_BLANK)}]"
NO_WIDTH = f"[{_ranges(p for p in _BLANK if unicodedata.category(chr(p)) == 'Cf')}]"
# Below U+0020 and not a blank. A literal NUL stands in no SQL text, so: not one of the others.
CONTROL = "[^\t-\r \u0021-\u007e\u0080-\U0010ffff]"
HAN = "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇々]"


def _folding() -> tuple[str, str]:
    """Characters whose NFKC form is one printable ASCII character, and those characters.

    The apostrophe and the backslash are left out: neither may stand in a literal.
    """
    spans = ((0xA0, 0x180), (0x2000, 0x3400), (0xFB00, 0xFFF0), (0x1D400, 0x1D800))
    extra = (0x02B0, 0x02E4, 0x1FBF0)
    points = [
        *(p for a, b in spans for p in range(a, b)),
        *range(0x02B0, 0x02FF),
        *range(0x1D2C, 0x1DC0),
        *range(0x1F100, 0x1F190),
        *range(0x1FBF0, 0x1FBFA),
        *extra,
        *(0x037E, 0x1FEF, 0xA7F2, 0xA7F3, 0xA7F4, 0x107A5),
    ]
    folded = {chr(p): unicodedata.normalize("NFKC", chr(p)) for p in dict.fromkeys(points)}
    pairs = [
        (c, t) for c, t in folded.items() if len(t) == 1 and " " <= t <= "~" and t not in "'\\"
    ]
    return "".join(c for c, _ in pairs), "".join(t for _, t in pairs)


FOLD_FROM, FOLD_TO = _folding()
FOLDABLE = f"[{_ranges(map(ord, FOLD_FROM))}]"
FOLDS = f"[{_ranges(ord(c) for c, t in zip(FOLD_FROM, FOLD_TO, strict=True) if t != ' ')}]"
LOWER, UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def literal(value: str | None) -> str:
    """A value as SQL text, whatever it holds: the two parsers agree on no way to write an
    apostrophe or a backslash in a literal, so these become `chr()`."""
    if value is None:
        return "cast(null as string)"
    parts = [p for p in re.split(r"(['\\\x00])", value) if p]
    texts = [f"chr({ord(p)})" if p in "'\\\x00" else f"'{p}'" for p in parts]
    return "(" + " || ".join(texts) + ")" if len(texts) > 1 else (texts or ["''"])[0]


def fold(x: str) -> str:
    """Full-width and other compatible forms of ASCII to ASCII (NFKC, as far as its result is one
    ASCII character)."""
    return (
        f"case when {x} rlike '{FOLDABLE}' "
        f"then translate({x}, '{FOLD_FROM}', '{FOLD_TO}') else {x} end"
    )


def upper(x: str) -> str:
    """ASCII letters to capitals, and nothing else: engines disagree on ß and its like."""
    return f"translate({x}, '{LOWER}', '{UPPER}')"


def trimmed(x: str) -> str:
    """Without blanks and marks without width at both ends."""
    return f"regexp_replace({x}, '^{BLANK}+|{BLANK}+$', '')"


def compact(x: str) -> str:
    """Without any blank."""
    return f"regexp_replace({x}, '{BLANK}', '')"


PLAIN = (
    f"length(raw) <= {MAX_LENGTH} and not (raw rlike '[^!-~]') and left(raw, 1) not in "
    "(chr(39), '`')"
)


def cleaned(
    limit: int = MAX_LENGTH,
    folded: bool = True,
    spaces: bool = False,
    plain: str = PLAIN,
    simple: str = "",
) -> list[Mapping[str, str]]:
    """The stages that most standardisers begin with: from `raw` to `t` and `bad`.

    t: folded to ASCII forms (if `folded`), without blanks at the ends, without the apostrophe
    that spreadsheets put in front of text, inner blanks taken out (or kept as single spaces, with
    `spaces`). bad: null, or why the value cannot be read at all. folds: was it folded. plain: the
    condition under which nothing of all this is needed; it spares the common case the work.
    simple: the condition under which the raw value is as good as the answer: the column `simple`
    then holds it and `t` is null, so that nothing further is computed from it.
    """
    base = fold("raw") if folded else "raw"
    inner = compact(base)
    if spaces:
        inner = f"regexp_replace(regexp_replace({base}, '{NO_WIDTH}', ''), '{BLANK}+', ' ')"
        inner = f"regexp_replace({inner}, '^ | $', '')"
    quote = "left(f, 1) in (chr(39), '‘', '’', '＇', '`')"
    keep = f"case when {simple} then raw end" if simple else "cast(null as string)"
    return [
        {"plain": f"coalesce({plain}, false)", "simple": keep},
        {
            "f": f"case when plain then raw when length(raw) > {limit} then null else {inner} end",
            "bad": f"case when plain then null when raw is null then 'null' "
            f"when length(raw) > {limit} then 'length' when raw rlike '{CONTROL}' then 'control' "
            "when contains(raw, '\ufffd') then 'lost' end",
            "folds": f"not plain and coalesce(raw rlike '{FOLDS}', false)" if folded else "false",
        },
        {
            "t": f"case when simple is not null then null when plain then raw when {quote} "
            "then regexp_replace(f, '^[' || chr(39) || '‘’＇`]+ *', '') else f end",
        },
    ]


# What departments write where there is nothing to say.
NOTHING = (
    "",
    *("/", "//", ".", "null", "none", "nan", "nat", "n/a", "#n/a", "na", "nil", "<na>"),
    *("无", "空", "暂无", "无数据", "未填", "未填写", "缺", "缺失", "没有"),
)


def is_nothing(x: str = "t") -> str:
    """Is it a way to say nothing: blank, dashes, slashes, 无, null (in any case)."""
    words = ", ".join(f"'{w}'" for w in NOTHING)
    return f"(translate({x}, '{UPPER}', '{LOWER}') in ({words}) or {x} rlike '^[-—–―_~·…]+$')"


def detail(**parts: str) -> str:
    """`a=b;c=d` of the parts (SQL) that are not null and not empty."""
    shown = ", ".join(f"'{k}=' || nullif({v}, '')" for k, v in parts.items())
    return f"concat_ws(';', {shown})"


def flag(condition: str) -> str:
    """For `detail`: 1 where it holds, else nothing."""
    return f"case when {condition} then '1' end"


def shown(x: str) -> str:
    """Free text as a part of a detail, with the two separators taken out of its way."""
    return f"translate({x}, ';=', '；＝')"


def cases(x: str, pairs: Iterable[tuple[str, object]], default: str = "null") -> str:
    """`case x when 'a' then 1 … else default end`; a value is written as it is."""
    arms = " ".join(f"when '{k}' then {v}" for k, v in pairs)
    return f"case {x} {arms} else {default} end"


def found(x: str, worth: Mapping[str, str], width: int) -> str:
    """What stands for `x` (SQL) in a table, or null: texts of one width.

    The table is one literal that is searched, not a case with an arm for each: the code that
    Spark makes of that grows beyond what Java compiles. `｜` and `＝` are in no folded text.
    """
    table = "".join(f"｜{key}＝{text}" for key, text in worth.items())
    assert all(len(text) == width for text in worth.values())
    return (
        f"substr('{table}', nullif(locate('｜' || {x} || '＝', '{table}'), 0) "
        f"+ length({x}) + 2, {width})"
    )


def days_in_month(y: str, m: str) -> str:
    """Days of the month `m` (1–12) of the year `y`, Gregorian."""
    leap = f"({y} % 4 = 0 and ({y} % 100 <> 0 or {y} % 400 = 0))"
    return (
        f"case when {m} in (4, 6, 9, 11) then 30 "
        f"when {m} = 2 then case when {leap} then 29 else 28 end else 31 end"
    )


_WORD = re.compile(r"'[^']*'|[A-Za-z_][A-Za-z0-9_]*(?=\s*\()|[A-Za-z_][A-Za-z0-9_]*")


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with its column names replaced; literals and function names stay."""

    def one(m: re.Match[str]) -> str:
        word = m.group(0)
        if word.startswith("'") or text[m.end() :].lstrip().startswith("("):
            return word
        return names.get(word, word)

    return _WORD.sub(one, text)


def words(text: str) -> set[str]:
    """The words of the text that may be columns: all but literals and functions."""
    found = set()
    for m in _WORD.finditer(text):
        if not m.group(0).startswith("'") and not text[m.end() :].lstrip().startswith("("):
            found.add(m.group(0))
    return found


# Of a value that could not be read as text: why.
UNREADABLE = "case when bad <> 'null' then bad end"
EMPTY_OR_BAD = (
    "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
    f"when {is_nothing()} then 'EMPTY' "
)
