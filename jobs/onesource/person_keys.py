"""The keys of persons: HMAC keys by version, and everything that is made with them.

A key is one file `person.v<N>.hmac-sha256` in `ONESOURCE_KEYS`, mode 600: 32 random bytes as hex.
`person.active` says which version is in use. All ID numbers that a prefecture can have given out
are 1.5 × 10⁹, so a digest without a key would fall in minutes; who holds a key can do the same.

A `PersonKey` can be handed to Spark's workers, for it does not hold the secret: whoever computes
with it reads the file where he runs. So the secret stands in no plan, closure, log or error.

* id token = HMAC(key, canonical number), written `hmac-sha256:v1:<hex>`;
* person key = HMAC(key, domain, person_id), the same form: two domains have nothing in common.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onesource.errors import OneSourceError

if TYPE_CHECKING:
    import duckdb

ALGORITHM = "hmac-sha256"
# The key that says whose rows were read: it is not rotated, or last month's reads could not be
# found any more. It is of another file than the keys in the tables.
AUDIT = "audit"
_PERSON = "person"
_SIZE = 32  # bytes: as long as the digest
_FILE = re.compile(rf"(person|audit)\.v([1-9]\d*)\.{ALGORITHM}")
_RUNBOOK = "docs/runbooks/person-key.md says what to do"


@dataclass(frozen=True)
class PersonKey:
    """One version of a key, named but not held: `folder` is where it was found.

    fingerprint: a digest that only this key gives, so that another key under the same name is
    noticed, and the tables made with it are made anew.
    """

    folder: str
    version: int
    fingerprint: str
    family: str = _PERSON

    @property
    def name(self) -> str:
        return f"v{self.version}"

    @property
    def id(self) -> str:
        """What the ledger knows of the key: `hmac-sha256:v1:<fingerprint>`."""
        return f"{ALGORITHM}:{self.name}:{self.fingerprint}"

    def token(self, number: str) -> str:
        """The id token of an ID number in its canonical form (18 digits, X in capitals)."""
        return self._make(b"id_token\0" + canonical(number).encode("utf-8"))

    def key(self, domain: str, person_id: str) -> str:
        """The key of a person in a domain."""
        return self._make(f"person_key\0{domain}\0{person_id}".encode())

    def tokens(self, numbers: Any) -> Any:
        """`token` of every value of an Arrow array; null stays null."""
        return self._each(numbers, lambda n: b"id_token\0" + canonical(n).encode("utf-8"))

    def keys(self, domain: str, person_ids: Any) -> Any:
        """`key` of every value of an Arrow array; null stays null."""
        start = f"person_key\0{domain}\0".encode()
        return self._each(person_ids, lambda p: start + p.encode("utf-8"))

    def _each(self, values: Any, message: Any) -> Any:
        import pyarrow as pa

        secret, start = self._secret(), f"{ALGORITHM}:{self.name}:"
        made = [
            None if v is None else start + hmac.digest(secret, message(v), "sha256").hex()
            for v in values.to_pylist()
        ]
        return pa.array(made, pa.string())

    def _make(self, message: bytes) -> str:
        return f"{ALGORITHM}:{self.name}:{hmac.digest(self._secret(), message, 'sha256').hex()}"

    def _secret(self) -> bytes:
        """The secret, read once a process: here, or on a worker from its own `ONESOURCE_KEYS`."""
        held = _held.get(self.id)
        if held is None:
            name = _file_name(self.family, self.version)
            folder = Path(self.folder)
            if not (folder / name).exists() and os.environ.get("ONESOURCE_KEYS"):
                folder = Path(os.environ["ONESOURCE_KEYS"])
            held = _read(folder / name)
            if _fingerprint(held) != self.fingerprint:
                raise OneSourceError(
                    f"the key {self.family} {self.name} here is another than the run's",
                    where=str(folder),
                    todo="give every machine the same files; see docs/persons.md",
                )
            _held[self.id] = held
        return held


_held: dict[str, bytes] = {}


@dataclass(frozen=True)
class Ring:
    """The versions that there are, oldest first, and the number of the one in use."""

    folder: Path
    keys: tuple[PersonKey, ...]
    active: int

    @property
    def current(self) -> PersonKey:
        return self.version(self.active)

    @property
    def pending(self) -> PersonKey | None:
        """A version that was made and is not in use yet: a rotation that has not ended."""
        newest = self.keys[-1]
        return newest if newest.version > self.active else None

    def version(self, number: int) -> PersonKey:
        for key in self.keys:
            if key.version == number:
                return key
        known = ", ".join(k.name for k in self.keys)
        raise OneSourceError(
            f"there is no person key v{number}", where=str(self.folder), todo=f"there are: {known}"
        )


def exists(folder: Path) -> bool:
    """Is there any person key?"""
    return bool(_versions(folder, _PERSON))


def ring(folder: Path) -> Ring:
    """The person keys of a folder; the first is made where there is none.

    Raises OneSourceError for a key that others can read, that is no key, or when none is in use.
    """
    if not exists(folder):
        begin(folder, 1)
    _check_folder(folder)
    keys = tuple(_load(folder, _PERSON, n) for n in _versions(folder, _PERSON))
    pointer = folder / "person.active"
    try:
        active = int(pointer.read_text(encoding="ascii").strip().removeprefix("v"))
    except (OSError, ValueError):
        if len(keys) > 1:
            raise OneSourceError(
                "does not say which person key is in use", where=str(pointer), todo=_RUNBOOK
            ) from None
        active = keys[0].version
        _activate(folder, active)
    found = Ring(folder, keys, active)
    found.version(active)
    return found


def begin(folder: Path, version: int) -> None:
    """Makes the first version that there is, and puts it into use."""
    _make(folder, _PERSON, version)
    _activate(folder, version)


def audit_key(folder: Path) -> PersonKey:
    """The key of `ops.reads`; made at the first call. Raises OneSourceError."""
    try:
        if not _versions(folder, AUDIT):
            _make(folder, AUDIT, 1)
        _check_folder(folder)
        return _load(folder, AUDIT, _versions(folder, AUDIT)[-1])
    except OSError as e:
        raise OneSourceError(
            "the folder of the keys is closed to this account",
            where=str(folder),
            why=e.strerror or "",
            todo="ask the operator",
        ) from None


def add_version(folder: Path) -> PersonKey:
    """Makes the next version; it is not in use before `activate`. One that waits is given back."""
    found = ring(folder)
    if found.pending is None:
        _make(folder, _PERSON, found.keys[-1].version + 1)
    made = ring(folder).pending
    assert made is not None
    return made


def activate(folder: Path, version: int) -> None:
    """From here on this version is in use. Raises OneSourceError when there is none."""
    ring(folder).version(version)
    _activate(folder, version)


def retire(folder: Path, version: int) -> None:
    """Destroys a version that is not in use: overwritten, then removed.

    What was made with it can never be made or tried again. Raises OneSourceError for the version
    in use.
    """
    found = ring(folder)
    key = found.version(version)
    if version == found.active:
        raise OneSourceError(
            f"the person key {key.name} is in use", todo="onesource keys rotate comes first"
        )
    path = folder / _file_name(_PERSON, version)
    with path.open("r+b") as f:
        f.write(b"\0" * path.stat().st_size)
        f.flush()
        os.fsync(f.fileno())
    path.unlink()
    _held.pop(key.id, None)
    _sync(folder)


def canonical(number: str) -> str:
    """An ID number as it is tokenised: without blanks, letters in capitals."""
    return re.sub(r"\s", "", number).upper()


def on_duckdb(con: duckdb.DuckDBPyConnection, key: PersonKey) -> None:
    """Makes `id_token(number)` a function of a DuckDB connection, in Arrow batches.

    Only inside builders, never in a connection on which an analyst's SQL runs.
    """
    create: Any = con.create_function
    create("id_token", key.tokens, ["VARCHAR"], "VARCHAR", type="arrow", null_handling="special")


def _file_name(family: str, version: int) -> str:
    return f"{family}.v{version}.{ALGORITHM}"


def _versions(folder: Path, family: str) -> list[int]:
    found = [_FILE.fullmatch(p.name) for p in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(m[2]) for m in found if m and m[1] == family)


def _load(folder: Path, family: str, version: int) -> PersonKey:
    secret = _read(folder / _file_name(family, version))
    return PersonKey(str(folder), version, _fingerprint(secret), family)


def _fingerprint(secret: bytes) -> str:
    return hmac.digest(secret, b"fingerprint", "sha256").hex()[:16]


def _check_folder(folder: Path) -> None:
    if folder.stat().st_mode & 0o022:
        raise OneSourceError(
            "others can write into the folder of the keys", where=str(folder), todo="chmod 700 it"
        )


def _read(path: Path) -> bytes:
    """The secret in a file. Nothing of it is ever in an error."""
    try:
        if path.stat().st_mode & 0o077:
            raise OneSourceError(
                "the person key can be read by others",
                where=str(path),
                todo=f"chmod 600 it; if somebody may have read it: {_RUNBOOK}",
            )
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as e:
        raise OneSourceError(
            "the person key cannot be read", where=str(path), why=e.strerror or "", todo=_RUNBOOK
        ) from None
    if not re.fullmatch(rf"[0-9a-f]{{{2 * _SIZE}}}", text) or not text.strip("0"):
        raise OneSourceError("is no person key", where=str(path), todo=_RUNBOOK)
    return bytes.fromhex(text)


def _make(folder: Path, family: str, version: int) -> None:
    """Makes a key; where two processes do so at once, the first one's holds."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / _file_name(family, version)
    part = folder / f".{path.name}.{os.getpid()}.part"
    _write_private(part, secrets.token_hex(_SIZE) + "\n")
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    _sync(folder)


def _activate(folder: Path, version: int) -> None:
    part = folder / f".person.active.{os.getpid()}.part"
    _write_private(part, f"v{version}\n")
    part.replace(folder / "person.active")
    _sync(folder)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
