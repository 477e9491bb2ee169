"""The guard in git: what was committed against what stands in the work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.contracts.findings import Finding, Weight
from onesource.contracts.history import check_history
from tests.unit.small_project import SmallProject

pytestmark = pytest.mark.usefixtures("no_base")


@pytest.fixture
def no_base(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONESOURCE_BASE", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    # The folder that holds the tests may itself lie in a repository.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    made = SmallProject(tmp_path / "a project")
    made.commit()
    return made


def errors(project: SmallProject) -> list[Finding]:
    return [f for f in check_history(project.home) if f.weight is Weight.ERROR]


def test_an_unchanged_project_has_nothing_to_say(project: SmallProject) -> None:
    assert list(check_history(project.home)) == []


def test_a_breaking_change_is_refused_with_file_line_and_version(project: SmallProject) -> None:
    project.change(project.feed, "minimum: 0", "minimum: 5")
    (error,) = errors(project)
    line = project.feed.read_text().splitlines().index("      - name: output_t") + 1
    assert error.where == f"schemas/feeds/energy/coal.yaml:{line}"
    assert "2.0.0" in error.todo


def test_a_major_version_allows_a_breaking_change(project: SmallProject) -> None:
    project.change(project.feed, "minimum: 0", "minimum: 5")
    project.change(project.feed, "version: 1.2.3", "version: 2.0.0")
    assert errors(project) == []


def test_a_minor_version_does_not_allow_a_breaking_change(project: SmallProject) -> None:
    project.change(project.feed, "minimum: 0", "minimum: 5")
    project.change(project.feed, "version: 1.2.3", "version: 1.3.0")
    assert len(errors(project)) == 1


def test_an_addition_is_only_noted_with_the_next_version(project: SmallProject) -> None:
    project.change(project.feed, "minimum: 0", "minimum: -1")
    assert errors(project) == []
    assert any("1.3.0" in f.todo for f in check_history(project.home))


def test_a_removed_contract_is_refused_unless_it_was_retired(project: SmallProject) -> None:
    project.curated.unlink()
    assert [e.where for e in errors(project)] == ["schemas/curated/energy/coal_status.yaml"]
    project.git("checkout", "--", ".")
    project.change(project.curated, "status: active", "status: retired")
    project.commit()
    project.curated.unlink()
    # Of the commit before it is still known as active, so the removal waits for one commit more.
    project.git("commit", "-q", "--allow-empty", "-m", "retired is known")
    assert errors(project) == []


def test_a_breaking_change_that_was_committed_on_a_branch_is_found(project: SmallProject) -> None:
    project.git("checkout", "-q", "-b", "work")
    project.change(project.feed, "minimum: 0", "minimum: 5")
    project.commit()
    project.git("commit", "-q", "--allow-empty", "-m", "later")
    assert len(errors(project)) == 1


def test_a_breaking_change_in_the_last_commit_on_main_is_found(project: SmallProject) -> None:
    project.change(project.feed, "minimum: 0", "minimum: 5")
    project.commit()
    assert len(errors(project)) == 1


def test_a_version_never_goes_back(project: SmallProject) -> None:
    project.change(project.feed, "version: 1.2.3", "version: 1.2.2")
    (error,) = errors(project)
    assert "went back" in error.what


def test_without_git_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    project = SmallProject(tmp_path / "no git")
    (note,) = check_history(project.home)
    assert note.weight is Weight.NOTE
    assert "no git repository" in note.what
    monkeypatch.setenv("PATH", "")
    (note,) = check_history(project.home)
    assert "git is not installed" in note.what
