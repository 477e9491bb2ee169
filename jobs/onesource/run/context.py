"""What all steps of one run share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from onesource.clean.context import (
    DIVISION_TABLES,
    served_index,
    standardiser_context,
    uses_divisions,
)
from onesource.clean.silver import visible
from onesource.clean.standardisers import Context as StandardiserContext
from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract
from onesource.lake import delta
from onesource.lake.manifest import Manifest
from onesource.lake.paths import table_path
from onesource.person_keys import PersonKey
from onesource.quality.rules import Rule
from onesource.run import ledger
from onesource.run.active_key import active_key
from onesource.run.plan import Graph, division_versions


@dataclass
class RunContext:
    """One run: its session, its day, and the versions that its steps read.

    `versions` begins with what is served; a step that passes puts its new version there, so that
    later steps of the same run read it, and a held table keeps its served one. `served` stays as
    it was when the run began.
    """

    settings: Settings
    catalogue: Catalogue
    graph: Graph
    open_spark: Callable[[], SparkSession]
    run: str
    day: date
    rules: Mapping[str, list[Rule]]
    say: Callable[[str], None]
    versions: dict[str, int] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    rekey_with: PersonKey | None = None  # of a rotation: the version that comes into use after it
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _spark: SparkSession | None = None
    _clock: threading.local = field(default_factory=threading.local)
    _contexts: dict[str | None, StandardiserContext] = field(default_factory=dict)

    @property
    def spark(self) -> SparkSession:
        """The run's one session, opened by the first step that has something to do."""
        with self._opening:
            if self._spark is None:
                self.say("starting Spark")
                self._spark = self.open_spark()
            return self._spark

    @property
    def person_key(self) -> PersonKey:
        """What the id tokens and person keys of this run are made with."""
        with self.lock:
            if self.rekey_with is None:
                self.rekey_with = active_key(self.settings)
            return self.rekey_with

    def begin_with(self, manifest: Manifest) -> None:
        self.served = {name: t.version for name, t in manifest.tables.items()}
        self.versions = dict(self.served)

    def frame(self, table: str) -> DataFrame:
        """The rows of a table that this run reads. KeyError when it was never served."""
        contract = self.graph.contracts[table]
        path = table_path(self.settings, contract)
        return visible(delta.read(self.spark, path, self.versions[table]))

    def frames_for(self, rules: Iterable[Rule]) -> dict[str, DataFrame]:
        """The tables that the rules read beside their own, as far as they are served."""
        wanted = {t for r in rules for t in r.needs}
        return {t: self.frame(t) for t in wanted if t in self.versions}

    def divisions(self, feed: Contract) -> str | None:
        """The versions of the registry of divisions that the feed's standardisers read, if any."""
        return division_versions(self.graph, self.versions, feed)

    def standardisers(self, feed: Contract) -> StandardiserContext:
        """What the feed's standardisers look at; one index of divisions a version."""
        if not uses_divisions(feed):
            return StandardiserContext(codelists=self.catalogue.codelists, today=self.day)
        versions = self.divisions(feed)
        with self.lock:
            if versions not in self._contexts:
                index = None
                if versions is not None:
                    tables = {
                        t: (table_path(self.settings, self.graph.contracts[t]), self.versions[t])
                        for t in DIVISION_TABLES
                        if t in self.versions
                    }
                    index = served_index(self.settings, tables)
                self._contexts[versions] = standardiser_context(
                    self.settings, self.catalogue, self.day, index
                )
            return self._contexts[versions]

    def passed(self, table: str, version: int) -> None:
        with self.lock:
            self.versions[table] = version

    def begin_step(self) -> None:
        """From here on this thread works on one step: its time runs."""
        self._clock.started = time.monotonic()

    def record(self, event: Mapping[str, Any]) -> None:
        """Puts an event of this thread's step on record, with the seconds that it took so far."""
        seconds = round(time.monotonic() - getattr(self._clock, "started", time.monotonic()), 3)
        ledger.record(self.settings, self.run, {"seconds": seconds, **event})
