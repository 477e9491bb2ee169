"""What health, civil affairs, insurance, schools and the federation of the disabled hand in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onesource.simulate.city import calendar
from onesource.simulate.city.employers import employer
from onesource.simulate.city.numbers import Ints, Objects, scattered, texts
from onesource.simulate.city.people import NEVER, People
from onesource.simulate.city.police import addresses
from onesource.simulate.city.rows import Rows, pick, same

EMPLOYERS = 2000  # drawn from, of each county


class Offices:
    """The registers beside the police's. `cover` holds a number between 0 and 1 for every person
    and register: who is in it is decided once."""

    def __init__(self, p: People, draw: np.random.Generator, seed: int) -> None:
        self.p, self.seed = p, seed
        self.cover = draw.random((8, len(p)))
        self.codes = texts([v.code for v in p.places])

    def number(self, i: int, day: int) -> str:
        """What somebody's card says: nothing before the register took the newborn in."""
        p = self.p
        return "" if p.registered[i] and p.enrolled[i] > day else p.wrong_no.get(i, p.id_no[i])

    def numbers(self, at: Ints, day: int) -> Objects:
        return texts([self.number(int(i), day) if i >= 0 else "" for i in at])

    def running(self, at: Ints, prefix: str, register: str, width: int = 10) -> Objects:
        index = at * self.p.chunk.total + self.p.chunk.number
        return texts([prefix + s for s in scattered(index, f"{register}/{self.seed}", width)])

    def _person(self, at: Ints, day: int, *, words: bool = True) -> dict[str, Objects]:
        p = self.p
        sex = np.where(p.male[at], "男", "女") if words else np.where(p.male[at], "1", "2")
        return {
            "name": p.name[at].copy(),
            "id_no": self.numbers(at, day),
            "sex": sex.astype(object),
            "birth_date": calendar.written(p.birth[at]).copy(),
        }

    def births(self, night: str, day: int, since: int) -> Rows:
        """Certificates that are issued after `since` and until the day: three days after birth."""
        p = self.p
        issued = p.birth + 3
        at = np.flatnonzero((issued > since) & (issued <= day) & (p.mother >= 0))
        mother, father = p.mother[at], p.father[at]
        named = self.cover[0, at] < 0.8
        where = np.maximum(mother, 0)
        columns = self._person(at, day) | {
            "certificate_no": self.running(at, "R", "birth", 9),
            "name": np.where(named, p.name[at], "").astype(object),
            "born_at": texts(
                [
                    f"{d} {h:02d}:{m:02d}:00"
                    for d, h, m in zip(
                        calendar.written(p.birth[at]), at % 24, at * 7 % 60, strict=True
                    )
                ]
            ),
            "birth_order": texts([str(max(1, o)) for o in p.birth_order[at]]),
            "mother_name": pick(p.name, mother),
            "mother_id_no": self.numbers(mother, day),
            "father_name": pick(p.name, father),
            "father_id_no": self.numbers(father, day),
            "institution": same("样例妇幼保健院", len(at)),
            "county_code": p.county[at].copy(),
            "division_code": self.codes[p.village[where]],
            "registered_address": addresses(p, p.village, where, p.house),
            "issued_on": calendar.written(issued[at]),
            "is_void": same("否", len(at)),
        }
        del columns["id_no"]
        who = {
            "subject": p.entity[at],
            "mother": pick(p.entity, mother),
            "father": pick(p.entity, father),
        }
        return Rows(
            "base.birth_certificate", f"{night}/出生医学证明_{_stamp(day)}.json", columns, who
        )

    def reported(self, day: int, since: int) -> Ints:
        """Deaths that the health system learns of after `since` and until the day."""
        p = self.p
        told = p.death + 1 + (self.cover[1] * 5).astype(np.int64)
        known = (self.cover[2] < 0.85) & (told > since) & (told <= day)
        return np.flatnonzero(known & (p.death < NEVER))

    def deaths(self, night: str, day: int, since: int) -> Rows:
        p, at = self.p, self.reported(day, since)
        columns = self._person(at, day) | {
            "certificate_no": self.running(at, "SW", "death", 10),
            "ethnicity": p.ethnicity[at].copy(),
            "death_date": calendar.written(p.death[at]),
            "death_place": np.where(self.cover[3, at] < 0.5, "家中", "医疗卫生机构").astype(object),
            "age": texts([str(a) for a in (p.death[at] - p.birth[at]) * 4 // 1461]),
            "county_code": p.county[at].copy(),
            "reported_on": same(calendar.day(day).isoformat(), len(at)),
        }
        return Rows(
            "base.death_certificate",
            f"{night}/死亡医学证明_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at]},
        )

    def burnt(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.cover[4] < 0.35) & (self.p.death < NEVER)
        return found

    def cremations(self, night: str, day: int, since: int) -> Rows:
        p = self.p
        at = np.flatnonzero(self.burnt() & (p.death + 3 > since) & (p.death + 3 <= day))
        columns = {k: v for k, v in self._person(at, day).items() if k != "birth_date"} | {
            "record_no": self.running(at, "HH", "cremation", 9),
            "death_date": calendar.written(p.death[at]),
            "cremated_on": calendar.written(p.death[at] + 3),
            "funeral_home": same("样例殡仪馆", len(at)),
            "county_code": p.county[at].copy(),
        }
        return Rows(
            "base.cremation",
            f"{night}/火化记录_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at]},
        )

    def couples(self) -> tuple[Ints, Ints]:
        """Husbands and wives, in the order of households."""
        p = self.p
        wives = np.flatnonzero(p.role == 1)
        heads = np.full(int(p.household.max()) + 1, -1)
        heads[p.household[p.role == 0]] = np.flatnonzero(p.role == 0)
        partners = heads[p.household[wives]]
        swap = p.male[wives]
        return np.where(swap, wives, partners), np.where(swap, partners, wives)

    def marriages(
        self, night: str, day: int, which: Ints, event: str, registered: Ints, county: str = ""
    ) -> Rows:
        """`which` couples, by their place in `couples`."""
        p = self.p
        husbands, wives = self.couples()
        h, w = husbands[which], wives[which]
        # Who died did not marry after that.
        registered = np.minimum(registered, np.minimum(p.death[h], p.death[w]) - 1)
        letter = {"结婚": "J", "离婚": "L"}.get(event, "B")
        columns = {
            "certificate_no": self.running(w, f"{letter}{p.chunk.county}", "marriage", 10),
            "event": same(event, len(h)),
            "registered_on": calendar.written(registered),
            "husband_name": p.name[h].copy(),
            "husband_id_no": self.numbers(h, day),
            "wife_name": p.name[w].copy(),
            "wife_id_no": self.numbers(w, day),
            "county_code": p.county[h].copy(),
        }
        name = f"婚姻登记_{county}_{_stamp(day)}.xlsx" if county else f"婚姻登记_{_stamp(day)}.xlsx"
        return Rows(
            "base.marriage",
            f"{night}/{name}",
            columns,
            {"husband": p.entity[h], "wife": p.entity[w]},
        )

    def low_income(self, night: str, day: int) -> Rows:
        """Households on relief: the dead stay on the list for months."""
        p = self.p
        homes = int(p.household.max()) + 1
        chosen = self.cover[5, :homes] < 0.03 if homes <= len(p) else np.zeros(homes, bool)
        at = np.flatnonzero(
            chosen[p.household] & p.registered & (p.enrolled < day) & (p.deregistered > day)
        )
        heads = np.full(homes, -1)
        heads[p.household[p.role == 0]] = np.flatnonzero(p.role == 0)
        head, home = heads[p.household[at]], p.household[at]
        size = np.bincount(home, minlength=homes)[home]
        columns = {
            "certificate_no": self.running(home, "D" + p.chunk.county, "relief", 10),
            "household_no": self.running(home, p.chunk.county, "relief_home", 9),
            "head_name": pick(p.name, head),
            "category": np.where(size == 1, "特困", "低保").astype(object),
            "amount_yuan": texts(
                [str(s * (320 + h % 9 * 20)) for s, h in zip(size, home, strict=True)]
            ),
            "started_on": calendar.written(day - 100 - home % 2500),
            "division_code": self.codes[p.village[at]],
            "name": p.name[at].copy(),
            "relation": p.relation[at].copy(),
            "id_no": self.numbers(at, day),
            "phone": p.phone[at].copy(),
        }
        order = np.argsort(home, kind="stable")
        columns = {n: v[order] for n, v in columns.items()}
        return Rows(
            "base.low_income",
            f"{night}/低保特困_{p.chunk.county}_{_stamp(day)}.xlsx",
            columns,
            {"subject": p.entity[at[order]]},
        )

    def disabled(self) -> Ints:
        p = self.p
        return np.flatnonzero(
            (self.cover[6] < 0.03) & p.registered & (p.birth < calendar.FIRST + 48500)
        )

    def disability(self, night: str, day: int, at: Ints) -> Rows:
        p = self.p
        kind, level = at % 7 + 1, at % 4 + 1
        columns = self._person(at, day) | {
            "certificate_no": texts(
                [f"{n}{k}{g}" for n, k, g in zip(p.id_no[at], kind, level, strict=True)]
            ),
            "kind": kind.astype(str).astype(object),
            "level": level.astype(str).astype(object),
            "county_code": p.county[at].copy(),
            "division_code": self.codes[p.village[at]],
            "address": addresses(p, p.village, at, p.house),
            "phone": p.phone[at].copy(),
            "issued_on": calendar.written(day - 30 - at % 3000),
            "valid_until": calendar.written(day - 30 - at % 3000 + 3650),
            "status": np.where(p.deregistered[at] <= day, "注销", "有效").astype(object),
        }
        return Rows(
            "base.disability",
            f"{night}/残疾人证_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at]},
        )

    def insured(self, day: int) -> tuple[Ints, Objects]:
        """Who is insured and how: person and kind of insurance."""
        p, c = self.p, self.cover[7]
        age = p.ages(day)
        adult = (age >= 18) & p.here & (p.enrolled < day)
        works = adult & (c < 0.22)
        office = adult & (c >= 0.22) & (c < 0.27)
        farms = adult & p.registered & (c >= 0.27) & (c < 0.75)
        parts = [
            (works, "110"),
            (office, "120"),
            (farms, "170"),
            (works & (c < 0.07) & (age < 60), "410"),
        ]
        at = np.concatenate([np.flatnonzero(m) for m, _ in parts])
        kinds = np.concatenate([same(k, int(m.sum())) for m, k in parts])
        return at, kinds

    def insurance(self, night: str, day: int, at: Ints, kinds: Objects, changed: Ints) -> Rows:
        p = self.p
        old = p.ages(day)[at] >= 60
        dead = p.deregistered[at] <= day
        works = (kinds == "110") | (kinds == "410")
        firms = [
            employer(self.seed, p.chunk.county, int(h) * 7919 % EMPLOYERS)
            if w and not o
            else ("", "")
            for h, w, o in zip(at, works, old, strict=True)
        ]
        paid = calendar.written(np.full(1, day - calendar.day(day).day), "{0:%Y-%m}")[0]
        columns = self._person(at, day, words=False) | {
            "personal_no": self.running(at, "1411", "insurance", 10),
            "insurance_type": kinds,
            "status": np.where(dead, "死亡终止", np.where(old, "退休", "参保")).astype(object),
            "employer_uscc": texts([f[0] for f in firms]),
            "employer_name": texts([f[1] for f in firms]),
            "insured_from": calendar.written(
                np.maximum(p.birth[at] + 7300, day - 4000 - at % 3000)
            ),
            "last_paid_month": np.where(dead, "", paid).astype(object),
            "changed_on": calendar.written(changed),
            "county_code": p.county[at].copy(),
            "phone": p.phone[at].copy(),
        }
        return Rows(
            "base.social_insurance",
            f"{night}/社保参保_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at]},
        )

    def enrolment(self, night: str, day: int) -> Rows:
        p, age = self.p, self.p.ages(day)
        at = np.flatnonzero(
            (age >= 6) & (age < 18) & p.here & (self.cover[1] < 0.97) & (p.death == NEVER)
        )
        father = np.where(self.cover[2, at] < 0.5, p.father[at], p.mother[at])
        moment = calendar.day(day)
        spring = 2 <= moment.month <= 7
        year = moment.year if spring or moment.month > 7 else moment.year - 1
        term = f"{year}{'春' if spring else '秋'}"
        grades = "一二三四五六七八九"
        columns = self._person(at, day) | {
            "student_no": self.running(at, "G1411", "school", 10),
            "ethnicity": p.ethnicity[at].copy(),
            "school": texts(
                [
                    f"样例第{v % 90 + 1}{'小学' if a < 12 else '中学'}"
                    for v, a in zip(p.now_village[at], age[at], strict=True)
                ]
            ),
            "grade": texts(
                [grades[a - 6] + "年级" if a < 15 else f"高{grades[a - 15]}" for a in age[at]]
            ),
            "guardian_name": pick(p.name, father),
            "guardian_id_no": self.numbers(father, day),
            "guardian_phone": pick(p.phone, father),
            "address": addresses(p, p.now_village, at, p.house),
            "division_code": self.codes[p.now_village[at]],
        }
        return Rows(
            "base.enrolment",
            f"{night}/学籍_{p.chunk.county}_{term}_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at], "guardian": pick(p.entity, father)},
        )

    def patients(self, day: int) -> Ints:
        p = self.p
        share = np.where(p.registered, 0.8, 0.45)
        return np.flatnonzero(
            (self.cover[3] < share) & p.here & (p.birth < day - 5) & (p.death > day - 60)
        )

    def medical(self, night: str, day: int, at: Ints, changed: Ints) -> Rows:
        p, c = self.p, self.cover[7]
        baby = p.enrolled[at] > day
        mother = np.where(baby, p.mother[at], -1)
        ended = p.deregistered[at] <= day
        columns = self._person(at, day) | {
            "personal_no": self.running(at, "", "medical", 12),
            "id_type": p.id_type[at].copy(),
            "ethnicity": p.ethnicity[at].copy(),
            "insured_kind": np.where(
                (c[at] < 0.27) & (p.ages(day)[at] > 18), "职工", "居民"
            ).astype(object),
            "status": np.where(ended, "死亡终止", "参保").astype(object),
            "address": addresses(p, p.now_village, at, p.house),
            "county_code": p.county[at].copy(),
            "division_code": self.codes[p.now_village[at]],
            "phone": p.phone[at].copy(),
            "changed_on": calendar.written(changed),
            "mother_id_no": self.numbers(mother, day),
            "birth_order": np.where(baby, np.maximum(1, p.birth_order[at]).astype(str), "").astype(
                object
            ),
        }
        columns["id_type"][baby] = "09"
        return Rows(
            "base.medical_insurance",
            f"{night}/医保参保_{_stamp(day)}.csv",
            columns,
            {"subject": p.entity[at], "mother": pick(p.entity, mother)},
        )


def _stamp(day: int) -> str:
    return calendar.day(day).strftime("%Y%m%d")
