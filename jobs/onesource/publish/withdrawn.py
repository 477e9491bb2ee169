"""What was withdrawn: signed notices below `open/withdrawn/`, one for each withdrawal.

They outlive the releases that they speak of: bytes that were withdrawn never go out again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onesource.config import Settings
from onesource.errors import OneSourceError


def notices_folder(settings: Settings) -> Path:
    return settings.open / "withdrawn"


def withdrawn_digests(settings: Settings) -> set[str]:
    """The digests of all data files that were ever withdrawn.

    Raises OneSourceError for a notice that cannot be read (P11).
    """
    found: set[str] = set()
    folder = notices_folder(settings)
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        found |= {f["sha256"] for f in read_notice(path)["files"]}
    return found


def read_notice(path: Path) -> dict[str, Any]:
    """Raises OneSourceError."""
    try:
        notice: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = [f["sha256"] for f in notice["files"]], notice["reason"], notice["release"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise OneSourceError("is no notice of a withdrawal", where=str(path), why=str(e)) from e
    return notice
