"""The house: rooms, names, what stands in files, and that the docs speak of commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

HOME = Path(__file__).resolve().parents[2]
SKIPPED = {
    ".hypothesis",
    ".git",
    ".venv",
    ".venv-airflow",
    ".cache",
    "__pycache__",
    "node_modules",
}
# Of the project's folder only: the package has a room `lake`, the schemas a folder `open`.
DATA = {"lake", "open", "keys", "build"}
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".in", ".sh", ".sql", ".json", ".cfg", ""}
# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "repo1." + "maven", "maven" + ".org/"]
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/[\w.]")


def files() -> Iterator[Path]:
    for path in sorted(HOME.rglob("*")):
        relative = path.relative_to(HOME)
        hidden_cache = any(p.endswith("_cache") or p.endswith(".egg-info") for p in relative.parts)
        data = relative.parts[0] in DATA
        if path.is_file() and not hidden_cache and not data and not SKIPPED & set(relative.parts):
            yield path


def texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        if path.suffix in TEXT and path.stat().st_size < 1_000_000:
            yield path.relative_to(HOME), path.read_text(encoding="utf-8", errors="replace")


def test_rooms_import_only_what_stands_before_them() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=HOME, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_file_names_the_host_of_a_package_registry() -> None:
    """Registries are reached through their clients, whose own settings name a mirror."""
    found = [(p, host) for p, text in texts() for host in REGISTRY_HOSTS if host in text]
    assert found == []


def test_no_file_holds_the_path_of_somebodys_machine() -> None:
    found = [
        (path, line)
        for path, text in texts()
        for line in text.splitlines()
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "misc", "base"}
    found = [p for p in (HOME / "jobs" / "onesource").rglob("*.py") if p.stem in drawers]
    assert found == []


def test_generated_files_are_current() -> None:
    from onesource.run.reference import generated_files

    for name, text in generated_files().items():
        path = HOME / name
        assert path.exists(), f"{name} is missing: make docs"
        assert path.read_text(encoding="utf-8") == text, f"{name} is not current: make docs"


def command(words: list[str]) -> click.Command | None:
    """The command that words name: `sql`, or `new feed`. None where there is none."""
    from onesource.cli.main import app

    found: click.Command = typer.main.get_command(app)
    for word in words:
        # A group that does something by itself can be followed by its options.
        alone = getattr(found, "invoke_without_command", False) and word.startswith("--")
        if alone or not hasattr(found, "commands"):
            break
        found = found.commands.get(word)
        if found is None:
            return None
    return found


def said_commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of every `onesource …` that stands in a code block or in code words."""
    pages = [
        HOME / "README.md",
        *(HOME / "docs").rglob("*.md"),
        *(HOME / "benchmarks").glob("*.md"),
    ]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(
            r"```(?:sh|console)?\n(.*?)```|`(onesource [^`]+)`", text, re.DOTALL
        ):
            for line in "\n".join(block).replace("\\\n", " ").splitlines():
                for said in re.findall(r"(?:^|[\s|/;&])onesource ([a-z][^|;&#]*)", line):
                    if not said.split()[0].endswith(":"):
                        yield str(page.relative_to(HOME)), said.split()


def test_docs_speak_of_commands_and_options_that_exist() -> None:
    said = list(said_commands())
    assert len(said) > 20
    for page, words in said:
        found = command(words)
        assert found is not None, f"{page}: onesource {' '.join(words)}"
        known = {o for p in found.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        for word in words:
            if word.startswith("--"):
                option = word.split("=")[0]
                assert option in known, f"{page}: onesource {' '.join(words)}: {option}"


def test_docs_speak_of_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOME / "Makefile").read_text(), re.MULTILINE))
    for page in [HOME / "README.md", *(HOME / "docs").rglob("*.md")]:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE):
            assert target in targets, f"{page.name}: make {target}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [HOME / "README.md", HOME / "CHANGELOG.md", *(HOME / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.relative_to(HOME)}: {link}"


@pytest.mark.parametrize("name", ["Makefile", ".ci/run", "LICENSE", "NOTICE", "CHANGELOG.md"])
def test_what_a_house_needs_is_there(name: str) -> None:
    assert (HOME / name).is_file()
