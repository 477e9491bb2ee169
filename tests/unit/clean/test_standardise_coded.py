"""Codes: every vector through both engines, DuckDB and Spark, with the same answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession

from onesource.clean.standardisers import Context, Use, standardise, standardise_values
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.spark.local import local_rows

# standardiser, arguments → raw, value, verdict, a part of the detail
Vector = tuple[str | None, str | None, str, str]
VECTORS: list[tuple[str, Mapping[str, str], list[Vector]]] = [
    (
        "uscc",
        {},
        [
            ("91110000600037341L", "91110000600037341L", "OK", "type=企业"),
            ("91141100MA0GTB9K08", "91141100MA0GTB9K08", "OK", "div_name=吕梁市"),
            ("93141123MA0HBB2567", "93141123MA0HBB2567", "OK", "type=农民专业合作社"),
            ("N2141124MF0123451Q", "N2141124MF0123451Q", "OK", "registrar=农业"),
            ("９１１４１１００ＭＡ０ＧＴＢ９Ｋ０８", "91141100MA0GTB9K08", "OK", "changed=1"),
            ("91100000100000008E", "91100000100000008E", "OK", "div_name=国家"),
            ("91141125MA0J123470", None, "CHK", ""),
            ("91141125OA0J123476", None, "FMT", ""),
            ("9114112", None, "FMT", "length=7"),
            ("140000000000123", None, "FMT", "kind=registration_number"),
            ("000000000000000000", None, "SUSPECT", "warning=type_unknown"),
            ("—", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
        ],
    ),
    (
        "vin",
        {},
        [
            ("1M8GDM9AXKP042788", "1M8GDM9AXKP042788", "OK", ""),
            ("1m8gdm9axkp042788", "1M8GDM9AXKP042788", "OK", "changed=1"),
            ("1M8GDM9A1KP042788", None, "CHK", ""),
            ("11111111111111111", None, "SUSPECT", ""),
            ("1M8GDM9AXKPO42788", None, "FMT", "letters=1"),
        ],
    ),
    (
        "code",
        {"list": "gbt3304"},
        [
            ("01", "01", "OK", "name=汉族"),
            ("1", "01", "OK", "by=padded"),
            ("1.0", "01", "OK", "number=1"),
            ("汉族", "01", "OK", "by=name"),
            ("汉", "01", "OK", "by=name"),
            ("001", "01", "OK", "by=padded"),
            ("99", None, "CODE_UNKNOWN", ""),
        ],
    ),
    ("code", {"list": "gbt2261_1"}, [("男", "1", "OK", "by=name"), ("02", "2", "OK", "")]),
    ("code", {"list": "county"}, [("兴　县", "141123", "OK", "by=name")]),
    # Of the year 2003 a part lies within, of September nothing.
    ("code", {"list": "county", "date": "2003"}, [("141102", "141102", "OK", "")]),
    ("code", {"list": "county", "date": "2003-09"}, [("141102", None, "EXPIRED", "")]),
    ("code", {"width": "6"}, [("33000.0", "033000", "OK", "padded=1")]),
    ("code", {"list": "county", "date": "2001-01-01"}, [("141102", None, "EXPIRED", "离石区")]),
    (
        "industry",
        {},
        [
            ("B0610", "0610", "OK", "section=B"),
            ("C0610", None, "FMT", ""),
            ("t", "T", "OK", "level=1"),
            ("9999", None, "CODE_UNKNOWN", ""),
        ],
    ),
    ("industry", {"level": "4"}, [("610", "0610", "OK", "padded=1")]),
    (
        "icd10",
        {},
        [
            ("I10.x00x002", "I10.x00x002", "OK", "category=I10"),
            ("i10.X00X002", "I10.x00x002", "OK", "changed=1"),
            ("I10.×00", "I10.x00", "OK", "changed=1"),
            ("A06.501+J99.8*", "A06.501+J99.8*", "OK", "dagger=1"),
            ("I10", None, "INCOMPLETE", ""),
            ("高血压?", None, "FMT", ""),
        ],
    ),
    (
        "icd9cm3",
        {},
        [
            ("01.6x00", "01.6x00", "OK", ""),
            ("17.912A0", "17.912A0", "OK", ""),
            ("86.700x0013", "86.700x0013", "OK", ""),  # in the edition as it stands
            ("86.600x0013", None, "FMT", ""),
            ("1.2300", "01.2300", "OK", "padded=1"),
            ("88.7", None, "INCOMPLETE", ""),
        ],
    ),
]


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(load_catalogue(Settings.from_environment().schemas, odcs=False).codelists)


@pytest.mark.parametrize(("name", "args", "vectors"), VECTORS)
def test_without_a_jvm(
    name: str, args: Mapping[str, str], vectors: list[Vector], context: Context
) -> None:
    answers = standardise_values(name, args, [v[0] for v in vectors], context)
    for (raw, value, verdict, part), answer in zip(vectors, answers, strict=True):
        assert answer[:2] == (value, verdict), raw
        assert part in answer[2], raw


def test_both_engines_answer_alike(spark: SparkSession, context: Context) -> None:
    for name, args, vectors in VECTORS:
        raws = [v[0] for v in vectors]
        frame = local_rows(spark, list(enumerate(raws)), "i int, raw string").coalesce(1)
        found = standardise(frame, [Use("raw", "s", name, args)], context).orderBy("i").collect()
        expected = list(standardise_values(name, args, raws, context))
        assert [(r.s.value, r.s.verdict, r.s.detail) for r in found] == expected, name
