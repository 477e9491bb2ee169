"""One plant under two names: what is one, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from onesource.registry.plant_match import duplicates, score


def plant(plant_id: str, **other: Any) -> dict[str, Any]:
    row = {
        "plant_id": plant_id,
        "plant_name": "Liulin Liansheng power station",
        "fuel": "Coal",
        "capacity_mw": 2000,
        "commissioned_year": 2008,
        "owner": "A Energy Co Ltd",
        "location": "Xuecun Town  Liulin county",
        "longitude": 110.776,
        "latitude": 37.408,
        "source": "Tracker",
    }
    return {**row, **other}


FIRST = plant("p1")
SECOND = plant(
    "p2",
    plant_name="Liulin 1 Coal",
    capacity_mw=1400,
    commissioned_year=1995,
    longitude=110.824,
    latitude=37.419,
    source="About",
)


def test_two_names_of_one_plant_are_found_and_the_reason_is_given() -> None:
    (match,) = duplicates([SECOND, FIRST, plant("p3", longitude=113.0)])
    assert (match.duplicate, match.original) == ("p2", "p1")
    assert "same_owner" in match.reason
    assert match.score >= 0.6


def test_the_order_of_the_rows_does_not_matter() -> None:
    third = plant("p3", plant_name="Liulin Coal", source="Other")
    assert duplicates([FIRST, SECOND, third]) == duplicates([third, SECOND, FIRST])


def test_a_double_of_a_double_points_to_the_one_original() -> None:
    third = plant("p3", plant_name="Liulin Coal", source="Other", commissioned_year=1990)
    found = duplicates([FIRST, SECOND, third])
    assert {m.original for m in found} == {"p1"}


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("another fuel", {"fuel": "Gas"}),
        ("far away", {"longitude": 111.5}),
        ("another owner, name and place", {"owner": "B", "plant_name": "Xuecun", "location": "Y"}),
    ],
)
def test_what_only_looks_alike_is_left_alone(what: str, other: dict[str, Any]) -> None:
    assert duplicates([FIRST, {**SECOND, **other}]) == [], what


def test_two_phases_of_one_plant_are_two_records() -> None:
    one = plant("p1", plant_name="Shaqu Phase 1 Coal Mine Methane")
    two = plant("p2", plant_name="Shaqu Phase 2 Coal Mine Methane")
    assert score(one, two) == (0.0, "other phase")


def test_missing_values_speak_for_nothing() -> None:
    bare = {"owner": None, "location": "", "capacity_mw": None}
    assert duplicates([plant("p1", **bare), plant("p2", plant_name="Liulin", **bare)]) == []
