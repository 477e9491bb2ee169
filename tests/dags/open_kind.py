"""A small city with one of everything that is scheduled: feeds, a curated table, registries and an
open dataset. All data are made up, but the twelve division codes, which are official."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.dags.airflow_env import PROJECT
from tests.integration.small_city import CITY, USCC, SmallCity, feed, field, key, make_city

# A test must not wait for minutes.
SOON = {"retries": 3, "retry_minutes": 0.05}
THING = feed(
    "base.thing",
    [key("id"), field("kind"), field("size", "integer")],
    pattern=r"thing_(?P<day>\d{8}).*\.csv",
    statement_time={"from": "file_name", "group": "day"},
    properties={"schedule": SOON},
)
OTHER = feed("base.other", [key("id")], properties={"schedule": SOON})
SMALL = {
    "id": "sizes_are_small",
    "expectation": "expect_column_max_to_be_between",
    "kwargs": {"column": "size", "max_value": 100},
    "severity": "hold",
    "dimension": "accuracy",
    "owner": "provider",
    "zh": "过大",
    "en": "sizes must be small",
}
TOTAL = "SELECT kind, count(*) AS things_count FROM silver.base_thing GROUP BY kind"
COLUMNS = [key("kind"), field("things_count", "integer")]
OPEN_WORDS = {
    "sharing": "无条件",
    "opening": "可公开",
    "disclosure": "主动公开",
    "security_level": "L1",
}
_DIVISION = ("feeds/base/division", "registry/division", "registry/division_successor")


def city_of_kinds(folder: Path) -> SmallCity:
    """Feed `base.thing` → `curated.base_kind` → open dataset `kind`; feed `base.other`."""
    city = make_city(folder, THING, OTHER)
    city.curated("base.kind", TOTAL, COLUMNS, **OPEN_WORDS, schedule=SOON)
    city.rules("silver.base_thing", [SMALL])
    return city


def add_registry(city: SmallCity) -> None:
    """The project's own feed and registry of divisions, under the small city's department."""
    for name in _DIVISION:
        source = PROJECT / "schemas" / f"{name}.yaml"
        contract = yaml.safe_load(source.read_text(encoding="utf-8"))
        for p in contract["customProperties"]:
            if p["property"] == "provider_uscc":
                p["value"] = USCC
        target = city.settings.schemas / f"{name}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")


def divisions() -> tuple[str, str]:
    """A file of the first divisions of a real snapshot: its name and its text."""
    folder = PROJECT / "schemas" / "samples" / "base" / "division"
    (source,) = folder.glob("*_20230630.csv")
    lines = source.read_text(encoding="utf-8").splitlines()
    return source.name, "\n".join(lines[:13]) + "\n"


def publish_kinds(city: SmallCity, *, cron: str | None = None) -> None:
    """The open dataset `kind`, approved; `cron`: when its contract wants a release."""
    schemas = city.settings.schemas
    own: dict[str, Any] = {
        "catalogue_code": "307/base/1",
        "provider_uscc": USCC,
        "permanent_uri": "https://data.example.org/id/dataset/kind",
        "update_cycle": "每日",
        **OPEN_WORDS,
        "open": {
            "source": "curated.base_kind",
            "theme": "社会民生",
            "theme_eu": "SOCI",
            "name_en": "Things by kind",
            "summary_zh": "各类数量。",
            "keywords": ["种类"],
            "grain": "一类一行",
            "licence": "CC-BY-4.0",
            "licence_uri": "https://creativecommons.org/licenses/by/4.0/",
            "spatial": "141100",
            "contact": "示例局",
            "approval": "A-1",
        },
        "schedule": SOON | ({"cron": cron} if cron else {}),
    }
    contract = feed("open.kind", COLUMNS) | {
        "name": "种类",
        "domain": "open",
        "customProperties": [{"property": k, "value": v} for k, v in own.items()],
        "schema": [{"name": "kind", "physicalType": "table", "properties": COLUMNS}],
    }
    (schemas / "open").mkdir(exist_ok=True)
    (schemas / "open" / "kind.yaml").write_text(
        yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8"
    )
    where = {"publisher_uscc": USCC, "base_uri": "https://data.example.org/open/"}
    (schemas / "city.yaml").write_text(
        yaml.safe_dump(CITY | {"open": where}, allow_unicode=True), encoding="utf-8"
    )
    (schemas / "approvals.csv").write_text(
        "id,dataset,columns,approver,legal_basis,valid_from,valid_to,review_on\n"
        "A-1,kind,kind;things_count,示例局,示例依据,2020-01-01,,\n"
    )
    (schemas / "negative_list.csv").write_text(
        "resource,legal_basis,reason_zh,approver,valid_from,valid_to,review_on\n"
    )


def settings_for(city: SmallCity) -> dict[str, str]:
    """The environment in which `onesource` and the DAGs work on the small city."""
    s = city.settings
    return {
        "ONESOURCE_HOME": str(s.home),
        "ONESOURCE_LAKE": str(s.lake),
        "ONESOURCE_KEYS": str(s.keys),
        "ONESOURCE_CACHE": str(s.cache),
        "ONESOURCE_OPEN": str(s.open),
        "ONESOURCE_SPARK": "local[2]",
        "ONESOURCE_DRIVER_MEMORY": "2g",
        "ONESOURCE_INBOX": str(city.inbox),
        "ONESOURCE_ALERTS": str(city.inbox.parent / "alerts.txt"),
    }
