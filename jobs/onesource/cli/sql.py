"""`onesource sql`: read-only SQL on served versions, without a JVM."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from onesource.cli import answer, asof, dictionary
from onesource.cli.statement import Statement, nearest, understand, words
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.errors import OneSourceError, UsageError
from onesource.lake import reader
from onesource.lake.manifest import Manifest, read_manifest
from onesource.lake.reads import record_read
from onesource.run import ops_tables

if TYPE_CHECKING:
    import duckdb

# What is held back until the read is recorded; a longer answer is recorded when it begins.
_BUFFER = 10_000
_FETCH = 2_000
_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT", "SMALLINT", "TINYINT")


@dataclass(frozen=True)
class _Read:
    """Who reads what, for `ops.reads`."""

    settings: Settings
    statement: Statement
    sql: str
    purpose: str
    run: str | None

    def record(self, rows: int | None) -> None:
        """Writes the read down. Raises OneSourceError when it must be and cannot (P11)."""
        if self.statement.tables:
            record_read(
                self.settings,
                "sql",
                self.statement.tables,
                rows=rows,
                purpose=self.purpose,
                run=self.run,
                statement=self.sql,
            )


def sql_command(
    settings: Settings,
    sql: str,
    *,
    csv: Path | None = None,
    parquet: Path | None = None,
    run: str | None = None,
    purpose: str = "",
) -> int:
    """Answers one statement (`-`: from standard input). Raises OneSourceError or UsageError."""
    text = sys.stdin.read() if sql == "-" else sql
    catalogue = load_catalogue(settings.schemas, odcs=False)
    try:
        ask(settings, catalogue, text, csv=csv, parquet=parquet, run=run, purpose=purpose)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("onesource: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who reads our output (head) has seen enough: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def ask(
    settings: Settings,
    catalogue: Catalogue,
    text: str,
    *,
    csv: Path | None = None,
    parquet: Path | None = None,
    run: str | None = None,
    purpose: str = "",
    out: TextIO | None = None,
) -> None:
    """Answers one statement from what is served, or was served after `run`.

    Writes to the file given, whole or not at all; else a table to a terminal or CSV to anything
    else. Raises OneSourceError or UsageError, in one line.
    """
    out = sys.stdout if out is None else out
    if "\0" in text or not _is_text(text):
        raise UsageError("the statement is no UTF-8 text", todo="save it as UTF-8")
    manifest = read_manifest(settings, run)
    with ExitStack() as stack:
        con = stack.enter_context(reader.database())
        statement = understand(
            con, text, dictionary.known_tables(catalogue), asof.tables(catalogue)
        )
        if statement.kind == "tables":
            rows = dictionary.table_rows(catalogue, manifest, statement.subject)
            shown = _Words(dictionary.TABLES_HEADER, rows, frozenset({2, 3}))
            _send(shown, None, csv, parquet, out)
            return
        if statement.kind == "describe":
            rows = dictionary.column_rows(catalogue, statement.subject)
            _send(_Words(dictionary.DESCRIBE_HEADER, rows), None, csv, parquet, out)
            return
        _open_tables(con, settings, catalogue, manifest, statement, stack)
        read = _Read(settings, statement, text, purpose, run or manifest.run)
        with _stoppable(con) as stopped:
            try:
                names = dictionary.labels(catalogue, statement.tables)
                query = _Query(con, statement, names)
                _send(query, read, csv, parquet, out)
            except Exception as e:
                if stopped.is_set():
                    raise KeyboardInterrupt from e
                raise _said(e, con, catalogue, statement) from e


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # bytes of another encoding, on the command line or on stdin
        return False
    return True


@contextmanager
def _stoppable(con: duckdb.DuckDBPyConnection) -> Iterator[threading.Event]:
    """Lets Ctrl-C stop a running statement, which does not always look for signals itself.

    The event tells that it did.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # only the main thread can be told of signals
        return
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)

    def listen() -> None:
        while number := os.read(ear, 1):
            if number[0] == signal.SIGINT:
                stopped.set()
                con.interrupt()

    listener = threading.Thread(target=listen, daemon=True)
    before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    listener.start()
    try:
        yield stopped
    finally:
        signal.set_wakeup_fd(before)
        os.close(mouth)
        listener.join()
        os.close(ear)


def _open_tables(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    manifest: Manifest,
    statement: Statement,
    stack: ExitStack,
) -> None:
    """Only the tables that the statement names become visible; then the database is locked."""
    if not any(_holds_identities(catalogue, t) for t in statement.tables):
        # Where identities stand, what does not fit into memory fails instead.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="onesource-sql-"))
        reader.spill_to(con, folder)
    for table in statement.tables:
        if table.startswith("ops."):
            ops_tables.add(con, settings, catalogue, table)
        elif table.startswith("codelist."):
            codes = catalogue.codelists[table.split(".", 1)[1]]
            reader.add_rows(con, table, dictionary.codelist_table(codes))
        else:
            contract = catalogue.tables[table]
            reader.add_view(con, reader.open_served(settings, contract, manifest), contract)
    asof.add(con, statement.asof)
    reader.lock(con)


def _holds_identities(catalogue: Catalogue, table: str) -> bool:
    contract = catalogue.tables.get(table)
    return table.startswith("registry.") or (contract is not None and contract.holds_identities)


class _Words:
    """An answer that is text from the start (SHOW TABLES, DESCRIBE)."""

    names_zh: dict[str, str] = {}  # noqa: RUF012  these headers need no second name

    def __init__(
        self,
        header: Sequence[str],
        rows: Iterable[answer.Row],
        numeric: frozenset[int] = frozenset(),
    ) -> None:
        self.header, self._rows, self.numeric = tuple(header), rows, numeric

    def rows(self) -> Iterator[answer.Row]:
        return iter(self._rows)

    def arrow(self) -> Any:
        import pyarrow as pa

        rows = list(self._rows)
        cells = {h: pa.array([r[i] for r in rows], pa.string()) for i, h in enumerate(self.header)}
        return pa.table(cells).to_reader()


class _Query:
    """A statement that DuckDB runs: its columns are known, its rows come when asked for."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, statement: Statement, names_zh: dict[str, str]
    ) -> None:
        self._con, self._statement = con, statement
        if statement.kind == "explain":
            self.header: tuple[str, ...] = ("plan",)
            self._types: tuple[str, ...] = ("VARCHAR",)
        else:
            relation = con.sql(statement.sql)
            self.header = tuple(relation.columns)
            self._types = tuple(str(t) for t in relation.types)
        self.names_zh = {h: names_zh[h] for h in self.header if h in names_zh}
        self.numeric = frozenset(
            i for i, t in enumerate(self._types) if t.startswith(_NUMBERS) and "[" not in t
        )

    def rows(self) -> Iterator[answer.Row]:
        if self._statement.kind == "explain":
            for _, plan in self._con.execute(self._statement.sql).fetchall():
                yield from ((line,) for line in str(plan).splitlines())
            return
        names = [f"c{i}" for i in range(len(self._types))]
        texts = ", ".join(_text(n, t) for n, t in zip(names, self._types, strict=True))
        # The line break ends a remark at the statement's end.
        wrapped = f"SELECT {texts} FROM ({self._statement.sql}\n) AS answer({', '.join(names)})"
        cursor = self._con.execute(wrapped)
        while batch := cursor.fetchmany(_FETCH):
            yield from batch

    def arrow(self) -> Any:
        if self._statement.kind == "explain":
            raise UsageError("EXPLAIN gives text", todo="leave --parquet away")
        if len(set(self.header)) < len(self.header):
            twice = sorted({h for h in self.header if self.header.count(h) > 1})
            raise UsageError(
                f"two columns are named {twice[0]}", todo="a Parquet file needs names: use AS"
            )
        return self._con.sql(self._statement.sql).to_arrow_reader(100_000)


def _text(column: str, kind: str) -> str:
    """The SQL of a value's text: ISO dates and times, nested values as JSON."""
    plain = f"CAST({column} AS VARCHAR)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        iso = f"replace({plain}, ' ', 'T')"
        return f"regexp_replace({iso}, '([+-][0-9]{{2}})$', '\\1:00')"
    if kind.startswith("TIMESTAMP"):
        return f"replace({plain}, ' ', 'T')"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind == "BLOB":
        return f"to_base64({column})"
    return plain


def _send(
    found: _Words | _Query,
    read: _Read | None,
    csv: Path | None,
    parquet: Path | None,
    out: TextIO,
) -> None:
    """Writes the answer where it is wanted. Nothing leaves before the read is recorded."""
    if csv is not None and parquet is not None:
        raise UsageError("--csv and --parquet are both given", todo="ask for one file at a time")
    if csv is not None or parquet is not None:
        target = csv or parquet
        assert target is not None
        with answer.whole_file(target) as part:
            if csv is not None:
                n = answer.write_csv(part, found.header, found.rows())
            else:
                n = answer.write_parquet(part, found.arrow())
            if read is not None:
                read.record(n)
        print(f"{target}: {n} rows", file=sys.stderr)
    elif out.isatty():
        rows = list(islice(found.rows(), answer.TERMINAL_ROWS + 1))
        shown = rows[: answer.TERMINAL_ROWS]
        if read is not None:
            read.record(len(shown))
        answer.show(
            out,
            found.header,
            shown,
            names_zh=found.names_zh,
            numeric=found.numeric,
            more=len(rows) > len(shown),
            fold=read is None,
        )
    else:
        _stream(found, read, out)


def _stream(found: _Words | _Query, read: _Read | None, out: TextIO) -> None:
    """CSV to a pipe. A long answer is recorded when it begins, and again, with its rows, after."""
    rows = found.rows()
    first = list(islice(rows, _BUFFER))
    whole = len(first) < _BUFFER
    if read is not None:
        read.record(len(first) if whole else None)
    n = answer.stream_csv(out, found.header, chain(first, rows))
    if read is not None and not whole:
        read.record(n)


def _said(
    e: Exception, con: duckdb.DuckDBPyConnection, catalogue: Catalogue, statement: Statement
) -> Exception:
    """DuckDB's error as one line that an analyst can act on; any other error as it is."""
    import duckdb

    if isinstance(e, duckdb.OutOfMemoryException):
        return OneSourceError(
            "the statement needs more memory than it may take",
            todo="ask for less: a month or county in WHERE, fewer columns, no ORDER BY on all",
        )
    if not isinstance(e, duckdb.Error):
        return e
    message = str(e)
    if unfit := asof.said(message):
        return UsageError(unfit, todo=asof.USAGE)
    missing = re.search(r'[Cc]olumn (?:named )?"([^"]+)"', message)
    if isinstance(e, duckdb.BinderException) and missing and "not" in message:
        return _no_column(missing.group(1), catalogue, statement)
    return UsageError(words(message))


def _no_column(name: str, catalogue: Catalogue, statement: Statement) -> UsageError:
    """`there is no column x`, with the nearest, also by its Chinese name."""
    zh = dictionary.labels(catalogue, statement.tables)
    by_zh = [column for column, label in zh.items() if name in label]
    hints = list(dict.fromkeys([*by_zh, *nearest(name, zh)]))[:3]
    if not re.fullmatch(r"[^\W\d]\w{0,60}", name):
        return UsageError(
            "what stands in double quotes is no column", todo="text stands in single quotes"
        )
    shown = name if name.isascii() or by_zh else "…"
    where = f" in {', '.join(statement.tables)}" if statement.tables else ""
    todo = f"did you mean {', '.join(hints)}?" if hints else "DESCRIBE a table to see its columns"
    return UsageError(f"there is no column {shown}{where}", todo=todo)
