"""How a file is written: encoding, delimiter, headers, order; and in which night it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onesource.contracts.model import Catalogue
from onesource.simulate.draw import stream

# feed → (format, delimiter, encoding, the one that it changes to)
FORMS = {
    "base.resident": ("csv", "|", "gb18030", "utf-8-sig"),
    "base.resident_change": ("csv", "|", "gb18030", "utf-8"),
    "base.residence_permit": ("csv", ",", "utf-8", "gb18030"),
    "base.birth_certificate": ("json", "", "utf-8", "utf-8"),
    "base.death_certificate": ("csv", ",", "utf-8-sig", "gb18030"),
    "base.marriage": ("xlsx", "", "", ""),
    "base.cremation": ("csv", ",", "gb18030", "utf-8-sig"),
    "base.low_income": ("xlsx", "", "", ""),
    "base.disability": ("csv", ",", "gb18030", "utf-8"),
    "base.social_insurance": ("csv", "|", "gb18030", "utf-8-sig"),
    "base.enrolment": ("csv", ",", "utf-8-sig", "gb18030"),
    "base.medical_insurance": ("csv", ",", "utf-8", "utf-8-sig"),
}
TITLES = {"base.marriage": "婚姻登记信息表", "base.low_income": "低保特困人员花名册"}
WEEKLY = ("base.marriage", "base.disability", "base.social_insurance")


@dataclass(frozen=True)
class Style:
    """fields: in the order of the columns; headers: the words over them."""

    form: str
    delimiter: str
    encoding: str
    fields: tuple[str, ...]
    headers: tuple[str, ...]
    faults: tuple[str, ...]


Headers = Mapping[str, Mapping[str, tuple[str, ...]]]


def headers_of(catalogue: Catalogue) -> Headers:
    """feed → field → the words under which it may arrive, the usual first."""
    return {
        feed: {f.name: f.headers for f in catalogue.feeds[feed].fields if f.is_column}
        for feed in FORMS
    }


def style(
    seed: int,
    feed: str,
    file: str,
    fields: Sequence[str],
    known: Mapping[str, tuple[str, ...]],
    rates: Mapping[str, float],
) -> Style:
    """The style of a file, from the seed and its name: every process finds the same."""
    form, delimiter, encoding, changed = FORMS[feed]
    faults = []
    order = list(fields)
    words = {name: known[name][0] for name in fields}
    if feed == "base.low_income":
        words = {n: next((h for h in known[n] if "/" in h), known[n][0]) for n in fields}
    elif stream(seed, "header", file).random() < rates["header_renamed"]:
        faults.append("header_renamed")
        for name in fields:
            others = [h for h in known[name][1:] if h != name]
            words[name] = others[0] if others else words[name]
    if form == "csv":
        if (
            encoding != changed
            and stream(seed, "encoding", file).random() < rates["encoding_other"]
        ):
            faults.append("encoding_other")
            encoding = changed
        if stream(seed, "order", file).random() < rates["columns_moved"]:
            faults.append("columns_moved")
            stream(seed, "moved", file).shuffle(order)
    return Style(
        form, delimiter, encoding, tuple(order), tuple(words[n] for n in order), tuple(faults)
    )
