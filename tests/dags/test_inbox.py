"""What is taken out of the inbox, and what is left until it is complete."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from onesource_airflow import inbox


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def names(folder: Path, later: float = 60) -> list[str]:
    found = inbox.settled(folder, time.time() + later)
    return [f.relative_to(folder).as_posix() for f in found]


def test_a_file_that_may_still_grow_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.csv")
    assert names(tmp_path, later=0) == []
    assert names(tmp_path) == ["a.csv"]


def test_a_file_waits_for_the_control_file_that_grows_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.csv", "b.csv", "a.csv.ctl")
    now = time.time()
    times = {"a.csv": now - 60, "b.csv": now - 60, "a.csv.ctl": now}
    monkeypatch.setattr(inbox, "_changed_at", lambda f: times[f.name])
    assert names(tmp_path, later=0) == ["b.csv"]


@pytest.mark.parametrize(
    "name", [".hidden", "~$open.xlsx", "a.csv.part", "a.TMP", "_truth/a.csv", ".git/a", "Thumbs.db"]
)
def test_what_is_no_delivery_is_left_alone(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, "month/a.csv")
    assert names(tmp_path) == ["month/a.csv"]


def test_files_are_moved_once_and_a_later_try_finds_what_the_first_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "SETTLE_SECONDS", -1)
    put(tmp_path / "base", "1/a.csv", "2/a.csv")
    batch = inbox.take(tmp_path, "base", "manual__2024-01-01T00:00:00+00:00")
    taken = sorted(f.relative_to(batch).as_posix() for f in batch.rglob("*.csv"))
    assert taken == ["001/1/a.csv", "001/2/a.csv"]
    assert names(tmp_path / "base") == []
    put(tmp_path / "base", "1/a.csv")
    assert inbox.take(tmp_path, "base", "manual__2024-01-01T00:00:00+00:00") == batch
    assert sorted(p.name for p in batch.iterdir()) == ["001", "002"]
    assert (batch / "001/1/a.csv").exists(), "another file of the same name replaces none"
