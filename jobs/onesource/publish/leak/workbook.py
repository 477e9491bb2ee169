"""Workbooks: cells under their headings, sheet names, comments, properties and every other part.

A sheet is read as a stream of its XML, as it stands: nothing is left out that a spreadsheet
programme would not show.
"""

from __future__ import annotations

import html
import re
import zipfile

import pyarrow as pa

from onesource.publish.leak import words
from onesource.publish.leak.columns import Looking, matches
from onesource.publish.leak.headings import safe
from onesource.publish.leak.lines import look_at_text
from onesource.publish.leak.model import Allowance, Kind
from onesource.publish.leak.sheet import Shared, joined, look_at_sheet, without_tags

_MOST_PART = 64 << 20
_SHARED = "xl/sharedStrings.xml"
_ITEM = re.compile(r"<(?:\w+:)?si(?:\s[^>]*)?>(.*?)</(?:\w+:)?si>|<(?:\w+:)?si/>", re.DOTALL)
_SHEET = re.compile(r'<(?:\w+:)?sheet\s[^>]*?\bname="([^"]*)"')


def is_workbook(archive: zipfile.ZipFile) -> bool:
    names = set(archive.namelist())
    return "[Content_Types].xml" in names and "xl/workbook.xml" in names


def look_at_workbook(archive: zipfile.ZipFile, allowance: Allowance, to: Looking) -> list[str]:
    """Looks at sheets and XML parts; returns the parts that are for somebody else to look at.

    Raises zipfile.BadZipFile, ValueError or OSError where a part cannot be read.
    """
    names = archive.namelist()
    shared = _shared(archive, to)
    titles = _SHEET.findall(archive.read("xl/workbook.xml").decode("utf-8", "replace"))
    sheets = sorted(
        (n for n in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", n)),
        key=lambda n: (len(n), n),
    )
    for i, part in enumerate(sheets):
        title = safe(html.unescape(titles[i]), to.against) if i < len(titles) else part
        with archive.open(part) as raw:
            look_at_sheet(raw, f"sheet {title}", shared, allowance, to)
    for i in sorted(shared.flagged - shared.used):
        look_at_text(shared.texts[i], f"shared strings, item {i + 1} (in no cell)", to)
    for title in titles:
        look_at_text(html.unescape(title), "name of a sheet", to)
    others = []
    for name in names:
        if name in sheets or name == _SHARED or name.endswith("/"):
            continue
        if name.endswith((".xml", ".rels", ".vml")):
            _look_at_part(archive, name, to)
        else:
            others.append(name)
    return others


def _shared(archive: zipfile.ZipFile, to: Looking) -> Shared:
    if _SHARED not in archive.namelist():
        return Shared([], set())
    if archive.getinfo(_SHARED).file_size > 4 * _MOST_PART:
        raise ValueError("shared strings above 256 MiB")
    text = archive.read(_SHARED).decode("utf-8", "replace")
    texts = [joined(m[1] or "") for m in _ITEM.finditer(text)]
    candidates = matches(
        pa.array(texts, pa.large_string()), words.flag_text(to.decimals)
    ).nonzero()[0]
    flagged = {i for i in candidates.tolist() if words.look(texts[i], to.against, to.decimals)}
    return Shared(texts, flagged)


def _look_at_part(archive: zipfile.ZipFile, name: str, to: Looking) -> None:
    if archive.getinfo(name).file_size > _MOST_PART:
        to.out.problem(Kind.UNREADABLE, f"part {safe(name, to.against)}", "above 64 MiB")
        return
    xml = archive.read(name).decode("utf-8", "replace")
    look_at_text(without_tags(xml), f"part {safe(name, to.against)}", to)
