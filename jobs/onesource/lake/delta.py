"""Delta tables: versions without a JVM, writes through Spark.

Every write goes to one table by one writer at a time: the run holds the table's lock. A version
that the ledger does not know is the trace of a crash; the next run restores the known one.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from onesource.errors import OneSourceError
from onesource.lake.files import sync_file_system

_COMMIT = re.compile(r"^(\d{20})\.json$")


def latest_version(path: Path) -> int | None:
    """The newest committed version, or None where there is no table.

    Raises OneSourceError when the newest commit file is empty: every engine would read it as
    "no change", in silence.
    """
    log = path / "_delta_log"
    if not log.is_dir():
        return None
    commits = [p for p in log.iterdir() if _COMMIT.match(p.name)]
    if not commits:
        return None
    newest = max(commits, key=lambda p: p.name)
    if newest.stat().st_size == 0:
        raise OneSourceError(
            "the newest commit is an empty file",
            where=str(newest),
            why="the machine stopped while it was written",
            todo="remove this one file, then run again",
        )
    return int(newest.stem)


def drop_torn_commit(path: Path) -> None:
    """Removes an empty newest commit file: it was never acknowledged."""
    log = path / "_delta_log"
    commits = sorted(p for p in log.glob("*.json") if _COMMIT.match(p.name))
    if commits and commits[-1].stat().st_size == 0:
        commits[-1].unlink()


def sql_path(path: Path) -> str:
    """A Delta folder as a table name in SQL."""
    text = str(path).replace("`", "``")
    return f"delta.`{text}`"


def read(spark: SparkSession, path: Path, version: int | None = None) -> DataFrame:
    """The table at a version (latest when None)."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", str(version))
    return reader.load(str(path))


def write(
    frame: DataFrame,
    path: Path,
    *,
    mode: str,
    replace_where: str | None = None,
    partition_by: Sequence[str] = (),
    rows_per_file: int | None = None,
) -> int:
    """Appends to, or replaces (a part of) the table in one commit; returns its version.

    mode: `append` or `overwrite`. With `replace_where` an overwrite touches only the rows that
    match. New columns are added to the table's schema. rows_per_file: what one task writes is
    cut into files of so many rows, so that more than one task can read it.
    """
    writer = frame.write.format("delta").mode(mode)
    if mode == "overwrite" and replace_where is None:
        writer = writer.option("overwriteSchema", "true")
    else:
        writer = writer.option("mergeSchema", "true")
    if replace_where is not None:
        writer = writer.option("replaceWhere", replace_where)
    if rows_per_file is not None:
        writer = writer.option("maxRecordsPerFile", rows_per_file)
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    writer.save(str(path))
    return _committed(path)


def merge(spark: SparkSession, sql: str, path: Path) -> int:
    """Runs one MERGE statement on the table; returns the version after it."""
    spark.sql(sql).collect()
    return _committed(path)


# From so many rows on it pays to change a table where it is.
MANY_ROWS = 200_000
_HIDES_ROWS = "delta.enableDeletionVectors"


def replace_rows(
    spark: SparkSession, path: Path, *, key: Sequence[str], gone: DataFrame, rows: DataFrame
) -> int:
    """Takes the rows whose `key` (SQL) is in `gone` out and appends `rows`; returns the version.

    gone: the values of the key, a column each, whatever their names; none of them null. Rows that
    go are hidden by deletion vectors, so that a file of a million rows is not written again for one
    of them. Two commits: only the last is a version to be served.
    """
    if not _hides_rows(path):
        properties = properties_sql({_HIDES_ROWS: "true"})
        spark.sql(f"ALTER TABLE {sql_path(path)} SET TBLPROPERTIES ({properties})").collect()
    view = f"_gone_{uuid.uuid4().hex}"
    names = [f"_gone_{i}" for i in range(len(key))]
    gone.toDF(*names).dropna().distinct().createOrReplaceTempView(view)
    same = " AND ".join(f"{k} = gone.{n}" for k, n in zip(key, names, strict=True))
    try:
        spark.sql(
            f"MERGE INTO {sql_path(path)} AS kept USING {view} AS gone ON {same} "
            "WHEN MATCHED THEN DELETE"
        ).collect()
    finally:
        spark.catalog.dropTempView(view)
    return write(rows, path, mode="append")


def _hides_rows(path: Path) -> bool:
    from deltalake import DeltaTable

    return bool(DeltaTable(str(path)).metadata().configuration.get(_HIDES_ROWS) == "true")


def restore(spark: SparkSession, path: Path, version: int | None) -> int | None:
    """Takes the table back to `version`; None: to before it was. Returns the version after it."""
    if version is None:
        shutil.rmtree(path, ignore_errors=True)
        return None
    drop_torn_commit(path)
    if latest_version(path) == version:
        return version
    spark.sql(f"RESTORE TABLE {sql_path(path)} TO VERSION AS OF {version}").collect()
    return _committed(path)


def _committed(path: Path) -> int:
    sync_file_system(path)
    version = latest_version(path)
    assert version is not None
    return version


def properties_sql(properties: Mapping[str, str]) -> str:
    return ", ".join(f"'{k}' = '{v}'" for k, v in properties.items())


def create(
    spark: SparkSession,
    path: Path,
    columns: Mapping[str, str],
    *,
    partition_by: Sequence[str] = (),
    statistics_for: Sequence[str] | None = None,
) -> None:
    """Creates an empty table where there is none (columns: name → Spark SQL type).

    statistics_for: the columns whose smallest and largest value may stand in the log; None: all.
    """
    if latest_version(path) is not None:
        return
    cols = ", ".join(f"`{n}` {t}" for n, t in columns.items())
    parts = f" PARTITIONED BY ({', '.join(f'`{p}`' for p in partition_by)})" if partition_by else ""
    props = ""
    if statistics_for is not None:
        names = ",".join(statistics_for)
        props = f" TBLPROPERTIES ({properties_sql({'delta.dataSkippingStatsColumns': names})})"
    path.mkdir(parents=True, exist_ok=True)
    spark.sql(f"CREATE TABLE {sql_path(path)} ({cols}) USING DELTA{parts}{props}").collect()
    _committed(path)


def keep_statistics(spark: SparkSession, path: Path, names: Sequence[str]) -> None:
    """From now on only these columns' smallest and largest values stand in the log."""
    props = properties_sql({"delta.dataSkippingStatsColumns": ",".join(names)})
    spark.sql(f"ALTER TABLE {sql_path(path)} SET TBLPROPERTIES ({props})").collect()


def optimize(spark: SparkSession, path: Path) -> int:
    """Puts small files together; the rows stay the same. Returns the version after it."""
    spark.sql(f"OPTIMIZE {sql_path(path)}").collect()
    return _committed(path)


def delete_partitions(spark: SparkSession, path: Path, column: str, values: Sequence[str]) -> int:
    """Takes partitions out of the table in one commit; returns its version. The files stay."""
    listed = ", ".join("'" + v.replace("'", "''") + "'" for v in values)
    spark.sql(f"DELETE FROM {sql_path(path)} WHERE `{column}` IN ({listed})").collect()
    return _committed(path)


def drop_old_files(spark: SparkSession, path: Path) -> int:
    """Removes every data file that the newest version does not read; returns how many went.

    For what must be gone at once: older versions can be read no more, at whatever age.
    """
    kept = {Path(unquote(f)).name for f in read(spark, path).inputFiles()}
    gone = [
        f for f in path.rglob("*.parquet") if f.name not in kept and "_delta_log" not in f.parts
    ]
    for file in gone:
        file.unlink()
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    sync_file_system(path)
    return len(gone)


KEPT_FOR = "interval 1000 days"
_RETENTION = "delta.deletedFileRetentionDuration"
_LOG_RETENTION = "delta.logRetentionDuration"


def vacuum(spark: SparkSession, path: Path, hours: int) -> int:
    """Removes files that no version of the last `hours` reads; returns how many went.

    Versions older than that can be read no more; the rows of the newest do not change.

    What decides is the table's own property, not what VACUUM is told to retain (Delta 4.4): it
    forgets files that were removed longer ago than that, and takes them away. So tables keep
    `KEPT_FOR`, and it is shorter only while this runs.
    """
    before = _data_files(path)
    if before == len(read(spark, path).inputFiles()):
        return 0  # every file is read by the newest version
    _keep_removed(spark, path, f"interval {int(hours)} hours")
    try:
        spark.sql(f"VACUUM {sql_path(path)} RETAIN {int(hours)} HOURS").collect()
    finally:
        _keep_removed(spark, path, KEPT_FOR)
    return before - _data_files(path)


def _keep_removed(spark: SparkSession, path: Path, how_long: str) -> None:
    # Delta compares the two in one statement only.
    properties = properties_sql({_RETENTION: how_long, _LOG_RETENTION: KEPT_FOR})
    spark.sql(f"ALTER TABLE {sql_path(path)} SET TBLPROPERTIES ({properties})").collect()


def _data_files(path: Path) -> int:
    return sum(1 for _ in path.rglob("*.parquet"))


def committed_at(path: Path, version: int) -> datetime | None:
    """When a version was committed, by its own commit file; None when that is gone."""
    commit = path / "_delta_log" / f"{version:020d}.json"
    if not commit.is_file():
        return None
    for line in commit.read_text(encoding="utf-8").splitlines():
        info = json.loads(line).get("commitInfo")
        if info and "timestamp" in info:
            return datetime.fromtimestamp(info["timestamp"] / 1000, UTC)
    return None
