"""The list of mines in the published form: 74 columns, decimal commas, headers of the contract."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from onesource.contracts.model import Contract
from onesource.simulate.draw import stream
from onesource.simulate.faults import Fault, Ledger
from onesource.simulate.mines import Mine

FILE = "coal_mine_list_simulated_raw.csv"
# Mines that raise nothing: status, how many.
_IDLE = (("Proposed", 6), ("Mothballed", 3), ("Shelved", 1), ("Closed", 1))


def write(
    out: Path,
    folder: str,
    feed: Contract,
    mines: Sequence[Mine],
    seed: int,
    rates: Mapping[str, float],
    ledger: Ledger,
) -> None:
    """Writes the list into `folder`: every working mine, and some that do not work."""
    header = [f.properties.aliases[0] for f in feed.fields]
    names = list(feed.field_names)
    path = out / folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for line, (mine_id, status, values) in enumerate(_rows(mines, seed), start=2):
            cells = [values.get(name, "") for name in names]
            if stream(seed, "shifted_row", mine_id, status).random() < rates["shifted_row"]:
                # One cell is missing after the opening year: all that follows moves left.
                at = names.index("opening_year") + 1
                cells = [*cells[:at], *cells[at + 1 :], ""]
                ledger.add(
                    Fault(
                        "shifted_row", f"{folder}/{FILE}", line=line, key=mine_id, field=names[at]
                    )
                )
            writer.writerow(cells)


def _rows(mines: Sequence[Mine], seed: int) -> list[tuple[str, str, dict[str, str]]]:
    rows = [(m.mine_id, "Operating", _values(m, "Operating", m.mine_id, m.name)) for m in mines]
    draw = stream(seed, "idle mines")
    number = len(mines)
    for status, count in _IDLE:
        for _ in range(count):
            number += 1
            like = draw.choice(mines)
            name = f"吕梁{like.county_name[:-1]}样例煤业有限公司待建第{number}矿"
            mine_id = f"M{90000 + number}"
            rows.append((mine_id, status, _values(like, status, mine_id, name)))
    return rows


def _values(m: Mine, status: str, mine_id: str, name: str) -> dict[str, str]:
    return {
        "mine_id": mine_id,
        "status": status,
        "country": "China",
        "name_en": f"Simulated Coal Mine {mine_id}",
        "name_aka": "synthetic",
        "name_cn": name,
        "owners_cn": f"吕梁{m.county_name[:-1]}样例煤业有限公司",
        "company_hq": "China",
        "capacity_mtpa": _comma(m.capacity_mtpa),
        "mine_type": "Underground",
        "coal_type": "Bituminous",
        "coal_grade": "Met",
        "workforce_size": str(m.staff),
        "opening_year": "2012",
        "closing_year": "2023" if status == "Closed" else "",
        "mine_life_years": "25",
        "location_en": "Sample village",
        "prefecture": "Lüliang",
        "province": "Shanxi",
        "address_cn": f"山西省吕梁市{m.county_name}样例村",
        "subregion": "Eastern Asia",
        "region": "Asia",
        "latitude": _comma(m.latitude),
        "longitude": _comma(m.longitude),
        "location_accuracy": "Exact",
        "gas_level": m.gas_level,
        "gas_level_year": "2024",
        "has_boundary_data": "N",
        "has_plume_data": "N",
        "has_cmm_mitigation_data": "N",
        "iso_code": "156",
    }


def _comma(value: object) -> str:
    text = f"{value}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")
