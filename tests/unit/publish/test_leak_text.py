"""The leak gate on single texts: every guise of an identifier, and what looks like one."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from onesource.publish.leak import Kind, numbers, words
from onesource.publish.leak.columns import matches
from onesource.publish.leak.unwrap import plain
from tests.unit.publish.leak_samples import (
    GREEN_PLATE,
    KNOWN,
    MOBILE,
    PLATE,
    WIDE,
    card,
    ending_in,
    old_resident_id,
    resident_id,
)


def shown(text: str) -> set[tuple[str, bool]]:
    """(kind, sure) of what the gate sees; what RE2 does not flag, it does not see."""
    if not matches(pa.array([text], pa.large_string()), words.flag_text(2))[0]:
        return set()
    return {(h.kind, h.sure) for h in words.look(text, KNOWN, 2)}


def sure(text: str) -> set[str]:
    return {kind for kind, is_sure in shown(text) if is_sure}


def parted(gap: str, *sizes: int) -> Callable[[str], str]:
    def part(text: str) -> str:
        parts, at = [], 0
        for size in sizes:
            parts.append(text[at : at + size])
            at += size
        return gap.join([*parts, text[at:]] if at < len(text) else parts)

    return part


GUISES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower-case x": str.lower,
    "full-width": lambda t: t.translate(WIDE),
    "blanks": parted(" ", 6, 8),
    "fours": parted(" ", 4, 4, 4, 4),
    "hyphens": parted("-", 6, 4, 4),
    "dashes of print": parted("—", 6, 8),
    "no-break spaces": parted("\u00a0", 6, 8),
    "wide spaces": parted("\u3000", 3, 3, 4, 4),
    "each apart": lambda t: " ".join(t),
    "zero-width between all": lambda t: "\u200b".join(t),
    "soft hyphens": parted("\u00ad", 6, 8),
    "byte order marks": parted("\ufeff", 9),
    "zeros of UTF-16": lambda t: "\x00".join(t),
    "Arabic-Indic digits": lambda t: t.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "percent": lambda t: "".join(f"%{ord(c):02X}" for c in t),
    "percent twice": lambda t: "".join(f"%25{ord(c):02x}" for c in t),
    "full-width in percent": lambda t: "".join(
        f"%{b:02X}" for c in t for b in c.translate(WIDE).encode()
    ),
    "HTML entities": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "HTML entities in hex": lambda t: "".join(f"&#x{ord(c):x};" for c in t),
    "JSON escapes": lambda t: "".join(f"\\u{ord(c):04x}" for c in t),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base64 within words": lambda t: base64.b64encode(f"编号：{t}。".encode()).decode(),
    "base64 for addresses": lambda t: base64.urlsafe_b64encode(f"n?{t}".encode()).decode(),
}
IDS = st.builds(
    resident_id,
    st.sampled_from(sorted(KNOWN.divisions)),
    st.dates().filter(lambda d: 1900 <= d.year <= 2026).map(lambda d: d.strftime("%Y%m%d")),
    st.integers(1, 999),
)


def is_clear(before: str, after: str) -> bool:
    """Whether no digit touches the number: with one, it would be a longer number."""
    one, two = plain(before)[-1:], plain(after)[:1]
    return not (one.isdigit() or two.isdigit() or one in ("%", "\\", "&", "_"))


@settings(max_examples=300, deadline=None)
@given(IDS, st.sampled_from(sorted(GUISES)), st.text(max_size=20), st.text(max_size=20))
@example(ending_in("X"), "as it is", "见档案", "号")
@example(ending_in("X"), "base64", "abc", "def")
@example(resident_id(), "fours", "12 ", " 3")
@example(resident_id(), "as it is", "1.", "")
@example(resident_id("142325", "20040405", 200), "each apart", "", "")
@example(resident_id(), "JSON escapes", "", "A")
@example(resident_id(), "JSON escapes", "%b", "")
@example(resident_id(), "full-width in percent", "", "%E9，")
@example(resident_id("142325", "20100625", 198), "as it is", "", "")  # an organisation's code, too
def test_a_resident_id_is_found_in_every_guise_and_in_any_text(
    number: str, guise: str, before: str, after: str
) -> None:
    assume(is_clear(before, after))
    assume(not ("base64" in guise and (plain(after)[:1].isalnum() or plain(before)[-1:].isalnum())))
    assert Kind.RESIDENT_ID in sure(f"{before}{GUISES[guise](number)}{after}")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (old_resident_id(), Kind.RESIDENT_ID),
        (f"证号{old_resident_id().translate(WIDE)}", Kind.RESIDENT_ID),
        (f"20240601{resident_id()}", Kind.RESIDENT_ID),  # a file number with the day in front
        (f"{resident_id(sequence=14)[:17]}", None),
        (f"{ending_in('7')}42", Kind.RESIDENT_ID),  # a disability certificate
        (f"{ending_in('X')[:17]}*", Kind.RESIDENT_ID),
        (MOBILE, Kind.MOBILE),
        (f"张某{MOBILE}电话", Kind.MOBILE),
        (f"+86 {MOBILE[:3]}-{MOBILE[3:7]}-{MOBILE[7:]}", Kind.MOBILE),
        (f"＋８６{MOBILE.translate(WIDE)}", Kind.MOBILE),
        (f"0086{MOBILE}", Kind.MOBILE),
        (f"86-{MOBILE}", Kind.MOBILE),
        (f"0{MOBILE}", Kind.MOBILE),
        (f"tel{MOBILE}", Kind.MOBILE),
        (f"{MOBILE[:3]}.{MOBILE[3:7]}.{MOBILE[7:]}", Kind.MOBILE),
        (f"{MOBILE[:3]} {MOBILE[3:]}", Kind.MOBILE),
        (f"{MOBILE}.0", Kind.MOBILE),
        (PLATE, Kind.PLATE),
        (f"车辆{PLATE}已驶出", Kind.PLATE),
        (f"{PLATE[:2]}·{PLATE[2:]}_1", Kind.PLATE),
        (f"{PLATE[0]} {PLATE[1:]}", Kind.PLATE),
        ("晋ＪＡ１Ｂ２３", Kind.PLATE),
        (f"{PLATE[:2]}\u200b{PLATE[2:]}", Kind.PLATE),
        (PLATE.lower(), Kind.PLATE),
        (GREEN_PLATE, Kind.PLATE),
        ("晋J1234挂", Kind.PLATE),
        (card(), Kind.BANK_CARD),
        (card(length=16), Kind.BANK_CARD),
        (f"卡号{card(length=17)}", Kind.BANK_CARD),
        (" ".join(card(length=16)[i : i + 4] for i in (0, 4, 8, 12)), Kind.BANK_CARD),
        (card("4", 16), Kind.BANK_CARD),
        ("联系人：王小明", Kind.PERSON_NAME),
        ("法定代表人为欧阳某明", Kind.PERSON_NAME),
        (f"村民李小四{resident_id()}", Kind.PERSON_NAME),
        ("hmac-sha256:v1:" + "0f" * 32, Kind.LANDING_TOKEN),
        ("landing/energy/coal_daily/" + "0a1b2c3d4e" * 2, Kind.LANDING_TOKEN),
        ('"delivery_id": "' + "0a1b2c3d4e" * 2 + '"', Kind.LANDING_TOKEN),
        ("SELECT person_key FROM t", Kind.LANDING_TOKEN),
        ("POINT(111.150733 37.517641)", Kind.COORDINATE),
        ("POINT (111.150733 37.5)", Kind.COORDINATE),
        ("111°09′03.5″E", Kind.COORDINATE),
        (f"{resident_id()[0]}.{resident_id()[1:]}E+17", Kind.RESIDENT_ID),
        (f"{int(MOBILE):,}".replace(",", "") + "，", Kind.MOBILE),
    ],
)
def test_each_kind_is_found_for_sure(text: str, kind: Kind | None) -> None:
    assert (kind in sure(text)) if kind else sure(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "91141100MA0GTB9K08",  # organisations
        "N2141124MF0123451Q",
        "141124100201",  # a village
        "2024-06-01 12:00:00.123456+08:00",
        "20240601123045123",
        "1717200000000",  # milliseconds
        "1717200000000000000",
        "0.12345678901234567",
        "111.14112419850312012",
        "15834000000元",
        "15834567890.25",
        "¥13912345678",
        "d41d8cd98f00b204e9800998ecf8427e",
        "sha256:" + "13912345678a" * 5 + "0f0f",
        "550e8400-e29b-41d4-a716-446655440000",
        "P2024-0601-0001",
        "6901234567892",  # a bar code
        "0358-8221234",
        "400-123-4567",
        "联系人：市能源局",
        "负责人 高平市能源局",
        "新Kaggle平台",
        "晋A00000_9",  # not recognised
        "川E线2024",
        "文水县 交城县 柳林县",
        "M111.1 37.5L112.2 38.5 100 200 300 400 500 600",
        "2024-06-01 - 2024-06-30 09:00-17:00",
        "1.5万 3.25% 100 000 000",
        "landing page, delivery within 10 days",
        "https://data.example.org/id/feed/energy.coal_mine",
        "12,345,678,901",
    ],
)
def test_what_only_looks_like_one_is_not_reported(text: str) -> None:
    assert shown(text) == set()


def test_a_wrong_check_digit_of_a_known_county_is_a_warning() -> None:
    number = ending_in("3")[:17] + "4"
    assert shown(number) == {(Kind.RESIDENT_ID, False)}


def test_damage_by_a_spreadsheet_is_a_warning() -> None:
    assert shown(resident_id()[:15] + "000") == {(Kind.RESIDENT_ID, False)}


@given(st.integers(0, 10**18 - 1).map(lambda n: f"{n:018d}"))
def test_a_number_without_a_county_or_a_date_is_no_resident_id(number: str) -> None:
    is_id = numbers.is_id18(number, 2026)
    assert not is_id or (number[:2] in numbers.PROVINCES and numbers.born(number[6:14], 2026))


@given(st.text(max_size=200))
def test_no_text_breaks_the_look(text: str) -> None:
    for hit in words.look(text, KNOWN, 2):
        assert hit.masked().startswith("*")
