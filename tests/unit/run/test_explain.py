"""`onesource explain`: from a row back to the line in the file. All data are made up."""

from __future__ import annotations

import io
from dataclasses import replace

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

from onesource.cli.explain import explain_command
from onesource.contracts.load import load_catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.ingest import landing
from onesource.lake import ops
from onesource.lake.paths import bronze_path
from onesource.run.explain import explain, parse_key
from tests.unit.conftest import COAL_DAY, SmallLake

COAL = "silver.energy_coal_day"


@pytest.fixture
def traced(small_lake: SmallLake) -> SmallLake:
    """The small lake with the delivery `d1`, an earlier one `d0`, and their rows in bronze."""
    feed = small_lake.catalogue.feeds["energy.coal_day"]
    for name, stated in (("d0", "2024-06-01T20:00:00+08:00"), ("d1", "2024-06-02T09:00:00+08:00")):
        payload = landing.incoming_folder(small_lake.settings) / name
        payload.write_text(name)
        record = landing.Record(
            delivery_id=name,
            feed=feed.id,
            file_name=f"coal_day_{name}.csv",
            digest=f"sha256:{name}{name}",
            size=4,
            rows=2,
            received_at="2024-06-02T01:30:00+00:00",
            statement_at=stated,
            statement_from="control",
            scope={"county_code": "141126"},
        )
        landing.store(small_lake.settings, feed, record, payload)
    rows = pa.table(
        {
            "county_code": ["石楼县", "141127", "石楼县"],
            "day": ["2024/6/1", "2024-06-01", "2024/6/1"],
            "output_t": ["1,200.5", "十二", "1,100"],
            "note": [None, "x", None],
            "_line": pa.array([2, 3, 2], pa.int64()),
            "_sheet": pa.array([None] * 3, pa.string()),
            "_delivery_id": ["d1", "d1", "d0"],
        }
    )
    path = bronze_path(small_lake.settings, feed)
    path.parent.mkdir(parents=True)
    write_deltalake(path, rows)
    return small_lake


def said(lake: SmallLake, table: str, key: str) -> str:
    out = io.StringIO()
    assert explain_command(lake.settings, table, key, "a test", out) == 0
    return out.getvalue()


def test_a_silver_row_leads_to_its_line_its_delivery_and_its_raw_values(traced: SmallLake) -> None:
    found = explain(traced.settings, traced.catalogue, COAL, "141126,2024-06-01")
    assert (found.version, found.run, found.key["day"]) == (1, "r2", "2024-06-01")
    (row,) = found.rows
    assert row.place is not None and row.place.record is not None
    assert (row.place.line, row.place.record.file_name) == ("2", "coal_day_d1.csv")
    cells = {c.field: (c.raw, c.value, c.source) for c in row.cells}
    assert cells["county_code"] == ("石楼县", "141126", "text")
    assert cells["output_t"] == ("1,200.5", "1200.500", "decimal")
    assert [p.delivery_id for p in row.also] == ["d0"]


def test_the_text_says_it_in_both_languages(traced: SmallLake) -> None:
    text = said(traced, COAL, "141126,2024-06-01")
    for words in (
        "silver.energy_coal_day coal_day, version 1, run r2",
        "output_t 原煤产量 = 1200.500  ← delivered '1,200.5', read by decimal",
        "place 位置: delivery d1, line 行 2",
        "delivery 交付: coal_day_d1.csv, received 接收 2024-06-02T09:30:00+08:00, "
        "stated 报送 2024-06-02T09:00:00+08:00 (from control), 2 rows",
        "sha256:d1d1",
        "scope 范围: county_code = 141126",
        "other lines with this key 同一主键的其他记录",
        "coal_day_d0.csv line 2",
    ):
        assert words in text


def test_an_issue_is_shown_with_its_reason(traced: SmallLake) -> None:
    text = said(traced, COAL, "141127,2024-06-01")
    assert "issue 问题: note: FMT 格式不符 the value is not written as it must be" in text
    assert "output_t 原煤产量 = ∅  ← delivered '十二', read by decimal" in text


def test_the_last_gate_is_named(traced: SmallLake) -> None:
    results = [
        {"table": COAL, "phase": "batch", "rule": "a", "success": False, "at": "2024-06-01"},
        {"table": COAL, "phase": "batch", "rule": "a", "success": True, "at": "2024-06-02"},
        {"table": COAL, "phase": "table", "rule": "b", "success": False, "at": "2024-06-02"},
        {"table": "silver.other", "phase": "table", "rule": "c", "success": False, "at": "2"},
    ]
    ops.append(traced.settings, "quality_results", "r2", results)
    assert "gate 质量关: 2 rules, failed 未通过: b" in said(traced, COAL, "141126,2024-06-01")


def test_a_curated_row_names_its_sql_its_inputs_and_the_rows_that_gave_its_key(
    traced: SmallLake,
) -> None:
    text = said(traced, "curated.energy_coal_month", "141126,2024-06")
    for words in (
        "made by 由此生成: jobs/sql/energy/coal_month.sql",
        "Grain: one row per county and month.",
        "output_t 原煤产量 = 1299.750000  ← silver.energy_coal_day.output_t (AGGREGATION)",
        "county_name 县区 = 石楼县  ← codelist.county.name (IDENTITY)",
        "input 输入 silver.energy_coal_day coal_day, version 1: 2 rows where county_code = 141126",
        "2 rows from coal_day_d1.csv, delivery d1, lines 2-2",
        "input 输入 codelist.county 县区代码 (a code list)",
    ):
        assert words in text


def test_a_registry_row_names_its_builder_and_its_inputs(traced: SmallLake) -> None:
    text = said(traced, "registry.person", "p1")
    assert "made by 由此生成: tests:build" in text
    assert "silver.energy_coal_day coal_day, version 1: all its 3 rows" in text


def test_what_names_a_person_is_never_shown_p10(traced: SmallLake) -> None:
    contract = yaml.safe_load(yaml.safe_dump(COAL_DAY))
    fields = contract["schema"][0]["properties"]
    for field in fields:
        if field["name"] in ("county_code", "output_t"):
            field.setdefault("customProperties", []).append(
                {"property": "identifier", "value": "direct"}
            )
    path = traced.settings.schemas / "feeds" / "energy" / "coal_day.yaml"
    path.write_text(yaml.safe_dump(contract, allow_unicode=True))
    lake = replace(traced, catalogue=load_catalogue(traced.settings.schemas, odcs=False))
    text = said(lake, COAL, "141126,2024-06-01")
    assert "county_code 县区代码 = (personal 个人信息)" in text
    assert not any(v in text for v in ("141126", "石楼县", "1,200.5", "1200.5"))
    text = said(lake, "curated.energy_coal_month", "141126,2024-06")
    assert "2 rows where county_code = (personal 个人信息)" in text


def test_the_read_is_recorded_with_its_purpose_and_without_the_key(traced: SmallLake) -> None:
    said(traced, "registry.person", "p1")
    (row,) = ops.rows(traced.settings, "reads")
    assert (row["command"], row["tables"], row["rows"]) == ("explain", ["registry.person"], 1)
    assert row["purpose"] == "a test" and "p1" not in str(row)


def test_a_read_that_cannot_be_recorded_shows_nothing_p11(traced: SmallLake) -> None:
    folder = traced.settings.root("ops")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reads").write_text("a file where the folder should be")
    out = io.StringIO()
    with pytest.raises(OneSourceError, match="cannot be recorded"):
        explain_command(traced.settings, "registry.person", "p1", "", out)
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ("silver.nothing", "1", "there is no table silver.nothing"),
        (COAL, "", "the key of silver.energy_coal_day is county_code,day (0 values were given)"),
        (COAL, "141126", "1 values were given"),
        (COAL, "a,b,c", "3 values were given"),
        (COAL, "141126,1999-01-01", "no row of silver.energy_coal_day has this key"),
        (COAL, "141126,no day", "no row of silver.energy_coal_day has this key"),
    ],
)
def test_a_wrong_key_is_one_line_that_does_not_repeat_it(
    traced: SmallLake, table: str, key: str, says: str
) -> None:
    with pytest.raises(UsageError) as e:
        explain(traced.settings, traced.catalogue, table, key)
    assert says in e.value.line() and "1999" not in e.value.line()


def test_a_key_can_be_written_by_name_or_quoted(small_lake: SmallLake) -> None:
    contract = small_lake.catalogue.tables[COAL]
    assert parse_key(contract, "day=2024-06-01, county_code=141126") == {
        "day": "2024-06-01",
        "county_code": "141126",
    }
    assert parse_key(contract, '"a,b", 2024-06-01\n') == {"county_code": "a,b", "day": "2024-06-01"}


def test_without_bronze_or_landing_the_rest_is_shown(small_lake: SmallLake) -> None:
    text = said(small_lake, COAL, "141126,2024-06-01")
    assert "its record is not in landing" in text
    assert "note 注: " in text and "bronze.energy_coal_day cannot be opened" in text


def test_an_input_version_that_is_gone_is_a_note(traced: SmallLake) -> None:
    traced.serve("r3", {"curated.energy_coal_month": 0}, inputs={COAL: 9})
    text = said(traced, "curated.energy_coal_month", "141126,2024-06")
    assert "note 注:" in text and f"version 9 of {COAL} cannot be opened" in text
