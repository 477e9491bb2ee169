"""`onesource tickets`: what departments must settle, sent to them and taken back."""

from __future__ import annotations

import csv as csv_module
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from onesource.cli.answer import whole_file
from onesource.cli.deliver import deliver_files
from onesource.cli.ticket_book import MOST, write_book
from onesource.config import BEIJING, Settings, now
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.lake.reads import record_read
from onesource.lake.ticket_words import say
from onesource.run.ticket_fold import CLOSED, OPEN, SENT, SETTLED, WAITING
from onesource.run.ticket_list import (
    HIDDEN,
    VALUES,
    Wanted,
    events_of,
    is_personal,
    tickets,
    without_values,
)
from onesource.run.ticket_log import EVENTS, TABLE

FEED = "base.ticket_answer"
_INNER = ("evidence_key", "answered", "rounds", "round_values", "is_seen")
_NUMBER = re.compile(r"\d{9,}")  # a number of a person or a phone
SHOWN = 40
_COLUMNS = (
    *("ticket_id", "state", "due_on", "owner", "registry", "entity", "attribute"),
    *("value_a", "source_a", "value_b", "source_b"),
)


def today() -> date:
    return now().astimezone(BEIJING).date()


def list_command(
    settings: Settings,
    wanted: Wanted,
    *,
    values: bool,
    csv: Path | None,
    as_json: bool,
    purpose: str,
) -> int:
    """Prints or writes the tickets; values of persons only on demand. The read is recorded."""
    catalogue = load_catalogue(settings.schemas, odcs=False)
    found = tickets(settings, catalogue, wanted)
    _recorded(settings, [TABLE], found, purpose, f"list {wanted} values={values}")
    rows = found if values else without_values(catalogue, found)
    rows = [{k: v for k, v in r.items() if k not in _INNER} for r in rows]
    if csv is not None:
        _write_csv(csv, rows, catalogue)
        print(f"{len(rows)} tickets written to {csv}")
    elif as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
    else:
        _show(rows)
    return 0


def _recorded(
    settings: Settings, tables: Sequence[str], rows: Sequence[Any], purpose: str, what: str
) -> None:
    record_read(
        settings, "tickets", tables, rows=len(rows), purpose=purpose, run=None, statement=what
    )


def _write_csv(path: Path, rows: list[dict[str, Any]], catalogue: Catalogue) -> None:
    """For 督办: Chinese headers, with a byte order mark for spreadsheets."""
    fields = [f for f in catalogue.tables[TABLE].fields if f.name not in _INNER]
    with whole_file(path) as part, part.open("w", encoding="utf-8-sig", newline="") as f:
        writer = csv_module.writer(f)
        writer.writerow([x.business_name for x in fields])
        for row in rows:
            writer.writerow([_harmless(row[x.name]) for x in fields])


def _harmless(value: Any) -> Any:
    """A delivered text that a spreadsheet would take for a formula is made text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


def _show(rows: list[dict[str, Any]]) -> None:
    grid = Table(title=f"Tickets 校核工单 ({len(rows)})", title_justify="left")
    for name in _COLUMNS:
        grid.add_column(name, overflow="fold")
    for row in rows[:SHOWN]:
        grid.add_row(*[_plain(row[n]) for n in _COLUMNS])
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False)
    console.print(grid)
    if len(rows) > SHOWN:
        print(f"… and {len(rows) - SHOWN} more; --csv FILE writes all, --json prints all")


def _plain(value: Any) -> str:
    text = "–" if value is None else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)


def show_command(settings: Settings, ticket_id: str, *, values: bool, purpose: str) -> int:
    """One ticket: what it is about, whose turn it is, and what happened to it."""
    catalogue = load_catalogue(settings.schemas, odcs=False)
    [row] = tickets(settings, catalogue, Wanted(today(), ids=(ticket_id,)))
    events = events_of(settings, catalogue, ticket_id)
    _recorded(settings, [TABLE, EVENTS], [row], purpose, f"show {ticket_id} values={values}")
    hide = not values and is_personal(catalogue, row["registry"], row["attribute"])
    contract = catalogue.tables[TABLE]
    for f in contract.fields:
        if f.name not in _INNER and row[f.name] is not None:
            shown = HIDDEN if hide and f.name in VALUES else _plain(row[f.name])
            print(f"{f.business_name} {f.name}: {shown}")
    for r in json.loads(row["rounds"]):
        kind = " (opened again 重开)" if r["is_repeat"] else ""
        end = f", answered {r['answered_on']} {r['answer']}" if r["answer"] else ""
        print(f"round {r['round']}{kind}: {r['owner']}, {r['assigned_on']}, due {r['due_on']}{end}")
    for e in events:
        said = " ".join(str(e[k]) for k in ("round", "answer", "remark") if e.get(k))
        print(f"{e['day']} {e['event']} {_plain(e['who'] or '')} {_plain(said)}".rstrip())
    return 0


def send_command(
    settings: Settings, department: str, out: Path, day: date, *, again: bool, purpose: str
) -> int:
    """Writes the department's workbook, then notes that it was sent. Exit 0 also with none."""
    catalogue = load_catalogue(settings.schemas, odcs=False)
    found = tickets(settings, catalogue, Wanted(day, department=department))
    states = WAITING if again else (OPEN,)
    due = [r for r in found if r["state"] in states]
    rows = due[:MOST]
    if not rows:
        sent = sum(r["state"] == SENT for r in found)
        more = f"; {sent} were sent before (--again writes them once more)" if sent else ""
        print(f"{department}: no ticket waits to be sent{more}")
        return 0
    if out.suffix.lower() != ".xlsx":
        raise UsageError(f"{out} is no .xlsx", todo="name the workbook 校核工单….xlsx")
    pattern = catalogue.feeds[FEED].delivery.pattern if FEED in catalogue.feeds else ".*"
    if not re.fullmatch(pattern, out.name):
        print(f"note: a file named {out.name} is not known when it comes back; name it 校核工单…")
    _recorded(settings, [TABLE], rows, purpose or f"sent to {department}", f"send {department}")
    with whole_file(out) as part:
        write_book(part, rows, catalogue, department=rows[-1]["owner"], day=day.isoformat())
    say(settings, SENT, [(r["ticket_id"], r["round"]) for r in rows], day)
    left = f"; {len(due) - len(rows)} more wait: send again after these" if len(due) > MOST else ""
    print(f"{len(rows)} tickets written to {out} and noted as sent{left}")
    return 0


def answer_command(
    settings: Settings, ticket_id: str, word: str, day: date, value: str, basis: str, who: str
) -> int:
    """Hands in one answer as a delivery of the answers' feed; the next run takes it in."""
    catalogue = load_catalogue(settings.schemas, odcs=False)
    [row] = tickets(settings, catalogue, Wanted(day, ids=(ticket_id,)))
    codes = {r.code: r.name for r in catalogue.codelists["ticket_answer"].rows}
    names = {v: k for k, v in codes.items()}
    code = names.get(word, word.upper())
    if code not in codes:
        known = ", ".join(f"{k} {v}" for k, v in codes.items())
        raise UsageError(f"there is no answer {word}", todo=f"one of {known}")
    if (code == "CORRECTED") != bool(value):
        need = "needs the right value on stdin" if not value else "takes no value"
        raise UsageError(f"the answer {code} {need}")
    if row["state"] not in WAITING:
        row = _to_revise(row, code)
    return _hand_in(settings, catalogue, row, [codes[code], value, basis, who, day.isoformat()])


def _to_revise(row: dict[str, Any], code: str) -> dict[str, Any]:
    """The ticket as it will be opened again, in its next round; says what the answer revises.

    Raises OneSourceError where nothing is left to be answered, and UsageError for an answer that
    settles nothing.
    """
    name = f"the ticket {row['ticket_id']}"
    if row["state"] == CLOSED and row["closed_on"] is None:
        raise OneSourceError(
            f"{name} was closed since the last run", todo="onesource run, then again"
        )
    if not row["is_seen"]:
        raise OneSourceError(
            f"{name} is {row['state']} and takes no answer: the sources show no conflict any more",
            todo="where what is served is wrong, its source must say so; it is opened again then",
        )
    if code not in SETTLED:
        raise UsageError(
            f"{name} is {row['state']}: it goes to no other department",
            todo=f"revise it with one of {', '.join(SETTLED)}",
        )
    said = f", answered {row['answer']} on {row['answered_on']}" if row["answer"] else ""
    print(
        f"{name} is {row['state']}{said}; it is opened again as round {row['round'] + 1}, and this "
        "answer holds from its receipt; what was said before stays in the history"
    )
    return row | {"round": row["round"] + 1}


def _hand_in(
    settings: Settings, catalogue: Catalogue, row: dict[str, Any], filled: list[str]
) -> int:
    from openpyxl import load_workbook

    landing = settings.root("landing")
    landing.mkdir(parents=True, exist_ok=True)
    # The value may be a person's: the file is made in the zone where it will stay.
    with tempfile.TemporaryDirectory(prefix=".answer-", dir=landing) as folder:
        stamp = f"{now():%Y%m%dT%H%M%S%f}"
        path = Path(folder) / f"ticket_answer_{row['ticket_id']}_{row['round']}_{stamp}.xlsx"
        write_book(path, [row], catalogue, department=row["owner"], day=filled[-1])
        book = load_workbook(path)
        sheet = book.worksheets[0]
        for i, text in enumerate(filled, start=11):
            cell = sheet.cell(3, i)
            cell.value = text or None
            if text:
                cell.data_type = "s"
        book.save(path)
        os.utime(path, (1_700_000_000, 1_700_000_000))  # written by us: it is settled
        [outcome] = deliver_files(settings, [path], FEED)
    if outcome.status == "refused":
        raise OneSourceError(f"the answer was not taken: {outcome.message}")
    print(f"the answer was taken as {outcome.delivery_id}; the next run acts on it")
    return 0


def close_command(settings: Settings, ids: Sequence[str], reason: str, day: date) -> int:
    """Closes tickets that need no answer. Exit 0."""
    if not reason.strip():
        raise UsageError("--reason says nothing", todo="say why, without a value of a person")
    if _NUMBER.search(reason):
        raise UsageError(
            "--reason holds a long number", todo="never put a person's number on a command line"
        )
    catalogue = load_catalogue(settings.schemas, odcs=False)
    found = tickets(settings, catalogue, Wanted(day, ids=tuple(dict.fromkeys(ids))))
    todo = [r for r in found if r["state"] != CLOSED]
    say(settings, CLOSED, [(r["ticket_id"], r["round"]) for r in todo], day, reason.strip())
    print(f"{len(todo)} closed, {len(found) - len(todo)} were closed already")
    return 0
