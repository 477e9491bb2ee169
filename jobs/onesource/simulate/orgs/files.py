"""The files as departments write them (text, workbooks, JSON envelopes), and their dirt."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from onesource.contracts.model import Contract
from onesource.simulate.faults import Fault
from onesource.simulate.identifiers import with_wrong_check
from onesource.simulate.orgs.faults import KINDS
from onesource.simulate.workbook import fixed

Row = dict[str, str]
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_FORMER = {"141102": "142302", "141181": "142301", "141125": "142327", "141124": "142326"}


@dataclass
class Record:
    """What was delivered and what was planted: for `_truth/`."""

    rows: list[tuple[str, int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """A file to be written: its feed, place, rows with the thing each speaks of."""

    feed: Contract
    path: Path
    relative: str
    rows: Sequence[tuple[str, Row]]
    title: str = ""
    counties: Mapping[str, str] = field(default_factory=dict)


def soiled(
    sheet: Sheet, draw: random.Random, rates: Mapping[str, float]
) -> list[tuple[str, Row, list[tuple[str, str, str, str]]]]:
    """The rows as a department writes them: (thing, cells, planted: kind, field, written, true)."""
    out: list[tuple[str, Row, list[tuple[str, str, str, str]]]] = []
    kinds = [k for k in _SPOILS if rates.get(k)]
    for entity, true in sheet.rows:
        row, made = dict(true), []
        for kind in kinds:
            if draw.random() >= rates[kind]:
                continue
            for name, written in _SPOILS[kind](draw, row, sheet.counties):
                made.append((kind, name, written, row.get(name, "")))
                row[name] = written
        out.append((entity, row, made))
        if draw.random() < rates.get("org_repeated_row", 0):
            out.append((entity, dict(row), [("org_repeated_row", "", "", "")]))
    return out


def _full_width(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    number = row.get("uscc")
    return [("uscc", number.translate(_WIDE))] if number else []


def _spaces(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    return (
        [("name", d.choice(("\u3000{}", "{} ", " {}\u00a0")).format(row["name"]))]
        if (row.get("name"))
        else []
    )


def _bad_check(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    number = row.get("uscc")
    return [("uscc", with_wrong_check(number))] if number and number.isascii() else []


def _no_uscc(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    return [("uscc", "")] if row.get("uscc") else []


def _county(d: random.Random, row: Row, counties: Mapping[str, str]) -> list[tuple[str, str]]:
    code = row.get("county_code", "")
    if code not in counties:
        return []
    former = _FORMER.get(code)
    return [("county_code", former if former and d.random() < 0.3 else counties[code])]


def _date(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    text = row.get("registered_on", "")
    if len(text) != 10:
        return []
    y, m, day = text.split("-")
    forms = (f"{y}/{int(m)}/{int(day)}", f"{y}{m}{day}", f"{y}年{int(m)}月{int(day)}日")
    return [("registered_on", d.choice(forms))]


def _thousands(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    text = row.get("capital_yuan", "")
    return [("capital_yuan", f"{int(text):,}")] if text.isdigit() and int(text) > 999 else []


def _in_yuan(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    text = row.get("capital_yuan", "")
    if row.get("capital_unit") != "万元" or not text.isdigit():
        return []
    return [("capital_yuan", f"{int(text) * 10_000}"), ("capital_unit", "元")]


def _dash(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    empty = [n for n in ("parent_uscc", "successor_uscc", "cancelled_on") if row.get(n) == ""]
    return [(empty[0], d.choice(("—", "无", "/")))] if empty else []


def _brackets(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    name = row.get("name", "")
    return [("name", name.replace("（", "(").replace("）", ")"))] if "（" in name else []


def _capital_unit(d: random.Random, row: Row, _: object) -> list[tuple[str, str]]:
    text = row.get("capital_yuan", "")
    if row.get("capital_unit") != "万元" or not text.isdigit() or int(text) < 50:
        return []
    return [("capital_yuan", f"{int(text) * 10_000}")]


_SPOILS: Mapping[str, Any] = {
    "conflict_capital_unit": _capital_unit,
    "org_in_yuan": _in_yuan,
    "org_thousands": _thousands,
    "org_no_uscc": _no_uscc,
    "org_bad_check": _bad_check,
    "org_full_width": _full_width,
    "org_spaces": _spaces,
    "org_brackets": _brackets,
    "org_county_name": _county,
    "org_date_form": _date,
    "org_dash": _dash,
}


def _headers(feed: Contract, names: Sequence[str]) -> list[str]:
    return [feed.field(n).business_name for n in names]


def columns(feed: Contract) -> list[str]:
    """The fields that stand in columns of the file."""
    return [f.name for f in feed.fields if f.is_column]


def write(sheet: Sheet, draw: random.Random, rates: Mapping[str, float], record: Record) -> None:
    """Writes the file in the format of its contract, and notes rows and faults."""
    rows = soiled(sheet, draw, rates)
    sheet.path.parent.mkdir(parents=True, exist_ok=True)
    delivery = sheet.feed.delivery
    writer = {"csv": _text, "xlsx": _workbook, "json": _envelope}[delivery.format]
    lines = writer(sheet, [r for _, r, _ in rows])
    for line, (entity, _, made) in zip(lines, rows, strict=True):
        record.rows.append((sheet.relative, line, entity))
        for kind, name, written, true in made:
            record.faults.append(
                Fault(
                    kind, sheet.relative, line=line, key=entity, field=name,
                    written=written, true_value=true, expected=KINDS[kind][2],
                )
            )  # fmt: skip


# Fields that a spreadsheet would spoil: exports put a tab behind them.
_LONG = frozenset({"uscc", "registration_no", "subject_no", "legal_rep_id_no", "account_no"})
_TABBED = frozenset({"enterprise", "power_account"})


def _text(sheet: Sheet, rows: Sequence[Row]) -> list[int]:
    names = columns(sheet.feed)
    out = io.StringIO()
    lines = csv.writer(out, delimiter=sheet.feed.delivery.delimiter, lineterminator="\r\n")
    lines.writerow(_headers(sheet.feed, names))
    tab = [n in _LONG and sheet.feed.name in _TABBED for n in names]
    lines.writerows(
        [
            f"{row[n]}\t" if t and row.get(n) else row.get(n, "")
            for n, t in zip(names, tab, strict=True)
        ]
        for row in rows
    )
    encoding = {"enterprise": "gb18030", "parcel": "gb18030", "power_account": "gb18030"}
    encoding |= {"water_account": "utf-8-sig"}
    sheet.path.write_bytes(out.getvalue().encode(encoding.get(sheet.feed.name, "utf-8")))
    return list(range(2, len(rows) + 2))


def _envelope(sheet: Sheet, rows: Sequence[Row]) -> list[int]:
    envelope = sheet.feed.delivery.envelope
    names = columns(sheet.feed)
    heads = _headers(sheet.feed, names)
    records = [{h: row[n] for n, h in zip(names, heads, strict=True) if row.get(n)} for row in rows]
    body = {envelope.records.split(".")[-1]: records, "total": len(records)}
    whole = {envelope.status or "code": "200", "data": body}
    text = json.dumps(whole, ensure_ascii=False)
    sheet.path.write_text(text, encoding="utf-8")
    return list(range(1, len(rows) + 1))


def _workbook(sheet: Sheet, rows: Sequence[Row]) -> list[int]:
    """Title, a header of one or two levels with merged cells, merged towns, and a footer."""
    names = columns(sheet.feed)
    levels = sheet.feed.delivery.header.rows
    book = Workbook()
    book.properties.creator = "onesource simulate"
    book.properties.created = datetime(2000, 1, 1)
    page = book.active
    assert page is not None
    page.cell(1, 1, sheet.title)
    page.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(names))
    top = 2 if levels == 1 else 3
    if levels == 2:
        page.cell(2, 1, "单位：见各栏")
    for i, name in enumerate(names, start=1):
        head = next(
            (a for a in sheet.feed.field(name).properties.aliases if "/" in a),
            sheet.feed.field(name).business_name,
        )
        upper, _, lower = head.partition("/")
        page.cell(top, i, upper)
        if lower:
            page.cell(top + 1, i, lower)
        elif levels == 2:
            page.merge_cells(start_row=top, start_column=i, end_row=top + 1, end_column=i)
    line = first = top + levels
    for row in rows:
        for i, name in enumerate(names, start=1):
            page.cell(line, i, row.get(name) or None)
        line += 1
    for name in sheet.feed.delivery.fill_down:
        _merge_equal(page, names.index(name) + 1, first, line)
    page.cell(line, 1, "制表人：样例甲")
    out = io.BytesIO()
    book.save(out)
    sheet.path.write_bytes(fixed(out.getvalue()))
    return list(range(first, line))


def _merge_equal(page: Any, column: int, first: int, end: int) -> None:
    start = first
    for line in range(first + 1, end + 1):
        if line < end and page.cell(line, column).value == page.cell(start, column).value:
            continue
        for inner in range(start + 1, line):
            page.cell(inner, column).value = None
        if line - start > 1:
            page.merge_cells(
                start_row=start, start_column=column, end_row=line - 1, end_column=column
            )
        start = line


def day(value: date | None) -> str:
    return "" if value is None else value.isoformat()
