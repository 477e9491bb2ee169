"""Made-up persons and rows about them without a sound number. All of it is synthetic: the names
are put together from characters, the numbers counted up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
COUNTIES = np.array(
    [141102, 141121, 141122, 141123, 141124, 141125, 141126, 141127, 141128, 141129, 141130,
     141181, 141182]
)  # fmt: skip
SURNAMES = list("王李张刘高任杨薛郭白冯马武康赵贺曹梁陈韩刁闫樊雷成孙宋田邓侯车渠秦温靳乔")
GIVEN = list(
    "伟芳娜敏静丽强磊军洋艳勇杰涛明超秀霞平刚桂英华兰玉梅红建国志文海生林俊鹏晓燕永宏亮斌凤春"
    "飞云峰旭辉荣福贵爱珍翠香莲花改变保全有根旺应清亚瑞雪佳欣怡浩宇轩子涵梓萱一诺晨睿"
)
COLUMNS = (
    "name", "sex", "birth_date", "county_code", "division_code", "address", "phone",
    "mother_id_no", "birth_order",
)  # fmt: skip


def numbers(county: Any, birth: Any, serial: Any) -> pa.Array:
    """18-digit numbers with right check digits, from whole numbers."""
    first = county.astype(np.int64) * 10**11 + birth.astype(np.int64) * 1000 + serial
    total = sum((first // 10 ** (16 - i)) % 10 * int(w) for i, w in enumerate(WEIGHTS)) % 11
    check = pa.array(list("10X98765432")).take(pa.array(total))
    return pc.binary_join_element_wise(pa.array(first).cast(pa.string()), check, "")


def persons(n: int, seed: int = 1) -> pa.Table:
    """A registry's persons, one row each, with the columns that `link_unnumbered` reads."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, len(SURNAMES) + 1) ** 0.8
    surname = rng.choice(len(SURNAMES), n, p=share / share.sum())
    one, two = rng.integers(0, len(GIVEN), n), rng.integers(0, len(GIVEN), n)
    second = pa.array(GIVEN).take(pa.array(two))
    second = pc.if_else(pa.array(rng.random(n) < 0.12), "", second)
    name = pc.binary_join_element_wise(
        pa.array(SURNAMES).take(pa.array(surname)), pa.array(GIVEN).take(pa.array(one)), second, ""
    )
    year, month = rng.integers(1935, 2024, n), rng.integers(1, 13, n)
    day = rng.integers(1, 29, n)
    birth = year * 10000 + month * 100 + day
    county = COUNTIES[rng.integers(0, 13, n)]
    town, village = 100 + rng.integers(0, 12, n), 200 + rng.integers(0, 15, n)
    division = county * 10**6 + town * 1000 + village
    sex = rng.integers(0, 2, n)
    serial = (rng.integers(0, 499, n) * 2 + 1 + (sex == 1)) % 1000
    id_no = numbers(county, birth, serial)
    house = rng.integers(1, 200, n)
    address = pc.binary_join_element_wise(
        pa.array(division % 10**6).cast(pa.string()),
        "村",
        pa.array(house).cast(pa.string()),
        "号",
        "",
    )
    phone = pa.array(13000000000 + rng.integers(0, 5 * 10**9, n)).cast(pa.string())
    mother = id_no.take(pa.array(rng.integers(0, n, n)))
    nothing = pa.scalar(None, pa.string())
    young = pa.array(year > 2005)
    return pa.table(
        {
            "person_id": pc.binary_join_element_wise(
                "P", pa.array(np.arange(n)).cast(pa.string()), ""
            ),
            "id_no": id_no,
            "name": name,
            "sex": pa.array(sex + 1).cast(pa.string()),
            "birth_date": _iso(year, month, day),
            "county_code": pa.array(county).cast(pa.string()),
            "division_code": pa.array(division).cast(pa.string()),
            "address": address,
            "phone": pc.if_else(pa.array(rng.random(n) < 0.6), phone, nothing),
            "mother_id_no": pc.if_else(young, mother, nothing),
            "birth_order": pa.array(["1"] * n, pa.string()),
        }
    )


def _iso(year: Any, month: Any, day: Any) -> pa.Array:
    parts = [pc.utf8_lpad(pa.array(x).cast(pa.string()), w, "0") for x, w in
             ((year, 4), (month, 2), (day, 2))]  # fmt: skip
    return pc.binary_join_element_wise(*parts, "-")


def rows_about(
    people: pa.Table, n: int, seed: int = 2, known: float = 0.7
) -> tuple[pa.Table, list[str | None]]:
    """`n` rows without a sound number, and of each the person_id it is about (None: a stranger)."""
    rng = np.random.default_rng(seed)
    inside = int(n * known)
    at = rng.choice(people.num_rows, inside, replace=False)
    taken = people.take(pa.array(np.sort(at)))
    others = persons(n - inside, seed + 1000)
    truth: list[str | None] = [*taken.column("person_id").to_pylist(), *[None] * (n - inside)]
    both = pa.concat_tables([taken.combine_chunks(), others]).to_pylist()
    found = [_spoilt(row, rng) for row in both]
    order = rng.permutation(n).tolist()
    columns = {
        c: pa.array([found[i][c] for i in order], pa.string())
        for c in (*COLUMNS, "id_no_delivered")
    }
    ids = [f"r{k:07d}" for k in range(n)]
    return pa.table({"row_id": ids, **columns}), [truth[i] for i in order]


def _spoilt(row: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A row as a department writes it: values missing, mistyped, out of date."""
    found = {c: row[c] for c in COLUMNS}
    r = rng.random(12)
    name = found["name"]
    if r[0] < 0.03:
        i = 1 + int(rng.integers(0, len(name) - 1)) if len(name) > 1 else 0
        found["name"] = name[:i] + GIVEN[int(rng.integers(0, len(GIVEN)))] + name[i + 1 :]
    born = found["birth_date"]
    if r[1] < 0.04:
        found["birth_date"] = born[:-1] + str(int(rng.integers(0, 10)))
    elif r[1] < 0.1:
        found["birth_date"] = None
    if r[2] < 0.1:
        found["sex"] = None
    if r[3] < 0.3:
        found["division_code"] = found["county_code"] + "000000"
    elif r[3] < 0.4:
        found["division_code"] = None
    elif r[3] < 0.45:
        other = str(COUNTIES[int(rng.integers(0, 13))])
        found["county_code"], found["division_code"] = other, other + "101201"
    if r[4] < 0.35:
        found["phone"] = None
    elif r[4] < 0.5:
        found["phone"] = f"13{int(rng.integers(0, 10**9)):09d}"
    if r[5] < 0.4:
        found["address"] = None
    if r[6] < 0.3:
        found["mother_id_no"] = None
    found["birth_order"] = found["birth_order"] if r[7] < 0.5 else None
    number = row["id_no"]
    found["id_no_delivered"] = None
    if r[8] < 0.35:
        i = int(rng.integers(0, 17))
        digit = str((int(number[i]) + 1 + int(rng.integers(0, 9))) % 10)
        found["id_no_delivered"] = number[:i] + digit + number[i + 1 :]
    elif r[8] < 0.45:
        found["id_no_delivered"] = number[:15] + "000"
    return found
