"""Synthetic identifiers for the tests of the leak gate: well-formed, made here, nobody's own."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from onesource.publish.leak import Allowance, Finding, scan
from onesource.publish.leak.digits import Known

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# Two divisions of today, one of before 2003: what the tests take as "ever was".
DIVISIONS = frozenset({"141124", "141126", "142325"})
KNOWN = Known(DIVISIONS, 2026)
WIDE = str.maketrans("0123456789X+-", "０１２３４５６７８９Ｘ＋－")


def resident_id(code: str = "141124", birth: str = "19850312", sequence: int = 12) -> str:
    """18 characters; the check character by GB 11643."""
    first = f"{code}{birth}{sequence:03d}"
    total = sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True))
    return first + "10X98765432"[total % 11]


def ending_in(last: str) -> str:
    """A resident ID whose check character is `last`."""
    return next(i for i in (resident_id(sequence=n) for n in range(1, 999)) if i.endswith(last))


def old_resident_id() -> str:
    """15 digits, of before 1999, which are no registration number of a firm."""
    return ending_in("1")[:6] + ending_in("1")[8:17]


def card(first: str = "622202", length: int = 19) -> str:
    """A bank card with a right last digit (Luhn)."""
    body = first + "020011223344556677"[: length - 1 - len(first)]
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 - i % 2)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


MOBILE = "139" + "12345678"
PLATE = "晋J" + "A1B23"
GREEN_PLATE = "晋A" + "D12345"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def found(folder: Path, **allowances: Allowance) -> list[Finding]:
    return scan(folder, allowances, divisions=DIVISIONS, last_year=2026)


def told(folder: Path, **allowances: Allowance) -> list[tuple[str | None, str, str]]:
    """(dataset, kind, place) of what stops."""
    return [(f.dataset, f.kind, f.place) for f in found(folder, **allowances) if _stops(f)]


def _stops(finding: Finding) -> bool:
    return finding.confidence == "stop"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()
