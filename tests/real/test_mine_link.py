"""Linking mines to rights, on the real mine names.

There is no public list of rights, so one is made from the mines: 85 % of them have a right, under
a name as a register would write it, up to a kilometre away, one in ten without a place.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest

from onesource.registry.land.mine_match import links

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "sector"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no folder ../shared/reference on this machine"
)
_LEGAL = ("有限责任公司", "有限公司")


def mines() -> list[dict[str, Any]]:
    path = FOLDER / "coal_mines_luliang_gem.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [
            {
                "mine": f"{r['gem_mine_id']}|{r['status']}",
                "name_cn": r["name_cn"],
                "longitude": float(r["longitude"]),
                "latitude": float(r["latitude"]),
                "location_accuracy": r["location_accuracy"],
                "county_code": r["county_pip_if_wgs84"] or r["county_from_address"] or None,
            }
            for r in csv.DictReader(lines)
        ]


def registered(name: str, draw: random.Random) -> str:
    """The name as another register writes it."""
    bare = name
    for form in _LEGAL:
        bare = bare.removesuffix(form)
    return draw.choice(
        (
            name,
            name.removeprefix("山西"),
            name.replace(*_LEGAL),
            f"{bare}煤矿",
            name.replace("煤业有限公司", "煤矿").replace("集团", ""),
        )
    )


def rights(listed: list[dict[str, Any]], draw: random.Random) -> list[dict[str, Any]]:
    """`of`: the mine that has the right."""
    made = []
    for m in listed:
        if draw.random() < 0.85:
            lon, lat = m["longitude"], m["latitude"]
            placed = draw.random() < 0.9
            made.append(
                {
                    "right_no": f"C{len(made)}",
                    "of": m["mine"],
                    "mine_name": registered(m["name_cn"], draw),
                    "holder_name": None,
                    "longitude": lon + draw.uniform(-0.008, 0.008) if placed else None,
                    "latitude": lat + draw.uniform(-0.006, 0.006) if placed else None,
                    "county_code": m["county_code"],
                }
            )
    return made


@pytest.mark.parametrize("seed", range(5))
def test_real_mines_find_their_own_rights_and_no_others(seed: int) -> None:
    listed = mines()
    made = rights(listed, random.Random(seed))
    owner = {r["right_no"]: r["of"] for r in made}
    found = {x.mine: owner[x.right] for x in links(listed, made) if x.right}
    # One mine stands twice in the list, working and proposed: its right may go to either row.
    wrong = {m: o for m, o in found.items() if m.split("|")[0] != o.split("|")[0]}
    assert len(wrong) <= 0.01 * len(made), wrong
    assert len(set(found.values())) >= 0.99 * len(made)
