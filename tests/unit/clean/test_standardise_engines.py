"""What holds for every standardiser: one definition, two engines, no value without OK."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession

from onesource.clean.standardisers import (
    Context,
    Use,
    check_args,
    describe,
    names,
    standardise,
    standardise_values,
)
from onesource.clean.standardisers.model import Lookup, Request
from onesource.clean.standardisers.registry import STANDARDISERS
from onesource.clean.standardisers.sql import FOLD_FROM, FOLD_TO, renamed
from onesource.contracts.model import CodeList
from onesource.errors import UsageError
from onesource.spark.local import local_rows
from tests.unit.clean.both_engines import answers, check_alike, context

SQL_NAMES = [n for n in names() if STANDARDISERS[n].build is not None]
# Whatever may stand in a cell; some of it well-formed for one standardiser or another.
ANYTHING: list[str | None] = [
    None,
    "",
    " ",
    "\u3000\u00a0\u200b\ufeff",
    "\x00",
    "a\x00b",
    "\n",
    "1\n",
    "2024-06-30\n",
    "13912345671\r",
    "142325196001010010\u2028",
    "\u0085x",
    "'",
    "''",
    "\\",
    '"',
    "a;b=c",
    "%",
    "_",
    "${x}",
    "`x`",
    "[(",
    "((((((((((",
    "-",
    "——",
    "/",
    "无",
    "null",
    "NaN",
    "0",
    "-0",
    "00",
    "1",
    "1.0",
    "1e5",
    "1E-5",
    "9" * 40,
    "0." + "0" * 30 + "1",
    "-1,234.50",
    "１２，３４５．６７",
    "1.2万",
    "12亿3456万",
    "٣٤",  # Arabic-Indic digits are no digits here
    "𝟏𝟐",  # mathematical ones fold to ASCII
    "²",
    "ß",
    "İ",
    "é",
    "e\u0301",
    "𠮷",
    "👨\u200d👩\u200d👧",
    "\ufffd",
    "\ue000",
    "42931",
    "42931.5",
    "1500048000",
    "2017-07-15",
    "2017年7月",
    "9999-12-31",
    "20170715083000",
    "二〇一七年七月十五日",
    "142326750615123",
    "142325196001010010",
    "91110000600037341L",
    "晋J12345_1",
    "0358-8221234",
    "111.150733,37.517641",
    "I10.x00x002",
    "张三、李四",
    "山西省吕梁市离石区永宁中路12号",
    "A" * 501,
    "长" * 5000,
    "(" * 20_000,
]


@pytest.mark.parametrize("name", SQL_NAMES)
def test_both_engines_answer_alike_whatever_the_cell_holds(spark: SparkSession, name: str) -> None:
    check_alike(spark, name, ANYTHING)


def test_many_fields_of_one_table_are_answered_as_each_alone(spark: SparkSession) -> None:
    # Twice, so that values repeat, and in several batches of one worker.
    cells = [*enumerate(ANYTHING), *enumerate(ANYTHING)]
    frame = local_rows(spark, cells, "i int, raw string").repartition(3)
    uses = [Use("raw", f"s_{n}", n) for n in SQL_NAMES]
    rows = standardise(frame, uses, context()).orderBy("i").collect()
    for name in SQL_NAMES:
        expected = [a for a in answers(name, ANYTHING) for _ in range(2)]
        for row, answer in zip(rows, expected, strict=True):
            assert tuple(row[f"s_{name}"]) == answer, (name, row["raw"])


@pytest.mark.parametrize("name", SQL_NAMES)
def test_every_answer_keeps_the_promises_of_its_description(name: str) -> None:
    told = describe(name)
    assert told.zh and told.en
    for raw, (value, verdict, detail) in zip(ANYTHING, answers(name, ANYTHING), strict=True):
        assert verdict in told.verdicts, raw
        assert (value is None) == (verdict != "OK"), raw
        assert all("=" in part for part in detail.split(";") if part), raw


@pytest.mark.parametrize("name", SQL_NAMES)
def test_a_standardised_value_is_standardised_again_to_itself(name: str) -> None:
    values = [v for v, verdict, _ in answers(name, ANYTHING) if verdict == "OK"]
    assert [a[:2] for a in answers(name, values)] == [(v, "OK") for v in values]


def test_every_character_that_nfkc_makes_one_ascii_character_is_folded() -> None:
    folded = dict(zip(FOLD_FROM, FOLD_TO, strict=True))
    for point in range(0x80, 0x110000):
        plain = unicodedata.normalize("NFKC", chr(point))
        # An apostrophe or backslash cannot stand in the SQL text of both engines.
        if len(plain) == 1 and " " <= plain <= "~" and plain not in "'\\":
            assert folded.get(chr(point)) == plain, hex(point)


@pytest.mark.parametrize("name", SQL_NAMES)
def test_no_stage_takes_a_word_of_sql_or_a_column_twice(name: str) -> None:
    words = set(
        re.findall(
            r"\w+",
            "div and or not in is null case when then else end like rlike between as cast "
            "string int bigint double decimal true false",
        )
    )
    build = STANDARDISERS[name].build
    assert build is not None
    seen = {"raw"}
    for stage in build(Request({}, context())):
        made = stage.table.columns[1:] if isinstance(stage, Lookup) else tuple(stage)
        assert not words & set(made)
        assert not seen & set(made)
        seen |= set(made)


def test_renaming_leaves_literals_and_functions_alone() -> None:
    names = {"t": "T", "left": "L"}
    assert renamed("left(t, 1) = 't' and t rlike '^t' and left = t", names) == (
        "left(T, 1) = 't' and T rlike '^t' and L = T"
    )


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("nonsense", {}, "there is no standardiser nonsense"),
        ("date", {"century": "20"}, "date takes no argument century; its arguments: excel"),
        ("date", {"excel": "1905"}, "must be 1900 or 1904"),
        ("phone", {"area": "358"}, "must be an area code, such as 0358"),
        ("money", {"unit": "吨"}, "money"),
        ("coordinates", {"crs": "$crs"}, "must be a fixed value, not a field"),
    ],
)
def test_a_wrong_use_says_what_is_allowed(name: str, args: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("$", "[$]")):
        check_args(name, args)


def test_fields_that_refer_to_one_another_in_a_circle_are_refused(spark: SparkSession) -> None:
    frame = local_rows(spark, [("1", "2")], "a string, b string")
    uses = [
        Use("a", "x", "coordinates", {"lat": "$y"}),
        Use("b", "y", "coordinates", {"lat": "$x"}),
    ]
    with pytest.raises(UsageError, match="circle"):
        standardise(frame, uses, context())
    with pytest.raises(UsageError, match="no such field"):
        standardise(frame, uses[:1], context())


def test_the_way_without_a_jvm_imports_no_spark() -> None:
    program = (
        "import sys, onesource.clean.standardisers as s\n"
        "list(s.standardise_values('date', {}, ['2017-07-15'], s.Context()))\n"
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class _Listening(dict[str, CodeList]):
    """Code lists that remember which of them were asked for."""

    def __init__(self, lists: Mapping[str, CodeList]) -> None:
        super().__init__(lists)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> CodeList:
        self.asked.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("name", [n for n in names() if n != "division"])  # its index reads them
def test_a_standardiser_says_which_code_lists_it_looks_into(name: str) -> None:
    lists = _Listening(context().codelists)
    list(standardise_values(name, {}, ["1", "14112619900101123X", "晋J12345"], Context(lists)))
    assert lists.asked == set(STANDARDISERS[name].lists)
