"""`onesource explain`: where a row comes from, for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

from onesource.cli.answer import visible
from onesource.config import BEIJING, Settings
from onesource.contracts.load import load_catalogue
from onesource.lake.reads import record_read
from onesource.run.contributions import FromDelivery, InputUse
from onesource.run.explain import Cell, Explanation, Row, explain
from onesource.run.explain_voices import Attribute
from onesource.run.provenance import Place


def explain_command(
    settings: Settings, table: str, key: str, purpose: str, out: TextIO | None = None
) -> int:
    """Explains a key's rows. The read is recorded before anything is shown.

    Raises OneSourceError or UsageError, in one line.
    """
    catalogue = load_catalogue(settings.schemas, odcs=False)
    found = explain(settings, catalogue, table, key)
    record_read(
        settings,
        "explain",
        [table],
        rows=len(found.rows),
        purpose=purpose,
        run=found.run,
        statement=f"{table}\n{key}",
        people=found.people,
    )
    for line in lines(found):
        print(visible(line), file=out or sys.stdout)
    return 0


def lines(found: Explanation) -> Iterator[str]:
    """The explanation as lines of text; headings in English and Chinese."""
    yield f"{found.table} {found.name_zh}, version {found.version}, run {found.run}"
    yield "key 主键: " + ", ".join(f"{k} = {v}" for k, v in found.key.items())
    for i, row in enumerate(found.rows, 1):
        if len(found.rows) > 1:
            yield f"── row {i} of {len(found.rows)}{' and more' if found.more else ''} " + "─" * 30
        yield from _row(row)
    yield from _made(found)
    judged, failed = found.gate
    if judged:
        result = f"failed 未通过: {', '.join(failed)}" if failed else "all passed 全部通过"
        yield f"gate 质量关: {judged} rules, {result}"
    for ticket in found.tickets:
        yield (
            f"ticket 校核工单 {ticket.get('state') or ''} {ticket.get('attribute') or ''}: "
            f"{ticket.get('value_a') or '∅'} ({ticket.get('source_a') or '?'}) / "
            f"{ticket.get('value_b') or '∅'} ({ticket.get('source_b') or '?'}); "
            f"owner {ticket.get('owner') or '?'}"
        )
    for note in found.notes:
        yield f"note 注: {note}"


def _row(row: Row) -> Iterator[str]:
    yield "values 取值:"
    yield from (_cell(c) for c in row.cells)
    for issue in row.issues:
        where = f"{issue.field}: " if issue.field else ""
        yield f"issue 问题: {where}{issue.verdict} {issue.reason_zh} {issue.reason_en}"
    if row.attributes:
        yield "sources 各属性来源:"
        for a in row.attributes:
            yield from _attribute(a)
    if row.place is not None:
        yield from _place(row.place)
    if row.also:
        yield "other lines with this key 同一主键的其他记录 (earliest statement first):"
        yield from (f"  {_short(p)}" for p in row.also)


def _cell(c: Cell) -> str:
    name = f"{c.field} {c.name_zh}".strip()
    text = f"  {name} = {'∅' if c.value is None else c.value}"
    if c.has_raw:
        raw = "∅" if c.raw is None else repr(c.raw) if c.raw != c.value else "as it is"
        text += f"  ← delivered {raw}, read by {c.source}"
    elif c.source:
        text += f"  ← {c.source}"
    return text


def _attribute(a: Attribute) -> Iterator[str]:
    yield f"  {a.name} {a.name_zh} ← {a.source}: {a.reason_en} {a.reason_zh}"
    for h in a.voices:
        won = "won 采用" if h.source == a.source and h.agrees else "lost 未采用"
        same = "the same value 值相同" if h.agrees else "another value 值不同"
        until = f" to {h.said_to}" if h.said_to else ""
        yield (f"    {won}: {h.source}, {same}, holds from {h.said_from}{until}; {_short(h.place)}")


def _place(place: Place) -> Iterator[str]:
    sheet = f", sheet 工作表 {place.sheet}" if place.sheet else ""
    yield f"place 位置: delivery {place.delivery_id}{sheet}, line 行 {place.line or '?'}"
    r = place.record
    if r is None:
        yield "delivery 交付: its record is not in landing"
        return
    yield (
        f"delivery 交付: {r.file_name}, received 接收 {_beijing(r.received_at)}, "
        f"stated 报送 {_beijing(r.statement_at)} (from {r.statement_from}), {r.rows} rows"
    )
    yield f"  {r.digest}"
    if r.scope:
        yield "  scope 范围: " + ", ".join(f"{k} = {v}" for k, v in r.scope.items())


def _short(place: Place) -> str:
    sheet = f" {place.sheet}" if place.sheet else ""
    r = place.record
    stated = f"stated {_beijing(r.statement_at)}" if r else "no record"
    name = r.file_name if r else place.delivery_id
    return f"{name}{sheet} line {place.line or '?'}, {stated}, delivery {place.delivery_id}"


def _made(found: Explanation) -> Iterator[str]:
    made = found.made
    if made.definition:
        yield f"made by 由此生成: {made.definition}"
        yield from (f"  {line}" for line in made.header.splitlines())
    for use in made.inputs:
        yield from _input(use)


def _input(use: InputUse) -> Iterator[str]:
    version = "" if use.version is None else f", version {use.version}"
    by = " and ".join(f"{c} = {'∅' if v is None else v}" for c, v in use.wanted.items())
    rows = ""
    if use.rows is not None:
        rows = f": {use.rows} rows where {by}" if by else f": all its {use.rows} rows"
    note = f" ({use.note})" if use.note else ""
    yield f"input 输入 {use.table} {use.name_zh}{version}{rows}{note}"
    yield from (f"  {_from(d)}" for d in use.deliveries)
    if use.keys:
        keys = "; ".join(", ".join(str(v) for v in k.values()) for k in use.keys)
        yield f"  keys: {keys}"


def _from(d: FromDelivery) -> str:
    r = d.place.record
    name = r.file_name if r else "(no record)"
    span = "" if d.first_line is None else f", lines {d.first_line}-{d.last_line}"
    return f"{d.rows} rows from {name}, delivery {d.place.delivery_id}{span}"


def _beijing(at: str) -> str:
    try:
        return datetime.fromisoformat(at).astimezone(BEIJING).isoformat(timespec="seconds")
    except ValueError:
        return at
