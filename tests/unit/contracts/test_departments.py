"""Departments by USCC and date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from onesource.contracts.departments import (
    check_departments,
    check_provider,
    department_on,
    uscc_problem,
)
from onesource.contracts.load import load_city, load_contract
from onesource.contracts.model import City, Kind
from tests.unit.small_project import SmallProject

CODE = "11141100MB9X00015W"


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path)


@pytest.fixture
def city(project: SmallProject) -> City:
    return load_city(project.city)


def test_the_check_character_of_a_uscc_is_checked() -> None:
    assert uscc_problem(CODE) is None
    for i, c in enumerate(CODE):
        other = "1" if c == "0" else "0"
        assert uscc_problem(CODE[:i] + other + CODE[i + 1 :]) is not None
    assert uscc_problem("11141100MB9X0001IW") is not None
    assert uscc_problem(CODE[:-1]) is not None


def test_a_renamed_department_is_found_under_the_name_of_the_day(city: City) -> None:
    assert department_on(city, CODE, date(2019, 1, 31)) == "旧局"
    assert department_on(city, CODE, date(2019, 2, 1)) == "新局"
    assert department_on(city, CODE, date(2002, 12, 31)) is None


def test_two_names_of_one_code_on_one_day_are_an_error(city: City) -> None:
    assert list(check_departments(city, Path("city.yaml"))) == []
    old, new = city.departments
    doubled = replace(city, departments=(old | {"valid_to": "2020-01-01"}, new))
    (finding,) = check_departments(doubled, Path("city.yaml"))
    assert "same day" in finding.what


def test_a_provider_must_be_a_department_of_the_day(project: SmallProject, city: City) -> None:
    feed = load_contract(project.feed, Kind.FEED)
    assert list(check_provider(feed, city, date(2024, 1, 1))) == []
    (finding,) = check_provider(feed, city, date(2001, 1, 1))
    assert "no department" in finding.what
