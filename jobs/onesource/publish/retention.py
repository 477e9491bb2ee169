"""Which releases stay: the last thirty, and the last of each month for ever."""

from __future__ import annotations

from pathlib import Path

from onesource.config import Settings
from onesource.lake.files import locked, sync_directory
from onesource.publish import latest
from onesource.publish.sums import files_of

NIGHTLY = 30
_KEPT = frozenset({latest.MANIFEST})


def clear_old(settings: Settings) -> list[str]:
    """Clears releases that are past their time; their manifests stay.

    Returns the names. What `latest` points to always stays.
    """
    with locked(settings.open / ".lock"):
        root = latest.releases_folder(settings)
        whole = [r for r in latest.release_ids(settings) if not _is_cleared(settings, r)]
        stay = set(whole[-NIGHTLY:]) | {latest.latest_id(settings)}
        # Names begin with the day: the last of a month is the greatest of its month.
        stay |= set({r[:6]: r for r in whole}.values())
        gone = [r for r in whole if r not in stay]
        for name in gone:
            _clear(root / name)
            sync_directory(root)
        return gone


def _is_cleared(settings: Settings, release: str) -> bool:
    return not (latest.releases_folder(settings) / release / "datapackage.json").is_file()


def _clear(folder: Path) -> None:
    latest.thaw(folder)
    for name in files_of(folder):
        if name not in _KEPT:
            (folder / name).unlink()
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        path.rmdir()
    latest.freeze(folder)
    folder.chmod(0o555)
