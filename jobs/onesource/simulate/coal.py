"""The daily coal reports: one workbook a county and day, with corrections and with faults."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from onesource.simulate import workbook
from onesource.simulate.draw import stream
from onesource.simulate.faults import Fault, Ledger
from onesource.simulate.identifiers import with_wrong_check
from onesource.simulate.mines import Day
from onesource.simulate.workbook import Cell, Sheet

_FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")
_DAY_FORMS = ("{0.year}年{0.month}月{0.day}日", "{0:%Y-%m-%d}", "{0:%Y/%m/%d}")
# Row faults that decide what silver ends with; the others are read as the true value.
_LOST = ("negative", "bad_uscc")
_WRONG = ("unit_unlabelled", "spike")
_LOST_SHARE = 0.25  # of a report's rows; the contract holds a report above 0.3
# A month that was not reset is seen while it is far above what its days could have raised.
_RESET_UNTIL = 10


@dataclass
class Outcome:
    """What must stand in silver of a mine's day, for scoring.

    state: `served`, `quarantined` or `missing`; output_t: the value served.
    """

    day: Day
    state: str = "served"
    output_t: int | None = None

    def __post_init__(self) -> None:
        self.output_t = self.day.output_t if self.output_t is None else self.output_t


@dataclass
class Season:
    """All reports of one simulation: writes them and keeps what was planted."""

    out: Path
    seed: int
    rates: Mapping[str, float]
    last: date
    ledger: Ledger
    outcomes: dict[tuple[str, date], list[Outcome]] = field(default_factory=dict)
    _zipped: dict[tuple[date, date], list[Path]] = field(default_factory=dict)

    def write(self, reports: Mapping[tuple[str, date], Sequence[Day]]) -> None:
        """Writes every county's report of every day, in order of county and day."""
        done: set[tuple[str, date]] = set()
        for (county, day), days in sorted(reports.items()):
            self.outcomes[county, day] = [Outcome(d) for d in days]
            if (county, day) in done:
                continue
            after = reports.get((county, day + timedelta(days=1)))
            if after and self._draws("swapped_nights", county, day):
                self._swapped(county, day, days, after)
                done.add((county, day + timedelta(days=1)))
            else:
                self._report(county, day, days)
        for (day, night), files in sorted(self._zipped.items()):
            self._bundle(day, night, files)

    def _draws(self, kind: str, *purpose: object) -> bool:
        return stream(self.seed, kind, *purpose).random() < self.rates[kind]

    def _unit(self, county: str) -> str:
        # A county writes in 万吨 every day or never: it is its template.
        return "万吨" if self._draws("unit_10kt", county) else "吨"

    def _report(self, county: str, day: date, days: Sequence[Day]) -> None:
        if self._draws("missing_report", county, day):
            for outcome in self.outcomes[county, day]:
                outcome.state, outcome.output_t = "missing", None
            self._note("missing_report", county, day, f"煤矿日报_{county}_{day:%Y%m%d}.xlsx")
            return
        corrected = self._draws("correction", county, day)
        late = not corrected and self._draws("late_report", county, day)
        night = day + timedelta(days=3 if late else 1)
        path = self._path(county, day, night)
        if late:
            self._note("late_report", county, day, self._relative(path))
        self._workbook(path, county, day, days, night, dirty=not corrected, wrong=corrected)
        if corrected:
            again = self._path(county, day, day + timedelta(days=2), "_更正")
            self._workbook(again, county, day, days, day + timedelta(days=2), dirty=False)
        elif self._draws("resent", county, day):
            self._resend(county, day, path)
        if not late and not corrected and self._draws("zipped", county, day):
            self._zipped.setdefault((day, night), []).append(path)

    def _swapped(self, county: str, day: date, first: Sequence[Day], second: Sequence[Day]) -> None:
        """Two days under each other's name, handed in together; the night after, right ones."""
        after = day + timedelta(days=1)
        self.outcomes[county, after] = [Outcome(d) for d in second]
        night = day + timedelta(days=2)
        for named, told, days in ((day, after, second), (after, day, first)):
            path = self._path(county, named, night)
            self._workbook(path, county, told, days, night, dirty=False)
            self._note("swapped_nights", county, named, self._relative(path), written=str(told))
            right = self._path(county, told, night + timedelta(days=1))
            right.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, right)

    def _resend(self, county: str, day: date, path: Path) -> None:
        night = day + timedelta(days=2)
        copy = self._path(county, day, night, "(1)")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        self._note("resent", county, day, self._relative(copy), written=path.name)

    def _workbook(
        self,
        path: Path,
        county: str,
        day: date,
        days: Sequence[Day],
        night: date,
        *,
        dirty: bool,
        wrong: bool = False,
    ) -> None:
        """Writes one workbook. `dirty` plants row faults, `wrong` a value that is corrected."""
        unit = self._unit(county)
        rows = [row(d, i, unit) for i, d in enumerate(days, start=1)]
        planted: list[tuple[int, Fault]] = []
        draw = stream(self.seed, "rows", county, day)
        if wrong:
            planted.append(_mistake(draw, rows, days, unit))
        if dirty:
            lost = 0
            for i, d in enumerate(days):
                # A report of which too much is rejected is held whole: another fault than these.
                room = (lost + 1) / len(days) <= _LOST_SHARE
                faults = self._soil(rows[i], d, unit, may_be_lost=room)
                lost += any(f.kind in _LOST for f in faults)
                planted += [(i, f) for f in faults]
                self._settle(county, day, i, faults)
        filed = f"{night:%Y-%m-%d} 0{draw.randint(6, 8)}:{draw.randint(0, 59):02d}"
        form = draw.choice(_DAY_FORMS)
        sheet = Sheet(days[0].mine.county_name, form.format(day), filed, unit, rows)
        lines = workbook.write(path, sheet)
        where = self._relative(path)
        if unit == "万吨":
            self._note("unit_10kt", county, day, where)
        for i, fault in planted:
            key = days[i].mine.uscc
            self.ledger.add(
                Fault(
                    fault.kind, where, sheet.county_name, lines[i], key, str(day), fault.field,
                    fault.written, fault.true_value,
                )
            )  # fmt: skip

    def _soil(self, cells: dict[str, Cell], d: Day, unit: str, *, may_be_lost: bool) -> list[Fault]:
        """Plants the row faults that are drawn for a mine's day, at most one a field."""
        made: list[Fault] = []
        for kind in ROW_FAULTS:
            if kind in _LOST and not may_be_lost:
                continue
            if self._draws(kind, d.mine.mine_id, d.day):
                field_, written = _soiled(kind, cells, d, unit)
                if written is None or any(f.field == field_ for f in made):
                    continue
                true = cells[field_]
                cells[field_] = written
                made.append(
                    Fault(kind, "", field=field_, written=str(written), true_value=str(true))
                )
        return made

    def _settle(self, county: str, day: date, i: int, faults: Sequence[Fault]) -> None:
        outcome = self.outcomes[county, day][i]
        for fault in faults:
            if fault.kind in _LOST:
                outcome.state, outcome.output_t = "quarantined", None
            elif fault.kind in _WRONG and outcome.state == "served":
                outcome.output_t = round(float(fault.written))

    def _bundle(self, day: date, night: date, files: Sequence[Path]) -> None:
        archive = self.out / night.isoformat() / f"各县煤矿日报_{day:%Y%m%d}.zip"
        for path in files:
            self._note("zipped", "", day, f"{self._relative(archive)}/{path.name}")
        workbook.bundle(archive, files)

    def _path(self, county: str, day: date, night: date, suffix: str = "") -> Path:
        return self.out / night.isoformat() / f"煤矿日报_{county}_{day:%Y%m%d}{suffix}.xlsx"

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.out).as_posix()

    def _note(self, kind: str, county: str, day: date, file: str, written: str = "") -> None:
        self.ledger.add(Fault(kind, file, key=county, day=str(day), written=written))


ROW_FAULTS = (
    "bad_uscc", "negative", "unit_unlabelled", "spike", "month_not_reset", "name_variant",
    "thousands", "full_width", "dash",
)  # fmt: skip


def row(d: Day, number: int, unit: str) -> dict[str, Cell]:
    """The true cells of a mine's day, masses in the unit of the sheet."""
    m = d.mine
    stopped = "检修" if d.output_t == 0 else None
    return {
        "row_number": number,
        "mine_name": m.name,
        "mine_uscc": m.uscc,
        "capacity_t_per_year": _plain(float(m.capacity_mtpa * 100)),
        "plan_month_t": None if m.plan_month_t is None else _mass(m.plan_month_t, unit),
        "output_day_t": _mass(d.output_t, unit),
        "output_month_t": _mass(d.month_t, unit),
        "output_year_t": _mass(d.year_t, unit),
        "washed_day_t": _mass(d.washed_t, unit),
        "clean_coal_day_t": _mass(d.clean_t, unit),
        "sales_day_t": _mass(d.sales_t, unit),
        "sales_month_t": _mass(d.sales_month_t, unit),
        "stock_t": _mass(d.stock_t, unit),
        "price_yuan_per_t": m.price_yuan,
        "staff_registered": m.staff,
        "staff_underground": d.underground,
        "remark": stopped,
    }


def _mass(tonnes: int, unit: str) -> int | float:
    # Four decimals of 万吨 are whole tonnes: nothing is lost.
    return tonnes if unit == "吨" else _plain(round(tonnes / 10_000, 4))


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _mistake(
    draw: random.Random, rows: Sequence[dict[str, Cell]], days: Sequence[Day], unit: str
) -> tuple[int, Fault]:
    """One mine's output is wrong by 5 to 30 %, until the corrected workbook comes."""
    i = draw.randrange(len(rows))
    wrong = int(days[i].output_t * draw.choice((0.7, 0.85, 0.95, 1.05, 1.2, 1.3))) + 7
    rows[i]["output_day_t"] = _mass(wrong, unit)
    written, true = str(_mass(wrong, unit)), str(_mass(days[i].output_t, unit))
    return i, Fault("correction", "", field="output_day_t", written=written, true_value=true)


def _soiled(kind: str, cells: Mapping[str, Cell], d: Day, unit: str) -> tuple[str, Cell]:
    """The field that a fault spoils and what is written; None: not possible here."""
    output = cells["output_day_t"]
    tonnes = unit == "吨" and d.output_t > 0
    match kind:
        case "bad_uscc":
            return "mine_uscc", with_wrong_check(d.mine.uscc)
        case "negative":
            return "output_day_t", -output if tonnes and isinstance(output, int) else None
        case "unit_unlabelled":
            return "output_day_t", round(d.output_t / 10_000, 4) if tonnes else None
        case "spike":
            return "output_day_t", d.output_t * 10 if tonnes else None
        case "month_not_reset":
            early = tonnes and d.day.day <= _RESET_UNTIL
            return "output_month_t", d.month_t + d.mine.capacity_t // 12 if early else None
        case "name_variant":
            return "mine_name", _other_name(d)
        case "thousands":
            stock = cells["stock_t"]
            return "stock_t", f"{stock:,}" if isinstance(stock, int) and stock >= 1000 else None
        case "full_width":
            return "sales_month_t", str(cells["sales_month_t"]).translate(_FULL_WIDTH)
        case _:
            nothing = "—/无"[d.day.toordinal() % 3]
            if d.clean_t == 0:
                return "clean_coal_day_t", nothing
            return "plan_month_t", nothing if d.mine.plan_month_t is None else None


def _other_name(d: Day) -> str:
    """The mine's name as another clerk writes it: the same to a person, not to a computer."""
    name = d.mine.name
    forms = (
        f" {name}　",
        name.replace("有限公司", "有限责任公司"),
        name.replace("吕梁", "山西吕梁"),
        name.replace("煤业", "（煤业）"),
        name.removesuffix("煤矿") + "矿",
    )
    return forms[(d.day.toordinal() + int(d.mine.mine_id[1:])) % len(forms)]
