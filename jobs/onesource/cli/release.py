"""`onesource release`: make, verify and withdraw open releases."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from onesource.config import BEIJING, Settings, now
from onesource.errors import OneSourceError, UsageError


def release_command(settings: Settings, day: date | None) -> int:
    """Makes the release of the day. Exit code 0, or 3 when a dataset is held."""
    from onesource.publish.release import make_release
    from onesource.publish.retention import clear_old
    from onesource.run.release_inputs import release_sources

    day = day or now().astimezone(BEIJING).date()
    made = make_release(settings, release_sources(settings, day), day, print)
    for h in made.held:
        print(f"held: {h.contract.name}: {h.reason_en} {h.reason_zh}", file=sys.stderr)
    word = "released" if made.is_new else "already released"
    print(f"{word} {made.release}: {len(made.datasets)} datasets, {made.folder}")
    for name in clear_old(settings):
        print(f"cleared {name}, its manifest stays")
    return 3 if made.held else 0


def verify_command(folder: Path, key: Path | None) -> int:
    """Checks a release against its signature, with nothing but the folder and the public key."""
    from onesource.publish.verify import verify

    if not folder.is_dir():
        raise UsageError("is no folder of a release", where=str(folder))
    found = verify(folder.resolve(), _public_key(folder.resolve(), key))
    gone = f", withdrawn: {', '.join(found.withdrawn)}" if found.withdrawn else ""
    print(f"{found.release}: {found.files} files, {found.rows} rows, as signed{gone}")
    return 0


def _public_key(folder: Path, key: Path | None) -> bytes:
    """The key that was named, else that of the open folder in which the release stands."""
    if key is None:
        signature = folder / "SHA256SUMS.sig"
        try:
            name = signature.read_text(encoding="ascii").split(":")[1]
        except (OSError, ValueError, IndexError) as e:
            raise OneSourceError("is no signature", where=str(signature)) from e
        if not name.isalnum():
            raise OneSourceError("is no signature", where=str(signature))
        key = folder.parent.parent / "keys" / f"{name}.pem"
    try:
        return key.read_bytes()
    except OSError as e:
        raise UsageError(
            "there is no public key", where=str(key), todo="name it with --key FILE"
        ) from e


def withdraw_command(settings: Settings, release: str, dataset: str | None, reason: str) -> int:
    """Puts a signed notice in the place of the files, wherever the same bytes went out."""
    from onesource.publish.withdraw import withdraw

    done = withdraw(settings, release, dataset, reason)
    print(f"withdrawn from {', '.join(done.releases)}")
    print(f"latest: {done.latest or 'none; onesource release makes the next'}")
    return 0
