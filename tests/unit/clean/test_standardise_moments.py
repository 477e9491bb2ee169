"""Dates, times and months: everything that departments write, and nothing invented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from onesource.clean.standardisers import Use, check_args, standardise
from onesource.config import BEIJING
from onesource.errors import UsageError
from onesource.spark.local import local_rows
from tests.unit.clean.both_engines import Table, answers, check_alike, check_without_a_jvm, context

TABLES: list[Table] = [
    (
        "date",
        {},
        [
            ("2017-07-15", "2017-07-15", "OK", ""),
            ("2017-7-5", "2017-07-05", "OK", ""),
            ("2017/07/15", "2017-07-15", "OK", ""),
            ("2017.7.15", "2017-07-15", "OK", ""),
            ("2017、7、15", "2017-07-15", "OK", ""),
            ("2017—07—15", "2017-07-15", "OK", ""),
            ("20170715", "2017-07-15", "OK", ""),
            ("20170715.0", "2017-07-15", "OK", ""),
            ("2017年7月15日", "2017-07-15", "OK", ""),
            ("2017年07月15号", "2017-07-15", "OK", ""),
            ("2017 年 7 月 15 日", "2017-07-15", "OK", ""),
            ("２０１７－０７－１５", "2017-07-15", "OK", "fullwidth=1"),
            ("二〇一七年七月十五日", "2017-07-15", "OK", ""),
            ("二零一七年十二月三十一日", "2017-12-31", "OK", ""),
            ("二○一七年十月二十日", "2017-10-20", "OK", ""),
            ("2017年七月十五日", "2017-07-15", "OK", ""),
            ("二零一七年07月15日", "2017-07-15", "OK", ""),
            ("2017 07 15", "2017-07-15", "OK", ""),
            ("二〇一七年", "2017", "OK", "precision=year"),
            ("'2017-07-15", "2017-07-15", "OK", ""),
            ("2017-07-15 星期六", "2017-07-15", "OK", ""),
            ("2017年7月15日（周六）", "2017-07-15", "OK", ""),
            ("15-Jul-2017", "2017-07-15", "OK", ""),
            ("2017/07/15 08:30", "2017-07-15", "OK", "time=08:30:00"),
            ("20170715083000", "2017-07-15", "OK", "time=08:30:00"),
            ("20170715T203000Z", "2017-07-16", "OK", "zone=Z;time=04:30:00"),
            ("2017-07-15T20:30:00Z", "2017-07-16", "OK", "zone=Z"),
            ("2017-07-15T00:30:00+09:00", "2017-07-14", "OK", "zone=+09:00"),
            ("2017-12-31 24:00:00", "2018-01-01", "OK", ""),
            # a month stays a month, a year a year
            ("2017-07", "2017-07", "OK", "precision=month"),
            ("2017.7", "2017-07", "OK", "precision=month"),
            ("2017.10", "2017-10", "OK", "precision=month"),
            ("2017年7月", "2017-07", "OK", "precision=month"),
            ("2017年07月份", "2017-07", "OK", "precision=month"),
            ("201707", "2017-07", "OK", "precision=month"),
            ("7/2017", "2017-07", "OK", "precision=month"),
            ("2017", "2017", "OK", "precision=year"),
            ("2017年度", "2017", "OK", "precision=year"),
            ("2017.0", "2017", "OK", "precision=year"),
            # a number that went through a spreadsheet: 2017.10, or 2017.1
            ("2017.1", None, "AMBIGUOUS", ""),
            # Unix time, in Beijing
            ("1500048000", "2017-07-15", "OK", "from=unix"),
            ("1500047999", "2017-07-14", "OK", "from=unix;time=23:59:59"),
            ("1500048000000", "2017-07-15", "OK", "from=unix"),
            ("1500048000.0", "2017-07-15", "OK", "from=unix"),
            ("2017071508", None, "AMBIGUOUS", ""),  # a second of 2033, or eight o'clock
            # months from and to are no day
            ("2017年1-7月", None, "AMBIGUOUS", ""),
            ("2017年1—7月", None, "AMBIGUOUS", ""),
            ("2017年1-7", None, "AMBIGUOUS", ""),
            ("2017-7/8", None, "AMBIGUOUS", ""),
            ("2017年1月-7月", None, "FMT", ""),
            # days that are told, but not which
            ("17-07-15", None, "AMBIGUOUS", "order=two_digit_year"),
            ("17年7月15日", None, "AMBIGUOUS", "order=two_digit_year"),
            ("170715", None, "AMBIGUOUS", ""),
            ("15/07/2017", None, "AMBIGUOUS", "order=not_year_first"),
            ("07/15/2017", None, "AMBIGUOUS", ""),
            ("15072017", None, "AMBIGUOUS", ""),
            ("42931", None, "AMBIGUOUS", "serial=1"),
            ("2017-07-15 晚上12:00", None, "AMBIGUOUS", ""),
            # no day, and no end
            ("0000-00-00", None, "EMPTY", ""),
            ("0000-00-00 00:00:00", None, "EMPTY", ""),
            ("00000000", None, "EMPTY", ""),
            ("1900-01-00", None, "EMPTY", ""),
            ("1900/1/0", None, "EMPTY", ""),
            ("1900-01-00 00:00:00", None, "EMPTY", ""),
            ("0", None, "EMPTY", ""),
            ("—", None, "EMPTY", ""),
            ("/", None, "EMPTY", ""),
            ("无", None, "EMPTY", ""),
            ("不详", None, "EMPTY", ""),
            ("", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
            ("9999-12-31", None, "OPEN_END", ""),
            ("99991231", None, "OPEN_END", ""),
            ("9999-12-31 23:59:59", None, "OPEN_END", ""),
            ("9999年12月31日", None, "OPEN_END", ""),
            ("长期", None, "OPEN_END", ""),
            ("长期有效", None, "OPEN_END", ""),
            ("永久", None, "OPEN_END", ""),
            ("长　期", None, "OPEN_END", ""),
            ("201713", None, "DATE", ""),
            # days that never were
            ("2017-02-29", None, "DATE", ""),
            ("2016-02-29", "2016-02-29", "OK", ""),
            ("1900-02-29", None, "DATE", ""),
            ("2000-02-29", "2000-02-29", "OK", ""),
            ("2017-04-31", None, "DATE", ""),
            ("2017-13-01", None, "DATE", ""),
            ("2017-00-10", None, "DATE", ""),
            ("2017-07-00", None, "DATE", ""),
            ("20170230", None, "DATE", ""),
            ("2017-07-15 25:00", None, "DATE", "time=impossible"),
            ("1899-12-31", None, "DATE_RANGE", ""),
            ("1900-01-01", "1900-01-01", "OK", ""),
            ("2100-12-31", "2100-12-31", "OK", ""),
            ("2101-01-01", None, "DATE_RANGE", ""),
            # something else
            ("2017-07-15至2018-07-15", None, "FMT", ""),
            ("7月15日", None, "FMT", ""),
            ("2017年第三季度", None, "FMT", ""),
            ("10:30", None, "FMT", ""),
            ("201713150830", None, "FMT", ""),
            ("待定", None, "FMT", ""),
        ],
    ),
    (
        "date",
        {"excel": "1900"},
        [
            ("42931", "2017-07-15", "OK", "from=excel"),
            ("42931.5", "2017-07-15", "OK", "time=12:00:00"),
            ("7306", "1920-01-01", "OK", "from=excel"),
            # The first sixty days are counted with a 1900-02-29 that never was.
            ("1", "1900-01-01", "OK", "from=excel"),
            ("59", "1900-02-28", "OK", "from=excel"),
            ("60", None, "DATE", "from=excel"),
            ("61", "1900-03-01", "OK", "from=excel"),
            ("2958465", None, "OPEN_END", ""),
            ("2017", "2017", "OK", "precision=year"),
            ("0", None, "EMPTY", ""),
            ("2017-07-15", "2017-07-15", "OK", ""),
        ],
    ),
    (
        "date",
        {"excel": "1904"},
        [
            ("41469", "2017-07-15", "OK", "from=excel"),
            ("42931", "2021-07-16", "OK", ""),
            ("60", "1904-03-01", "OK", "from=excel"),
            ("2957003", None, "OPEN_END", ""),
        ],
    ),
    (
        "date",
        {"pivot": "30"},
        [
            ("17-07-15", "2017-07-15", "OK", "order=two_digit_year"),
            ("17年7月15日", "2017-07-15", "OK", ""),
            ("170715", "2017-07-15", "OK", ""),
            ("17年7月", "2017-07", "OK", "precision=month"),
            ("30-01-01", "2030-01-01", "OK", ""),
            ("31-01-01", "1931-01-01", "OK", ""),
            ("17-02-30", None, "DATE", ""),
        ],
    ),
    (
        "date",
        {"order": "dmy"},
        [
            ("15/07/2017", "2017-07-15", "OK", ""),
            ("15072017", "2017-07-15", "OK", ""),
            ("5.7.2017", "2017-07-05", "OK", ""),
            ("07/15/2017", None, "DATE", ""),
            ("2017-07-15", "2017-07-15", "OK", ""),
            ("15/07/17", None, "AMBIGUOUS", ""),
        ],
    ),
    ("date", {"order": "mdy", "pivot": "30"}, [("07/15/17", "2017-07-15", "OK", "")]),
    (
        "date",
        {"min": "1949-10-01", "max": "2024"},
        [
            ("1949-09-30", None, "DATE_RANGE", ""),
            ("1949-10-01", "1949-10-01", "OK", ""),
            ("1949", "1949", "OK", ""),  # perhaps within
            ("2024-12-31", "2024-12-31", "OK", ""),
            ("2025-01-01", None, "DATE_RANGE", ""),
        ],
    ),
    (
        "datetime",
        {},
        [
            ("2017-07-15 08:30:00", "2017-07-15T08:30:00", "OK", ""),
            ("2017-07-15T08:30:00Z", "2017-07-15T16:30:00", "OK", "zone=Z"),
            ("2017-07-15T08:30:00+08:00", "2017-07-15T08:30:00", "OK", "zone=+08:00"),
            ("2017-07-15T08:30:00.123+0800", "2017-07-15T08:30:00.123", "OK", ""),
            ("2017-07-14 22:30:00-02:00", "2017-07-15T08:30:00", "OK", "zone=-02:00"),
            ("2017-07-15 08:30:00.0", "2017-07-15T08:30:00", "OK", ""),
            ("2017-07-15 08:30:00,250", "2017-07-15T08:30:00.25", "OK", ""),
            ("2017-7-15 8:5", "2017-07-15T08:05:00", "OK", ""),
            ("2017年7月15日8时30分", "2017-07-15T08:30:00", "OK", ""),
            ("2017年7月15日 08时30分15秒", "2017-07-15T08:30:15", "OK", ""),
            ("2017年7月15日下午3点30分", "2017-07-15T15:30:00", "OK", ""),
            ("2017-07-15 上午12:05", "2017-07-15T00:05:00", "OK", ""),
            ("2017-07-15 下午12:05", "2017-07-15T12:05:00", "OK", ""),
            ("2017-07-15 下午15:30", "2017-07-15T15:30:00", "OK", ""),
            ("2017-07-15 3:30 PM", "2017-07-15T15:30:00", "OK", ""),
            ("2017-07-15 12:30 AM", "2017-07-15T00:30:00", "OK", ""),
            ("2017-12-31 24:00", "2018-01-01T00:00:00", "OK", ""),
            ("20170715083000", "2017-07-15T08:30:00", "OK", ""),
            ("201707150830", "2017-07-15T08:30:00", "OK", ""),
            ("20170715T083000+0800", "2017-07-15T08:30:00", "OK", ""),
            ("1500048000", "2017-07-15T00:00:00", "OK", "from=unix"),
            ("1500048000123", "2017-07-15T00:00:00.123", "OK", "from=unix"),
            ("2017-07-15", "2017-07-15", "OK", "precision=day"),
            ("2017-07", "2017-07", "OK", "precision=month"),
            ("2017-07-15 上午13:05", None, "DATE", "time=impossible"),
            ("2017-07-15 24:01", None, "DATE", "time=impossible"),
            ("2017-07-15 08:60", None, "DATE", "time=impossible"),
            ("2017-07-15T08:30:00+99:00", None, "DATE", "time=impossible"),
            ("9999-12-31T23:59:59", None, "OPEN_END", ""),
        ],
    ),
    (
        "datetime",
        {"excel": "1900"},
        [
            ("42931.5", "2017-07-15T12:00:00", "OK", "from=excel"),
            ("42931.354166666664", "2017-07-15T08:30:00", "OK", "from=excel"),
        ],
    ),
    (
        "month",
        {},
        [
            ("2017-07", "2017-07", "OK", ""),
            ("201707", "2017-07", "OK", ""),
            ("2017年7月", "2017-07", "OK", ""),
            ("2017-07-15", "2017-07", "OK", "day=15"),
            ("20170715", "2017-07", "OK", "day=15"),
            ("2017-12-31T20:00:00Z", "2018-01", "OK", "day=01"),
            ("2017", None, "FMT", ""),
            ("2017-13", None, "DATE", ""),
            ("长期", None, "OPEN_END", ""),
            ("-", None, "EMPTY", ""),
        ],
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t[0]}-{'-'.join(t[1].values())}")
def test_examples(table: Table) -> None:
    check_without_a_jvm(table)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("date", {}),
        ("date", {"excel": "1904", "pivot": "30", "order": "dmy", "min": "1949"}),
        ("datetime", {"excel": "1900"}),
        ("month", {}),
    ],
    ids=["date", "date-arguments", "datetime", "month"],
)
def test_both_engines_answer_every_example_alike(
    spark: SparkSession, name: str, args: dict[str, str]
) -> None:
    raws = list(dict.fromkeys(raw for _, _, examples in TABLES for raw, *_ in examples))
    check_alike(spark, name, raws, **args)


def test_spark_reads_a_datetime_as_the_moment_that_was_meant(spark: SparkSession) -> None:
    raws = ["2017-07-15T00:00:00Z", "1500048000", "2017-07-15 08:30:00.5", "1988-07-01 10:00:00"]
    frame = local_rows(spark, [(r,) for r in raws], "raw string").coalesce(1)
    read = standardise(frame, [Use("raw", "s", "datetime")], context())
    found = read.selectExpr("cast(try_cast(s.value as timestamp) as double) as at").collect()
    # Beijing had summer time in 1988: UTC+9.
    summer = datetime(1988, 7, 1, 1, tzinfo=UTC).timestamp()
    assert [r.at for r in found] == [1500076800.0, 1500048000.0, 1500078600.5, summer]


@pytest.mark.parametrize(
    ("argument", "value"),
    [("excel", "1970"), ("pivot", "2030"), ("order", "ydm"), ("min", "1949-13"), ("zone", "UTC")],
)
def test_an_argument_that_makes_no_sense_is_refused(argument: str, value: str) -> None:
    with pytest.raises(UsageError):
        check_args("date", {argument: value})


def in_han(day: date) -> str:
    """二〇一七年七月十五日"""
    ones = "〇一二三四五六七八九"

    def count(n: int) -> str:
        tens, rest = divmod(n, 10)
        lead = "" if tens == 0 else "十" if tens == 1 else ones[tens] + "十"
        return lead + (ones[rest] if rest else "")

    year = "".join(ones[int(c)] for c in f"{day.year}")
    return f"{year}年{count(day.month)}月{count(day.day)}日"


WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")
WAYS: list[Callable[[date], str]] = [
    date.isoformat,
    lambda d: d.strftime("%Y%m%d"),
    lambda d: d.strftime("%Y/%m/%d"),
    lambda d: f"{d.year}/{d.month}/{d.day}",
    lambda d: f"{d.year}.{d.month}.{d.day}",
    lambda d: f"{d.year}-{d.month}-{d.day} 00:00:00",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: f"{d.year} 年 {d.month:02d} 月 {d.day:02d} 号",
    lambda d: d.isoformat().translate(WIDE),
    lambda d: d.strftime("%Y%m%d.0"),
    lambda d: d.strftime("%Y%m%d235959"),
    lambda d: d.strftime("%Y-%m-%dT23:59:59+08:00"),
    lambda d: (d - timedelta(1)).strftime("%Y-%m-%dT16:00:00Z"),
    in_han,
]
DAYS = st.lists(st.dates(date(1900, 1, 1), date(2100, 12, 31)), min_size=1, max_size=60)


@given(DAYS, st.integers(0, len(WAYS) - 1))
@settings(max_examples=30, deadline=None)
def test_a_day_comes_back_however_it_is_written(days: list[date], way: int) -> None:
    raws = [WAYS[(way + i) % len(WAYS)](d) for i, d in enumerate(days)]
    found = answers("date", raws)
    assert [(v, verdict) for v, verdict, _ in found] == [(d.isoformat(), "OK") for d in days]
    assert [v for v, _, _ in answers("month", raws)] == [d.isoformat()[:7] for d in days]


@given(st.lists(st.dates(date(1927, 5, 18), date(2100, 12, 31)), min_size=1, max_size=60))
@settings(max_examples=10, deadline=None)
def test_a_serial_is_its_day_in_both_counts(days: list[date]) -> None:
    iso = [d.isoformat() for d in days]
    by_1900 = [str((d - date(1899, 12, 30)).days) for d in days]
    assert [v for v, _, _ in answers("date", by_1900, excel="1900")] == iso
    later = [d for d in days if d.year > 1931]  # of five digits in both
    by_1904 = [f"{(d - date(1904, 1, 1)).days}.0" for d in later]
    found = [v for v, _, _ in answers("date", by_1904, excel="1904")]
    assert found == [d.isoformat() for d in later]


MOMENTS = st.lists(
    st.datetimes(datetime(2001, 9, 10), datetime(2029, 12, 31)), min_size=1, max_size=60
)


@given(MOMENTS, st.integers(-12 * 60, 14 * 60))
@settings(max_examples=15, deadline=None)
def test_a_moment_is_told_in_beijing_whatever_zone_it_is_written_in(
    moments: list[datetime], minutes: int
) -> None:
    told = [m.replace(microsecond=m.microsecond // 1000 * 1000, tzinfo=BEIJING) for m in moments]
    zone = timezone(timedelta(minutes=minutes))
    expected = [
        m.strftime("%Y-%m-%dT%H:%M:%S") + f".{m.microsecond:06d}".rstrip("0").rstrip(".")
        for m in told
    ]
    written = [m.astimezone(zone).isoformat() for m in told]
    assert [v for v, _, _ in answers("datetime", written)] == expected
    stamps = [str(round(m.timestamp() * 1000)) for m in told]
    assert [v for v, _, _ in answers("datetime", stamps)] == expected


CELLS = st.text(st.sampled_from("0123456789-/.年月日时分秒 :TZ+〇一二三十上下午AMP长期９－E'\\;="))


@given(
    st.lists(CELLS | st.text(), min_size=1, max_size=60),
    st.sampled_from(["date", "datetime", "month"]),
)
@settings(max_examples=40, deadline=None)
def test_every_cell_has_one_answer_and_only_ok_has_a_value(cells: list[str], name: str) -> None:
    found = answers(name, cells, excel="1900", pivot="30", order="dmy")
    assert len(found) == len(cells)
    for value, verdict, _ in found:
        assert (value is not None) == (verdict == "OK")
        if value is not None and len(value) >= 10:
            datetime.fromisoformat(value[:19])  # a day, a time that there is
