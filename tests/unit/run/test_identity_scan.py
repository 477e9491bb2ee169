"""The scan finds a person in every place where none may be, and nothing where there is none.

All persons are made up: well-formed numbers, so that they can be found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onesource.config import Settings
from onesource.publish.leak.model import Kind
from onesource.run.identity_scan import identity_scan

NUMBER = "142331196203051010"
PHONE = "13803580001"
NAME, BIRTH = "王小明", "1988-07-12"
HOME = Path(__file__).resolve().parents[3]


def parquet(path: Path, **columns: list[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def text(path: Path, words: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words + "\n", "utf-8")


def step(value: str) -> str:
    return json.dumps({"kind": "step", "reason_en": f"the value {value} is bad"})


PLACES: dict[str, tuple[str, Callable[[Path, str], None]]] = {
    "silver": ("lake/silver/health/visit/part-0.parquet", lambda p, v: parquet(p, note=["", v])),
    "curated": ("lake/curated/x/y/part-0.parquet", lambda p, v: parquet(p, a=[1], b=[[v]])),
    "metadata": ("lake/curated/x/y/part-1.parquet", lambda p, v: parquet(p, **{f"of_{v}": [1]})),
    "delta log": (
        "lake/silver/health/visit/_delta_log/00000000000000000003.json",
        lambda p, v: text(p, json.dumps({"add": {"stats": json.dumps({"minValues": {"n": v}})}})),
    ),
    "ops": ("lake/ops/steps/r.jsonl", lambda p, v: text(p, step(v))),
    "manifest": ("lake/served/r.json", lambda p, v: text(p, json.dumps({"tables": {v: 1}}))),
    "unknown": ("lake/other/file", lambda p, v: text(p, v)),
    "release": ("open/releases/r/index.html", lambda p, v: text(p, f"<p>{v}</p>")),
    "log": ("logs/run.log", lambda p, v: text(p, f"12:00 failed for {v}")),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    lake = tmp_path / "lake"
    return Settings(home=HOME, lake=lake, keys=tmp_path / "keys", open=tmp_path / "open")


def kinds(settings: Settings) -> set[Kind]:
    return {f.kind for f in identity_scan(settings, [settings.lake.parent / "logs"])}


@pytest.mark.parametrize("place", PLACES)
def test_a_number_or_phone_is_found_wherever_it_stands(settings: Settings, place: str) -> None:
    where, write = PLACES[place]
    path = settings.lake.parent / where
    for value, kind in ((NUMBER, Kind.RESIDENT_ID), (PHONE, Kind.MOBILE)):
        write(path, value)
        found = identity_scan(settings, [settings.lake.parent / "logs"])
        assert kind in {f.kind for f in found}
        assert not [f for f in found if value in f.line()]
        path.unlink()


def test_a_name_beside_a_birth_is_found_in_columns_and_in_texts(settings: Settings) -> None:
    lake = settings.lake
    parquet(lake / "curated/x/a.parquet", name_zh=[NAME], birth_date=[date(1988, 7, 12)])
    assert kinds(settings) == {Kind.PERSON_NAME}
    (lake / "curated/x/a.parquet").unlink()
    for words in (
        json.dumps({"name": NAME, "birth_date": BIRTH}, ensure_ascii=False),
        f"{NAME} 出生 1988年7月12日",
        f"x,{NAME},19880712,y",
    ):
        text(lake / "ops/steps/r.jsonl", words)
        assert kinds(settings) == {Kind.PERSON_NAME}, words


def test_places_beside_dates_and_codes_are_nobody(settings: Settings) -> None:
    lake = settings.lake
    parquet(
        lake / "curated/x/a.parquet",
        county_name=["方山县", "文水县"],
        valid_from=[date(1971, 5, 1), None],
        code=["141128100001", "141121"],
        id_token=["hmac-sha256:v1:" + "13803580001" * 5 + "138035800", None],
    )
    text(lake / "ops/steps/r.jsonl", json.dumps({"county": "方山县", "valid_from": "1971-05-01"}))
    assert kinds(settings) == set()


def test_the_zones_of_identities_are_left_out_wherever_they_stand(
    settings: Settings, tmp_path: Path
) -> None:
    apart = replace(settings, roots={"registry": settings.lake / "secret"})
    for folder in ("lake/landing", "lake/bronze", "lake/quarantine", "lake/secret"):
        text(tmp_path / folder / "x.txt", NUMBER)
    assert identity_scan(apart) == []
    text(tmp_path / "lake/registry/x.txt", NUMBER)  # the registry is elsewhere now
    assert [f.kind for f in identity_scan(apart)] == [Kind.RESIDENT_ID]


def test_what_cannot_be_read_is_found(settings: Settings) -> None:
    path = settings.lake / "curated/x/a.parquet"
    text(path, "PAR1 and nothing more")
    assert [f.kind for f in identity_scan(settings)] == [Kind.UNREADABLE]
