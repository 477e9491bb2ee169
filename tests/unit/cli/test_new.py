"""`onesource new`: what it writes passes `check`, and it never overwrites."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.cli.new import new_curated_command, new_feed_command
from onesource.contracts.findings import Weight
from onesource.errors import UsageError
from onesource.run.check import check
from tests.unit.small_project import SmallProject

SAMPLE = """\
收费站编号,县(市、区),日期,货车数,通行费(元)
S001,甲县,2024-01-31,388,"25,310.50"
S002,乙县,2024-01-31,911,"48,002.00"
S003,甲县,2024-01-30,402,"31,870.00"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallProject:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return SmallProject(tmp_path / "project")


def errors(project: SmallProject) -> list[str]:
    return [f.line() for f in check(project.settings) if f.weight is Weight.ERROR]


@pytest.mark.parametrize("name", ["energy.coal_price", "curated.energy_coal_price"])
def test_a_new_curated_table_passes_check(project: SmallProject, name: str) -> None:
    assert new_curated_command(project.settings, name) == 0
    assert (project.home / "jobs/sql/energy/coal_price.sql").is_file()
    assert (project.home / "schemas/curated/energy/coal_price.yaml").is_file()
    assert errors(project) == []


def test_a_new_feed_passes_check(
    project: SmallProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = tmp_path / "toll counts.csv"
    sample.write_text(SAMPLE, encoding="utf-8")
    assert new_feed_command(project.settings, "energy.toll_count", sample) == 0
    assert errors(project) == []
    said = capsys.readouterr().out
    assert "schemas/feeds/energy/toll_count.yaml" in said
    assert f"'{sample}'" in said


def test_nothing_is_overwritten(project: SmallProject, tmp_path: Path) -> None:
    before = project.feed.read_bytes(), project.curated.read_bytes(), project.sql.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        new_curated_command(project.settings, "energy.coal_status")
    with pytest.raises(UsageError, match="exists already"):
        new_feed_command(project.settings, "energy.coal", project.codes)
    after = project.feed.read_bytes(), project.curated.read_bytes(), project.sql.read_bytes()
    assert after == before


@pytest.mark.parametrize(
    "name", ["coal", "energy.", "energy.Coal", "energy.a__b", "energy.../x", "mining.coal", ".x"]
)
def test_a_name_of_another_form_or_sector_is_refused(project: SmallProject, name: str) -> None:
    with pytest.raises(UsageError):
        new_curated_command(project.settings, name)


def test_a_sample_with_a_header_twice_is_refused_in_words(
    project: SmallProject, tmp_path: Path
) -> None:
    sample = tmp_path / "twice.csv"
    sample.write_text("编号,数量,数量\n1,2,3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="数量 of the sample stands twice"):
        new_feed_command(project.settings, "energy.twice", sample)


def test_a_new_open_dataset_passes_check_and_is_held_until_it_is_approved(
    project: SmallProject,
) -> None:
    from onesource.cli.new_open import new_open_command

    schemas = project.home / "schemas"
    (schemas / "approvals.csv").write_text(
        "id,dataset,columns,approver,legal_basis,valid_from,valid_to,review_on\n"
    )
    (schemas / "negative_list.csv").write_text(
        "resource,legal_basis,reason_zh,approver,valid_from,valid_to,review_on\n"
    )
    assert new_open_command(project.settings, "coal_status", "curated.energy_coal_status") == 0
    found = check(project.settings)
    path = "schemas/open/coal_status.yaml"
    own = [f for f in found if path in f.where]
    assert any("there is no approval TODO-ID" in f.what for f in own)
    assert any("is closed: 开放属性" in f.what for f in own)
    with pytest.raises(UsageError, match="exists already"):
        new_open_command(project.settings, "coal_status", "curated.energy_coal_status")
    with pytest.raises(UsageError, match="is no curated table"):
        new_open_command(project.settings, "other", "silver.energy_coal")
