"""The sender's control file `<file>.ctl`: JSON with `rows, sha256, sequence, statement_time`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from onesource.config import BEIJING
from onesource.errors import DeliveryRefused

SUFFIX = ".ctl"
_LARGEST = 64 * 1024  # four small values: anything larger is no control file
FIRST_YEAR, LAST_YEAR = 1900, 2199
_SEQUENCES = 10**12  # sequences are compared as text of twelve digits
_KEYS = {"rows", "sha256", "sequence", "statement_time"}


@dataclass(frozen=True)
class Control:
    rows: int | None = None
    sha256: str | None = None
    sequence: int | None = None
    statement_time: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v is not None}


def control_path(path: Path) -> Path:
    return path.parent / f"{path.name}{SUFFIX}"


def parse_time(text: str) -> datetime:
    """An ISO time; without an offset it is Beijing time.

    Raises ValueError, also for a year that nobody can mean (0001, 9999): such a statement would
    stand before or behind every other for ever.
    """
    value = datetime.fromisoformat(text.strip())
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"the year {value.year:04d} is no year of a statement")
    return value if value.tzinfo else value.replace(tzinfo=BEIJING)


def read_control(path: Path) -> Control | None:
    """The control file beside a delivery, or None when there is none.

    Raises DeliveryRefused (CONTROL) when it is no JSON object of the four known values.
    """
    ctl = control_path(path)
    if not os.path.lexists(ctl):
        return None
    try:
        if ctl.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        raw = json.loads(ctl.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
        if not isinstance(raw, dict):
            raise ValueError("no JSON object")
        unknown = set(raw) - _KEYS
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(map(str, unknown)))}")
        rows, sequence = _whole(raw, "rows"), _whole(raw, "sequence")
        if (sequence or 0) >= _SEQUENCES:
            raise ValueError("sequence has more than 12 digits")
        sha = raw.get("sha256")
        if sha is not None:
            sha = str(sha).lower().removeprefix("sha256:")
            if len(sha) != 64 or set(sha) - set("0123456789abcdef"):
                raise ValueError("sha256 is no SHA-256")
        time = raw.get("statement_time")
        if time is not None:
            time = parse_time(str(time)).isoformat()
    except (ValueError, OSError, RecursionError) as e:
        raise DeliveryRefused(
            "the control file cannot be used", reason="CONTROL", where=ctl.name, why=_why(e)
        ) from e
    return Control(rows, sha, sequence, time)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


def _why(e: Exception) -> str:
    if isinstance(e, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(e, OSError):
        return e.strerror or "it cannot be read"
    return "it is nested too deeply" if isinstance(e, RecursionError) else str(e)


def _whole(raw: dict[str, Any], key: str) -> int | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not (str(value).isascii() and str(value).isdigit()):
        raise ValueError(f"{key} is no whole number")
    return int(value)
