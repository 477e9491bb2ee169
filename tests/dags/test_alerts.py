"""Alerts reach every place that is named; one that cannot be reached stops nothing."""

from __future__ import annotations

import http.server
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from onesource_airflow import alerts

LINES = ["silver.base_thing: 过大 sizes must be small"]


class _Hook(http.server.BaseHTTPRequestHandler):
    heard: list[dict[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one letter needs."""

    heard: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            self.heard.append(line.decode().strip())
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while (text := self.rfile.readline()) != b".\r\n":
                    self.heard.append(text.decode().strip())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")
            if word == b"QUIT":
                return


@pytest.fixture(params=[_Hook, _Mail])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A place that hears alerts, named in the environment; what it hears."""
    handler = type("Handler", (request.param,), {"heard": []})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"127.0.0.1:{server.server_address[1]}"
        mail = request.param is _Mail
        monkeypatch.setenv("ONESOURCE_SMTP", f"smtp://{address}")
        where = "mailto:duty@example.org" if mail else f"http://{address}/a-secret-path"
        monkeypatch.setenv("ONESOURCE_ALERTS", f"log,{where}")
        yield handler.heard
        server.shutdown()
        thread.join()


def test_an_alert_comes_by_webhook_and_by_mail(place: list[str]) -> None:
    alerts.send("energy: 1 held", LINES)
    text = place[0]["text"] if isinstance(place[0], dict) else "\n".join(place)
    assert "OneSource energy: 1 held" in text
    assert "silver.base_thing" in text or "c2lsdmVyLmJhc2VfdGhpbmc" in text.replace("\n", "")
    if not isinstance(place[0], dict):
        assert any("duty@example.org" in line for line in place)


def test_a_file_gets_one_line_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONESOURCE_ALERTS", str(tmp_path / "alerts.txt"))
    alerts.send("energy: 1 held", LINES)
    alerts.send("base: 2 held", ["one", "two"])
    lines = (tmp_path / "alerts.txt").read_text(encoding="utf-8").splitlines()
    assert [ln.split("\t")[1:] for ln in lines] == [
        ["energy: 1 held", LINES[0]],
        ["base: 2 held", "one"],
        ["base: 2 held", "two"],
    ]


@pytest.mark.parametrize(
    "where",
    ["http://127.0.0.1:1/a-secret-path", "mailto:x@example.org", "/nowhere/at/all", "http://["],
)
def test_a_place_that_cannot_be_reached_is_named_without_its_secret_and_stops_nothing(
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("ONESOURCE_SMTP", "smtp://u:a-secret-path@127.0.0.1:1")
    monkeypatch.setenv("ONESOURCE_ALERTS", f"{where},{tmp_path / 'alerts.txt'}")
    with caplog.at_level(logging.WARNING):
        alerts.send("energy: 1 held", LINES)
    assert "could not be sent" in caplog.text
    assert "a-secret-path" not in caplog.text
    assert LINES[0] in caplog.text
    assert (tmp_path / "alerts.txt").exists()
