"""What containers ask and start: health, Airflow's services, a cluster's programs."""

from __future__ import annotations

import importlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SETUP = Path(__file__).resolve().parents[3] / "setup"


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SETUP))
    return importlib.import_module(name)


class Service(HTTPServer):
    """Answers every address with one JSON."""

    told: Any = None


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.server, Service)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(self.server.told).encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = Service(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "told", "code"),
    [
        ("master", {"status": "ALIVE"}, 0),
        ("master", {"status": "STANDBY"}, 1),
        ("worker", {"masterwebuiurl": "http://m:8090"}, 0),
        ("worker", {"masterwebuiurl": ""}, 1),
        ("connect", None, 0),
        ("scheduler", {"scheduler": {"status": "healthy"}}, 0),
        ("scheduler", {"scheduler": {"status": "unhealthy"}}, 1),
        ("dag-processor", {"dag_processor": {"status": None}}, 1),
        ("triggerer", {}, 1),
        ("master", ["not", "ours"], 1),
    ],
)
def test_a_service_is_well_only_when_it_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str, told: Any, code: int
) -> None:
    healthy = part("healthy", monkeypatch)
    service.told = told
    for variable in (
        *("ONESOURCE_MASTER_UI_PORT", "ONESOURCE_WORKER_UI_PORT"),
        *("ONESOURCE_CONNECT_PORT", "ONESOURCE_AIRFLOW_PORT"),
    ):
        monkeypatch.setenv(variable, str(service.server_port))
    assert healthy.main([name, "127.0.0.1"]) == code


def test_a_service_that_does_not_answer_is_not_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    healthy = part("healthy", monkeypatch)
    # Nothing can listen on port 1 here: it is reserved.
    for variable, name in (
        ("ONESOURCE_MASTER_UI_PORT", "master"),
        ("ONESOURCE_CONNECT_PORT", "connect"),
        ("ONESOURCE_AIRFLOW_PORT", "api-server"),
    ):
        monkeypatch.setenv(variable, "1")
        assert healthy.main([name]) == 1
        assert "does not answer" in capsys.readouterr().err
    assert healthy.main(["postgres"]) == 2


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    for name in [n for n in os.environ if n.startswith(("AIRFLOW", "ONESOURCE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ONESOURCE_AIRFLOW_HOME", str(tmp_path / "airflow"))
    return part("airflow_service", monkeypatch)


def test_the_database_s_password_comes_from_a_file_whatever_it_holds(
    airflow: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert airflow.connection() is None
    (tmp_path / "password").write_text("p@ss/w:rd%\n")
    monkeypatch.setenv("ONESOURCE_POSTGRES", "airflow@postgres/airflow")
    monkeypatch.setenv("ONESOURCE_POSTGRES_PASSWORD_FILE", str(tmp_path / "password"))
    expected = "postgresql+psycopg2://airflow:p%40ss%2Fw%3Ard%25@postgres:5432/airflow"
    assert airflow.connection() == expected


@pytest.mark.parametrize(
    ("place", "word"), [("postgres", "user@host"), ("a@b/c", "cannot be read")]
)
def test_a_database_that_cannot_be_named_is_said(
    airflow: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    word: str,
) -> None:
    monkeypatch.setenv("ONESOURCE_POSTGRES", place)
    assert airflow.main(["scheduler"]) == 1
    assert word in capsys.readouterr().err


def test_a_service_waits_for_the_home_that_init_makes(
    airflow: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert airflow.main(["scheduler"]) == 1
    assert "run the service init first" in capsys.readouterr().err
    assert airflow.main(["webserver"]) == 2
