"""A curated table's SQL file: exactly one SELECT that names its inputs as `layer.name`.

The dialect is Spark's. A file that does anything else than select from named tables, or whose
result could differ from one run to the next, is refused with file and line: a curated table is a
function of its inputs' versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.optimizer.scope import Scope, traverse_scope

from onesource.contracts.model import Catalogue, CodeList, Contract
from onesource.errors import ContractError

DIALECT = "spark"
# Identities stand in landing, bronze and quarantine: no curated table reads them.
# Persons of a table's own domain: what its contract's `person_domain` says, never the SQL.
PERSON_KEY = "person.key"
PERSON_KEY_COLUMNS = ("id_token", "person_key", "is_shared")
LAYERS = ("silver", "registry", "curated", "codelist", "person")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TABLE_FUNCTIONS = frozenset(
    {"range", "explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "stack"}
)
# The day, chance, the place of a row, the session, Java and files: not part of the inputs.
_CHANGING_WORDS = (
    "current_date curdate current_timestamp current_time now localtimestamp unix_timestamp "
    "rand random randn randstr uniform uuid shuffle monotonically_increasing_id "
    "spark_partition_id input_file_name input_file_block_start input_file_block_length reflect "
    "java_method try_reflect current_user user session_user current_database current_schema "
    "current_catalog current_timezone version read_files read_kafka ai_query http_request "
    "raise_error"
)
_CHANGING = frozenset(_CHANGING_WORDS.split())


@dataclass(frozen=True)
class CuratedSql:
    """A parsed SQL file.

    header: the comment at its beginning, without dashes. inputs: `layer.name` of every table it
    reads, sorted. tree: its syntax tree; whoever changes it copies it first.
    """

    path: Path
    text: str
    header: str
    inputs: tuple[str, ...]
    tree: exp.Query = field(repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns it makes, in order (`*` where a star is selected)."""
        return tuple(self.tree.named_selects)


def load_sql(path: Path) -> CuratedSql:
    """One SQL file. Raises ContractError with file and line for anything but one SELECT."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise ContractError(
            "the SQL of the curated table is missing",
            where=str(path),
            todo="onesource new curated writes one to begin with",
        ) from e
    except UnicodeDecodeError as e:
        raise ContractError("is not UTF-8", where=str(path), why=str(e)) from e
    return parse_sql(text, path)


def parse_sql(text: str, path: Path) -> CuratedSql:
    """The text of a SQL file. Raises ContractError with file and line."""
    header = _header(text)
    if not header:
        raise ContractError(
            "does not begin with a comment",
            where=f"{path}:1",
            todo="say purpose, grain, units and privacy in lines that begin with --",
        )
    tree = _one_select(text, path)
    inputs = {name for name, _ in _inputs(tree, path)}
    _refuse_changing(tree, path)
    if not inputs:
        raise ContractError("reads no table", where=f"{path}:{_line(tree)}")
    return CuratedSql(path, text, header, tuple(sorted(inputs)), tree)


def _header(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.lstrip("-").strip())
    return "\n".join(lines).strip()


def _one_select(text: str, path: Path) -> exp.Query:
    try:
        found = [e for e in sqlglot.parse(text, dialect=DIALECT) if e is not None]
    except ParseError as e:
        first = e.errors[0] if e.errors else {}
        raise ContractError(
            "is no valid SQL",
            where=f"{path}:{first.get('line', 1)}",
            why=_plain(first.get("description", ""), first.get("highlight", "")),
        ) from e
    except TokenError as e:
        raise ContractError(
            "is no valid SQL", where=f"{path}:1", why="a quotation mark or remark is not closed"
        ) from e
    if len(found) != 1:
        line = _line(found[1]) if found else 1
        what = "holds more than one statement" if found else "holds no statement"
        raise ContractError(what, where=f"{path}:{line}", todo="keep exactly one SELECT")
    tree = found[0]
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise ContractError(
            f"is {tree.key.upper()}, no SELECT",
            where=f"{path}:{_line(tree)}",
            todo="keep exactly one SELECT",
        )
    return tree


def _plain(description: str, near: str) -> str:
    said = re.sub(r"<Token .*?, text: (.*?), line: .*?>", r"\1", description) or "cannot be read"
    return f"{said}, near {near!r}" if near and near not in said else said


def first_line(e: Exception) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", str(e)).strip().splitlines()[0]


def _line(node: exp.Expr) -> int:
    """The line of the first part of a node that knows where it stands."""
    for part in node.walk():
        if "line" in part.meta:
            return int(part.meta["line"])
    return 1


def _inputs(tree: exp.Query, path: Path) -> Iterator[tuple[str, exp.Table]]:
    """Every table that is read: its name, and its node. WITH names are none."""
    try:
        scopes = traverse_scope(tree)
    except SqlglotError as e:
        raise ContractError("is no valid SQL", where=f"{path}:1", why=first_line(e)) from e
    local = {id(t): s for s in scopes for t in s.tables}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            _table_function(table, path)
        elif not (table.args.get("db") or table.args.get("catalog")) and _is_with(table, local):
            continue
        else:
            yield _input(table, path), table


def _is_with(table: exp.Table, local: Mapping[int, Scope]) -> bool:
    scope = local.get(id(table))
    return scope is not None and any(
        isinstance(source, Scope) and name in (table.name, table.alias_or_name)
        for name, source in scope.sources.items()
    )


def _table_function(table: exp.Table, path: Path) -> None:
    name = (table.this.name or table.this.sql_name()).lower()
    if name not in _TABLE_FUNCTIONS:
        raise ContractError(
            f"{name}() is no table",
            where=f"{path}:{_line(table)}",
            todo="inputs are named as layer.name, such as silver.energy_coal_daily",
        )


def _input(table: exp.Table, path: Path) -> str:
    where = f"{path}:{_line(table)}"
    layer, name = table.db, table.name
    shown = ".".join(p.name for p in table.parts)
    if len(table.parts) != 2 or not _NAME.fullmatch(layer) or not _NAME.fullmatch(name):
        raise ContractError(
            f"the input {shown} is not named as layer.name",
            where=where,
            todo="such as silver.energy_coal_daily, in small letters, without quotes",
        )
    if layer not in LAYERS:
        raise ContractError(
            f"the input {shown} is of a layer that curated tables do not read",
            where=where,
            todo=f"one of {', '.join(LAYERS)}",
        )
    for key, what in (("version", "an own version"), ("sample", "a sample"), ("when", "a time")):
        if table.args.get(key):
            raise ContractError(
                f"{what} of {shown} cannot be chosen here", where=where, why="the run decides it"
            )
    return f"{layer}.{name}"


def _refuse_changing(tree: exp.Query, path: Path) -> None:
    for node in tree.walk():
        if isinstance(node, exp.QueryTransform):
            raise ContractError("TRANSFORM is not allowed", where=f"{path}:{_line(node)}")
        if isinstance(node, exp.Star) and isinstance(node.parent, exp.Select):
            if node.parent is tree:
                raise ContractError(
                    "the outermost SELECT has a star",
                    where=f"{path}:{_line(tree)}",
                    todo="name the columns: the contract lists them",
                )
            continue
        if isinstance(node, exp.Column) and (node.db in LAYERS or node.catalog in LAYERS):
            raise ContractError(
                f"the column {node.sql()} names its layer",
                where=f"{path}:{_line(node)}",
                todo="give the table a short name and use that",
            )
        if isinstance(node, exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if name in _CHANGING or (isinstance(node, _CHANGING_NODES)):
                raise ContractError(
                    f"the function {name} is not allowed",
                    where=f"{path}:{_line_near(node)}",
                    why="its result is no function of the inputs",
                )


_CHANGING_NODES = (
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.CurrentTime,
    exp.CurrentUser,
    exp.Rand,
    exp.Randn,
    exp.Uuid,
)


def _line_near(node: exp.Expr) -> int:
    """The line of a node, or of the nearest part around it that knows where it stands."""
    at: exp.Expr | None = node
    while at is not None:
        for part in at.walk():
            if "line" in part.meta:
                return int(part.meta["line"])
        at = at.parent
    return 1


def rewrite(sql: CuratedSql, views: Mapping[str, str]) -> str:
    """The SELECT with its inputs read from other names (`silver.x` → a view's name).

    Nothing else of the text changes: what Spark runs is what stands in the file. Raises
    ContractError when an input has no view.
    """
    text = sql.text
    places: list[tuple[int, int, str]] = []
    for name, table in _inputs(sql.tree, sql.path):
        if name not in views:
            raise ContractError(f"no view is given for {name}", where=str(sql.path))
        start, end = table.args["db"].meta["start"], table.this.meta["end"] + 1
        alias = "" if table.alias else f" AS {table.name}"
        places.append((start, end, views[name] + alias))
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text.rstrip().rstrip(";")


def schema_of(catalogue: Catalogue, table: str) -> tuple[str, ...] | None:
    """The columns of an input by its contract or code list, or None when there is none."""
    layer, name = table.split(".", 1)
    if layer == "codelist":
        codes = catalogue.codelists.get(name)
        return _codelist_columns(codes) if codes else None
    if table == PERSON_KEY:
        return PERSON_KEY_COLUMNS
    contract = catalogue.tables.get(table)
    if contract is None:
        return None
    return tuple(dict.fromkeys((*contract.field_names, *_TECHNICAL)))


# What silver tables carry beside their contract's fields and a SELECT may name.
_TECHNICAL = (
    "_issues", "_delivery_id", "_sheet", "_line", "_statement_at", "_received_at", "_scope",
    "valid_from", "valid_to", "known_from", "known_to",
)  # fmt: skip


def _codelist_columns(codes: CodeList) -> tuple[str, ...]:
    extra = sorted({k for row in codes.rows for k in row.extra})
    return ("code", "name", "parent", *extra, "valid_from", "valid_to")


def check_sql(sql: CuratedSql, contract: Contract, catalogue: Catalogue) -> None:
    """The file against its contract and its inputs' contracts.

    Raises ContractError when an input or a column of it is unknown, or when the SELECT does not
    make exactly the contract's columns.
    """
    from onesource.curate.lineage import column_lineage

    for name, table in _inputs(sql.tree, sql.path):
        if schema_of(catalogue, name) is None:
            raise ContractError(
                f"the input {name} has no contract", where=f"{sql.path}:{_line(table)}"
            )
    column_lineage(sql, catalogue)
    made, wanted = set(sql.columns), set(contract.field_names)
    for names, what in ((wanted - made, "does not make"), (made - wanted, "makes, unknown to it,")):
        if names:
            raise ContractError(
                f"{what} {', '.join(sorted(names))} of the contract {contract.id}",
                where=f"{sql.path}:{_line(sql.tree)}",
            )
