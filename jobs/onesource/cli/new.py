"""`onesource new`: a feed's contract from a sample file, a curated table to begin with."""

from __future__ import annotations

import re
from pathlib import Path

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.errors import UsageError
from onesource.lake.files import write_atomically

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def new_feed_command(settings: Settings, feed: str, sample: Path) -> int:
    """Writes `schemas/feeds/<sector>/<name>.yaml` from a sample. Never overwrites. Exit code 0.

    Raises UsageError for an id of another form, an unknown sector, a contract that exists, or a
    sample that cannot be read.
    """
    from onesource.ingest.infer import infer_feed

    catalogue = load_catalogue(settings.schemas)
    sector, name = _split(feed, catalogue)
    path = settings.schemas / "feeds" / sector / f"{name}.yaml"
    _refuse_existing(path)
    if not sample.is_file():
        raise UsageError(f"the sample {sample} is no file")
    text = infer_feed(f"{sector}.{name}", sample, city=catalogue.city)
    _write(path, text)
    shown = path.relative_to(settings.home)
    print(f"written: {shown}")
    print(
        f"""
What to do next:
  1. Read {shown}: set businessName, units and the words marked TODO;
     docs/reference/contract.md says what each property means.
  2. onesource check
  3. onesource deliver {_quoted(sample)} --feed {sector}.{name}
  4. onesource run --select feed:{sector}.{name}
  5. onesource sql "SELECT * FROM silver.{sector}_{name} LIMIT 10"
"""
    )
    return 0


def new_curated_command(settings: Settings, name: str) -> int:
    """Writes a SELECT and its contract that pass `onesource check`. Never overwrites.

    `name` is `sector.name` or `curated.sector_name`. Raises UsageError as `new feed` does.
    """
    catalogue = load_catalogue(settings.schemas)
    sector, short = _split(_without_layer(name, catalogue), catalogue)
    sql = settings.sql / sector / f"{short}.sql"
    contract = settings.schemas / "curated" / sector / f"{short}.yaml"
    for path in (sql, contract):
        _refuse_existing(path)
    source, column = _begin_with(catalogue, sector)
    _write(sql, _sql_text(source, column))
    _write(contract, _curated_text(sector, short, source, column))
    print(f"written: {sql.relative_to(settings.home)}, {contract.relative_to(settings.home)}")
    print(
        f"""
What to do next:
  1. Write the SELECT, and one property in the contract for each column that it makes.
  2. onesource check
  3. onesource run --select curated.{sector}_{short}
  4. onesource sql "SELECT * FROM curated.{sector}_{short} LIMIT 10"
"""
    )
    return 0


def _split(name: str, catalogue: Catalogue) -> tuple[str, str]:
    sector, dot, short = name.partition(".")
    if not dot or not _NAME.fullmatch(short):
        raise UsageError(
            f"{name} is no id",
            why="an id is sector.name in small letters, digits and single _",
            todo="for example energy.coal_price",
        )
    if sector not in catalogue.city.sectors:
        raise UsageError(
            f"there is no sector {sector}",
            todo=f"one of {', '.join(catalogue.city.sectors)}, or add it to schemas/city.yaml",
        )
    return sector, short


def _without_layer(name: str, catalogue: Catalogue) -> str:
    """`curated.energy_x` → `energy.x`; any other name stays."""
    if not name.startswith("curated."):
        return name
    rest = name.removeprefix("curated.")
    for sector in sorted(catalogue.city.sectors, key=len, reverse=True):
        if rest.startswith(f"{sector}_"):
            return f"{sector}.{rest.removeprefix(f'{sector}_')}"
    return rest


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already", todo="nothing was changed; edit it by hand")


def _write(path: Path, text: str) -> None:
    write_atomically(path, text)


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _begin_with(catalogue: Catalogue, sector: str) -> tuple[Contract, str]:
    """A table of the sector (else any) to select from, and one of its columns to count by."""
    tables = [c for c in catalogue.tables.values() if c.kind is not Kind.CURATED and c.key]
    tables.sort(key=lambda c: (c.sector != sector, "county_code" not in c.field_names, c.table))
    if not tables:
        raise UsageError("there is no table to select from", todo="add a feed first")
    source = tables[0]
    return source, "county_code" if "county_code" in source.field_names else source.key[0]


def _sql_text(source: Contract, column: str) -> str:
    return f"""\
-- Purpose: what it shows, for whom, and where the definition stands (standard, article).
-- Grain: one row per {column}.
-- Units: rows_count is a number of rows.
-- Population: counts no people.
-- Privacy: whole counties only; no persons, no single respondents.
SELECT
  {column},
  count(*) AS rows_count
FROM {source.table}
WHERE {column} IS NOT NULL
GROUP BY {column}
"""


def _curated_text(sector: str, short: str, source: Contract, column: str) -> str:
    field = source.field(column)
    return f"""\
apiVersion: v3.1.0
kind: DataContract
id: curated.{sector}_{short}
name: {field.business_name}统计
version: 1.0.0
status: draft
domain: {sector}
description:
  purpose: What it shows and for whom.
  limitations: What it must not be used for.
  usage: A question that it answers.
customProperties:
  - {{property: steward, value: 'TODO: 谁解答疑问'}}
  - {{property: sharing, value: 有条件}}
  - {{property: opening, value: 不可公开}}
  - {{property: disclosure, value: 不予公开}}
  - {{property: security_level, value: L2}}
schema:
  - name: {sector}_{short}
    physicalType: table
    properties:
      - name: {column}
        businessName: {field.business_name}
        logicalType: {field.logical_type}
        physicalType: {field.spark_type}
        primaryKey: true
        primaryKeyPosition: 1
      - name: rows_count
        businessName: 行数
        logicalType: integer
        required: true
        logicalTypeOptions: {{minimum: 1}}
"""
