"""What is withdrawn is gone from every release, a signed notice says why, and it stays gone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from onesource.errors import OneSourceError, UsageError
from onesource.publish import latest
from onesource.publish.signing import signer
from onesource.publish.verify import verify
from onesource.publish.withdraw import withdraw
from tests.unit.publish.open_city import OpenCity, another, approval
from tests.unit.publish.test_permit import source_opening

COLUMNS = ["county_code", "month", "county_name", "output_t"]
AT = datetime(2024, 6, 5, tzinfo=UTC)


@pytest.fixture
def three_nights(city: OpenCity) -> tuple[OpenCity, list[str]]:
    """Three releases of two datasets; the rows of the first two nights are the same."""
    source_opening(city)
    city.approvals += approval("other", COLUMNS)
    city.write(another("other", where="month = '2024-06'"))
    names = []
    for night, tonnes in enumerate(("5", "5", "6")):
        city.serve(f"n{night}", ("141126", "石楼县", "2024-05", tonnes),
                   ("141126", "石楼县", "2024-06", "1"))  # fmt: skip
        names.append(city.release(date(2024, 6, 3 + night)).release)
    return city, names


def test_a_dataset_goes_from_every_release_that_carries_its_bytes(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    done = withdraw(city.settings, names[0], "coal_month", "个别值有误", AT)
    assert done.releases == tuple(names[:2])
    assert done.latest == names[2], "the newest carries other bytes and stays"
    for name in names[:2]:
        folder = city.file(name, "datasets/coal_month")
        assert sorted(p.name for p in folder.iterdir()) == [
            "WITHDRAWN.json",
            "WITHDRAWN.json.sig",
        ]
        notice = json.loads((folder / "WITHDRAWN.json").read_text("utf-8"))
        assert notice["reason"] == "个别值有误"
        assert not city.file(name, "coal_month.html").exists(), "the page showed the rows"
        assert not city.file(name, "diff.json").exists(), "it named the keys"
        assert city.file(name, "datasets/other/other.csv").exists()
        found = verify(city.file(name, "."), signer(city.settings).public_pem)
        assert found.withdrawn == ("coal_month",)


def test_bytes_that_were_withdrawn_never_go_out_again(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    withdraw(city.settings, names[2], "coal_month", "有误", AT)
    made = city.release(date(2024, 6, 6))
    assert made.datasets == ("other",)
    assert "withdrawn" in made.held[0].reason_en


def test_latest_moves_to_a_whole_release_or_goes(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    assert withdraw(city.settings, names[2], "coal_month", "有误", AT).latest == names[1]
    assert withdraw(city.settings, names[0], "other", "有误", AT).latest is None
    assert latest.latest_id(city.settings) is None


def test_a_whole_release_leaves_its_manifest_and_the_notice(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    withdraw(city.settings, names[2], None, "有误", AT)
    left = {p.name for p in city.file(names[2], ".").iterdir()}
    assert {"manifest.json", "WITHDRAWN.json", "WITHDRAWN.json.sig"} <= left
    assert "index.html" not in left
    assert "*" in verify(city.file(names[2], "."), signer(city.settings).public_pem).withdrawn


def test_a_withdrawal_that_was_cut_short_is_finished_by_the_same_command(
    three_nights: tuple[OpenCity, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    city, names = three_nights
    unlink = Path.unlink
    count = 0

    def stop(self: Path, missing_ok: bool = False) -> None:
        nonlocal count
        count += self.suffix == ".csv"
        if count == 2:
            raise KeyboardInterrupt
        unlink(self, missing_ok)

    with monkeypatch.context() as m:
        m.setattr(Path, "unlink", stop)
        with pytest.raises(KeyboardInterrupt):
            withdraw(city.settings, names[0], "coal_month", "有误", AT)
    with pytest.raises(OneSourceError, match="still there"):
        for name in names[:2]:
            verify(city.file(name, "."), signer(city.settings).public_pem)
    withdraw(city.settings, names[0], "coal_month", "有误", AT)
    for name in names[:2]:
        verify(city.file(name, "."), signer(city.settings).public_pem)


def test_a_notice_that_is_not_ours_does_not_verify(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    folder = city.file(names[2], ".")
    latest.thaw(folder)
    removed = folder / "datasets/other/other.csv"
    removed.unlink()
    forged = {
        "release": names[2],
        "reason": "x",
        "files": [],
        "removed": ["datasets/other/other.csv"],
    }
    (folder / "datasets/other/WITHDRAWN.json").write_text(json.dumps(forged))
    (folder / "datasets/other/WITHDRAWN.json.sig").write_text("ed25519:0:AAAA\n")
    with pytest.raises(OneSourceError, match="not signed by this key"):
        verify(folder, signer(city.settings).public_pem)


def test_what_is_not_there_cannot_be_withdrawn(
    three_nights: tuple[OpenCity, list[str]],
) -> None:
    city, names = three_nights
    for release, dataset, reason in (
        ("20000101-00000000", None, "x"),
        (names[0], "none", "x"),
        (names[0], "other", " "),
    ):
        with pytest.raises(UsageError):
            withdraw(city.settings, release, dataset, reason, AT)
