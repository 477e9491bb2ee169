"""`SHA256SUMS`: every file of a release with its digest, as sha256sum writes and checks it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from onesource import digests
from onesource.errors import OneSourceError

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def files_of(folder: Path) -> Iterator[str]:
    """The paths of all files below a release's folder, with `/`, sorted; the sums left out.

    Raises OneSourceError for anything that is no plain file or folder (P12).
    """
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise OneSourceError("is no plain file", where=str(path))
        if path.is_file():
            found.append(path.relative_to(folder).as_posix())
    yield from sorted(n for n in found if n not in (SUMS, SIGNATURE))


def sha256(path: Path) -> str:
    """64 hex digits."""
    return digests.of_file(path).split(":", 1)[1]


def write_sums(folder: Path, known: Mapping[str, str]) -> bytes:
    """Writes SHA256SUMS over all files; returns its bytes. known: digests that are at hand."""
    lines = [f"{known.get(n) or sha256(folder / n)}  {n}\n" for n in files_of(folder)]
    data = "".join(lines).encode("utf-8")
    (folder / SUMS).write_bytes(data)
    return data


def read_sums(data: bytes, where: Path) -> dict[str, str]:
    """Path → digest. Raises OneSourceError for a line of another shape, or a path that leaves the
    release."""
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise OneSourceError("is no line of SHA256SUMS", where=f"{where}:{number}")
        name = match[2]
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "" in parts or name in found:
            raise OneSourceError("names a path that cannot be", where=f"{where}:{number}")
        found[name] = match[1]
    return found
