"""Takes back what should not have gone out: a signed notice in its place, the files gone.

A release never changes, with this one exception. The notice comes first, then the files go: a
process that ends between the two is finished by the same command.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from onesource.config import Settings, now
from onesource.errors import UsageError
from onesource.lake.files import locked, sync_directory, write_json
from onesource.publish import latest
from onesource.publish.signing import Signer, signer
from onesource.publish.sums import SUMS, read_sums
from onesource.publish.withdrawn import notices_folder

# What stays of a release that was wholly withdrawn.
_KEPT = frozenset({latest.MANIFEST})


@dataclass(frozen=True)
class Withdrawal:
    """The releases from which something went, and where `latest` points now (None: nowhere)."""

    releases: tuple[str, ...]
    latest: str | None


def withdraw(
    settings: Settings, release: str, dataset: str | None, reason: str, at: datetime | None = None
) -> Withdrawal:
    """Withdraws a dataset, or a whole release, and every copy of the same bytes.

    Every release that carries one of the files loses the dataset. `latest` moves to the newest
    release that is still whole; where there is none, the link goes, until the next release is made
    (without these bytes). Raises UsageError for what is not there.
    """
    if not reason.strip():
        raise UsageError("a withdrawal needs a reason", todo="say --reason TEXT")
    with locked(settings.open / ".lock"):
        folder = latest.releases_folder(settings) / release
        if release not in latest.release_ids(settings):
            known = ", ".join(latest.release_ids(settings)[-3:]) or "none"
            raise UsageError(f"there is no release {release}", todo=f"the last ones: {known}")
        manifest = latest.read_release_manifest(folder)
        if dataset is not None and dataset not in manifest["datasets"]:
            known = ", ".join(manifest["datasets"])
            raise UsageError(f"{release} has no dataset {dataset}", todo=f"it has: {known}")
        return _Withdrawing(settings, reason, at or now()).run(release, manifest, dataset)


class _Withdrawing:
    def __init__(self, settings: Settings, reason: str, at: datetime) -> None:
        self.settings, self.reason, self.at = settings, reason, at
        self.key: Signer = signer(settings)
        self.root = latest.releases_folder(settings)

    def run(self, release: str, manifest: Mapping[str, Any], dataset: str | None) -> Withdrawal:
        names = [dataset] if dataset else list(manifest["datasets"])
        touched: set[str] = set()
        for name in names:
            digests = latest.dataset_digests(manifest, name)
            # First of all: from here on these bytes go out no more.
            self._register(release, name, manifest["datasets"][name]["files"])
            for other in latest.release_ids(self.settings):
                held = latest.read_release_manifest(self.root / other)
                if latest.dataset_digests(held, name) & digests:
                    self._dataset(self.root / other, name)
                    touched.add(other)
        if dataset is None:
            self._whole(self.root / release)
            touched.add(release)
        return Withdrawal(tuple(sorted(touched)), self._repoint())

    def _register(self, release: str, dataset: str, files: Mapping[str, Any]) -> None:
        folder = notices_folder(self.settings)
        folder.mkdir(parents=True, exist_ok=True)
        listed = [{"path": p, "sha256": f["sha256"]} for p, f in files.items()]
        notice = self._notice(release, listed, [f["path"] for f in listed])
        path = folder / f"{release}-{dataset}.json"
        if not path.exists():
            self._write(path, notice)

    def _notice(
        self, release: str, files: list[dict[str, Any]], removed: Iterable[str]
    ) -> dict[str, Any]:
        return {
            "release": release,
            "at": self.at.isoformat(),
            "reason": self.reason,
            "files": files,
            "removed": sorted(removed),
        }

    def _write(self, path: Path, notice: Mapping[str, Any]) -> None:
        text = json.dumps(notice, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        signature = path.with_name(path.name + ".sig")
        signature.write_text(self.key.sign(text.encode("utf-8")), encoding="ascii")
        write_json(path, notice)

    def _dataset(self, folder: Path, dataset: str) -> None:
        """The dataset of one release: its folder, its page, and the keys of its rows."""
        place = folder / "datasets" / dataset
        sums = read_sums((folder / SUMS).read_bytes(), folder / SUMS)
        own = [n for n in sums if n.startswith(f"datasets/{dataset}/") or n == f"{dataset}.html"]
        self._remove(folder, place / latest.NOTICE, [*own, "diff.json"], sums)

    def _whole(self, folder: Path) -> None:
        sums = read_sums((folder / SUMS).read_bytes(), folder / SUMS)
        own = [n for n in sums if n not in _KEPT]
        self._remove(folder, folder / latest.NOTICE, own, sums)

    def _remove(
        self, folder: Path, path: Path, names: Iterable[str], sums: Mapping[str, str]
    ) -> None:
        latest.thaw(folder)
        removed = [n for n in names if n in sums]
        if not path.exists():
            listed = [{"path": n, "sha256": sums[n]} for n in removed]
            self._write(path, self._notice(folder.name, listed, removed))
        for name in removed:
            (folder / name).unlink(missing_ok=True)
        for parent in {(folder / n).parent for n in removed}:
            if parent.is_dir():
                sync_directory(parent)
        latest.freeze(folder)
        folder.chmod(0o555)

    def _repoint(self) -> str | None:
        """`latest` at the newest whole release."""
        whole = [r for r in latest.release_ids(self.settings) if latest.is_whole(self.root / r)]
        current = latest.latest_id(self.settings)
        if current in whole:
            return current
        if whole:
            latest.point_latest(self.settings, whole[-1])
            return whole[-1]
        (self.settings.open / "latest").unlink(missing_ok=True)
        sync_directory(self.settings.open)
        return None
