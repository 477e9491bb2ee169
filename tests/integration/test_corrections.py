"""What a later delivery does to what an earlier one said: modes, histories, order (P3, P5, P6)."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from onesource.contracts.load import load_catalogue
from onesource.lake import ops
from onesource.lake.manifest import read_manifest
from onesource.run.ledger import states
from onesource.run.plan import build_graph
from onesource.run.release_reasons import reasons
from tests.integration.small_city import SmallCity, feed, field, key, make_city

pytestmark = pytest.mark.usefixtures("spark")

BY_COUNTY = feed(
    "energy.output",
    [
        key("county", origin={"from": "file_name", "group": "county"}),
        key("month", origin={"from": "file_name", "group": "month"}),
        key("mine"),
        field("tonnes", "number", physicalType="decimal(12,2)"),
    ],
    pattern=r"output_(?P<county>\d{6})_(?P<month>\d{6}).*\.csv",
    correction="replace",
    replace_scope=["county", "month"],
    zero_allowed=True,
)
UPSERT = feed(
    "base.thing",
    [key("id"), field("name"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
)


def said(city: SmallCity, table: str) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in city.rows(table)]


def conserved(city: SmallCity, table: str) -> None:
    """P3: rows delivered = accepted + quarantined + superseded in the file, for every delivery."""
    found = states(city.settings)[table].deliveries
    assert found
    for row in found.values():
        assert row["delivered"] == row["accepted"] + row["quarantined"] + row["superseded"]


def test_one_countys_file_replaces_only_its_countys_month(tmp_path: Path) -> None:
    city = make_city(tmp_path, BY_COUNTY)
    city.deliver("output_141126_202401.csv", "mine,tonnes\nA,1\nB,2\n")
    city.deliver("output_141127_202401.csv", "mine,tonnes\nC,3\n")
    city.run()
    city.deliver("output_141126_202401_again.csv", "mine,tonnes\nA,10\n")
    assert city.run().exit_code == 0
    rows = [(r["county"], r["mine"], str(r["tonnes"])) for r in city.rows("silver.energy_output")]
    assert rows == [("141126", "A", "10.00"), ("141127", "C", "3.00")]
    conserved(city, "silver.energy_output")


def test_a_release_says_what_came_and_what_was_corrected(tmp_path: Path) -> None:
    city = make_city(tmp_path, BY_COUNTY)
    city.deliver("output_141126_202401.csv", "mine,tonnes\nA,1\n")
    city.run()
    before = read_manifest(city.settings).at
    assert why(city, None) == [] == why(city, before)
    city.deliver("output_141126_202401_again.csv", "mine,tonnes\nA,10\n")
    city.deliver("output_141127_202401.csv", "mine,tonnes\nC,3\n")
    assert why(city, before) == []  # not served yet
    city.run()
    (sentence,) = why(city, before)
    assert "新到 2 份报送，其中更正 1 处（141126 " in sentence
    assert why(city, read_manifest(city.settings).at) == []


def why(city: SmallCity, since: str | None) -> list[str]:
    graph = build_graph(city.settings, load_catalogue(city.settings.schemas))
    manifest, state = read_manifest(city.settings), states(city.settings)
    found = reasons(city.settings, graph, manifest, state, since)
    return found["silver.energy_output"]


def test_a_then_b_then_a_again_ends_in_a(tmp_path: Path) -> None:
    city = make_city(tmp_path, BY_COUNTY)
    a, b = "mine,tonnes\nA,1\n", "mine,tonnes\nA,2\n"
    assert city.deliver("output_141126_202401.csv", a).status == "taken"
    assert city.deliver("output_141126_202401_other_name.csv", a).status == "known"
    assert city.deliver("output_141126_202401.csv", b).status == "taken"
    assert city.deliver("output_141126_202401.csv", a).status == "taken"
    city.run()
    assert [str(r["tonnes"]) for r in city.rows("silver.energy_output")] == ["1.00"]


def test_an_empty_report_is_a_statement_where_the_contract_allows_it(tmp_path: Path) -> None:
    city = make_city(tmp_path, BY_COUNTY)
    city.deliver("output_141126_202401.csv", "mine,tonnes\nA,1\n")
    city.deliver("output_141127_202401.csv", "mine,tonnes\nC,3\n")
    city.run()
    assert city.deliver("output_141126_202401.csv", "mine,tonnes\n").status == "taken"
    assert city.run().exit_code == 0
    assert [r["mine"] for r in city.rows("silver.energy_output")] == ["C"]


def test_the_latest_statement_again_changes_nothing(tmp_path: Path) -> None:
    city = make_city(tmp_path, UPSERT)
    city.deliver("thing_20240101.csv", "id,name,size\n1,a,1\n2,b,2\n")
    city.run()
    before = city.digest("silver.base_thing")
    events = len(list(ops.rows(city.settings, "steps")))
    assert city.deliver("thing_20240101_copy.csv", "id,name,size\n1,a,1\n2,b,2\n").status == "known"
    report = city.run()
    assert report.served == ()
    assert city.digest("silver.base_thing") == before
    assert len(list(ops.rows(city.settings, "steps"))) == events


def test_statement_time_decides_in_whatever_order_deliveries_are_processed(tmp_path: Path) -> None:
    files = {
        "thing_20240101.csv": "id,name,size\n1,a,1\n2,b,2\n",
        "thing_20240103.csv": "id,name,size\n1,a,3\n3,c,3\n",
        "thing_20240102.csv": "id,name,size\n1,a,2\n3,c,2\n4,d,\n",
    }
    digests = set()
    for n, order in enumerate(permutations(files)):
        city = make_city(tmp_path / str(n), UPSERT)
        for name in order:
            city.deliver(name, files[name])
            if n % 2:  # in one run, or each in its own
                city.run()
        city.run()
        digests.add(city.digest("silver.base_thing"))
        rows = said(city, "silver.base_thing")
    assert rows == [("1", "a", 3), ("2", "b", 2), ("3", "c", 3), ("4", "d", None)]
    assert len(digests) == 1


def test_a_deleted_key_is_not_brought_back_by_an_older_row(tmp_path: Path) -> None:
    contract = feed(
        "base.person_like",
        [key("id"), field("name"), field("op")],
        pattern=r"log_(?P<day>\d{8}).*\.csv",
        statement_time={"from": "file_name", "group": "day"},
        correction="change_log",
        change_type={"field": "op"},
    )
    files = {
        "log_20240101.csv": "id,name,op\n1,a,I\n2,b,I\n",
        "log_20240102.csv": "id,name,op\n1,a,D\n",
        "log_20240103.csv": "id,name,op\n2,bb,U\n3,c,新增\n",
    }
    digests = set()
    for n, order in enumerate((list(files), list(files)[::-1])):
        city = make_city(tmp_path / str(n), contract)
        for name in order:
            city.deliver(name, files[name])
            city.run()
        digests.add(city.digest("silver.base_person_like"))
        assert [(r["id"], r["name"]) for r in city.rows("silver.base_person_like")] == [
            ("2", "bb"),
            ("3", "c"),
        ]
    assert len(digests) == 1


def test_a_negative_row_cancels_its_original_even_when_it_comes_first(tmp_path: Path) -> None:
    contract = feed(
        "base.payment",
        [key("id"), field("person"), field("yuan", "number", physicalType="decimal(12,2)")],
        pattern=r"pay_(?P<day>\d{8}).*\.csv",
        statement_time={"from": "file_name", "group": "day"},
        correction="reversal",
        reversal={"amount": "yuan", "match": ["person"]},
    )
    files = {
        "pay_20240101.csv": "id,person,yuan\n1,P,10\n2,P,10\n3,Q,5\n",
        "pay_20240102.csv": "id,person,yuan\n4,P,-10\n5,Q,-7\n",
        "pay_20240103.csv": "id,person,yuan\n6,Q,7\n",
    }
    digests = set()
    for n, order in enumerate(permutations(files)):
        city = make_city(tmp_path / str(n), contract)
        for name in order:
            city.deliver(name, files[name])
            if n < 2:
                city.run()
        city.run()
        digests.add(city.digest("silver.base_payment"))
        assert [r["id"] for r in city.rows("silver.base_payment")] == ["2", "3"]
    assert len(digests) == 1


def test_a_full_snapshot_closes_what_it_no_longer_holds(tmp_path: Path) -> None:
    contract = feed(
        "base.unit",
        [key("code"), field("name")],
        history="bitemporal",
        pattern=r"unit_(?P<day>\d{8})\.csv",
        statement_time={"from": "file_name", "group": "day"},
        correction="replace",
    )
    files = {
        "unit_20200101.csv": "code,name\n1,a\n2,b\n",
        "unit_20220101.csv": "code,name\n1,a\n3,c\n",
        "unit_20210101.csv": "code,name\n1,a\n2,B\n",
    }
    for n, order in enumerate(permutations(files)):
        city = make_city(tmp_path / str(n), contract)
        for name in order:
            city.deliver(name, files[name])
            if n % 2:
                city.run()
        city.run()
        now = [
            (r["code"], r["name"], r["valid_from"], r["valid_to"])
            for r in city.rows("silver.base_unit")
            if r["known_to"] is None
        ]
        assert now == [
            ("1", "a", date(2020, 1, 1), None),
            ("2", "B", date(2021, 1, 1), date(2022, 1, 1)),
            ("2", "b", date(2020, 1, 1), date(2021, 1, 1)),
            ("3", "c", date(2022, 1, 1), None),
        ]


def test_a_full_that_is_cut_short_is_held_and_nobody_departs(tmp_path: Path) -> None:
    contract = feed(
        "base.unit",
        [key("code"), field("name")],
        history="bitemporal",
        pattern=r"unit_(?P<county>\d{6})_(?P<day>\d{8})\.csv",
        statement_time={"from": "file_name", "group": "day"},
        correction="replace",
        replace_scope=["county"],
        max_missing_share=0.1,
    )
    city = make_city(tmp_path, contract)

    def full(county: int, day: int, codes: range) -> None:
        rows = "".join(f"{county}{c},a\n" for c in codes)
        city.deliver(f"unit_1411{county}_202401{day}.csv", f"code,name\n{rows}")

    full(26, 10, range(100))
    full(27, 10, range(100))
    assert city.run().exit_code == 0
    full(26, 20, range(60))  # forty are missing
    full(27, 20, range(5, 101))  # five have gone, one came
    report = city.run()
    assert report.exit_code == 3
    [(_, why)] = next(r for r in report.results if r.table == "silver.base_unit").held.values()
    assert "lacks 40 of the 100 records" in why
    open_now = [r["code"] for r in city.rows("silver.base_unit")
                if r["valid_to"] is None and r["known_to"] is None]  # fmt: skip
    assert sum(c.startswith("26") for c in open_now) == 100
    assert sum(c.startswith("27") for c in open_now) == 96
    full(26, 21, range(100))
    assert city.run().exit_code == 0


def test_what_was_believed_before_a_late_statement_is_still_there(tmp_path: Path) -> None:
    contract = feed(
        "base.unit",
        [key("code"), field("name")],
        history="bitemporal",
        pattern=r"unit_(?P<day>\d{8})\.csv",
        statement_time={"from": "file_name", "group": "day"},
        correction="replace",
    )
    city = make_city(tmp_path, contract)
    city.deliver("unit_20200101.csv", "code,name\n2,b\n")
    city.deliver("unit_20220101.csv", "code,name\n2,b\n")
    city.deliver("unit_20210101.csv", "code,name\n9,z\n")
    city.run()
    rows = [r for r in city.rows("silver.base_unit") if r["code"] == "2"]
    believed = [r for r in rows if r["known_to"] is not None]
    assert [(r["valid_from"], r["valid_to"]) for r in believed] == [(date(2020, 1, 1), None)]
    assert [(r["valid_from"], r["valid_to"]) for r in rows if r["known_to"] is None] == [
        (date(2020, 1, 1), date(2021, 1, 1)),
        (date(2022, 1, 1), None),
    ]
    assert believed[0]["known_to"] == rows[-1]["known_from"]


def test_one_state_a_period_is_kept_and_only_that_period_is_corrected(tmp_path: Path) -> None:
    contract = feed(
        "base.stock",
        [
            key("month", origin={"from": "file_name", "group": "month"}),
            key("id"),
            field("n", "integer"),
        ],
        history="snapshot",
        properties={"period": "month"},
        pattern=r"stock_(?P<month>\d{6}).*\.csv",
        correction="replace",
    )
    city = make_city(tmp_path, contract)
    city.deliver("stock_202401.csv", "id,n\n1,1\n2,2\n")
    city.deliver("stock_202402.csv", "id,n\n1,5\n")
    city.run()
    city.deliver("stock_202401_corrected.csv", "id,n\n1,7\n")
    city.run()
    assert said(city, "silver.base_stock") == [("202401", "1", 7), ("202402", "1", 5)]


def test_a_row_with_a_bad_key_goes_to_quarantine_and_a_bad_value_leaves_an_issue(
    tmp_path: Path,
) -> None:
    city = make_city(
        tmp_path,
        feed(
            "base.thing",
            [key("id", "integer"), field("name"), field("size", "integer")],
            pattern=r"thing_.*\.csv",
            max_quarantine_share=0.5,
        ),
    )
    city.deliver("thing_1.csv", "id,name,size\n1,a,x\n,b,2\n3,c,3\n3,cc,4\n")
    assert city.run().exit_code == 0
    assert said(city, "silver.base_thing") == [(1, "a", None), (3, "cc", 4)]
    conserved(city, "silver.base_thing")
    counts = next(iter(states(city.settings)["silver.base_thing"].deliveries.values()))
    assert (counts["quarantined"], counts["superseded"]) == (1, 1)


def test_one_bad_delivery_is_held_and_the_others_go_on(tmp_path: Path) -> None:
    city = make_city(tmp_path, BY_COUNTY)
    city.deliver("output_141126_202401.csv", "mine,tonnes\nA,1\n")
    city.deliver("output_141127_202401.csv", "mine,tonnes\n,3\n,4\n")
    report = city.run()
    assert report.exit_code == 3
    assert [r["mine"] for r in city.rows("silver.energy_output")] == ["A"]
    assert city.run().exit_code == 3, "a delivery that is held stays held"
    city.deliver("output_141127_202401.csv", "mine,tonnes\nC,3\n")
    city.run()
    assert [r["mine"] for r in city.rows("silver.energy_output")] == ["A", "C"]
