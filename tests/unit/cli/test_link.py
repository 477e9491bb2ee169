"""`onesource link` as its user calls it (all persons synthetic)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from onesource.cli.link import Wanted, link_command
from onesource.config import Settings
from onesource.errors import OneSourceError, UsageError

SETTINGS = Settings.from_environment()
PERSON = """\
apiVersion: v3.1.0
kind: DataContract
id: registry.person
name: 人口库
version: 1.0.0
status: active
domain: registry
description: {purpose: persons, limitations: none, usage: none}
customProperties:
  - {property: builder, value: 'onesource.registry.division:build'}
  - {property: inputs, value: [silver.base_division]}
  - {property: min_rows, value: 1}
schema:
  - name: person
    physicalType: table
    properties:
      - {name: person_id, businessName: 编号, logicalType: string, primaryKey: true}
      - {name: id_no, businessName: 号码, logicalType: string}
      - {name: name, businessName: 姓名, logicalType: string}
      - {name: sex, businessName: 性别, logicalType: string}
      - {name: birth_date, businessName: 出生日期, logicalType: date}
      - {name: county_code, businessName: 县, logicalType: string}
      - {name: valid_to, businessName: 止, logicalType: date}
      - {name: known_to, businessName: 知止, logicalType: timestamp}
"""


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    """A project with the schemas that ship and a contract of the population registry."""
    schemas = tmp_path / "home" / "schemas"
    (schemas / "registry").mkdir(parents=True)
    for child in SETTINGS.schemas.iterdir():
        if child.name != "registry":
            (schemas / child.name).symlink_to(child)
    (schemas / "registry" / "person.yaml").write_text(PERSON, encoding="utf-8")
    return replace(SETTINGS, home=tmp_path / "home", lake=tmp_path / "lake", roots={})


def serve(settings: Settings) -> None:
    rows = [
        ("PAAA", "14112419900101069X", "李娜", "2", "1990-01-01", "141124", None, None),
        ("PBBB", "141123197002030012", "赵六", "1", "1970-02-03", "141123", None, None),
        ("POLD", "141123197002030012", "赵六", "1", "1970-02-03", "141123", "2020-01-01", None),
    ]
    names = (
        "person_id",
        "id_no",
        "name",
        "sex",
        "birth_date",
        "county_code",
        "valid_to",
        "known_to",
    )
    columns = {n: pa.array([r[i] for r in rows], pa.string()) for i, n in enumerate(names)}
    write_deltalake(str(settings.root("registry") / "person"), pa.table(columns))
    served = {"run": "r1", "at": "2024-01-01", "tables": {"registry.person": {"version": 0}}}
    (settings.lake / "served.json").write_text(json.dumps(served), encoding="utf-8")


def asked_list(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("身份证号,姓名\n14112419900101069x,李 娜\n无,王芳\n", encoding="gb18030")
    return path


def test_a_list_is_linked_to_the_registry_and_the_read_is_recorded(
    lake: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(lake)
    wanted = Wanted(asked_list(tmp_path), to="person", purpose="复核")
    assert link_command(lake, wanted) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == ["left,right,score,rule,explanation",
                   "2,PAAA,1.000000,number_and_name,rule number_and_name"]  # fmt: skip
    reads = [p.read_text(encoding="utf-8") for p in (lake.root("ops") / "reads").rglob("*.jsonl")]
    read = json.loads(reads[0].splitlines()[0])
    assert (read["command"], read["tables"], read["purpose"], read["rows"]) == (
        "link", ["registry.person"], "复核", 1,
    )  # fmt: skip


def test_a_registry_that_is_not_served_is_said_in_one_line(lake: Settings, tmp_path: Path) -> None:
    with pytest.raises(OneSourceError, match=r"registry\.person has no data"):
        link_command(lake, Wanted(asked_list(tmp_path), to="person"))
    with pytest.raises(UsageError, match=r"no registry\.organisation"):
        link_command(lake, Wanted(asked_list(tmp_path), to="organisation"))


def test_duplicates_come_out_as_clusters_named_by_their_first_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,given_name,surname,dob,suburb\n1,mary,halloran,19520413,dunmore\n"
        "2,peter,ashby,19600101,felton\n3,mary,haloran,19520413,dunmore\n",
        encoding="utf-8",
    )
    assert link_command(SETTINGS, Wanted(path, dedupe=True)) == 0
    assert capsys.readouterr().out.splitlines() == ["row,cluster", "1,1", "2,2", "3,1"]


def test_an_answer_in_a_file_is_whole_and_headers_that_tell_nothing_are_said(
    tmp_path: Path,
) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "out.csv"
    path.write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="the headers do not tell"):
        link_command(SETTINGS, Wanted(path, csv=out))
    assert not out.exists()
