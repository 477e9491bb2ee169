"""Set-up: goes on where it was cut short, does nothing twice, says plainly what is missing."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).resolve().parents[2]
SETUP = HOME / "setup"


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """setup/bootstrap.py, at work in a folder of its own whose name has a space."""
    module = part("bootstrap", monkeypatch)
    root = tmp_path / "a checkout"
    (root / ".cache").mkdir(parents=True)
    for name, value in (
        ("ROOT", root),
        ("CACHE", root / ".cache"),
        ("VENV", root / ".venv"),
        ("STAMP", root / ".cache" / "setup.stamp"),
    ):
        monkeypatch.setattr(module, name, value)
    return module


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SETUP))
    return importlib.import_module(name)


def test_a_part_that_is_done_is_not_done_again(bootstrap: ModuleType) -> None:
    done: list[str] = []
    for _ in range(2):
        parts = bootstrap.Parts()
        parts.part("x", "digest", "doing x", lambda: done.append("x"))
    assert done == ["x"]
    bootstrap.Parts().part("x", "other digest", "doing x", lambda: done.append("again"))
    assert done == ["x", "again"]


def test_a_part_whose_result_is_gone_is_done_again(bootstrap: ModuleType) -> None:
    result = bootstrap.CACHE / "result"
    for _ in range(2):
        bootstrap.Parts().part("x", "digest", "doing x", result.touch, result)
        assert result.exists()
        result.unlink()


def test_a_part_that_was_cut_short_is_begun_anew(bootstrap: ModuleType) -> None:
    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bootstrap.Parts().part("x", "digest", "doing x", cut)
    assert not bootstrap.Parts().is_done("x", "digest")


def test_a_damaged_stamp_counts_as_none(bootstrap: ModuleType) -> None:
    bootstrap.STAMP.write_text('{"x": ')
    assert bootstrap.read_stamp() == {}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "hash mismatch"),
        ("WARNING: Retrying … NewConnectionError('<pip._vendor…", "cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for x==1", "has not what was locked"),
        ("ERROR: something else", "something else"),
    ],
)
def test_what_pip_could_not_do_is_said_in_one_line(
    told: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = part("packages", monkeypatch).explain(told, Path("the.log"))
    assert words in line
    assert "the.log" in line
    assert "\n" not in line


def test_a_jar_that_is_not_the_named_one_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = part("delta_jars", monkeypatch)
    given = tmp_path / "given by hand"
    given.mkdir()
    right = hashlib.sha256(b"right").hexdigest()
    jar = jars.Jar("g", "a", "1", right)
    monkeypatch.setenv("ONESOURCE_JARS", str(given))
    cache = tmp_path / ".cache"
    cache.mkdir()
    with pytest.raises(Exception, match=r"has no a-1\.jar"):
        jars.fetch([jar], cache, Path("java"), Path("venv"))
    (given / "a-1.jar").write_bytes(b"wrong")
    with pytest.raises(Exception, match="sha256"):
        jars.fetch([jar], cache, Path("java"), Path("venv"))
    assert not list(cache.rglob("*.jar"))
    (given / "a-1.jar").write_bytes(b"right")
    jars.fetch([jar], cache, Path("java"), Path("venv"))
    assert (cache / "jars" / "a-1.jar").read_bytes() == b"right"


def test_the_listed_jars_are_those_that_the_jobs_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from onesource.spark.session import JARS

    listed = part("delta_jars", monkeypatch).wanted(SETUP / "jars.txt")
    assert sorted(j.file_name for j in listed) == sorted(JARS)


def test_every_package_is_locked_with_a_hash() -> None:
    text = (SETUP / "requirements.txt").read_text()
    packages = [ln for ln in text.splitlines() if "==" in ln]
    assert len(packages) > 50
    assert text.count("==") == len(packages)
    assert all(ln.endswith("\\") for ln in packages)
    named = {ln.split("==")[0].lower() for ln in packages}
    wanted = {
        ln.split("==")[0].split("[")[0].lower()
        for ln in (SETUP / "requirements.in").read_text().splitlines()
        if ln and not ln.startswith("#")
    }
    assert wanted <= named


def find_python(place: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("sh") or "/bin/sh", str(SETUP / "find-python.sh")],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(place), **env},
    )


def fake_python(path: Path, answer: str) -> None:
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)


def test_a_python_of_another_version_or_a_dead_shim_is_passed_over(tmp_path: Path) -> None:
    fake_python(tmp_path / "python3.11", "exit 127")
    fake_python(tmp_path / "python3", "echo 3.12 able")
    fake_python(tmp_path / "python", "echo 3.11 able")
    assert find_python(tmp_path).stdout == "python\n"


def test_a_python_that_can_make_environments_goes_first(tmp_path: Path) -> None:
    fake_python(tmp_path / "python3.11", "echo 3.11 unable")
    assert find_python(tmp_path).stdout == "python3.11\n"
    fake_python(tmp_path / "python3", "echo 3.11 able")
    assert find_python(tmp_path).stdout == "python3\n"


def test_a_named_python_goes_first(tmp_path: Path) -> None:
    fake_python(tmp_path / "python3.11", "echo 3.11 able")
    mine = tmp_path / "my python"
    fake_python(mine, "echo 3.11 able")
    assert find_python(tmp_path, PYTHON=str(mine)).stdout == f"{mine}\n"


def test_without_a_python_it_says_what_is_missing(tmp_path: Path) -> None:
    fake_python(tmp_path / "python3", "echo 3.12 able")
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "Python 3.11" in done.stderr
    assert "python3=3.12" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_python_without_venv_is_told_of(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = part("packages", monkeypatch)
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Exception, match="no module venv and ensurepip"):
        packages.install_packages(bootstrap.ROOT, bootstrap.VENV, bootstrap.CACHE)


def test_set_up_that_another_python_runs_says_so() -> None:
    code = (
        "import sys, runpy; sys.version_info = (3, 12, 0, 'final', 0);"
        f"sys.argv = [{str(SETUP / 'bootstrap.py')!r}];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 1
    assert "Python 3.11 is needed" in done.stderr


def test_trusted_certificates_become_a_key_store_that_java_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seal and the layout are what the format says; Java itself is asked where it can be."""
    jars = part("delta_jars", monkeypatch)
    store = jars.java_key_store([])
    assert store[:12] == bytes.fromhex("feedfeed0000000200000000")
    assert len(store) == 12 + 20
    keytool = shutil.which("keytool")
    if keytool:
        path = tmp_path / "trust.jks"
        path.write_bytes(store)
        told = subprocess.run(
            [keytool, "-list", "-keystore", str(path), "-storepass", "changeit"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
