"""The run: what is skipped, held, restored, served, and what depends on what (P2, P4, P11)."""

from __future__ import annotations

import copy
import threading
from pathlib import Path

import pytest

from onesource.cli.status_page import sparkline, write_status_page
from onesource.lake import delta, ops
from onesource.lake.manifest import read_manifest, served_runs
from onesource.lake.paths import table_path
from onesource.run.engine import run
from onesource.run.nights import history
from onesource.run.preview import preview
from onesource.run.results import Status
from tests.integration.small_city import SmallCity, feed, field, key, make_city

pytestmark = pytest.mark.usefixtures("spark")

THING = feed(
    "base.thing",
    [key("id"), field("kind"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
)
TOTAL = (
    "SELECT kind, count(*) AS things_count, sum(size) AS size FROM silver.base_thing GROUP BY kind"
)
COLUMNS = [key("kind"), field("things_count", "integer"), field("size", "integer")]
SMALL = {
    "id": "sizes_are_small",
    "expectation": "expect_column_max_to_be_between",
    "kwargs": {"column": "size", "max_value": 100},
    "severity": "hold",
    "dimension": "accuracy",
    "owner": "provider",
    "zh": "过大",
    "en": "sizes must be small",
}


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    made = make_city(tmp_path, THING)
    made.curated("base.kind", TOTAL, COLUMNS)
    return made


def status(city: SmallCity, *words: str) -> dict[str, Status]:
    return {r.table: r.status for r in city.run(*words).results}


def test_a_second_run_with_nothing_new_does_nothing(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n2,a,2\n3,b,3\n")
    assert set(status(city).values()) == {Status.PASSED}
    assert [tuple(r.values()) for r in city.rows("curated.base_kind")] == [("a", 2, 3), ("b", 1, 3)]
    runs = served_runs(city.settings)
    assert set(status(city).values()) == {Status.UNCHANGED}
    assert served_runs(city.settings) == runs
    assert [p.action for p in preview(city.settings, [], None)] == ["nothing", "nothing"]


def test_a_held_batch_keeps_what_was_served_and_its_dependants_say_from_what_they_are(
    city: SmallCity,
) -> None:
    city.rules("silver.base_thing", [SMALL])
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    city.run()
    before = read_manifest(city.settings).tables
    city.deliver("thing_20240102.csv", "id,kind,size\n1,a,1000\n")
    report = city.run()
    assert report.exit_code == 3
    after = read_manifest(city.settings).tables
    assert after["silver.base_thing"].version == before["silver.base_thing"].version
    assert after["curated.base_kind"].inputs == {
        "silver.base_thing": before["silver.base_thing"].version
    }
    (held,) = [r for r in report.results if r.held]
    assert "sizes must be small" in next(iter(held.held.values()))[1]
    city.deliver("thing_20240103.csv", "id,kind,size\n1,b,7\n")
    city.run()
    assert [r["kind"] for r in city.rows("curated.base_kind")] == ["b"]


def test_a_version_that_fails_its_audit_is_restored(city: SmallCity) -> None:
    city.rules("silver.base_thing", [{**SMALL, "on": "table"}])
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    city.run()
    digest = city.digest("silver.base_thing")
    city.deliver("thing_20240102.csv", "id,kind,size\n2,a,1000\n")
    assert city.run().exit_code == 3
    assert city.digest("silver.base_thing") == digest
    path = table_path(city.settings, city.contract("silver.base_thing"))
    served = read_manifest(city.settings).tables["silver.base_thing"].version
    assert (delta.latest_version(path) or 0) > served, "the bad version and its restore are history"
    city.deliver("thing_20240103.csv", "id,kind,size\n3,c,3\n")
    city.run()
    assert [r["id"] for r in city.rows("silver.base_thing")] == ["1", "3"]


def test_a_curated_table_that_fails_its_gate_keeps_its_served_version(city: SmallCity) -> None:
    city.rules("curated.base_kind", [SMALL])
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,60\n")
    assert city.run().exit_code == 0
    city.deliver("thing_20240102.csv", "id,kind,size\n2,a,60\n")
    report = city.run()
    assert report.exit_code == 3
    assert [r["size"] for r in city.rows("curated.base_kind")] == [60]
    assert city.run().exit_code == 3, "what is held stays held until its input changes"


def test_a_field_that_the_contract_learns_is_read_from_old_deliveries_too(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size,colour\n1,a,1,red\n")
    city.run()
    fields = [key("id"), field("kind"), field("size", "integer"), field("colour")]
    city.write({**THING, "schema": [{**THING["schema"][0], "properties": fields}]})
    city.run()
    assert city.rows("silver.base_thing")[0]["colour"] == "red"


def test_a_renamed_field_keeps_what_was_delivered_under_its_old_name(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,7\n")
    city.run()
    extent = field("extent", "integer", aliases=["size"])
    fields = [key("id"), field("kind"), extent]
    city.write({**THING, "schema": [{**THING["schema"][0], "properties": fields}]})
    city.deliver("thing_20240102.csv", "id,kind,extent\n2,a,8\n")
    city.run("feed:base.thing")
    found = [(r["id"], r["extent"]) for r in city.rows("silver.base_thing")]
    assert found == [("1", 7), ("2", 8)]


def test_another_rule_for_rows_that_are_no_data_counts_old_deliveries_anew(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,7\n合计,,7\n")
    city.run()
    assert len(city.rows("silver.base_thing")) == 2
    changed = copy.deepcopy(THING)
    for p in changed["customProperties"]:
        if p["property"] == "delivery":
            p["value"]["skip_rows"] = "^合计"
    city.write(changed)
    assert city.run("feed:base.thing").exit_code == 0
    assert [r["id"] for r in city.rows("silver.base_thing")] == ["1"]


def test_only_what_is_selected_runs_and_plus_adds_what_depends_on_it(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    assert set(status(city, "feed:base.thing")) == {"silver.base_thing"}
    assert set(status(city, "silver.base_thing+")) == {"silver.base_thing", "curated.base_kind"}
    assert "curated.base_kind" in read_manifest(city.settings).tables


def test_through_bronze_reads_and_serves_nothing(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    run(city.settings, through="bronze")
    assert read_manifest(city.settings).tables == {}
    assert set(status(city).values()) == {Status.PASSED}


def test_a_table_without_its_input_waits(city: SmallCity) -> None:
    assert set(status(city).values()) == {Status.WAITING}


def test_an_earlier_run_can_still_be_read(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    first = city.run().run
    city.deliver("thing_20240102.csv", "id,kind,size\n1,z,9\n")
    city.run()
    then = read_manifest(city.settings, first).tables["silver.base_thing"].version
    assert then < read_manifest(city.settings).tables["silver.base_thing"].version


def test_two_runs_at_once_do_each_thing_once(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n2,b,2\n")
    threads = [threading.Thread(target=city.run) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(city.rows("silver.base_thing")) == 2
    steps = [e for e in ops.rows(city.settings, "steps") if e["table"] == "silver.base_thing"]
    assert len(steps) == 1


def test_kept_bytes_that_were_changed_are_not_read(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    (kept,) = (city.settings.root("landing") / "base" / "thing").glob("*/payload.csv")
    kept.chmod(0o644)
    kept.write_text("id,kind,size\n1,a,9\n")
    city.deliver("thing_20240102.csv", "id,kind,size\n2,b,2\n")
    report = city.run()
    assert report.exit_code == 3
    assert [r["id"] for r in city.rows("silver.base_thing")] == ["2"]
    held = next(r for r in report.results if r.table == "silver.base_thing").held
    assert len(held) == 1 and kept.parent.name in held
    events = len(list(ops.rows(city.settings, "steps")))
    assert city.run().exit_code == 3, "it is tried again, and stays held"
    assert len(list(ops.rows(city.settings, "steps"))) == events
    kept.write_text("id,kind,size\n1,a,1\n")
    assert city.run().exit_code == 0, "the bytes were put right"
    assert [r["id"] for r in city.rows("silver.base_thing")] == ["1", "2"]


def test_the_lineage_of_a_curated_table_is_on_record(city: SmallCity) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n")
    city.run()
    (event,) = list(ops.rows(city.settings, "lineage"))
    assert "silver.base_thing" in str(event)
    assert "columnLineage" in str(event)


def test_the_engineers_page_says_what_is_held_and_stands_alone(
    city: SmallCity, tmp_path: Path
) -> None:
    city.deliver("thing_20240101.csv", "id,kind,size\n1,a,1\n2,b,2\n")
    city.run()
    city.rules("silver.base_thing", [SMALL])
    city.deliver("thing_20240102.csv", "id,kind,size\n1,a,500\n")
    city.run()
    page = tmp_path / "a page.html"
    write_status_page(city.settings, page)
    text = page.read_text("utf-8")
    assert "过大" in text and "thing_20240102.csv" in text, "the reason and the file"
    assert "silver.base_thing" in text and "curated.base_kind" in text
    assert "<script" not in text and "http" not in text.split("</style>")[1]
    found = history(city.settings)
    assert found.nights[0].held == 1 and all(n.seconds > 0 for n in found.nights)
    assert ("silver.base_thing", "curated.base_kind") in found.edges


def test_a_line_of_counts_is_drawn_within_its_box() -> None:
    points = [tuple(map(float, p.split(","))) for p in sparkline([5, 0, 10]).split()]
    assert points[0][0] == 2 and points[-1][0] == 118
    assert points[1][1] > points[0][1] > points[2][1], "less is lower"
    assert sparkline([3]) == ""
    assert len(sparkline([4, 4, 4]).split()) == 3
