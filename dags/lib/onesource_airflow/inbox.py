"""The inbox: which files in it are complete, and how they are taken out of it.

A file is moved out before it is handed in, so that it is handed in once. What was moved stays,
unchanged, in `.taken/<sector>/<run>/`: a try that was cut off goes on with the same files, and a
refused file can be found again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

TAKEN = ".taken"
# A file that was written to within this time may still grow.
SETTLE_SECONDS = float(os.environ.get("ONESOURCE_INBOX_SETTLE_SECONDS") or 5)
_UNFINISHED = re.compile(r"^(\.|~\$)|\.(part|tmp|crdownload|filepart)$|^Thumbs\.db$", re.I)


def settled(folder: Path, now: float | None = None) -> list[Path]:
    """The files below the folder that are complete, in order of name.

    A file waits for one beside it that begins with its name and may still grow: its control file.
    """
    latest = (time.time() if now is None else now) - SETTLE_SECONDS
    files = list(_files(folder))
    growing = [str(f) for f in files if _changed_at(f) > latest]
    return [f for f in files if not any(g.startswith(str(f)) for g in growing)]


def take(inbox: Path, sector: str, batch: str) -> Path:
    """Moves the settled files of a sector's inbox below this batch's folder, which is returned.

    Each call that finds files puts them into a folder of its own below it. Raises OSError when the
    inbox may not be changed.
    """
    source = inbox / sector
    target = inbox / TAKEN / sector / re.sub(r"[^A-Za-z0-9.+-]", "_", batch)
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"{len(list(target.iterdir())) + 1:03d}"
    for file in settled(source):
        place = part / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
    return target


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for name in sorted(names):
            if not _UNFINISHED.search(name):
                yield Path(where) / name


def _changed_at(file: Path) -> float:
    """When bytes or name last changed. mtime will not do: copying may keep an old one."""
    try:
        return file.stat().st_ctime
    except OSError:
        return float("inf")  # gone meanwhile: somebody is at work here
