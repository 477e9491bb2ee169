"""The people of a chunk: households, ages, numbers, names, who is registered and who is here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onesource.simulate.city import calendar, names
from onesource.simulate.city.numbers import Ints, Objects, numbers, rank_within, scattered, texts
from onesource.simulate.city.places import (
    COUNTIES,
    ELSEWHERE,
    Chunk,
    Village,
    number_codes,
    villages,
)

HEAD, SPOUSE, CHILD, PARENT = 0, 1, 2, 3
NEVER = calendar.LAST - 1
# Sizes of households, so that the mean is the 2.58 of the census of 2020.
_SIZES = ((1, 0.25), (2, 0.285), (3, 0.215), (4, 0.165), (5, 0.06), (6, 0.025))
PAST = 120  # days before the first night of which births and deaths are still on their way
BIRTHS, DEATHS = 0.0085, 0.0075  # a person and year
AWAY_COUNTY_ELSE = 0.10
_INCOMING = {"141102": 0.10, "141181": 0.08, "141125": 0.08, "141182": 0.05}
_PHONES = ("138", "139", "135", "150", "151", "186", "133", "189", "177", "199")


@dataclass
class People:
    """Arrays of one element a person; days as in `calendar`, NEVER where it does not happen."""

    chunk: Chunk
    places: tuple[Village, ...]  # the county's own, and a few of every other
    own: int
    entity: Objects
    household: Ints
    role: Ints
    male: NDArray[np.bool_]
    birth: Ints
    name: Objects
    ethnicity: Objects
    id_type: Objects
    id_no: Objects
    registered: NDArray[np.bool_]
    here: NDArray[np.bool_]
    village: Ints
    house: Ints
    now_village: Ints
    phone: Objects
    person_no: Objects
    married: Ints
    mother: Ints
    father: Ints
    birth_order: Ints
    death: Ints
    deregistered: Ints
    enrolled: Ints  # the day on which the register of households takes a newborn in
    seed: int = 0
    marital: Objects = field(default_factory=lambda: texts([]))
    status: Objects = field(default_factory=lambda: texts([]))
    former_name: Objects = field(default_factory=lambda: texts([]))
    education: Objects = field(default_factory=lambda: texts([]))
    relation: Objects = field(default_factory=lambda: texts([]))
    county: Objects = field(default_factory=lambda: texts([]))
    moved_in: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    left_on: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    old15: set[int] = field(default_factory=set)  # 15 digits in the register until their upgrade
    second_no: dict[int, str] = field(default_factory=dict)  # person → number of a second hukou
    shared_no: dict[int, int] = field(default_factory=dict)  # person → whose number it bears
    wrong_no: dict[int, str] = field(default_factory=dict)  # person → number until its correction

    def __len__(self) -> int:
        return len(self.entity)

    def ages(self, day: int) -> Ints:
        found: Ints = (day - self.birth) // 365
        return found


def generator(seed: int, chunk: Chunk, purpose: str) -> np.random.Generator:
    """The random stream of a purpose in a chunk."""
    word = [int(b) for b in purpose.encode()]
    return np.random.default_rng(
        [seed & 0xFFFFFFFF, seed >> 32, int(chunk.county), chunk.index, *word]
    )


def make(seed: int, chunk: Chunk, samples: Path, start: int, nights: int) -> People:
    """The people of a chunk as they are on the first night, with what will happen to them."""
    draw = generator(seed, chunk, "people")
    household, role, male, birth, mother, father, order = _families(draw, chunk, start, nights)
    n = len(household)
    homes = int(household.max()) + 1
    base = names.surnames(draw, homes)[household]
    foreign = (role == SPOUSE) | ((role == PARENT) & ~male)
    surname = np.where(foreign, names.surnames(draw, n), base)
    given = names.given(draw, male, calendar.years(birth))
    name = names.SURNAMES[surname] + given
    ethnic = names.ethnicities(draw, homes)[household]
    for i in np.flatnonzero((ethnic == "05") | (ethnic == "04")):
        name[i] = names.dotted(draw)
    incoming = (draw.random(homes) < _INCOMING.get(chunk.county, 0.03))[household]
    away_share = COUNTIES.get(chunk.county, (0, 0.15))[1]
    away = (draw.random(homes) < away_share * 0.93)[household] | (
        (draw.random(n) < away_share * 0.45) & (role == CHILD) & (start - birth > 18 * 365)
    )
    everywhere = villages(samples, calendar.day(start).strftime("%Y%m%d"))
    places = everywhere[chunk.county]
    weights = 1 / (1 + np.arange(len(places)) % 17)  # few large ones, many small
    others = tuple(v for c, vs in sorted(everywhere.items()) if c != chunk.county for v in vs[:3])
    village = draw.choice(len(places), size=homes, p=weights / weights.sum())[household]
    index = np.arange(n, dtype=np.int64) * chunk.total + chunk.number
    death, gone = _deaths(draw, birth, start, nights)
    newborn = birth > start - PAST
    p = People(
        chunk,
        places + others,
        len(places),
        texts([f"E{chunk.number:05d}{i:06d}" for i in range(n)]),
        household,
        role,
        male,
        birth,
        name,
        ethnic,
        texts(["01"] * n),
        _numbers(draw, chunk, male, birth, role, incoming),
        ~incoming,
        ~away | incoming,
        village,
        household % 400 + 1,
        np.where(draw.random(n) < 0.12, draw.integers(0, len(places), n), village),
        texts(
            [
                _PHONES[a] + f"{b:08d}"
                for a, b in zip(
                    draw.integers(0, len(_PHONES), n), draw.integers(0, 10**8, n), strict=True
                )
            ]
        ),
        texts([chunk.county + s for s in scattered(index, f"person/{seed}", 10)]),
        np.full(n, NEVER),
        mother,
        father,
        order,
        death,
        gone,
        np.where(newborn, birth + draw.integers(10, 61, n), birth + 30),
    )
    _attributes(draw, p, start)
    _oddities(draw, p, start)
    p.seed = seed
    return p


def _families(draw: np.random.Generator, chunk: Chunk, start: int, nights: int) -> tuple[Any, ...]:
    """Household, role, sex, birth, mother, father and order of birth, household by household."""
    sizes, shares = (np.array(x) for x in zip(*_SIZES, strict=True))
    many = draw.choice(sizes, size=chunk.people, p=shares / shares.sum())
    homes = max(1, int(np.searchsorted(np.cumsum(many), chunk.people)) + 1)
    size = many[:homes].copy()
    size[-1] -= size.sum() - chunk.people
    size = size[size > 0]
    homes = len(size)
    household = np.repeat(np.arange(homes), size)
    place = rank_within(household)
    total = size[household]
    # Small households are of the old, larger ones of parents.
    old = draw.random(homes) < np.choose(np.minimum(size, 4) - 1, (0.44, 0.40, 0.05, 0.02))
    head = np.where(
        old,
        draw.triangular(60, 66, 92, homes),
        np.where(
            size == 1,
            draw.uniform(20, 60, homes),
            np.where(size == 2, draw.uniform(26, 60, homes), draw.triangular(25, 38, 58, homes)),
        ),
    )
    couple = (size > 2) | ((size == 2) & (draw.random(homes) < 0.72))
    role = np.full(len(household), CHILD)
    role[place == 0] = HEAD
    role[(place == 1) & couple[household]] = SPOUSE
    role[(total == 5) & (place == 4)] = PARENT
    role[(total == 6) & (place >= 4)] = PARENT
    male_head = np.where(couple, draw.random(homes) < 0.93, draw.random(homes) < 0.55)
    n = len(household)
    male = draw.random(n) < 0.521
    male[place == 0] = male_head
    male[role == SPOUSE] = ~male_head[household[role == SPOUSE]]
    age = head[household].copy()
    wives = role == SPOUSE
    age[wives] = np.clip(age[wives] + draw.normal(-1.8, 2.5, wives.sum()), 20, 95)
    kids = role == CHILD
    gap = draw.triangular(21, 26, 38, n) + np.where(place > 2, draw.uniform(1.5, 6, n), 0)
    age[kids] = np.maximum(head[household[kids]] - gap[kids], draw.uniform(0.4, 16, kids.sum()))
    parents = role == PARENT
    age[parents] = np.minimum(head[household[parents]] + draw.uniform(21, 34, parents.sum()), 100)
    birth = start - (age * 365.25).astype(np.int64) - 1
    order = np.zeros(n, dtype=np.int64)
    first = np.flatnonzero(place == 0)
    second = np.full(homes, -1)
    second[household[wives]] = np.flatnonzero(wives)
    # Twins: one in seventy of the second children was born with the first.
    twin = np.flatnonzero(kids & (place == 3) & (total == 4) & (draw.random(n) < 0.03))
    birth[twin], order[twin], order[twin - 1] = birth[twin - 1], 2, 1
    mum = np.where(male_head, second, first)
    dad = np.where(male_head, first, second)
    mother, father = np.full(n, -1), np.full(n, -1)
    mother[kids], father[kids] = mum[household[kids]], dad[household[kids]]
    family = (household, role, male, birth, mother, father, order)
    return _with_newborn(draw, family, mum, dad, couple, start, nights)


def _with_newborn(
    draw: np.random.Generator,
    family: tuple[Any, ...],
    mum: Ints,
    dad: Ints,
    couple: NDArray[np.bool_],
    start: int,
    nights: int,
) -> tuple[Any, ...]:
    """Births from PAST days before the first night to the last; one in 60 is of twins."""
    household, role, male, birth, mother, father, order = family
    age = (start - birth[mum]) / 365.25
    able = np.flatnonzero(couple & (mum >= 0) & (age > 20) & (age < 40))
    span = PAST + nights
    wanted = max(2, int(draw.poisson(len(household) * BIRTHS * span / 365)))
    chosen = draw.permutation(able)[:wanted]
    twins = draw.random(len(chosen)) < 1 / 60
    if len(twins):
        twins[0] = True
    homes = np.repeat(chosen, 1 + twins)
    days = np.repeat(start - PAST + draw.integers(1, span, len(chosen)), 1 + twins)
    nth = rank_within(homes) + 1
    many = len(homes)
    return (
        np.concatenate([household, homes]),
        np.concatenate([role, np.full(many, CHILD)]),
        np.concatenate([male, draw.random(many) < 0.52]),
        np.concatenate([birth, days]),
        np.concatenate([mother, mum[homes]]),
        np.concatenate([father, dad[homes]]),
        np.concatenate([order, nth]),
    )


def _deaths(draw: np.random.Generator, birth: Ints, start: int, nights: int) -> tuple[Ints, Ints]:
    """Deaths of the last PAST days and of the nights, and the days of their registration.

    Nine of ten are registered after 30 to 90 days, the others not while this lasts.
    """
    age = (start - birth) / 365.25
    weight = np.exp(age / 11.0)
    chance = weight / weight.mean() * DEATHS * (PAST + nights) / 365
    dies = draw.random(len(birth)) < chance
    old = np.argsort(birth, kind="stable")[:3]
    dies[old[: max(1, len(birth) // 400)]] = True  # in the smallest city somebody dies, too
    death = np.full(len(birth), NEVER)
    death[dies] = start - PAST + draw.integers(0, PAST + nights, dies.sum())
    death[death < birth + 1] = NEVER
    lag = np.where(draw.random(len(birth)) < 0.9, draw.integers(30, 91, len(birth)), 4000)
    return death, np.where(death < NEVER, death + lag, NEVER)


def _numbers(
    draw: np.random.Generator,
    chunk: Chunk,
    male: NDArray[np.bool_],
    birth: Ints,
    role: Ints,
    incoming: NDArray[np.bool_],
) -> Objects:
    """Numbers that are the city over different: chunks of a county take turns in the sequence;
    where a place elsewhere numbered somebody, all chunks do."""
    dates = calendar.compact(birth)
    code = number_codes(draw, chunk.county, calendar.years(birth))
    married_in = (role == SPOUSE) & ~male & (draw.random(len(male)) < 0.15)
    outside = (incoming | married_in) & (chunk.total < 249)
    parity = male.astype(np.int64)
    here = rank_within(dates, parity, outside.astype(np.int64))
    elsewhere = texts(list(map(str, ELSEWHERE))).astype(np.int64)
    code[outside] = elsewhere[here[outside] % len(elsewhere)]
    rank = rank_within(code, dates, parity)
    turn = np.where(outside, rank * chunk.total + chunk.number, rank * chunk.of + chunk.index)
    # From 900 on the sequence is kept for numbers that are corrected later.
    return numbers(code, dates, (turn * 2 + np.where(male, 1, 2)) % 899)


def _attributes(draw: np.random.Generator, p: People, start: int) -> None:
    n, age = len(p), p.ages(start)
    wed = np.zeros(n, bool)
    spouse_homes = np.zeros(int(p.household.max()) + 1, bool)
    spouse_homes[p.household[p.role == SPOUSE]] = True
    wed[(p.role == SPOUSE) | ((p.role == HEAD) & spouse_homes[p.household])] = True
    p.marital = np.where(
        wed,
        "20",
        np.where(age > 65, "30", np.where((age > 30) & (draw.random(n) < 0.15), "40", "10")),
    ).astype(object)
    p.status = texts(["1"] * n)
    p.status[draw.random(n) < 0.0005] = "2"
    p.former_name = texts([""] * n)
    changed = (draw.random(n) < 0.004) & (age > 15)
    p.former_name[changed] = p.name[draw.permutation(n)][changed]
    level = np.where(
        age < 6,
        99,
        np.where(
            age < 12,
            80,
            np.where(
                age < 18,
                70,
                draw.choice(
                    [80, 70, 60, 40, 30, 20, 10], size=n, p=[0.2, 0.4, 0.14, 0.06, 0.1, 0.09, 0.01]
                ),
            ),
        ),
    )
    p.education = level.astype(str).astype(object)
    kin = np.where(p.male, "20", "30")
    p.relation = np.select(
        [p.role == HEAD, p.role == SPOUSE, p.role == PARENT],
        ["02", "10", np.where(p.male, "51", "52")],
        kin,
    ).astype(object)
    p.county = texts([p.chunk.county] * n)
    p.moved_in = np.minimum(
        np.maximum(p.birth + 30, start - draw.integers(1, 20000, n)), p.enrolled
    )
    p.left_on = np.full(n, NEVER)


def _oddities(draw: np.random.Generator, p: People, start: int) -> None:
    """People from elsewhere with other papers, shared numbers, second registers, wrong numbers."""
    strangers = np.flatnonzero(~p.registered & (p.ages(start) > 20))
    few = strangers[: 3 + len(strangers) // 150]
    birth = calendar.compact(p.birth)
    for k, i in enumerate(few):
        code = (810000, 830000, 820000)[k % 3]
        sequence = 2 * ((p.chunk.number * 31 + k) % 449) + (1 if p.male[i] else 2)
        p.id_type[i] = "07" if code == 830000 else "06"
        p.id_no[i] = numbers(np.array([code]), birth[i : i + 1], np.array([sequence]))[0]
    for k, i in enumerate(strangers[len(few) : len(few) + 2 + len(strangers) // 300]):
        p.id_type[i], p.ethnicity[i] = "08", ""
        p.name[i] = names.FOREIGNERS[k % len(names.FOREIGNERS)]
        tail = f"{birth[i] % 1000000:06d}"
        if k % 2:  # the form of 2023: 9, region, nationality, birth, sequence, check
            turn = np.array([(p.chunk.number * 7 + k) % 900])
            p.id_no[i] = numbers(np.array([914110 + k % 9]), birth[i : i + 1], turn)[0]
        else:
            p.id_no[i] = f"USA1411{p.chunk.number % 100:02d}{tail}"
    adults = np.flatnonzero(
        p.registered & (p.ages(start) > 25) & (p.death == NEVER) & (p.role == HEAD)
    )
    pool = draw.permutation(adults)
    size = 1 + len(p) // 20_000
    for k in range(size if len(pool) > 8 * size else 0):
        a, b, c, d = (int(x) for x in pool[4 * k : 4 * k + 4])
        p.birth[b], p.male[b], p.id_no[b] = p.birth[a], p.male[a], p.id_no[a]
        p.shared_no[b] = a
        p.old15.update(int(x) for x in pool[-2 * size :] if p.id_no[x][6:10] < "1985")
        reserved = 900 + 2 * ((p.chunk.index + 7 * k) % 48) + int(p.male[c])
        own = np.array([int(p.chunk.county)])
        p.second_no[c] = numbers(own, birth[c : c + 1], np.array([reserved]))[0]
        wrong_day = calendar.compact(p.birth[d : d + 1] + 9)
        first = np.array([int(p.id_no[d][:6])])
        reserved += int(p.male[d]) - int(p.male[c])
        p.wrong_no[d] = numbers(first, wrong_day, np.array([reserved]))[0]
