"""Keys of persons: private files, by version, never shown, never taken for another."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyspark.cloudpickle import dumps

from onesource import person_keys
from onesource.errors import OneSourceError
from onesource.registry.tokens.forms import forms

NUMBER = "142331196203051010"  # made up


def secret(folder: Path, version: int = 1) -> str:
    return (folder / f"person.v{version}.hmac-sha256").read_text("ascii").strip()


def test_the_first_key_is_made_private_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = person_keys.ring(folder)
    assert first == person_keys.ring(folder) and first.current.name == "v1"
    assert [p.stat().st_mode & 0o777 for p in folder.iterdir()] == [0o600, 0o600]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    person_keys.ring(tmp_path / "keys")
    (tmp_path / "keys" / "person.v1.hmac-sha256").chmod(0o640)
    with pytest.raises(OneSourceError, match="can be read by others"):
        person_keys.ring(tmp_path / "keys")


def test_a_folder_into_which_others_can_write_is_refused(tmp_path: Path) -> None:
    person_keys.ring(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o770)
    with pytest.raises(OneSourceError, match="others can write"):
        person_keys.ring(tmp_path / "keys")


@pytest.mark.parametrize("broken", ["", "0" * 64, "zz" * 32, "ab" * 31])
def test_a_file_that_is_no_key_is_refused_without_its_contents(tmp_path: Path, broken: str) -> None:
    person_keys.ring(tmp_path / "keys")
    (tmp_path / "keys" / "person.v1.hmac-sha256").write_text(broken)
    with pytest.raises(OneSourceError) as e:
        person_keys.ring(tmp_path / "keys")
    assert not broken or broken not in e.value.line()


def test_what_goes_to_the_workers_and_what_is_printed_hold_no_secret(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = person_keys.ring(folder).current
    key.token(NUMBER)  # now the secret is in memory

    def work(values: pa.Array) -> pa.Array:
        return key.tokens(values)

    hidden = bytes.fromhex(secret(folder))
    for shown in (pickle.dumps(key), dumps(work), repr(key).encode(), key.id.encode()):
        assert hidden not in shown and secret(folder).encode() not in shown


def test_a_worker_finds_its_own_copy_and_refuses_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = person_keys.ring(tmp_path / "driver").current
    token = key.token(NUMBER)
    monkeypatch.setattr(person_keys, "_held", {})
    (tmp_path / "driver").rename(tmp_path / "worker")
    monkeypatch.setenv("ONESOURCE_KEYS", str(tmp_path / "worker"))
    assert key.token(NUMBER) == token
    monkeypatch.setattr(person_keys, "_held", {})
    person_keys.ring(tmp_path / "other")
    monkeypatch.setenv("ONESOURCE_KEYS", str(tmp_path / "other"))
    with pytest.raises(OneSourceError, match="another than the run's"):
        key.token(NUMBER)


def test_tokens_and_keys_name_their_version_and_depend_on_all_that_makes_them(
    tmp_path: Path,
) -> None:
    key = person_keys.ring(tmp_path / "a").current
    made = [key.token("P1"), key.key("health", "P1"), key.key("poverty", "P1"), key.key("h", "P2")]
    made += [person_keys.ring(tmp_path / "b").current.token("P1"), key.key("healthP", "1")]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"hmac-sha256:v1:[0-9a-f]{64}", m) for m in made)


def test_arrow_duckdb_and_one_value_agree(tmp_path: Path) -> None:
    key = person_keys.ring(tmp_path / "keys").current
    values = pa.array([NUMBER, None, NUMBER[:17] + "x"])
    tokens = [key.token(NUMBER), None, key.token(NUMBER[:17] + "X")]
    assert key.tokens(values).to_pylist() == tokens
    con = duckdb.connect()
    person_keys.on_duckdb(con, key)
    rows = con.execute("SELECT id_token(v) FROM (VALUES (?), (NULL), (?)) t(v)", [
        NUMBER, NUMBER[:17] + "x",
    ]).fetchall()  # fmt: skip
    assert [r[0] for r in rows] == tokens


def test_a_version_comes_into_use_only_when_told_and_the_one_in_use_cannot_be_retired(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "keys"
    assert person_keys.add_version(folder).name == "v2"
    assert person_keys.add_version(folder).name == "v2"  # the one that waits
    ring = person_keys.ring(folder)
    assert ring.current.name == "v1" and ring.pending is not None
    with pytest.raises(OneSourceError, match="in use"):
        person_keys.retire(folder, 1)
    person_keys.activate(folder, 2)
    person_keys.retire(folder, 1)
    assert [k.name for k in person_keys.ring(folder).keys] == ["v2"]
    with pytest.raises(OneSourceError, match="no person key v1"):
        person_keys.activate(folder, 1)


def test_both_forms_of_a_number_are_known() -> None:
    old = NUMBER[:6] + NUMBER[8:17]
    assert forms(NUMBER) == [NUMBER, old] and forms(old) == [old, NUMBER]
    assert forms("142331200203051012"[:17] + "x")[0].endswith("X")
    assert len(forms("142331200203051012")) == 1  # born after 1999: never had 15 digits
    assert forms(" h12345678 ") == ["H12345678"] and forms("") == []
