"""A release: never half, the same bytes again, the difference told, unchanged files kept once."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from onesource.errors import OneSourceError
from onesource.publish import latest, release
from onesource.publish.retention import clear_old
from onesource.publish.signing import signer
from onesource.publish.verify import verify
from tests.unit.publish.open_city import DAY, OpenCity, another, approval
from tests.unit.publish.test_permit import source_opening

ROWS = (
    ("141126", "石楼县", "2024-05", "12.5"),
    ("141127", "=岚县", "2024-05", None),
    ("141126", "石楼县", "2024-06", "7"),
)


@pytest.fixture
def open_city(city: OpenCity) -> OpenCity:
    source_opening(city)
    city.serve("r3", *ROWS)
    return city


def manifest(city: OpenCity, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(city.file(name, "manifest.json").read_text("utf-8"))
    return found


def pem(city: OpenCity) -> bytes:
    return signer(city.settings).public_pem


def test_the_rows_are_the_same_in_every_format(open_city: OpenCity) -> None:
    made = open_city.release()
    folder = made.folder / "datasets" / "coal_month"
    raw = (folder / "coal_month.csv").read_bytes()
    assert raw.startswith(b"county_code,month,county_name,output_t\n")
    assert b"\r" not in raw
    rows = list(csv.DictReader(raw.decode("utf-8").splitlines()))
    assert [(r["county_code"], r["month"], r["output_t"]) for r in rows] == [
        ("141126", "2024-05", "12.500"),
        ("141126", "2024-06", "7.000"),
        ("141127", "2024-05", ""),
    ]
    parquet = pq.read_table(folder / "coal_month.parquet")
    assert parquet.column("output_t").to_pylist()[2] is None
    assert parquet.schema.field("output_t").metadata[b"unit"] == b"t"
    sheet = openpyxl.load_workbook(folder / "coal_month.xlsx").active
    assert sheet is not None
    cells = [[c.value for c in row] for row in sheet.iter_rows()]
    assert cells[0] == ["县区代码", "月份", "县区", "产量（t）"]
    assert cells[1] == ["county_code", "month", "county_name", "output_t"]
    assert cells[2] == ["141126", "2024-05", "石楼县", 12.5], "a code stays text, a number a number"
    assert cells[4][2] == "'=岚县", "no cell begins a formula"


def test_the_same_versions_give_the_same_bytes_again(open_city: OpenCity) -> None:
    first = open_city.release()
    bytes_of = {p: (first.folder / p).read_bytes() for p in files(first.folder)}
    latest.remove(first.folder)
    (open_city.settings.open / "latest").unlink()
    again = open_city.release()
    assert again.release == first.release
    assert {p: (again.folder / p).read_bytes() for p in files(again.folder)} == bytes_of


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_nothing_new_makes_no_release(open_city: OpenCity) -> None:
    first = open_city.release()
    second = open_city.release()
    assert (second.release, second.is_new) == (first.release, False)
    assert latest.release_ids(open_city.settings) == [first.release]


def test_the_difference_names_the_keys_and_unchanged_files_are_kept_once(
    open_city: OpenCity,
) -> None:
    own = another("same", where="month = '2024-05'")
    open_city.approvals += approval("same", ["county_code", "month", "county_name", "output_t"])
    open_city.write(own)
    first = open_city.release()
    open_city.serve("r4", ROWS[0], ROWS[1], ("141126", "石楼县", "2024-06", "9"),
                    ("141127", "岚县", "2024-07", "1"))  # fmt: skip
    second = open_city.release(date(2024, 6, 4))
    diff = json.loads((second.folder / "diff.json").read_text("utf-8"))
    entry = diff["datasets"]["coal_month"]
    assert diff["previous"] == first.release
    assert (entry["rows_before"], entry["rows"]) == (3, 4)
    assert entry["keys"]["added"] == [{"county_code": "141127", "month": "2024-07"}]
    assert entry["keys"]["changed"] == [{"county_code": "141126", "month": "2024-06"}]
    assert entry["counts"] == {"added": 1, "changed": 1, "removed": 0}
    assert diff["datasets"]["same"]["counts"] == {"added": 0, "changed": 0, "removed": 0}
    words = (second.folder / "CHANGES.md").read_text("utf-8")
    assert "更正 1 行" in words and "没有变化的数据集" in words
    kept = "datasets/same/same.parquet"
    assert (first.folder / kept).stat().st_ino == (second.folder / kept).stat().st_ino
    changed = "datasets/coal_month/coal_month.csv"
    assert (first.folder / changed).stat().st_ino != (second.folder / changed).stat().st_ino


def test_a_night_that_is_made_up_for_does_not_move_latest_back(open_city: OpenCity) -> None:
    earliest = open_city.release(date(2024, 6, 1))
    newest = open_city.release(date(2024, 6, 5))
    open_city.serve("r4", *ROWS[:2])
    made = open_city.release(date(2024, 6, 3))
    assert manifest(open_city, made.release)["previous"] == earliest.release
    assert latest.latest_id(open_city.settings) == newest.release
    later = open_city.release(date(2024, 6, 5))
    assert manifest(open_city, later.release)["previous"] == newest.release
    assert latest.latest_id(open_city.settings) == later.release


def test_where_nothing_may_go_out_nothing_is_made_and_the_reason_is_said(
    open_city: OpenCity,
) -> None:
    open_city.approvals = open_city.approvals.replace("A-1,", "A-2,")
    with pytest.raises(release.NothingReleased, match="there is no approval A-1") as e:
        open_city.release()
    assert e.value.exit_code == 3
    assert latest.latest_id(open_city.settings) is None
    assert not list(latest.releases_folder(open_city.settings).iterdir())


def test_a_column_taken_away_needs_a_major_version(open_city: OpenCity) -> None:
    first = open_city.release()
    open_city.dataset["schema"][0]["properties"].pop(2)
    with pytest.raises(OneSourceError, match="county_name was removed"):
        open_city.release(date(2024, 6, 4))
    assert latest.latest_id(open_city.settings) == first.release
    open_city.dataset["version"] = "2.0.0"
    assert open_city.release(date(2024, 6, 4)).is_new


def test_one_dataset_that_may_not_go_out_stops_itself_only(open_city: OpenCity) -> None:
    closed = another("closed")  # there is no approval A-closed
    open_city.write(closed)
    made = open_city.release()
    assert made.datasets == ("coal_month",)
    held = manifest(open_city, made.release)["held"]
    assert [h["dataset"] for h in held] == ["closed"]
    assert "A-closed" in held[0]["reason_en"] and "A-closed" in held[0]["reason_zh"]
    assert not (made.folder / "datasets" / "closed").exists()
    assert "A-closed" in (made.folder / "CHANGES.md").read_text("utf-8")


def test_a_source_that_was_never_served_holds_its_dataset(open_city: OpenCity) -> None:
    open_city.write(another("none", source="ops.nothing"))
    open_city.approvals += approval("none", ["county_code", "month", "county_name", "output_t"])
    made = open_city.release()
    assert [h.contract.name for h in made.held] == ["none"]


def test_rows_with_one_key_hold_the_dataset(open_city: OpenCity) -> None:
    open_city.serve("r5", ROWS[0], ROWS[0])
    with pytest.raises(OneSourceError, match="1 rows have the key of another row"):
        open_city.release()


def test_a_release_is_read_only_and_verifies(open_city: OpenCity) -> None:
    made = open_city.release()
    found = verify(made.folder, pem(open_city), made.release)
    assert (found.rows, found.withdrawn) == (3, ())
    assert not any(p.stat().st_mode & 0o222 for p in (made.folder, *made.folder.rglob("*")))


TAMPERED = {
    "a changed byte": lambda f: write(f / "CHANGES.md", b"x"),
    "a missing file": lambda f: (f / "datapackage.json").unlink(),
    "a file beside": lambda f: write(f / "more.txt", b"x"),
    "a file beside, in a dataset": lambda f: write(f / "datasets/coal_month/x.csv", b"x"),
    "a link": lambda f: (f / "more.txt").symlink_to("CHANGES.md"),
    "other sums": lambda f: write(f / "SHA256SUMS", b"0" * 64 + b"  CHANGES.md\n"),
    "another signature": lambda f: write(f / "SHA256SUMS.sig", b"ed25519:0:AAAA\n"),
    "a signature of nothing": lambda f: write(f / "SHA256SUMS.sig", b""),
}


def write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("name", TAMPERED)
def test_whatever_is_changed_is_found(open_city: OpenCity, name: str) -> None:
    made = open_city.release()
    latest.thaw(made.folder)
    TAMPERED[name](made.folder)
    with pytest.raises(OneSourceError):
        verify(made.folder, pem(open_city))


def test_another_key_does_not_verify(open_city: OpenCity, tmp_path: Path) -> None:
    made = open_city.release()
    from dataclasses import replace

    other = signer(replace(open_city.settings, keys=tmp_path / "other"))
    with pytest.raises(OneSourceError, match="signature does not fit"):
        verify(made.folder, other.public_pem)


def test_a_key_that_others_can_read_is_refused(open_city: OpenCity) -> None:
    open_city.release()
    (open_city.settings.keys / "release.ed25519.pem").chmod(0o640)
    with pytest.raises(OneSourceError, match="can be read by others"):
        signer(open_city.settings)


STAGES = ("build_dataset", "write_release", "verify", "leaks")


@pytest.mark.parametrize("stage", STAGES)
def test_stopped_anywhere_latest_is_whole_and_the_next_run_finishes(
    open_city: OpenCity, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_city.release()
    open_city.serve("r6", ROWS[0])

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(release, stage, stop)
        with pytest.raises(KeyboardInterrupt):
            open_city.release(date(2024, 6, 4))
    assert latest.latest_id(open_city.settings) == first.release
    verify(first.folder, pem(open_city))
    second = open_city.release(date(2024, 6, 4))
    assert second.is_new and latest.latest_id(open_city.settings) == second.release
    assert not list(latest.releases_folder(open_city.settings).glob(".building*"))


def test_stopped_between_the_name_and_latest_the_next_run_moves_it(
    open_city: OpenCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_city.release()
    open_city.serve("r7", ROWS[0])
    with monkeypatch.context() as m:
        m.setattr(latest, "point_latest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            open_city.release(date(2024, 6, 4))
    assert latest.latest_id(open_city.settings) == first.release
    again = open_city.release(date(2024, 6, 4))
    assert (again.is_new, latest.latest_id(open_city.settings)) == (False, again.release)


def test_the_last_thirty_and_the_last_of_each_month_stay(open_city: OpenCity) -> None:
    root = latest.releases_folder(open_city.settings)
    made = open_city.release(date(2024, 3, 1))
    days = [f"{m}{d:02d}" for m in ("202312", "202401", "202402") for d in range(1, 29)]
    for day in days:
        shutil.copytree(made.folder, root / f"{day}-00000000")
    gone = clear_old(open_city.settings)
    whole = [r for r in latest.release_ids(open_city.settings)
             if (root / r / "datapackage.json").is_file()]  # fmt: skip
    assert len(gone) == len(days) + 1 - 30 - 1
    assert "20231228-00000000" in whole and "20231227-00000000" not in whole
    assert all((root / r / "manifest.json").is_file() for r in gone)
    assert not (root / gone[0] / "datasets").exists()


def test_the_catalogue_and_the_package_are_valid_and_complete(open_city: OpenCity) -> None:
    import frictionless
    import rdflib

    made = open_city.release()
    report = frictionless.validate(str(made.folder / "datapackage.json"))
    assert report.valid, report.flatten(["message"])
    graph = rdflib.Graph().parse(made.folder / "catalog.jsonld", format="json-ld")
    dcat = rdflib.Namespace("http://www.w3.org/ns/dcat#")
    dct = rdflib.Namespace("http://purl.org/dc/terms/")
    (catalogue,) = graph.subjects(rdflib.RDF.type, dcat.Catalog)
    for needed in (dct.title, dct.description, dct.publisher):
        assert graph.value(catalogue, needed) is not None
    (dataset,) = graph.objects(catalogue, dcat.dataset)
    assert str(dataset) == "https://data.example.org/id/dataset/coal_month"
    for needed in (dct.title, dct.description, dcat.theme, dct.spatial, dct.temporal):
        assert graph.value(dataset, needed) is not None
    found = list(graph.objects(dataset, dcat.distribution))
    assert len(found) == 3
    for distribution in found:
        assert graph.value(distribution, dcat.accessURL) is not None
        assert graph.value(distribution, dct.license) is not None
    sheet = openpyxl.load_workbook(made.folder / "catalog.xlsx").active
    assert sheet is not None
    header = [c.value for c in sheet[1]]
    row = dict(zip(header, [c.value for c in sheet[2]], strict=True))
    assert row["数据集名称"] == "原煤月产量" and row["数据量（条）"] == 3


def test_sums_can_be_checked_with_the_usual_tool(open_city: OpenCity) -> None:
    made = open_city.release()
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=made.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_command_verifies_with_the_folder_and_the_key_alone(
    open_city: OpenCity, tmp_path: Path
) -> None:
    made = open_city.release()
    elsewhere = tmp_path / "a download" / made.release
    shutil.copytree(made.folder, elsewhere)
    (key,) = (open_city.settings.open / "keys").glob("*.pem")
    shutil.copy(key, tmp_path / "key.pem")
    command = [sys.executable, "-m", "onesource.cli.main", "release", "verify", str(elsewhere)]
    environment = os.environ | {"ONESOURCE_OPEN": str(tmp_path / "none")}
    done = subprocess.run(
        [*command, "--key", str(tmp_path / "key.pem")],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert made.release in done.stdout
    without = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert without.returncode == 2 and "name it with --key" in without.stderr


def test_the_day_is_in_the_name(open_city: OpenCity) -> None:
    assert open_city.release(DAY).release.startswith("20240603-")
