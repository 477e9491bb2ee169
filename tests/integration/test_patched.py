"""A large table that a night changes little is changed where it is, and judged by what changed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from onesource.lake import delta, reader
from onesource.lake.manifest import read_manifest
from onesource.lake.paths import table_path
from onesource.registry.patch import Patch
from onesource.run import maintain
from tests.integration.small_city import SmallCity, feed, field, key, make_city

TABLE = "registry.well"
FIELDS = [key("well_no"), field("owner"), field("depth_m", "integer")]
RULES = [
    {
        "id": "not_too_deep",
        "expectation": "expect_column_values_to_be_between",
        "kwargs": {"column": "depth_m", "max_value": 900},
    },
    {
        "id": "two_wells_an_owner",
        "expectation": "unexpected_rows_expectation",
        "kwargs": {
            "unexpected_rows_query": "SELECT owner FROM {batch} GROUP BY owner HAVING count(*) > 2"
        },
        "within": ["owner"],
    },
]
WORDS = {"severity": "hold", "dimension": "validity", "owner": "onesource", "zh": "规则", "en": "x"}


def build(
    spark: SparkSession, inputs: Mapping[str, DataFrame], context: Any
) -> Mapping[str, DataFrame | Patch]:
    """The wells as delivered; built on from the last version where there is one."""
    now = inputs["silver.base_well"].select("well_no", "owner", "depth_m")
    if context.before is None:
        return {TABLE: now}
    came = now.exceptAll(context.before.rows)
    went = context.before.rows.exceptAll(now)
    gone = came.select("well_no").unionByName(went.select("well_no"))
    return {TABLE: Patch("concat(well_no, '')", gone, came, gone)}


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> SmallCity:
    monkeypatch.setattr(delta, "MANY_ROWS", 0)
    made = make_city(tmp_path, feed("base.well", FIELDS))
    contract = feed(TABLE, FIELDS)
    own = {"builder": "tests.integration.test_patched:build", "inputs": ["silver.base_well"]}
    contract["customProperties"] = [{"property": k, "value": v} for k, v in own.items()]
    files = {
        made.settings.schemas / "registry" / "well.yaml": contract,
        made.settings.expectations / "registry" / "well.yaml": {
            "rules": [rule | WORDS for rule in RULES]
        },
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    night(made, 1, {n: (f"o{n // 2}", n) for n in range(40)})
    assert made.run().exit_code == 0
    return made


def night(city: SmallCity, n: int, wells: Mapping[int, tuple[str, int]]) -> None:
    rows = "".join(f"w{w:02},{owner},{depth}\n" for w, (owner, depth) in wells.items())
    city.deliver(f"well_{n}.csv", "well_no,owner,depth_m\n" + rows)


def depths(city: SmallCity) -> dict[str, int]:
    return {r["well_no"]: r["depth_m"] for r in city.rows(TABLE)}


def expected(**other: int) -> dict[str, int]:
    return {f"w{n:02}": n for n in range(40)} | other


def source(city: SmallCity) -> reader.Source:
    return reader.open_served(city.settings, city.contract(TABLE), read_manifest(city.settings))


def test_a_patch_hides_rows_and_writes_no_old_file_again(city: SmallCity) -> None:
    before = source(city)
    night(city, 2, {3: ("o1", 333), 40: ("o20", 40)})
    assert city.run().exit_code == 0
    after = source(city)
    assert depths(city) == expected(w03=333, w40=40)
    assert set(before.files) < set(after.files) and after.hidden is not None
    assert set(after.hidden.column("file").to_pylist()) <= set(before.files)
    assert len(before.data.to_table()) == 40, "the version before stays what it was"
    night(city, 3, {3: ("o1", 3), 40: ("o20", 41), 5: ("o2", 55)})
    assert city.run().exit_code == 0
    assert depths(city) == expected(w40=41, w05=55)


@pytest.mark.parametrize(
    ("wells", "rule"),
    [({7: ("o3", 901)}, "not_too_deep"), ({41: ("o9", 1)}, "two_wells_an_owner")],
)
def test_a_patch_that_breaks_a_rule_is_held_and_the_next_is_built_on_what_is_served(
    city: SmallCity, wells: Mapping[int, tuple[str, int]], rule: str
) -> None:
    night(city, 2, {1: ("o0", 11)})
    assert city.run().exit_code == 0
    night(city, 3, wells)
    report = city.run()
    held = {r.table: r.reason_en for r in report.results if r.reason_en}
    assert rule in held[TABLE]
    assert depths(city) == expected(w01=11)
    night(city, 4, dict.fromkeys(wells, ("o30", 5)))
    assert city.run().exit_code == 0
    assert depths(city) == expected(w01=11, **{f"w{n:02}": 5 for n in wells})


def test_a_run_that_dies_inside_a_patch_leaves_nothing_of_it(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    night(city, 2, {2: ("o1", 222), 41: ("o21", 41)})
    assert city.run("silver.base_well").exit_code == 0
    with monkeypatch.context() as patched:
        write = delta.write
        patched.setattr(
            delta,
            "write",
            lambda *a, mode, **k: (full if mode == "append" else write)(*a, mode=mode, **k),
        )
        assert city.run(TABLE).exit_code != 0
    assert depths(city) == expected()
    assert city.run().exit_code == 0
    assert depths(city) == expected(w02=222, w41=41)


def test_upkeep_puts_a_patched_table_together_and_changes_no_row(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch, spark: SparkSession
) -> None:
    for n in range(2, 5):
        night(city, n, {n: (f"o{n // 2}", 100 * n)})
        assert city.run().exit_code == 0
    digest, rows = city.digest(TABLE), depths(city)
    monkeypatch.setattr(maintain, "_MANY_FILES", 1)
    maintain.maintain(city.settings, say=lambda _: None)
    path = table_path(city.settings, city.contract(TABLE))
    newest = reader.open_latest(TABLE, path)
    assert len(newest.files) == 1 and not newest.hidden
    assert (city.digest(TABLE), depths(city)) == (digest, rows)
    night(city, 6, {6: ("o3", 600)})
    assert city.run().exit_code == 0
    assert depths(city) == rows | {"w06": 600}
    assert reader.open_latest(TABLE, path).hidden is not None


LISTED = "registry.pump"
TOLD: list[set[str] | None] = []


def build_told(
    spark: SparkSession, inputs: Mapping[str, DataFrame], context: Any
) -> Mapping[str, DataFrame | Patch]:
    """The pumps as they are now, made anew only for the keys that silver tells."""
    now = inputs["silver.base_pump"].where("known_to IS NULL AND valid_to IS NULL")
    now = now.select("pump_no", "depth_m")
    told = context.before and context.before.told("silver.base_pump")
    if told is None:
        TOLD.append(None)
        return {LISTED: now}
    TOLD.append({r["pump_no"] for r in told.collect()})
    return {LISTED: Patch("pump_no", told, now.join(told.distinct(), "pump_no", "left_semi"), told)}


def test_silver_on_two_clocks_tells_which_keys_a_night_told_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession
) -> None:
    monkeypatch.setattr(delta, "MANY_ROWS", 0)
    # The run imports its builder by name, which need not be this module.
    heard = import_module("tests.integration.test_patched").TOLD
    heard.clear()
    fields = [key("pump_no"), field("depth_m", "integer")]
    fed = feed(
        "base.pump",
        fields,
        history="bitemporal",
        pattern=r"pump_(?P<day>\d{8})_?[a-z]*\.csv",
    )
    city = make_city(tmp_path, fed)
    contract = feed(LISTED, fields)
    own = {"builder": "tests.integration.test_patched:build_told", "inputs": ["silver.base_pump"]}
    contract["customProperties"] = [{"property": k, "value": v} for k, v in own.items()]
    place = city.settings.schemas / "registry" / "pump.yaml"
    place.parent.mkdir()
    place.write_text(yaml.safe_dump(contract, allow_unicode=True), "utf-8")

    def handed_in(name: str, *rows: str) -> None:
        city.deliver(f"pump_{name}.csv", "pump_no,depth_m\n" + "".join(f"{r}\n" for r in rows))

    def listed() -> dict[str, int]:
        return {r["pump_no"]: r["depth_m"] for r in city.rows(LISTED)}

    handed_in("20240101", "a,1", "b,2", "c,3")
    assert city.run().exit_code == 0
    # Two nights before the registry is built again.
    for name, *rows in (("20240103", "b,22", "d,4"), ("20240104", "c,33")):
        handed_in(name, *rows)
        assert city.run("silver.base_pump").exit_code == 0
    assert city.run().exit_code == 0
    assert listed() == {"a": 1, "b": 22, "c": 33, "d": 4}
    assert heard == [None, {"b", "c", "d"}]
    # Two files in one night, of which one is held.
    handed_in("20240105", "d,44")
    handed_in("20240105_bad", ",5", ",6")
    assert {r.table for r in city.run().results if r.held} == {"silver.base_pump"}
    assert listed() == {"a": 1, "b": 22, "c": 33, "d": 44}
    assert heard[2:] == [{"d"}]
