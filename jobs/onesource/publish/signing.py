"""The release's signature: Ed25519 over the bytes of SHA256SUMS and of notices.

A signature file is one line, `ed25519:<key id>:<base64>`; the key id is the beginning of the
SHA-256 of the public key. The private key lives in `ONESOURCE_KEYS`, mode 600, never in the lake.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.lake.files import sync_directory

ALGORITHM = "ed25519"
_FILE = "release.ed25519.pem"
_PEM = serialization.Encoding.PEM


class Signer:
    """The city's key. `key_id` names it in signatures and in the file of its public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_pem = key.public_key().public_bytes(
            _PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id = key_id(key.public_key())

    def sign(self, data: bytes) -> str:
        text = base64.b64encode(self._key.sign(data)).decode("ascii")
        return f"{ALGORITHM}:{self.key_id}:{text}\n"


def key_id(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def signer(settings: Settings) -> Signer:
    """The key of this city; made at the first call. Raises OneSourceError.

    A key that others can read is refused: whoever has it can speak for the city.
    """
    path = settings.keys / _FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise OneSourceError(
            "the signing key can be read by others", where=str(path), todo="chmod 600 it"
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as e:
        raise OneSourceError("is no private key in PEM", where=str(path)) from e
    if not isinstance(key, Ed25519PrivateKey):
        raise OneSourceError("is no Ed25519 key", where=str(path))
    return Signer(key)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(pem)
        f.flush()
        os.fsync(f.fileno())
    try:
        os.link(part, path)  # two processes at once: the first one's key holds
    except FileExistsError:
        pass
    finally:
        part.unlink()
    sync_directory(path.parent)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Raises OneSourceError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as e:
        raise OneSourceError("is no public key in PEM", where=str(path), why=str(e)) from e
    if not isinstance(key, Ed25519PublicKey):
        raise OneSourceError("is no Ed25519 key", where=str(path))
    return key


def is_signed(data: bytes, signature: str, key: Ed25519PublicKey) -> bool:
    """Is the signature that of `data` by this key?"""
    parts = signature.strip().split(":")
    if len(parts) != 3 or parts[0] != ALGORITHM or parts[1] != key_id(key):
        return False
    try:
        key.verify(base64.b64decode(parts[2], validate=True), data)
    except (InvalidSignature, ValueError):
        return False
    return True
