"""Every digest and key of the project is made here and names its algorithm.

One module, so that SM3 or SM4 can take the place of what stands here now without a search
through the code. A digest is written `sha256:<hex>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ALGORITHM = "sha256"
_CHUNK = 1 << 20


def of_bytes(data: bytes) -> str:
    return f"{ALGORITHM}:{hashlib.sha256(data).hexdigest()}"


def of_text(text: str) -> str:
    return of_bytes(text.encode("utf-8"))


def of_json(value: Any) -> str:
    """Digest of a JSON value in canonical form (sorted keys, no spaces)."""
    return of_text(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def of_file(path: Path) -> str:
    """Digest of a file's bytes, read in pieces of 1 MiB."""
    h = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(_CHUNK):
            h.update(chunk)
    return f"{ALGORITHM}:{h.hexdigest()}"


def of_lines(lines: Iterable[str]) -> str:
    """Digest of text lines, each ended by LF."""
    h = hashlib.sha256()
    for line in lines:
        h.update(line.encode("utf-8"))
        h.update(b"\n")
    return f"{ALGORITHM}:{h.hexdigest()}"


def short(digest: str, length: int = 20) -> str:
    """The first hex characters of a digest, for names of folders and steps."""
    return digest.split(":", 1)[-1][:length]
