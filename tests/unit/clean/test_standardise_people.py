"""ID numbers and names of persons. All numbers and names are made up (synthetic)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.unit.clean.both_engines import (
    TODAY,
    Table,
    answers,
    check_alike,
    check_without_a_jvm,
    context,
)

TABLES: list[Table] = [
    (
        "resident_id",
        {},
        [
            # Assigned before 2003: the old code stays for life.
            ("142325196001010010", "142325196001010010", "OK", "div_name=兴县"),
            ("14230319550303321X", "14230319550303321X", "OK", "birth=1955-03-03;sex=1"),
            ("141124198505050180", "141124198505050180", "OK", "sex=2"),
            ("14112419900101069ｘ", "14112419900101069X", "OK", "fullwidth=1"),
            ("14112419900101069*", "14112419900101069X", "OK", "star=*"),
            ("14112419900101069×", "14112419900101069X", "OK", "star=×"),
            ("14112419900101069Х", "14112419900101069X", "OK", "star=Х"),  # Cyrillic
            ("14112419900101069Χ", "14112419900101069X", "OK", "star=Χ"),  # Greek
            ("14112419900101069x", "14112419900101069X", "OK", ""),
            ("１４２３２５１９６００１０１００１０", "142325196001010010", "OK", "fullwidth=1"),
            ("'142325196001010010", "142325196001010010", "OK", "trimmed=1"),
            ("\u3000142325196001010010\u00a0", "142325196001010010", "OK", "trimmed=1"),
            ("142325\u200b196001010010", "142325196001010010", "OK", "trimmed=1"),
            ("142325-19600101-0010", "142325196001010010", "OK", "trimmed=1"),
            ("1423 2519 6001 0100 10", "142325196001010010", "OK", ""),
            ("142325196001010010\n", "142325196001010010", "OK", "trimmed=1"),
            ("142325196001010010\t", "142325196001010010", "OK", "trimmed=1"),
            ("142326750615123", "142326197506151231", "OK", "15to18=1"),
            ("142326190101996", None, "DATE_RANGE", "15to18=1"),
            ("142326750230123", None, "DATE", "15to18=1"),
            ("141123198811080000", None, "CHK_EXCEL", ""),
            ("141123198811080454", None, "CHK", ""),
            ("141123198181080453", None, "DATE", ""),
            ("141199199001010113", None, "DIV_UNKNOWN", "div=141199"),
            # The code ended in 2002; two years of transition are allowed.
            ("142325200808080115", None, "DIV_BEFORE_BIRTH", "div_until=2002"),
            ("141124199002300111", None, "DATE", ""),
            ("810000199001010115", "810000199001010115", "OK", "permit=hk"),
            ("830000199001010119", "830000199001010119", "OK", "permit=taiwan"),
            ("11010519491231002X", None, "SUSPECT", ""),  # printed in the standard itself
            ("", None, "EMPTY", ""),
            ("  ", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
            ("--", None, "EMPTY", ""),
            ("NULL", None, "EMPTY", ""),
            ("无", None, "NOT_RESIDENT_ID", "kind=none"),
            ("E12345678", None, "NOT_RESIDENT_ID", "kind=passport"),
            ("O140123456", None, "NOT_RESIDENT_ID", "kind=birth_certificate"),
            ("H12345678", None, "NOT_RESIDENT_ID", "kind=hk_macau_permit"),
            ("CHN110000000001", None, "NOT_RESIDENT_ID", "kind=foreign_permanent"),
            ("911567199001010118", None, "NOT_RESIDENT_ID", "kind=foreign_permanent"),
            ("军字第1234567号", None, "NOT_RESIDENT_ID", "kind=military"),
            ("14112419900101069X44", None, "NOT_RESIDENT_ID", "kind=disability_certificate"),
            ("1.42325E+17", None, "FMT", "excel=scientific"),
            ("14232519600101001", None, "FMT", "length=17"),
            ("142325********0010", None, "FMT", "masked=1"),
            ("1423251960010\x0010010", None, "FMT", "unreadable=control"),
            ("1" * 100_000, None, "FMT", "unreadable=length"),
        ],
    ),
    ("resident_id", {"transition": "6"}, [("142325200808080115", "142325200808080115", "OK", "")]),
    ("resident_id", {"today": "1984-01-01"}, [("141124198505050180", None, "DATE_RANGE", "")]),
    (
        "person_name",
        {},
        [
            ("张三", "张三", "OK", ""),
            ("张　三", "张三", "OK", "spaces=1"),
            ("王 小 明", "王小明", "OK", ""),
            ("欧阳 修", "欧阳 修", "OK", ""),
            ("买买提•吐尔逊", "买买提·吐尔逊", "OK", "dot=1"),
            ("买买提．吐尔逊", "买买提·吐尔逊", "OK", "dot=1"),
            ("古丽・阿依", "古丽·阿依", "OK", "dot=1"),
            ("卡斯木 · 买买提", "卡斯木·买买提", "OK", "dot=1"),
            ("张三（曾用名：李四）", "张三", "OK", "former=李四"),
            ("张三 曾用名:李四", "张三", "OK", "former=李四"),
            ("张三(原名李四)", "张三", "OK", "former=李四"),
            ("张三（女）", "张三", "OK", "note=女"),
            ("𠮷野", "𠮷野", "OK", ""),
            ("䶮龑", "䶮龑", "OK", ""),
            ("王和平", "王和平", "OK", ""),
            ("王和平（男）", "王和平", "OK", "note=男"),
            ("John Smith", "John Smith", "OK", ""),
            ("Jean-Luc Picard", "Jean-Luc Picard", "OK", ""),
            ("买买提。吐尔逊", "买买提·吐尔逊", "OK", "dot=1"),
            ("·买买提··吐尔逊", "买买提·吐尔逊", "OK", "dot=1"),
            ("张三[曾用名李四]", "张三", "OK", "former=李四"),
            ("张三〔曾用名：李四〕", "张三", "OK", "former=李四"),
            ("张三（曾用名：无）", "张三", "OK", ""),
            ("张三\\李四", None, "SPLIT", "parts=2"),
            ("张三等人", None, "SPLIT", ""),
            ("张三等3人", None, "SPLIT", ""),
            ("张三-李四", None, "FMT", ""),  # two, or a dot typed as a hyphen
            ("张三、李四", None, "SPLIT", "parts=2"),
            ("张三,李四;王五", None, "SPLIT", "parts=3"),
            ("张三 李四", None, "SPLIT", "parts=2"),
            ("张三和李四", None, "SPLIT", "parts=2"),
            ("张?", None, "LOST_CHARACTER", ""),
            ("张\ufffd", None, "LOST_CHARACTER", ""),
            ("张*", None, "MASKED", ""),
            ("李某", None, "MASKED", ""),
            ("测试", None, "SUSPECT", ""),
            ("张", None, "SUSPECT", ""),
            ("张3", None, "FMT", ""),
            ("不详", None, "EMPTY", ""),
            ("—", None, "EMPTY", ""),
        ],
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t[0]} {dict(t[1])}")
def test_examples(table: Table) -> None:
    check_without_a_jvm(table)


def test_both_engines_answer_alike(spark: SparkSession) -> None:
    for name, args, examples in TABLES:
        check_alike(spark, name, [e[0] for e in examples], **args)


WEIGHTS = [2 ** (17 - i) % 11 for i in range(17)]  # the definition in ISO 7064, MOD 11-2


def numbered(code: str, birth: date, sequence: int) -> str:
    """A synthetic number, with its check digit from the definition, not from the code tested."""
    first = f"{code}{birth:%Y%m%d}{sequence:03d}"
    check = next(
        c
        for c in range(11)
        if (sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) + c) % 11 == 1
    )
    return first + ("X" if check == 10 else str(check))


CODES = st.sampled_from(["141123", "141124", "141102", "141181", "110101", "810000"])
BIRTHS = st.dates(date(1900, 1, 2), TODAY)
NUMBERS = st.builds(numbered, CODES, BIRTHS, st.integers(0, 999))


@given(st.lists(NUMBERS, min_size=1, max_size=50))
@settings(max_examples=25, deadline=None)
def test_every_well_formed_number_is_accepted_unchanged(numbers: list[str]) -> None:
    for number, answer in zip(numbers, answers("resident_id", numbers), strict=True):
        assert answer[:2] == (number, "OK")
        assert f"sex={2 - int(number[16]) % 2}" in answer[2]


@given(NUMBERS, st.integers(0, 17), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_no_single_wrong_digit_passes(number: str, place: int, by: int) -> None:
    old = number[place]
    new = str((int(old) + by) % 10) if old != "X" else str(by)
    wrong = number[:place] + new + number[place + 1 :]
    ((value, verdict, _),) = answers("resident_id", [wrong])
    assert value is None and verdict != "OK"


@given(NUMBERS, st.integers(0, 16))
@settings(max_examples=60, deadline=None)
def test_no_swap_of_neighbours_passes(number: str, place: int) -> None:
    a, b = number[place], number[place + 1]
    if a == b:
        return
    wrong = number[:place] + b + a + number[place + 2 :]
    assert answers("resident_id", [wrong])[0][1] != "OK"


@given(NUMBERS, st.sampled_from(["\u3000", "\u00a0", "\u200b", " ", "\ufeff", "\t"]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_dirt_around_and_full_width_do_not_matter(number: str, blank: str, wide: bool) -> None:
    dirty = blank + number[:6] + blank + number[6:] + blank
    if wide:
        dirty = dirty.translate({i: i + 0xFEE0 for i in range(0x21, 0x7F)})
    assert answers("resident_id", [dirty])[0][:2] == (number, "OK")


def test_every_day_of_four_centuries_is_judged_as_the_calendar_does() -> None:
    days = [date(1895, 1, 1) + timedelta(days=i) for i in range(0, 47_000, 7)]
    raws = [numbered("141123", d, 1) for d in days]
    for day, (_, verdict, _) in zip(days, answers("resident_id", raws), strict=True):
        # 130 years back from the day of the judgement.
        assert (verdict == "DATE_RANGE") == (day > TODAY or day < date(1894, 6, 30)), day


def test_every_old_number_of_the_city_is_accepted_for_births_until_the_transition_ended() -> None:
    old = [r.code for r in context().codelist("division_crosswalk").rows if r.code != "142300"]
    assert len(old) == 16
    for code in old:
        (answer,) = answers("resident_id", [numbered(code, date(1958, 5, 6), 7)])
        assert answer[1] == "OK", code
    boundary = [date(2004, 12, 31), date(2005, 1, 1)]
    raws = [numbered("142325", d, 7) for d in boundary]
    assert [a[1] for a in answers("resident_id", raws)] == ["OK", "DIV_BEFORE_BIRTH"]
