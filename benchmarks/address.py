"""How well addresses are read: district, town and village against a simulated city's truth.

    .venv/bin/python benchmarks/address.py [DELIVERIES] [--sample 20000] [--seed 1]

DELIVERIES is what `onesource simulate` wrote (left out: a city of 4,000 people is made up); its
register of residents (hukou_full_*.csv) and `_truth` are read, no lake and no JVM. Every address
is read as delivered, then again with one kind of dirt at a time that offices make, by the parser
alone and with the county that stands beside it. Aim: the county right in 97 % of all. `mixed`
has one kind for each address, drawn. Printed as JSON, with the addresses read a second on one core
(best of three runs), and those that become rows of `registry.address_written`.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from onesource.clean.geography.address import AddressReader
from onesource.clean.geography.index import FOREVER, DivisionIndex
from onesource.clean.geography.names import village_core
from onesource.clean.geography.standard import Standards
from onesource.clean.geography.written import written
from onesource.clean.standardisers.division import shipped_index
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.registry.address.tables import rows_of
from onesource.simulate.city.city import simulate_city
from onesource.simulate.energy import DEFAULT_START

PROVINCE, CITY = "山西省", "吕梁市"
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
HAN = "一二三四五六七八九"


class Place:
    """The true names of one address and what stands behind its village."""

    def __init__(self, names: dict[str, str], code: str, house: str) -> None:
        self.county = names[code[:6] + "0" * 6]
        self.town, self.village = names[code[:9] + "0" * 3], names[code]
        self.house, self.code = house, code
        self.short = self.village.removesuffix("居委会").removesuffix("委会")


def _typo(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text))
    return text[:at] + draw.choice("堡峪沟塔坪湾庄家") + text[at + 1 :]


Dirt = Callable[[Place, random.Random], str]
DIRT: dict[str, Dirt] = {
    "full": lambda p, d: f"{PROVINCE}{CITY}{p.county}{p.town}{p.short}{p.house}",
    "short_upper": lambda p, d: f"山西吕梁{p.county}{p.town}{p.short}{p.house}",
    "no_province": lambda p, d: f"{CITY}{p.county}{p.town}{p.short}{p.house}",
    "county_first": lambda p, d: f"{p.county}{p.town}{p.short}{p.house}",
    "no_county": lambda p, d: f"{PROVINCE}{CITY}{p.town}{p.short}{p.house}",
    "town_first": lambda p, d: f"{p.town}{p.short}{p.house}",
    "no_town": lambda p, d: f"{PROVINCE}{CITY}{p.county}{p.short}{p.house}",
    "no_village": lambda p, d: f"{PROVINCE}{CITY}{p.county}{p.town}{p.house}",
    "doubled": lambda p, d: f"{PROVINCE}{CITY}{PROVINCE}{CITY}{p.county}{p.town}{p.short}{p.house}",
    "county_doubled": lambda p, d: f"{p.county}{p.county}{p.town}{p.short}{p.house}",
    "full_width": lambda p, d: f"{PROVINCE}{CITY}{p.county}{p.town}{p.short}{p.house}".translate(
        WIDE
    ),
    "spaces": lambda p, d: f"{PROVINCE} {CITY}　{p.county} {p.town} {p.short} {p.house}",
    "slashes": lambda p, d: f"{PROVINCE}/{CITY}/{p.county}/{p.town}/{p.short}/{p.house}",
    "committee": lambda p, d: f"{p.county}{p.town}{p.village}{p.house}",
    "bare_village": lambda p, d: f"{p.county}{p.town}{village_core(p.village)}{p.house}",
    "group": lambda p, d: f"{p.county}{p.town}{p.short}{d.choice(HAN)}组{p.house}",
    "road": lambda p, d: f"{p.county}{p.town}{p.short}迎宾大道{p.house}",
    "flat": lambda p, d: f"{p.county}{p.town}{p.short}{d.randint(1, 30)}号楼2单元501室",
    "village_typo": lambda p, d: f"{p.county}{p.town}{_typo(p.short, d)}{p.house}",
    "town_typo": lambda p, d: f"{p.county}{_typo(p.town, d)}{p.short}{p.house}",
}


def _table(path: Path) -> list[list[str]]:
    """The cells of a delivered file: each county has its own encoding and separator."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    separator = max("|,\t", key=text.split("\n", 1)[0].count)
    return list(csv.reader(text.splitlines(), delimiter=separator))


def places(
    folder: Path, headers: set[str], index_names: dict[str, str], draw: random.Random, n: int
) -> list[tuple[str, Place]]:
    """(delivered address, place) of residents of the register whose village the truth knows."""
    columns = ["entity", "hukou_division"]
    people = pq.read_table(folder / "_truth" / "persons.parquet", columns=columns)
    lives = dict(zip(*(c.to_pylist() for c in people.columns), strict=True))
    said = pq.read_table(folder / "_truth" / "delivered.parquet").to_pylist()
    who = {(r["file"], r["line"]): r["entity"] for r in said if "hukou_full" in r["file"]}
    rows = []
    for name in sorted({file for file, _ in who}):
        table = _table(folder / name)
        at = next((i for i, header in enumerate(table[0]) if header in headers), None)
        if at is None:
            continue  # planted: a header renamed
        for line, cells in enumerate(table, 1):
            code = lives.get(who.get((name, line), ""))
            if code in index_names and code[9:] != "000" and len(cells) == len(table[0]):
                house = "".join(c for c in cells[at][-8:] if c.isdigit()) + "号"
                rows.append((cells[at], Place(index_names, code, house)))
    draw.shuffle(rows)
    return rows[:n]


def shares(
    reader: AddressReader, texts: list[str], rows: list[Place], beside: bool
) -> dict[str, float]:
    """Share of the addresses whose county, town and village code is the true one."""
    right = [0, 0, 0]
    for text, place in zip(texts, rows, strict=True):
        county = place.code[:6] if beside else None
        code = reader.read(written(text).text, None, county).division_now or ""
        for i, width in enumerate((6, 9, 12)):
            right[i] += code[:width] == place.code[:width]
    names = ("county", "town", "village")
    return {n: round(r / len(rows), 4) for n, r in zip(names, right, strict=True)}


def rate(reader: AddressReader, texts: list[str]) -> int:
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        for text in texts:
            reader.read(written(text).text)
        best = max(best, len(texts) / (time.perf_counter() - started))
    return round(best)


def rows_rate(index: DivisionIndex, texts: list[str]) -> int:
    """Distinct addresses a second that become rows of `registry.address_written`, on one core."""
    many = [f"{text}{n}室" for n in range(101, 131) for text in dict.fromkeys(texts)]
    reader, standards = AddressReader(index), Standards(index)
    started = time.perf_counter()
    for text in many:
        for _ in rows_of(text, None, reader, standards):
            pass
    return round(len(many) / (time.perf_counter() - started))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deliveries", type=Path, nargs="?")
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    settings = Settings.from_environment()
    catalogue = load_catalogue(settings.schemas, odcs=False)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.deliveries or _made_up(settings, catalogue, Path(scratch))
        if not (folder / "_truth" / "delivered.parquet").is_file():
            print(f"address: {folder} holds no _truth of a simulated city", file=sys.stderr)
            return 2
        report = measured(settings, catalogue, folder, random.Random(args.seed), args.sample)
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 0


def _made_up(settings: Settings, catalogue: Catalogue, folder: Path) -> Path:
    simulate_city(
        catalogue, settings.schemas, folder, people=4000, nights=1, seed=11, faults="real",
        start=DEFAULT_START, clear=True,
    )  # fmt: skip
    return folder


def measured(
    settings: Settings, catalogue: Catalogue, folder: Path, draw: random.Random, sample: int
) -> dict[str, Any]:
    """The whole report; shapes as printed."""
    index = shipped_index(settings.schemas)
    held = {c: index.on(c, FOREVER) for c in index.versions if c[:4] == "1411"}
    names = {c: v.name for c, v in held.items() if v}
    feed = catalogue.feeds["base.resident"]
    headers = {h for f in feed.fields if f.name == "hukou_address" for h in f.headers}
    rows = places(folder, headers, names, draw, sample)
    reader = AddressReader(index)
    true = [p for _, p in rows]
    kinds = {"delivered": [text for text, _ in rows]}
    kinds |= {kind: [dirt(p, draw) for p in true] for kind, dirt in DIRT.items()}
    report: dict[str, Any] = {"addresses": len(rows)}
    for kind, texts in kinds.items():
        report[kind] = {
            "alone": shares(reader, texts, true, beside=False),
            "county_beside": shares(reader, texts, true, beside=True),
        }
    mixed = [draw.choice(list(kinds.values()))[i] for i in range(len(rows))]
    report["mixed"] = {"alone": shares(reader, mixed, true, beside=False)}
    report["mixed"]["county_beside"] = shares(reader, mixed, true, beside=True)
    report["per_second"] = rate(AddressReader(index), kinds["delivered"])
    report["rows_per_second"] = rows_rate(index, kinds["delivered"])
    return report


if __name__ == "__main__":
    sys.exit(main())
