"""Which input columns an output column is made of, and the OpenLineage event that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onesource.contracts.model import Catalogue
from onesource.curate import lineage
from onesource.curate.lineage import InputColumn, column_lineage, openlineage_event
from onesource.curate.sqlfiles import load_sql, parse_sql
from onesource.errors import ContractError
from tests.unit.conftest import SmallLake

TABLES = {"silver.a": ("k", "v", "w", "words"), "silver.b": ("k", "n")}


@pytest.fixture(autouse=True)
def _two_tables(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "small_lake" not in request.fixturenames:
        monkeypatch.setattr(lineage, "schema_of", lambda _, table: TABLES.get(table))


def made(sql: str) -> dict[str, str]:
    """`{"s": "a.v AGGREGATION", …}` of a SELECT over silver.a (k, v, w, words) and b (k, n)."""
    found = column_lineage(parse_sql("-- Test.\n" + sql, Path("x.sql")), _nothing())
    return {
        name: ", ".join(f"{c.table.split('.')[1]}.{c.column} {how}" for c, how in sources.items())
        for name, sources in found.columns.items()
    }


def rows(sql: str) -> dict[str, list[str]]:
    found = column_lineage(parse_sql("-- Test.\n" + sql, Path("x.sql")), _nothing())
    return {f"{c.table.split('.')[1]}.{c.column}": sorted(how) for c, how in found.rows.items()}


def _nothing() -> Catalogue:
    return None  # type: ignore[return-value]  # schema_of is replaced


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT k, v AS other FROM silver.a", {"k": "a.k IDENTITY", "other": "a.v IDENTITY"}),
        ("SELECT v + w AS t FROM silver.a", {"t": "a.v TRANSFORMATION, a.w TRANSFORMATION"}),
        ("SELECT sum(v) AS s, count(*) AS n FROM silver.a", {"s": "a.v AGGREGATION", "n": ""}),
        (
            "WITH x AS (SELECT k, sum(v) AS s FROM silver.a GROUP BY k), y AS (SELECT * FROM x)\n"
            "SELECT y.k, y.s + 1 AS s FROM y",
            {"k": "a.k IDENTITY", "s": "a.v AGGREGATION"},
        ),
        (
            "SELECT k, v AS x FROM silver.a UNION ALL SELECT k, n + 1 FROM silver.b",
            {"k": "a.k IDENTITY, b.k IDENTITY", "x": "a.v IDENTITY, b.n TRANSFORMATION"},
        ),
        (
            "SELECT k, v AS x FROM silver.a UNION SELECT k, n FROM silver.b\n"
            "UNION SELECT k, w FROM silver.a",
            {"k": "a.k IDENTITY, b.k IDENTITY", "x": "a.v IDENTITY, a.w IDENTITY, b.n IDENTITY"},
        ),
        (
            "SELECT a.k, (SELECT max(n) FROM silver.b WHERE b.k = a.k) AS m FROM silver.a",
            {"k": "a.k IDENTITY", "m": "b.n PICKED"},
        ),
        (
            "SELECT count(DISTINCT k) AS n, any_value(k) AS one,\n"
            "sum(CASE WHEN v > 0 THEN 1 END) AS p FROM silver.a",
            {"n": "a.k COUNTED", "one": "a.k PICKED", "p": "a.v AGGREGATION"},
        ),
        (
            "SELECT v + count(k) AS x, count(v) AS y FROM silver.a GROUP BY v\n"
            "UNION ALL SELECT n, k FROM silver.b",
            {
                "x": "a.k COUNTED, a.v TRANSFORMATION, b.n IDENTITY",
                "y": "a.v COUNTED, b.k IDENTITY",
            },
        ),
        (
            "SELECT max(z.n) AS m FROM (SELECT count(k) AS n FROM silver.a GROUP BY v) z",
            {"m": "a.k COUNTED"},
        ),
        (
            "SELECT k, word FROM silver.a LATERAL VIEW explode(words) t AS word",
            {"k": "a.k IDENTITY", "word": "a.words TRANSFORMATION"},
        ),
        (
            "SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) AS r, 1 AS one FROM silver.a",
            {"k": "a.k IDENTITY", "r": "a.k TRANSFORMATION, a.v TRANSFORMATION", "one": ""},
        ),
        ("SELECT z.q FROM (SELECT k AS q FROM silver.b) z", {"q": "b.k IDENTITY"}),
        ("SELECT CASE WHEN w > 1 THEN k END AS c FROM silver.a",
         {"c": "a.k TRANSFORMATION, a.w TRANSFORMATION"}),
    ],
)  # fmt: skip
def test_each_output_column_names_its_input_columns(sql: str, expected: dict[str, str]) -> None:
    assert made(sql) == expected


def test_joins_filters_and_groups_decide_the_rows() -> None:
    assert rows(
        "SELECT a.k, max(b.n) AS n FROM silver.a JOIN silver.b ON b.k = a.k WHERE a.w > 0\n"
        "GROUP BY a.k HAVING max(b.n) > 1"
    ) == {
        "a.k": ["GROUP_BY", "JOIN"],
        "a.w": ["FILTER"],
        "b.k": ["JOIN"],
        "b.n": ["FILTER"],
    }
    assert rows("SELECT k FROM silver.a WHERE EXISTS (SELECT 1 FROM silver.b WHERE b.k = a.k)") == {
        "a.k": ["FILTER"],
        "b.k": ["FILTER"],
    }


def test_an_unknown_column_is_an_error_with_file_and_line() -> None:
    with pytest.raises(ContractError, match=r"^x\.sql:3: a column is not found.*'nope'"):
        made("SELECT k,\n nope FROM silver.a")


def test_the_event_is_openlineage_and_holds_versions_and_columns(small_lake: SmallLake) -> None:
    sql = load_sql(small_lake.settings.sql / "energy" / "coal_month.sql")
    event = openlineage_event(
        sql, small_lake.catalogue, "r2", inputs={"silver.energy_coal_day": 1}, version=0
    )
    assert json.loads(json.dumps(event)) == event
    assert event["eventType"] == "COMPLETE" and event["job"]["name"] == "curated.energy_coal_month"
    assert event["job"]["facets"]["sql"]["query"] == sql.text
    inputs = {i["name"]: i["facets"] for i in event["inputs"]}
    assert inputs["silver.energy_coal_day"]["version"]["datasetVersion"] == "1"
    (output,) = event["outputs"]
    fields = output["facets"]["columnLineage"]["fields"]
    assert fields["output_t"]["inputFields"] == [
        {
            "namespace": "示例市",
            "name": "silver.energy_coal_day",
            "field": "output_t",
            "transformations": [{"type": "DIRECT", "subtype": "AGGREGATION"}],
        }
    ]
    assert [f["name"] for f in output["facets"]["schema"]["fields"]][:2] == [
        "county_code",
        "county_name",
    ]


def test_the_same_run_and_table_have_the_same_id_and_another_run_another(
    small_lake: SmallLake,
) -> None:
    sql = load_sql(small_lake.settings.sql / "energy" / "coal_month.sql")
    ids = [
        openlineage_event(sql, small_lake.catalogue, run, inputs={}, version=0)["run"]["runId"]
        for run in ("r1", "r1", "r2")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_column_that_passes_through_is_known() -> None:
    found = column_lineage(
        parse_sql("-- Test.\nSELECT k, v + 1 AS v FROM silver.a", Path("x.sql")), _nothing()
    )
    assert found.unchanged("k") == (InputColumn("silver.a", "k"),)
    assert found.unchanged("v") == ()
