"""`onesource link FILE --to person|organisation`: a list against a served registry, without a JVM.

The answer holds person_id or org_id, never a name; the read is recorded before it leaves.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from onesource.cli.link import PAIRS, Wanted, _check_id, _summary, pair_rows, say, send, shown_pairs
from onesource.cli.standardise import context_of
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.errors import UsageError
from onesource.lake import reader
from onesource.lake.manifest import Manifest, read_manifest
from onesource.lake.reads import record_read
from onesource.registry.linkage.files import read_list
from onesource.registry.linkage.link import link_tables
from onesource.registry.linkage.spec import Source, Spec
from onesource.registry.linkage.suggest import suggest

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Registry column → header under which the field is recognised. A registry holds what holds now:
# rows whose validity and knowledge are open.
PERSON = ("person_id", "id_no", "name", "sex", "birth_date", "county_code")
ORGANISATION = ("org_id", "uscc", "name", "county_code")
TABLES = {"person": "registry.person", "organisation": "registry.organisation"}
NAMES = {"person": "registry.person_name_history"}


def link_to_registry(settings: Settings, wanted: Wanted, spec: Spec | None) -> int:
    """Links a list to a registry. Raises OneSourceError where the registry is not served."""
    assert wanted.to is not None
    catalogue = load_catalogue(settings.schemas, odcs=False)
    manifest = read_manifest(settings)
    left = read_list(wanted.file, spec.left if spec else Source())
    right, tables = _registry(settings, catalogue, manifest, wanted.to)
    id_column = (PERSON if wanted.to == "person" else ORGANISATION)[0]
    if spec is None:
        spec = suggest(left.table.column_names, right.column_names, wanted.to)
        say(f"no spec: compared by {', '.join(spec.fields)}, as the headers say")
    # A registry's row is named by its own id, whatever the spec of two files says.
    spec = spec.model_copy(update={"right": Source(id=id_column)})
    _check_id(spec, 0, left, wanted.file)
    linked = link_tables([left.table, right], spec, context_of(settings, "division"), say=say)
    ids = [*left.ids(spec.id_column(0)), *map(str, right.column(id_column).to_pylist())]
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in pair_rows(shown_pairs(linked, wanted.candidates), ids):
        found.setdefault((row[0], row[1]), tuple(row))  # under several names: the best
    record_read(
        settings,
        "link",
        tables,
        rows=len(found),
        purpose=wanted.purpose,
        run=manifest.run,
        statement=f"link --to {wanted.to}",
    )
    send(PAIRS, found.values(), wanted.csv)
    say(_summary(linked, wanted.candidates, spec))
    return 0


def _registry(
    settings: Settings, catalogue: Catalogue, manifest: Manifest, to: str
) -> tuple[pa.Table, list[str]]:
    """The registry's rows of today as text, a person once for every name; and the tables read."""
    table = TABLES[to]
    if table not in catalogue.tables:
        raise UsageError(
            f"this project has no {table}",
            why=f"schemas/registry/{table.split('.')[1]}.yaml is not there",
            todo="link to a file instead: onesource link FILE FILE2",
        )
    with ExitStack() as stack:
        con = stack.enter_context(reader.database())
        _view(con, settings, catalogue, manifest, table)
        read = [table]
        columns = _columns(con, table)
        wanted = PERSON if to == "person" else ORGANISATION
        name = "name" if to == "person" else "name AS org_name"
        kept = [name if c == "name" else c for c in wanted if c in columns]
        now = _open_rows(columns)
        query = f"SELECT {', '.join(kept)} FROM {table}{now}"
        names = NAMES.get(to)
        if names and names in catalogue.tables and names in manifest.tables:
            _view(con, settings, catalogue, manifest, names)
            read.append(names)
            others = ", ".join("h.name" if c == "name" else f"p.{c}" for c in kept)
            query = (
                f"{query} UNION SELECT {others} FROM {names} h JOIN (SELECT * FROM {table}{now}) p "
                "USING (person_id) WHERE h.name IS NOT NULL"
            )
        rows: pa.Table = con.sql(
            f"SELECT COLUMNS(*)::VARCHAR FROM ({query}) ORDER BY ALL"
        ).to_arrow_table()
    return rows, read


def _view(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    manifest: Manifest,
    table: str,
) -> None:
    contract = catalogue.tables[table]
    reader.add_view(con, reader.open_served(settings, contract, manifest), contract)


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()}


def _open_rows(columns: set[str]) -> str:
    there = [f"{c} IS NULL" for c in ("valid_to", "known_to") if c in columns]
    return f" WHERE {' AND '.join(there)}" if there else ""
