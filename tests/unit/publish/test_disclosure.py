"""Disclosure control: what must not be learned of single respondents is not shown, and proved."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure import DisclosureRefused, protect

# county → what each mine raised; made up.
MINES = {
    "one": [3.0],
    "two": [1.2, 1.2],
    "three": [1.0, 1.0, 1.0],
    "dominated": [9.0, 0.5, 0.4],
    "at_the_limit": [5.0, 4.0, 0.6, 0.4],
    "none": [0.0],
}


def rule(**more: object) -> DisclosureRule:
    said = {
        "respondents": "enterprises",
        "dimensions": [{"column": "county"}],
        "values": ["output_t"],
        "contributions": {"source": "curated.x", "contributor": "mine"},
        "tolerance": 0.0005,
    }
    return DisclosureRule.model_validate(said | more)


def tables(mines: dict[str, list[float]]) -> tuple[pa.Table, pa.Table]:
    cells = {"county": list(mines), "output_t": [sum(m) for m in mines.values()]}
    rows = [(c, f"{c}-{i}", v) for c, m in mines.items() for i, v in enumerate(m) if v]
    contributions = {
        "county": [r[0] for r in rows],
        "mine": [r[1] for r in rows],
        "output_t": [r[2] for r in rows],
    }
    return pa.table(cells), pa.table(contributions)


def shown(mines: dict[str, list[float]], **more: object) -> dict[str, float | None]:
    cells, contributions = tables(mines)
    done = protect(cells, contributions, rule(**more))
    return dict(
        zip(
            done.table.column("county").to_pylist(),
            done.table.column("output_t").to_pylist(),
            strict=True,
        )
    )


def test_few_or_dominant_enterprises_are_not_shown_and_all_else_is_as_it_was() -> None:
    found = shown(MINES)
    assert {c for c, v in found.items() if v is None} == {"one", "two", "dominated"}
    assert found["at_the_limit"] == 10.0, "two largest exactly 90 % may be shown"
    assert found["none"] == 0.0
    assert found["three"] == 3.0


def test_with_a_total_one_cell_alone_gets_company() -> None:
    mines = {"alone": [3.0], "b": [1.0] * 4, "c": [2.0] * 5}
    cells, contributions = tables(mines)
    total = pa.table({"county": ["all"], "output_t": [sum(map(sum, mines.values()))]})
    done = protect(
        pa.concat_tables([cells, total]),
        contributions,
        rule(dimensions=[{"column": "county", "total": "all"}]),
    )
    hidden = [v for v in done.table.column("output_t").to_pylist() if v is None]
    # The one mine of `alone` knows its own output: two cells would give the other away to it.
    assert len(hidden) == 3 and done.proof["tables"]["table"]["complementary"] == 2
    assert done.proof["passed"] is True


@pytest.mark.parametrize("missing", ["table", "cell"])
def test_what_cannot_be_judged_stops_the_dataset(missing: str) -> None:
    cells, contributions = tables({"a": [1.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0]})
    if missing == "cell":
        contributions = contributions.slice(0, 3)  # nothing stands behind b
    with pytest.raises(DisclosureRefused):
        protect(cells, None if missing == "table" else contributions, rule())


def test_a_weaker_threshold_must_say_why() -> None:
    with pytest.raises(ValidationError, match="basis"):
        rule(minimum_count=2)
    assert rule(minimum_count=2, basis="示例").least == 2
