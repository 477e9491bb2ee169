"""Writes the contract that was inferred, with remarks on what to check."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from onesource.contracts.model import City
from onesource.ingest.infer.columns import Column, described, with_key
from onesource.ingest.infer.filename import NamePattern
from onesource.ingest.infer.table import Table
from onesource.ingest.infer.words import column_names

_CYCLES = {"day": "每日", "month": "每月", "year": "每年"}
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# What YAML 1.1 takes for a boolean or nothing when it stands without quotes.
_YAML_WORDS = frozenset(("yes", "no", "on", "off", "true", "false", "null", "y", "n"))
_FROM_NAME = {
    "day": ("report_date", "报告日期", "date", None),
    "month": ("report_month", "报告月份", "string", "month"),
    "year": ("report_year", "报告年度", "integer", None),
    "county": ("county", "县(市、区)", "string", "division"),
}


def columns_of(table: Table, named: NamePattern, file_name: str, city: City) -> list[Column]:
    """The fields of the contract: those of file name and sheet, then the columns, with a key."""
    headers = [h or f"第{i + 1}列" for i, h in enumerate(table.headers)]
    used = [i for i, h in enumerate(table.headers) if h or not table.headers[0]]
    used = [i for i in used if table.headers[i]] or list(range(len(headers)))
    rows = len(table.rows)
    columns = []
    for i in used:
        hint = table.hints[i] if i < len(table.hints) else None
        values = [row[i] for row in table.rows]
        columns.append(described(headers[i], values, city, hint))
    own = [*_from_name(named, file_name, columns, rows), *_from_sheet(table, city, rows)]
    names = column_names([c.header for c in columns], [c.name for c in own])
    columns = [replace(c, name=n) for c, n in zip(columns, names, strict=True)]
    return with_key([*_without_twins(own, columns), *columns], rows)


def _without_twins(own: Sequence[Column], columns: Sequence[Column]) -> list[Column]:
    """Headers must differ: a column that has the same one keeps it."""
    taken = {c.header for c in columns} | {c.name for c in columns}
    return [c if c.header not in taken else replace(c, header=f"{c.header}(文件)") for c in own]


def _from_name(
    named: NamePattern, file_name: str, columns: Sequence[Column], rows: int
) -> list[Column]:
    found = re.fullmatch(named.pattern, file_name)
    out = []
    for group in named.groups if found else ():
        name, header, kind, standardiser = _FROM_NAME[group]
        out.append(
            Column(
                header=header,
                name=name,
                logical_type=kind,
                standardiser=standardiser,
                origin={"from": "file_name", "group": group},
                filled=rows,
                different=1,
                values=(found.group(group) if found else "",) * rows,
                why="from the file's name",
            )
        )
    return out


def _from_sheet(table: Table, city: City, rows: int) -> list[Column]:
    names = list(dict.fromkeys(table.sheet_of))
    if len(names) < 2:
        return []
    counties = set(city.counties.values())
    division = all(n in counties for n in names)
    return [
        Column(
            header="县(市、区)" if division else "工作表",
            name="sheet_county" if division else "sheet_name",
            standardiser="division" if division else None,
            origin={"from": "sheet"},
            filled=rows,
            different=len(names),
            values=tuple(table.sheet_of),
            why="from the sheet's name",
        )
    ]


def contract_text(
    feed_id: str,
    file_name: str,
    table: Table,
    named: NamePattern,
    columns: Sequence[Column],
    city: City,
    provider_uscc: str | None,
) -> str:
    """The whole YAML file."""
    sector, _, name = feed_id.partition(".")
    keyed = any(c.key for c in columns)
    uscc, department = _provider(city, provider_uscc)
    cycle = next((_CYCLES[g] for g in named.groups if g in _CYCLES), "不定期")
    title = re.sub(r"[\d_\-\s.]+", " ", file_name.rpartition(".")[0] or file_name).strip() or name
    lines = [
        f"# Inferred from one sample of {len(table.rows)} rows. Check what is marked TODO and",
        "# every remark below; then take the remarks out.",
        *(f"# {note}" for note in table.notes),
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {feed_id}",
        f"name: {_q(title)}  # TODO: the official Chinese name of the resource",
        "version: 1.0.0",
        "status: draft",
        f"domain: {sector}",
        "description:",
        "  purpose: 'TODO: what the data are and what for'",
        "  limitations: 'TODO: what they must not be used for'",
        "  usage: 'TODO: a question that they answer'",
        "customProperties:",
        f"  - {{property: catalogue_code, value: {_q(f'TODO/{sector}/{name}')}}}  # 目录代码",
        f"  - {{property: provider_uscc, value: {_q(uscc)}}}  # TODO: {department}",
        "  - {property: steward, value: 'TODO: 谁解答疑问'}",
        "  - {property: permanent_uri, value: "
        f"{_q(f'https://data.example.org/id/feed/{feed_id}')}}}  # TODO: must never change",
        f"  - {{property: update_cycle, value: {cycle}}}  # TODO: as promised",
        "  # The four properties are the strictest; loosen them by decision only.",
        "  - {property: sharing, value: 不予}",
        "  - {property: opening, value: 不可公开}",
        "  - {property: disclosure, value: 不予公开}",
        "  - {property: security_level, value: L3}",
        *_delivery(table, named, columns, keyed),
        "  - {property: history, value: current}",
        "schema:",
        f"  - name: {name}",
        "    physicalType: table",
        "    properties:",
    ]
    for c in columns:
        lines += _property(c, len(table.rows))
    return "\n".join(lines) + "\n"


def _delivery(
    table: Table, named: NamePattern, columns: Sequence[Column], keyed: bool
) -> list[str]:
    d = dict(table.delivery)
    names = _names_of_cells(table, columns)
    settings: dict[str, Any] = {"pattern": named.pattern, "format": table.format}
    fill = [names[i] for i in d.pop("fill_columns", []) if i in names]
    subtotal = d.pop("subtotal_column", None)
    settings |= d
    if fill:
        settings["fill_down"] = fill
    if subtotal is not None and subtotal in names:
        settings["skip_rows_in"] = [names[subtotal]]
    if "day" in named.groups:
        settings["statement_time"] = {"from": "file_name", "group": "day"}
    settings["correction"] = "upsert" if keyed else "append"
    remarks = {
        "pattern": "the whole name; digits and dates are general",
        "statement_time": "when it was said decides which of two holds; a control file goes first",
        "correction": "the later row of a key holds (or: replace, change_log, append, reversal)"
        if keyed
        else "no key was found: rows are only added. Better name a primaryKey and say upsert",
        "skip_rows": "rows with subtotals are no data",
        "footer": "from here on: no data",
        "crs": "TODO: ask the provider; GCJ-02 and WGS-84 differ by half a kilometre",
    }
    lines = ["  - property: delivery", "    value:"]
    for key, value in settings.items():
        remark = f"  # {remarks[key]}" if key in remarks else ""
        lines.append(f"      {key}: {_q(value)}{remark}")
    return lines


def _names_of_cells(table: Table, columns: Sequence[Column]) -> dict[int, str]:
    by_header = {c.header: c.name for c in columns if c.origin is None}
    cells = (h or f"第{i + 1}列" for i, h in enumerate(table.headers))
    return {i: by_header[h] for i, h in enumerate(cells) if h in by_header}


def _property(c: Column, rows: int) -> list[str]:
    said = [f"{c.filled} of {rows} filled"]
    if c.key:
        said.append("part of the key: TODO check")
    if c.why:
        said.append(c.why)
    lines = [
        f"      # {'; '.join(said)}",
        f"      - name: {_q(c.name)}",
        f"        businessName: {_q(_one_line(c.header))}",
        f"        logicalType: {c.logical_type}",
    ]
    if c.key:
        lines += ["        primaryKey: true", f"        primaryKeyPosition: {c.key}"]
    custom: list[tuple[str, Any]] = [
        ("standardiser", c.standardiser),
        ("unit", c.unit),
        ("identifier", c.identifier),
        ("personal", c.personal),
        ("origin", c.origin),
        ("aliases", [*c.aliases] or None),
    ]
    if any(v is not None for _, v in custom):
        lines.append("        customProperties:")
        for key, value in custom:
            if value is not None:
                lines.append(f"          - {{property: {key}, value: {_q(value)}}}")
    return lines


def _one_line(header: str) -> str:
    return "".join(header.split()) if not header.isascii() else " ".join(header.split())


def _q(value: Any) -> str:
    """A value as JSON, which is YAML too; plain words stay plain."""
    plain = isinstance(value, str) and re.fullmatch(r"[a-z][a-z_0-9]*", value)
    if plain and value not in _YAML_WORDS:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _provider(city: City, said: str | None) -> tuple[str, str]:
    """The department's USCC: the given one, else the first of the city that is well formed."""
    if said:
        return said, "the department that provides the file"
    for d in city.departments:
        uscc = str(d.get("uscc", ""))
        if is_uscc(uscc) and not d.get("valid_to"):
            return uscc, f"{d.get('name', '')} stands here only as an example"
    body = f"11{city.code}000000000"[:17]
    return body + _check(body), "no department is in city.yaml yet; this one does not exist"


def is_uscc(text: str) -> bool:
    """GB 32100-2015: 18 characters of the alphabet, the last one a check of the others."""
    well = len(text) == 18 and all(c in _ALPHABET for c in text)
    return well and _check(text[:17]) == text[17]


def _check(body: str) -> str:
    total = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return _ALPHABET[-total % 31]
