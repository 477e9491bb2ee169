"""One chunk, from its people to the parts of files that it writes; runs in a process of its own."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from onesource.simulate.city import calendar, police
from onesource.simulate.city.causes import Causes
from onesource.simulate.city.dirt import soil
from onesource.simulate.city.life import Life, day_text
from onesource.simulate.city.numbers import Objects, texts
from onesource.simulate.city.offices import Offices
from onesource.simulate.city.people import NEVER, PAST, People, generator, make
from onesource.simulate.city.places import Chunk, former, renewed
from onesource.simulate.city.rows import Planted, Rows
from onesource.simulate.city.style import Headers, style


@dataclass(frozen=True)
class Job:
    """What every chunk must know: seed, first night and number of nights, rates, headers."""

    seed: int
    start: int
    nights: int
    rates: Mapping[str, float]
    headers: Headers
    samples: Path
    parts: Path


@dataclass
class Part:
    """A chunk's share of one file: its rows as text or as cells, who is meant, what was planted."""

    feed: str
    fields: tuple[str, ...]
    rows: int
    text: bytes = b""
    cells: list[tuple[str, ...]] = field(default_factory=list)
    who: dict[str, Objects] = field(default_factory=dict)
    faults: list[Planted] = field(default_factory=list)
    tickets: dict[Planted, str] = field(default_factory=dict)  # what must become of contradictions


def run(job: Job, chunk: Chunk) -> Path:
    """Simulates a chunk and writes what it made into one file of the parts' folder."""
    p = make(job.seed, chunk, job.samples, job.start, job.nights)
    made: dict[str, Part] = {}
    life = Life(p, generator(job.seed, chunk, "life"), job.start + job.nights - 1)
    offices = Offices(p, generator(job.seed, chunk, "offices"), job.seed)
    before = _truth_before(p)
    causes = Causes(calendar.day(job.start).isoformat())
    events = generator(job.seed, chunk, "events")
    again: list[int] = []
    for n in range(job.nights):
        day = job.start + n
        night = calendar.day(day).isoformat()
        stamp = calendar.day(day).strftime("%Y%m%d")
        p.places = renewed(p.places, job.samples, stamp) if n else p.places
        offices.codes = texts([v.code for v in p.places])
        wanted = (
            _first(p, life, offices, night, day)
            if n == 0
            else _later(p, life, offices, night, day, n, events, again)
        )
        draw = generator(job.seed, chunk, f"dirt{n}")
        for rows in wanted:
            again_now = _unsettled(rows, draw, job, n)
            soil(rows, draw, job.rates, former(job.samples, stamp))
            causes.hear(rows)
            made[rows.file] = _part(rows, job, chunk)
            if again_now:
                again = again_now
    for (file, fault), expected in causes.expected().items():
        made[file].tickets[fault] = expected
    truth = {
        "before": before,
        "told": [(p.entity[i], *rest) for i, *rest in life.told],
        "conflicts": list(causes.of_the_world(p)),
    }
    path = job.parts / f"{chunk.number:05d}.pickle"
    path.write_bytes(pickle.dumps((made, truth), protocol=5))
    return path


def _first(p: People, life: Life, offices: Offices, night: str, day: int) -> list[Rows]:
    """The fulls of every register, and the certificates of the last months."""
    _, wives = offices.couples()
    young = np.flatnonzero((p.ages(day)[wives] < 45) & (p.household[wives] % 4 == 0))
    at, kinds = offices.insured(day)
    patients = offices.patients(day)
    since = day - PAST
    return [
        *police.full(p, life, night, day),
        police.permits(p, police.strangers(p, day), night, day),
        offices.births(night, day, since),
        offices.deaths(night, day, since),
        offices.cremations(night, day, since),
        offices.marriages(night, day, young, "结婚", day - 60 - young * 37 % 1800, p.chunk.county),
        offices.low_income(night, day),
        offices.disability(night, day, offices.disabled()),
        offices.insurance(night, day, at, kinds, day - 40 - at % 900),
        offices.enrolment(night, day),
        offices.medical(night, day, patients, day - 40 - patients % 700),
    ]


def _later(
    p: People,
    life: Life,
    offices: Offices,
    night: str,
    day: int,
    n: int,
    draw: np.random.Generator,
    again: list[int],
) -> list[Rows]:
    """The changes of a day; at a month's end the register in full, once a week the slow offices."""
    out = [police.changes(p, life.night(day), night, day)]
    out += _papers(p, offices, night, day, draw, again)
    if n % 7 == 1:
        out += _weekly(p, offices, night, day, draw)
    if calendar.day(day + 1).day == 1:
        out += [*police.full(p, life, night, day), offices.low_income(night, day)]
    return out


def _papers(
    p: People, offices: Offices, night: str, day: int, draw: np.random.Generator, again: list[int]
) -> list[Rows]:
    """A day of permits, births, deaths, cremations and medical insurance."""
    strangers = police.strangers(p, day)
    some = strangers[draw.random(len(strangers)) < 0.003]
    gone = some[: len(some) // 2].tolist()
    patients = offices.patients(day)
    moved = patients[draw.random(len(patients)) < 0.0004]
    for i in map(int, moved):
        p.phone[i] = f"17{int(draw.integers(10**9)):09d}"
        p.now_village[i] = int(draw.integers(p.own))
    ended = np.flatnonzero((p.deregistered == day) & np.isin(np.arange(len(p)), patients))
    newborn = patients[(p.birth[patients] == day - 6) | (p.enrolled[patients] == day - 1)]
    today = np.unique(np.concatenate([moved, newborn, ended, np.array(again, np.int64)]))
    again.clear()
    return [
        police.permits(p, some, night, day, gone),
        offices.births(night, day, day - 1),
        offices.deaths(night, day, day - 1),
        offices.cremations(night, day, day - 1),
        offices.medical(night, day, today, np.full(len(today), day)),
    ]


def _weekly(
    p: People, offices: Offices, night: str, day: int, draw: np.random.Generator
) -> list[Rows]:
    husbands, wives = offices.couples()
    alive = (p.death[husbands] == NEVER) & (p.death[wives] == NEVER)
    chance = draw.random(len(wives))
    parted = np.flatnonzero((chance < 0.0001) & alive & (p.marital[husbands] == "20"))
    copied = np.flatnonzero((chance > 0.9998) & alive)
    for i in (*husbands[parted], *wives[parted]):
        p.marital[i] = "40"
    both = [
        offices.marriages(night, day, which, event, np.full(len(which), day - 1))
        for which, event in ((parted, "离婚"), (copied, "补领"))
    ]
    one = both[0]
    for name in one.columns:
        one.columns[name] = np.concatenate([b.columns[name] for b in both])
    for role in one.who:
        one.who[role] = np.concatenate([b.who[role] for b in both])
    at, kinds = offices.insured(day)
    changed = (draw.random(len(at)) < 0.012) | (
        (p.deregistered[at] <= day) & (p.deregistered[at] > day - 7)
    )
    disabled = offices.disabled()
    some = disabled[draw.random(len(disabled)) < 0.002]
    now = np.full(int(changed.sum()), day)
    return [
        one,
        offices.insurance(night, day, at[changed], kinds[changed], now),
        offices.disability(night, day, some),
    ]


def _unsettled(rows: Rows, draw: np.random.Generator, job: Job, n: int) -> list[int]:
    """Plants wrong addresses that the next night puts right, and rows that a later full lacks."""
    if rows.feed == "base.medical_insurance" and n + 1 < job.nights:
        hit = np.flatnonzero(draw.random(len(rows)) < job.rates["late_correction"])
        for k in map(int, hit):
            true = rows.columns["address"][k]
            rows.columns["address"][k] = written = true[:-1] + "附1号"
            rows.faults.append(
                Planted("late_correction", k, rows.who["subject"][k], "address", written, true)
            )
        return [int(rows.who["subject"][k][6:]) for k in hit]
    if rows.feed == "base.resident" and n > 0:
        kept = draw.random(len(rows)) >= job.rates["row_missing"]
        for k in map(int, np.flatnonzero(~kept)):
            rows.faults.append(Planted("row_missing", None, rows.who["subject"][k], "", "", ""))
        rows.columns = {c: v[kept] for c, v in rows.columns.items()}
        rows.who = {r: v[kept] for r, v in rows.who.items()}
    return []


def _part(rows: Rows, job: Job, chunk: Chunk) -> Part:
    """The rows as the file holds them: joined text, or cells of a workbook."""
    look = style(
        job.seed, rows.feed, rows.file, tuple(rows.columns), job.headers[rows.feed], job.rates
    )
    part = Part(rows.feed, tuple(rows.columns), len(rows), who=rows.who, faults=rows.faults)
    cells = list(zip(*(rows.columns[n] for n in look.fields), strict=True))
    if look.form == "xlsx":
        part.cells = cells
    elif look.form == "json":
        import json

        made = [
            json.dumps(dict(zip(look.headers, c, strict=True)), ensure_ascii=False) for c in cells
        ]
        part.text = ",\n".join(made).encode()
    else:
        lines = [look.delimiter.join(c) for c in cells]
        for i in rows.shifted:
            # Not empty at its end: a reader takes one empty cell too many for a stray delimiter.
            lines[i] = look.delimiter.join(
                (*cells[i][:2], "", *cells[i][2:-1], cells[i][-1] or "0")
            )
        text = "".join(line + "\n" for line in lines)
        part.text = text.encode("utf-8" if look.encoding == "utf-8-sig" else look.encoding)
    return part


def _truth_before(p: People) -> dict[str, Objects]:
    """Everybody as on the first night, and the days of what happens to them."""
    codes = np.array([v.code for v in p.places], dtype=object)
    parent = [np.where(x >= 0, p.entity[np.maximum(x, 0)], "") for x in (p.mother, p.father)]
    return {
        "entity": p.entity,
        "name": p.name.copy(),
        "id_type": p.id_type.copy(),
        "id_no": p.id_no.copy(),
        "sex": np.where(p.male, "1", "2").astype(object),
        "birth_date": day_text(p.birth),
        "ethnicity": p.ethnicity.copy(),
        "household": _homes(p),
        "relation_to_head": p.relation.copy(),
        "county_code": p.county.copy(),
        "hukou_division": codes[p.village],
        "current_division": codes[p.now_village],
        "phone": p.phone.copy(),
        "is_registered": p.registered.astype(str).astype(object),
        "is_here": p.here.astype(str).astype(object),
        "mother": parent[0].astype(object),
        "father": parent[1].astype(object),
        "death_date": day_text(p.death),
        "deregistered_on": day_text(p.deregistered),
        "registered_on": day_text(np.where(p.registered, p.enrolled, NEVER)),
    }


def _homes(p: People) -> Objects:
    out = np.empty(len(p), dtype=object)
    out[:] = [f"H{p.chunk.number:05d}{h:06d}" for h in p.household]
    return out
