"""`onesource check`: everything that is declared, against itself and each other, all at once.

No Spark session, no lake: it can run on a desk and in an editor's save hook.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sqlglot
from sqlglot import exp

from onesource.clean.standardisers import check_args
from onesource.config import BEIJING, Settings, now
from onesource.contracts.codelists import check_codelist
from onesource.contracts.consistency import check_contract
from onesource.contracts.departments import check_departments, check_provider
from onesource.contracts.every_error import catalogue_errors
from onesource.contracts.findings import Finding, Weight, of_error, shortened
from onesource.contracts.history import check_history
from onesource.contracts.link_domains import read_link_domains
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.contracts.source_checks import check_source_of_record
from onesource.curate.persons import person_findings, real_input
from onesource.curate.sqlfiles import CuratedSql, check_sql, load_sql
from onesource.errors import OneSourceError
from onesource.publish.approvals import read_approvals, read_negative_list
from onesource.publish.permit import Rules, refusals
from onesource.quality.load import check_places
from onesource.quality.suite import rules_for
from onesource.run.release_views import OPS_VIEWS
from onesource.run.table_step import load_builder

# logicalType → the Spark types that can hold it.
_DIGITS = 38  # the widest decimal of Spark and Delta
_HOLDS = {
    "string": {"STRING", "VARCHAR", "CHAR"},
    "integer": {"TINYINT", "SMALLINT", "INT", "BIGINT"},
    "number": {"DECIMAL", "DOUBLE", "FLOAT", "INT", "BIGINT"},
    "boolean": {"BOOLEAN"},
    "date": {"DATE"},
    "timestamp": {"TIMESTAMP", "TIMESTAMP_NTZ"},
    "time": {"STRING"},
}


def check(settings: Settings, day: date | None = None) -> list[Finding]:
    """All findings, errors first. `day` is that of departments and code lists (None: today)."""
    day = day or now().astimezone(BEIJING).date()
    catalogue, errors = catalogue_errors(settings.schemas)
    found = [of_error(e) for e in errors]
    if catalogue is not None:
        found += _catalogue(settings, catalogue, day, whole=not errors)
    found += check_history(settings.home)
    return shortened(found, settings.home)


def _catalogue(
    settings: Settings, catalogue: Catalogue, day: date, whole: bool
) -> Iterator[Finding]:
    """`whole`: every file could be loaded; else what refers to a missing one is not reported."""
    yield from check_departments(catalogue.city, settings.schemas / "city.yaml")
    yield from check_source_of_record(catalogue, day, whole=whole)
    for codes in catalogue.codelists.values():
        yield from check_codelist(codes)
    for contract in (
        *catalogue.feeds.values(),
        *catalogue.registry.values(),
        *catalogue.curated.values(),
    ):
        yield from check_contract(contract, catalogue)
        yield from check_provider(contract, catalogue.city, day)
        yield from _fields(contract, catalogue)
        yield from _builder(contract)
    sql = yield from _sql_files(settings, catalogue, day, whole)
    yield from _inputs(catalogue, sql, whole)
    yield from _rules(settings, catalogue, whole)
    if catalogue.open:
        yield from _open(settings, catalogue, sql, day, whole)


def _open(
    settings: Settings, catalogue: Catalogue, sql: dict[str, CuratedSql], day: date, whole: bool
) -> Iterator[Finding]:
    """Open datasets: sources and types; and, as a warning, what would hold one on this day."""
    for dataset in catalogue.open.values():
        yield from check_contract(dataset, catalogue)
        yield from check_provider(dataset, catalogue.city, day)
        yield from _fields(dataset, catalogue)
        source = dataset.open.source
        if whole and source not in catalogue.tables and source not in OPS_VIEWS:
            what = f"open.source: {source} is no table that is served"
            yield Finding(Weight.ERROR, f"{dataset.path}:1", what)
    try:
        approvals = read_approvals(settings.schemas)
        negative = read_negative_list(settings.schemas)
    except OneSourceError as e:
        yield of_error(e)
        return
    if not whole:
        return
    rules = Rules(catalogue, sql, approvals, negative)
    for dataset in catalogue.open.values():
        for refusal in refusals(dataset, rules, day):
            what = f"it would be held on {day}: {refusal.en}"
            yield Finding(Weight.WARNING, f"{dataset.path}:1", what)


def _fields(contract: Contract, catalogue: Catalogue) -> Iterator[Finding]:
    """Types that Spark knows and that fit; standardisers that exist, with arguments they take."""
    for f in contract.fields:
        where = f"{contract.path}:{f.line}"
        problem = _type_problem(f.logical_type, f.spark_type)
        if problem:
            yield Finding(Weight.ERROR, where, f"{f.name}: {problem}")
        if contract.kind is not Kind.FEED:
            continue
        use = f.standardiser
        try:
            check_args(use.name, use.args)
        except OneSourceError as e:
            yield Finding(Weight.ERROR, where, f"{f.name}: {e.what}", e.todo)
            continue
        named = use.args.get("list")
        if named and not named.startswith("$") and named not in catalogue.codelists:
            known = ", ".join(sorted(catalogue.codelists)) or "none"
            what = f"{f.name}: standardiser {use.name}: there is no code list {named}"
            yield Finding(Weight.ERROR, where, what, f"known: {known}")


def _type_problem(logical: str, spark: str) -> str | None:
    try:
        kind = exp.DataType.build(spark, dialect="spark", udt=False)
    except (sqlglot.errors.SqlglotError, ValueError):
        return f"physicalType {spark} is no type of Spark"
    name = kind.this.value if isinstance(kind.this, exp.DataType.Type) else str(kind.this)
    if name == "DECIMAL" and kind.expressions:
        digits = [int(p.name) for p in kind.expressions]
        if not (1 <= digits[0] <= _DIGITS and 0 <= digits[-1] <= digits[0]):
            return f"physicalType {spark} has more than {_DIGITS} digits, or more behind the point"
    plain = spark.split("(")[0].strip().upper()
    if plain in _HOLDS[logical] or name in _HOLDS[logical]:
        return None
    return f"physicalType {spark} does not hold logicalType {logical}"


def _builder(contract: Contract) -> Iterator[Finding]:
    if contract.kind is Kind.REGISTRY and contract.properties.builder:
        try:
            load_builder(contract)
        except OneSourceError as e:
            yield of_error(e)


def _sql_files(
    settings: Settings, catalogue: Catalogue, day: date, whole: bool
) -> Generator[Finding, None, dict[str, CuratedSql]]:
    """Each curated contract has its SQL file and the other way round; returns the parsed files."""
    read: dict[str, CuratedSql] = {}
    try:
        links = read_link_domains(settings.schemas)
    except OneSourceError as e:
        yield of_error(e)
        links = {}
    expected: dict[Path, Contract] = {
        settings.sql / c.sector / f"{c.name}.sql": c for c in catalogue.curated.values()
    }
    for path in sorted(settings.sql.rglob("*.sql")):
        if path not in expected and whole:
            place = path.relative_to(settings.sql).with_suffix(".yaml")
            what = f"the SQL file has no contract (schemas/curated/{place})"
            yield Finding(Weight.ERROR, str(path), what, "write it, or remove the SQL file")
    for path, contract in expected.items():
        if not path.is_file():
            what = f"{contract.id} has no SQL file {path}"
            yield Finding(Weight.ERROR, f"{contract.path}:1", what)
            continue
        try:
            read[contract.table] = load_sql(path)
            if whole:
                check_sql(read[contract.table], contract, catalogue)
                yield from person_findings(read[contract.table], contract, catalogue, links, day)
        except OneSourceError as e:
            yield of_error(e, str(path))
    return read


def _inputs(catalogue: Catalogue, sql: dict[str, CuratedSql], whole: bool) -> Iterator[Finding]:
    """Inputs exist, and no table is built from itself by any way."""
    graph: dict[str, set[str]] = {}
    tables = catalogue.tables
    for table, c in tables.items():
        inputs = {*c.properties.inputs, *c.properties.optional_inputs}
        if table in sql:
            inputs |= {real_input(t) for t in sql[table].inputs if not t.startswith("codelist.")}
        graph[table] = inputs & set(tables)
        for name in sorted(inputs - set(tables)) if whole and c.kind is Kind.REGISTRY else ():
            yield Finding(
                Weight.ERROR, f"{c.path}:1", f"{table} reads {name}, which no contract describes"
            )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        circle = " → ".join(e.args[1])
        yield Finding(
            Weight.ERROR, f"{tables[e.args[1][0]].path}:1", f"tables depend on each other: {circle}"
        )


def _rules(settings: Settings, catalogue: Catalogue, whole: bool) -> Iterator[Finding]:
    if whole:
        try:
            check_places(settings.expectations, catalogue)
        except OneSourceError as e:
            yield of_error(e)
    for contract in catalogue.tables.values():
        try:
            if not rules_for(contract, settings.expectations, catalogue):
                what = f"{contract.table} has no rule at all: its gate would always hold"
                yield Finding(Weight.ERROR, f"{contract.path}:1", what)
        except OneSourceError as e:
            yield of_error(e, f"{contract.path}:1")
