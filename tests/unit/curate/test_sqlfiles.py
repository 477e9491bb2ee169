"""What a curated table's SQL file may hold, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.curate.sqlfiles import check_sql, load_sql, parse_sql, rewrite
from onesource.errors import ContractError
from tests.unit.conftest import SmallLake

FILE = Path("jobs/sql/energy/x.sql")
HEAD = "-- Purpose: a test.\n"


def refusal(text: str) -> str:
    with pytest.raises(ContractError) as e:
        parse_sql(text, FILE)
    line = e.value.line()
    assert "\n" not in line
    return line


def test_a_file_gives_its_header_its_inputs_and_its_columns() -> None:
    sql = parse_sql(
        "-- Purpose: a test.\n-- Grain: one row.\n"
        "WITH a AS (SELECT * FROM silver.energy_x), silver AS (SELECT 1 AS one)\n"
        "SELECT a.k, b.n AS number FROM a JOIN registry.mine b USING (k)\n"
        "LEFT JOIN codelist.county c ON c.code = a.k CROSS JOIN silver;\n",
        FILE,
    )
    assert sql.header == "Purpose: a test.\nGrain: one row."
    assert sql.inputs == ("codelist.county", "registry.mine", "silver.energy_x")
    assert sql.columns == ("k", "number")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT k FROM silver.a UNION ALL SELECT k FROM silver.b",
        "SELECT k, e FROM silver.a LATERAL VIEW explode(words) t AS e",
        "SELECT r.id, k FROM silver.a CROSS JOIN range(10) r",
        "SELECT k FROM silver.a WHERE EXISTS (SELECT 1 FROM silver.b WHERE b.k = a.k)",
        "SELECT k, count(*) AS n, sum(v) OVER (PARTITION BY k) AS s FROM silver.a GROUP BY k, v",
        "SELECT k FROM silver.a LEFT ANTI JOIN silver.b ON a.k = b.k",
        "WITH b AS (SELECT k FROM silver.a) SELECT k FROM b",
    ],
)
def test_these_are_allowed(text: str) -> None:
    assert "silver.a" in parse_sql(HEAD + text, FILE).inputs


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("SELECT 1; SELECT k FROM silver.a", 2, "more than one statement"),
        ("", 1, "no statement"),
        ("INSERT INTO silver.a SELECT 1", 2, "is INSERT"),
        ("CREATE TABLE x AS SELECT k FROM silver.a", 2, "is CREATE"),
        ("DROP TABLE silver.a", 2, "is DROP"),
        ("VALUES (1)", 2, "is VALUES"),
        ("SELECT k\nFROM a", 3, "the input a is not named as layer.name"),
        ("WITH a AS (SELECT k FROM b) SELECT k FROM a", 2, "the input b"),
        ("SELECT k FROM silver.a, (WITH c AS (SELECT 1 AS o) SELECT o FROM c) d, c", 2, "input c"),
        ("SELECT k FROM spark_catalog.silver.a", 2, "spark_catalog.silver.a"),
        ("SELECT k FROM\n\nbronze.a", 4, "a layer that curated tables do not read"),
        ("SELECT k FROM quarantine.a", 2, "a layer that curated tables do not read"),
        ("SELECT k FROM landing.a", 2, "a layer that curated tables do not read"),
        ("SELECT k FROM delta.`/x`", 2, "is not named as layer.name"),
        ("SELECT k FROM parquet.`/x`", 2, "is not named as layer.name"),
        ("SELECT k FROM Silver.A", 2, "in small letters"),
        ("SELECT k FROM `silver`.`a b`", 2, "is not named as layer.name"),
        ("SELECT k FROM read_files('x')", 2, "read_files() is no table"),
        ("SELECT k FROM identifier('silver.a')", 2, "identifier() is no table"),
        ("SELECT k FROM silver.a VERSION AS OF 1", 2, "an own version"),
        ("SELECT k FROM silver.a TIMESTAMP AS OF '2024-01-01'", 2, "an own version"),
        ("SELECT k FROM silver.a TABLESAMPLE (1 PERCENT)", 2, "a sample"),
        ("SELECT k, rand() AS r FROM silver.a", 2, "the function rand"),
        ("SELECT k,\n now() AS n FROM silver.a", 3, "the function now"),
        ("SELECT k, current_date AS d FROM silver.a", 2, "the function current_date"),
        ("SELECT k, current_timestamp() AS d FROM silver.a", 2, "current_timestamp"),
        ("SELECT uuid() AS u FROM silver.a", 2, "the function uuid"),
        ("SELECT input_file_name() AS f FROM silver.a", 2, "input_file_name"),
        ("SELECT reflect('java.lang.System', 'getenv', 'HOME') AS h FROM silver.a", 2, "reflect"),
        ("SELECT java_method('a', 'b') AS h FROM silver.a", 2, "java_method"),
        ("SELECT TRANSFORM(k) USING 'cat' FROM silver.a", 2, "TRANSFORM"),
        ("SELECT * FROM silver.a", 2, "has a star"),
        ("SELECT silver.a.k FROM silver.a", 2, "names its layer"),
        ("SELECT 1 AS one", 2, "reads no table"),
        ("SELECT FROM WHERE", 2, "is no valid SQL"),
        ("SELECT k FROM silver.a WHERE", 2, "is no valid SQL"),
        ("SELECT 'not closed FROM silver.a", 1, "not closed"),
    ],
)
def test_anything_else_is_refused_with_file_and_line(text: str, line: int, says: str) -> None:
    said = refusal(HEAD + text)
    assert said.startswith(f"{FILE}:{line}: ")
    assert says in said


def test_a_file_without_a_header_or_without_a_file_is_refused(tmp_path: Path) -> None:
    assert "does not begin with a comment" in refusal("SELECT k FROM silver.a")
    with pytest.raises(ContractError, match="the SQL of the curated table is missing"):
        load_sql(tmp_path / "none.sql")
    (tmp_path / "gb.sql").write_bytes("-- 用途\nSELECT k FROM silver.a".encode("gb18030"))
    with pytest.raises(ContractError, match="is not UTF-8"):
        load_sql(tmp_path / "gb.sql")


def test_inputs_are_rewritten_and_nothing_else() -> None:
    text = (
        "-- 用途：silver.a 不动\n"
        "WITH v AS (SELECT a.k, 'silver.a' AS word FROM silver.a -- silver.a\n"
        "  JOIN silver.b AS x ON x.k = a.k)\n"
        "SELECT v.k, v.word, (SELECT max(n) FROM silver.b z WHERE z.k = v.k) AS n FROM v;\n"
    )
    sql = parse_sql(text, FILE)
    assert rewrite(sql, {"silver.a": "_in_1", "silver.b": "_in_2"}) == (
        "-- 用途：silver.a 不动\n"
        "WITH v AS (SELECT a.k, 'silver.a' AS word FROM _in_1 AS a -- silver.a\n"
        "  JOIN _in_2 AS x ON x.k = a.k)\n"
        "SELECT v.k, v.word, (SELECT max(n) FROM _in_2 z WHERE z.k = v.k) AS n FROM v"
    )
    with pytest.raises(ContractError, match=r"no view is given for silver\.b"):
        rewrite(sql, {"silver.a": "_in_1"})


def test_a_file_must_make_its_contracts_columns_from_known_ones(small_lake: SmallLake) -> None:
    contract = small_lake.catalogue.curated["curated.energy_coal_month"]
    path = small_lake.settings.sql / "energy" / "coal_month.sql"
    good = load_sql(path)
    check_sql(good, contract, small_lake.catalogue)
    for old, new, says in (
        ("sum(d.output_t) AS output_t", "sum(d.output_t) AS tonnes", "does not make output_t"),
        ("d.output_t", "d.out", "a column is not found"),
        ("silver.energy_coal_day", "silver.energy_nothing", "has no contract"),
        ("codelist.county", "codelist.nothing", "has no contract"),
        ("c.name AS county_name,", "c.name AS county_name, 1 AS more,", "more"),
    ):
        with pytest.raises(ContractError, match=says):
            check_sql(parse_sql(good.text.replace(old, new), path), contract, small_lake.catalogue)


def test_every_sql_file_of_the_project_is_valid() -> None:
    home = Path(__file__).resolve().parents[3]
    for path in sorted((home / "jobs" / "sql").glob("*/*.sql")):
        assert load_sql(path).inputs
