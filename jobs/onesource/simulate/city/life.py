"""What happens to people from night to night, and what the register of households writes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onesource.simulate.city import calendar, names
from onesource.simulate.city.numbers import Ints
from onesource.simulate.city.people import NEVER, People

# A person and year; a city of 3.4 million has some 600 a night. Of each kind at least one happens
# in the first chunk, so that the smallest city has all of them.
RATES = {
    "04": 0.020, "09": 0.012, "05": 0.0008, "06": 0.0002, "08": 0.0002, "10": 0.004, "07": 0.0002,
    "11": 0.0001, "14": 0.010,
}  # fmt: skip
IN_TRANSIT = 30  # days within which a certificate of removal is used


@dataclass(frozen=True)
class Change:
    """One line of the register's daily changes: who, what kind, and the value before and after."""

    person: int
    kind: str
    event_on: int
    old: str = ""
    new: str = ""
    from_place: str = ""
    to_place: str = ""


class Life:
    """Lets the nights pass: changes the people's arrays and tells what changed."""

    def __init__(self, people: People, draw: np.random.Generator, last: int) -> None:
        self.p, self.draw, self.last = people, draw, last
        self.arrivals: dict[int, list[tuple[int, int]]] = {}
        self.told: list[tuple[int, str, str, str, int]] = []  # person, attribute, old, new, day

    def night(self, day: int) -> list[Change]:
        """The changes that the register writes on a day, applied."""
        out = [*self._births(day), *self._deaths(day), *self._arrivals(day)]
        for kind in RATES:
            for person in self._chosen(kind, day):
                change = self._happen(kind, int(person), day)
                if change is not None:
                    out.append(change)
        return out

    def alive_in_register(self, day: int) -> Ints:
        """Who stands in the register on a day."""
        p = self.p
        there = p.registered & (p.enrolled <= day) & (p.deregistered > day) & (p.left_on > day)
        return np.flatnonzero(there & (p.birth <= day))

    def _births(self, day: int) -> Iterator[Change]:
        p = self.p
        for i in np.flatnonzero((p.enrolled == day) & p.registered & (p.birth < day)):
            yield Change(int(i), "01", int(p.birth[i]))

    def _deaths(self, day: int) -> Iterator[Change]:
        p = self.p
        for i in np.flatnonzero((p.deregistered == day) & p.registered):
            p.status[i] = "4"
            yield Change(int(i), "02", int(p.death[i]))

    def _arrivals(self, day: int) -> Iterator[Change]:
        p = self.p
        for i, village in self.arrivals.pop(day, []):
            before = p.places[p.village[i]]
            p.village[i] = p.now_village[i] = village
            p.status[i], p.moved_in[i] = "1", day
            place = p.places[village]
            self.told.append((i, "hukou_division", before.code, place.code, day))
            p.county[i] = place.code[:6]
            yield Change(i, "03", day, before.code, place.code, before.county, place.county)

    def _chosen(self, kind: str, day: int) -> Ints:
        p, draw = self.p, self.draw
        count = int(draw.poisson(len(p) * RATES[kind] / 365))
        count = max(count, 1) if p.chunk.number == 0 else count
        fit = (p.status == "1") & p.registered & (p.death == NEVER) & (p.birth < day - 400)
        fit &= (p.enrolled < day) & (p.left_on > day)
        special = {"06": list(p.wrong_no), "07": list(p.old15), "11": list(p.second_no)}.get(kind)
        if special is not None:
            return np.array(sorted(special)[:count], dtype=np.int64)
        odd = [*p.wrong_no, *p.old15, *p.second_no, *p.shared_no, *p.shared_no.values()]
        fit[np.array(odd, dtype=np.int64)] = False
        found: Ints = draw.permutation(np.flatnonzero(fit))[:count]
        return found

    def _happen(self, kind: str, i: int, day: int) -> Change | None:
        p, draw = self.p, self.draw
        if kind in ("04", "14"):
            return self._leaves(i, day, within=kind == "14")
        if kind == "05":
            old = p.name[i]
            p.name[i] = old[0] + names.given(draw, p.male[i : i + 1], np.array([2000]))[0]
            p.former_name[i] = old
            self.told.append((i, "name", old, p.name[i], day))
            return Change(i, kind, day, old, p.name[i])
        if kind == "06":
            wrong = p.wrong_no.pop(i)
            self.told.append((i, "id_no", wrong, p.id_no[i], day))
            return Change(i, kind, day, wrong, p.id_no[i])
        if kind == "07":
            p.old15.discard(i)
            number = p.id_no[i]
            return Change(i, kind, day, number[:6] + number[8:17], number)
        if kind == "08":
            old, p.ethnicity[i] = p.ethnicity[i], "03" if p.ethnicity[i] == "01" else "01"
            self.told.append((i, "ethnicity", old, p.ethnicity[i], day))
            return Change(i, kind, day, old, p.ethnicity[i])
        if kind == "09":
            old_place = p.places[p.village[i]]
            p.village[i] = p.now_village[i] = int(draw.integers(p.own))
            p.county[i] = p.places[p.village[i]].code[:6]
            p.moved_in[i] = day
            self.told.append(
                (i, "hukou_division", old_place.code, p.places[p.village[i]].code, day)
            )
            return Change(i, kind, day, old_place.code, p.places[p.village[i]].code)
        if kind == "10":
            return self._new_head(i, day)
        return Change(i, "11", day, p.second_no.pop(i), p.id_no[i])

    def _new_head(self, i: int, day: int) -> Change | None:
        p = self.p
        home = (p.household == p.household[i]) & p.registered & (p.death == NEVER)
        heads = np.flatnonzero(home & (p.relation == "02"))
        spouses = np.flatnonzero(home & (p.relation == "10"))
        if not len(heads) or not len(spouses):
            return None
        old, new = int(heads[0]), int(spouses[0])
        p.relation[old], p.relation[new] = "10", "02"
        self.told.append((new, "relation_to_head", "10", "02", day))
        return Change(new, "10", day, p.name[old], p.name[new])

    def _leaves(self, i: int, day: int, *, within: bool) -> Change:
        p, draw = self.p, self.draw
        p.status[i] = "2"
        place = p.places[p.village[i]]
        after = day + int(draw.integers(2, IN_TRANSIT))
        if within:
            village = p.own + int(draw.integers(len(p.places) - p.own))
            # In a short simulation somebody should arrive, too.
            after = min(after, self.last) if draw.random() < 0.5 and self.last > day else after
            self.arrivals.setdefault(after, []).append((i, village))
            to = p.places[village].county
        else:
            p.left_on[i] = after
            to = ("山西省太原市小店区", "北京市朝阳区", "陕西省榆林市榆阳区")[int(draw.integers(3))]
            if after <= self.last:
                self.told.append((i, "hukou_division", place.code, "", after))
        return Change(i, "04", day, place.code, "", place.county, to)


def day_text(days: Ints) -> np.ndarray:
    out = calendar.written(np.minimum(days, calendar.LAST - 1)).copy()
    out[days >= NEVER] = ""
    return out
