"""The contents of one file, by what its first bytes say and what its name says; both must be known.

Archives are opened to a depth of three; what unpacks to more than it may is a finding, and so is
everything that cannot be read: the gate fails closed.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import pyarrow as pa

from onesource.publish.leak import tables
from onesource.publish.leak.columns import Looking
from onesource.publish.leak.headings import safe
from onesource.publish.leak.lines import look_at_bytes, look_at_lines, look_at_text
from onesource.publish.leak.model import Allowance, Kind
from onesource.publish.leak.pages import look_at_page
from onesource.publish.leak.workbook import is_workbook, look_at_workbook

DEEPEST = 3
# In memory: a member of an archive that must be read from end to beginning.
MOST_NESTED = 128 << 20
MOST_REENCODED = 32 << 20
MOST_UNPACKED = 8 << 30
# Sheets of equal numbers inflate 30 to 100 times; deflate can do 1,032 times.
MOST_RATIO = 250
RATIO_FROM = 32 << 20
MOST_MEMBERS = 5_000
_JSON = {".json": "json", ".jsonld": "json", ".geojson": "geojson", ".jsonl": "json"}
_MARKUP = {".html", ".htm", ".xhtml", ".svg", ".xml", ".rdf"}
_TEXT = {
    *(".md", ".txt", ".css", ".js", ".mjs", ".ttl", ".nt", ".yaml", ".yml", ".sig", ".pub"),
    *(".pem", ".asc", ".sha256", ".tsv", ".log", ".py", ".r", ".sh", ".sql", ".webmanifest"),
}
_NO_SUFFIX = {"SHA256SUMS", "LICENSE", "NOTICE", "README", "CHANGES", "CHANGELOG", "VERSION"}
# Pictures and fonts: their bytes are looked at as text, what they show is not.
_MEDIA = {
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".gif": b"GIF8",
    ".ico": b"\x00\x00\x01\x00",
    ".webp": b"RIFF",
    ".woff2": b"wOF2",
}


@dataclass(frozen=True)
class _Named:
    """A file or member: its name, and what stands before a place in it."""

    name: str
    depth: int


def look_at_contents(raw: IO[bytes], name: str, allowance: Allowance, to: Looking) -> None:
    """Looks into a seekable stream. Never raises for what is in it: that is a finding."""
    _guarded(lambda: _look(raw, _Named(name, 0), allowance, to), to)


def _guarded(look: Callable[[], None], to: Looking) -> None:
    try:
        look()
    except Exception as e:  # an error in the check holds what it was to check, and no more
        # The message of a reader may quote the contents; the name of the error does not.
        to.out.problem(Kind.UNREADABLE, "", f"cannot be read ({type(e).__name__})")


def _look(raw: IO[bytes], named: _Named, allowance: Allowance, to: Looking) -> None:
    start = raw.read(8)
    raw.seek(0)
    path = PurePosixPath(named.name)
    suffix = path.suffix.lower()
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06") or suffix in (".zip", ".xlsx"):
        _zip(raw, named, allowance, to)
    elif start[:2] == b"\x1f\x8b" or suffix == ".gz":
        _gzip(raw, named, allowance, to)
    elif start[:4] == b"PAR1" or suffix == ".parquet":
        tables.look_at_parquet(raw, allowance, to)
    elif suffix in _MEDIA:
        _media(raw, start.startswith(_MEDIA[suffix]), to)
    else:
        known = suffix == ".csv" or suffix in _JSON or suffix in _MARKUP or suffix in _TEXT
        if not known and path.name not in _NO_SUFFIX:
            to.out.problem(Kind.UNKNOWN_TYPE, "", "a type of file that no release has")
        _text(raw, suffix, allowance, to)


def _text(raw: IO[bytes], suffix: str, allowance: Allowance, to: Looking) -> None:
    encoding = encoding_of(raw)
    if encoding not in ("utf-8", "utf-8-sig") and suffix != ".sig":
        to.out.problem(Kind.ENCODING, "", f"not in UTF-8 ({encoding})", stop=False)
    raw.seek(0)
    if suffix in (".csv", ".tsv"):
        try:
            tables.look_at_csv(_as_utf8(raw, encoding), allowance, to)
            return
        except (pa.ArrowInvalid, ValueError):
            to.out.problem(Kind.UNREADABLE, "", "no CSV with one header row", stop=True)
            raw.seek(0)
    json = _JSON.get(suffix, "")
    look_at_lines(raw, allowance, to, encoding=encoding, json=json)
    if suffix in _MARKUP:
        raw.seek(0)
        look_at_page(raw, allowance, to, encoding=encoding)


def _as_utf8(raw: IO[bytes], encoding: str) -> IO[bytes]:
    """The stream itself, or one that is written anew in UTF-8, in memory."""
    if encoding.startswith("utf-8"):
        return raw
    if encoding == "mixed":
        raise ValueError("lines in several encodings")
    data = raw.read(MOST_REENCODED + 1)
    if len(data) > MOST_REENCODED:
        raise ValueError("too large to be read in another encoding")
    return io.BytesIO(data.decode(encoding, "strict").encode("utf-8"))


def encoding_of(raw: IO[bytes]) -> str:
    """`utf-8`, `utf-16…`, `gb18030`, or `mixed` where no one encoding fits; reads all of it."""
    raw.seek(0)
    start = raw.read(4096)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if start[:1] == b"\xff" else "utf-16-be"
    wide = "utf-16-le" if start[1::2].count(0) >= start[0::2].count(0) else "utf-16-be"
    if len(start) > 3 and start.count(0) * 4 > len(start):
        return wide
    if _decodes(raw, "utf-8"):
        return "utf-8"
    if 0 in start and _decodes(raw, wide):  # Chinese in UTF-16 has few zeros
        return wide
    return "gb18030" if _decodes(raw, "gb18030") else "mixed"


def _decodes(raw: IO[bytes], encoding: str) -> bool:
    raw.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while chunk := raw.read(1 << 20):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _media(raw: IO[bytes], genuine: bool, to: Looking) -> None:
    if not genuine:
        to.out.problem(Kind.UNKNOWN_TYPE, "", "not what its name says")
    while chunk := raw.read(4 << 20):
        look_at_bytes(chunk, "bytes", to)


def _gzip(raw: IO[bytes], named: _Named, allowance: Allowance, to: Looking) -> None:
    if not _may_go_deeper(named, to):
        return
    inner = named.name[:-3] if named.name.lower().endswith(".gz") else named.name
    size = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    if _unpacks_to(gzip.GzipFile(fileobj=raw), size, to):
        raw.seek(0)
        unpacked = io.BufferedReader(gzip.GzipFile(fileobj=raw))
        _look(unpacked, _Named(inner, named.depth + 1), allowance, to)


def _unpacks_to(unpacked: IO[bytes] | gzip.GzipFile, packed: int, to: Looking) -> bool:
    """Whether it unpacks to no more than it may; a bomb is a finding."""
    total = 0
    while chunk := unpacked.read(1 << 20):
        total += len(chunk)
        if total > MOST_UNPACKED or total > max(RATIO_FROM, MOST_RATIO * packed):
            to.out.problem(Kind.ARCHIVE, "", "unpacks to more than an archive may hold")
            return False
    return True


def _may_go_deeper(named: _Named, to: Looking) -> bool:
    if named.depth >= DEEPEST:
        to.out.problem(Kind.ARCHIVE, "", f"archives in archives, deeper than {DEEPEST}")
    return named.depth < DEEPEST


def _zip(raw: IO[bytes], named: _Named, allowance: Allowance, to: Looking) -> None:
    if not _may_go_deeper(named, to):
        return
    with zipfile.ZipFile(raw) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_MEMBERS:
            to.out.problem(Kind.ARCHIVE, "", f"more than {MOST_MEMBERS} members")
            return
        look_at_text(archive.comment.decode("utf-8", "replace"), "remark of the archive", to)
        for info in infos:
            where = f"member {safe(info.filename, to.against)}"
            look_at_text(info.filename, "name of a member", to)
            look_at_bytes(info.comment, where, to)
            if info.flag_bits & 1:
                to.out.problem(Kind.ARCHIVE, where, "encrypted")
                return
            with archive.open(info) as member:
                if not _unpacks_to(member, info.compress_size, to):
                    return
        names = [i.filename for i in infos]
        if len(set(names)) < len(names):
            to.out.problem(Kind.ARCHIVE, "", "two members of one name")
        if is_workbook(archive):
            names = look_at_workbook(archive, allowance, to)
        for name in names:
            if not name.endswith("/"):
                _member(archive, name, named.depth + 1, allowance, to)


def _member(
    archive: zipfile.ZipFile, name: str, depth: int, allowance: Allowance, to: Looking
) -> None:
    if archive.getinfo(name).file_size > MOST_NESTED:
        where = f"member {safe(name, to.against)}"
        to.out.problem(Kind.ARCHIVE, where, "a member too large to be looked into")
        return
    inner = to.within(f"member {safe(name, to.against)}")
    data = io.BytesIO(archive.read(name))
    _guarded(lambda: _look(data, _Named(name, depth), allowance, inner), inner)
