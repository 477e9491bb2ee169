"""Fault profiles: known kinds, rates between 0 and 1, a ledger that says what must happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from onesource.errors import UsageError
from onesource.simulate.faults import KINDS, PROFILES, Fault, Ledger, rates


def test_every_profile_names_known_kinds_and_heavy_plants_them_all() -> None:
    for profile in PROFILES:
        assert set(rates(profile)) == set(KINDS)
    assert not any(rates("none").values())
    assert all(rates("heavy").values())


def test_a_file_of_rates_leaves_the_other_kinds_out(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("spike: 1\n", encoding="utf-8")
    found = rates(str(file))
    assert found.pop("spike") == 1
    assert not any(found.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [("spik: 0.1\n", "there is no fault spik"), ("spike: 2\n", "not between 0 and 1")],
)
def test_a_wrong_file_of_rates_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        rates(str(file))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="there are no faults wild"):
        rates("wild")


def test_the_ledger_says_what_must_become_of_a_fault(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.add(Fault("bad_uscc", "night/report.xlsx", line=7))
    ledger.write(tmp_path / "faults.csv")
    header, row = (tmp_path / "faults.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("kind,file,sheet,line")
    assert row.startswith("bad_uscc,night/report.xlsx,,7") and row.endswith("quarantined")
