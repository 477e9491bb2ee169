"""One Spark session per process: local, on a cluster, or behind Spark Connect.

Settings and their reasons were measured on 2 cores; see docs/performance.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.spark.java import find_java_home

JARS = ("delta-spark_4.1_2.13-4.4.0.jar", "delta-storage-4.4.0.jar")

_STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # GB18030 text would be refused by Spark's own short list of charsets.
    "spark.sql.legacy.javaCharsets": "true",
}
_RUNTIME = {
    "spark.sql.session.timeZone": "Asia/Shanghai",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # A delivery is a small file: some dozens of them make one task, not one each.
    "spark.sql.files.openCostInBytes": "131072",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A batch costs some 10 ms a field before its first row.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    # Other engines read the lake at served versions; not all know deletion vectors.
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.properties.defaults.checkpointInterval": "20",
    # Served versions are read by their number for a year and more. VACUUM forgets removed files
    # that are older than this, whatever it is told to retain, and would take them away.
    "spark.databricks.delta.properties.defaults.deletedFileRetentionDuration": "interval 1000 days",
    # And their commits must stay as long.
    "spark.databricks.delta.properties.defaults.logRetentionDuration": "interval 1000 days",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionOverwriteMode": "static",
}


def jar_paths(settings: Settings) -> list[Path]:
    """The two Delta jars. Raises OneSourceError when set-up has not been done."""
    folder = Path(os.environ.get("ONESOURCE_JARS") or settings.cache / "jars")
    jars = [folder / name for name in JARS]
    for jar in jars:
        if not jar.is_file():
            raise OneSourceError(f"the file {jar} is missing", todo="run make setup")
    return jars


def open_session(settings: Settings, app: str = "onesource") -> SparkSession:
    """The process's Spark session (`ONESOURCE_SPARK`: local[*], spark://…, sc://…).

    Raises OneSourceError when Java or the jars are missing.
    """
    builder = SparkSession.builder.appName(app)
    if settings.spark.startswith("sc://"):
        # Static settings belong to the server.
        builder = builder.remote(settings.spark)
    else:
        builder = builder.master(settings.spark)
        _prepare_jvm(settings)
        for key, value in _local_static(settings).items():
            builder = builder.config(key, value)
    for key, value in _RUNTIME.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if not settings.spark.startswith("sc://"):
        # Spark's own messages quote the value that failed, which may be a person's: what goes wrong
        # is raised, and named by its condition. ONESOURCE_SPARK_LOG brings them back for a search.
        spark.sparkContext.setLogLevel(os.environ.get("ONESOURCE_SPARK_LOG", "OFF"))
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    return spark


def _prepare_jvm(settings: Settings) -> None:
    os.environ["JAVA_HOME"] = str(find_java_home(settings.cache))
    # Workers must run this environment's Python: the system's lacks pyarrow.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    os.environ.pop("SPARK_HOME", None)
    # An empty folder: class-data sharing needs it, and no stray settings come in.
    conf = settings.cache / "spark-conf"
    conf.mkdir(parents=True, exist_ok=True)
    os.environ["SPARK_CONF_DIR"] = str(conf)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _local_static(settings: Settings) -> dict[str, str]:
    class_path = ":".join(str(j) for j in jar_paths(settings))
    archive = settings.cache / "onesource.jsa"
    options = [
        "-Xss4m",
        "-XX:+UseParallelGC",
        # Generated code easily passes 8 kB of bytecode a method, above which HotSpot would only
        # interpret it: three times slower for a standardiser as one expression.
        "-XX:-DontCompileHugeMethods",
        f"-Djava.io.tmpdir={tempfile.gettempdir()}",
        "-Dderby.system.home=" + tempfile.gettempdir(),
    ]
    wanted = os.environ.get("ONESOURCE_JSA_DUMP")
    if wanted:
        options.append(
            f"-XX:ArchiveClassesAtExit='{wanted}'"
            if " " in wanted
            else f"-XX:ArchiveClassesAtExit={wanted}"
        )
    elif archive.is_file():
        shared = f"-XX:SharedArchiveFile={archive}"
        options += [f'"{shared}"' if " " in shared else shared, "-Xshare:auto", "-Xlog:disable"]
    return _STATIC | {
        "spark.driver.extraClassPath": class_path,
        "spark.executor.extraClassPath": class_path,
        "spark.driver.extraJavaOptions": " ".join(options),
        "spark.driver.memory": os.environ.get("ONESOURCE_DRIVER_MEMORY", "3g"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(settings.cache / "warehouse"),
    }
