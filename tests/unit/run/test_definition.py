"""What makes a table be built anew, or its files be read anew (P7), and what does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onesource.contracts.load import load_catalogue
from onesource.quality.suite import rules_for
from onesource.run.definition import definition, feed_definition, reading
from onesource.run.plan import build_graph
from tests.unit.small_project import SmallProject

Change = Callable[[SmallProject], None]


def digests(project: SmallProject) -> tuple[str, str, str]:
    """(how the feed's files are read, the feed's table, the curated table)"""
    catalogue = load_catalogue(project.settings.schemas)
    graph = build_graph(project.settings, catalogue)
    feed, curated = catalogue.feeds["energy.coal"], catalogue.tables["curated.energy_coal_status"]
    rules = {c.id: rules_for(c, project.settings.expectations, catalogue) for c in (feed, curated)}
    return (
        reading(feed),
        feed_definition(feed, catalogue, rules[feed.id], None),
        definition(curated, catalogue, rules[curated.id], graph.sql[curated.table]),
    )


CHANGES: dict[str, tuple[Change, tuple[bool, bool, bool]]] = {
    "a header accepted": (
        lambda p: p.change(p.feed, "[日产量]", "[日产量, 产煤]"),
        (True, True, False),
    ),
    "the Chinese name, which is a header": (
        lambda p: p.change(p.feed, "businessName: 产量", "businessName: 原煤产量"),
        (True, True, False),
    ),
    "a footer": (
        lambda p: p.change(p.feed, "format: csv}", "format: csv, footer: '^注'}"),
        (True, True, False),
    ),
    "a bound": (lambda p: p.change(p.feed, "maximum: 1000", "maximum: 10"), (False, True, False)),
    "a code list of the feed": (
        lambda p: p.change(p.codes, "低瓦斯", "低瓦斯矿井"),
        (False, True, False),
    ),
    "the SQL": (lambda p: p.change(p.sql, "count(*)", "count(1)"), (False, False, True)),
    "a description": (
        lambda p: p.change(
            p.curated, "domain: energy", "domain: energy\ndescription: {purpose: x}"
        ),
        (False, False, False),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_makes_anew_what_stands_on_it_and_nothing_else(tmp_path: Path, name: str) -> None:
    change, expected = CHANGES[name]
    project = SmallProject(tmp_path)
    before = digests(project)
    change(project)
    after = digests(project)
    assert tuple(a != b for a, b in zip(before, after, strict=True)) == expected


def test_a_code_list_that_only_the_sql_reads_makes_the_table_anew(tmp_path: Path) -> None:
    project = SmallProject(tmp_path)
    project.change(
        project.sql,
        "FROM silver.energy_coal\n",
        "FROM silver.energy_coal JOIN codelist.gas AS g ON g.code = gas\n",
    )
    before = digests(project)[2]
    project.change(project.codes, "低瓦斯", "低瓦斯矿井")
    assert digests(project)[2] != before


def test_a_code_list_that_a_standardiser_looks_into_makes_the_table_anew(tmp_path: Path) -> None:
    project = SmallProject(tmp_path)
    project.change(
        project.feed,
        "businessName: 状态\n        logicalType: string\n",
        "businessName: 状态\n        logicalType: string\n        customProperties:\n"
        "          - {property: standardiser, value: plate}\n",
    )
    colours = project.home / "schemas/codelists/plate_colour.csv"
    colours.write_text("# 号牌颜色 Plate colour\ncode,name\n1,蓝\n", encoding="utf-8")
    before = digests(project)[1]
    colours.write_text("# 号牌颜色 Plate colour\ncode,name\n1,蓝色\n", encoding="utf-8")
    assert digests(project)[1] != before
