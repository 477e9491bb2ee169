"""`onesource standardise`: whatever stands on a line, it gives one row. All data are made up."""

from __future__ import annotations

import csv
import io
import random

import pytest

from onesource.cli import standardise
from onesource.cli.standardise import parsed_args, standardise_command
from onesource.config import Settings
from onesource.errors import ContractError, UsageError


def run(name: str, lines: bytes, **args: str) -> bytes:
    out = io.BytesIO()
    settings = Settings.from_environment()
    assert standardise_command(settings, name, args, io.BytesIO(lines), out) == 0
    return out.getvalue()


def rows(name: str, lines: bytes, **args: str) -> list[list[str]]:
    text = run(name, lines, **args).decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def test_it_answers_line_by_line() -> None:
    lines = "（0358）8221234\n—\n1391234567\n13912345671、8221234\n"
    assert run("phone", lines.encode()).decode().splitlines() == [
        "raw,value,verdict,detail",
        "（0358）8221234,0358-8221234,OK,fullwidth=1;kind=landline",
        "—,,EMPTY,",
        "1391234567,,FMT,",
        "13912345671、8221234,,SPLIT,",
    ]


def test_arguments_are_passed_on() -> None:
    assert rows("date", b"41469\n", excel="1904")[0][1] == "2017-07-15"
    assert rows("code", "汉族\n".encode(), list="gbt3304")[0][1:3] == ["01", "OK"]


@pytest.mark.parametrize(
    ("lines", "raws"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\n\n", ["", ""]),
        ("\u2028a\u0085b\x0bc\n".encode(), ["\u2028a\u0085b\x0bc"]),  # these end no line
        (b'say "no", please\n', ['say "no", please']),
        (b"a\x00b\n", ["a\x00b"]),
        (b"a\rb\n", ["a\rb"]),
    ],
)
def test_every_line_gives_one_row(lines: bytes, raws: list[str]) -> None:
    assert [r[0] for r in rows("text", lines)] == raws


def test_bytes_that_are_no_utf8_come_back_with_a_verdict() -> None:
    out = run("text", b"good\n\xd0\xcb\xcf\xd8\nalso good\n")
    assert out.splitlines()[2] == b"\xd0\xcb\xcf\xd8,,ENCODING,"
    assert out.splitlines()[3].startswith(b"also good,also good,OK,")


def test_a_megabyte_on_one_line_is_one_row() -> None:
    csv.field_size_limit(2_000_000)
    (row,) = rows("resident_id", b"1" * 1_000_000 + b"\n")
    assert row[2:] == ["FMT", "unreadable=length"]
    (row,) = rows("text", b"(" * 1_000_000)
    assert row[2] == "OK" and len(row[1]) == 1_000_000


def test_order_is_kept_over_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standardise, "BATCH_LINES", 7)
    numbers = [str(random.Random(1).randrange(10**6)) for _ in range(100)] + ["x", "", "1"]
    found = rows("integer", "\n".join(numbers).encode())
    assert [r[0] for r in found] == numbers
    assert [r[1] for r in found[:100]] == [str(int(n)) for n in numbers[:100]]


def test_wrong_arguments_are_refused_before_anything_is_read() -> None:
    class Unread(io.BytesIO):
        def readline(self, *_: object) -> bytes:
            raise AssertionError("read")

        __next__ = readline

    settings, out = Settings.from_environment(), io.BytesIO()
    for name, args in [("nonsense", {}), ("date", {"x": "1"}), ("coordinates", {"lat": "$lat"})]:
        with pytest.raises(UsageError):
            standardise_command(settings, name, args, Unread(), out)
    with pytest.raises(ContractError, match="the code list nowhere is not there"):
        standardise_command(settings, "code", {"list": "nowhere"}, Unread(), out)
    assert out.getvalue() == b""


def test_argument_words_are_key_and_value() -> None:
    assert parsed_args(["unit=万元", "list=a=b.csv"]) == {"unit": "万元", "list": "a=b.csv"}
    for wrong in (["unit"], ["=x"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            parsed_args(wrong)
