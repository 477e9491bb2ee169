"""`onesource simulate`: the people's deliveries, night by night, and the truth beside them.

Below the folder: `<night>/…` is what is handed in; `_truth/persons.parquet` everybody as on the
first night, `person_attribute.csv` what changed when, `delivered.parquet` who is meant by every
row (file, sheet, line, role, entity), `faults.csv` every planted fault by file and line with what
must become of it, `conflicts.csv` what must (`ticket`) or may (`possible`) give a ticket or is
listed only (`listed`), `simulation.json` how it was called.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.simulate.city import calendar
from onesource.simulate.city.assemble import Assembly
from onesource.simulate.city.chunk import Job, Part, run
from onesource.simulate.city.kinds import PERSON_KINDS
from onesource.simulate.city.places import Chunk, chunks
from onesource.simulate.city.style import headers_of
from onesource.simulate.energy import TRUTH, empty
from onesource.simulate.faults import person_rates

MARK = "_SYNTHETIC.md"
_MARK_TEXT = """# Synthetic 样例数据

Every person, number, name, address and telephone below this folder is made up by `onesource
simulate`. A number may by chance be somebody's: never publish these files.
本目录全部为模拟数据，不对应任何真实个人，不得公开。
"""
_FAULT = ("kind", "file", "sheet", "line", "entity", "field", "written", "true_value", "expected")


@dataclass(frozen=True)
class SimulatedCity:
    """What was written: people (with those born or dead meanwhile), files, rows, faults."""

    out: Path
    people: int
    files: int
    rows: int
    faults: int


def simulate_city(
    catalogue: Catalogue,
    schemas: Path,
    out: Path,
    *,
    people: int,
    nights: int,
    seed: int,
    faults: str = "real",
    start: date,
    processes: int | None = None,
    clear: bool = True,
) -> SimulatedCity:
    """Writes the person feeds of `nights` nights; the same call writes the same bytes, however many
    processes take part. clear: empties a folder of an earlier simulation first.

    Raises UsageError when an argument is out of range, or when `out` is no simulation.
    """
    if people < 100 or nights < 1:
        raise UsageError("a city has 100 people and one night at least", todo="say --people 2000")
    rates = person_rates(faults)
    if clear:
        empty(out)
    (out / MARK).write_text(_MARK_TEXT, encoding="utf-8")
    todo = chunks(people, catalogue.city.counties)
    with tempfile.TemporaryDirectory(dir=out, prefix="_parts") as folder:
        job = Job(
            seed,
            calendar.number(start),
            nights,
            rates,
            headers_of(catalogue),
            schemas / "samples" / "base" / "division",
            Path(folder),
        )
        found = _gather(job, todo, out, processes)
    call = {
        "only": "base",
        "people": people,
        "nights": nights,
        "seed": seed,
        "faults": faults,
        "start": start.isoformat(),
        "synthetic": True,
    }
    text = json.dumps(call, ensure_ascii=False, indent=1, sort_keys=True)
    (out / TRUTH / "simulation.json").write_text(text + "\n", encoding="utf-8")
    return found


def _made(job: Job, todo: list[Chunk], processes: int | None) -> Iterator[Path]:
    """The chunks' files in the order of the chunks; a few are made ahead, never all."""
    many = min(processes or os.cpu_count() or 1, len(todo))
    if many == 1:
        yield from (run(job, chunk) for chunk in todo)
        return
    # A fresh interpreter: the caller may have threads, beside which a fork can hang.
    with ProcessPoolExecutor(many, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run, job, c) for c in todo[: many * 2]]
        for n in range(len(todo)):
            if n + many * 2 < len(todo):
                waiting.append(pool.submit(run, job, todo[n + many * 2]))
            yield waiting[n].result()


def _gather(job: Job, todo: list[Chunk], out: Path, processes: int | None) -> SimulatedCity:
    truth = Truth(out / TRUTH)
    with ExitStack() as stack:
        assembly = stack.enter_context(Assembly(job, out))
        stack.enter_context(truth)
        for path in _made(job, todo, processes):
            made, known = pickle.loads(path.read_bytes())
            path.unlink()
            truth.people(known)
            for file, part in made.items():
                for fault in part.faults:
                    if fault.row is None:
                        truth.fault((fault.kind, file, "", "", fault.entity, "", "", ""))
                place = assembly.add(file, part)
                if place is not None:
                    truth.rows(part, *place)
        for kind, file, written in assembly.finish():
            truth.fault((kind, file, "", "", "", "", written, ""))
    return SimulatedCity(out, truth.persons, assembly.files, truth.count, truth.faults)


@dataclass
class Truth:
    """Writes what is true, chunk by chunk."""

    folder: Path
    persons: int = 0
    count: int = 0
    faults: int = 0
    _open: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Truth:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, header in (
            ("person_faults", _FAULT),
            ("person_attribute", ("entity", "attribute", "before", "after", "changed_on")),
            ("conflicts", ("kind", "entity", "attribute", "other", "expected", "file", "line")),
        ):
            file = (self.folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            self._open[name] = csv.writer(self._stack.enter_context(file), lineterminator="\n")
            self._open[name].writerow(header)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _parquet(self, name: str, table: pa.Table) -> None:
        if name not in self._open:
            writer = pq.ParquetWriter(
                self.folder / f"{name}.parquet", table.schema, compression="zstd"
            )
            self._open[name] = self._stack.enter_context(writer)
        self._open[name].write_table(table)

    def people(self, known: Mapping[str, Any]) -> None:
        columns = known["before"]
        self.persons += len(columns["entity"])
        self._parquet(
            "persons", pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()})
        )
        for entity, attribute, before, after, day in known["told"]:
            self._open["person_attribute"].writerow(
                (entity, attribute, before, after, calendar.day(day).isoformat())
            )
        for row in known["conflicts"]:
            self._open["conflicts"].writerow((*row, "", ""))

    def rows(self, part: Part, file: str, sheet: str, lines: list[int]) -> None:
        """Who is meant by each row of a part of a file, and what was planted there."""
        self.count += part.rows
        n = part.rows
        for role, entities in part.who.items():
            meant = [k for k in range(n) if entities[k]]
            count = len(meant)
            table = pa.table(
                {
                    "file": pa.DictionaryArray.from_arrays(
                        pa.array([0] * count, pa.int32()), pa.array([file])
                    ),
                    "sheet": pa.array([sheet] * count, pa.string()),
                    "line": pa.array([lines[k] for k in meant], pa.int64()),
                    "role": pa.array([role] * count, pa.string()),
                    "entity": pa.array([entities[k] for k in meant], pa.string()),
                }
            )
            table = table.set_column(0, "file", table["file"].cast(pa.string()))
            self._parquet("delivered", table)
        for f in part.faults:
            if f.row is None:
                continue
            line = lines[f.row]
            self.fault(
                (f.kind, file, sheet, line, f.entity, f.field, f.written, f.true_value), part
            )
            if f in part.tickets:
                told = (f.kind, f.entity, f.field, "", part.tickets[f], file, line)
                self._open["conflicts"].writerow(told)

    def fault(self, told: tuple[object, ...], part: Part | None = None) -> None:
        self.faults += 1
        expected = PERSON_KINDS[str(told[0])][1]
        if part is not None and part.feed == "base.low_income" and told[5] == "name":
            # The name is in the key of that list: a row whose name is lost goes back.
            expected = "quarantined" if expected == "nulled" else expected
        self._open["person_faults"].writerow((*told, expected))
