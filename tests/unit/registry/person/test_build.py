"""From silver rows to people, through Spark. All people are synthetic."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from onesource import person_keys
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.quality.gate import run_gate
from onesource.quality.rules import Phase
from onesource.quality.suite import rules_for
from onesource.registry.patch import Before, Patch
from onesource.registry.person.after import build_payments, build_redirects
from onesource.registry.person.build import build_person, build_source
from onesource.registry.person.histories import (
    build_ids,
    build_members,
    build_names,
)
from onesource.registry.person.model import person_id
from onesource.registry.tokens import person_token
from onesource.spark.local import local_rows
from tests.unit.registry.person.people import at, day

A, B, C = "142325196001010010", "142325196001010029", "142326197506151231"
D, E, F18 = "142325196001010037", "142325196001010053", "142325196001010096"
SETTINGS = Settings.from_environment({})
KEY = person_keys.ring(Path(tempfile.mkdtemp()) / "keys").current


@pytest.fixture(autouse=True)
def _forget(spark: SparkSession) -> Iterator[None]:
    """Tables that one test keeps are nothing to the next."""
    yield
    spark.catalog.clearCache()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(SETTINGS.schemas, odcs=False)


def silver(
    spark: SparkSession, catalogue: Catalogue, feed: str, rows: list[Mapping[str, Any]]
) -> DataFrame:
    """Rows of a feed's silver table; what is not said is null. `on`: the day of the statement."""
    contract = catalogue.feeds[feed]
    types = {f.name: f.spark_type for f in contract.fields}
    clocks = {"known_from": "timestamp", "known_to": "timestamp"}
    if contract.history == "bitemporal":
        clocks |= {"valid_from": "date", "valid_to": "date"}
    else:
        clocks = {}
    technical = {
        "_delivery_id": "string", "_sheet": "string", "_line": "bigint",
        "_statement_at": "timestamp", "_received_at": "timestamp", "_order": "string",
    }  # fmt: skip
    wanted = types | clocks | technical
    filled = []
    for line, row in enumerate(rows, 2):
        on = row["on"]
        said: dict[str, Any] = {
            "valid_from": day(on), "known_from": at(on), "_delivery_id": f"{feed}-{on}",
            "_line": line, "_statement_at": at(on), "_received_at": at(on), "_order": on,
        }  # fmt: skip
        said |= {
            k: (day(v) if types.get(k) == "date" or k == "valid_to" else v) for k, v in row.items()
        }
        filled.append(tuple(said.get(name) for name in wanted))
    return local_rows(spark, filled, ", ".join(f"`{n}` {t}" for n, t in wanted.items()))


def resident(no: str, name: str, id_no: str | None, on: str = "2024-01-31", **more: Any) -> dict:  # type: ignore[type-arg]
    return {"person_no": no, "name": name, "id_no": id_no, "on": on, "household_no": f"H{no}",
            "relation_to_head": "02", **more}  # fmt: skip


DECISION = (
    "ticket_id string, round int, registry string, entity string, attribute string, "
    "value_a string, value_b string, answer string, decided_value string, decided_on date, "
    "known_from timestamp, known_to timestamp"
)


def build(
    spark: SparkSession,
    catalogue: Catalogue,
    decisions: list[tuple[Any, ...]] | None = None,
    **feeds: list[Any],
) -> SimpleNamespace:
    """The tables of persons from rows of the feeds named."""
    ctx = SimpleNamespace(
        catalogue=catalogue, day=date(2024, 6, 1), settings=SETTINGS, before=None,
        scratch=Path(tempfile.mkdtemp()), key=KEY,
    )  # fmt: skip
    inputs = {
        f"silver.base_{name}": silver(spark, catalogue, f"base.{name}", rows)
        for name, rows in feeds.items()
    }
    if decisions is not None:
        inputs["registry.decision"] = spark.createDataFrame(decisions, DECISION)
    source = build_source(spark, inputs, ctx)["registry.person_source"].cache()
    made = build_person(spark, {"registry.person_source": source}, ctx)
    person = made["registry.person"].cache()
    tables = {"registry.person_source": source, "registry.person": person}
    return SimpleNamespace(
        source=source,
        person=person,
        conflicts=made["conflicts"](person),
        tables=tables,
        inputs=inputs,
        ctx=ctx,
    )


def now(person: DataFrame) -> dict[str, tuple[str, bool]]:
    rows = person.where("known_to IS NULL AND valid_to IS NULL").collect()
    return {r["name"]: (r["id_no"], r["is_disputed"]) for r in rows}


def test_one_number_with_two_people_makes_two_and_asks_once(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A), resident("2", "李建国", A), resident("3", "赵敏", C)],
    )
    assert now(made.person) == {"王小明": (A, True), "李建国": (A, True), "赵敏": (C, False)}
    (asked,) = made.conflicts.where("attribute = 'id_no'").collect()
    assert asked["owner"] == "市公安局"
    assert A not in " ".join(str(v) for v in asked.asDict().values()), "a ticket names no number"


SHARED = [resident("1", "王小明", A), resident("2", "李建国", A), resident("3", "赵敏", A)]


def gate_fails(made: SimpleNamespace, catalogue: Catalogue) -> bool:
    """Does the registry's own rule hold a table in which two use one number?"""
    contract = catalogue.tables["registry.person"]
    rules = [r for r in rules_for(contract, SETTINGS.expectations, catalogue)
             if r.id in ("one_person_a_number", "columns_present", "min_rows")]  # fmt: skip
    result = run_gate(made.person, rules, table="registry.person", phase=Phase.TABLE, run_id="r",
                      step="s")  # fmt: skip
    [own] = [r for r in result.results if r.rule.id == "one_person_a_number"]
    assert own.error is None
    return not own.success


def told_apart(ticket: str, r: Row, word: str | None = "两人") -> tuple[Any, ...]:
    """The answer to a conflict of two people (word None: the value served is right)."""
    answer = "CORRECTED" if word else "CONFIRMED_SOURCE_RIGHT"
    return (ticket, 1, "registry.person", r["entity"], r["attribute"], r["value_a"], r["value_b"],
            answer, word or r["value_a"], day("2024-03-01"), at("2024-03-01"), None)  # fmt: skip


@pytest.mark.parametrize("word", ["两人", None])
def test_two_people_whom_a_department_found_to_be_two_are_disputed_no_more(
    spark: SparkSession, catalogue: Catalogue, word: str | None
) -> None:
    said = SHARED[:2]
    asked = build(spark, catalogue, resident=said)
    (ticket,) = asked.conflicts.collect()
    assert not gate_fails(asked, catalogue), "a ticket asks"
    made = build(spark, catalogue, [told_apart("t1", ticket, word)], resident=said)
    assert now(made.person) == {"王小明": (A, False), "李建国": (A, False)}
    shared = made.person.where("is_number_shared AND known_to IS NULL AND valid_to IS NULL")
    assert shared.count() == 2
    (still,) = made.conflicts.collect()
    assert still["settled_by"] == "t1", "the same question with its answer, and no other"
    assert not gate_fails(made, catalogue)
    unmarked = SimpleNamespace(person=made.person.withColumn("is_number_shared", F.lit(False)))
    assert gate_fails(unmarked, catalogue), "without the mark nobody would have asked"


def test_a_third_with_the_same_number_is_asked_about_though_two_were_found_to_be_two(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    pairs = build(spark, catalogue, resident=SHARED).conflicts.orderBy("value_b").collect()
    assert len(pairs) == 2
    made = build(spark, catalogue, [told_apart("t1", pairs[0])], resident=SHARED)
    open_ = {pairs[1]["value_a"], pairs[1]["value_b"]}
    held = {r["person_id"] for r in made.person.where("is_disputed").collect()}
    assert held == open_
    assert [r["settled_by"] for r in made.conflicts.orderBy("value_b").collect()] == ["t1", None]
    both = [told_apart("t1", pairs[0]), told_apart("t2", pairs[1])]
    made = build(spark, catalogue, both, resident=SHARED)
    assert made.person.where("is_disputed").count() == 0 and not gate_fails(made, catalogue)


def test_two_registrations_that_are_two_people_s_are_disputed_no_more(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    people = [second("1", "王小明", A, "一村1号"), second("2", "王小明", B, "一村1号")]
    (ticket,) = build(spark, catalogue, resident=people).conflicts.collect()
    made = build(spark, catalogue, [told_apart("t1", ticket)], resident=people)
    assert made.person.where("is_disputed OR is_number_shared").count() == 0
    assert made.person.select("person_id").distinct().count() == 2
    assert [r["settled_by"] for r in made.conflicts.collect()] == ["t1"]
    wrong = build(spark, catalogue, [told_apart("t1", ticket, "不清楚")], resident=people)
    assert wrong.person.where("is_disputed").count() == 2, "that is no answer"


def test_a_certificate_that_ran_out_before_its_file_was_read_is_a_question_all_the_same(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    row = {"certificate_no": "D1", "status": "1", "name": "王小明", "id_no": A, "sex": "2",
           "on": "2024-01-20", "known_from": at("2024-09-01")}  # fmt: skip

    def asked(**more: Any) -> set[str]:
        made = build(
            spark,
            catalogue,
            resident=[resident("1", "王小明", A, sex="1")],
            disability=[{**row, **more}],
        )
        return {r["attribute"] for r in made.conflicts.collect()}

    assert asked(valid_until="2024-03-25") == {"sex"}, "it held when it was stated"
    assert asked(valid_until="2024-01-20") == set(), "it did not"
    assert asked(valid_until="2024-03-25", valid_to="2024-02-29") == set(), "it was withdrawn"


def test_a_corrected_number_is_followed_and_the_old_one_still_finds_the_person(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A)],
        resident_change=[
            {"change_no": "9", "person_no": "1", "change_type": "06", "changed_on": "2024-03-01",
             "name": "王小明", "id_no": B, "on": "2024-03-02"},
        ],
        social_insurance=[
            {"personal_no": "S1", "insurance_type": "110", "name": "王小明", "id_no": B,
             "status": "1", "on": "2024-02-01"},
        ],
    )  # fmt: skip
    people = {r["person_id"] for r in made.source.collect()}
    assert len(people) == 1
    ids = build_ids(spark, made.tables, made.ctx)["registry.person_id_history"]
    current = ids.where(f"known_to IS NULL AND person_id = '{people.pop()}'")
    assert {(r["id_no"], str(r["valid_to"])) for r in current.collect()} == {
        (A, "2024-03-01"),
        (B, "None"),
    }
    redirects = build_redirects(spark, made.tables, made.ctx)["registry.person_redirect"].collect()
    assert [r["known_from"].astimezone(UTC).date() for r in redirects] == [date(2024, 3, 2)]


def test_a_renaming_is_no_second_person(spark: SparkSession, catalogue: Catalogue) -> None:
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A, valid_to="2024-02-29"),
                  resident("1", "李建国", A, "2024-02-29", former_name="王小明")],
        medical_insurance=[{"personal_no": "Y", "name": "王小明", "id_no": A, "on": "2024-02-01"}],
    )  # fmt: skip
    assert set(now(made.person)) == {"李建国"}
    names = build_names(spark, made.tables, made.ctx)["registry.person_name_history"]
    assert {r["name"] for r in names.where("known_to IS NULL").collect()} == {"王小明", "李建国"}


def test_the_dead_are_found_on_the_lists_of_benefits(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A)],
        death_certificate=[{"certificate_no": "D1", "name": "王小明", "id_no": A,
                            "death_date": "2024-02-10", "on": "2024-02-12"}],
        low_income=[{"certificate_no": "L1", "household_no": "L1", "name": "王小明", "id_no": A,
                     "relation": "02", "category": "1", "on": "2024-05-31"}],
    )  # fmt: skip
    paid = build_payments(spark, made.tables, made.ctx)["registry.payment_after_death"].collect()
    assert [(r["status"], r["last_paid_month"], r["months_count"]) for r in paid] == [
        ("疑似死亡", "2024-05", 3)
    ]
    members = build_members(spark, made.tables, made.ctx)["registry.household_member"]
    assert {r["household_kind"] for r in members.collect()} == {"户籍户", "低保家庭"}


def test_a_voice_without_a_sound_number_makes_nobody(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A)],
        cremation=[{"record_no": "C1", "name": "王小明", "death_date": "2024-02-10",
                    "on": "2024-02-12"}],
    )  # fmt: skip
    assert made.person.select("person_id").distinct().count() == 1
    assert {r["status"] for r in made.person.collect()} == {"在籍"}, "never on the name alone"


def test_the_times_of_the_rows_are_times_of_receipt(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(spark, catalogue, resident=[resident("1", "王小明", A)])
    (row,) = made.person.collect()
    assert row["known_from"].astimezone(UTC) == datetime(2024, 1, 31, tzinfo=UTC)


BUILDERS: dict[str, Any] = {
    "registry.person_source": build_source,
    "registry.person": build_person,
    "registry.person_id_history": build_ids,
    "registry.household_member": build_members,
    "registry.person_token": person_token.build,
}


def test_a_patch_makes_the_same_tables_as_building_all_of_them(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    """Whatever a night brings: a corrected number, a second person, a decision, one taken back,
    a namesake at the same address, and one who is none any more."""

    def pair_of(about: str, a: str, b: str) -> tuple[str, str, str]:
        first, second_ = sorted([person_id(a), person_id(b)])
        return first, about, second_

    def decided(
        ticket: str, entity: str, about: str, other: str, word: str, until: str | None = None
    ) -> tuple[Any, ...]:
        return (ticket, 1, "registry.person", entity, about, entity, other, "CORRECTED", word,
                day("2024-02-03"), at("2024-02-03"), until and at(until))  # fmt: skip

    one, other = sorted([person_id(D), person_id(E)])
    parted = ("t1", person_id(A), "name", "王小名", "两人")
    joined = decided("t2", one, "second_registration", other, "同一人")
    # Of two pairs that are two people's: one is found so before the night, one in it.
    apart = decided("t4", *pair_of("second_registration", *TWINS[:2]), "两人")
    shared = decided("t5", *pair_of("id_no", NUMBER_OF_TWO, f"{NUMBER_OF_TWO}#丁二"), "两人")
    first = {
        "resident": [
            resident("1", "王小明", A), resident("2", "张建国", B), resident("3", "李秀英", C),
            resident("4", "赵大宝", None), resident("8", "周八", D), resident("9", "周八", E),
            second("10", "钱双", PAIRS[0], "一村9号"), second("11", "钱单", PAIRS[1], "一村9号"),
            second("12", "吴双", PAIRS[2], "一村6号"), second("13", "吴双", PAIRS[3], "一村6号"),
            second("14", "郑同", TWINS[0], "一村5号"), second("15", "郑同", TWINS[1], "一村5号"),
            resident("16", "丙一", NUMBER_OF_TWO), resident("17", "丁二", NUMBER_OF_TWO),
        ],
        "medical_insurance": [
            {"personal_no": "Y", "name": "王小名", "id_no": A, "phone": "1", "on": "2024-02-01"}
        ],
        "enrolment": [
            {"student_no": "S1", "name": "李秀英", "id_no": C, "on": "2024-02-01",
             "county_code": "141123000000", "school": "一中"},
        ],
    }  # fmt: skip
    after = {
        "resident": [
            *first["resident"][:2],
            # The police corrects a number: the old one is another's from now on.
            resident("3", "李秀英", A, "2024-02-28"), resident("5", "孙七", B, "2024-02-28"),
            {**first["resident"][2], "known_to": at("2024-02-28"), "valid_to": "2024-02-28"},
            *first["resident"][3:7], first["resident"][8],
            {**first["resident"][7], "valid_to": "2024-02-28"},
            second("11", "钱双", PAIRS[1], "一村9号", on="2024-02-28"),
            {**first["resident"][9], "valid_to": "2024-02-28"},
            second("13", "吴单", PAIRS[3], "一村6号", on="2024-02-28"),
            *first["resident"][10:],
        ],
        "medical_insurance": first["medical_insurance"],
        "enrolment": first["enrolment"],
        "death_certificate": [
            {"certificate_no": "D1", "name": "张建国", "id_no": B, "death_date": "2024-02-10",
             "on": "2024-03-12"}
        ],
    }  # fmt: skip
    old = build(spark, catalogue, [decided(*parted), joined, apart], **first)
    # One decision is taken back, two stay, two are new.
    again = [decided(*parted, until="2024-03-05"), joined, apart, shared,
             decided("t3", person_id(B), "ethnicity", "03", "蒙古族")]  # fmt: skip
    new = build(spark, catalogue, again, **after)
    assert _disputed(old) >= {*PAIRS[2:], NUMBER_OF_TWO} and _disputed(new) >= {*PAIRS[:2]}
    assert not _disputed(old) & {*TWINS} and not _disputed(new) & {*TWINS, NUMBER_OF_TWO}
    assert new.person.where("is_number_shared").count() == 2
    assert not _disputed(old) & {*PAIRS[:2]} and not _disputed(new) & {*PAIRS[2:]}
    for made in (old, new):
        for table in list(BUILDERS)[2:]:
            made.tables[table] = BUILDERS[table](spark, made.tables, made.ctx)[table].cache()
    folder = Path(tempfile.mkdtemp())
    # The silver of the register tells whose rows are others; that of the certificates does not.
    lines = [[(i, str(r)) for i, r in enumerate(n["resident"])] for n in (first, after)]
    same = set(lines[0]) & set(lines[1])
    others = {
        (r["person_no"],)
        for night in (first, after)
        for i, r in enumerate(night["resident"])
        if (i, str(r)) not in same
    }
    assert len(others) < len(first["resident"])
    told = {"silver.base_resident": local_rows(spark, sorted(others), "person_no string")}
    registry: dict[str, DataFrame] = {}
    for table, builder in BUILDERS.items():
        changed = frozenset(
            {"silver.base_resident", "silver.base_death_certificate", "registry.decision"}
        )
        before = Before(old.tables[table], changed, {t: partial(told.get, t) for t in told})
        ctx = SimpleNamespace(
            catalogue=catalogue, day=new.ctx.day, settings=SETTINGS, before=before,
            scratch=folder / table, key=new.ctx.key,
        )  # fmt: skip
        read = new.inputs if table == "registry.person_source" else registry
        patch = builder(spark, read, ctx)[table]
        assert isinstance(patch, Patch), table
        registry[table] = patch.rest(before.rows).unionByName(patch.rows).cache()
        assert _content(registry[table]) == _content(new.tables[table]), table
        told[table] = patch.told


def _disputed(made: SimpleNamespace) -> set[str]:
    return {r["id_no"] for r in made.person.where("is_disputed").collect()}


def _content(rows: DataFrame) -> list[str]:
    return sorted(json.dumps(r.asDict(recursive=True), default=str, sort_keys=True)
                  for r in rows.collect())  # fmt: skip


PAIRS = [f"142325196001010{k}1" for k in (11, 13, 15, 17)]
TWINS = ["142325196001010416", "142325196001010432"]
NUMBER_OF_TWO = "142325196001010459"
HOME = {"sex": "1", "birth_date": "1960-01-01", "division_code": "141123100001"}


def second(no: str, name: str, id_no: str, address: str, **more: Any) -> dict:  # type: ignore[type-arg]
    return resident(no, name, id_no, **{**HOME, "hukou_address": address, **more})


def test_one_person_with_two_registrations_is_asked_about_once_and_namesakes_are_not(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    people = [
        second("1", "王小明", A, "兴县蔚汾镇一村1号"),
        second("2", "王小明", B, "兴县蔚汾镇 一村1号", household_no="J1"),
        second("3", "王小明", D, "兴县蔚汾镇二村7号"),  # a namesake of the same day and village
        second("4", "李建国", E, "兴县蔚汾镇一村2号"),
        second("5", "李建军", F18, "兴县蔚汾镇一村2号"),  # its twin
    ]
    made = build(spark, catalogue, resident=people)
    asked = made.conflicts.where("attribute = 'second_registration'").collect()
    pid = {r["id_no"]: r["person_id"] for r in made.person.collect()}
    assert [{r["value_a"], r["value_b"]} for r in asked] == [{pid[A], pid[B]}]
    assert asked[0]["owner"] == "市公安局" and "户籍地址相同" in asked[0]["detail_zh"]
    text = " ".join(str(v) for v in asked[0].asDict().values())
    assert A not in text and B not in text, "a ticket names no number"
    disputed = {r["person_id"]: r["is_disputed"] for r in made.person.collect()}
    assert {p for p, d in disputed.items() if d} == {pid[A], pid[B]}


def test_a_sign_that_many_share_is_none(spark: SparkSession, catalogue: Catalogue) -> None:
    people = [second(str(k), "王小明", n, "兴县蔚汾镇一村") for k, n in enumerate((A, B, D, E))]
    made = build(spark, catalogue, resident=people)
    assert made.conflicts.where("attribute = 'second_registration'").count() == 0


def test_a_department_finds_two_registrations_to_be_one_person(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    people = [second("1", "王小明", A, "一村1号"), second("2", "王小明", B, "一村1号")]
    first, other = sorted([person_id(A), person_id(B)])  # as the question names them
    answer = ("t1", 1, "registry.person", first, "second_registration", first, other, "CORRECTED",
              "同一人", day("2024-03-01"), at("2024-03-01"), None)  # fmt: skip
    asked = build(spark, catalogue, resident=people).conflicts.collect()
    made = build(spark, catalogue, [answer], resident=people)
    (still,) = made.conflicts.collect()
    same = ("entity", "attribute", "value_a", "value_b", "evidence_a", "evidence_b")
    assert {still[c] for c in same} == {asked[0][c] for c in same}, "until the register follows"
    now_ = made.person.where("known_to IS NULL AND valid_to IS NULL").collect()
    assert [(r["id_no"], r["is_disputed"]) for r in now_] == [(A, False)]
    assert {r["person_id"] for r in now_} == {person_id(A)}
    redirects = build_redirects(spark, made.tables, made.ctx)["registry.person_redirect"].collect()
    assert [(r["person_id"], r["into_person_id"]) for r in redirects] == [
        (person_id(B), person_id(A))
    ]
    ids = build_ids(spark, made.tables, made.ctx)["registry.person_id_history"]
    mine = ids.where(f"known_to IS NULL AND person_id = '{person_id(A)}'").collect()
    assert {(r["id_no"], r["reason"]) for r in mine} == {
        (A, "首次"), (B, "重号更换")
    }  # fmt: skip


def test_a_registration_cancelled_as_a_repetition_is_the_person_whose_number_stays(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    made = build(
        spark,
        catalogue,
        resident=[second("1", "王小明", A, "一村1号"), second("2", "王小明", B, "一村1号")],
        resident_change=[
            {"change_no": "9", "person_no": "2", "change_type": "11", "changed_on": "2024-03-01",
             "name": "王小明", "id_no": B, "old_value": B, "new_value": A, "on": "2024-03-02"},
        ],
    )  # fmt: skip
    rows = made.person.where("known_to IS NULL AND valid_to IS NULL").collect()
    assert [(r["id_no"], r["status"]) for r in rows] == [(A, "在籍")]


def test_a_decided_value_is_served_and_the_ticket_keeps_its_evidence(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    rows: dict[str, list[Any]] = {
        "resident": [resident("1", "王小明", A, ethnicity="01")],
        "medical_insurance": [
            {"personal_no": "Y", "name": "王小明", "id_no": A, "ethnicity": "03",
             "on": "2024-02-01"}
        ],
    }  # fmt: skip
    before = build(spark, catalogue, **rows).conflicts.collect()
    answer = ("t1", 1, "registry.person", person_id(A), "ethnicity", "01", "03", "CORRECTED",
              "蒙古族", day("2024-03-01"), at("2024-03-01"), None)  # fmt: skip
    made = build(spark, catalogue, [answer], **rows)
    (row,) = made.person.where("known_to IS NULL AND valid_to IS NULL").collect()
    assert (row["ethnicity"], row["is_disputed"]) == ("02", False)
    assert '"ethnicity":["registry.decision","decided"]' in row["sources"]
    assert made.conflicts.collect() == before, "until the sources follow it is the same question"


def test_the_reasons_of_numbers_are_those_of_the_register(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    old = C[:6] + C[8:17]
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "赵敏", C, id_no_delivered=old), resident("2", "王小明", A)],
        resident_change=[
            {"change_no": "8", "person_no": "1", "change_type": "07", "changed_on": "2024-03-01",
             "name": "赵敏", "id_no": C, "id_no_delivered": C, "on": "2024-03-02"},
            {"change_no": "9", "person_no": "2", "change_type": "06", "changed_on": "2024-03-01",
             "name": "王小明", "id_no": B, "id_no_delivered": B, "on": "2024-03-02"},
        ],
    )  # fmt: skip
    ids = build_ids(spark, made.tables, made.ctx)["registry.person_id_history"]
    found = {(r["id_no"], str(r["valid_to"]), r["reason"])
             for r in ids.where("known_to IS NULL").collect()}  # fmt: skip
    assert found == {
        (old, "2024-03-01", "首次"), (C, "None", "15升18"),
        (A, "2024-03-01", "首次"), (B, "None", "纠错"),
    }  # fmt: skip


def test_a_department_finds_that_a_source_speaks_of_somebody_else(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    rows: dict[str, list[Any]] = {
        "resident": [resident("1", "王小明", A)],
        "medical_insurance": [
            {"personal_no": "Y", "name": "王小名", "id_no": A, "phone": "1", "on": "2024-02-01"}
        ],
    }

    def answer(known_to: str | None) -> tuple[Any, ...]:
        return ("t1", 1, "registry.person", person_id(A), "name", "王小明", "王小名", "CORRECTED",
                "两人", day("2024-03-01"), at("2024-03-01"), known_to and at(known_to))  # fmt: skip

    apart = build(spark, catalogue, [answer(None)], **rows)
    assert now(apart.person) == {"王小明": (A, False), "王小名": (None, False)}
    assert apart.conflicts.count() == 0
    before = apart.person.where("known_to IS NOT NULL").collect()
    assert ("王小明", "1") in {(r["name"], r["phone"]) for r in before}, "until it was known"
    undone = build(spark, catalogue, [answer("2024-04-01")], **rows)
    assert now(undone.person) == {"王小明": (A, True)}
    (row,) = undone.person.where("known_to IS NULL AND valid_to IS NULL").collect()
    assert row["phone"] == "1"


def test_a_registration_with_a_mistyped_number_is_the_person_whom_others_know_by_it(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    who = {"sex": "1", "birth_date": "1960-01-01", "county_code": "141123000000"}
    wrong = A[:16] + "71" if A[16] != "7" else A[:16] + "81"
    made = build(
        spark,
        catalogue,
        resident=[
            resident("1", "王小明", None, id_no_delivered=A[:17] + "5", **who),
            resident("2", "李建国", None, id_no_delivered=wrong, **who),
        ],
        medical_insurance=[
            {"personal_no": "Y1", "name": "王小明", "id_no": A, "on": "2024-02-01", **who}
        ],
    )
    assert now(made.person) == {"王小明": (A, False), "李建国": (None, False)}
    (status,) = {r["status"] for r in made.person.where(f"id_no = '{A}'").collect()}
    assert status == "在籍"


def test_a_sensitive_row_with_a_mistyped_number_is_a_candidate(
    spark: SparkSession, catalogue: Catalogue
) -> None:
    who = {"sex": "1", "birth_date": "1960-01-01", "county_code": "141123000000"}
    row = {"name": "王小明", "id_no_delivered": A[:17] + "5", "on": "2024-02-01", **who}
    made = build(
        spark,
        catalogue,
        resident=[resident("1", "王小明", A, **who)],
        disability=[{"certificate_no": "D1", "status": "1", **row}],
        medical_insurance=[{"personal_no": "Y1", **row}],
    )
    said = {r["source"]: r for r in made.source.collect()}
    mine = said["base.resident"]["person_id"]
    linked, asked = said["base.medical_insurance"], said["base.disability"]
    assert (linked["person_id"], linked["match_rule"]) == (mine, "number_mistyped")
    assert (asked["person_id"], asked["match_rule"]) == (None, "candidate")
    assert asked["candidate_person_id"] == mine
