"""Served versions without a JVM: Delta through deltalake and Arrow into DuckDB views.

What readers see is made here and nowhere else: hidden rows (`_state`) never, the contract's
columns first, the technical ones last. A version is always named, so that a table read twice in
one statement is the same table twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from onesource.config import Settings
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.manifest import Manifest
from onesource.lake.paths import table_path

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Technical columns that say nothing to a reader: the memory of the merge.
HIDDEN = frozenset({"_state", "_order"})
# More would leave no room for the rest of the machine; less, and a join of two sectors spills.
_MEMORY_SHARE = 0.5
_MEMORY_MOST = 8 << 30
_SPILL_MOST = "20GB"
# What DuckDB takes in a file's name for a pattern.
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Source:
    """One version of one table, opened: its columns, and what can be scanned.

    schema: the columns with their Arrow types. arrow: makes a pyarrow Dataset of it. files: its
    data files, where the rows and columns of the version stand in them and nowhere else (a column
    of a partition is in a folder's name). hidden: `file, row` of the rows in them that are gone.
    """

    table: str
    version: int
    path: Path
    schema: pa.Schema
    arrow: Callable[[], Any]
    files: tuple[str, ...] = ()
    hidden: pa.Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names)

    @cached_property
    def data(self) -> Any:
        """The version as a pyarrow Dataset; in memory, where rows of its files are gone."""
        return self.arrow()

    @property
    def has_hidden_rows(self) -> bool:
        return "_state" in self.columns


def open_served(settings: Settings, contract: Contract, manifest: Manifest) -> Source:
    """The version of the table that the manifest names.

    Raises OneSourceError when the table was not served, or its version is gone.
    """
    served = manifest.tables.get(contract.table)
    if served is None:
        raise not_served(contract.table, manifest)
    return open_version(contract.table, table_path(settings, contract), served.version)


def not_served(table: str, manifest: Manifest) -> OneSourceError:
    if manifest.run is None:
        return OneSourceError(
            f"{table} has no data",
            why="nothing was ever served in this lake",
            todo="hand files in with onesource deliver, then onesource run",
        )
    return OneSourceError(
        f"{table} has no data",
        why=f"up to run {manifest.run} no version of it was served",
        todo="onesource status says what is held and why",
    )


def open_version(table: str, path: Path, version: int) -> Source:
    """A version of a Delta table; works with and without deletion vectors.

    Raises OneSourceError (one line) when the version, or a file that it needs, is not there.
    """
    commit = path / "_delta_log" / f"{version:020d}.json"
    if commit.is_file() and commit.stat().st_size == 0:
        # Every engine would read an empty commit as "no change" and show the version before.
        raise OneSourceError(
            f"version {version} of {table} is damaged",
            where=str(commit),
            why="its commit file is empty",
            todo="onesource run repairs it",
        )
    if not (path / "_delta_log").is_dir():
        raise OneSourceError(
            f"version {version} of {table} is served, but its folder is gone",
            where=str(path),
            todo="restore it from the backup, or rebuild it with onesource run",
        )
    from deltalake import DeltaTable

    try:
        source, files = _opened(table, path, version, DeltaTable(str(path), version=version))
    except Exception as e:  # deltalake raises bare and Rust errors alike
        raise _gone(table, path, version, str(e)) from e
    for file in files:
        # Said in one line here, not in the middle of a result.
        if not Path(file).is_file():
            raise _gone(table, path, version, f"the data file {Path(file).name} was removed")
    return source


def open_latest(table: str, path: Path) -> Source:
    """The newest version of a table that is not in the manifest, such as bronze.

    Raises OneSourceError when there is none.
    """
    from deltalake import DeltaTable

    try:
        version = DeltaTable(str(path)).version()
    except Exception as e:
        raise OneSourceError(f"{table} cannot be opened", where=str(path)) from e
    return open_version(table, path, version)


def _opened(table: str, path: Path, version: int, delta: Any) -> tuple[Source, tuple[str, ...]]:
    """The version, and the data files that a scan of it needs, in the folders of partitions too."""
    import pyarrow as pa
    import pyarrow.dataset
    import pyarrow.fs

    features = set(delta.protocol().reader_features or ())
    plain = not delta.metadata().partition_columns and "columnMapping" not in features
    if not features & {"deletionVectors", "columnMapping"}:
        local = pyarrow.fs.SubTreeFileSystem(str(path), pyarrow.fs.LocalFileSystem())
        data = delta.to_pyarrow_dataset(filesystem=local)
        files = tuple(sorted(str(path / name) for name in data.files))
        own = files if plain else ()
        return Source(table, version, path, data.schema, lambda: data, own), files

    # A dataset of files would show rows that a deletion vector hides.
    def scanned() -> Any:
        return pyarrow.dataset.dataset(pa.table(delta.scan()))

    schema = pa.schema(delta.schema().to_arrow())
    if not plain:
        return Source(table, version, path, schema, scanned), ()
    names = pa.table(delta.get_add_actions(flatten=True)).column("path").to_pylist()
    files = tuple(sorted(str(path / unquote(str(name))) for name in names))
    return Source(table, version, path, schema, scanned, files, _hidden_rows(path, delta)), files


def _hidden_rows(path: Path, delta: Any) -> pa.Table:
    """`file, row` of what deletion vectors hide; rows are counted from nought."""
    import numpy as np
    import pyarrow as pa

    names: list[str] = []
    rows: list[int] = []
    for batch in pa.RecordBatchReader.from_stream(delta.deletion_vectors()):
        for uri, kept in zip(*batch.columns, strict=True):
            gone = np.flatnonzero(~kept.values.to_numpy(zero_copy_only=False)).tolist()
            names += [str(path / Path(unquote(str(uri))).name)] * len(gone)
            rows += gone
    return pa.table({"file": pa.array(names, pa.string()), "row": pa.array(rows, pa.int64())})


def _gone(table: str, path: Path, version: int, why: str) -> OneSourceError:
    words = why.strip().splitlines()
    return OneSourceError(
        f"version {version} of {table} cannot be opened",
        where=str(path),
        why=words[0] if words else "no reason given",
        todo="choose a later run with --run, or rebuild the table with onesource run",
    )


def visible_columns(columns: Sequence[str], contract: Contract | None) -> tuple[str, ...]:
    """The columns that readers see: the contract's, others of the table, the technical ones."""
    present = [c for c in columns if c not in HIDDEN]
    own = [c for c in (contract.field_names if contract else ()) if c in present]
    rest = [c for c in present if c not in own]
    plain = [c for c in rest if not c.startswith("_")]
    return (*own, *plain, *(c for c in rest if c.startswith("_")))


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty DuckDB in memory, bounded; times are shown in Beijing time.

    What does not fit into memory fails, unless `spill_to` gave it a place: identities must not
    leave their zone by way of a temporary file.
    """
    import duckdb

    con = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute(f"SET memory_limit = '{_memory_limit() >> 20}MiB'")
        con.execute("SET temp_directory = ''")
        con.execute("SET autoinstall_known_extensions = false")
        con.execute("SET autoload_known_extensions = false")
        yield con
    finally:
        con.close()


def spill_to(con: duckdb.DuckDBPyConnection, folder: str) -> None:
    """Lets what does not fit into memory go to `folder`, up to a bound."""
    con.execute(f"SET temp_directory = '{quoted(folder)}'")
    con.execute(f"SET max_temp_directory_size = '{_SPILL_MOST}'")


def lock(con: duckdb.DuckDBPyConnection) -> None:
    """From here on no file, network, extension or setting is reachable from SQL."""
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _memory_limit() -> int:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(int(whole * _MEMORY_SHARE), _MEMORY_MOST)


def quoted(text: str) -> str:
    """Text for between single quotes in SQL."""
    return text.replace("'", "''")


def identifier(name: str) -> str:
    """A name as a quoted identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def add_view(
    con: duckdb.DuckDBPyConnection, source: Source, contract: Contract | None = None
) -> None:
    """Makes `layer.name` a view on the version: visible rows, visible columns in their order.

    DuckDB reads the version's files itself where it sees in them what Arrow sees: of a column with
    nulls Arrow skips no row groups, and a person by number would be looked for in every row.
    """
    columns = visible_columns(source.columns, contract)
    names = ", ".join(identifier(c) for c in columns)
    where = ' WHERE "_state" IS NULL' if source.has_hidden_rows else ""
    _view(con, source.table, f"SELECT {names} FROM {scan(con, source)}{where}")


def scan(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    """What stands behind FROM for all rows and columns of the version."""
    return _own_scan(con, source) or _register(con, source.table, source.data)


def _own_scan(con: duckdb.DuckDBPyConnection, source: Source) -> str | None:
    """The version as DuckDB's own scan of its files; None where it would see something else.

    So with files that do not hold all of it, and with files that hold another type than the table
    (times without a zone).
    """
    if not source.files:
        return None
    wanted = _types(con, _register(con, source.table, source.schema.empty_table()))
    hidden = source.hidden
    holed = set(map(str, hidden.column("file").unique().to_pylist())) if hidden else set()
    parts = []
    for files in ([f for f in source.files if f not in holed], sorted(holed)):
        if not files:
            continue
        read = files_sql(files)
        if read is None:
            return None
        there = _types(con, read)
        if any(there[name] != kind for name, kind in wanted.items() if name in there):
            return None
        # Files from before a column was added lack it, and so may all of them.
        cells = ", ".join(
            f"f.{identifier(name)}"
            if name in there
            else f"CAST(NULL AS {kind}) AS {identifier(name)}"
            for name, kind in wanted.items()
        )
        parts.append(f"SELECT {cells} FROM {read} AS f")
    if holed:
        gone = _register(con, f"{source.table}_gone", hidden)
        parts[-1] += (
            f" ANTI JOIN {gone} AS gone ON f.filename = gone.file AND f.file_row_number = gone.row"
        )
    _keep_reachable(con, source.files)
    return f"({' UNION ALL '.join(parts)})"


def files_sql(files: Sequence[str]) -> str | None:
    """What stands behind FROM for the rows of Parquet files; None without files, and for names that
    DuckDB would take for patterns."""
    if not files or any(_GLOB & set(file) for file in files):
        return None
    return f"read_parquet([{_texts(files)}], union_by_name = true, hive_partitioning = false)"


def _types(con: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    """Column → type, of what stands behind FROM."""
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE FROM {scan}").fetchall()}


def _keep_reachable(con: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """Lets views read these files when the database is locked; a statement still names none."""
    found = con.execute("SELECT unnest(current_setting('allowed_paths'))").fetchall()
    paths = sorted({str(path) for (path,) in found} | set(files))
    con.execute(f"SET allowed_paths = [{_texts(paths)}]")


def _texts(texts: Sequence[str]) -> str:
    return ", ".join(f"'{quoted(t)}'" for t in texts)


def add_rows(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Makes `layer.name` a view on rows in memory."""
    _view(con, table, f"SELECT * FROM {_register(con, table, rows)}")


def _register(con: duckdb.DuckDBPyConnection, table: str, data: Any) -> str:
    """Makes Arrow data known to DuckDB; what stands for it in SQL."""
    layer, name = table.split(".", 1)
    inner = f"_{layer}_{name}"
    con.register(inner, data)
    return f"temp.{identifier(inner)}"


def _view(con: duckdb.DuckDBPyConnection, table: str, select: str) -> None:
    layer, name = table.split(".", 1)
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(layer)}")
    con.execute(f"CREATE VIEW {identifier(layer)}.{identifier(name)} AS {select}")
