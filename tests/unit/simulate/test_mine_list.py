"""The simulated list of mines: the published form, every row at home, shifted rows named."""

from __future__ import annotations

import csv

from onesource.contracts.model import Catalogue
from onesource.simulate.energy import Simulated
from onesource.simulate.mine_list import FILE
from tests.unit.simulate.test_energy import _truth


def test_the_list_has_the_published_columns_and_decimal_commas(
    own_catalogue: Catalogue, heavy: Simulated
) -> None:
    feed = own_catalogue.feeds["energy.coal_mine"]
    with next(heavy.out.rglob(FILE)).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(header) == 74 == len(feed.fields)
    assert len(rows) == 91 + 11
    latitude = header.index("Latitude")
    assert sum("," in r[latitude] for r in rows) > 60


def test_a_shifted_row_ends_with_an_empty_iso_code(heavy: Simulated) -> None:
    shifted = [f for f in _truth(heavy, "faults.csv") if f["kind"] == "shifted_row"]
    assert shifted
    with next(heavy.out.rglob(FILE)).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for fault in shifted:
        row = rows[int(fault["line"]) - 1]
        assert row[0] == fault["key"] and row[-1] == "" and row[-2] == "156"
