"""Where releases are: the folders below `ONESOURCE_OPEN`, and the link `latest`."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.lake.files import sync_directory

BUILDING = ".building-"
MANIFEST = "manifest.json"
NOTICE = "WITHDRAWN.json"


def releases_folder(settings: Settings) -> Path:
    return settings.open / "releases"


def release_ids(settings: Settings) -> list[str]:
    """Every release that appeared and was not wholly removed, the oldest first."""
    folder = releases_folder(settings)
    if not folder.is_dir():
        return []
    return in_order(folder, [p.name for p in folder.iterdir() if _is_release(p)])


def day_of(release: str) -> str:
    """YYYYMMDD, with which its name begins."""
    return release[:8]


def in_order(folder: Path, names: Sequence[str]) -> list[str]:
    """The oldest first. Those of one day are told apart by what each came after: their names end
    in a digest."""
    days = Counter(map(day_of, names))
    several = [n for n in names if days[day_of(n)] > 1]
    previous = {n: read_release_manifest(folder / n).get("previous") for n in several}

    def steps(name: str) -> int:
        count, seen, at = 0, set[str](), name
        while at in previous and at not in seen:
            seen.add(at)
            at, count = str(previous[at]), count + 1
        return count

    return sorted(names, key=lambda n: (day_of(n), steps(n), n))


def release_before(settings: Settings, day: date) -> str | None:
    """The release against which one of this day is compared: `latest`, or the newest that is not
    of a later day. None: there is none whose manifest is there."""
    until = f"{day:%Y%m%d}"
    name = latest_id(settings)
    if name is not None and day_of(name) > until:
        name = next((r for r in reversed(release_ids(settings)) if day_of(r) <= until), None)
    return name if name and _is_release(releases_folder(settings) / name) else None


def _is_release(path: Path) -> bool:
    return not path.name.startswith(".") and (path / MANIFEST).is_file()


def read_release_manifest(folder: Path) -> dict[str, Any]:
    """`manifest.json` of a release. Raises OneSourceError."""
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = found["release"], found["datasets"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise OneSourceError("is no manifest of a release", where=str(path), why=str(e)) from e
    return found


def latest_id(settings: Settings) -> str | None:
    """The release to which `latest` points, or None."""
    link = settings.open / "latest"
    return link.readlink().name if link.is_symlink() else None


def point_latest(settings: Settings, release: str) -> None:
    """Moves `latest` in one step: a reader finds the old release or the new one."""
    part = settings.open / f".latest.{os.getpid()}"
    part.unlink(missing_ok=True)
    part.symlink_to(Path("releases") / release)
    part.replace(settings.open / "latest")
    sync_directory(settings.open)


def is_whole(folder: Path) -> bool:
    """Are all files there that the release appeared with (nothing withdrawn or cleared away)?"""
    return (folder / "SHA256SUMS").is_file() and not any(_notices(folder))


def _notices(folder: Path) -> Iterator[Path]:
    yield from (p for p in (folder / NOTICE,) if p.is_file())
    yield from folder.glob(f"datasets/*/{NOTICE}")


def freeze(folder: Path) -> None:
    """Makes every file and folder read-only."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o444 if path.is_file() else 0o555)
    # The folder itself stays writable until it has its name: some systems refuse to move it.


def thaw(folder: Path) -> None:
    """Lets the owner change the folders of a release again (to withdraw, or to clear away)."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o700)


def remove(folder: Path) -> None:
    """Removes a folder, also a read-only one."""
    if folder.is_dir():
        thaw(folder)
        shutil.rmtree(folder)


def clear_unfinished(settings: Settings) -> list[str]:
    """Removes what a dead process left half-built; returns the names."""
    folder = releases_folder(settings)
    found = sorted(folder.glob(f"{BUILDING}*")) if folder.is_dir() else []
    for path in found:
        remove(path)
    for path in settings.open.glob(".latest.*"):
        path.unlink()
    return [p.name for p in found]


def dataset_digests(manifest: Mapping[str, Any], name: str) -> set[str]:
    """The digests of a dataset's data files."""
    files = manifest["datasets"].get(name, {}).get("files", {})
    return {str(f["sha256"]) for f in files.values()}
