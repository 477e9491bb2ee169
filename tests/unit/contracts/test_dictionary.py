"""The data dictionary says what holds, not what stands in the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from onesource.contracts.dictionary import HEADER, dictionary_csv
from onesource.contracts.load import load_contract
from onesource.contracts.model import Kind
from tests.unit.small_project import SmallProject


def test_a_dictionary_has_one_row_a_field_with_its_effective_properties(tmp_path: Path) -> None:
    project = SmallProject(tmp_path)
    project.change(
        project.feed,
        "          - {property: unit, value: t}\n",
        "          - {property: unit, value: t}\n          - {property: sharing, value: 无条件}\n",
    )
    text = dictionary_csv([load_contract(project.feed, Kind.FEED)])
    rows = {r["column"]: r for r in csv.DictReader(io.StringIO(text))}
    assert tuple(next(csv.reader(io.StringIO(text)))) == HEADER
    assert list(rows) == ["mine_id", "status", "gas", "output_t"]
    assert rows["mine_id"]["key"] == "1"
    assert rows["gas"]["code_list"] == "gas"
    assert rows["status"]["values"] == "生产 | 停产"
    output = rows["output_t"]
    assert (output["table"], output["name_zh"], output["unit"]) == (
        "silver.energy_coal",
        "产量",
        "t",
    )
    assert output["values"] == "≥ 0 ≤ 1000"
    assert (output["sharing"], rows["gas"]["sharing"]) == ("无条件", "不予")
