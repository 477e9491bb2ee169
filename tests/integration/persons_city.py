"""A city of eight people and two sectors that deliver their numbers. All persons are made up, and
marked so; their numbers are well-formed only to be found if they leak."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from onesource.clean.standardisers.resident import CHECK_DIGITS, WEIGHTS
from tests.integration.small_city import CITY, SmallCity, feed, field, key, make_city

HERE = Path(__file__).resolve().parent

SYNTHETIC = {"synthetic": True}


def number(n17: str) -> str:
    return n17 + CHECK_DIGITS[sum(int(d) * w for d, w in zip(n17, WEIGHTS, strict=True)) % 11]


LI, WANG, ZHAO = (
    number(n) for n in ("14233119620305101", "14112619880712302", "14112719750101007")
)
LI_OLD = LI[:6] + LI[8:17]
PHONE = "13803580001"

RESIDENT = feed(
    "base.resident",
    [
        key("person_no"),
        field("id_no", standardiser="resident_id", identifier="direct", personal="pi"),
        field("name", standardiser="person_name", identifier="direct", personal="pi"),
    ],
    properties=SYNTHETIC,
)
ID = {"standardiser": "resident_id", "identifier": "direct", "personal": "spi", "keep": "token"}
VISIT = feed(
    "health.visit",
    [
        key("visit_no"),
        field("id_no", zh="身份证号", **ID),
        field("name", standardiser="person_name", identifier="direct", personal="pi", keep="none"),
        field("phone", standardiser="phone", identifier="direct", personal="pi", keep="none"),
        field("visited_on", "date"),
    ],
    properties=SYNTHETIC,
    bronze_retention_days=30,
)
CARD = feed(
    "poverty.card",
    [key("id_no", **ID), field("kind")],
    properties=SYNTHETIC,
    retention_days=30,
    bronze_retention_days=30,
)
PERSON = {"identifier": "quasi", "personal": "pi"}


def history(
    spark: SparkSession, inputs: Mapping[str, DataFrame], context: Any
) -> Mapping[str, DataFrame]:
    """What the registry of persons would make: here simply a person for each number and name."""
    known = datetime(2024, 1, 1)
    rows = (
        inputs["silver.base_resident"]
        .where("id_no IS NOT NULL")
        .selectExpr("concat('P', person_no) AS person_id", "'01' AS id_type", "id_no")
    )
    lit = f"DATE'{date(1990, 1, 1)}'", f"TIMESTAMP'{known}'"
    made = rows.selectExpr(
        "*", f"{lit[0]} AS valid_from", "CAST(NULL AS DATE) AS valid_to",
        f"{lit[1]} AS known_from", "CAST(NULL AS TIMESTAMP) AS known_to",
    )  # fmt: skip
    return {"registry.person_id_history": made}


def persons_city(folder: Path) -> SmallCity:
    city = make_city(folder, RESIDENT, VISIT, CARD)
    schemas = city.settings.schemas
    sectors = {"base": "基础", "health": "健康", "poverty": "扶贫"}
    (schemas / "city.yaml").write_text(yaml.safe_dump({**CITY, "sectors": sectors}), "utf-8")
    shutil.copy(HERE.parents[1] / "schemas/codelists/gb2260.csv", schemas / "codelists")
    made = feed(
        "registry.person_id_history",
        [
            key("person_id", **PERSON),
            field("id_type"),
            key("id_no", identifier="direct", personal="pi"),
            field("valid_from", "date"),
            field("valid_to", "date"),
            field("known_from", "timestamp"),
            field("known_to", "timestamp"),
        ],
    )
    own = {
        "builder": "tests.integration.persons_city:history",
        "inputs": ["silver.base_resident"],
    }
    made["customProperties"] = [{"property": k, "value": v} for k, v in own.items()]
    registry = schemas / "registry"
    registry.mkdir()
    (registry / "person_id_history.yaml").write_text(yaml.safe_dump(made), "utf-8")
    shutil.copy(HERE.parents[1] / "schemas/registry/person_token.yaml", registry)
    visits_by_person(city)
    cards_by_person(city)
    return city


def visits_by_person(city: SmallCity, domain: str = "health") -> None:
    city.curated(
        "health.visits",
        "SELECT v.visit_no, v.visited_on, k.person_key, k.is_shared\n"
        "FROM silver.health_visit AS v LEFT JOIN person.key AS k ON k.id_token = v.id_token",
        [
            key("visit_no"),
            field("visited_on", "date"),
            field("person_key", **PERSON),
            field("is_shared", "boolean"),
        ],
        person_domain=domain,
    )


def cards_by_person(city: SmallCity) -> None:
    city.curated(
        "poverty.cards",
        "SELECT k.person_key, c.kind\n"
        "FROM silver.poverty_card AS c JOIN person.key AS k ON k.id_token = c.id_token",
        [key("person_key", **PERSON), field("kind")],
        person_domain="poverty",
    )


def deliver_all(city: SmallCity) -> None:
    city.deliver(
        "resident_1.csv",
        f"person_no,id_no,name\n1,{LI},李一一\n2,{WANG},王二二\n3,{ZHAO},赵三三\n4,{ZHAO},孙四四\n",
    )
    city.deliver(
        "visit_1.csv",
        "visit_no,身份证号,name,phone,visited_on\n"
        f"a,{LI_OLD},李一一,{PHONE},2024-01-05\n"
        f"b,{WANG.lower()},王二二,{PHONE},2024-01-06\n"
        f"c,{ZHAO},赵三三,,2024-01-07\n"
        f"d,{LI[:17]}{'0' if LI[17] != '0' else '1'},李一一,{PHONE},2024-01-08\n",
    )
    city.deliver("card_1.csv", f"id_no,kind\n{LI},一般\n{WANG},低保\n")
