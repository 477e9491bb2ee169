"""What the police hand in: the register of households, its changes, residence permits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onesource.simulate.city import calendar
from onesource.simulate.city.life import Change, Life, day_text
from onesource.simulate.city.numbers import Ints, Objects, scattered, texts
from onesource.simulate.city.people import NEVER, People
from onesource.simulate.city.rows import Rows, same

ORIGINS = (
    "河南省周口市",
    "陕西省榆林市",
    "河北省邢台市",
    "山西省太原市",
    "四川省达州市",
    "山东省菏泽市",
)


def addresses(p: People, village: Ints, at: Ints, house: Ints) -> Objects:
    out = []
    for where, number in zip(village[at], house[at], strict=True):
        v = p.places[where]
        place = v.name.removesuffix("居委会").removesuffix("委会")
        out.append(f"山西省吕梁市{v.county}{v.town}{place}{number}号")
    return texts(out)


def household_numbers(p: People, at: Ints) -> Objects:
    index = p.household[at] * p.chunk.total + p.chunk.number
    return texts(
        [c + s for c, s in zip(p.county[at], scattered(index, f"home/{p.seed}", 9), strict=True)]
    )


def person_columns(p: People, at: Ints) -> dict[str, Objects]:
    """The columns of the register for some people, as they are now."""
    number = p.id_no[at].copy()
    for k, i in enumerate(map(int, at)):
        if i in p.wrong_no:
            number[k] = p.wrong_no[i]
        elif i in p.old15:
            number[k] = number[k][:6] + number[k][8:17]
    codes = texts([v.code for v in p.places])
    return {
        "person_no": p.person_no[at],
        "name": p.name[at].copy(),
        "id_no": number,
        "former_name": p.former_name[at].copy(),
        "sex": np.where(p.male[at], "1", "2").astype(object),
        "birth_date": calendar.written(p.birth[at], "{0:%Y%m%d}").copy(),
        "ethnicity": p.ethnicity[at].copy(),
        "household_no": household_numbers(p, at),
        "relation_to_head": p.relation[at].copy(),
        "hukou_kind": np.where(p.house[at] == 400, "2", "1").astype(object),
        "division_code": codes[p.village[at]],
        "hukou_address": addresses(p, p.village, at, p.house),
        "moved_in_on": calendar.written(p.moved_in[at], "{0:%Y%m%d}"),
        "education": p.education[at],
        "marital_status": p.marital[at].copy(),
        "status": p.status[at].copy(),
    }


def second_number(p: People, i: int) -> str:
    """The police's number of somebody's second registration."""
    return (
        p.chunk.county
        + scattered(np.array([i * p.chunk.total + p.chunk.number]), f"second/{p.seed}", 11)[0]
    )


def full(p: People, life: Life, night: str, day: int) -> list[Rows]:
    """The register on a day: a file a county; a second registration is a row of its own."""
    at = life.alive_in_register(day)
    columns = person_columns(p, at)
    county = p.county[at]
    for i in sorted(p.second_no):
        k = int(np.searchsorted(at, i))
        if k >= len(at) or at[k] != i:
            continue
        for name, values in columns.items():
            columns[name] = np.append(values, values[k : k + 1])
        columns["person_no"][-1], columns["id_no"][-1] = second_number(p, i), p.second_no[i]
        columns["relation_to_head"][-1], columns["household_no"][-1] = (
            "99",
            "J" + columns["household_no"][-1],
        )
        at, county = np.append(at, i), np.append(county, county[k : k + 1])
    stamp = calendar.day(day).strftime("%Y%m%d")
    out = []
    for code in sorted({p.chunk.county, *county}):
        mine = county == code
        file = f"{night}/hukou_full_{code}_{stamp}.csv"
        picked = {n: v[mine] for n, v in columns.items()}
        out.append(Rows("base.resident", file, picked, {"subject": p.entity[at[mine]]}))
    return out


def changes(p: People, happened: Sequence[Change], night: str, day: int) -> Rows:
    """The register's changes of a day, each with the state after it."""
    at = np.array([c.person for c in happened], dtype=np.int64)
    columns = person_columns(p, at)
    for k, c in enumerate(happened):
        if c.kind == "11":
            columns["person_no"][k], columns["id_no"][k] = second_number(p, c.person), c.old
            columns["status"][k] = "5"
    stamp = calendar.day(day).strftime("%Y%m%d")
    running = np.arange(len(at)) * p.chunk.total + p.chunk.number
    columns |= {
        "change_no": texts(
            [f"BD{stamp}{s}" for s in scattered(running, f"change/{p.seed}/{stamp}", 9)]
        ),
        "change_type": texts([c.kind for c in happened]),
        "changed_on": same(stamp, len(at)),
        "event_on": calendar.written(
            np.array([c.event_on for c in happened], np.int64), "{0:%Y%m%d}"
        ),
        "county_code": p.county[at].copy(),
        "old_value": texts([c.old for c in happened]),
        "new_value": texts([c.new for c in happened]),
        "from_place": texts([c.from_place for c in happened]),
        "to_place": texts([c.to_place for c in happened]),
    }
    return Rows(
        "base.resident_change",
        f"{night}/hukou_change_{stamp}.csv",
        columns,
        {"subject": p.entity[at]},
    )


def permits(p: People, at: Ints, night: str, day: int, left: Sequence[int] = ()) -> Rows:
    """Permits of people from elsewhere; `left` are those who leave now."""
    arrived = np.maximum(p.moved_in[at], p.birth[at])
    stamp = calendar.day(day).strftime("%Y%m%d")
    gone = np.isin(at, np.array(list(left), dtype=np.int64))
    codes = texts([v.code for v in p.places])
    origin = texts([ORIGINS[int(h) % len(ORIGINS)] for h in p.household[at]])
    columns = {
        "permit_no": texts(
            [
                "JZ" + s
                for s in scattered(at * p.chunk.total + p.chunk.number, f"permit/{p.seed}", 10)
            ]
        ),
        "name": p.name[at].copy(),
        "id_type": p.id_type[at].copy(),
        "id_no": p.id_no[at].copy(),
        "sex": np.where(p.male[at], "男", "女").astype(object),
        "birth_date": calendar.written(p.birth[at]).copy(),
        "ethnicity": p.ethnicity[at].copy(),
        "hukou_place": origin,
        "county_code": p.county[at].copy(),
        "division_code": codes[p.now_village[at]],
        "address": addresses(p, p.now_village, at, p.house),
        "phone": p.phone[at].copy(),
        "arrived_on": day_text(arrived),
        "left_on": np.where(gone, stamp, "").astype(object),
        "permit_from": day_text(np.maximum(arrived, day - 300)),
        "permit_to": day_text(np.maximum(arrived, day - 300) + 365),
        "status": np.where(gone, "注销", "有效").astype(object),
    }
    return Rows(
        "base.residence_permit", f"{night}/居住证_{stamp}.csv", columns, {"subject": p.entity[at]}
    )


def strangers(p: People, day: int) -> Ints:
    return np.flatnonzero(~p.registered & (p.birth <= day) & (p.death == NEVER))
