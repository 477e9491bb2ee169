"""What an analyst's statement may be, and which tables it reads.

The statement is taken apart by DuckDB's own parser, never by a second one that could see
something else in it. What is not known to be harmless is refused: tables that are not ours, table
functions, functions that look outside, settings, variables, more than one statement. The database
is locked besides, so that a hole here opens nothing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onesource.errors import UsageError

if TYPE_CHECKING:
    import duckdb

ALLOWED = "one SELECT, WITH, VALUES, SHOW TABLES, DESCRIBE, SUMMARIZE or EXPLAIN is answered"
_QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
# Table functions that compute from their arguments alone.
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
# What a table on two clocks is asked with: `registry.division_asof('2019-06-30')`.
ASOF = "_asof"
# Functions that look outside the query (settings, variables, sequences, logs, the session, other
# statements), that wait, or that belong to the machine inside.
_REFUSED = re.compile(
    r"(__internal.*|current_setting|getvariable|getenv|set_config|nextval|currval|setval"
    r"|setseed|error|query|query_table|read_.*|write_.*|sniff_.*|glob|json_execute_.*"
    r"|json_serialize_.*|json_deserialize_.*|parse_duckdb_.*|pg_(?!typeof$).*|duckdb_.*|pragma_.*"
    r"|parquet_.*|which_secret|sleep.*|stats|current_query.*|current_connection_id|txid_current"
    r"|current_transaction_id|enable_.*|disable_.*|register_.*|inet_.*|.*_description"
    r"|has_.*_privilege|get_block_size|in_search_path|current_schemas?|current_database"
    r"|current_catalog|current_user|current_role|session_user|user|version)"
)
# Names of DuckDB's own catalogue: no WITH name may hide behind one of them.
_CATALOGUE = re.compile(r"(duckdb_|pragma_|sqlite_|pg_|information_schema|_).*")
_EXPLAIN = re.compile(r"explain(\s+analyze)?\b", re.IGNORECASE)
_LEADING_REMARKS = re.compile(r"(\s|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """A statement that may be answered.

    kind: `query`, `explain`, `tables` (SHOW TABLES) or `describe` (one table by name). sql: what
    DuckDB runs. tables: `layer.name` of every table it reads, in order of appearance. subject: of
    `describe` the table; of `tables` the layer, or empty.
    """

    kind: str
    sql: str
    tables: tuple[str, ...] = ()
    subject: str = ""
    asof: tuple[str, ...] = ()


def understand(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    known: Collection[str],
    two_clocks: Collection[str] = (),
) -> Statement:
    """Takes the statement apart. `known`: the tables that there are, as `layer.name`.
    `two_clocks`: those of them that have a function `layer.name_asof(about, known)`.

    Raises UsageError, in one line, for what is wrong or not allowed.
    """
    text, explain = _one(con, sql)
    node = _tree(con, text)
    special = None if explain else _special(node, known)
    if special is not None:
        return special
    walk = _Walk(known, two_clocks)
    walk.query(node, frozenset())
    tables = tuple(dict.fromkeys(walk.tables))
    if explain:
        return Statement("explain", f"{explain} {text}", tables, asof=tuple(sorted(walk.asof)))
    return Statement("query", text, tables, asof=tuple(sorted(walk.asof)))


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, str]:
    """The one statement without its end, and `EXPLAIN`, `EXPLAIN ANALYZE` or nothing."""
    import duckdb

    try:
        statements = con.extract_statements(sql)
    except duckdb.Error as e:
        raise UsageError(words(str(e)), todo=ALLOWED) from e
    if len(statements) != 1:
        what = "no statement was given" if not statements else "more than one statement was given"
        raise UsageError(what, todo=ALLOWED)
    try:
        kind = statements[0].type.name
    except ValueError:  # newer than the Python binding's list of kinds
        kind = "this statement"
    if kind == "MULTI":
        raise UsageError(
            "PIVOT needs its values written out", todo="PIVOT t ON column IN ('a', 'b') USING …"
        )
    if kind not in ("SELECT", "EXPLAIN"):
        raise UsageError(f"{kind.replace('_', ' ')} is not answered", why="read-only", todo=ALLOWED)
    text = _without_end(statements[0].query)
    if kind == "SELECT":
        return text, ""
    rest = text[_remarks(text) :]
    match = _EXPLAIN.match(rest)
    if not match:
        raise UsageError("this form of EXPLAIN is not answered", todo="EXPLAIN SELECT …")
    inner, nested = _one(con, rest[match.end() :])
    if nested:
        raise UsageError("EXPLAIN of EXPLAIN is not answered", todo=ALLOWED)
    return inner, "EXPLAIN ANALYZE" if match.group(1) else "EXPLAIN"


def _without_end(text: str) -> str:
    """The statement up to its semicolon, which is the first outside quotes and remarks."""
    import duckdb

    raw = text.encode()
    for at, kind in duckdb.tokenize(text):
        if kind == duckdb.token_type.operator and raw[at : at + 1] == b";":
            return raw[:at].decode().strip()
    return text.strip()


def _remarks(text: str) -> int:
    match = _LEADING_REMARKS.match(text)
    return match.end() if match else 0


def words(message: str) -> str:
    """The first line of DuckDB's message, without what may be a person's value.

    Names of columns, functions and keywords stay; other quoted text and long numbers do not.
    """
    kind, _, said = message.strip().partition(": ")
    if kind in _NAMES_ONLY:
        said = re.sub(r"'[^']*'|\"[^\"]*\"", _plain_name, said)
    else:  # speaks of values, which may hold quotation marks themselves
        said = re.sub(r"['\"].*['\"]", "…", said, flags=re.DOTALL)
    return re.sub(r"\d{6,}", "…", said.splitlines()[0]) if said else kind


# Errors of DuckDB that name columns, functions and words of the statement.
_NAMES_ONLY = ("Parser Error", "Binder Error", "Catalog Error", "Syntax Error")


def _plain_name(match: re.Match[str]) -> str:
    text = match.group(0)
    inside = text[1:-1]
    is_name = text[0] == '"' and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*|[^\w\s]{1,3}", inside)
    return text if is_name else f"{text[0]}…{text[0]}"


def _tree(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    found = con.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    tree: dict[str, Any] = json.loads(found[0][0])
    if tree.get("error") or len(tree["statements"]) != 1:
        raise UsageError("this kind of statement is not answered", todo=ALLOWED)
    statement: dict[str, Any] = tree["statements"][0]
    if statement.get("named_param_map"):
        raise UsageError("parameters ($1, ?) cannot be filled here", todo="write the value")
    node: dict[str, Any] = statement["node"]
    return node


def _special(node: Mapping[str, Any], known: Collection[str]) -> Statement | None:
    """SHOW TABLES and DESCRIBE table: answered from the manifest and the contracts."""
    shown = node.get("from_table") or {}
    if node.get("type") != "SELECT_NODE" or shown.get("type") != "SHOW_REF":
        return None
    if not _is_plain_star(node):
        return None
    kind = shown.get("show_type")
    if kind == "SHOW_FROM":
        return Statement("tables", "", subject=str(shown.get("schema_name", "")).lower())
    if kind == "SHOW_SPECIAL":
        what = str(shown.get("table_name", "")).strip('"')
        if what in ("tables", "__show_tables_expanded"):
            return Statement("tables", "")
        raise UsageError(f"SHOW {what.upper()} is not answered", todo=ALLOWED)
    inner = shown.get("query") or {}
    table = inner.get("from_table") or {}
    if kind in ("DESCRIBE", "SHOW") and table.get("type") == "BASE_TABLE" and _is_plain_star(inner):
        return Statement("describe", "", subject=_known_table(table, known))
    return None


def _is_plain_star(node: Mapping[str, Any]) -> bool:
    chosen = node.get("select_list") or []
    plain = len(chosen) == 1 and chosen[0].get("type") == "STAR"
    return plain and not node.get("modifiers") and not node.get("where_clause")


class _Walk:
    """Goes through a statement's tree and collects its tables; refuses the rest."""

    def __init__(self, known: Collection[str], two_clocks: Collection[str]) -> None:
        self.known, self.two_clocks = known, two_clocks
        self.tables: list[str] = []
        self.asof: set[str] = set()

    def query(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        kind = node.get("type")
        if kind not in _QUERY_NODES:
            raise UsageError("a statement inside changes data", why="read-only", todo=ALLOWED)
        for entry in (node.get("cte_map") or {}).get("map", ()):
            name = self._own_name(str(entry["key"]).lower())
            inner = entry["value"]["query_node"]
            recursive = inner.get("type") == "RECURSIVE_CTE_NODE"
            self.query(inner, scope | {name} if recursive else scope)
            scope = scope | {name}
            self.anything([v for k, v in entry["value"].items() if k != "query_node"], scope)
        for key, value in node.items():
            if key != "cte_map":
                self.anything(value, scope)

    def _own_name(self, name: str) -> str:
        """A WITH name; refused where it could stand before something of the database's own."""
        if _CATALOGUE.fullmatch(name) or not re.fullmatch(r"\w+", name):
            raise UsageError(f"WITH {name} is not allowed", todo="choose another name")
        return name

    def anything(self, value: Any, scope: frozenset[str]) -> None:
        if isinstance(value, list):
            for item in value:
                self.anything(item, scope)
        elif isinstance(value, dict):
            self.node(value, scope)

    def node(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE"):
            self.query(node, scope)
            return
        if kind == "BASE_TABLE":
            self.table(node, scope)
        elif kind == "TABLE_FUNCTION":
            self.table_function(node.get("function") or {})
        elif kind == "SHOW_REF" and node.get("show_type") not in ("DESCRIBE", "SUMMARY"):
            raise UsageError("SHOW inside a query is not answered", todo=ALLOWED)
        elif node.get("class") == "PARAMETER":
            raise UsageError("parameters ($1, ?) cannot be filled here", todo="write the value")
        if node.get("class") == "FUNCTION" or "function_name" in node:
            self.function(str(node.get("function_name", "")).lower())
        for item in node.values():
            self.anything(item, scope)

    def table_function(self, function: Mapping[str, Any]) -> None:
        path = [str(p) for p in (function.get("qualified_name") or {}).get("path", ()) if p]
        name = ".".join(path or [str(function.get("function_name", ""))]).lower()
        if name in _TABLE_FUNCTIONS:
            return
        table = name.removesuffix(ASOF)
        if table == name or len(path) != 2 or table not in self.two_clocks:
            raise _unknown_function(name, self.known, self.two_clocks)
        self.asof.add(table)
        self.tables.append(table)

    def function(self, name: str) -> None:
        if _REFUSED.fullmatch(name):
            raise UsageError(
                f"the function {name} is not answered", why="it looks outside the data"
            )

    def table(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        name = str(node.get("table_name", ""))
        if not node.get("schema_name") and not node.get("catalog_name") and name.lower() in scope:
            return
        if node.get("at_clause"):
            raise UsageError(
                "AT (VERSION …) is not answered", todo="--run RUN reads an earlier run"
            )
        self.tables.append(_known_table(node, self.known))


def _known_table(node: Mapping[str, Any], known: Collection[str]) -> str:
    path = [str(p) for p in (node.get("qualified_name") or {}).get("path", ()) if p]
    if not path:
        parts = ("catalog_name", "schema_name", "table_name")
        path = [str(node[p]) for p in parts if node.get(p)]
    name = ".".join(path).lower()
    if len(path) == 2 and name in known:
        return name
    raise unknown_table(name, known)


def unknown_table(name: str, known: Collection[str]) -> UsageError:
    """`there is no table x`, with the nearest that there is."""
    look = "SHOW TABLES lists what there is"
    if not re.fullmatch(r"[\w.]{1,80}", name):
        return UsageError("what stands after FROM is no table", todo=look)
    if name.startswith(("bronze.", "quarantine.", "landing.")):
        return UsageError(f"{name} is not shown to SQL", why="it holds values as delivered")
    near = nearest(name, known)
    same = [k for k in known if k.split(".", 1)[1] == name.rsplit(".", 1)[-1]]
    hints = list(dict.fromkeys([*sorted(same), *near]))[:3]
    todo = f"did you mean {', '.join(hints)}?" if hints else look
    return UsageError(f"there is no table {name}", todo=todo)


def _unknown_function(name: str, known: Collection[str], two_clocks: Collection[str]) -> UsageError:
    """`x() is no table that can be asked`, with the functions that there are."""
    if not re.fullmatch(r"[\w.]{1,80}", name):
        return UsageError("what stands after FROM is no table", todo="SHOW TABLES lists them")
    there = [t + ASOF for t in sorted(two_clocks)]
    if name.endswith(ASOF) and name.removesuffix(ASOF) in known:
        why = f"{name.removesuffix(ASOF)} has no valid_from, valid_to, known_from and known_to"
        return UsageError(f"{name}() is no table that can be asked", why=why, todo=_one_of(there))
    wide = [t for t in there if t.split(".", 1)[1] == name.rsplit(".", 1)[-1]]
    hints = list(dict.fromkeys([*wide, *nearest(name, there)]))[:3]
    todo = f"did you mean {', '.join(hints)}?" if hints else _one_of(there)
    return UsageError(f"{name}() is no table that can be asked", todo=todo)


def _one_of(there: list[str]) -> str:
    look = "SHOW TABLES lists what there is"
    return f"{look}; about the past: {', '.join(there)}" if there else look


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that are written nearly like this one."""
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
