"""Archives are refused before they can do harm, and unpacked whole or not at all."""

from __future__ import annotations

import os
import resource
import stat
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from onesource.contracts.model import Contract
from onesource.errors import DeliveryRefused
from onesource.ingest.archive import Limits, check_zip, extract, names
from onesource.ingest.readers import inspect

MakeFeed = Callable[..., Contract]
MIB = 1 << 20


def zipped(tmp_path: Path, members: dict[str, bytes], name: str = "f.zip") -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for n, data in members.items():
            z.writestr(n, data)
    return path


def refusal(path: Path, limits: Limits | None = None) -> DeliveryRefused:
    """The refusal, which `extract` gives too, leaving nothing behind."""
    with pytest.raises(DeliveryRefused) as e:
        check_zip(path, limits)
    into = path.parent / "out"
    with pytest.raises(DeliveryRefused) as again:
        extract(path, into, limits)
    assert again.value.reason == e.value.reason
    assert not into.exists() or not list(into.iterdir())
    assert path.name in str(e.value) and "\n" not in str(e.value)
    return e.value


def patched(path: Path, name: str, field: int, layout: str, value: int) -> None:
    """Changes a field of a member's entry in the directory (and of its local header)."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(name)] != name.encode():
        at = data.find(b"PK\x01\x02", at + 4)
    struct.pack_into(layout, data, at + field, value)
    path.write_bytes(data)


def test_an_honest_archive_passes_and_unpacks_whole(tmp_path: Path) -> None:
    members = {"a.csv": b"x\n1\n", "日报/离石区.csv": "甲".encode(), "空.csv": b""}
    path = zipped(tmp_path, members)
    check_zip(path)
    out = extract(path, tmp_path / "out")
    assert [p.name for p in out] == ["a.csv", "离石区.csv", "空.csv"]
    assert [p.read_bytes() for p in out] == list(members.values())
    assert names(path) == list(members)


def test_equal_names_in_two_folders_stay_two_files(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"离石/日报.csv": b"1", "柳林/日报.csv": b"2", "离石_日报.csv": b"3"})
    out = extract(path, tmp_path / "out")
    assert sorted(p.read_bytes() for p in out) == [b"1", b"2", b"3"]
    assert [p.name for p in out][:2] == ["离石_日报.csv", "柳林_日报.csv"]


def test_what_file_managers_add_is_left_out(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"1", "__MACOSX/._a.csv": b"x", "Thumbs.db": b"x",
                             "~$a.xlsx": b"x"})  # fmt: skip
    assert [p.name for p in extract(path, tmp_path / "out")] == ["a.csv"]


def test_names_in_gbk_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"00000000.csv": b"1"})
    # as Windows writes it: GBK bytes, no flag (the name has eight bytes)
    path.write_bytes(path.read_bytes().replace(b"00000000", "离石柳林".encode("gbk")))
    assert names(path) == ["离石柳林.csv"]
    assert [p.name for p in extract(path, tmp_path / "out")] == ["离石柳林.csv"]


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "C:/x", "C:\\x", "a\\b", "..", "a\x01b", "x" * 300]
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    assert refusal(zipped(tmp_path, {"ok.csv": b"1", name: b"x"})).reason == "ARCHIVE_PATH"


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"1", "b.csv": b"2"})
    path.write_bytes(path.read_bytes().replace(b"b.csv", b"A.CSV"))
    assert refusal(path).reason == "ARCHIVE_PATH"


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(link, "/etc/passwd")
    assert refusal(path).reason == "ARCHIVE_PATH"


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"1"})
    patched(path, "a.csv", 8, "<H", 1)
    assert refusal(path).reason == "ARCHIVE_ENCRYPTED"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_bounded_are_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr("a.csv", b"0" * 100)
    assert refusal(path).reason == "ARCHIVE_METHOD"


@pytest.mark.parametrize("name", ["b.zip", "b.7z", "b.tar.gz", "b.csv"])
def test_an_archive_in_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    inner = zipped(tmp_path, {"a.csv": b"1"}, "inner.zip").read_bytes()
    assert refusal(zipped(tmp_path, {name: inner})).reason == "ARCHIVE_NESTED"


def test_workbooks_in_an_archive_are_no_archives(tmp_path: Path) -> None:
    book = tmp_path / "离石区.xlsx"
    Workbook().save(book)
    path = zipped(tmp_path, {"离石区.xlsx": book.read_bytes()})
    check_zip(path)
    check_zip(book)
    assert extract(path, tmp_path / "out")[0].read_bytes() == book.read_bytes()


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(members=2), "ARCHIVE_MEMBERS"),
        (Limits(member=2 * MIB), "ARCHIVE_SIZE"),
        (Limits(total=4 * MIB), "ARCHIVE_SIZE"),
    ],
)
def test_too_much_is_refused(tmp_path: Path, limits: Limits, reason: str) -> None:
    path = zipped(tmp_path, {f"{i}.csv": os.urandom(MIB) * (3 if i else 1) for i in range(3)})
    check_zip(path)
    assert refusal(path, limits).reason == reason


def test_a_high_ratio_is_refused(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path, {"a.csv": b"0" * (20 * MIB)})).reason == "ARCHIVE_RATIO"


def test_a_small_file_of_zeros_is_no_bomb(tmp_path: Path) -> None:
    check_zip(zipped(tmp_path, {"a.csv": b"0" * MIB}))


@pytest.mark.parametrize("said", [10, 30 * MIB])
def test_a_directory_that_lies_about_a_size_is_refused(tmp_path: Path, said: int) -> None:
    path = zipped(tmp_path, {"a.csv": b"0" * (20 * MIB), "b.csv": os.urandom(MIB)})
    patched(path, "a.csv", 24, "<L", said)
    limits = Limits(ratio=100_000)
    assert refusal(path, limits).reason == "ARCHIVE_DAMAGED"


def test_members_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    """The whole unpacks to far more than the file holds, though no member does."""
    path = tmp_path / "f.zip"
    data = os.urandom(100_000) * 10
    packed = zlib.compress(data)[2:-4]
    head = struct.pack(
        "<HHHHHLLLHH", 20, 0, 8, 0, 33, zlib.crc32(data), len(packed), len(data), 5, 0
    )
    local = b"PK\x03\x04" + head + b"a.csv" + packed
    entries = b"".join(
        b"PK\x01\x02" + struct.pack("<H", 20) + head[:-4]
        + struct.pack("<HHHHHLL", 5, 0, 0, 0, 0, 0, 0) + b"%05d" % i
        for i in range(1000)
    )  # fmt: skip
    end = struct.pack("<HHHHLLH", 0, 0, 1000, 1000, len(entries), len(local), 0)
    path.write_bytes(local + entries + b"PK\x05\x06" + end)
    assert refusal(path).reason == "ARCHIVE_RATIO"


def test_a_directory_of_millions_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"1"})
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x05\x06")
    struct.pack_into("<HHL", data, at + 8, 1, 1, 1 << 30)  # one entry, a gigabyte of directory
    path.write_bytes(data)
    assert refusal(path).reason == "ARCHIVE_MEMBERS"


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "FORMAT"), (b"a,b\n1,2\n", "FORMAT"), (b"PK\x03\x04rest", "ARCHIVE_DAMAGED")],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "f.zip"
    path.write_bytes(data)
    assert refusal(path).reason == reason


def test_a_damaged_or_cut_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": os.urandom(1000), "b.csv": b"2"})
    good = path.read_bytes()
    path.write_bytes(good[:600] + b"\xff\xff" + good[602:])
    assert refusal(path).reason == "ARCHIVE_DAMAGED"
    path.write_bytes(good[:-30])
    assert refusal(path).reason == "ARCHIVE_DAMAGED"


def a_bomb(path: Path, member: str, mebibytes: int, *, said: int | None = None) -> None:
    """Spaces that deflate to a thousandth, made by hand: `zipfile` would take a minute."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = one * mebibytes + packer.flush()
    size = mebibytes * MIB if said is None else said
    name = member.encode()
    head = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, 12345, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + head + name + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + head + bytes(14) + name
    end = struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(local), 0)
    path.write_bytes(local + entry + b"PK\x05\x06" + end)


# The peak comes from the kernel's record of this process: getrusage also counts its parent's.
PROBE = """
import re, sys
from pathlib import Path
from onesource.errors import DeliveryRefused
from onesource.ingest.archive import check_zip, extract
for call in (lambda p: check_zip(p), lambda p: extract(p, p.parent / "out")):
    try:
        call(Path(sys.argv[1]))
    except DeliveryRefused as e:
        print(e.reason)
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.parametrize(
    ("said", "reason"), [(None, "ARCHIVE_SIZE"), (1000, "ARCHIVE_DAMAGED"), (0, "ARCHIVE_DAMAGED")]
)
def test_a_bomb_is_refused_in_seconds_and_little_memory(
    tmp_path: Path, said: int | None, reason: str
) -> None:
    path = tmp_path / "bomb.zip"
    a_bomb(path, "a.csv", 3000, said=said)
    began = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-c", PROBE, str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found[:2] == [reason, reason]
    assert int(found[2]) < 300
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_bomb_with_the_name_of_a_workbook_is_refused(
    make_feed: MakeFeed, tmp_path: Path, part: str
) -> None:
    path = tmp_path / "f.xlsx"
    a_bomb(path, part, 300)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DeliveryRefused) as e:
        inspect(path, make_feed({"id": "编号*"}, format="xlsx"), path.name)
    assert e.value.reason == "ARCHIVE_RATIO"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
