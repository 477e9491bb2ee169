"""What a curated table may do with persons: keys of its own domain, and nothing that names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onesource.contracts.link_domains import LinkDomain, read_link_domains
from onesource.contracts.load import load_catalogue
from onesource.curate.persons import person_findings
from onesource.curate.sqlfiles import load_sql
from onesource.errors import ContractError
from onesource.run.check import check
from tests.integration.persons_city import ID, PERSON, cards_by_person, persons_city
from tests.integration.small_city import SmallCity, feed, field, key

DAY = date(2024, 6, 30)
LINK = LinkDomain(
    "dibao", frozenset({"health", "poverty"}), frozenset({"curated.health_x"}),
    "示例局", "比对", "示例办法", date(2024, 1, 1), date(2024, 7, 1),
)  # fmt: skip
BOTH = (
    "SELECT k.person_key FROM silver.health_visit AS v "
    "JOIN silver.poverty_card AS c ON {on} JOIN person.key AS k ON k.id_token = v.id_token"
)


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return persons_city(tmp_path)


def found(
    city: SmallCity,
    select: str,
    fields: Sequence[Mapping[str, Any]],
    domain: str | None = "health",
    links: Sequence[LinkDomain] = (),
    day: date = DAY,
) -> str:
    own = {} if domain is None else {"person_domain": domain}
    city.curated("health.x", select, fields, **own)
    catalogue = load_catalogue(city.settings.schemas)
    contract = catalogue.curated["curated.health_x"]
    sql = load_sql(city.settings.sql / "health" / "x.sql")
    by_domain = {r.domain: [r] for r in links}
    return " | ".join(f.what for f in person_findings(sql, contract, catalogue, by_domain, day))


KEY = [key("person_key", **PERSON)]


def test_the_contracts_of_the_small_city_are_all_right(city: SmallCity) -> None:
    assert [
        f.what for f in check(city.settings, DAY) if "person" in f.what or "token" in f.what
    ] == []


def test_keys_need_a_domain_that_there_is(city: SmallCity) -> None:
    select = "SELECT person_key FROM person.key"
    assert found(city, select, KEY) == ""
    assert "has no person_domain" in found(city, select, KEY, None)
    assert "no sector and no link domain" in found(city, select, KEY, "elsewhere")


@pytest.mark.parametrize(
    "on",
    ["c.id_token = v.id_token", "substr(c.id_token, 1) = v.id_token", "true"],
)
def test_two_sectors_are_joined_only_in_a_link_domain(city: SmallCity, on: str) -> None:
    select = BOTH.format(on=on)
    assert "joins persons of health, poverty" in found(city, select, KEY)
    assert "joins persons" in found(city, select, KEY, None)
    assert found(city, select, KEY, "dibao", [LINK]) == ""


def test_no_way_round_is_open(city: SmallCity) -> None:
    two = "silver.health_visit AS v {} silver.poverty_card AS c"
    count = [key("n", "integer")]
    for join in ("NATURAL JOIN {}", "JOIN {} USING (id_token)"):
        select = f"SELECT count(*) AS n FROM silver.health_visit AS v {join}".format(
            "silver.poverty_card AS c"
        )
        assert "joins persons" in found(city, select, count), join
    inside = (
        "SELECT count(*) AS n FROM (SELECT * FROM silver.health_visit) AS a "
        "WHERE EXISTS (SELECT * FROM silver.poverty_card)"
    )
    assert "joins persons" in found(city, inside, count)
    by_key = (
        "SELECT count(*) AS n FROM curated.health_visits AS a "
        "JOIN curated.poverty_cards AS b ON a.person_key = b.person_key"
    )
    assert "joins persons" in found(city, by_key, count)
    apart = "SELECT count(v.visit_no) AS n FROM " + two.format("CROSS JOIN")
    assert found(city, apart, count, None) == ""  # no token is looked at: nobody is linked


def test_a_link_is_approved_for_its_tables_and_its_days(city: SmallCity) -> None:
    select = BOTH.format(on="c.id_token = v.id_token")
    ended = found(city, select, KEY, "dibao", [LINK], date(2024, 7, 1))
    assert "not approved for curated.health_x on 2024-07-01" in ended
    other = LinkDomain(**{**LINK.__dict__, "tables": frozenset({"curated.other"})})
    assert "not approved" in found(city, select, KEY, "dibao", [other])
    third = LinkDomain(**{**LINK.__dict__, "sectors": frozenset({"health", "tourism"})})
    assert "joins persons" in found(city, select, KEY, "dibao", [third])


@pytest.mark.parametrize(
    ("select", "why"),
    [
        ("SELECT v.id_token AS a FROM silver.health_visit AS v", "all sectors share"),
        ("SELECT max(v.id_token) AS a FROM silver.health_visit AS v", "all sectors share"),
        ("SELECT substr(k.id_token, 20) AS a FROM person.key AS k", "all sectors share"),
        ("SELECT r.id_no AS a FROM silver.base_resident AS r", "names a person"),
        ("SELECT left(r.name, 1) AS a FROM silver.base_resident AS r", "names a person"),
        ("SELECT t.person_id AS a FROM registry.person_token AS t", "number in the registry"),
        ("SELECT k.person_key AS a FROM person.key AS k", "made of a person key"),
        (
            "SELECT a FROM (SELECT first(r.name) AS a FROM silver.base_resident AS r) AS q",
            "names a person",
        ),
    ],
)
def test_no_column_shows_a_person_or_a_token(city: SmallCity, select: str, why: str) -> None:
    assert why in found(city, select, [key("a")])


def test_counting_persons_shows_nobody(city: SmallCity) -> None:
    select = "SELECT count(DISTINCT r.id_no) AS n FROM silver.base_resident AS r"
    assert found(city, select, [key("n", "integer")], None) == ""


def test_a_person_key_is_said_to_be_one(city: SmallCity) -> None:
    said = found(city, "SELECT person_key FROM person.key", [key("person_key")])
    assert "identifier quasi" in said


def feeds_findings(city: SmallCity, *fields: Mapping[str, Any], **delivery: Any) -> str:
    city.write(feed("health.lab", [key("no"), *fields], **delivery))
    return " | ".join(f.what for f in check(city.settings, DAY) if "lab.yaml" in f.where)


def test_a_sector_feed_may_not_keep_what_names_a_person(city: SmallCity) -> None:
    name = {"identifier": "direct", "personal": "pi"}
    assert "would stand in silver" in feeds_findings(city, field("name", **name))
    assert "would stand in silver" not in feeds_findings(city, field("name", **name, keep="none"))
    assert "reads what names a person" in feeds_findings(city, field("x", standardiser="phone"))
    assert "bronze_retention_days" in feeds_findings(city, field("id_no", **ID))
    good = feeds_findings(city, field("id_no", **ID), bronze_retention_days=9)
    assert "id_no" not in good
    twice = feeds_findings(city, field("id_no", **ID), field("id_token"), bronze_retention_days=9)
    assert "another field" in twice
    needed = feeds_findings(city, field("name", **name, keep="none", required=True))
    assert "required, unique or part of the key" in needed


def test_a_base_feed_keeps_what_the_registries_need(city: SmallCity) -> None:
    city.write(feed("base.other", [key("no"), field("id_no", **ID)], bronze_retention_days=9))
    found = [f.what for f in check(city.settings, DAY) if "other.yaml" in f.where]
    assert any("the registries need" in w for w in found)


def test_a_line_of_the_approvals_without_an_end_is_refused(city: SmallCity) -> None:
    cards_by_person(city)
    path = city.settings.schemas / "link_domains.csv"
    head = "domain,sectors,tables,approver,purpose,legal_basis,valid_from,valid_to\n"
    path.write_text(head + "d,health;poverty,curated.x,局,比对,办法,2024-01-01,\n", "utf-8")
    with pytest.raises(ContractError, match="valid_to is empty"):
        read_link_domains(city.settings.schemas)
