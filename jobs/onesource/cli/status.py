"""`onesource status`: the lake at a glance, for people or as JSON."""

from __future__ import annotations

import json
import sys
from datetime import date

from rich.console import Console
from rich.table import Table

from onesource.config import Settings
from onesource.run.overview import FeedStatus, Overview, TableStatus, overview

_COLOUR = {"passed": "green", "held": "red", "failed": "red", "waiting": "yellow"}
_ZH = {"passed": "通过", "held": "扣留", "failed": "出错", "waiting": "待数据"}


def status_command(settings: Settings, as_json: bool, day: date | None) -> int:
    found = overview(settings, day)
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        show(found)
    return 0


def show(found: Overview) -> None:
    """Prints the tables; wide enough for every column where there is no terminal."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_tables(found.tables))
    console.print(_feeds(found.feeds))
    for feed in found.feeds:
        for held in feed.held:
            console.print(
                f"held 扣留 {feed.feed} {held['file']}: {held['reason_en']} {held['reason_zh']}",
                markup=False,
            )
        if feed.missing_units:
            some = ", ".join(feed.missing_units[:6])
            more = feed.missing - min(6, len(feed.missing_units))
            console.print(
                f"漏报 missing {feed.feed}: {some}{f' and {more} more' if more > 0 else ''}",
                markup=False,
            )
    for table in found.tables:
        if table.reason_en:
            console.print(
                f"{table.verdict} {table.table}: {table.reason_en} {table.reason_zh}", markup=False
            )
    if found.open_tickets:
        tickets = ", ".join(
            f"{d.owner} {d.waiting}" + (f" (逾期 overdue {d.overdue})" if d.overdue else "")
            for d in found.tickets
            if d.waiting
        )
        console.print(f"open tickets 校核工单: {tickets}", markup=False)
    console.print(f"run {found.run or '-'}, served {_minute(found.served_at)}", markup=False)


def _tables(tables: tuple[TableStatus, ...]) -> Table:
    grid = Table(title="Tables 数据表", title_justify="left")
    for name in ("table", "名称", "state", "version", "rows", "served at"):
        grid.add_column(
            name, justify="right" if name in ("version", "rows") else "left", overflow="fold"
        )
    for t in tables:
        grid.add_row(
            t.table,
            t.name_zh,
            f"[{_COLOUR[t.verdict]}]{t.verdict} {_ZH[t.verdict]}[/]",
            _text(t.version),
            _text(t.rows),
            _minute(t.served_at),
        )
    return grid


def _feeds(feeds: tuple[FeedStatus, ...]) -> Table:
    grid = Table(title="Feeds 数据源", title_justify="left")
    names = ("feed", "名称", "deliveries", "waiting", "held", "quarantined", "refused")
    numbers = (*names[2:], "应报", "已报", "迟报", "漏报")
    for name in (*names, "应报", "已报", "迟报", "漏报", "last received", "fresh"):
        grid.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for f in feeds:
        fresh = {True: "[green]yes[/]", False: "[yellow]no[/]", None: "-"}[f.is_fresh]
        grid.add_row(
            f.feed,
            f.name_zh,
            *map(str, (f.deliveries, f.waiting, len(f.held), f.quarantined_rows, f.refused)),
            *map(str, (f.owed, f.reported, f.late, f.missing)),
            _minute(f.last_received),
            fresh,
        )
    return grid


def _text(value: int | None) -> str:
    return "-" if value is None else str(value)


def _minute(at: str | None) -> str:
    from datetime import datetime

    from onesource.config import BEIJING

    return datetime.fromisoformat(at).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M") if at else "-"
