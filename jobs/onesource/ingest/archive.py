"""Zip archives and workbooks are checked before anything in them is opened.

A zip of some kilobytes can hold terabytes, a million files, or a path that leaves the folder it
is unpacked into. `check_zip` reads the directory of the archive first (its size before its
entries), then inflates every member in small pieces and stops at the first that holds more than
it says: what the directory says may be a lie.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from onesource.errors import DeliveryRefused

# The largest real deliveries: 13 county workbooks in a zip; a national list in some hundred.
MAX_MEMBERS = 2_000
# A workbook of 1,048,576 rows × 12 columns has 0.7 GB of XML; a delivery above 2 GiB comes as CSV.
MAX_TOTAL = 2 << 30
MAX_MEMBER = 1 << 30
# Sheets of equal numbers inflate 30 to 100 times, text 3 to 10 times; deflate can do 1,032 times.
MAX_RATIO = 200
# Below this, a high ratio does no harm (an empty sheet, a few styles).
RATIO_FROM = 8 << 20
_CHUNK = 1 << 20
_ENTRY = 46  # bytes of a directory entry without its name
_NAME = 1_024  # bytes of name, extra field and remark that an honest entry stays below
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".iso")
_WORKBOOKS = (".xlsx", ".xlsm", ".docx", ".pptx", ".et")
_ENCRYPTED, _UTF8 = 0x1, 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What file managers add to an archive; it says nothing.
_JUNK_FOLDERS = ("__MACOSX",)
_JUNK_NAMES = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Limits:
    """What an archive may hold; the defaults are the constants above."""

    members: int = MAX_MEMBERS
    total: int = MAX_TOTAL
    member: int = MAX_MEMBER
    ratio: float = MAX_RATIO


@dataclass(frozen=True)
class Member:
    """A file in an archive, under the name that the sender saw."""

    name: str
    info: zipfile.ZipInfo


def check_zip(
    path: Path, limits: Limits | None = None, *, name: str = "", inflate: bool = True
) -> None:
    """Refuses an archive or workbook that must not be opened. `name` is used in messages.

    Raises DeliveryRefused with one of the reasons FORMAT, ARCHIVE_DAMAGED, ARCHIVE_MEMBERS,
    ARCHIVE_SIZE, ARCHIVE_RATIO, ARCHIVE_PATH, ARCHIVE_NESTED, ARCHIVE_METHOD,
    ARCHIVE_ENCRYPTED. With `inflate=False` only the directory is read: for a file that was
    checked when it was taken.
    """
    limits = limits or Limits()
    where = name or path.name
    with _opened(path, where, limits) as archive:
        found = _members(archive, where)
        _check_directory(found, path.stat().st_size, where, limits)
        workbook = any(m.name == "[Content_Types].xml" for m in found)
        for m in found:
            _check_kind(archive, m, where, workbook)
        if inflate:
            for m in found:
                for _ in _inflated(archive, m, where):
                    pass


def extract(path: Path, into: Path, limits: Limits | None = None, *, name: str = "") -> list[Path]:
    """Unpacks an archive flat into a folder, in pieces; gives the files in the archive's order.

    A file keeps its own name; where two folders hold one of the same name, the folders go in
    front (`离石区_日报.xlsx`). Raises like `check_zip`, and then leaves no file behind.
    """
    limits = limits or Limits()
    where = name or path.name
    check_zip(path, limits, name=where, inflate=False)
    into.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        with _opened(path, where, limits) as archive:
            found = [m for m in _members(archive, where) if not m.info.is_dir() and not _junk(m)]
            for m, flat in zip(found, _flat_names(found), strict=True):
                target = into / flat
                with target.open("xb") as f:
                    written.append(target)
                    for piece in _inflated(archive, m, where):
                        f.write(piece)
    except BaseException:
        for target in written:
            target.unlink(missing_ok=True)
        raise
    return written


def names(path: Path, limits: Limits | None = None, *, name: str = "") -> list[str]:
    """The names of the files in an archive, as the sender saw them."""
    with _opened(path, name or path.name, limits or Limits()) as archive:
        return [m.name for m in _members(archive, name or path.name) if not m.info.is_dir()]


def _refuse(reason: str, what: str, where: str, why: str = "", todo: str = "") -> DeliveryRefused:
    return DeliveryRefused(
        what, reason=reason, where=where, why=why, todo=todo or "ask for the files themselves"
    )


def _opened(path: Path, where: str, limits: Limits) -> zipfile.ZipFile:
    """The archive, once its directory is known to be small enough to be read."""
    entries, size = _directory(path, where)
    room = limits.members * (_ENTRY + _NAME)
    if entries > limits.members or size > room:
        raise _refuse(
            "ARCHIVE_MEMBERS",
            f"holds {entries} files, more than {limits.members}",
            where,
            f"its directory has {size} bytes",
        )
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as e:
        raise _damaged(where, str(e)) from e


def _damaged(where: str, why: str) -> DeliveryRefused:
    return _refuse("ARCHIVE_DAMAGED", "cannot be unpacked", where, why, "ask for it again")


def _directory(path: Path, where: str) -> tuple[int, int]:
    """Entries and bytes of the archive's directory, from the record at its end."""
    with path.open("rb") as f:
        head = f.read(4)
        size = f.seek(0, 2)
        start = max(0, size - 65_557)  # the record, and the longest remark that may follow it
        f.seek(start)
        tail = f.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            if head.startswith(b"PK\x03\x04"):
                raise _damaged(where, "it was cut off: the directory at its end is missing")
            raise _refuse("FORMAT", "is no zip archive", where, todo="ask for it again")
        entries, length = struct.unpack_from("<HL", tail, at + 10)
        if at >= 76 and tail.startswith(b"PK\x06\x06", at - 76):
            # The 64-bit record goes first where there is one, whatever the short one says.
            more, longer = struct.unpack_from("<QQ", tail, at - 76 + 32)
            entries, length = max(entries, more), max(length, longer)
    return int(entries), int(length)


def _members(archive: zipfile.ZipFile, where: str) -> list[Member]:
    found = [Member(_name(i), i) for i in archive.infolist()]
    seen: set[str] = set()
    for m in found:
        key = m.name.rstrip("/").casefold()
        if key in seen:
            raise _refuse("ARCHIVE_PATH", f"holds {m.name} twice", where)
        seen.add(key)
    return found


def _name(info: zipfile.ZipInfo) -> str:
    """The name as the sender saw it: Chinese Windows writes GBK without saying so."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    raw = info.orig_filename.encode("cp437", "replace")
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.orig_filename


def _check_directory(found: list[Member], size: int, where: str, limits: Limits) -> None:
    """What the directory says: paths, sizes, ratios. Nothing is inflated here."""
    if len(found) > limits.members:
        raise _refuse(
            "ARCHIVE_MEMBERS", f"holds {len(found)} files, more than {limits.members}", where
        )
    for m in found:
        _check_path(m, where)
        if m.info.flag_bits & _ENCRYPTED:
            raise _refuse(
                "ARCHIVE_ENCRYPTED", f"{m.name} is encrypted", where, todo="ask for it unlocked"
            )
        if m.info.compress_type not in _METHODS:
            raise _refuse(
                "ARCHIVE_METHOD",
                f"{m.name} is packed with method {m.info.compress_type}",
                where,
                "only stored and deflated files can be unpacked in bounded memory",
                "ask for a plain zip",
            )
        if m.info.file_size > limits.member:
            raise _refuse(
                "ARCHIVE_SIZE",
                f"{m.name} unpacks to {_mib(m.info.file_size)}",
                where,
                f"more than {_mib(limits.member)}",
                "ask for it in parts, or as CSV",
            )
        _check_ratio(m.name, m.info.file_size, m.info.compress_size, where, limits)
    total = sum(m.info.file_size for m in found)
    if total > limits.total:
        raise _refuse(
            "ARCHIVE_SIZE",
            f"unpacks to {_mib(total)}",
            where,
            f"more than {_mib(limits.total)}",
            "ask for it in parts, or as CSV",
        )
    # Members that share their bytes (overlapping bombs) show here: each is modest, all are not.
    _check_ratio("the whole", total, size, where, limits)


def _check_ratio(name: str, full: int, packed: int, where: str, limits: Limits) -> None:
    if full > RATIO_FROM and full > limits.ratio * max(packed, 1):
        raise _refuse(
            "ARCHIVE_RATIO",
            f"{name} unpacks to {full // max(packed, 1)} times its size",
            where,
            f"{_mib(full)} from {packed} bytes, more than {limits.ratio:g} times: a zip bomb",
        )


def _check_path(m: Member, where: str) -> None:
    name = m.name
    why = ""
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        why = "an absolute path"
    elif "\\" in name:
        why = "a backslash"
    elif ".." in PurePosixPath(name).parts:
        why = "a path that leaves the folder"
    elif any(ord(c) < 32 or ord(c) == 127 for c in name) or not name.strip("/ "):
        why = "an unprintable name"
    elif len(PurePosixPath(name).name.encode()) > 255:
        why = "a name above 255 bytes"
    elif stat.S_ISLNK(m.info.external_attr >> 16):
        why = "a symbolic link"
    if why:
        shown = "".join(c if c.isprintable() else "?" for c in name)[:80]
        raise _refuse("ARCHIVE_PATH", f"holds {shown}", where, why)


def _check_kind(archive: zipfile.ZipFile, m: Member, where: str, workbook: bool) -> None:
    """No archive in an archive, save workbooks: each of those is checked when it is read."""
    if m.info.is_dir():
        return
    nested = m.name.lower().endswith(_ARCHIVES)
    if not nested and not workbook and not m.name.lower().endswith(_WORKBOOKS):
        try:
            with archive.open(m.info) as f:
                nested = f.read(4) in (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf")
        except _UNREADABLE as e:
            raise _damaged(where, f"{m.name}: {e}") from e
    if nested:
        raise _refuse("ARCHIVE_NESTED", f"holds another archive, {m.name}", where)


_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
)


def _inflated(archive: zipfile.ZipFile, m: Member, where: str) -> Iterator[bytes]:
    """A member in pieces; zipfile stops at the size that the directory says and checks the sum.

    A member that inflates to more than it said fails that check, after no more than was said.
    """
    if m.info.is_dir():
        return
    try:
        with archive.open(m.info) as f:
            size = 0
            while piece := f.read(_CHUNK):
                size += len(piece)
                yield piece
    except _UNREADABLE as e:
        raise _damaged(where, f"{m.name}: {e}") from e
    if size != m.info.file_size:
        raise _damaged(where, f"{m.name} has {size} bytes, not {m.info.file_size} as it says")


def _junk(m: Member) -> bool:
    path = PurePosixPath(m.name)
    return (
        any(p in _JUNK_FOLDERS for p in path.parts)
        or path.name in _JUNK_NAMES
        or path.name.startswith(("~$", "._"))
    )


def _flat_names(found: list[Member]) -> list[str]:
    own = [PurePosixPath(m.name).name for m in found]
    counts: dict[str, int] = {}
    for n in own:
        counts[n.casefold()] = counts.get(n.casefold(), 0) + 1
    taken: set[str] = set()
    out: list[str] = []
    for m, n in zip(found, own, strict=True):
        flat = n if counts[n.casefold()] == 1 else "_".join(PurePosixPath(m.name).parts)
        if len(flat.encode()) > 240:  # file names end at 255 bytes
            flat = n
        stem, number = flat, 1
        while flat.casefold() in taken:
            number += 1
            flat = f"{number}_{stem}"
        taken.add(flat.casefold())
        out.append(flat)
    return out


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
