"""Whichever way the nights come, the registry of persons ends the same. All people are synthetic.

Silver is told by its own definition (`bitemporal.settled`) from what was said and when it was
received; that any order of processing makes that of it is `tests/integration/test_histories.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.clean import bitemporal, silver
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.registry.person.build import PERSON, SOURCE, build_person, build_source
from onesource.simulate.city.numbers import check_digit
from onesource.spark.local import local_rows
from onesource.spark.written import put
from tests.unit.registry.person.people import at, day
from tests.unit.registry.person.test_build import SETTINGS

Row = Mapping[str, Any]
FIRST, SECOND, THIRD, FOURTH = "2024-01-31", "2024-02-10", "2024-02-17", "2024-02-29"
NIGHTS = (FIRST, SECOND, THIRD, FOURTH)
COUNTIES = ("141123", "141182")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Said:
    """One delivery: what a feed says on a day, and when it is received."""

    feed: str
    on: str
    rows: tuple[Row, ...]
    received_at: datetime
    county: str = ""
    repeat: int = 1

    @property
    def delivery_id(self) -> str:
        # Named by its bytes: one that comes again may stand before any other.
        again = "0-" if self.repeat > 1 else ""
        return f"{again}{self.feed}-{self.county}-{self.on}"

    @property
    def order(self) -> str:
        """As `Record.order`: the receipt decides between statements of one time."""
        received = self.received_at.isoformat()
        return f"{self.on}|{self.repeat:06d}|{received}|{self.delivery_id}"


def number(k: int, born: str = "19600101") -> str:
    first = f"142325{born}{100 + k:03d}"
    return first + check_digit(first)


def sex(k: int) -> str:
    return "1" if k % 2 else "2"


_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰梅红斌宇浩凯健俊帆雪荣爱妹香月莺媛"


def person(k: int, **more: Any) -> dict[str, Any]:
    return {"name": "王李张刘"[k % 4] + _GIVEN[k], "id_no": number(k), "sex": sex(k),
            "birth_date": day("1960-01-01"), **more}  # fmt: skip


def registered(k: int, **more: Any) -> dict[str, Any]:
    county = COUNTIES[k % 2]
    return person(k, person_no=f"R{k}", county_code=county, division_code=f"{county}100{200 + k}",
                  household_no=f"H{k // 3}", relation_to_head="02", hukou_address=f"{k}号",
                  ethnicity="01", **more)  # fmt: skip


def changed(k: int, kind: str, on: str, **more: Any) -> dict[str, Any]:
    row = registered(k, change_no=f"C{k}-{kind}", change_type=kind, changed_on=day(on))
    return row | more


def insured(k: int, on: str, **more: Any) -> dict[str, Any]:
    return person(k, personal_no=f"Y{k}", changed_on=day(on), status="1", phone=f"1380000{k:04d}",
                  address=f"{k}号", county_code=COUNTIES[k % 2], **more)  # fmt: skip


def permit(k: int, **more: Any) -> dict[str, Any]:
    row = person(k, permit_no=f"JZ{k}", arrived_on=day("2023-06-01"), permit_from=day("2023-06-01"),
                 permit_to=day("2024-05-31"), status="1", division_code=f"141123100{200 + k}",
                 address=f"{k}号", phone=f"1390000{k:04d}")  # fmt: skip
    return row | more


def died(k: int, on: str) -> dict[str, Any]:
    return person(k, certificate_no=f"D{k}", death_date=day(on), reported_on=day(on))


# Everything that nights can bring: a death by one word and by two, a renaming that the full of the
# same day shows, a corrected number, moves, a number that two in two counties use, one registration
# too many, people who are dropped, who come and who are known by one feed alone, rows without a
# sound number, an insurer's other name, a permit that ends while its file is on the way.
_NEW_NAME, _RIGHT = "王新名", number(6, "19600102")
_TWICE = {"hukou_address": "同号", "division_code": "141123100299", "name": "赵双户", "sex": "1"}
_SHARED = {8: {"name": "赵甲"}, 9: {"name": "钱乙", "id_no": number(8)}}
_CHILD = {"personal_no": "Y99", "name": "李新", "birth_date": day("2024-01-20"),
          "mother_id_no": number(12), "birth_order": 1, "changed_on": day(SECOND)}  # fmt: skip


def _full(on: str) -> Iterator[tuple[str, Row]]:
    late = on == FOURTH
    for k in range(30):
        more: dict[str, Any] = dict(_SHARED.get(k, {}))
        if k in (20, 23):
            more |= _TWICE
        if k == 6 and late:
            more |= {"id_no": _RIGHT}
        if k == 4 and late:
            more |= {"name": _NEW_NAME, "former_name": person(4)["name"]}
        if k == 10 and late:
            more |= {"hukou_address": "新址", "moved_in_on": day("2024-02-05")}
        if k == 27:
            more |= {"id_no": None}
        gone = {2: late, 14: late, 16: late, 29: not late}.get(k, False)
        if not gone:
            row = registered(k) | more
            yield row["county_code"], row


def _of_nights() -> Iterator[tuple[str, str, str, list[Row]]]:
    """`feed, day, county, rows` of every delivery."""
    for on in (FIRST, FOURTH):
        for county in COUNTIES:
            yield "base.resident", on, county, [row for c, row in _full(on) if c == county]
    renamed = {"name": _NEW_NAME, "former_name": person(4)["name"]}
    yield from (
        ("base.resident_change", SECOND, "", [
            changed(2, "02", "2024-02-08", event_on=day("2024-01-28")),
            changed(10, "09", "2024-02-05", hukou_address="新址"),
        ]),
        ("base.resident_change", THIRD, "", [
            changed(6, "06", "2024-02-16", id_no=_RIGHT, old_value=number(6), new_value=_RIGHT),
            changed(14, "04", "2024-02-15", status="2"),
            changed(18, "08", "2024-02-17", ethnicity="03"),
        ]),
        ("base.resident_change", FOURTH, "", [
            changed(4, "05", FOURTH, **renamed),
            changed(29, "03", FOURTH),
        ]),
        ("base.residence_permit", FIRST, "", [
            *(permit(k) for k in range(30, 34)),
            permit(34, permit_to=day("2024-02-12"), sex="1"),
            permit(5, division_code="141182100777"),
        ]),
        ("base.residence_permit", THIRD, "", [
            permit(30, address="又址"), permit(31, left_on=day(THIRD), status="2"),
            permit(35, id_no=None, id_no_delivered=number(0)),
        ]),
        ("base.medical_insurance", FIRST, "", [
            *(insured(k, "2024-01-01") for k in (*range(12), 30, 34, 36)),
            insured(13, "2024-01-01") | {"name": "李异"},
            insured(15, "2024-01-01", ethnicity="03") | {"name": "刘异"},
        ]),
        ("base.medical_insurance", SECOND, "", [
            insured(1, SECOND) | {"phone": "13700000001"}, _CHILD,
            insured(3, SECOND) | {"status": "4"},
            insured(17, SECOND) | {"id_no": None, "id_no_delivered": number(17)[:-1] + "Z"},
        ]),
        ("base.medical_insurance", THIRD, "", [
            insured(1, THIRD) | {"phone": "13700000002"},
            insured(13, THIRD),
            insured(36, THIRD) | {"name": "孙更名"},
        ]),
        ("base.death_certificate", SECOND, "", [died(2, "2024-01-28"), died(7, "2024-02-01")]),
        ("base.death_certificate", THIRD, "", [died(3, "2024-02-09"), died(5, "2024-02-14")]),
    )  # fmt: skip


def nights() -> list[Said]:
    """Every delivery, received in its own night."""
    return [
        Said(feed, on, tuple(rows), at(on) + timedelta(hours=1, minutes=n), county)
        for n, (feed, on, county, rows) in enumerate(_of_nights())
    ]


def late(feed: str) -> list[Said]:
    return [replace(s, received_at=s.received_at + WEEK) if s.feed == feed else s for s in nights()]


def backwards() -> list[Said]:
    """The last night first; within a night the last file first."""
    return [
        replace(s, received_at=at("2024-06-01") - (s.received_at - at(FIRST))) for s in nights()
    ]


def twice(on: str, county: str) -> list[Said]:
    """A night's files come once more, not byte by byte the same; of the fulls one county's."""
    again = [s for s in nights() if s.on == on and s.county in ("", county)]
    return nights() + [replace(s, repeat=2, received_at=s.received_at + WEEK) for s in again]


IN_ORDER, LATE, HEARD = "in order", "the insurer a week late", "before the insurer came"
MOMENT = at(THIRD) - timedelta(hours=1)  # when the second night is over and the third is not
WAYS = {
    IN_ORDER: nights(),
    LATE: late("base.medical_insurance"),
    HEARD: [s for s in late("base.medical_insurance") if s.received_at <= MOMENT],
    "the register a week late": late("base.resident"),
    "the changes a week late": late("base.resident_change"),
    "the nights backwards": backwards(),
    "the first night twice": twice(FIRST, COUNTIES[1]),
}


def _silver(
    spark: SparkSession, catalogue: Catalogue, feed: str, ways: Mapping[str, Sequence[Said]]
) -> DataFrame:
    """The feed's silver rows by each way of coming (`_way`): one table, each way with its keys."""
    contract = catalogue.feeds[feed]
    [key] = contract.key
    types = {n: t for n, t in silver.columns(contract).items() if n not in bitemporal.COLUMNS}
    rows = []
    for way, every in ways.items():
        said = [s for s in every if s.feed == feed]
        for s in said:
            place = {
                "_delivery_id": s.delivery_id, "_statement_at": at(s.on), "_order": s.order,
                "_received_at": s.received_at, "_scope": f'{{"county":"{s.county}"}}',
            }  # fmt: skip
            lines = [{"statement_on": day(s.on), "_line": n, "_state": bitemporal.SAID, **r}
                     for n, r in enumerate(s.rows, 2)]  # fmt: skip
            if contract.correction == "replace":
                lines += [{key: k, "_state": bitemporal.LACKED} for k in _lacked(said, s, key)]
            lines = [place | r | {key: f"{way}/{r[key]}"} for r in lines]
            rows += [tuple(r.get(c) for c in types) for r in lines]
    told = local_rows(spark, rows, ", ".join(f"`{n}` {t}" for n, t in types.items())).coalesce(1)
    if contract.history == "bitemporal":
        told = silver.visible(bitemporal.settled(told, contract))
    else:
        rank = f"row_number() OVER (PARTITION BY {key} ORDER BY _order DESC)"
        told = told.withColumn("_n", F.expr(rank)).where("_n = 1").drop("_n")
    return told.drop("_state").withColumns(
        {"_way": F.split(key, "/")[0], key: F.split(key, "/")[1]}
    )


def _lacked(said: Sequence[Said], full: Said, key: str) -> list[str]:
    """The keys that the full's county ever had and it has not."""
    ever = {r[key] for s in said if s.county == full.county for r in s.rows}
    return sorted(ever - {r[key] for r in full.rows})


@dataclass(frozen=True)
class Registry:
    """The registry's rows, and the questions that it raises."""

    source: list[Row]
    person: list[Row]
    conflicts: list[Row]


MakeRegistry = Callable[[str], Registry]


@pytest.fixture(scope="module")
def registry(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> MakeRegistry:
    """The registry by one of the ways in which the nights come."""
    catalogue = load_catalogue(SETTINGS.schemas, odcs=False)
    folder = tmp_path_factory.mktemp("ways")
    tables = {
        f"silver.{feed.replace('.', '_')}": put(
            spark, _silver(spark, catalogue, feed, WAYS), folder / feed
        )
        for feed in dict.fromkeys(s.feed for s in nights())
    }

    @cache
    def make(way: str) -> Registry:
        ctx = SimpleNamespace(catalogue=catalogue, day=day("2024-06-01"), settings=SETTINGS,
                              before=None, scratch=folder / way)  # fmt: skip
        inputs = {n: t.where(F.col("_way") == way).drop("_way") for n, t in tables.items()}
        source = put(spark, build_source(spark, inputs, ctx)[SOURCE], folder / way / "source")
        made = build_person(spark, {SOURCE: source}, ctx)
        people = put(spark, made[PERSON], folder / way / "person")
        asked = made["conflicts"](people)
        return Registry(*([r.asDict(True) for r in t.collect()] for t in (source, people, asked)))

    return make


# When the lake learned a thing, and what is made from that.
_LEARNED = {"known_from", "known_to", "voice_id", "_order"}


def believed(rows: Sequence[Row]) -> list[str]:
    """What is believed at the end, a delivery that came again under its first name."""
    now = [{n: v for n, v in r.items() if n not in _LEARNED}
           for r in rows if r.get("known_to") is None]  # fmt: skip
    texts = (json.dumps(r, default=str, sort_keys=True, ensure_ascii=False) for r in now)
    return sorted(t.replace("0-base.", "base.") for t in texts)


ASKED = {"is_disputed": None, "_is_asked": None, "_conflicts": None}


def as_known(rows: Sequence[Row], moment: datetime) -> list[str]:
    """The rows that were served at a moment; the questions are only those of now."""
    end = at("9999-12-31")
    then = [r for r in rows if r["known_from"].astimezone(moment.tzinfo) <= moment
            < (r["known_to"] or end).astimezone(moment.tzinfo)]  # fmt: skip
    open_ = [{**r, "known_to": None, **ASKED} for r in then]
    return believed(open_)


def test_the_nights_bring_what_can_make_a_difference(registry: MakeRegistry) -> None:
    made = registry(IN_ORDER)
    asked = {r["attribute"] for r in made.conflicts}
    assert asked >= {"id_no", "second_registration", "name", "sex", "ethnicity", "death_date"}
    assert {r["match_rule"] for r in made.source} >= {
        "number", "register", "number_mistyped", "candidate"
    }  # fmt: skip
    statuses = {r["status"] for r in made.person if r["known_to"] is None}
    assert statuses == {"在籍", "在途", "迁出", "死亡", "疑似死亡", "注销-其他", "非户籍"}


@pytest.mark.parametrize("way", [w for w in WAYS if w not in (IN_ORDER, HEARD)])
def test_whichever_way_the_nights_come_the_registry_ends_the_same(
    registry: MakeRegistry, way: str
) -> None:
    want, made = registry(IN_ORDER), registry(way)
    assert believed(made.source) == believed(want.source)
    assert believed(made.person) == believed(want.person)
    assert believed(made.conflicts) == believed(want.conflicts)


def test_what_was_served_before_a_late_feed_stays_to_be_read(registry: MakeRegistry) -> None:
    served, made = registry(HEARD), registry(LATE)
    assert as_known(made.person, MOMENT) == as_known(served.person, MOMENT)
    assert as_known(made.person, at("2024-03-31")) != as_known(served.person, MOMENT)
