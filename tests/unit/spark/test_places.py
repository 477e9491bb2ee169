"""Where Spark is: addresses, the cluster's secret, and the programs of a cluster."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.spark.cluster import ROLES, Place, program
from onesource.spark.connect import with_secret
from onesource.spark.network import check_answers, driver_network, is_loopback
from onesource.spark.secret import read_secret, write_properties
from onesource.spark.session import static_settings

SECRET = "0123456789abcdef" * 2  # synthetic


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("ONESOURCE_", "SPARK_", "PYSPARK_"))]:
        monkeypatch.delenv(name)
    # What is put into the environment here is taken out again.
    monkeypatch.setattr(os, "environ", os.environ.copy())


def settings(spark: str, tmp_path: Path) -> Settings:
    home = Path(__file__).resolve().parents[3]
    env = {"ONESOURCE_HOME": str(home), "ONESOURCE_LAKE": str(tmp_path), "ONESOURCE_SPARK": spark}
    return Settings.from_environment(env)


def secret_file(folder: Path, text: str = SECRET) -> str:
    path = folder / "secret"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("master", "expected"),
    [
        ("local[*]", True),
        ("spark://127.0.0.1:7077", True),
        ("sc://localhost:15002/;use_ssl=true", True),
        ("spark://spark-master:7077", False),
        ("spark://127.0.0.1:7077,other:7077", False),
        ("sc://10.0.0.5:15002", False),
    ],
)
def test_loopback_is_told_from_a_network(master: str, expected: bool) -> None:
    assert is_loopback(master) is expected


def test_a_cluster_that_does_not_answer_is_said_at_once() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        with pytest.raises(OneSourceError, match=f"nothing answers at sc://127.0.0.1:{port}"):
            check_answers(f"sc://127.0.0.1:{port}/;token=x")
        listening.listen()
        check_answers(f"spark://127.0.0.1:1,127.0.0.1:{port}")


def test_a_driver_is_reached_on_loopback_or_by_a_name_that_the_workers_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert driver_network("local[2]")["spark.driver.host"] == "127.0.0.1"
    monkeypatch.setattr("socket.gethostname", lambda: "a-driver")
    assert driver_network("spark://master:7077") == {
        "spark.driver.host": "a-driver",
        "spark.driver.bindAddress": "0.0.0.0",
    }
    monkeypatch.setenv("ONESOURCE_DRIVER_HOST", "driver.example.org")
    assert driver_network("spark://master:7077")["spark.driver.host"] == "driver.example.org"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sc://h:1", f"sc://h:1/;authorization=Bearer%20{SECRET}"),
        ("sc://h:1/", f"sc://h:1/;authorization=Bearer%20{SECRET}"),
        ("sc://h:1/;user_id=a", f"sc://h:1/;user_id=a;authorization=Bearer%20{SECRET}"),
        ("sc://h:1/;use_ssl=true", f"sc://h:1/;use_ssl=true;token={SECRET}"),
    ],
)
def test_a_connect_server_is_told_the_secret_in_its_own_way(url: str, expected: str) -> None:
    assert with_secret(url, SECRET) == expected
    assert with_secret(url, None) == url


@pytest.mark.parametrize("text", ["", "short", "two words that are long enough to be one"])
def test_what_is_no_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("ONESOURCE_SPARK_SECRET_FILE", secret_file(tmp_path, text))
    with pytest.raises(OneSourceError, match="no secret"):
        read_secret()


def test_a_secret_that_cannot_be_read_stops_rather_than_goes_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONESOURCE_SPARK_SECRET_FILE", str(tmp_path / "none"))
    with pytest.raises(OneSourceError, match="cannot be read"):
        read_secret()


@pytest.mark.parametrize("role", ROLES)
def test_a_program_of_the_cluster_holds_its_secret_in_a_closed_file_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: str
) -> None:
    monkeypatch.setenv("ONESOURCE_SPARK_SECRET_FILE", secret_file(tmp_path))
    made = program(role, settings("local[2]", tmp_path), Place(), tmp_path / role)
    properties = tmp_path / role / f"{role}.properties"
    assert f"spark.authenticate.secret={SECRET}\n" in properties.read_text()
    assert properties.stat().st_mode & 0o077 == 0
    assert SECRET not in " ".join(made.command)
    assert made.env["SPARK_LOCAL_IP"] == "127.0.0.1"


def test_a_connect_server_has_the_settings_of_a_session(tmp_path: Path) -> None:
    made = settings("local[2]", tmp_path)
    place = Place(host="spark-connect", master="spark://spark-master:7077")
    program("connect", made, place, tmp_path / "connect")
    found = (tmp_path / "connect" / "connect.properties").read_text()
    for line in (
        "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.session.timeZone=Asia/Shanghai",
        "spark.sql.ansi.enabled=true",
        "spark.log.level=OFF",
        "spark.connect.grpc.binding.address=spark-connect",
    ):
        assert f"{line}\n" in found
    assert "spark.authenticate" not in found


def test_one_machine_needs_no_executor_settings(tmp_path: Path) -> None:
    alone = static_settings(settings("local[2]", tmp_path))
    cluster = static_settings(settings("spark://127.0.0.1:7077", tmp_path))
    assert set(cluster) - set(alone) == {
        "spark.executor.memory",
        "spark.executor.extraJavaOptions",
        "spark.log.level",
        "spark.executor.syncLogLevel.enabled",
    }


def test_properties_are_read_back_as_they_were(tmp_path: Path) -> None:
    write_properties(tmp_path / "p", {"a": "back\\slash", "b": "x=y z"})
    assert (tmp_path / "p").read_text() == "a=back\\\\slash\nb=x=y z\n"
