"""Addresses: cleaned text, its parts, and the division valid on a day, in the detail.

The reading itself is `onesource.clean.geography.address`, which the registry of addresses uses,
too; it needs the register of divisions in memory, so it works in batches, not in SQL.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from onesource.clean.geography.address import Address, AddressReader
from onesource.clean.geography.index import Crosswalk, DivisionIndex, Version
from onesource.clean.geography.names import level_of
from onesource.clean.geography.written import written
from onesource.clean.standardisers.model import (
    Answer,
    Answers,
    Argument,
    Context,
    Standardiser,
)
from onesource.clean.standardisers.places import day_of, iso_day
from onesource.contracts.model import CodeRow

_made = threading.local()


def reader_of(index: DivisionIndex) -> AddressReader:
    """The reader of an index, made once in a thread: what it remembers serves many batches."""
    kept: AddressReader | None = getattr(_made, "reader", None)
    if kept is None or kept.index is not index:
        kept = _made.reader = AddressReader(index)
    return kept


def _index(context: Context) -> DivisionIndex:
    """The register of divisions, else only what was ever official down to counties."""
    former = context.codelist("division_crosswalk").rows
    national = context.codelist("gb2260").rows
    if context.division is not None:
        register: DivisionIndex = context.division
        return register
    kept: tuple[object, DivisionIndex] | None = getattr(_made, "national", None)
    if kept is None or kept[0] is not context.codelists:
        index = DivisionIndex.from_rows(
            (),
            (),
            [Crosswalk(r.code, r.name, r.extra["current_code"]) for r in former],
            [_version(r) for r in national],
        )
        kept = _made.national = context.codelists, index
    return kept[1]


def _version(row: CodeRow) -> Version:
    code = row.code.ljust(12, "0")
    starts, ends = day_of(row.valid_from), day_of(row.valid_to)
    return Version(code, row.name, level_of(code), starts, ends, "gb2260")


def _address(
    values: Sequence[str | None],
    by_row: Mapping[str, Sequence[str | None] | None],
    fixed: Mapping[str, str],
    context: Context,
) -> Answers:
    reader = reader_of(_index(context))
    nothing: Sequence[str | None] = [None] * len(values)
    days, counties = by_row.get("date") or nothing, by_row.get("county") or nothing
    known: dict[tuple[str | None, str | None, str | None], Answer] = {}
    rows = []
    for key in zip(values, days, counties, strict=True):
        if key not in known:
            known[key] = _answer(reader, *key)
        rows.append(known[key])
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def _answer(reader: AddressReader, raw: str | None, day: str | None, county: str | None) -> Answer:
    cell = written(raw)
    if cell.verdict == "EMPTY":
        return None, "EMPTY", ""
    told = [f"unreadable={cell.unreadable}"] if cell.unreadable else []
    told += ["fullwidth=1"] if cell.folded else []
    if cell.verdict == "OK":
        told += _detail(reader.read(cell.text, day_of(day), county))
    return cell.text, cell.verdict, ";".join(told)


def _detail(a: Address) -> Iterator[str]:
    h = a.house
    yield f"match_level={a.match_level}"
    yield f"match_score={a.match_score:.2f}"
    parts = {
        "postal": a.postal, "no": h.no, "province": a.province, "city": a.city,
        "county": a.county, "town": a.town, "village": a.village, "group": h.village_group,
        "road": h.road, "building": h.building, "unit": h.unit, "room": h.room, "rest": h.rest,
        "division": a.division_code, "division_method": a.method,
        "division_verdict": "" if a.verdict == "OK" else a.verdict,
    }  # fmt: skip
    for name, part in parts.items():
        if part:
            yield f"{name}={part.replace(';', ',').replace('=', '＝')}"
    for note in a.note:
        yield note.replace("now=", "division_now=")


ADDRESS = Standardiser(
    "address",
    "地址：去空白、全角转半角，拆分省市县乡村组路号楼单元室，给出匹配级别（0–5）、得分（0–1）"
    "和指定日期有效的区划代码",
    "Address: blanks out, half-width; its parts, match_level (0 none, 1 province or city, "
    "2 county, 3 town, 4 village or road, 5 door), match_score (0 to 1) and the code of the "
    "division valid on a day in the detail",
    ("OK", "EMPTY", "FMT", "LOST_CHARACTER", "SUSPECT"),
    arguments=(
        Argument(
            "date",
            "区划代码应有效的日期",
            "the day on which the code must hold",
            iso_day,
            by_row=True,
        ),
        Argument(
            "county",
            "来源另行给出的县（市、区），代码或名称",
            "the county that the source gives beside it, code or name",
            by_row=True,
        ),
    ),
    arrow=_address,
    lists=("division_crosswalk", "gb2260"),
    reads_divisions=True,
)
