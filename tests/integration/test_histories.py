"""Histories are told of the keys concerned alone, and in any order as if of all at once (P6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean import histories, silver
from onesource.clean.stage import Staged
from onesource.contracts.model import Contract
from onesource.lake import delta
from onesource.spark.local import local_rows
from tests.integration.small_city import feed, field, key, make_city

DAY = date(2024, 1, 1)
LAST = 6
STEPS = 3
WORDS = (None, "v", "w")
FULLS = feed(
    "base.full",
    [key("world"), key("id"), field("words"), field("since", "date")],
    history="bitemporal",
    properties={"period": "day", "valid_from": "since"},
    pattern=r"full_(?P<county>\d{6})_(?P<day>\d{8})\.csv",
    statement_time={"from": "receipt"},
    correction="replace",
    replace_scope=["county", "day"],
)
UPSERTS = feed(
    "base.upsert",
    [key("world"), key("id"), field("words"), field("since", "date")],
    history="bitemporal",
    properties={"valid_from": "since"},
    pattern=r"upsert_(?P<day>\d{8})\.csv",
)


@dataclass(frozen=True)
class Said:
    """One statement of one scope in one small world: what it says of each key, or lacks."""

    world: int
    scope: str
    day: int
    number: int
    received: int
    step: int
    rows: tuple[tuple[str, str, int | None], ...]  # id, words, since (a day, or None)


def worlds(seed: int, count: int, scopes: str) -> list[Said]:
    """Worlds of up to six statements, received and processed in any order, some together."""
    random = Random(seed)
    found = []
    for world in range(count):
        for number in range(random.randint(1, 6)):
            day = random.randrange(LAST - 1)
            rows = []
            for name in "xy":
                words = random.choice(WORDS)
                since = random.choice((None, None, random.randrange(LAST)))
                if words is not None and (scopes or name == random.choice("xy")):
                    rows.append((name, words, since))
            scope = random.choice(scopes) if scopes else ""
            found.append(
                Said(
                    world,
                    scope,
                    day,
                    number,
                    random.randrange(6),
                    random.randrange(STEPS),
                    tuple(rows),
                )
            )
    return found


# -- the naive definition: paint the days, one statement after another -------------------------


def painted(known: Sequence[Said], name: str, scope: str) -> list[str | None]:
    days: list[str | None] = [None] * LAST
    for s in sorted((s for s in known if s.scope == scope), key=lambda s: (s.day, s.number)):
        row = next((r for r in s.rows if r[0] == name), None)
        start = s.day if row is None or row[2] is None else row[2]
        days[start:] = [row[1] if row else None] * (LAST - start)
    return days


def upserted(known: Sequence[Said], name: str) -> list[str | None]:
    starts: dict[int, str] = {}
    for s in sorted(known, key=lambda s: (s.day, s.number)):
        for row_name, words, since in s.rows:
            if row_name == name:
                starts[s.day if since is None else since] = words
    days: list[str | None] = [None] * LAST
    for start in sorted(starts):
        days[start:] = [starts[start]] * (LAST - start)
    return days


def believed(known: Sequence[Said], name: str) -> list[str | None]:
    """What holds on each day: of several scopes, what the one says that began last to say it."""
    scopes = sorted({s.scope for s in known})
    if scopes == [""]:
        return upserted(known, name)
    best: list[tuple[int, str, str] | None] = [None] * LAST
    for scope in scopes:
        days, begun = painted(known, name, scope), 0
        for day, words in enumerate(days):
            if day and words != days[day - 1]:
                begun = day
            if words is not None:
                best[day] = max(best[day] or (-1, "", ""), (begun, scope, words))
    return [b and b[2] for b in best]


Row = tuple[int, str, str, int, int | None, int, int | None]


def stretches(days: Sequence[str | None]) -> list[tuple[str, int, int | None]]:
    cuts = [d for d in range(LAST) if d == 0 or days[d] != days[d - 1]]
    found = []
    for begin, end in pairwise([*cuts, LAST]):
        if days[begin] is not None:
            found.append((str(days[begin]), begin, end if end < LAST else None))
    return found


def naive(said: Sequence[Said]) -> set[Row]:
    rows: set[Row] = set()
    for world in {s.world for s in said}:
        own = [s for s in said if s.world == world]
        for name in "xy":
            open_since: dict[tuple[str, int, int | None], int] = {}
            for moment in range(6):
                now = set(stretches(believed([s for s in own if s.received <= moment], name)))
                for gone in set(open_since) - now:
                    rows.add((world, name, *gone, open_since.pop(gone), moment))
                for new in now - set(open_since):
                    open_since[new] = moment
            rows |= {(world, name, *s, since, None) for s, since in open_since.items()}
    return rows


# -- the same through the table ----------------------------------------------------------------


def scope_of(s: Said) -> str | None:
    day = (DAY + timedelta(days=s.day)).strftime("%Y%m%d")
    return f'{{"county":"{s.world}{s.scope}","day":"{day}"}}' if s.scope else None


def brought(
    spark: SparkSession, path: Path, contract: Contract, said: Sequence[Said], folder: Path
) -> None:
    """Brings the statements of one step into the table."""
    place = [
        (
            scope_of(s),
            f"{s.world}-{s.number}",
            str(DAY + timedelta(days=s.day)),
            s.received,
            f"{s.day}-{s.number}-{s.world}",
        )
        for s in said
    ]
    shape = "_scope string, _delivery_id string, _day string, _r int, _order string"
    times = {
        "_statement_at": F.expr("CAST(_day AS TIMESTAMP)"),
        "_received_at": F.expr("TIMESTAMP'2024-03-01 12:00:00' + make_interval(0,0,0,0,_r)"),
    }
    marks = local_rows(spark, place, shape).withColumns(times).drop("_day", "_r")
    rows = [
        (str(s.world), name, words, None if since is None else DAY + timedelta(days=since), *p)
        for s, p in zip(said, place, strict=True)
        for name, words, since in s.rows
    ]
    batch = local_rows(spark, rows, f"world string, id string, words string, since date, {shape}")
    batch = batch.withColumns(times).drop("_day", "_r")
    every = silver.columns(contract)
    batch = histories._shaped(
        batch, {n: t for n, t in every.items() if n not in silver.bitemporal.COLUMNS}
    )
    histories.apply(spark, path, contract, Staged(folder, batch, {}), batch, marks, every)


def shown(frame: DataFrame) -> set[Row]:
    days = [f"datediff({n}, DATE'{DAY}') AS {n}" for n in ("valid_from", "valid_to")]
    begin = "unix_timestamp(TIMESTAMP'2024-03-01 12:00:00')"
    hours = [
        f"CAST((unix_timestamp({n}) - {begin}) / 3600 AS INT) AS {n}"
        for n in ("known_from", "known_to")
    ]
    rows = silver.visible(frame).selectExpr("CAST(world AS INT)", "id", "words", *days, *hours)
    found = [tuple(r) for r in rows.collect()]
    assert len(found) == len(set(found))
    return set(found)


# The first time the table is written anew, the other times changed where it is.
@pytest.mark.parametrize(
    ("made", "scopes", "many"), [(FULLS, "ab", 1 << 30), (FULLS, "ab", 0), (UPSERTS, "", 0)]
)
def test_any_order_and_any_batches_tell_the_history_that_the_statements_tell(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: dict[str, Any],
    scopes: str,
    many: int,
) -> None:
    monkeypatch.setattr(delta, "MANY_ROWS", many)
    contract = make_city(tmp_path, made).contract(f"silver.{made['id'].replace('.', '_')}")
    said = worlds(20240101, 300, scopes)
    path = tmp_path / "table"
    silver.prepare(spark, path, contract)
    for step in range(STEPS):
        now = [s for s in said if s.step == step]
        brought(spark, path, contract, now, tmp_path / f"step{step}")
    once = tmp_path / "once"
    silver.prepare(spark, once, contract)
    brought(spark, once, contract, said, tmp_path / "all")
    want = naive(said)
    for table in (path, once):
        got = shown(delta.read(spark, table))
        odd = {r[0] for r in got ^ want}
        first = min(odd, default=None)
        assert not odd, (
            f"{len(odd)} worlds differ; {[s for s in said if s.world == first]}\n"
            f"got {sorted((r for r in got if r[0] == first), key=str)}\n"
            f"want {sorted((r for r in want if r[0] == first), key=str)}"
        )
