"""Makes a release: built beside, checked, made read-only, named; `latest` moves last.

Whatever happens on the way, `latest` points to a whole release. The same served versions, contracts
and code make the same bytes again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from onesource import digests
from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.files import locked, sync_directory, sync_file_system
from onesource.lake.manifest import Manifest
from onesource.lake.paths import table_path
from onesource.lake.reader import Source, open_version
from onesource.publish import latest, permit
from onesource.publish.build import build_dataset, write_release
from onesource.publish.difference import Before, breaks
from onesource.publish.disclosure import Protected
from onesource.publish.guard import leaks
from onesource.publish.model import BuiltDataset, HeldDataset, Quality, Release
from onesource.publish.portal import load_tile_grid
from onesource.publish.processes import Processes
from onesource.publish.protection import protected
from onesource.publish.rows import dataset_rows
from onesource.publish.signing import Signer, signer
from onesource.publish.verify import verify
from onesource.publish.withdrawn import withdrawn_digests

Say = Callable[[str], None]
# Raised when the code makes other bytes of the same rows and contracts.
FORMAT = 1
_LARGE = 1_000_000  # cells: some seconds of one core


@dataclass(frozen=True)
class Sources:
    """What a release is made from, beside the files of the lake.

    quality: of each source table. views: rows of the `ops.…` sources. publisher: name and USCC.
    reasons: source table → why its last version differs from the one before. restated: dataset →
    frozen period → why it is published anew.
    """

    rules: permit.Rules
    manifest: Manifest
    quality: Mapping[str, Quality]
    views: Mapping[str, pa.Table]
    publisher: Mapping[str, str]
    commit: str
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    restated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class NothingReleased(OneSourceError):
    """Every dataset is held: a result that a person must look at, like one that is held."""

    exit_code = 3


@dataclass(frozen=True)
class Made:
    """What came of it. is_new: a release appeared; else the newest was made from the same."""

    release: str
    folder: Path
    datasets: tuple[str, ...]
    held: tuple[HeldDataset, ...]
    is_new: bool


def make_release(
    settings: Settings, sources: Sources, day: date, say: Say = lambda _: None
) -> Made:
    """Makes the release of a day, or finds that the newest is already made from the same.

    A dataset that may not go out, or is not served, or leaks, is held; the others go on. `latest`
    never moves to an earlier day. Raises NothingReleased when no dataset may go out, and
    OneSourceError when a file outside the datasets leaks, or what was written does not verify.
    """
    settings.open.mkdir(parents=True, exist_ok=True)
    with locked(settings.open / ".lock"):
        for name in latest.clear_unfinished(settings):
            say(f"removed {name}, which an ended process left half-built")
        key = signer(settings)
        _publish_key(settings, key)
        with Processes() as processes:
            return _Making(settings, sources, day, say, key, processes).run()


def _publish_key(settings: Settings, key: Signer) -> None:
    path = settings.open / "keys" / f"{key.key_id}.pem"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(key.public_pem)
        sync_directory(path.parent)


Building = tuple[Path, Contract, Protected, int | None, Before | None, Quality]


def _built(work: Building) -> BuiltDataset | OneSourceError:
    """One dataset with its files, or why it cannot be made."""
    try:
        return build_dataset(*work)
    except OneSourceError as e:
        return OneSourceError(e.what, where=e.where, why=e.why, todo=e.todo)


class _Making:
    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        day: date,
        say: Say,
        key: Signer,
        processes: Processes,
    ) -> None:
        self.settings, self.sources, self.day = settings, sources, day
        self.say, self.key, self.processes = say, key, processes
        self.root = latest.releases_folder(settings)
        self.root.mkdir(parents=True, exist_ok=True)
        self.held: dict[str, HeldDataset] = {}
        self.joint: dict[str, Protected] = {}

    def run(self) -> Made:
        datasets = [d for _, d in sorted(self.sources.rules.catalogue.open.items())]
        inputs = self._inputs(datasets)
        name = f"{self.day:%Y%m%d}-{inputs[:8]}"
        folder = self.root / name
        if folder.is_dir() and latest.is_whole(folder):
            return self._known(name, folder)
        before = self._before()
        building = self.root / f"{latest.BUILDING}{name}"
        building.mkdir()
        built = self._datasets(datasets, building, before)
        release = self._release(name, built, before)
        manifest = self._written(building, release, before, inputs)
        verify(building, self.key.public_pem, name=name)
        latest.freeze(building)
        sync_file_system(building)
        building.rename(folder)
        folder.chmod(0o555)
        sync_directory(self.root)
        self._point(name)
        self.say(f"released {name}: {len(manifest)} datasets, {len(self.held)} held")
        return Made(name, folder, tuple(manifest), tuple(self.held.values()), True)

    def _inputs(self, datasets: Sequence[Contract]) -> str:
        """Hex digest of all that decides the release's content, beside its day."""
        tables = self.sources.manifest.tables
        versions = {
            d.open.source: tables[d.open.source].version
            for d in datasets
            if d.open.source in tables
        }
        views = {n: digests.of_text(repr(v.to_pylist())) for n, v in self.sources.views.items()}
        schemas = self.settings.schemas
        # Also what only the pages show: names of counties and codes, places of tiles.
        lists = sorted((schemas / "codelists").glob("*.csv"))
        beside = [schemas / n for n in ("approvals.csv", "negative_list.csv", "city.yaml")]
        beside += [p for p in (schemas / "tile_grid.csv", *lists) if p.is_file()]
        said = {
            "format": FORMAT,
            "contracts": {d.id: d.digest for d in datasets},
            "sources": {t: c.digest for t, c in self.sources.rules.catalogue.tables.items()},
            "versions": versions,
            "views": views,
            "beside": [digests.of_file(p) for p in beside],
            "quality": {n: repr(q) for n, q in sorted(self.sources.quality.items())},
            "commit": self.sources.commit,
            "withdrawn": sorted(withdrawn_digests(self.settings)),
            "restated": {n: dict(p) for n, p in self.sources.restated.items()},
            "contributions": {
                d.name: getattr(
                    tables.get(d.open.disclosure_rule.contributions.source), "version", None
                )
                for d in datasets
                if d.open.disclosure_rule and d.open.disclosure_rule.contributions
            },
        }
        return digests.of_json(said).split(":", 1)[1]

    def _known(self, name: str, folder: Path) -> Made:
        """Made before; a process may have ended before `latest` moved."""
        verify(folder, self.key.public_pem, name=name)
        self._point(name)
        manifest = latest.read_release_manifest(folder)
        contracts = self.sources.rules.catalogue.open
        held = tuple(
            HeldDataset(contracts[f"open.{h['dataset']}"], h["reason_zh"], h["reason_en"])
            for h in manifest["held"]
        )
        return Made(name, folder, tuple(manifest["datasets"]), held, False)

    def _point(self, name: str) -> None:
        """Moves `latest`, but never to an earlier day: a night that is made up for is not news."""
        now = latest.latest_id(self.settings)
        if now is None or (now != name and latest.day_of(now) <= latest.day_of(name)):
            latest.point_latest(self.settings, name)

    def _before(self) -> Before | None:
        """The release before, whose readers are told what changed."""
        name = latest.release_before(self.settings, self.day)
        if name is None:
            return None
        return Before(self.root / name, latest.read_release_manifest(self.root / name))

    def _hold(self, dataset: Contract, zh: str, en: str) -> None:
        self.say(f"{dataset.id} held: {en}")
        self.held[dataset.name] = HeldDataset(dataset, zh, en)

    def _datasets(
        self, datasets: Sequence[Contract], building: Path, before: Before | None
    ) -> list[BuiltDataset]:
        allowed = [d for d in datasets if self._may(d, before)]
        # Tables under a rule are decided one after another: what one shows counts for the next.
        safe = {d.name: found for d in allowed if (found := self._safe(d, allowed)) is not None}
        going = [d for d in allowed if d.name in safe]
        work = [(building, d, *safe[d.name], before, self._quality(d)) for d in going]
        cells = sum(w[2].table.num_rows * w[2].table.num_columns for w in work)
        made = self.processes.each(_built, work, is_large=cells > _LARGE)
        kept = [self._kept(d, m, building) for d, m in zip(going, made, strict=True)]
        return [m for m in kept if m is not None]

    def _safe(
        self, dataset: Contract, allowed: Sequence[Contract]
    ) -> tuple[Protected, int | None] | None:
        """The dataset's rows as they may be shown, or None: then it is held."""
        try:
            rows, version = self._rows(dataset)
            if dataset.name in self.joint:
                return self.joint[dataset.name], version
            rule = dataset.open.disclosure_rule
            wanted = set(rule.linked) if rule else set()
            linked = {d.name: (d, self._rows(d)[0]) for d in allowed if d.name in wanted}
            found = protected(
                dataset,
                rows,
                self._open,
                [self.root / r for r in reversed(latest.release_ids(self.settings))],
                linked=linked,
                restated=self.sources.restated.get(dataset.name),
            )
        except OneSourceError as e:
            self._hold(dataset, f"未能生成：{e.line()}", f"could not be made: {e.line()}")
            return None
        for name, table in found.linked.items():
            self.joint[name] = Protected(table, found.proof)
        return found, version

    def _may(self, dataset: Contract, before: Before | None) -> bool:
        found = permit.refusals(dataset, self.sources.rules, self.day)
        if found:
            zh = "；".join(dict.fromkeys(r.zh for r in found))
            en = "; ".join(dict.fromkeys(r.en for r in found))
            self._hold(dataset, zh, en)
            return False
        broken = breaks(dataset, before)
        if broken:
            self._hold(
                dataset,
                f"与上一期不兼容，须升主版本：{broken}",
                f"breaks its readers without a new major version: {broken}",
            )
            return False
        source = dataset.open.source
        if source not in self.sources.views and source not in self.sources.manifest.tables:
            self._hold(dataset, f"{source} 尚无数据", f"{source} was never served")
            return False
        return True

    def _kept(
        self, dataset: Contract, made: BuiltDataset | OneSourceError, building: Path
    ) -> BuiltDataset | None:
        """A dataset that was built, or None: then it is held."""
        if isinstance(made, OneSourceError):
            latest.remove(building / "datasets" / dataset.name)
            self._hold(dataset, f"未能生成：{made.line()}", f"could not be made: {made.line()}")
            return None
        gone = withdrawn_digests(self.settings) & {f.sha256 for f in made.files}
        if gone:
            latest.remove(building / "datasets" / dataset.name)
            self._hold(dataset, "这些数据已被撤回", "these bytes were withdrawn")
            return None
        reasons = tuple(self.sources.reasons.get(dataset.open.source, ()))
        return replace(made, difference=replace(made.difference, reasons=reasons))

    def _quality(self, dataset: Contract) -> Quality:
        return self.sources.quality.get(dataset.open.source, Quality(None, "", None))

    def _rows(self, dataset: Contract) -> tuple[pa.Table, int | None]:
        name = dataset.open.source
        if name in self.sources.views:
            return dataset_rows(dataset, self.sources.views[name], None), None
        source = self._open(name)
        table = self.sources.rules.catalogue.tables[name]
        return dataset_rows(dataset, source, table), source.version

    def _open(self, name: str) -> Source:
        """The served version of a table. Raises OneSourceError when it was never served."""
        served = self.sources.manifest.tables.get(name)
        contract = self.sources.rules.catalogue.tables.get(name)
        if served is None or contract is None:
            raise OneSourceError(f"{name} was never served")
        return open_version(name, table_path(self.settings, contract), served.version)

    def _release(self, name: str, built: Sequence[BuiltDataset], before: Before | None) -> Release:
        city = self.sources.rules.catalogue.city
        earlier = tuple(reversed(latest.release_ids(self.settings)))
        return Release(
            id=name,
            day=self.day.isoformat(),
            issued=self.sources.manifest.at or "",
            run=self.sources.manifest.run or "",
            commit=self.sources.commit,
            city=city.name,
            city_code=city.code,
            counties=city.counties,
            publisher=self.sources.publisher,
            datasets=tuple(built),
            held=tuple(self.held.values()),
            previous=before.id if before else None,
            history=earlier,
            base_uri=city.open_base_uri,
            departments=self._departments(),
            tile_grid=self._tile_grid(),
        )

    def _departments(self) -> dict[str, str]:
        """USCC → name on the release's day, of every dataset's provider."""
        catalogue = self.sources.rules.catalogue
        found = {}
        for contract in catalogue.open.values():
            uscc = contract.properties.provider_uscc or ""
            name = catalogue.city.department(uscc, self.day.isoformat())
            if name:
                found[uscc] = name
        return found

    def _tile_grid(self) -> dict[str, tuple[int, int]]:
        tiles = load_tile_grid(self.settings.schemas / "tile_grid.csv")
        return {code: (tile.row, tile.column) for code, tile in tiles.items()}

    def _written(
        self, building: Path, release: Release, before: Before | None, inputs: str
    ) -> list[str]:
        """Writes everything; a dataset in which a leak is found goes, and the rest is written
        anew without it. Returns the names of the datasets that are in it."""
        catalogue = self.sources.rules.catalogue
        while True:
            if not release.datasets:
                latest.remove(building)
                reasons = "; ".join(f"{h.contract.name}: {h.reason_en}" for h in release.held)
                raise NothingReleased("no dataset may go out", why=reasons or "there is none")
            lists = catalogue.codelists
            write_release(building, release, before, inputs, self.key, lists, self.processes)
            found = leaks(self.settings, building, release, self.processes)
            if not found:
                return [d.name for d in release.datasets]
            for dataset, (zh, en) in found.items():
                contract = next(d.contract for d in release.datasets if d.name == dataset)
                latest.remove(building / "datasets" / dataset)
                (building / f"{dataset}.html").unlink(missing_ok=True)
                self._hold(contract, zh, en)
            release = replace(
                release,
                datasets=tuple(d for d in release.datasets if d.name not in found),
                held=tuple(self.held.values()),
            )
