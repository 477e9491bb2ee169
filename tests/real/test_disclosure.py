"""The real case of disclosure control: coal output by county, each working mine at its capacity.

On a machine without the folder of reference data these tests are skipped; where it is, a missing
file fails them.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from onesource.contracts.disclosure import DisclosureRule
from onesource.contracts.load import load_contract
from onesource.contracts.model import Kind
from onesource.ingest.readers import read
from onesource.publish.disclosure import DisclosureRefused, protect
from onesource.registry import boundary
from onesource.registry.points import Boundaries

HOME = Path(__file__).resolve().parents[2]
REFERENCE = HOME.parent / "shared" / "reference"
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="no folder ../shared/reference on this machine"
)
MINES = REFERENCE / "sector" / "coal_mines_luliang_gem_raw.csv"
CITY = "141100"
WENSHUI, JIAOCHENG, XINGXIAN, SHILOU, LANXIAN, JIAOKOU, FENYANG = (
    "141121", "141122", "141123", "141126", "141127", "141130", "141182",
)  # fmt: skip
COUNTIES = [
    "141102", "141121", "141122", "141123", "141124", "141125", "141126", "141127", "141128",
    "141129", "141130", "141181", "141182",
]  # fmt: skip
RULE = {
    "respondents": "enterprises",
    "dimensions": [{"column": "county_code", "total": CITY}],
    "values": ["output_mt"],
    "counts": ["mines"],
    "derived": [{"column": "utilisation"}],
    "unaffected": ["capacity_mtpa"],
    "contributions": {"source": "curated.energy_coal_output_mine", "contributor": "mine_id"},
}


@pytest.fixture(scope="module")
def contributions() -> pa.Table:
    """Each working mine of the published list, its county by point, its capacity as output."""
    path = REFERENCE / "geo" / "luliang_counties_wgs84_osm.geojson"
    shapes = [
        boundary.describe(
            {
                "code": f["properties"]["adcode"].ljust(12, "0"),
                "name": f["properties"]["name"],
                "source": "osm",
                "crs": f["properties"]["crs"],
                "version": date(2024, 1, 1),
                "approval_no": None,
                "declared_area_km2": None,
                "geometry": json.dumps(f["geometry"]),
            }
        )
        for f in json.loads(path.read_text(encoding="utf-8"))["features"]
    ]
    counties = Boundaries(tuple(s["code"] for s in shapes), tuple(s["geometry"] for s in shapes))
    feed = load_contract(HOME / "schemas" / "feeds" / "energy" / "coal_mine.yaml", Kind.FEED)
    rows = [
        r
        for batch in read(MINES, feed, MINES.name)
        for r in batch.to_pylist()
        if r["status"] == "Operating"
    ]

    def figures(column: str) -> list[float]:
        return [float(Decimal(r[column].replace(",", "."))) for r in rows]

    codes, _, _ = counties.locate(np.array(figures("longitude")), np.array(figures("latitude")))
    return pa.table(
        {
            "mine_id": [r["mine_id"] for r in rows],
            "county_code": [str(c)[:6] for c in codes],
            "output_mt": figures("capacity_mtpa"),
        }
    )


def by_county(contributions: pa.Table) -> pa.Table:
    """The table as it would be published: thirteen counties and the city."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in contributions.to_pylist():
        found[row["county_code"]].append(row["output_mt"])
        found[CITY].append(row["output_mt"])
    codes = [*COUNTIES, CITY]
    sums = [sum(found[c]) for c in codes]
    return pa.table(
        {
            "county_code": codes,
            "output_mt": sums,
            "mines": pa.array([len(found[c]) for c in codes], pa.int32()),
            "utilisation": pa.array([1.0 if s else None for s in sums], pa.float64()),
            "capacity_mtpa": sums,
        }
    )


def test_the_real_list_hides_exactly_five_counties(contributions: pa.Table) -> None:
    cells = by_county(contributions)
    done = protect(cells, contributions, DisclosureRule.model_validate(RULE), name="coal")
    rows = {r["county_code"]: r for r in done.table.to_pylist()}
    hidden = {c for c, r in rows.items() if r["output_mt"] is None}
    assert hidden == {WENSHUI, JIAOCHENG, LANXIAN, JIAOKOU, FENYANG}
    assert {c for c, r in rows.items() if r["conf_status"] == "C"} == hidden
    assert all(rows[c]["mines"] is None and rows[c]["utilisation"] is None for c in hidden)
    assert all(r["capacity_mtpa"] is not None for r in rows.values())
    assert rows[SHILOU]["output_mt"] == 0
    assert rows[XINGXIAN]["output_mt"] == pytest.approx(30.0)
    assert rows[CITY]["output_mt"] == pytest.approx(171.55)


def test_its_proof_says_that_the_five_hide_each_other(contributions: pa.Table) -> None:
    rule = DisclosureRule.model_validate(RULE)
    proof = protect(by_county(contributions), contributions, rule, name="coal").proof
    assert proof["passed"] and proof["intruder"]["contributors_know_their_own"]
    of = proof["tables"]["coal"]
    assert (of["cells"], of["suppressed"], of["primary"], of["complementary"]) == (14, 5, 5, 0)
    for end in ("narrowest", "widest"):
        # Only their sum follows from the city's total.
        assert of["measures"]["output_mt"][end]["low"] == 0
        assert of["measures"]["output_mt"][end]["high"] == pytest.approx(12.6)
        assert of["measures"]["mines"][end]["high"] == 7


def test_the_table_that_was_shown_whole_before_cannot_be_hidden_now(
    contributions: pa.Table,
) -> None:
    cells = by_county(contributions)
    with pytest.raises(DisclosureRefused, match="earlier release shows it"):
        protect(cells, contributions, DisclosureRule.model_validate(RULE), previous=[cells])


@pytest.mark.parametrize("lonely", [WENSHUI, LANXIAN, JIAOKOU])
def test_one_hidden_county_alone_would_need_another(contributions: pa.Table, lonely: str) -> None:
    few = {WENSHUI, JIAOCHENG, LANXIAN, JIAOKOU, FENYANG} - {lonely}
    kept = contributions.filter(
        pa.array([c not in few for c in contributions["county_code"].to_pylist()])
    )
    rule = DisclosureRule.model_validate(RULE)
    done = protect(by_county(kept), kept, rule, name="coal")
    of = done.proof["tables"]["coal"]
    assert (of["primary"], of["complementary"]) == (1, 1)
    city = done.table.to_pylist()[-1]
    assert city["output_mt"] is not None


def test_the_parsed_copy_of_the_list_gives_the_same_sum(contributions: pa.Table) -> None:
    with (REFERENCE / "sector" / "coal_mines_luliang_gem.csv").open(encoding="utf-8") as file:
        parsed = [r for r in csv.DictReader(file) if r["status"] == "Operating"]
    assert len(parsed) == contributions.num_rows == 91
    total = sum(Decimal(r["capacity_mtpa"]) for r in parsed)
    assert float(total) == pytest.approx(sum(contributions["output_mt"].to_pylist()))
