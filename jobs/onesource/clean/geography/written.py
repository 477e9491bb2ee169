"""A cell with an address, before it is read: half-width, without blanks, or why it is none."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# The longest true addresses have some eighty characters; a cell of thousands is something else.
LIMIT = 300
_PLAIN = re.compile("[一-鿿0-9A-Za-z]*")
# Blanks, and marks without width that come in by copying.
_BLANK = re.compile(r"[\s\x85\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LOST = re.compile("[?�□■]")
_NOTHING = re.compile("[-—–―_/\\\\*]*|无|空|暂无|不详|未知|null|none|nan|#?n/a", re.IGNORECASE)
_HAN = "[㐀-䶿一-鿿豈-﫿\U00020000-\U000323af〇々]"
_WORDS = re.compile(_HAN + _HAN)


class Written(NamedTuple):
    """verdict: OK, EMPTY, FMT (no address: too long, control characters, no Chinese word),
    LOST_CHARACTER (replacement characters), SUSPECT (测试…). text: empty unless there is any."""

    text: str
    verdict: str
    unreadable: str = ""
    folded: bool = False


def written(raw: str | None) -> Written:
    """The text of a cell as `AddressReader.read` wants it."""
    if raw is None:
        return Written("", "EMPTY")
    if len(raw) > LIMIT:
        return Written("", "FMT", "length")
    if len(raw) > 1 and _PLAIN.fullmatch(raw):  # most are: nothing to fold
        return Written(raw, _verdict(raw))
    if _CONTROL.search(raw):
        return Written("", "FMT", "control")
    bare = _BLANK.sub("", raw)
    text = unicodedata.normalize("NFKC", bare)
    # A spreadsheet's mark of text in front.
    text = text.lstrip("'‘’`")
    return Written(text, _verdict(text), folded=any("！" <= c <= "～" for c in bare))


def _verdict(text: str) -> str:
    if _NOTHING.fullmatch(text):
        return "EMPTY"
    if _LOST.search(text):
        return "LOST_CHARACTER"
    if text.startswith("测试"):
        return "SUSPECT"
    return "OK" if _WORDS.search(text) else "FMT"
