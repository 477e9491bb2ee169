"""The processes of a small standalone cluster: master, worker, Connect server.

Made from the same settings as a session, so that a run on a cluster is the run on one machine.
`setup/spark_cluster.py` starts them, on a desk and in containers.

Environment beyond the session's: ONESOURCE_CLUSTER_HOST (the name this process is known by,
default 127.0.0.1), ONESOURCE_CLUSTER_MASTER (default spark://127.0.0.1:7077), ONESOURCE_MASTER_PORT
(7077), ONESOURCE_MASTER_UI_PORT (8090), ONESOURCE_WORKER_UI_PORT (8091), ONESOURCE_CONNECT_PORT
(15002), ONESOURCE_WORKER_CORES, ONESOURCE_WORKER_MEMORY (1g).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyspark

from onesource.config import Settings
from onesource.spark.network import is_loopback
from onesource.spark.secret import authentication, read_secret, write_properties
from onesource.spark.session import prepare_java, runtime_settings, static_settings

MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
ROLES = ("master", "worker", "connect")
# Master and workers only pass on messages: a gigabyte each, as is usual, would be the data's.
_DAEMON_MEMORY = "256m"


@dataclass(frozen=True)
class Place:
    """Where the processes of a cluster are: names and ports."""

    host: str = "127.0.0.1"
    master: str = "spark://127.0.0.1:7077"
    master_port: int = 7077
    master_ui: int = 8090
    worker_ui: int = 8091
    connect_port: int = 15002

    @staticmethod
    def from_environment(env: Mapping[str, str] | None = None) -> Place:
        env = os.environ if env is None else env
        port = int(env.get("ONESOURCE_MASTER_PORT") or 7077)
        host = env.get("ONESOURCE_CLUSTER_HOST") or "127.0.0.1"
        return Place(
            host=host,
            master=env.get("ONESOURCE_CLUSTER_MASTER") or f"spark://{host}:{port}",
            master_port=port,
            master_ui=int(env.get("ONESOURCE_MASTER_UI_PORT") or 8090),
            worker_ui=int(env.get("ONESOURCE_WORKER_UI_PORT") or 8091),
            connect_port=int(env.get("ONESOURCE_CONNECT_PORT") or 15002),
        )


@dataclass(frozen=True)
class Program:
    """A program to run: its words and the environment it needs."""

    command: list[str]
    env: dict[str, str]


def program(role: str, settings: Settings, place: Place, work: Path) -> Program:
    """How one of the three is started. Writes its settings, with the secret, into `work`.

    Raises OneSourceError when Java, the jars or the secret are missing.
    """
    prepare_java(settings)
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o700)
    conf = work / "conf"
    conf.mkdir(exist_ok=True)
    if role != "connect":  # whose own empty folder lets it share its classes
        shutil.copy(Path(__file__).with_name("log4j2.properties"), conf)
    properties = work / f"{role}.properties"
    secret = read_secret()
    known = authentication(secret) if secret else {}
    make = {"master": _master, "worker": _worker, "connect": _connect}[role]
    words, own = make(settings, place, work)
    write_properties(properties, own | known)
    home = Path(pyspark.__file__).parent
    launcher = "spark-submit" if role == "connect" else "spark-class"
    env = os.environ | {
        "SPARK_HOME": str(home),
        # Without stray settings, and with an address to listen on that is ours.
        "SPARK_CONF_DIR": str(conf),
        # The launcher takes the Connect server for a daemon, too, whatever its settings say.
        "SPARK_DAEMON_MEMORY": own.get("spark.driver.memory", _DAEMON_MEMORY),
        "SPARK_LOCAL_HOSTNAME": place.host,
        "SPARK_LOCAL_DIRS": str(work / "local"),
    }
    if is_loopback(place.master):
        env["SPARK_LOCAL_IP"] = "127.0.0.1"
    if secret and role == "connect":
        env["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = secret
    return Program(
        [str(home / "bin" / launcher), *words, "--properties-file", str(properties)], env
    )


def _master(_: Settings, place: Place, __: Path) -> tuple[list[str], dict[str, str]]:
    words = [MASTER, "--host", place.host, "--port", str(place.master_port)]
    return [*words, "--webui-port", str(place.master_ui)], {
        "spark.ui.killEnabled": "false",
        # A second way to send work, which knows no secret.
        "spark.master.rest.enabled": "false",
    }


def _worker(_: Settings, place: Place, work: Path) -> tuple[list[str], dict[str, str]]:
    words = [WORKER, "--host", place.host, "--webui-port", str(place.worker_ui)]
    words += ["--memory", os.environ.get("ONESOURCE_WORKER_MEMORY") or "1g"]
    if os.environ.get("ONESOURCE_WORKER_CORES"):
        words += ["--cores", os.environ["ONESOURCE_WORKER_CORES"]]
    return [*words, "--work-dir", str(work / "executors"), place.master], {
        # What ended jobs left on this disk goes after a day.
        "spark.worker.cleanup.enabled": "true",
        "spark.worker.cleanup.appDataTtl": "86400",
    }


def _connect(settings: Settings, place: Place, _: Path) -> tuple[list[str], dict[str, str]]:
    words = ["--class", CONNECT, "--name", "onesource-connect", "--master", place.master]
    static = static_settings(replace(settings, spark=place.master))
    return words, static | runtime_settings() | {
        "spark.connect.grpc.binding.address": place.host,
        "spark.connect.grpc.binding.port": str(place.connect_port),
        # The stack traces of the server quote values; the condition of an error comes without.
        "spark.sql.connect.serverStacktrace.enabled": "false",
    }
