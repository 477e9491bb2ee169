"""How organisations come into being, and what happens to them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

from onesource.simulate.orgs.model import Org, Town, legacy_number
from onesource.simulate.orgs.words import (
    AGENCIES,
    COOP_TRADES,
    FIRM_TRADES,
    INSTITUTIONS,
    SHOP_TRADES,
    SOCIETIES,
)

UNIFIED = date(2015, 10, 1)  # since then new registrations get the unified code alone
# Share of each kind among the organisations of a county.
_KINDS = (
    ("self_employed", 0.64),
    ("enterprise", 0.27),
    ("cooperative", 0.045),
    ("branch", 0.02),
    ("institution", 0.008),
    ("agency", 0.004),
    ("social", 0.004),
    ("collective", 0.009),
)
# What happens on a day, by weight. Departments of a city with 0.28 M organisations see some 150.
_EVENTS = (
    ("设立", 40.0),
    ("更名", 9.0),
    ("迁址", 9.0),
    ("增减资", 7.0),
    ("换法人", 10.0),
    ("注销", 14.0),
    ("吊销", 3.0),
    ("停业", 2.5),
    ("恢复", 1.0),
    ("吸收合并", 0.8),
    ("新设合并", 0.4),
    ("分立", 0.8),
    ("转企", 2.0),
    ("迁出", 0.5),
    ("机构改革", 0.2),
)
PER_DAY = 150 / 280_000


def found(town: Town, kind: str, day: date) -> Org:
    """A new organisation of a kind, registered on a day."""
    d, n = town.draw, town.next_number()
    name, org_type, pair, industry, capital = _identity(town, kind)
    person, number = town.person()
    code = town.code(pair, n)
    org = Org(
        truth=f"O{town.county}{n:06d}",
        kind=kind,
        number=f"{pair}{town.county}{n:08d}",
        uscc=code,
        name=name,
        org_type=org_type,
        registered_on=day,
        approved_on=day,
        county=town.county,
        address=town.place(),
        industry=industry,
        capital=capital,
        rep_name=person,
        rep_id=number,
        registrar=_registrar(kind, town.name),
        registration_no=legacy_number(town.county, n)
        if day < UNIFIED and kind in ("self_employed", "enterprise", "cooperative", "branch")
        else "",
    )
    # The statistical office sees what a unit does, which one time in ten is something else.
    org.industry_stat = industry if d.random() < 0.9 else d.choice(FIRM_TRADES)[0]
    if kind == "branch":
        firms = [o for o in town.orgs[-400:] if o.kind == "enterprise" and o.status == "存续"]
        if firms:
            parent = d.choice(firms)
            org.parent, org.industry = parent.uscc, parent.industry
            org.industry_stat = parent.industry
            org.name = _unused(town, f"{parent.name}{town.stem}第{{}}分公司")
    org.active = d.random() < 0.88
    town.orgs.append(org)
    town.states.append(org.copy())
    return org


def _unused(town: Town, pattern: str) -> str:
    n = 1
    while (name := pattern.format(n)) in town.names:
        n += 1
    town.names.add(name)
    return name


def _identity(town: Town, kind: str) -> tuple[str, str, str, str, int]:
    """Name, type, registrar and type of the code, industry and capital in yuan."""
    d = town.draw
    if kind in ("enterprise", "branch"):
        code, trade = _trade(d, FIRM_TRADES)
        org_type, end = d.choices(
            (("1100", "有限公司"), ("1150", "有限公司"), ("1200", "股份有限公司"), ("4540", "厂")),
            (60, 28, 2, 10),
        )[0]
        org_type = "2100" if kind == "branch" else org_type
        end = "有限公司" if kind == "branch" else end
        capital = d.choice((10, 50, 100, 200, 500, 1000, 2000, 5000)) * 10_000
        head = d.choice((town.stem, f"吕梁{town.stem}", f"山西{town.stem}"))
        return (
            town.title(trade, end, head),
            org_type,
            "91",
            code,
            0 if kind == "branch" else capital,
        )
    if kind == "self_employed":
        code, trade = _trade(d, SHOP_TRADES)
        return town.title("", trade, town.name), "9500", "92", code, d.randint(1, 30) * 10_000
    if kind == "cooperative":
        code, trade = _trade(d, COOP_TRADES)
        name = town.title(trade, "专业合作社", town.name)
        return name, "9100", "93", code, d.randint(10, 500) * 10_000
    if kind == "institution":
        code, what = _trade(d, INSTITUTIONS)
        return town.title("", what, town.name), "A200", "12", code, d.randint(5, 900) * 10_000
    if kind == "agency":
        what = d.choice(AGENCIES)
        name = _unused(town, f"{town.name}{what}局第{{}}分局")
        return name, "A100", "11", "9221", d.randint(5, 90) * 10_000
    if kind == "social":
        what, org_type, pair = d.choice(SOCIETIES)
        return town.title("", what, town.name), org_type, pair, "9521", d.randint(3, 50) * 10_000
    village = town.title("", "村", town.name)
    return f"{village}股份经济合作社", "C200", "N2", "0111", d.randint(5, 3000) * 10_000


def _trade(d: random.Random, trades: Sequence[tuple[str, str, int]]) -> tuple[str, str]:
    code, word, _ = d.choices(trades, [w for *_, w in trades])[0]
    return code, word


def _registrar(kind: str, county: str) -> str:
    office = {"institution": "委编办", "agency": "委编办", "social": "民政局"}.get(kind)
    return county + (office or {"collective": "农业农村局"}.get(kind, "市场监督管理局"))


def settle(town: Town, count: int, start: date) -> None:
    """Fills a county with `count` organisations and the last of what happened to them."""
    d = town.draw
    kinds = [k for k, _ in _KINDS]
    weights = [w for _, w in _KINDS]
    drawn = d.choices(kinds, weights, k=count)
    if count >= len(kinds):
        drawn[: len(kinds)] = kinds  # the smallest city has one of each
    first = date(1998, 1, 1).toordinal()
    span = start.toordinal() - first
    for kind in drawn:
        # More were founded lately: the square root draws towards the end.
        day = date.fromordinal(first + int(span * d.random() ** 0.5))
        found(town, kind, day)
    for _ in range(round(count * 0.35)):
        org = d.choice(town.orgs)
        since = (start - org.approved_on).days
        if since > 1:
            day = org.approved_on + timedelta(days=d.randint(1, since - 1))
            event = d.choices([e for e, _ in _EVENTS[1:]], [w for _, w in _EVENTS[1:]])[0]
            happen(town, org, event, day)


def a_day(town: Town, day: date) -> list[Org]:
    """What happens in the county on a day; returns the states to be delivered."""
    d = town.draw
    expected = max(len(town.orgs) * PER_DAY, 0.6)
    count = int(expected) + (d.random() < expected % 1)
    before = len(town.states)
    for _ in range(count):
        event = d.choices([e for e, _ in _EVENTS], [w for _, w in _EVENTS])[0]
        if event == "设立":
            kind = d.choices(("self_employed", "enterprise", "cooperative"), (70, 27, 3))[0]
            found(town, kind, day)
        else:
            org = d.choice(town.orgs)
            if org.approved_on < day:
                happen(town, org, event, day)
    return town.states[before:]


def happen(town: Town, org: Org, event: str, day: date) -> bool:
    """Lets something happen to an organisation; False: it cannot."""
    if org.status in ("注销", "注销-合并", "迁出"):
        return False
    is_firm = org.kind == "enterprise"
    if event in ("吸收合并", "新设合并", "分立") and not is_firm:
        event = "换法人"
    if event == "机构改革" and org.kind != "agency":
        event = "增减资"
    if event == "转企" and org.kind != "self_employed":
        event = "迁址"
    if event == "恢复" and org.status != "停业":
        event = "换法人"
    if org.kind in ("agency", "institution", "collective") and event in ("吊销", "停业", "迁出"):
        event = "换法人"
    if org.status == "吊销" and event != "注销":
        return False
    org.change, org.approved_on = event, day
    org.predecessor = org.successor = org.share = ""
    _EFFECTS.get(event, _moves)(town, org, day)
    town.states.append(org.copy())
    return True


def _renames(town: Town, org: Org, day: date) -> None:
    org.former = (*org.former, org.name)
    if org.kind == "enterprise":
        org.name = town.title(_trade(town.draw, FIRM_TRADES)[1], "有限公司")
    else:
        ends = {"self_employed": "商店", "cooperative": "种植专业合作社", "social": "协会"}
        ends |= {"institution": "服务中心", "agency": "事务局", "branch": "分公司"}
        org.name = town.title("", ends.get(org.kind, "村股份经济合作社"), town.name)


def _moves(town: Town, org: Org, day: date) -> None:
    org.address = town.place()


def _capital(town: Town, org: Org, day: date) -> None:
    org.capital = int(org.capital * town.draw.choice((0.5, 2, 3)))


def _represented(town: Town, org: Org, day: date) -> None:
    org.rep_name, org.rep_id = town.person()


def _closes(town: Town, org: Org, day: date) -> None:
    org.status, org.cancelled_on, org.active = "注销", day, False


def _revoked(town: Town, org: Org, day: date) -> None:
    org.status, org.revoked_on, org.active = "吊销", day, False


def _rests(town: Town, org: Org, day: date) -> None:
    org.status, org.active = "停业", False


def _wakes(town: Town, org: Org, day: date) -> None:
    org.status, org.active = "存续", True


def _leaves(town: Town, org: Org, day: date) -> None:
    org.status, org.active = "迁出", False


def _absorbed(town: Town, org: Org, day: date) -> None:
    firms = [
        o for o in town.draw.sample(town.orgs, min(len(town.orgs), 60))
        if o.kind == "enterprise" and o.status == "存续" and o is not org
    ]  # fmt: skip
    if firms:
        org.successor, org.share = firms[0].uscc, "1"
        org.status, org.cancelled_on, org.active = "注销-合并", day, False
    else:
        org.change = "迁址"
        _moves(town, org, day)


def _merged(town: Town, org: Org, day: date) -> None:
    """Two firms become a new one."""
    new = found(town, "enterprise", day)
    town.states.pop()
    new.change = "新设合并"
    town.states.append(new.copy())
    for old in (org, *_others(town, org, new, 1)):
        old.change, old.approved_on = "新设合并", day
        old.successor, old.share = new.uscc, "1"
        old.status, old.cancelled_on, old.active = "注销-合并", day, False
        if old is not org:
            town.states.append(old.copy())


def _others(town: Town, org: Org, new: Org, count: int) -> list[Org]:
    day = new.approved_on
    return [
        o for o in town.draw.sample(town.orgs, min(len(town.orgs), 60))
        if o.kind == "enterprise" and o.status == "存续" and o not in (org, new)
        and o.approved_on < day
    ][:count]  # fmt: skip


def _split(town: Town, org: Org, day: date) -> None:
    """A part of the firm becomes a new one; the old one goes on."""
    new = found(town, "enterprise", day)
    town.states.pop()
    share = town.draw.choice(("0.3", "0.4", "0.25"))
    new.change, new.predecessor, new.share = "分立", org.uscc, share
    org.capital = int(org.capital * (1 - float(share)))
    town.states.append(new.copy())


def _converts(town: Town, org: Org, day: date) -> None:
    """A sole trader becomes a company: a new number."""
    new = found(town, "enterprise", day)
    town.states.pop()
    new.change, new.predecessor, new.share = "转企", org.uscc, "1"
    new.rep_name, new.rep_id, new.address = org.rep_name, org.rep_id, org.address
    town.states.append(new.copy())
    org.status, org.cancelled_on, org.active = "注销", day, False
    org.successor, org.share = new.uscc, "1"


def _reformed(town: Town, org: Org, day: date) -> None:
    """An agency's tasks go to a new one with a new number."""
    new = found(town, "agency", day)
    town.states.pop()
    new.change, new.predecessor, new.share = "机构改革", org.uscc, "1"
    town.states.append(new.copy())
    org.status, org.cancelled_on, org.active = "注销", day, False
    org.successor, org.share = new.uscc, "1"


_EFFECTS = {
    "更名": _renames,
    "迁址": _moves,
    "增减资": _capital,
    "换法人": _represented,
    "注销": _closes,
    "吊销": _revoked,
    "停业": _rests,
    "恢复": _wakes,
    "迁出": _leaves,
    "吸收合并": _absorbed,
    "新设合并": _merged,
    "分立": _split,
    "转企": _converts,
    "机构改革": _reformed,
}
