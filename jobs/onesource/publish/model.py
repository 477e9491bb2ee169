"""What a release is made of, between the steps that build it and the pages that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from onesource.contracts.model import Contract


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset. path: relative to the release, with `/`; sha256: 64 hex digits."""

    path: str
    format: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Quality:
    """What is known of a dataset's source when the release is made.

    score: 0 to 100, the weighted share of rules that passed on the served version, or None where
    nothing was judged. served_at: ISO time of the run that made the version. is_fresh: against
    the promised cycle, None where there is no promise. held_zh, held_en: why a later version is
    held, empty where none is.
    """

    score: float | None
    served_at: str
    is_fresh: bool | None
    held_zh: str = ""
    held_en: str = ""


@dataclass(frozen=True)
class Difference:
    """A dataset against the release before. None: the dataset is new there.

    keys: per kind (`added`, `changed`, `removed`) the keys, each a mapping of key columns to text,
    at most `KEYS_SHOWN`; counts: how many there are of each kind.
    """

    rows_before: int | None
    rows: int
    schema: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.rows_before is not None and not self.schema and not any(self.counts.values())


KEYS_SHOWN = 1000


@dataclass(frozen=True)
class BuiltDataset:
    """A dataset that goes out: its contract, the rows as published, its files.

    table: columns in the contract's order, sorted by key. source_version: the Delta version of the
    source (None for a view of ops). time_covered: least and greatest value of the `temporal`
    column, as text. proof: what disclosure control proved, empty where no rule is.
    """

    contract: Contract
    table: pa.Table
    source_version: int | None
    files: tuple[DataFile, ...]
    quality: Quality
    difference: Difference
    time_covered: tuple[str, str] | None = None
    proof: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)


@dataclass(frozen=True)
class HeldDataset:
    """A dataset that does not go out in this release, and why."""

    contract: Contract
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class Release:
    """One release before it is written down.

    id: `YYYYMMDD-` and eight hex digits. day: YYYY-MM-DD. issued: ISO time at which the versions
    behind it were served. commit: of the code. publisher: name and USCC. history: the ids of the
    releases before, newest first. base_uri: the address at which `ONESOURCE_OPEN` is reached.
    departments: USCC → name on the day. tile_grid: county code → row and column of its tile.
    """

    id: str
    day: str
    issued: str
    run: str
    commit: str
    city: str
    city_code: str
    counties: Mapping[str, str]
    publisher: Mapping[str, str]
    datasets: tuple[BuiltDataset, ...]
    held: tuple[HeldDataset, ...]
    previous: str | None = None
    history: tuple[str, ...] = ()
    base_uri: str = "https://data.example.org/open/"
    departments: Mapping[str, str] = field(default_factory=dict)
    tile_grid: Mapping[str, tuple[int, int]] = field(default_factory=dict)
