"""What standardisers need beside the value, and single values outside a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from onesource.clean.geography.index import DivisionIndex, read_crosswalk, read_national
from onesource.clean.standardisers import STANDARDISERS, Context, standardise_values
from onesource.clean.standardisers.division import shipped_index
from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract, FieldSpec

DIVISION_TABLES = ("registry.division", "registry.division_successor")


def uses_divisions(feed: Contract) -> bool:
    return any(STANDARDISERS[f.standardiser.name].reads_divisions for f in feed.fields)


def standardiser_context(
    settings: Settings, catalogue: Catalogue, day: date | None = None, index: Any | None = None
) -> Context:
    """The code lists, and the index of divisions: `index`, else the one that ships."""
    if index is None:
        index = shipped_index(settings.schemas)
    return Context(codelists=catalogue.codelists, division=index, today=day)


def served_index(settings: Settings, tables: Mapping[str, tuple[Path, int]]) -> DivisionIndex:
    """The index of divisions as the registry has them.

    tables: `registry.division` and `registry.division_successor` → folder and version.
    """
    codelists = settings.schemas / "codelists"
    rows = {t: _rows(path, version) for t, (path, version) in tables.items()}
    return DivisionIndex.from_rows(
        rows[DIVISION_TABLES[0]],
        rows.get(DIVISION_TABLES[1], ()),
        read_crosswalk(codelists / "division_crosswalk.csv"),
        read_national(codelists / "gb2260.csv"),
    )


def _rows(path: Path, version: int) -> list[dict[str, Any]]:
    # Some ten thousand rows for a city: the index lives in memory anyhow.
    from deltalake import DeltaTable

    rows: list[dict[str, Any]] = (
        DeltaTable(str(path), version=version).to_pyarrow_table().to_pylist()
    )
    return rows


def standardise_one(
    settings: Settings, catalogue: Catalogue
) -> Callable[[FieldSpec, str | None], str | None]:
    """(field, raw) → standardised text or None, without a JVM: for a file's name and cells."""

    @lru_cache(maxsize=4096)
    def read(name: str, args: tuple[tuple[str, str], ...], raw: str) -> str | None:
        context = (
            standardiser_context(settings, catalogue)
            if STANDARDISERS[name].reads_divisions
            else Context(codelists=catalogue.codelists)
        )
        value, verdict, _ = next(iter(standardise_values(name, dict(args), [raw], context)))
        return value if verdict == "OK" else None

    def one(field: FieldSpec, raw: str | None) -> str | None:
        if raw is None:
            return None
        use = field.standardiser
        # What another field of the row would say is not known for a file as a whole.
        args = tuple((k, v) for k, v in sorted(use.args.items()) if not v.startswith("$"))
        return read(use.name, args, raw)

    return one


def moment_reader(settings: Settings, catalogue: Catalogue) -> Callable[[str], str | None]:
    """Text → ISO time: as a time, else as a day (its first moment), else None."""
    context = Context(codelists=catalogue.codelists)

    @lru_cache(maxsize=4096)
    def read(raw: str) -> str | None:
        try:
            return datetime.fromisoformat(raw.strip()).isoformat()
        except ValueError:
            pass  # not ISO 8601: the standardisers know what else departments write
        for name in ("datetime", "date"):
            value, verdict, _ = next(iter(standardise_values(name, {}, [raw], context)))
            if verdict == "OK" and value and len(value) >= 10:
                return value
        return None

    return read
