"""What a column's name says about its values, and labels that are safe to show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from onesource.publish.leak import names, words
from onesource.publish.leak.digits import Known
from onesource.publish.leak.model import DEFAULT_DECIMALS, Allowance, Kind

_PHONE = re.compile(r"手机|电话|联系方式|mobile|phone|(?:^|_)tel(?:$|_)", re.IGNORECASE)
_ID = re.compile(r"身份证|公民身份|证件号|id_?(?:card|no|number)|sfz", re.IGNORECASE)
_CARD = re.compile(r"银行卡|卡号|账号|帐号|bank_?card|card_?no|account", re.IGNORECASE)
COORDINATE_WORDS = (
    r"(?:.*[_ ])?(?:lon|lng|long|longitude|lat|latitude)(?:[_ ](?:deg|wgs84|gcj02|cgcs2000|bd09))?"
    r"|.*(?:经度|纬度|经纬度|坐标|东经|北纬)|(?:.*_)?(?:coord(?:inate)?s?|geom(?:etry)?|wkt|lnglat|lonlat)"
)
_COORDINATE = re.compile(COORDINATE_WORDS, re.IGNORECASE)
_LONGEST_LABEL = 80


@dataclass(frozen=True)
class Column:
    """A column under its headings, as the gate sees it. `says`: kinds that a heading announces."""

    label: str
    headings: tuple[str, ...]
    is_person: bool
    is_coordinate: bool
    says: frozenset[Kind]

    @property
    def place(self) -> str:
        return f"column {self.label}" if self.label else ""


def column(headings: tuple[str, ...], allowance: Allowance, against: Known) -> Column:
    said = {Kind.MOBILE: _PHONE, Kind.RESIDENT_ID: _ID, Kind.BANK_CARD: _CARD}
    person = any(names.is_heading(h) for h in headings)
    return Column(
        label=safe(next((h for h in headings if h), ""), against),
        headings=headings,
        is_person=person and not allowance.names_allowed(headings),
        is_coordinate=any(_COORDINATE.fullmatch(h.strip()) for h in headings),
        says=frozenset(k for k, p in said.items() if any(p.search(h) for h in headings)),
    )


def safe(label: str, against: Known) -> str:
    """A name of a file, sheet or column for a finding: `[resident_id]` where it shows one."""
    parts = re.split(r"([/\\])", label)
    shown = "".join(p if p in ("/", "\\") else _safe_part(p, against) for p in parts)
    return shown if len(shown) <= _LONGEST_LABEL * 3 else shown[: _LONGEST_LABEL * 3] + "…"


def _safe_part(part: str, against: Known) -> str:
    hits = [h for h in words.look(part, against, DEFAULT_DECIMALS) if h.note != _LAKE_COLUMN]
    if not hits:
        shown = "".join(c if c.isprintable() else "?" for c in part)
        return shown if len(shown) <= _LONGEST_LABEL else shown[:_LONGEST_LABEL] + "…"
    kinds = "+".join(sorted({h.kind.value for h in hits}))
    suffix = re.search(r"\.[A-Za-z]{1,8}$", part)
    return f"[{kinds}]{suffix[0] if suffix else ''}"


_LAKE_COLUMN = "a column of the lake"  # its name is no secret, that it is there is the finding
