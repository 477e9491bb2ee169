"""One Spark session per process: local, on a cluster, or behind Spark Connect.

Settings and their reasons were measured on 2 cores; see docs/performance.md. Only this room knows
where Spark is: what Connect lacks (a Spark context, a JVM beside us) is used nowhere else.

Environment beyond `Settings`: ONESOURCE_JARS, ONESOURCE_DRIVER_MEMORY, ONESOURCE_SPARK_LOG,
ONESOURCE_SHUFFLE_PARTITIONS; on a cluster ONESOURCE_DRIVER_HOST, ONESOURCE_EXECUTOR_MEMORY,
ONESOURCE_CORES_MAX, ONESOURCE_SPARK_SECRET_FILE.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.spark.java import find_java_home
from onesource.spark.network import check_answers, driver_network, is_loopback
from onesource.spark.secret import cluster_secret, private_conf

JARS = ("delta-spark_4.1_2.13-4.4.0.jar", "delta-storage-4.4.0.jar")

_STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # GB18030 text would be refused by Spark's own short list of charsets.
    "spark.sql.legacy.javaCharsets": "true",
    # Row groups of 16 MB: who asks about one person and skips by statistics reads a few of them,
    # not a file of two million rows.
    "spark.hadoop.parquet.block.size": str(16 << 20),
}
RUNTIME = {
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
    # Every query's plan is written out as text, which of many steps is megabytes and nobody reads.
    "spark.sql.maxPlanStringLength": "4000",
    "spark.sql.ui.explainMode": "simple",
}
_COMPILER = (
    "-Xss4m",
    "-XX:+UseParallelGC",
    # Generated code easily passes 8 kB of bytecode a method, above which HotSpot would only
    # interpret it: three times slower for a standardiser as one expression.
    "-XX:-DontCompileHugeMethods",
    # Every plan is code of its own. A full cache of it ends the compiler, then the JVM's work.
    "-XX:ReservedCodeCacheSize=512m",
)


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

    Raises OneSourceError when Java or the jars are missing, when the cluster's secret cannot be
    read, or when no Connect server answers.
    """
    builder = SparkSession.builder.appName(app)
    if is_remote(settings):
        from onesource.spark.connect import attach

        spark = attach(builder, settings.spark, runtime_settings())
    else:
        if settings.spark.startswith("spark://"):
            check_answers(settings.spark)
        builder = builder.master(settings.spark)
        _prepare_jvm(settings)
        for key, value in (static_settings(settings) | runtime_settings()).items():
            builder = builder.config(key, value)
        spark = _start(builder, settings.spark)
        # Spark's own messages quote the value that failed, which may be a person's: what goes wrong
        # is raised, and named by its condition. ONESOURCE_SPARK_LOG brings them back for a search.
        spark.sparkContext.setLogLevel(log_level())
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    return spark


def _start(builder: SparkSession.Builder, master: str) -> SparkSession:
    """Starts the driver. Raises OneSourceError when a cluster does not take it."""
    try:
        return builder.getOrCreate()
    except Py4JJavaError:
        if not master.startswith("spark://"):
            raise
        raise OneSourceError(
            f"the cluster {master} does not take this driver",
            why="it does not know our secret, or is another version of Spark",
            todo="check that ONESOURCE_SPARK_SECRET_FILE is the cluster's",
        ) from None


def is_remote(settings: Settings) -> bool:
    """Is Spark behind a Connect server? Static settings are the server's then."""
    return settings.spark.startswith("sc://")


def tasks_at_once(spark: SparkSession) -> int | None:
    """How many tasks run side by side; None where only the server knows."""
    if not hasattr(spark, "_jsc"):
        return None
    return int(spark.sparkContext.defaultParallelism)


def log_level() -> str:
    return os.environ.get("ONESOURCE_SPARK_LOG", "OFF")


def runtime_settings() -> dict[str, str]:
    """What a session sets for itself, wherever Spark is."""
    shuffle = os.environ.get("ONESOURCE_SHUFFLE_PARTITIONS")
    return RUNTIME | ({"spark.sql.shuffle.partitions": shuffle} if shuffle else {})


def _prepare_jvm(settings: Settings) -> None:
    prepare_java(settings)
    secret = cluster_secret(settings.spark)
    if secret is None:
        # An empty folder: class-data sharing needs it, and no stray settings come in.
        conf = settings.cache / "spark-conf"
        conf.mkdir(parents=True, exist_ok=True)
    else:
        conf = private_conf(secret)
    os.environ["SPARK_CONF_DIR"] = str(conf)
    if is_loopback(settings.spark):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def prepare_java(settings: Settings) -> None:
    """Puts the Java and the Python that Spark's programs shall use into the environment.

    Raises OneSourceError when there is no Java.
    """
    os.environ["JAVA_HOME"] = str(find_java_home(settings.cache))
    # Workers must run this environment's Python: the system's lacks pyarrow.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    os.environ.pop("SPARK_HOME", None)


def static_settings(settings: Settings) -> dict[str, str]:
    """What must stand before the driver's JVM starts: for a driver here, and a Connect server.

    Raises OneSourceError when the jars are missing.
    """
    class_path = ":".join(str(j) for j in jar_paths(settings))
    return (
        _STATIC
        | {
            "spark.driver.extraClassPath": class_path,
            "spark.executor.extraClassPath": class_path,
            "spark.driver.extraJavaOptions": " ".join([*_COMPILER, *_driver_options(settings)]),
            "spark.driver.memory": os.environ.get("ONESOURCE_DRIVER_MEMORY", "3g"),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            # The driver remembers what it ran, page or no page: a thousand plans fill its memory.
            "spark.ui.retainedJobs": "50",
            "spark.ui.retainedStages": "50",
            "spark.ui.retainedTasks": "1000",
            "spark.sql.ui.retainedExecutions": "20",
            "spark.sql.warehouse.dir": str(settings.cache / "warehouse"),
        }
        | driver_network(settings.spark)
        | (_executors() if settings.spark.startswith("spark://") else {})
    )


def _executors() -> dict[str, str]:
    """Settings of the executors of a standalone cluster."""
    most = os.environ.get("ONESOURCE_CORES_MAX")
    return {
        "spark.executor.memory": os.environ.get("ONESOURCE_EXECUTOR_MEMORY", "1g"),
        "spark.executor.extraJavaOptions": " ".join(_COMPILER),
        # Executors take the driver's level when they register; their logs stay on the workers.
        "spark.log.level": log_level(),
        "spark.executor.syncLogLevel.enabled": "true",
    } | ({"spark.cores.max": most} if most else {})


def _driver_options(settings: Settings) -> list[str]:
    archive = settings.cache / "onesource.jsa"
    options = [
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
    return options
