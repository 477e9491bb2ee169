"""Numbers become tokens, tokens become keys of one domain, and no number leaves its zone (P10)."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from onesource import person_keys
from onesource.cli.explain import explain_command
from onesource.config import now
from onesource.contracts.link_domains import _COLUMNS
from onesource.contracts.load import load_catalogue
from onesource.errors import OneSourceError
from onesource.lake import ops
from onesource.lake.paths import bronze_path, table_path
from onesource.run import maintain as upkeep
from onesource.run import rotation
from onesource.run.active_key import active_key
from onesource.run.audit import reads_of
from onesource.run.engine import run
from onesource.run.identity_scan import identity_scan
from tests.integration.persons_city import (
    CARD,
    LI,
    LI_OLD,
    PHONE,
    VISIT,
    WANG,
    ZHAO,
    deliver_all,
    persons_city,
)
from tests.integration.small_city import SmallCity


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> SmallCity:
    made = persons_city(tmp_path_factory.mktemp("persons"))
    deliver_all(made)
    report = made.run()
    assert report.exit_code == 0, report
    return made


def open_bytes(city: SmallCity) -> Iterator[tuple[Path, bytes]]:
    """Every file outside landing, bronze, quarantine and registry."""
    lake = city.settings.lake
    for path in lake.rglob("*"):
        zone = path.relative_to(lake).parts[0]
        if path.is_file() and zone not in ("landing", "bronze", "quarantine", "registry"):
            yield path, path.read_bytes()


def keys_of(city: SmallCity) -> dict[str, str | None]:
    return {r["visit_no"]: r["person_key"] for r in city.rows("curated.health_visits")}


def test_a_number_is_a_token_in_silver_and_a_key_of_the_domain_in_curated(city: SmallCity) -> None:
    key = person_keys.ring(city.settings.keys).current
    visits = {r["visit_no"]: r for r in city.rows("silver.health_visit")}
    assert set(visits["a"]) == {"visit_no", "id_token", "visited_on"}
    assert visits["a"]["id_token"] == key.token(LI)  # delivered with 15 digits
    assert visits["b"]["id_token"] == key.token(WANG)
    assert visits["d"]["id_token"] is None  # its check digit is wrong
    keys = keys_of(city)
    assert keys["a"] == key.key("health", "P1") and keys["b"] == key.key("health", "P2")


def test_a_number_that_two_people_have_gives_no_key_until_it_is_decided(city: SmallCity) -> None:
    rows = {r["visit_no"]: r for r in city.rows("curated.health_visits")}
    assert (rows["c"]["person_key"], rows["c"]["is_shared"]) == (None, True)
    shared = [r for r in city.rows("registry.person_token") if r["is_shared"]]
    assert {r["person_id"] for r in shared} == {"P3", "P4"}


def test_two_domains_have_no_key_in_common(city: SmallCity) -> None:
    poverty = {r["person_key"] for r in city.rows("curated.poverty_cards")}
    assert len(poverty) == 2 and not poverty & set(keys_of(city).values())


def test_no_number_phone_or_key_stands_outside_its_zone(city: SmallCity) -> None:
    secrets = [p.read_text("ascii").strip() for p in city.settings.keys.glob("person.v*")]
    assert len(secrets) == 1
    values = [v.encode() for v in (LI, LI_OLD, WANG, ZHAO, PHONE, "李一一", *secrets)]
    looked_at = 0
    for path, data in open_bytes(city):
        looked_at += 1
        assert not [v for v in values if v in data], path
    assert looked_at > 10
    assert not list((city.settings.root("quarantine") / "_staging").rglob("*.parquet"))


def test_silver_of_a_base_feed_of_persons_stands_in_the_zone_of_the_registries(
    city: SmallCity,
) -> None:
    path = table_path(city.settings, city.contract("silver.base_resident"))
    assert path.is_relative_to(city.settings.root("registry")) and (path / "_delta_log").is_dir()
    assert not (city.settings.root("silver") / "base" / "resident").exists()


def test_the_scan_finds_nobody_outside_the_zones(city: SmallCity) -> None:
    assert identity_scan(city.settings) == []


def test_who_read_a_persons_rows_is_answered_without_their_number(city: SmallCity) -> None:
    explain_command(city.settings, "registry.person_id_history", f"P1,{LI}", "复核", io.StringIO())
    explain_command(city.settings, "registry.person_id_history", f"P2,{WANG}", "x", io.StringIO())
    catalogue = load_catalogue(city.settings.schemas)
    for who in (LI, LI_OLD, "P1"):
        found = list(reads_of(city.settings, catalogue, who, None))
        assert [(r.command, r.purpose) for r in found if r.is_certain] == [("explain", "复核")]
    assert not list(reads_of(city.settings, catalogue, LI, now() + timedelta(days=1)))
    data = b"".join(d for _, d in open_bytes(city))
    assert LI.encode() not in data and b'"P1"' not in data


def test_a_lost_key_is_not_replaced_in_silence(city: SmallCity, tmp_path: Path) -> None:
    keys = city.settings.keys
    keys.rename(tmp_path / "kept")
    try:
        with pytest.raises(OneSourceError, match="the person key is gone"):
            active_key(city.settings)
        assert city.run("silver.health_visit").exit_code == 1
    finally:
        shutil.rmtree(keys, ignore_errors=True)
        (tmp_path / "kept").rename(keys)


def approve(city: SmallCity, until: str, tables: str = "curated.health_check") -> None:
    row = ["dibao", "health;poverty", tables, "示例局", "比对", "示例办法", "2024-01-01", until]
    with (city.settings.schemas / "link_domains.csv").open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([_COLUMNS, row])


def test_a_rotation_makes_all_tables_anew_and_a_retired_key_is_gone(city: SmallCity) -> None:
    before = keys_of(city)
    lines: list[str] = []
    report = rotation.rotate(city.settings, lines.append)
    assert report.exit_code == 0, lines
    ring = person_keys.ring(city.settings.keys)
    assert ring.current.name == "v2"
    after = keys_of(city)
    assert after["a"] == ring.current.key("health", "P1") != before["a"]
    for table in ("silver.health_visit", "silver.poverty_card", "registry.person_token"):
        made = {r["id_token"] for r in city.rows(table)} - {None}
        assert made and all(t.startswith("hmac-sha256:v2:") for t in made), table
    assert city.run().served == ()  # all of it was served together, and nothing is left to do
    rotation.retire(city.settings, 1)
    assert [k.key.name for k in rotation.status(city.settings)] == ["v2"]


def test_a_link_domain_joins_two_sectors_and_ends_by_itself(city: SmallCity) -> None:
    approve(city, "2024-07-01")
    health_check(city)
    settings = city.settings
    words = ["curated.health_check"]
    assert run(settings, words=words, day=date(2024, 6, 30)).exit_code == 0
    made = city.rows("curated.health_check")
    assert [r["visits_count"] for r in made] == [1, 1]
    logged = [r for r in ops.rows(settings, "reads") if r["command"] == "link"]
    assert "dibao" in logged[-1]["purpose"] and "示例局" in logged[-1]["purpose"]
    report = run(settings, words=words, day=date(2024, 7, 1))
    assert report.exit_code == 3 and "2024-07-01" in report.results[0].reason_en
    assert city.rows("curated.health_check") == []
    path = table_path(settings, city.contract("curated.health_check"))
    texts = b"".join(p.read_bytes() for p in path.rglob("*.parquet"))
    assert made[0]["person_key"].encode() not in texts


def test_bronze_goes_after_its_retention_and_a_later_build_says_what_is_gone(
    city: SmallCity, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits, cards = (city.contract(f"silver.{n}") for n in ("health_visit", "poverty_card"))
    rows = city.rows(visits.table)
    later = now() + timedelta(days=31)
    monkeypatch.setattr(upkeep, "now", lambda: later)
    catalogue = load_catalogue(city.settings.schemas)
    for feed in catalogue.feeds.values():  # what upkeep does before it looks at all tables
        upkeep._clear_landing(city.settings, feed)
        upkeep._clear_bronze(spark, city.settings, "upkeep", feed, lambda _: None)
    for feed in (visits, cards):
        assert not list(bronze_path(city.settings, feed).rglob("*.parquet"))
    assert city.run().served == ()  # what is gone from bronze stays in silver
    assert city.rows(visits.table) == rows
    for contract in (VISIT, CARD):  # another rule: both tables are built anew
        kept = contract["schema"][0]["properties"]
        rule = {"logicalTypeOptions": {"maxLength": 100}}
        fields = [{**f, **rule} if f["name"] in ("visit_no", "kind") else f for f in kept]
        city.write({**contract, "schema": [{**contract["schema"][0], "properties": fields}]})
    lines: list[str] = []
    run(city.settings, say=lines.append)
    assert city.rows(visits.table) == rows  # read from landing again
    assert city.rows(cards.table) == []  # gone from landing, too
    assert [x for x in lines if "poverty_card: 1 deliveries are past their retention" in x]


def health_check(city: SmallCity) -> None:
    from tests.integration.persons_city import PERSON
    from tests.integration.small_city import field, key

    city.curated(
        "health.check",
        "SELECT k.person_key, count(*) AS visits_count\n"
        "FROM silver.health_visit AS v JOIN silver.poverty_card AS c ON c.id_token = v.id_token\n"
        "JOIN person.key AS k ON k.id_token = v.id_token GROUP BY k.person_key",
        [key("person_key", **PERSON), field("visits_count", "integer")],
        person_domain="dibao",
    )
