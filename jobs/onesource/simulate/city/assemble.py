"""Puts the chunks' parts together to files, in the order of the chunks."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from onesource.simulate.city import calendar, workbooks
from onesource.simulate.city.chunk import Job, Part
from onesource.simulate.city.rows import OF_HOUSEHOLD
from onesource.simulate.city.style import TITLES, Style, style
from onesource.simulate.draw import stream

_DELTAS = ("hukou_change", "居住证", "出生医学", "死亡医学", "火化", "医保", "社保", "残疾人证")
_TOTAL = "小计"


@dataclass
class Assembly:
    """Open files by the name under which the chunks know them; line numbers as a reader counts."""

    job: Job
    out: Path
    files: int = 0
    _handles: dict[str, BinaryIO] = field(default_factory=dict)
    _styles: dict[str, Style] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)
    _books: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            handle.close()

    def add(self, file: str, part: Part) -> tuple[str, str, list[int]] | None:
        """Appends a part. Returns the file's place, its sheet, and the lines of the part's rows;
        None where the file does not come."""
        job = self.job
        look = self._styles.get(file)
        if look is None:
            look = style(job.seed, part.feed, file, part.fields, job.headers[part.feed], job.rates)
            self._styles[file] = look
            if self._never_comes(file, part.feed):
                self._missing.add(file)
            self._begin(file, look)
        if file in self._missing:
            return None
        before = self._lines[file]
        if look.form == "xlsx":
            lines = self._cells(file, look, part, before)
        else:
            lines = list(range(before + 1, before + part.rows + 1))
            if part.text:
                handle = self._handles[file]
                if look.form == "json" and before:
                    handle.write(b",\n")
                handle.write(part.text)
            self._lines[file] = before + part.rows
        return self.place(file), TITLES.get(part.feed, "")[:20], lines

    def _never_comes(self, file: str, feed: str) -> bool:
        first = calendar.day(self.job.start).isoformat()
        chance = stream(self.job.seed, "county_missing", file).random()
        return (
            feed == "base.resident"
            and file[:10] != first
            and chance < self.job.rates["county_missing"]
        )

    def _is_late(self, file: str) -> bool:
        night, name = file.split("/")
        n = calendar.number(calendar.day(self.job.start).fromisoformat(night)) - self.job.start
        chance = stream(self.job.seed, "late_file", file).random()
        delta = name.startswith(_DELTAS) and n > 0
        return delta and n + 1 < self.job.nights and chance < self.job.rates["late_file"]

    def place(self, file: str) -> str:
        """Where the file is handed in, relative to the deliveries: a late one a night later."""
        night, name = file.split("/")
        return f"{self._next(night)}/{name}" if self._is_late(file) else file

    def _next(self, night: str) -> str:
        today = calendar.day(0).fromisoformat(night)
        return calendar.day(calendar.number(today) + 1).isoformat()

    def _begin(self, file: str, look: Style) -> None:
        self._lines[file] = 1 if look.form == "csv" else 0
        if file in self._missing:
            return
        self.files += 1
        if look.form == "xlsx":
            self._books[file] = []
            self._lines[file] = 3 if "低保" in file else 2
            return
        path = self.out / self.place(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("wb")
        self._handles[file] = handle
        if look.form == "csv":
            handle.write((look.delimiter.join(look.headers) + "\n").encode(look.encoding))

    def _cells(self, file: str, look: Style, part: Part, before: int) -> list[int]:
        """The rows of a workbook; now and then a subtotal stands between two households."""
        lines, line = [], before
        book, totals = self._books[file], self.job.rates["total_row"]
        for k, cells in enumerate(part.cells):
            new = "低保" in file and k > 0 and cells[0] != part.cells[k - 1][0]
            if new and stream(self.job.seed, "total", file, line).random() < totals:
                book.append((_TOTAL, *[""] * (len(cells) - 1)))
                line += 1
            line += 1
            lines.append(line)
            book.append(cells)
        self._lines[file] = line
        return lines

    def finish(self) -> list[tuple[str, str, str]]:
        """Closes the files. Returns the faults of files: kind, file, and what was written."""
        out = [("county_missing", file, "") for file in sorted(self._missing)]
        for file, look in sorted(self._styles.items()):
            if file in self._missing:
                continue
            out += [(kind, self.place(file), look.encoding) for kind in look.faults]
            if self._is_late(file):
                out.append(("late_file", self.place(file), file))
            if look.form == "xlsx":
                self._book(file, look)
        for file, handle in sorted(self._handles.items()):
            if self._styles[file].form == "json":
                self._envelope(file, handle)
            handle.close()
        out += [("resent_file", copy, file) for file, copy in self._again()]
        return out

    def _envelope(self, file: str, handle: BinaryIO) -> None:
        """Puts the gateway's words round the records."""
        handle.close()
        path = self.out / self.place(file)
        body = path.read_bytes()
        head = (
            f'{{"code": "200", "msg": "成功", "data": {{"total": {self._lines[file]}, "list": [\n'
        )
        path.write_bytes(head.encode() + body + b"\n]}}\n")

    def _book(self, file: str, look: Style) -> None:
        rows, feed = self._books.pop(file), "base.low_income" if "低保" in file else "base.marriage"
        width = len(look.headers)
        last = workbooks.letter(width - 1)
        merged = [f"A1:{last}1"]
        if feed == "base.marriage":
            top = [(TITLES[feed],), look.headers]
        else:
            pairs = [h.split("/") if "/" in h else [h, ""] for h in look.headers]
            top = [
                (TITLES[feed],),
                tuple(
                    a if i == 0 or pairs[i - 1][0] != a else "" for i, (a, _) in enumerate(pairs)
                ),
                tuple(b for _, b in pairs),
            ]
            rows, blocks = _households(rows, look, len(top))
            merged += blocks
        body = [*top, *rows, ("制表人：样例甲",)]
        workbooks.write(self.out / self.place(file), TITLES[feed][:20], body, merged)

    def _again(self) -> list[tuple[str, str]]:
        """Files that are handed in once more the night after, under another name."""
        out = []
        for file in sorted(self._styles):
            night, name = self.place(file).split("/")
            after = self._next(night)
            path = self.out / self.place(file)
            chance = stream(self.job.seed, "resent_file", file).random()
            end = calendar.day(self.job.start + self.job.nights - 1).isoformat()
            if file in self._missing or after > end or chance >= self.job.rates["resent_file"]:
                continue
            copy = f"{after}/{re.sub(r'[.]([a-z]+)$', '(1).' + chr(92) + '1', name)}"
            (self.out / after).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.out / copy)
            out.append((self.place(file), copy))
        return out


def _households(
    rows: list[tuple[str, ...]], look: Style, above: int
) -> tuple[list[tuple[str, ...]], list[str]]:
    """The cells of a household stand once, merged over its members."""
    columns = [i for i, name in enumerate(look.fields) if name in OF_HOUSEHOLD]
    out, merged = [], []
    start = 0
    for i in range(1, len(rows) + 1):
        if i < len(rows) and rows[i][0] == rows[start][0]:
            continue
        if i - start > 1:
            merged += [
                f"{workbooks.letter(c)}{above + start + 1}:{workbooks.letter(c)}{above + i}"
                for c in columns
            ]
        for k in range(start, i):
            out.append(
                tuple("" if k > start and c in columns else v for c, v in enumerate(rows[k]))
            )
        start = i
    return out, merged
