"""Files on their way in: which there are, under which name they came, and a place to keep them.

Nothing here knows feeds. What cannot be looked at (no rights, a link to nowhere, a pipe) is given
with the reason, never left out: a folder that was handed in must not lose a file in silence.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from onesource import digests
from onesource.config import Settings
from onesource.errors import DeliveryRefused, OneSourceError
from onesource.ingest.control import SUFFIX
from onesource.ingest.landing import incoming_folder
from onesource.lake.files import locked

_CHUNK = 1 << 20
_NOT_DELIVERIES = re.compile(r"^(\.|~\$)|\.(part|tmp|crdownload|filepart)$|^Thumbs\.db$", re.I)


@dataclass(frozen=True)
class Incoming:
    """A file on its way in: its path, the name it came under, the archive it came in.

    `problem`: why it cannot be taken, known before it was opened.
    """

    path: Path
    name: str
    archive: str | None = None
    first_look: os.stat_result | None = None
    problem: OSError | None = None


def incoming_files(paths: Sequence[Path]) -> list[Incoming]:
    """The files that were handed in, a folder's in order of name, with their first look."""
    return [_looked_at(p, problem) for path in paths for p, problem in _found(path)]


def is_delivery(name: str) -> bool:
    """Not what file managers and transfers leave behind, no control file, and no note on a set of
    deliveries (its name begins with `_`)."""
    left = _NOT_DELIVERIES.search(name) or name.startswith("_")
    return not left and not name.endswith(SUFFIX)


def is_regular(file: Incoming) -> bool:
    try:
        return stat.S_ISREG(file.path.stat().st_mode)
    except OSError:
        return False


def _found(path: Path) -> Iterator[tuple[Path, OSError | None]]:
    if not path.is_dir():
        yield path, None
        return
    problems: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=problems.append):
        # `_truth` of a simulated city stands beside the deliveries and is none.
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for name in sorted(files):
            if is_delivery(name):
                yield Path(folder) / name, None
    for e in problems:
        yield Path(e.filename or path), e


def _looked_at(path: Path, problem: OSError | None) -> Incoming:
    try:
        seen = path.stat() if problem is None else None
    except OSError as e:
        seen, problem = None, e
    return Incoming(path, readable_name(path.name), None, seen, problem)


def readable_name(name: str) -> str:
    """A file's name as text: old systems write the bytes of GBK where UTF-8 is expected."""
    raw = os.fsencode(name)
    for codec in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(codec)
    return raw.decode("utf-8", "backslashreplace")


@contextmanager
def staging(settings: Settings) -> Iterator[Path]:
    """A folder of this process on landing's file system, gone afterwards.

    What processes that were killed left behind goes first; the folder of one that is alive is
    locked by it. Raises OneSourceError where nothing can be written.
    """
    try:
        folder, lock = _own_folder(settings)
    except OSError as e:
        raise OneSourceError(
            "nothing can be kept here",
            where=str(settings.root("landing")),
            why=e.strerror or type(e).__name__,
            todo="free the disk or mend the rights; nothing was taken",
        ) from e
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _own_folder(settings: Settings) -> tuple[Path, int]:
    """A new folder and the descriptor that locks it."""
    root = incoming_folder(settings)
    with locked(settings.root("landing") / ".locks" / "incoming.lock"):
        for left in root.iterdir():
            _sweep(left)
        folder = root / uuid.uuid4().hex
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _sweep(left: Path) -> None:
    with suppress(OSError):
        lock = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        finally:
            os.close(lock)


def copy_settled(file: Incoming, target: Path) -> tuple[str, int]:
    """Copies the bytes; returns their digest and size.

    Raises DeliveryRefused: GROWING when the file has changed since it was first looked at, IO
    when it is a pipe or another thing without an end.
    """
    before = file.first_look or file.path.stat()
    if not stat.S_ISREG(before.st_mode):
        raise DeliveryRefused(
            "is no file", reason="IO", where=file.name, why="a pipe, a device or a socket"
        )
    h = hashlib.sha256()
    with file.path.open("rb") as f, target.open("wb") as out:
        while chunk := f.read(_CHUNK):
            h.update(chunk)
            out.write(chunk)
    if _changed(before, file.path.stat()):
        raise DeliveryRefused(
            "is still being written",
            reason="GROWING",
            where=file.name,
            todo="deliver it again when it is complete",
        )
    return f"{digests.ALGORITHM}:{h.hexdigest()}", before.st_size


def _changed(a: os.stat_result, b: os.stat_result) -> bool:
    return (a.st_size, a.st_mtime_ns, a.st_ino) != (b.st_size, b.st_mtime_ns, b.st_ino)
