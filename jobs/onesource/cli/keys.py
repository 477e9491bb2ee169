"""`onesource keys`: the person keys. What it prints names keys, and never shows one."""

from __future__ import annotations

import re

from onesource.config import Settings
from onesource.errors import UsageError
from onesource.run import rotation


def keys_status(settings: Settings) -> int:
    """Every version, its state, and the tables that were made with it."""
    for s in rotation.status(settings):
        tables = ", ".join(s.tables) or "no table"
        print(f"{s.key.name} {_ZH[s.state]} {s.state}, {s.key.id}: {tables}")
    return 0


_ZH = {"in use": "使用中", "waits": "待启用", "old": "旧"}


def keys_rotate(settings: Settings, lost: bool) -> int:
    """Rotates; exit 3 when a table keeps the rotation from ending."""
    report = rotation.rotate(settings, print, lost=lost)
    if lost:
        return report.exit_code
    key = next(s for s in rotation.status(settings) if s.state != "old")
    waits = [s for s in rotation.status(settings) if s.state == "waits"]
    if not waits:
        return 0
    failed = ", ".join(r.table for r in report.results if r.is_held or r.reason_en) or "a table"
    print(
        f"{key.key.name} stays in use: {failed} did not pass with {waits[0].key.name}, so nothing "
        "was served; onesource status says why, onesource keys rotate goes on"
    )
    return report.exit_code or 3


def keys_retire(settings: Settings, version: str) -> int:
    """Destroys a version that no served table needs. Raises UsageError or OneSourceError."""
    found = re.fullmatch(r"v([1-9]\d*)", version)
    if not found:
        raise UsageError(f"{version} is no version", todo="such as v1; onesource keys status")
    key = rotation.retire(settings, int(found[1]))
    print(f"{key.name} is destroyed; destroy its copies in backups too")
    return 0
