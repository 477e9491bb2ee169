"""Organisations from tiny tables of silver: who is who, what held when. All data are made up."""

from __future__ import annotations

import json
import tempfile
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from onesource.contracts.load import load_catalogue
from onesource.registry.organisation import histories, links, states
from onesource.registry.patch import Before, Patch
from onesource.spark.local import local_rows

HOME = Path(__file__).parents[3]
A, B, C = "91141125MA0GTB9K08", "92141125MA0H111111", "91141125MA0J222222"
K1, K2, K3 = (datetime(2024, 1, d, 6) for d in (21, 22, 23))
FIELDS = (
    "subject_no string, uscc string, registration_no string, organisation_code string, "
    "tax_no string, name string, former_names string, org_type string, status string, "
    "registered_on date, cancelled_on date, capital_yuan decimal(20,2), address string, "
    "county_code string, parent_uscc string, change_type string, predecessor_uscc string, "
    "successor_uscc string, succession_share decimal(6,4), valid_from date, valid_to date, "
    "known_from timestamp, known_to timestamp, _delivery_id string, _line bigint"
)
TAX = "tax_no string, uscc string, name string, county_code string, month string, " \
    "declared_yuan decimal(20,2), _received_at timestamp, _order string"  # fmt: skip
NAMES = [f.split()[0] for f in FIELDS.split(", ")]


def firm(number: str, uscc: str | None, name: str, **more: Any) -> Row:
    row: dict[str, Any] = dict.fromkeys(NAMES) | {
        "subject_no": number, "uscc": uscc, "name": name, "org_type": "1100", "status": "存续",
        "county_code": "141125000000", "registered_on": date(2010, 5, 1),
        "valid_from": date(2020, 1, 1), "known_from": K1, "_delivery_id": "d1", "_line": 2,
    }  # fmt: skip
    return Row(**row | more)


def declared(tax_no: str, uscc: str | None, name: str, amount: int, month: str = "2023-12") -> Row:
    return Row(tax_no=tax_no, uscc=uscc, name=name, county_code="141125000000", month=month,
               declared_yuan=amount, _received_at=K1, _order=month)  # fmt: skip


@pytest.fixture(scope="module")
def ctx() -> Any:
    return context(load_catalogue(HOME / "schemas", odcs=False), None, "whole")


def context(catalogue: Any, before: Before | None, name: str) -> Any:
    scratch = Path(tempfile.mkdtemp(prefix=name.replace(".", "-")))
    return SimpleNamespace(
        catalogue=catalogue, day=date(2024, 2, 1), settings=None, before=before, scratch=scratch
    )


def frame(spark: SparkSession, rows: list[Row], schema: str) -> DataFrame:
    names = [f.split()[0] for f in schema.split(", ")]

    def cell(n: str, v: Any) -> Any:
        return Decimal(v) if isinstance(v, int | float) and n.endswith(("yuan", "share")) else v

    return local_rows(spark, [tuple(cell(n, r[n]) for n in names) for r in rows], schema)


SOURCE = "registry.organisation_source"
# In the order in which a run builds them.
BUILDERS = {
    SOURCE: links.build,
    "registry.organisation": states.build,
    "registry.organisation_id_history": histories.build_ids,
    "registry.organisation_name_history": histories.build_names,
    "registry.organisation_event": histories.build_events,
    "registry.organisation_relation": histories.build_relations,
}


class Built:
    """The tables, built whole."""

    def __init__(
        self, spark: SparkSession, ctx: Any, rows: list[Row], tax: list[Row], **more: DataFrame
    ) -> None:
        self.inputs = {"silver.base_enterprise": frame(spark, rows, FIELDS)}
        if tax:
            self.inputs["silver.base_org_tax"] = frame(spark, tax, TAX)
        self.inputs |= {f"silver.{name}": rows for name, rows in more.items()}
        self.tables: dict[str, DataFrame] = {}
        for table, build in BUILDERS.items():
            own = context(ctx.catalogue, None, table)
            made = build(spark, {**self.inputs, **self.tables}, own)
            self.tables[table] = made[table].cache()
            if "conflicts" in made:
                self.asked = made["conflicts"](self.tables[table])
        self.source = {(r.feed, r.source_key): r for r in self.tables[SOURCE].collect()}
        self.states = self.tables["registry.organisation"].collect()
        self.questions = self.asked.collect()
        self.relations = self.tables["registry.organisation_relation"].collect()
        self.names = self.tables["registry.organisation_name_history"].collect()
        self.ids = self.tables["registry.organisation_id_history"].collect()
        self.events = self.tables["registry.organisation_event"].collect()

    def of(self, number: str) -> list[Any]:
        return [r for r in self.states if r.source_key == number]


@pytest.fixture(scope="module")
def built(spark: SparkSession, ctx: Any) -> Built:
    rows = [
        # Renamed in January 2024: believed open until the second night.
        firm("S1", A, "柳林甲商贸有限公司", valid_from=date(2020, 1, 1), known_to=K2),
        firm("S1", A, "柳林甲商贸有限公司", valid_to=date(2024, 1, 21), known_from=K2),
        firm("S1", A, "柳林乙商贸有限公司", former_names="柳林甲商贸有限公司", change_type="更名",
             valid_from=date(2024, 1, 21), known_from=K2),
        # A sole trader becomes a company.
        firm("S2", B, "柳林县丙饭店", org_type="9500", status="注销", change_type="转企",
             successor_uscc=C, cancelled_on=date(2023, 6, 1), registration_no="141125600000017"),
        firm("S3", C, "柳林丙餐饮有限公司", change_type="转企", predecessor_uscc=B,
             registered_on=date(2023, 6, 1), valid_from=date(2023, 6, 1)),
        # Two subjects with one code: the first is S1's again, the second somebody else's.
        firm("S4", A, "柳林乙商贸有限公司", registered_on=date(2015, 1, 1)),
        firm("S5", A, "柳林丁物流有限公司", registered_on=date(2016, 1, 1)),
        firm("S6", None, "柳林戊焦化有限公司"),
        firm("S7", "91141125MA0K333333", "柳林乙商贸有限公司柳林第1分公司", org_type="2100",
             parent_uscc=A),
        # Two of one name in the county: the name decides nothing.
        firm("S8", "92141125MA0L444444", "柳林县己小吃店", org_type="9500"),
        firm("S9", "92141125MA0M555555", "柳林县己小吃店", org_type="9500"),
    ]  # fmt: skip
    tax = [
        declared("T1", A, "柳林甲商贸有限公司", 5000),
        declared("T2", B, "柳林县丙饭店", 900),
        declared("T6", "91141125MA0N666666", "柳林戊 焦化有限公司", 0),
        declared("T8", None, "柳林县己小吃店", 700),
        declared("T9", None, "临县庚小吃店", 700),
    ]
    return Built(spark, ctx, rows, tax)


def test_renaming_keeps_the_thing_and_its_past(built: Built) -> None:
    rows = built.of("S1")
    assert len({r.org_id for r in rows}) == 1
    now = [r for r in rows if r.known_to is None]
    assert [r.name[2] for r in sorted(now, key=lambda r: r.valid_from)][-1] == "乙"
    then = [r for r in rows if r.known_from <= K1 and (r.known_to is None or r.known_to > K1)]
    assert {r.name[2] for r in then} == {"甲"}


def test_the_first_state_is_carried_back_to_the_registration(built: Built) -> None:
    first = min(built.of("S1"), key=lambda r: r.valid_from)
    assert first.valid_from == date(2010, 5, 1)
    assert "carried back" in first.sources


def test_states_leave_no_hole_and_no_overlap(built: Built) -> None:
    for number in {r.source_key for r in built.states}:
        for known in (K1, K2, K3):
            row = sorted(
                (r.valid_from, r.valid_to)
                for r in built.of(number)
                if r.known_from <= known and (r.known_to is None or known < r.known_to)
            )
            assert row, number
            for (_, end), (start, _) in pairwise(row):
                assert end == start


def test_a_second_subject_with_the_same_name_is_the_same(built: Built) -> None:
    assert built.source["base.enterprise", "S4"].org_id == built.of("S1")[0].org_id
    assert built.of("S4") == []


def test_one_code_with_two_names_stays_two_and_is_a_question(built: Built) -> None:
    (other,) = built.of("S5")
    assert other.uscc is None and other.is_disputed
    assert [q.entity for q in built.questions if q.attribute == "uscc"] == [other.org_id]


def test_open_codes_are_unique(built: Built) -> None:
    codes = [r.uscc for r in built.states if r.valid_to is None and r.known_to is None and r.uscc]
    assert len(codes) == len(set(codes))


def test_tax_fills_a_code_that_the_register_lacks(built: Built) -> None:
    rows = built.of("S6")
    assert {r.uscc for r in rows} == {"91141125MA0N666666"}
    assert "fills null" in rows[0].sources


def test_a_name_that_two_have_or_in_no_county_decides_nothing(built: Built) -> None:
    assert built.source["base.org_tax", "T8"].org_id is None
    assert built.source["base.org_tax", "T9"].org_id is None


def test_declared_sales_make_it_active_and_none_make_it_inactive(built: Built) -> None:
    now = {r.source_key: r for r in built.states if r.valid_to is None and r.known_to is None}
    assert (now["S1"].is_active, now["S1"].active_reason) == (True, "tax")
    assert (now["S6"].is_active, now["S6"].active_reason) == (False, "none")
    assert now["S3"].is_active is None


def test_sales_after_it_was_struck_off_are_a_question(built: Built) -> None:
    asked = [q for q in built.questions if q.attribute == "status"]
    assert [(q.value_a, q.value_b) for q in asked] == [("注销", "申报")]
    assert asked[0].entity == built.of("S2")[0].org_id


def test_a_conversion_links_old_and_new_though_both_tell_it(built: Built) -> None:
    found = [(r.from_org_id, r.to_org_id) for r in built.relations if r.relation == "conversion"]
    assert found == [(built.of("S2")[0].org_id, built.of("S3")[0].org_id)]


def test_a_branch_belongs_to_its_firm_and_is_no_legal_person(built: Built) -> None:
    (branch,) = [r for r in built.relations if r.relation == "branch"]
    assert branch.to_org_id == built.of("S1")[0].org_id
    assert built.of("S7")[0].is_legal_person is False


def test_every_name_and_number_leads_to_the_thing(built: Built) -> None:
    org = built.of("S1")[0].org_id
    assert {n.name for n in built.names if n.org_id == org} == {
        "柳林甲商贸有限公司", "柳林乙商贸有限公司"
    }  # fmt: skip
    ids = {(i.id_type, i.id_no) for i in built.ids if i.org_id == built.of("S2")[0].org_id}
    assert {("uscc", B), ("registration_no", "141125600000017")} <= ids


def test_the_founding_is_an_event_though_only_its_day_is_told(built: Built) -> None:
    org = built.of("S1")[0].org_id
    assert {(e.event, e.happened_on) for e in built.events if e.org_id == org} >= {
        ("设立", date(2010, 5, 1)),
        ("更名", date(2024, 1, 21)),
    }


METER = "account_no string, name string, county_code string, month string, used_kwh double, " \
    "_received_at timestamp, _order string"  # fmt: skip
UNIT = "unit_no string, organisation_code string, name string, county_code string, year int, " \
    "industry_stat string, _received_at timestamp, _order string"  # fmt: skip
D = "91141125MA0P777777"


def test_a_patch_makes_the_same_tables_as_building_all_of_them(
    spark: SparkSession, ctx: Any
) -> None:
    """Whatever a night brings: a new name, a second subject that takes a code from another, a
    number that becomes another's, a code that tax no longer fills in, sales of a month long gone,
    meters heard of late, and an organisation that nobody names any more."""
    still = [
        firm("S1", A, "柳林甲商贸有限公司"),
        firm("S2", B, "柳林县丙饭店", org_type="9500", status="停业", capital_yuan=500_000_000),
        firm("S3", None, "柳林戊焦化有限公司"),
        firm("S4", None, "柳林己煤业有限公司", organisation_code="12345678-5"),
        firm("S8", "92141125MA0L444444", "柳林县己小吃店", org_type="9500"),
    ]  # fmt: skip
    first = [
        *still,
        firm("S5", C, "柳林丁物流有限公司", capital_yuan=100),
        firm("S6", D, "柳林庚贸易有限公司", parent_uscc=A, org_type="2100"),
    ]
    after = [
        *still,
        firm("S5", C, "柳林丁物流有限公司", capital_yuan=100, known_to=K3),
        firm("S5", C, "柳林丁物流有限公司", capital_yuan=100, valid_to=date(2024, 1, 22),
             known_from=K3),
        firm("S5", C, "柳林辛物流有限公司", capital_yuan=1_000_000, known_from=K3,
             former_names="柳林丁物流有限公司；", change_type="更名", valid_from=date(2024, 1, 22)),
        # It was there before S6, and has its code: S6 goes on without one.
        firm("S0", D, "柳林壬贸易有限公司", registered_on=date(2001, 1, 1), known_from=K3),
        firm("S6", D, "柳林庚贸易有限公司", parent_uscc=A, org_type="2100"),
        # Two have the name that the meter knows; one has the code that tax filled in for S3.
        firm("S9", "91141125MA0N666666", "柳林县己小吃店", known_from=K3, predecessor_uscc=B,
             change_type="转企"),
        # The same subject as S1, of which nothing else changed.
        firm("S7", A, "柳林甲商贸有限公司", known_from=K3, registered_on=date(2015, 1, 1)),
    ]  # fmt: skip
    tax = [
        declared("T1", A, "柳林甲商贸有限公司", 5000),
        declared("T2", B, "柳林县丙饭店", 900),
        declared("T6", "91141125MA0N666666", "柳林戊 焦化有限公司", 0),
        declared("T7", "91141125MA0Q888888", "无此公司", 0),
    ]
    more = [*tax[:3], declared("T1", A, "柳林甲商贸有限公司", 70, month="2023-05")]
    more[-1] = Row(**more[-1].asDict() | {"_received_at": K3, "_order": "2024-01-23"})

    def meter(account: str, name: str, used: float, at: datetime) -> tuple[Any, ...]:
        return (account, name, "141125000000", "2024-01", used, at, "1")

    def unit(code: str, industry: str) -> tuple[Any, ...]:
        return ("U1", code, "甲", "141125000000", 2023, industry, K2, "1")

    meters = local_rows(spark, [meter("P8", "柳林县己小吃店", 3.0, K2)], METER)
    # Of nothing but the power company something is heard late, and of statistics nothing new.
    units = local_rows(spark, [unit("123456785", "B0610")], UNIT)
    late = local_rows(
        spark, [meter("P8", "柳林县己小吃店", 3.0, K2), meter("P2", "柳林县丙饭店", 9.0, K3)], METER
    )
    old = Built(spark, ctx, first, tax, base_power_account=meters, base_stat_unit=units)
    new = Built(spark, ctx, after, more, base_power_account=late, base_stat_unit=units)
    assert old.source["base.power_account", "P8"].org_id == old.of("S8")[0].org_id
    assert new.source["base.power_account", "P8"].org_id is None
    assert {r.uscc for r in old.of("S3")} == {"91141125MA0N666666"}
    assert {r.uscc for r in new.of("S3")} == {None}
    assert [r.uscc for r in new.of("S6")] == [None] and new.of("S6")[0].is_disputed
    assert {q.attribute for q in new.questions} == {"uscc", "capital_yuan", "status"}
    changed = frozenset(f"silver.base_{n}" for n in ("enterprise", "org_tax", "power_account"))
    same = _patched(spark, ctx.catalogue, old, new, changed)
    assert len(same.collect()) < len({r.org_id for r in new.states}), "S3's code, not S4"
    # The same night again: nothing is touched.
    assert _patched(spark, ctx.catalogue, new, new, changed).isEmpty()


def _patched(
    spark: SparkSession, catalogue: Any, old: Built, new: Built, changed: frozenset[str]
) -> DataFrame:
    """Builds the tables on from the old ones, and compares them with the new; returns `org_id` of
    the organisations that were touched."""
    tables: dict[str, DataFrame] = {}
    told: dict[str, DataFrame] = {}
    for table, build in BUILDERS.items():
        before = Before(old.tables[table], changed, {SOURCE: partial(told.get, SOURCE)})
        made = build(spark, {**new.inputs, **tables}, context(catalogue, before, table))
        patch = made[table]
        if isinstance(patch, Patch):
            tables[table] = patch.rest(before.rows).unionByName(patch.rows).cache()
        else:
            tables[table] = patch.cache()
            assert table == "registry.organisation_relation"
        assert _content(tables[table]) == _content(new.tables[table]), table
        if "conflicts" in made:
            assert _content(made["conflicts"](tables[table])) == _content(new.asked)
        if table == SOURCE:
            told[table] = patch.told.distinct().cache()
    return told[SOURCE]


def _content(rows: DataFrame) -> list[str]:
    return sorted(json.dumps(r.asDict(recursive=True), default=str, sort_keys=True)
                  for r in rows.collect())  # fmt: skip
