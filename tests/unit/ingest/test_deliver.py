"""Handing in: what is taken, what is refused and why, what was there already (P1)."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from onesource.cli.deliver import deliver_files
from onesource.errors import OneSourceError, UsageError
from onesource.ingest import landing
from onesource.lake import ops
from tests.integration.small_city import SmallCity, feed, field, key, make_city

ROWS = "id,name\n1,a\n2,b\n"
THING = feed("base.thing", [key("id"), field("name")], pattern=r"thing_.*\.csv")
COUNTY = feed(
    "energy.output",
    [key("county", origin={"from": "file_name", "group": "county"}), key("mine")],
    pattern=r"output_(?P<county>\d{6})_.*\.csv",
    correction="replace",
    replace_scope=["county"],
)


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return make_city(tmp_path, THING, COUNTY)


def control(city: SmallCity, name: str, **values: Any) -> None:
    city.file(f"{name}.ctl", json.dumps(values))


def test_what_is_taken_is_kept_byte_for_byte_with_its_record(city: SmallCity) -> None:
    outcome = city.deliver("thing_1.csv", ROWS)
    assert (outcome.status, outcome.rows) == ("taken", 2)
    contract = city.contract("silver.base_thing")
    (record,) = landing.records(city.settings, contract)
    kept = landing.payload(city.settings, contract, record)
    assert kept.read_text() == ROWS
    assert record.digest == f"sha256:{hashlib.sha256(ROWS.encode()).hexdigest()}"
    assert record.statement_from == "receipt"


def test_the_same_bytes_under_another_name_are_known(city: SmallCity) -> None:
    first = city.deliver("thing_1.csv", ROWS)
    again = city.deliver("thing_renamed.csv", ROWS)
    assert (again.status, again.delivery_id) == ("known", first.delivery_id)
    assert "thing_1.csv" in again.message


def test_the_same_bytes_for_another_scope_are_another_statement(city: SmallCity) -> None:
    first = city.deliver("output_141126_a.csv", "mine\nA\n")
    second = city.deliver("output_141127_a.csv", "mine\nA\n")
    assert second.status == "taken"
    assert second.delivery_id != first.delivery_id


def test_a_control_file_that_agrees_is_recorded(city: SmallCity) -> None:
    sha = hashlib.sha256(ROWS.encode()).hexdigest()
    control(city, "thing_1.csv", rows=2, sha256=sha, sequence=7, statement_time="2024-01-02T08:00")
    assert city.deliver("thing_1.csv", ROWS).status == "taken"
    (record,) = landing.records(city.settings, city.contract("silver.base_thing"))
    assert record.statement_from == "control"
    assert record.statement_at == "2024-01-02T08:00:00+08:00"
    assert record.sequence == 7


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rows": 3}, "control file says 3"),
        ({"sha256": "0" * 64}, "not those that the control file names"),
        ({"rows": "many"}, "rows is no whole number"),
        ({"rows": 2, "signed": True}, "unknown: signed"),
        ({"statement_time": "yesterday"}, "control file cannot be used"),
    ],
)
def test_a_control_file_that_differs_refuses_the_delivery(
    city: SmallCity, values: dict[str, Any], said: str
) -> None:
    control(city, "thing_1.csv", **values)
    outcome = city.deliver("thing_1.csv", ROWS)
    assert (outcome.status, outcome.reason) == ("refused", "CONTROL")
    assert said in outcome.message
    assert landing.records(city.settings, city.contract("silver.base_thing")) == []


def test_a_delivery_with_the_control_of_an_earlier_one_is_that_statement(city: SmallCity) -> None:
    control(city, "thing_1.csv", sequence=1, statement_time="2024-01-01")
    first = city.deliver("thing_1.csv", ROWS)
    control(city, "thing_2.csv", sequence=2, statement_time="2024-01-02")
    assert city.deliver("thing_2.csv", "id,name\n1,z\n").status == "taken"
    assert city.deliver("thing_1.csv", ROWS).delivery_id == first.delivery_id
    control(city, "thing_1.csv", sequence=3, statement_time="2024-01-03")
    assert city.deliver("thing_1.csv", ROWS).status == "taken"


def test_a_file_that_no_feed_expects_is_refused_and_recorded(city: SmallCity) -> None:
    outcome = city.deliver("holiday.jpg", b"\xff\xd8")
    assert (outcome.status, outcome.reason) == ("refused", "NO_FEED")
    (row,) = list(ops.rows(city.settings, "refusals"))
    assert (row["file"], row["reason"]) == ("holiday.jpg", "NO_FEED")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("thing_1.csv", b"name\na\n", "HEADER"),
        ("thing_1.csv", b"id,name\n", "EMPTY"),
        ("thing_1.csv", b"", "EMPTY"),
        ("thing_1.csv", b"id,name\n1,\xff\xfe\xff\n", "ENCODING"),
        ("thing_1.csv", b'id,name\n1,"a', "TRUNCATED"),
    ],
)
def test_a_bad_file_is_refused_with_one_line(
    city: SmallCity, name: str, data: bytes, reason: str
) -> None:
    outcome = city.deliver(name, data)
    assert (outcome.status, outcome.reason) == ("refused", reason)
    assert "\n" not in outcome.message
    assert (city.inbox / "in" / name).exists(), "the sender's file stays where it is"


def test_a_file_still_growing_is_not_taken(city: SmallCity) -> None:
    path = city.file("thing_1.csv", ROWS)
    os.utime(path)
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.05):
            with path.open("a") as f:
                f.write("3,c\n")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        (outcome,) = deliver_files(city.settings, [path])
    finally:
        stop.set()
        thread.join()
    assert (outcome.status, outcome.reason) == ("refused", "GROWING")
    past = time.time() - 60
    os.utime(path, (past, past))
    assert deliver_files(city.settings, [path])[0].status == "taken"


def test_a_folder_and_a_zip_are_matched_file_by_file(city: SmallCity) -> None:
    city.file("thing_1.csv", ROWS, "box")
    city.file("thing_1.csv.ctl", json.dumps({"rows": 2}), "box")
    city.file("output_141126_x.csv", "mine\nA\n", "box/deep")
    city.file("truth.csv", "x\n", "box/_truth")
    city.file("~$thing_9.csv", "x\n", "box")
    with zipfile.ZipFile(city.inbox / "box" / "all.zip", "w") as z:
        z.writestr("thing_2.csv", "id,name\n9,z\n")
        z.writestr("folder/output_141127_x.csv", "mine\nB\n")
    found = deliver_files(city.settings, [city.inbox / "box"])
    assert sorted((o.file, o.status) for o in found) == [
        ("output_141126_x.csv", "taken"),
        ("output_141127_x.csv", "taken"),
        ("thing_1.csv", "taken"),
        ("thing_2.csv", "taken"),
    ]


def test_a_name_for_two_feeds_asks_which(city: SmallCity, tmp_path: Path) -> None:
    other = feed("base.other", [key("id"), field("name")], pattern=r"thing_.*\.csv")
    city.write(other)
    outcome = city.deliver("thing_1.csv", ROWS)
    assert outcome.reason == "AMBIGUOUS_FEED"
    assert city.deliver("thing_1.csv", ROWS, "base.other").feed == "base.other"


def test_a_path_that_is_not_there_is_a_usage_error(city: SmallCity, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        deliver_files(city.settings, [tmp_path / "nowhere"])


def test_nothing_is_left_in_landing_after_a_refusal(city: SmallCity) -> None:
    city.deliver("thing_1.csv", b"id,name\n")
    incoming = city.settings.root("landing") / ".incoming"
    assert list(incoming.iterdir()) == []


def test_an_old_statement_that_carries_its_time_is_no_new_one_when_it_comes_again(
    tmp_path: Path,
) -> None:
    dated = feed(
        "base.dated",
        [key("id"), field("name")],
        pattern=r"dated_(?P<day>\d{8}).*\.csv",
        statement_time={"from": "file_name", "group": "day"},
    )
    city = make_city(tmp_path, dated)
    assert city.deliver("dated_20240101.csv", ROWS).status == "taken"
    assert city.deliver("dated_20240102.csv", "id,name\n1,z\n").status == "taken"
    assert city.deliver("dated_20240101.csv", ROWS).status == "known"
    # Of two statements with the same time the one that came last holds.
    assert city.deliver("dated_20240102_b.csv", "id,name\n1,y\n").status == "taken"
    assert city.deliver("dated_20240102.csv", "id,name\n1,z\n").status == "taken"
    records = landing.records(city.settings, city.contract("silver.base_dated"))
    assert records[-1].digest == records[-3].digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"rows":2,"statement_time":"0001-01-01T00:00:00+08:00"}', "year 0001"),
        ('{"rows":2,"statement_time":"9999-12-31T23:59:59-12:00"}', "year 9999"),
        ('{"rows":2,"sequence":1000000000000}', "12 digits"),
        ('{"rows":2,"rows":2}', "stands twice"),
        ('{"rows":"²"}', "no whole number"),
        ("[" * 60_000, "nested too deeply"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_a_control_file_that_says_nonsense_refuses_the_delivery(
    city: SmallCity, text: str, said: str
) -> None:
    (city.file("thing_1.csv.ctl", "")).write_bytes(text.encode("utf-8", "surrogateescape"))
    outcome = city.deliver("thing_1.csv", ROWS)
    assert (outcome.status, outcome.reason) == ("refused", "CONTROL")
    assert said in outcome.message


def test_a_folder_with_a_broken_link_a_pipe_and_odd_names_loses_nothing(
    city: SmallCity, tmp_path: Path
) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "thing_dangling.csv").symlink_to("nowhere")
    os.mkfifo(folder / "thing_pipe.csv")
    names = [
        b"thing_\xc0\xeb\xca\xaf.csv",
        b"thing_\xff\xff\xfe.csv",
        b"thing_%s.csv" % (b"x" * 245),
    ]
    for i, name in enumerate(names):
        (folder / os.fsdecode(name)).write_text(f"id,name\n{i},a\n")
    outcomes = deliver_files(city.settings, [folder])
    assert sorted(o.status for o in outcomes) == ["refused"] * 2 + ["taken"] * 3
    assert {o.reason for o in outcomes if o.status == "refused"} == {"IO"}
    assert "thing_离石.csv" in {o.file for o in outcomes}  # the bytes of GBK
    for o in outcomes:
        o.file.encode("utf-8")


def test_one_error_that_was_not_foreseen_stops_no_other_file(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onesource.ingest import deliver

    honest = deliver.inspect

    def broken(path: Path, contract: Any, name: str) -> Any:
        if name == "thing_1.csv":
            raise ZeroDivisionError("a value that must not be shown")
        return honest(path, contract, name)

    monkeypatch.setattr(deliver, "inspect", broken)
    paths = [city.file("thing_1.csv", ROWS), city.file("thing_2.csv", ROWS)]
    first, second = deliver_files(city.settings, paths)
    assert (first.status, first.reason, second.status) == ("refused", "UNFORESEEN", "taken")
    assert "ZeroDivisionError" in first.message
    assert "must not be shown" not in first.message


def test_what_a_killed_process_left_behind_is_swept_and_a_living_ones_is_not(
    city: SmallCity,
) -> None:
    from onesource.ingest.incoming import staging

    root = landing.incoming_folder(city.settings)
    (root / "dead").mkdir()
    (root / "dead" / "payload").write_text("half")
    (root / "loose").write_text("half")
    with staging(city.settings) as alive:
        (alive / "payload").write_text("mine")
        kept = landing.landing_path(city.settings, city.contract("silver.base_thing"))
        (kept / ".half.99").mkdir(parents=True)
        assert city.deliver("thing_1.csv", ROWS).status == "taken"
        assert [p.name for p in root.iterdir()] == [alive.name]
        assert (alive / "payload").read_text() == "mine"
        assert not [p for p in kept.iterdir() if p.name.startswith(".")]
    assert not list(root.iterdir())


def test_a_landing_that_cannot_be_written_is_one_line(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onesource.ingest import incoming

    def full(_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(incoming, "_own_folder", full)
    with pytest.raises(OneSourceError, match="nothing was taken"):
        city.deliver("thing_1.csv", ROWS)


def test_a_zip_for_a_named_feed_is_opened_and_an_empty_one_refused(
    city: SmallCity, tmp_path: Path
) -> None:
    full, empty = tmp_path / "full.zip", tmp_path / "empty.zip"
    with zipfile.ZipFile(full, "w") as z:
        z.writestr("anything.txt", "id,name\n1,a\n")
    with zipfile.ZipFile(empty, "w") as z:
        z.writestr(".DS_Store", "x")
    (taken,) = deliver_files(city.settings, [full], "base.thing")
    (refused,) = deliver_files(city.settings, [empty], "base.thing")
    assert (taken.status, taken.file) == ("taken", "anything.txt")
    assert (refused.status, refused.reason) == ("refused", "EMPTY")
