"""What is read without a JVM is what Spark wrote; of two readers one must not see more."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from onesource.errors import OneSourceError
from onesource.lake import delta, reader
from onesource.lake.digest import table_digest
from tests.unit.conftest import SmallLake


def ask(source: reader.Source, sql: str) -> list[tuple[object, ...]]:
    with reader.database() as con:
        reader.add_view(con, source)
        reader.lock(con)
        found: list[tuple[object, ...]] = con.execute(sql).fetchall()
        return found


def test_spark_and_the_reader_see_the_same_rows(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "with space 表"
    spark.sql(
        "SELECT * FROM VALUES "
        "('a b', 1, CAST(1.5 AS DECIMAL(20,6)), DATE'2024-01-01', TIMESTAMP'2024-01-01 08:00:00', "
        " array(named_struct('field','x')), map('k','v'), CAST(NULL AS STRING)), "
        "('兴县/100%', 2, NULL, NULL, NULL, NULL, NULL, NULL), "
        "(NULL, 3, NULL, NULL, NULL, NULL, NULL, 'deleted') "
        "AS t(county, n, amount, day, at, _issues, _extra, _state)"
    ).write.format("delta").partitionBy("county").save(str(path))
    source = reader.open_version("silver.t", path, 0)
    rows = ask(
        source,
        'SELECT county, n, CAST(amount AS VARCHAR), CAST(day AS VARCHAR), CAST("at" AS VARCHAR), '
        "_issues[1].field, _extra['k'] FROM silver.t ORDER BY n",
    )
    assert rows == [
        ("a b", 1, "1.500000", "2024-01-01", "2024-01-01 08:00:00+08", "x", "v"),
        ("兴县/100%", 2, None, None, None, None, None),
    ]
    assert ask(source, "SELECT n FROM silver.t WHERE county = '兴县/100%'") == [(2,)]


def test_a_version_stays_what_it_was_after_merge_restore_and_a_new_column(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = tmp_path / "t"
    spark.range(5).write.format("delta").save(str(path))
    first = table_digest("silver.t", path, 0, ["id"])
    spark.sql(f"DELETE FROM {delta.sql_path(path)} WHERE id > 2").collect()
    spark.sql(f"ALTER TABLE {delta.sql_path(path)} ADD COLUMNS (word string)").collect()
    spark.sql(f"INSERT INTO {delta.sql_path(path)} VALUES (9, 'new')").collect()
    counts = [
        ask(reader.open_version("silver.t", path, v), "SELECT count(*) FROM silver.t")
        for v in range(4)
    ]
    assert counts == [[(5,)], [(3,)], [(3,)], [(4,)]]
    newest = reader.open_version("silver.t", path, 3)
    words = ask(newest, "SELECT id, word FROM silver.t WHERE id IN (0, 9) ORDER BY id")
    assert words == [(0, None), (9, "new")]
    delta.restore(spark, path, 0)
    assert reader.open_latest("silver.t", path).version == 4
    assert table_digest("silver.t", path, 4, ["id"]) == first


def test_rows_under_a_deletion_vector_are_not_seen(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "it's a 表"
    rows = "SELECT id, id % 3 AS kind, CAST(NULL AS STRING) AS _state FROM range({})"
    spark.sql(rows.format("0, 1000, 1, 2")).write.format("delta").save(str(path))
    before = table_digest("silver.t", path, 0, ["id"])
    gone = spark.createDataFrame([(3,), (3,), (700,), (9999,), (None,)], "id bigint")
    new = spark.sql(rows.format("5000, 5002") + " UNION ALL " + rows.format("3, 4"))
    version = delta.replace_rows(spark, path, key=["id"], gone=gone, rows=new)
    source = reader.open_latest("silver.t", path)
    assert source.version == version and source.hidden is not None
    assert source.hidden.num_rows == 2
    counted = "SELECT count(*), count(DISTINCT id), count(*) FILTER (id = 3), sum(id) FROM silver.t"
    total = sum(range(1000)) - 700 + 5000 + 5001
    assert ask(source, counted) == [(1001, 1001, 1, total)]
    assert "READ_PARQUET" in str(ask(source, "EXPLAIN SELECT * FROM silver.t"))
    assert ask(source, "SELECT id, kind FROM silver.t WHERE id IN (700, 701)") == [(701, 2)]
    twice = "SELECT count(*) FROM silver.t a JOIN silver.t b ON a.id = b.id"
    assert ask(source, twice) == [(1001,)]
    assert source.data.count_rows() == 1001
    seen = delta.read(spark, path, version)
    assert (seen.count(), seen.where("id = 700").count()) == (1001, 0)
    again = delta.replace_rows(spark, path, key=["id"], gone=gone, rows=new.where("id = 3"))
    assert ask(reader.open_version("silver.t", path, again), counted) == [(1001, 1001, 1, total)]
    assert table_digest("silver.t", path, 0, ["id"]) == before
    assert table_digest("silver.t", path, again, ["id"]) == table_digest(
        "silver.t", path, version, ["id"]
    )
    delta.restore(spark, path, 0)
    assert table_digest("silver.t", path, delta.latest_version(path) or 0, ["id"]) == before


KINDS = (
    "SELECT * FROM VALUES "
    "('a', 1, CAST(1.5 AS DECIMAL(20,6)), DATE'2024-01-01', TIMESTAMP'2024-01-01 08:00:00', "
    " array(named_struct('field','x')), map('k','v'), true, CAST(2.5 AS DOUBLE), X'0A'), "
    "(NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) "
    "AS t(word, n, amount, day, at, issues, extra, yes, number, bytes)"
)


@pytest.mark.parametrize(
    ("folder", "options", "by_duckdb"),
    [
        ("plain", {}, True),
        ("it's a 表", {}, True),
        ("of days", {"partition": "day"}, False),
        ("[a-z]*", {}, False),
        ("old times", {"times": "INT96"}, False),
    ],
)
def test_files_that_hold_all_of_a_version_are_read_by_duckdb_itself(
    spark: SparkSession, tmp_path: Path, folder: str, options: dict[str, str], by_duckdb: bool
) -> None:
    path = tmp_path / folder
    spark.conf.set(
        "spark.sql.parquet.outputTimestampType", options.get("times", "TIMESTAMP_MICROS")
    )
    try:
        writer = spark.sql(KINDS).write.format("delta")
        if "partition" in options:
            writer = writer.partitionBy(options["partition"])
        writer.save(str(path))
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    source = reader.open_version("silver.t", path, 0)
    assert ("READ_PARQUET" in str(ask(source, "EXPLAIN SELECT * FROM silver.t"))) is by_duckdb
    found = ask(
        source,
        'SELECT n, word, CAST(amount AS VARCHAR), CAST(day AS VARCHAR), CAST("at" AS VARCHAR), '
        "issues[1].field, extra['k'], yes, number, hex(bytes) FROM silver.t ORDER BY n",
    )
    day, at = "2024-01-01", "2024-01-01 08:00:00+08"
    assert found == [
        (1, "a", "1.500000", day, at, "x", "v", True, 2.5, "0A"),
        (2, None, None, None, None, None, None, None, None, None),
    ]


def test_a_locked_database_reads_the_files_of_its_tables_and_no_others(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        spark.sql(f"SELECT '{name}' AS name").write.format("delta").save(str(tmp_path / name))
    with reader.database() as con:
        for name in ("a", "b"):
            reader.add_view(con, reader.open_version(f"silver.{name}", tmp_path / name, 0))
        reader.lock(con)
        both = "SELECT * FROM silver.a UNION ALL SELECT * FROM silver.b ORDER BY 1"
        assert con.execute(both).fetchall() == [("a",), ("b",)]
        other = next((tmp_path / "c").glob("*.parquet"))
        with pytest.raises(duckdb.Error, match="disabled"):
            con.execute(f"SELECT * FROM read_parquet('{other}')")


def test_columns_are_in_the_contracts_order_and_unknown_ones_before_the_technical(
    small_lake: SmallLake,
) -> None:
    contract = small_lake.catalogue.tables["silver.energy_coal_day"]
    columns = ["_line", "valid_from", "day", "_state", "county_code", "_order"]
    assert reader.visible_columns(columns, contract) == (
        "county_code",
        "day",
        "valid_from",
        "_line",
    )


@pytest.mark.parametrize("partition", [None, "kind"])
def test_a_data_file_that_was_removed_is_said_when_the_version_is_opened(
    spark: SparkSession, tmp_path: Path, partition: str | None
) -> None:
    path = tmp_path / "t"
    writer = spark.sql("SELECT 'a b' AS kind, 1 AS n").write.format("delta")
    (writer.partitionBy(partition) if partition else writer).save(str(path))
    next(path.rglob("*.parquet")).unlink()
    with pytest.raises(OneSourceError, match="cannot be opened") as e:
        reader.open_version("silver.t", path, 0)
    assert "was removed" in e.value.line()


def test_opening_a_table_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OneSourceError, match="its folder is gone"):
        reader.open_version("silver.t", tmp_path / "none", 0)
    with pytest.raises(OneSourceError, match="cannot be opened"):
        reader.open_latest("silver.t", tmp_path / "none")


def test_nothing_spills_unless_a_place_was_given(tmp_path: Path) -> None:
    with reader.database() as con:
        found = con.execute("SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'")
        assert found.fetchall() == [("",)]
        reader.spill_to(con, str(tmp_path / "it's here"))
        found = con.execute("SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'")
        assert found.fetchall() == [(str(tmp_path / "it's here"),)]
