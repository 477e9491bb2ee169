"""Plants the faults of rows. A cell is spoilt at most once, and every fault is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from onesource.simulate.city.numbers import CHECKS, check_digit
from onesource.simulate.city.rows import OF_HOUSEHOLD, Planted, Rows, append, row

_FULL = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_IDS = ("id_no", "mother_id_no", "father_id_no", "husband_id_no", "wife_id_no", "guardian_id_no")
_NAMES = ("name", "mother_name", "father_name", "husband_name", "wife_name", "guardian_name")
_PHONES = ("phone", "guardian_phone")
_POLICE = ("base.resident", "base.resident_change")
_HOMOPHONES = dict(
    zip("丽军伟静霞芳艳杰辉平文国志明晓建涛斌", "莉君玮婧侠方燕洁晖萍雯果智铭小健韬彬", strict=True)
)
_COUNTIES = {
    "141102": ("离石市", "142302", "离石区"),
    "141182": ("汾阳县", "142303", "汾阳市"),
    "141181": ("孝义县", "142301", "孝义市"),
    "141123": ("兴　县", "142325", "兴县"),
    "141124": ("临　县", "142326", "临县"),
    "141127": ("岚　县", "142329", "岚县"),
}
Change = Callable[[str, int], str | None]


def soil(
    rows: Rows, draw: np.random.Generator, rates: Mapping[str, float], former: Mapping[str, str]
) -> None:
    """Plants what the rates say, in an order that is always the same.

    former: codes of villages → those of before a merger, which some registers go on writing.
    """
    count = len(rows)
    if not count or not any(rates.values()):
        return
    spoilt: dict[str, set[int]] = {}
    entities = next(iter(rows.who.values()))
    for kind, fields, change in _kinds(rows, former):
        for name in fields:
            if name not in rows.columns:
                continue
            hit = np.flatnonzero(draw.random(count) < rates[kind])
            values = rows.columns[name]
            taken = spoilt.setdefault(name, set())
            for i in map(int, hit):
                if i in taken or _merged_away(rows, name, i):
                    continue
                written = change(str(values[i]), int(draw.integers(1 << 30)))
                if written is None or written == values[i]:
                    continue
                taken.add(i)
                rows.faults.append(Planted(kind, i, entities[i], name, written, values[i]))
                values[i] = written
    _whole_rows(rows, draw, rates, count)


def _merged_away(rows: Rows, name: str, i: int) -> bool:
    """Is the cell one of a household's that is written over its first member only?"""
    homes = rows.columns["certificate_no"] if rows.feed == "base.low_income" else None
    return homes is not None and name in OF_HOUSEHOLD and i > 0 and homes[i] == homes[i - 1]


def _kinds(rows: Rows, former: Mapping[str, str]) -> list[tuple[str, tuple[str, ...], Change]]:
    other = () if rows.feed in _POLICE else ("name",)
    birth = () if rows.feed in _POLICE else ("birth_date",)
    return [
        ("name_other", other, _homophone),
        ("birth_other", birth, _other_day),
        ("sex_other", ("sex",) if birth else (), _other_sex),
        ("name_lost", _NAMES, _lost),
        ("name_dot", _NAMES, lambda v, k: v.replace("·", "•．・"[k % 3]) if "·" in v else None),
        ("id_15", _IDS, _fifteen),
        ("id_full_width", _IDS, lambda v, k: v.translate(_FULL) if v else None),
        ("id_check", _IDS, _wrong_check),
        ("id_excel", _IDS, _excel),
        ("id_swapped", _IDS, _swapped),
        ("id_missing", _IDS, lambda v, k: ("无", "", "不详")[k % 3] if v else None),
        ("name_spaced", _NAMES, lambda v, k: f"{v[0]} {v[1]}" if len(v) == 2 else None),
        ("name_padded", _NAMES, lambda v, k: v and (f" {v}", f"{v}\u3000", f"\u00a0{v} ")[k % 3]),
        ("date_form", ("birth_date",), _date_form),
        ("date_serial", ("birth_date",), _serial),
        ("date_future", birth, lambda v, k: f"20{60 + k % 30}-01-15" if v else None),
        ("code_as_name", ("sex",), lambda v, k: {"1": "男", "2": "女性"}.get(v)),
        (
            "zero_lost",
            ("ethnicity", "relation_to_head"),
            lambda v, k: v[1:] if v[:1] == "0" else None,
        ),
        ("county_as_name", ("county_code",), _county),
        ("division_former", ("division_code",) if other else (), lambda v, k: former.get(v)),
        ("nothing_sign", _PHONES, lambda v, k: "—/"[k % 2]),
        ("two_phones", _PHONES, lambda v, k: f"{v}、139{k % 10**8:08d}" if v else None),
        ("thousands", ("amount_yuan",), lambda v, k: f"{float(v):,.2f}" if v else None),
    ]


def _homophone(v: str, k: int) -> str | None:
    """Another character that sounds alike, in a given name; none where there is no such."""
    return v[:-1] + _HOMOPHONES[v[-1]] if len(v) > 1 and v[-1] in _HOMOPHONES else None


def _other_day(v: str, k: int) -> str | None:
    if len(v) != 10:
        return None
    day = int(v[8:])
    return (
        v[:8] + f"{day % 28 + 1:02d}"
        if k % 2
        else v[:5] + f"{int(v[5:7]) % 12 + 1:02d}-{min(day, 28):02d}"
    )


def _other_sex(v: str, k: int) -> str | None:
    return {"1": "2", "2": "1", "男": "女", "女": "男"}.get(v)


def _lost(v: str, k: int) -> str | None:
    """What an export to GBK makes of a character that GBK lacks."""
    out = "".join(c if _in_gbk(c) else "?" for c in v)
    return out if out != v else None


def _in_gbk(c: str) -> bool:
    try:
        c.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _eighteen(v: str) -> bool:
    return len(v) == 18 and v[:2] == "14"


def _fifteen(v: str, k: int) -> str | None:
    # 15 digits were given until 1999, and stand for births from 1900 to 1999.
    return v[:6] + v[8:17] if _eighteen(v) and v[2:4] == "23" and v[6:10] < "1999" else None


def _wrong_check(v: str, k: int) -> str | None:
    return v[:17] + CHECKS[(CHECKS.index(v[17]) + 1 + k % 10) % 11] if _eighteen(v) else None


def _excel(v: str, k: int) -> str | None:
    out = v[:15] + "000"
    return out if _eighteen(v) and check_digit(out[:17]) != "0" else None


def _swapped(v: str, k: int) -> str | None:
    """Two neighbours of the sequence or the birth exchanged: the check digit finds every one."""
    at = 6 + k % 10
    return v[:at] + v[at + 1] + v[at] + v[at + 2 :] if _eighteen(v) else None


def _date_form(v: str, k: int) -> str | None:
    digits = v.replace("-", "")
    if len(digits) != 8:
        return None
    y, m, d = digits[:4], digits[4:6], digits[6:]
    return (f"{y}/{m}/{d}", f"{y}.{m}.{d}", f"{y}年{int(m)}月{int(d)}日", digits, f"{y}-{m}-{d}")[
        k % 5
    ]


def _serial(v: str, k: int) -> str | None:
    digits = v.replace("-", "")
    if len(digits) != 8 or digits < "19300101":
        return None
    day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return str((day - date(1899, 12, 30)).days)


def _county(v: str, k: int) -> str | None:
    forms = _COUNTIES.get(v[:6])
    return forms[k % len(forms)] if forms else None


def _whole_rows(
    rows: Rows, draw: np.random.Generator, rates: Mapping[str, float], count: int
) -> None:
    entities = next(iter(rows.who.values()))
    if rows.feed not in ("base.low_income", "base.marriage", "base.birth_certificate"):
        for i in map(int, np.flatnonzero(draw.random(count) < rates["shifted_row"])):
            rows.shifted.add(i)
            rows.faults.append(Planted("shifted_row", i, entities[i], "", "", ""))
    if rows.feed == "base.low_income":
        return  # its households stand together
    for i in map(int, np.flatnonzero(draw.random(count) < rates["repeated_row"])):
        if i in rows.shifted:
            continue
        at = append(rows, row(rows, i))
        for who in rows.who.values():
            who[at] = who[i]
        rows.faults.append(Planted("repeated_row", at, entities[i], "", "", ""))
    if draw.random() < rates["test_row"] * count:
        first = next(iter(rows.columns))
        made = row(rows, 0) | {
            first: f"T{int(draw.integers(10**9)):09d}",
            "name": "测试",
            "phone": "13800000000",
            "id_no": "",
        }
        at = append(rows, made)
        rows.faults.append(Planted("test_row", at, "", "name", "测试", ""))
