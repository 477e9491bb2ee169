"""What each department delivers of an organisation: registers, tax, meters, statistics."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from onesource.simulate.orgs.files import Row, day
from onesource.simulate.orgs.model import Org

_STATUS = {"注销-合并": "注销-合并", "存续": "存续（在营、开业、在册）", "吊销": "吊销，未注销"}


def registered(o: Org) -> Row:
    """The row of the register that keeps it; the contract's columns decide what is written."""
    market = o.feed == "enterprise"
    wan, rest = divmod(o.capital, 10_000)
    amount = str(wan) if not rest else f"{o.capital / 10_000:.4f}"
    return {
        "subject_no": o.number,
        "org_no": o.number,
        "certificate_no": o.number,
        "uscc": o.uscc,
        "registration_no": o.registration_no,
        "organisation_code": o.organisation_code,
        "tax_no": o.tax_no if market else "",
        "name": o.name,
        "former_names": "；".join(o.former),
        "org_type": o.org_type,
        "status": _STATUS.get(o.status, o.status) if market else o.status,
        "registered_on": day(o.registered_on),
        "approved_on": day(o.approved_on),
        "cancelled_on": day(o.cancelled_on),
        "revoked_on": day(o.revoked_on),
        "capital_yuan": amount if o.capital else "",
        "capital_unit": "万元",
        "currency": "人民币",
        "legal_rep_name": o.rep_name,
        "legal_rep_id_no": o.rep_id,
        "address": o.address,
        "county_code": o.county,
        "industry_reg": o.industry,
        "registrar": o.registrar,
        "parent_uscc": o.parent,
        "change_type": o.change,
        "predecessor_uscc": o.predecessor,
        "successor_uscc": o.successor,
        "succession_share": o.share,
        "staff_quota": "20",
        "funding": "财政拨款",
        "town": f"{o.name[:3]}镇",
        "members_count": "320",
    }


def _stream(o: Org, month: str, seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}/{what}/{o.truth}/{month}")


def tax(
    orgs: Sequence[Org], month: str, seed: int, rates: Mapping[str, float]
) -> Iterator[tuple[str, Row, bool]]:
    """Taxpayers and what they declared: (thing, row, is a planted conflict)."""
    for o in orgs:
        d = random.Random(f"{seed}/taxpayer/{o.truth}")
        if o.kind in ("agency", "collective", "social"):
            continue
        if d.random() > (0.35 if o.kind == "self_employed" else 0.97):
            continue
        draw = _stream(o, month, seed, "tax")
        gone = o.status.startswith("注销")
        long_gone = gone and o.cancelled_on is not None and f"{o.cancelled_on:%Y%m}" < month
        planted = long_gone and draw.random() < rates["conflict_tax"] * 10
        if gone and not planted:
            continue
        declared = draw.randint(1, 900) * 1000 + 7 if o.active or planted else 0
        other = draw.random() < rates["org_other_name"]
        status = "停业" if o.status == "停业" else "非正常" if o.status == "吊销" else "正常"
        row = {
            "tax_no": o.tax_no,
            "uscc": o.uscc if draw.random() < 0.9 else "",
            "name": other_name(draw, o.name) if other else o.name,
            "tax_status": status,
            "declared_yuan": str(declared),
            "arrears_yuan": str(draw.randint(1, 90) * 100) if draw.random() < 0.02 else "0",
        }
        yield o.truth, row, planted


def meters(
    orgs: Sequence[Org], month: str, seed: int, rates: Mapping[str, float], what: str
) -> Iterator[tuple[str, Row, bool]]:
    """Accounts of electricity or water: (thing, row, is a planted conflict)."""
    share, used = (0.75, "used_kwh") if what == "power_account" else (0.35, "used_m3")
    for o in orgs:
        d = random.Random(f"{seed}/{what}/{o.truth}")
        if d.random() > share:
            continue
        has_code = d.random() < 0.3
        draw = _stream(o, month, seed, what)
        planted = (
            o.status == "停业" and f"{o.approved_on:%Y%m}" < month and what == "power_account"
            and draw.random() < rates["conflict_power"] * 10
        )  # fmt: skip
        if o.status.startswith("注销"):
            continue
        other = draw.random() < rates["org_other_name"]
        big = 80 if o.kind in ("enterprise", "institution") else 4
        amount = draw.randint(60, 900) * big if o.active or planted else 0
        row = {
            "account_no": f"{'5' if what == 'power_account' else '7'}{o.truth[1:]}",
            "name": other_name(draw, o.name) if other else o.name,
            "uscc": o.uscc if has_code else "",
            "address": o.address,
            "category": "工商业" if big == 80 else "一般",
            used: str(amount),
        }
        yield o.truth, row, planted


def statistics(orgs: Sequence[Org], seed: int) -> Iterator[tuple[str, Row, bool]]:
    """Units of the statistical register: no sole traders, nobody that is gone."""
    for o in orgs:
        if o.kind in ("self_employed", "branch") or o.status != "存续":
            continue
        d = random.Random(f"{seed}/unit/{o.truth}")
        row = {
            "unit_no": f"{o.county}{o.truth[7:]}",
            "uscc": o.uscc,
            "organisation_code": o.organisation_code.replace("-", ""),
            "name": o.name,
            "industry_stat": o.industry_stat,
            "employees_count": str(d.randint(1, 240)),
        }
        yield o.truth, row, False


def other_name(draw: random.Random, name: str) -> str:
    """The name as another clerk writes it: the same to a person."""
    forms = (f" {name}", f"{name[:2]} {name[2:]}", name.replace("有限公司", "有限公司 "))
    return draw.choice(forms)
