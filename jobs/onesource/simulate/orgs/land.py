"""Mining rights, land units, forest plots and water bodies of a county."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from onesource.simulate.mines import PLACES, Mine
from onesource.simulate.orgs.files import Row, day
from onesource.simulate.orgs.model import Org, Town

Found = list[tuple[str, Row]]


def mining_rights(town: Town, mines: Sequence[Mine], start: date) -> Found:
    """One right a mine: one in twelve ran out, one in twenty mines has none."""
    d = town.draw
    rows: Found = []
    for mine in mines:
        chance = d.random()
        issued = start - timedelta(days=d.randint(400, 3000))
        ended = start - timedelta(days=d.randint(30, 380))
        until = ended if chance < 0.08 else start + timedelta(days=d.randint(200, 5000))
        number = f"C{town.county}{issued:%Y%m}112{int(mine.mine_id[1:]):07d}"
        lon, lat = mine.longitude + d.uniform(-3e-3, 3e-3), mine.latitude + d.uniform(-3e-3, 3e-3)
        if chance > 0.95:
            continue
        rows.append(
            (
                mine.mine_id,
                {
                    "right_no": number,
                    "holder_name": mine.name,
                    "holder_uscc": mine.uscc,
                    "mine_name": mine.name.removeprefix("吕梁").replace("有限公司", ""),
                    "mineral": "煤",
                    "mining_method": "地下开采",
                    "scale_t_per_year": f"{mine.capacity_mtpa * 100:.0f}",
                    "area_m2": f"{d.uniform(2, 40):.4f}",
                    "issued_on": day(issued),
                    "right_from": day(issued),
                    "right_to": day(until),
                    "right_status": "有效" if until >= start else "过期",
                    "longitude": f"{lon:.6f}",
                    "latitude": f"{lat:.6f}",
                    "county_code": town.county,
                    "address": f"山西省吕梁市{town.name}样例村",
                },
            )
        )
    return rows


def _point(town: Town) -> dict[str, str]:
    lon, lat = PLACES.get(town.county, (111.15, 37.52))
    d = town.draw
    return {
        "longitude": f"{lon + d.uniform(-0.04, 0.04):.6f}",
        "latitude": f"{lat + d.uniform(-0.04, 0.04):.6f}",
    }


_USES = {"enterprise": "0601", "self_employed": "0501", "institution": "0803", "agency": "0801"}


def parcels(town: Town, orgs: Sequence[Org], start: date) -> Found:
    """Land units of one firm in five, of every second institution, and of all collectives."""
    d = town.draw
    rows: Found = []
    shares = {"enterprise": 0.2, "institution": 0.5, "agency": 0.5, "collective": 1.0}
    for n, o in enumerate(orgs):
        if o.status.startswith("注销") or d.random() > shares.get(o.kind, 0.0):
            continue
        use = "0103" if o.kind == "collective" else _USES.get(o.kind, "0507")
        mu = o.kind == "collective"
        rows.append(
            (
                o.truth,
                {
                    "unit_no": f"{town.county}001{d.randint(1, 99):03d}G{'B' if not mu else 'A'}"
                    f"{n % 100_000:05d}W{n // 100_000:08d}",
                    "use_code": use,
                    "area_m2": f"{d.uniform(20, 900):.2f}" if mu else f"{d.uniform(90, 40000):.2f}",
                    "area_unit": "亩" if mu else "平方米",
                    "right_kind": "集体土地所有权" if mu else "国有建设用地使用权",
                    "holder_name": o.name,
                    "holder_uscc": o.uscc,
                    "registered_on": day(max(o.registered_on, start - timedelta(days=3000))),
                    "right_to": "",
                    "status": "现势",
                    "address": o.address,
                    **_point(town),
                },
            )
        )
    return rows


def forests(town: Town, orgs: Sequence[Org]) -> Found:
    d = town.draw
    holders = [o for o in orgs if o.kind == "collective"] or list(orgs[:1])
    rows: Found = []
    for n in range(min(max(3, len(orgs) // 100), 300)):
        o = holders[n % len(holders)]
        kind = d.choice(("防护林", "用材林", "经济林", "特种用途林"))
        rows.append(
            (
                o.truth,
                {
                    "plot_no": f"{town.county}{n + 1:06d}",
                    "town": f"样例{n // 8 + 1}镇",
                    "forest_kind": kind,
                    "protection": d.choice(("Ⅰ级", "Ⅱ级", "Ⅲ级")),
                    "species": d.choice(("油松", "刺槐", "核桃", "红枣", "侧柏")),
                    "area_m2": f"{d.uniform(5, 3000):.1f}",
                    "holder_name": o.name,
                    "holder_uscc": o.uscc,
                    **_point(town),
                },
            )
        )
    return rows


def waters(town: Town, orgs: Sequence[Org]) -> Found:
    d = town.draw
    keepers = [o for o in orgs if o.kind in ("agency", "institution")] or list(orgs[:1])
    rows: Found = []
    for n in range(d.randint(3, 9)):
        river = d.random() < 0.6
        o = d.choice(keepers)
        rows.append(
            (
                o.truth,
                {
                    "water_no": f"W{town.county}{n + 1:04d}",
                    "name": f"{town.stem}样例{n + 1}{'河' if river else '水库'}",
                    "water_kind": "河流" if river else "水库",
                    "grade": d.choice(("县级", "乡级")),
                    "length_km": f"{d.uniform(3, 90):.1f}" if river else "",
                    "area_m2": "" if river else f"{d.uniform(0.1, 9):.3f}",
                    "manager_name": o.name,
                    "manager_uscc": o.uscc,
                    "county_code": town.county,
                    **_point(town),
                },
            )
        )
    return rows
