"""Is a release what was signed? Every file is read again; nothing but the folder and the public key
is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from onesource.errors import OneSourceError
from onesource.publish.latest import MANIFEST, NOTICE, read_release_manifest
from onesource.publish.signing import is_signed
from onesource.publish.sums import SIGNATURE, SUMS, files_of, read_sums, sha256
from onesource.publish.withdrawn import read_notice


@dataclass(frozen=True)
class Verified:
    """What was found right. withdrawn: datasets (or `*`) for which a signed notice stands."""

    release: str
    files: int
    rows: int
    withdrawn: tuple[str, ...]


def verify(folder: Path, public_pem: bytes, name: str | None = None) -> Verified:
    """Checks signature, sums, that nothing is missing and nothing is beside, and counts the rows.

    Raises OneSourceError naming the first thing that is wrong.
    """
    key = _key(public_pem)
    sums_path = folder / SUMS
    signed = _bytes(sums_path)
    if not is_signed(signed, _bytes(folder / SIGNATURE).decode("ascii", "replace"), key):
        raise OneSourceError(
            "the signature does not fit",
            where=str(sums_path),
            why="the file was changed, or another key signed it",
        )
    sums = read_sums(signed, sums_path)
    notices = dict(_notices(folder, key))
    gone = {f for notice in notices.values() for f in notice["removed"]}
    _files(folder, sums, gone, notices)
    manifest = read_release_manifest(folder)
    if name is not None and manifest["release"] != name:
        raise OneSourceError(f"the manifest is of {manifest['release']}", where=str(folder))
    rows = sum(_rows(folder, n, d, gone) for n, d in manifest["datasets"].items())
    named = tuple(sorted("*" if n == NOTICE else Path(n).parent.name for n in notices))
    return Verified(manifest["release"], len(sums) - len(gone), rows, named)


def _key(public_pem: bytes) -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(public_pem)
    if not isinstance(key, Ed25519PublicKey):
        raise OneSourceError("is no Ed25519 key")
    return key


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise OneSourceError("cannot be read", where=str(path), why=e.strerror or str(e)) from e


def _notices(folder: Path, key: Ed25519PublicKey) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The notices of withdrawal in the release, each with its own signature."""
    for path in (folder / NOTICE, *sorted(folder.glob(f"datasets/*/{NOTICE}"))):
        if path.is_file():
            signature = _bytes(path.with_name(f"{NOTICE}.sig")).decode("ascii", "replace")
            if not is_signed(path.read_bytes(), signature, key):
                raise OneSourceError("the notice is not signed by this key", where=str(path))
            yield path.relative_to(folder).as_posix(), read_notice(path)


def _files(
    folder: Path, sums: Mapping[str, str], gone: set[str], notices: Mapping[str, Any]
) -> None:
    present = set(files_of(folder)) - {n for p in notices for n in (p, f"{p}.sig")}
    for name in sorted(set(sums) - gone - present):
        raise OneSourceError("is missing", where=str(folder / name))
    for name in sorted(present - set(sums)):
        raise OneSourceError("is not in SHA256SUMS", where=str(folder / name))
    for name in sorted(present & gone):
        raise OneSourceError("was withdrawn and is still there", where=str(folder / name))
    for name in sorted(present):
        if sha256(folder / name) != sums[name]:
            raise OneSourceError("is not what was signed", where=str(folder / name))
    if MANIFEST not in sums:
        raise OneSourceError("lists no manifest.json", where=str(folder / SUMS))


def _rows(folder: Path, name: str, said: Mapping[str, Any], gone: set[str]) -> int:
    """Counts the rows of a dataset's files against the manifest; returns them."""
    for path in said["files"]:
        if path in gone:
            return 0
        count = _COUNT.get(path.rsplit(".", 1)[-1])
        found = count(folder / path) if count else said["rows"]
        if found != said["rows"]:
            raise OneSourceError(
                f"holds {found} rows, the manifest says {said['rows']}", where=str(folder / path)
            )
    return int(said["rows"])


def _count_csv(path: Path) -> int:
    options = pacsv.ParseOptions(newlines_in_values=True)
    with pacsv.open_csv(path, parse_options=options) as reader:
        return sum(batch.num_rows for batch in reader)


def _count_parquet(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _count_sheet(path: Path) -> int:
    """A row has a `<row` in the sheet's XML; the two of the header are not counted."""
    import zipfile

    tail, found = b"", 0
    with zipfile.ZipFile(path) as z, z.open("xl/worksheets/sheet1.xml") as f:
        while chunk := f.read(1 << 20):
            data = tail + chunk
            found += data.count(b"<row ")
            # What a mark begins at the end of one piece is counted with the next.
            tail = data[-4:]
    return found - 2


_COUNT = {"csv": _count_csv, "parquet": _count_parquet, "xlsx": _count_sheet}
