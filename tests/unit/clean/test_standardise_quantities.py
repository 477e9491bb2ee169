"""Numbers, money, mass, energy and area: exact, whatever they are written with."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from onesource.clean.standardisers import Use, check_args, standardise
from onesource.errors import UsageError
from onesource.spark.local import local_rows
from tests.unit.clean.both_engines import Table, answers, check_without_a_jvm, context

TABLES: list[Table] = [
    (
        "decimal",
        {},
        [
            ("1234.5", "1234.5", "OK", ""),
            ("0.05", "0.05", "OK", ""),
            (".5", "0.5", "OK", ""),
            ("12.50", "12.5", "OK", ""),
            ("100.00", "100", "OK", ""),
            ("00012", "12", "OK", ""),
            ("0", "0", "OK", ""),
            ("-0.00", "0", "OK", ""),
            ("-3", "-3", "OK", ""),
            ("+5", "5", "OK", ""),
            ("−1", "-1", "OK", ""),  # U+2212
            ("－1.5", "-1.5", "OK", "fullwidth=1"),
            ("(1,234.50)", "-1234.5", "OK", "negative=brackets"),
            ("（12）", "-12", "OK", "negative=brackets"),
            ("1,234.50", "1234.5", "OK", "separator=,"),
            ("1，234", "1234", "OK", "separator=,"),
            ("1,234,567", "1234567", "OK", "separator=,"),
            ("1 234 567.8", "1234567.8", "OK", "separator=blank"),
            ("1\u00a0234", "1234", "OK", "separator=blank"),
            ("１２３４．５", "1234.5", "OK", "fullwidth=1"),
            ("3.5E5", "350000", "OK", "scientific=1"),
            ("3.5e-5", "0.000035", "OK", "scientific=1"),
            ("1E+05", "100000", "OK", "scientific=1"),
            ("0.30000000000000004", "0.30000000000000004", "OK", ""),  # noise is told, not hidden
            ("1.5万", "15000", "OK", "multiplier=万;factor=10000"),
            ("12亿3456万", "1234560000", "OK", "mixed=1"),
            ("12亿3456.78万", "1234567800", "OK", "mixed=1"),
            ("12万3456.78", "123456.78", "OK", "mixed=1"),
            ("3万5千", "35000", "OK", "mixed=1"),
            ("1亿2千3百45", "100002345", "OK", "mixed=1"),
            ("1万零5", None, "FMT", ""),
            ("1万亿", "1000000000000", "OK", "factor=1000000000000"),
            ("1,234万", "12340000", "OK", "separator=,"),
            ("35人", "35", "OK", "unit=人"),
            ("1.5万人", "15000", "OK", "unit=万人"),
            ("9" * 38, "9" * 38, "OK", ""),
            ("0." + "1" * 38, "0." + "1" * 38, "OK", ""),
            ("9" * 39, None, "RANGE", ""),
            ("1e400", None, "RANGE", ""),
            ("1e-999999", None, "RANGE", ""),
            ("3万5", None, "AMBIGUOUS", ""),  # 30005, or 35000 as spoken
            ("1,5", None, "AMBIGUOUS", ""),
            ("1,2345", None, "AMBIGUOUS", ""),
            ("1,23,456", None, "AMBIGUOUS", ""),
            ("0,123", None, "AMBIGUOUS", ""),
            ("1.234.567", None, "AMBIGUOUS", ""),
            ("12 34", None, "AMBIGUOUS", ""),
            ("12\n34", None, "AMBIGUOUS", ""),
            ("12%", None, "UNIT", ""),  # 12 or 0.12
            ("12吨", None, "UNIT", ""),
            ("¥5", None, "UNIT", ""),
            ("约12", None, "FMT", ""),
            ("12-15", None, "FMT", ""),
            ("12~15", None, "FMT", ""),
            ("--12", None, "FMT", ""),
            ("(12", None, "FMT", ""),
            ("(-12)", None, "FMT", ""),
            ("1万20000", None, "FMT", ""),
            ("万", None, "FMT", ""),
            ("#DIV/0!", None, "FMT", ""),
            ("1;2", None, "FMT", ""),
            ("十二", None, "FMT", ""),
            ("NaN", None, "EMPTY", ""),
            ("—", None, "EMPTY", ""),
            ("－", None, "EMPTY", ""),
            ("−", None, "EMPTY", ""),
            ("-", None, "EMPTY", ""),
            ("/", None, "EMPTY", ""),
            ("无", None, "EMPTY", ""),
            ("不详", None, "EMPTY", ""),
            (" \u3000", None, "EMPTY", ""),
            ("", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
        ],
    ),
    (
        "decimal",
        {"decimal": ","},
        [
            ("37,589747", "37.589747", "OK", "decimal=,"),
            ("0,375", "0.375", "OK", "decimal=,"),
            ("-0,5", "-0.5", "OK", "decimal=,"),
            ("1.234,5", "1234.5", "OK", "separator=.;decimal=,"),
            ("1.234.567", "1234567", "OK", "separator=."),
            ("1234", "1234", "OK", ""),
            ("1.234", None, "AMBIGUOUS", ""),
            ("12.5", None, "AMBIGUOUS", ""),
            ("1,234,567", None, "AMBIGUOUS", ""),
        ],
    ),
    (
        "integer",
        {},
        [
            ("12", "12", "OK", ""),
            ("12.0", "12", "OK", ""),
            ("1,234", "1234", "OK", "separator=,"),
            ("1.5万", "15000", "OK", "multiplier=万"),
            ("1.2e1", "12", "OK", ""),
            ("-0", "0", "OK", ""),
            ("1" * 20, "1" * 20, "OK", ""),
            ("12.5", None, "FMT", ""),
            ("1.23456万", None, "FMT", ""),
            ("1.5", None, "FMT", ""),
        ],
    ),
    (
        "money",
        {},
        [
            ("1234.5", "1234.5", "OK", ""),
            ("￥1,234.50", "1234.5", "OK", "unit=¥;separator=,"),
            ("¥-12", "-12", "OK", ""),
            ("-￥12", "-12", "OK", ""),
            ("RMB 100", "100", "OK", ""),
            ("CNY:100", "100", "OK", ""),
            ("人民币100元", "100", "OK", "unit=元"),
            ("100元整", "100", "OK", ""),
            ("100元人民币", "100", "OK", ""),
            ("1.5万元", "15000", "OK", "unit=万元;factor=10000"),
            ("1.5 万 元", "15000", "OK", "unit=万元"),
            ("100（万元）", "1000000", "OK", "unit=万元"),
            ("(3.5)万元", "-35000", "OK", "negative=brackets"),
            ("12亿3456万元", "1234560000", "OK", "mixed=1"),
            ("3.2百万元", "3200000", "OK", "factor=1000000"),
            ("5角", "0.5", "OK", "factor=0.1"),
            ("0.01分", "0.0001", "OK", "factor=0.01"),
            ("0元", "0", "OK", ""),
            ("$5", None, "UNIT", ""),
            ("5美元", None, "UNIT", "unit=美元"),
            ("100元/吨", None, "UNIT", ""),
            ("1.5吨", None, "UNIT", ""),
            ("3元5角", None, "FMT", ""),
            ("—", None, "EMPTY", ""),
        ],
    ),
    (
        "money",
        {"unit": "万元"},
        [
            ("1.5", "15000", "OK", "unit=万元;factor=10000"),
            ("1.5元", "1.5", "OK", "unit=元"),
            ("1.5亿元", "150000000", "OK", "unit=亿元"),
            ("0", "0", "OK", ""),
            ("1.5万", None, "AMBIGUOUS", ""),  # 1.5万元, or 1.5万 of 万元
            ("￥3", None, "AMBIGUOUS", ""),
        ],
    ),
    (
        "mass",
        {},
        [
            ("1.5", "1.5", "OK", ""),
            ("1.5吨", "1.5", "OK", "unit=吨"),
            ("1.5万吨", "15000", "OK", "unit=万吨;factor=10000"),
            ("3千吨", "3000", "OK", "factor=1000"),
            ("12 t", "12", "OK", "unit=t"),
            ("500公斤", "0.5", "OK", "factor=0.001"),
            ("500千克", "0.5", "OK", "unit=千克"),
            ("500 KG", "0.5", "OK", "unit=kg"),
            ("5g", "0.000005", "OK", ""),
            ("3斤", "0.0015", "OK", "factor=0.0005"),
            ("0.001斤", "0.0000005", "OK", ""),
            ("1万斤", "5", "OK", ""),
            ("1.5万", "15000", "OK", "multiplier=万"),
            ("3Mt", None, "UNIT", ""),  # a million tonnes, or (MT) one
            ("5立方米", None, "UNIT", "unit=立方米"),
            ("5m3", None, "UNIT", ""),
            ("100亩", None, "UNIT", ""),
            ("1吨500公斤", None, "FMT", ""),
        ],
    ),
    (
        "mass",
        {"unit": "万吨"},
        [("1.5", "15000", "OK", "unit=万吨"), ("3吨", "3", "OK", "unit=吨")],
    ),
    ("mass", {"unit": "斤"}, [("3", "0.0015", "OK", "unit=斤"), ("1.5万", "7.5", "OK", "")]),
    (
        "energy",
        {},
        [
            ("100", "100", "OK", ""),
            ("1.5万千瓦时", "15000", "OK", "unit=万千瓦时"),
            ("3亿千瓦时", "300000000", "OK", ""),
            ("3亿千瓦·时", "300000000", "OK", ""),
            ("100万度", "1000000", "OK", ""),
            ("100 kWh", "100", "OK", ""),
            ("3kW·h", "3", "OK", ""),
            ("5MWh", "5000", "OK", ""),
            ("5兆瓦时", "5000", "OK", ""),
            ("2GWh", "2000000", "OK", ""),
            ("12万kWh", "120000", "OK", ""),
            ("3.6MJ", "1", "OK", "factor=10/36"),
            ("1GJ", "277.777778", "OK", "rounded=6"),
            ("5千瓦", None, "UNIT", ""),  # power, not energy
            ("1吨标准煤", None, "UNIT", ""),
        ],
    ),
    (
        "area",
        {},
        [
            ("100", "100", "OK", ""),
            ("100㎡", "100", "OK", "unit=㎡"),
            ("100 m²", "100", "OK", ""),
            ("100M2", "100", "OK", ""),
            ("100平方米", "100", "OK", ""),
            ("2.5公顷", "25000", "OK", "factor=10000"),
            ("2.5 hm²", "25000", "OK", ""),
            ("2.5ha", "25000", "OK", ""),
            ("3千公顷", "30000000", "OK", ""),
            ("1平方公里", "1000000", "OK", ""),
            ("1平方千米", "1000000", "OK", ""),
            ("1km²", "1000000", "OK", ""),
            ("1㎢", "1000000", "OK", ""),
            ("15亩", "10000", "OK", "factor=10000/15"),
            ("3亩", "2000", "OK", ""),
            ("1亩", "666.666667", "OK", "rounded=6"),
            ("-1亩", "-666.666667", "OK", "rounded=6"),
            ("1.5万亩", "10000000", "OK", ""),
            ("1顷", "66666.666667", "OK", "rounded=6"),
            ("1吨", None, "UNIT", ""),
        ],
    ),
    ("area", {"unit": "亩"}, [("15", "10000", "OK", "unit=亩"), ("0", "0", "OK", "")]),
]

NAMES = ("decimal", "integer", "money", "mass", "energy", "area")
WIDE = Context(prec=200)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t[0]}-{'-'.join(t[1].values())}")
def test_examples(table: Table) -> None:
    check_without_a_jvm(table)


def test_both_engines_answer_every_example_alike(spark: SparkSession) -> None:
    raws = list(dict.fromkeys(raw for _, _, examples in TABLES for raw, *_ in examples))
    frame = local_rows(spark, list(enumerate(raws)), "i int, raw string").coalesce(1)
    # More than three in one native plan is more than Spark compiles.
    for tables in (TABLES[at : at + 3] for at in range(0, len(TABLES), 3)):
        uses = [Use("raw", f"s{n}", name, args) for n, (name, args, _) in enumerate(tables)]
        rows = standardise(frame, uses, context(), native=True).orderBy("i").collect()
        for n, (name, args, _) in enumerate(tables):
            expected = answers(name, raws, **args)
            for raw, row, answer in zip(raws, rows, expected, strict=True):
                assert tuple(row[f"s{n}"]) == answer, (name, args, raw)


@pytest.mark.parametrize("native", [True, False], ids=["native", "in_batches"])
def test_the_unit_may_stand_in_another_field_of_the_row(spark: SparkSession, native: bool) -> None:
    rows = [
        ("1.5", "万吨", "15000", "OK"),
        ("1.5", "吨", "1.5", "OK"),
        ("1,500", "单位：公斤", "1.5", "OK"),
        ("1.5吨", "万吨", "1.5", "OK"),
        ("1.5吨", None, "1.5", "OK"),
        ("1.5", None, None, "UNIT"),  # nobody says what it is in
        ("1.5", "元", None, "UNIT"),
        ("1.5万", "万吨", None, "AMBIGUOUS"),
        ("—", "万吨", None, "EMPTY"),
    ]
    frame = local_rows(spark, [r[:2] for r in rows], "raw string, unit string").coalesce(1)
    uses = [Use("unit", "u", "text"), Use("raw", "s", "mass", {"unit": "$u"})]
    found = standardise(frame, uses, context(), native=native).collect()
    assert [(r.raw, r.unit, r.s.value, r.s.verdict) for r in found] == rows


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("mass", "unit", "元"),
        ("area", "unit", "亿"),
        ("money", "unit", ""),
        ("energy", "unit", "千瓦"),
        ("decimal", "decimal", ";"),
        ("decimal", "unit", "元"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused(name: str, argument: str, value: str) -> None:
    with pytest.raises(UsageError):
        check_args(name, {argument: value})


def plain(number: Decimal) -> str:
    """A decimal as the standardisers write it."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


DECIMALS = st.builds(
    lambda digits, places, minus: Decimal((minus, tuple(map(int, digits)), -places)),
    st.text("0123456789", min_size=1, max_size=15),
    st.integers(0, 8),
    st.booleans(),
)
LISTS = st.lists(DECIMALS, min_size=1, max_size=40)


def printed(number: Decimal, way: int) -> str:
    """One of the ways in which people write a number."""
    text = f"{number:f}"
    ways = [
        text,
        f"{number:,f}",
        f"{number:,f}".replace(",", "，"),
        f"{number:,f}".replace(",", " "),
        text.translate(str.maketrans("0123456789.-", "０１２３４５６７８９．－")),
        f"({abs(number):f})" if number.is_signed() else f"+{text}",
        f"  {text}\t",
        f"{number:E}",
        text.replace("-", "−"),
        text + ("0" * 3 if "." in text else ".000"),
    ]
    return ways[way % len(ways)]


@given(LISTS, st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_a_number_comes_back_exactly_however_it_is_written(
    numbers: list[Decimal], way: int
) -> None:
    found = answers("decimal", [printed(n, way + i) for i, n in enumerate(numbers)])
    assert [(v, verdict) for v, verdict, _ in found] == [(plain(n), "OK") for n in numbers]


@given(LISTS, st.sampled_from(["万元", "亿元", "元", "百万元", "角"]))
@settings(max_examples=15, deadline=None)
def test_money_is_multiplied_exactly(numbers: list[Decimal], unit: str) -> None:
    factor = {"万元": "1E4", "亿元": "1E8", "元": "1", "百万元": "1E6", "角": "0.1"}[unit]
    expected = [plain(WIDE.multiply(n, Decimal(factor))) for n in numbers]
    assert [a[0] for a in answers("money", [f"{n:f}{unit}" for n in numbers])] == expected
    assert [a[0] for a in answers("money", [f"{n:f}" for n in numbers], unit=unit)] == expected


@given(LISTS, st.sampled_from([("亩", 10000, 15), ("万亩", 10**8, 15), ("平方尺", 1, 9)]))
@settings(max_examples=15, deadline=None)
def test_a_divided_unit_is_rounded_half_up_once(
    numbers: list[Decimal], unit: tuple[str, int, int]
) -> None:
    word, times, over = unit
    with localcontext(WIDE):
        exact = [n * times / over for n in numbers]
        expected = [plain(e.quantize(Decimal("1E-6"), ROUND_HALF_UP)) for e in exact]
    assert [a[0] for a in answers("area", [f"{n:f}{word}" for n in numbers])] == expected


@given(st.lists(st.tuples(st.integers(1, 9999), st.integers(0, 9999)), min_size=1, max_size=40))
@settings(max_examples=10, deadline=None)
def test_mixed_amounts_add_up(pairs: list[tuple[int, int]]) -> None:
    found = answers("money", [f"{a}亿{b}万元" for a, b in pairs])
    assert [v for v, _, _ in found] == [str(a * 10**8 + b * 10**4) for a, b in pairs]


CELLS = st.text(
    st.sampled_from("0123456789.,-+()eE 万亿千百元吨亩％%¥斤kgKGm²㎡/无—（），．\n\t'\"\\;=｜＝")
)


@given(st.lists(CELLS | st.text(), min_size=1, max_size=60), st.sampled_from(NAMES))
@settings(max_examples=40, deadline=None)
def test_every_cell_has_one_answer_and_only_ok_has_a_value(cells: list[str], name: str) -> None:
    found = answers(name, cells)
    assert len(found) == len(cells)
    for value, verdict, _ in found:
        assert (value is not None) == (verdict == "OK")
        if value is not None:
            assert plain(Decimal(value)) == value  # canonical
