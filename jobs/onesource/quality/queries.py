"""The SQL of `unexpected_rows_expectation`: what it reads, and whether it is a row condition.

`{batch}` is the table judged; other served tables are written `layer.name`. A literal brace is
doubled, as in Great Expectations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from pyspark.sql import DataFrame, SparkSession
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

BATCH = "batch__"
_PLAIN = re.compile(r"^\s*SELECT\s+\*\s+FROM\s+\{batch\}\s+WHERE\s+(?P<condition>.+)$", re.I | re.S)
_READS_ROWS_TOGETHER = (exp.AggFunc, exp.Window, exp.Subquery, exp.Select)


class BadQuery(ValueError):
    """The query cannot be read, or names something that is not there; the text says what."""


@dataclass(frozen=True)
class Query:
    """condition: set where the query is `SELECT * FROM {batch} WHERE condition` and the
    condition looks at one row alone. columns: what it returns (empty: all of the batch).
    fields: the batch's fields that it reads, where that can be told."""

    text: str
    condition: str | None
    columns: tuple[str, ...]
    fields: frozenset[str]
    tables: frozenset[str]


def read_query(text: str, fields: Sequence[str], others: Mapping[str, Sequence[str]]) -> Query:
    """Parses and checks a query against the batch's fields and the other tables' fields.

    Raises BadQuery.
    """
    text = text.strip().rstrip(";").strip()
    tree = _parse(text)
    tables = {_table_name(t) for t in tree.find_all(exp.Table)} - _named_queries(tree)
    if BATCH not in tables:
        raise BadQuery("does not read {batch}")
    unknown = sorted(tables - {BATCH} - set(others))
    if unknown:
        raise BadQuery(f"reads {unknown[0]}, which is not in `with`")
    unused = sorted(set(others) - tables)
    if unused:
        raise BadQuery(f"does not read {unused[0]}, which is in `with`")
    condition = _row_condition(tree, text)
    if condition is not None:
        alone = _condition_fields(tree)
        missing = sorted(alone - set(fields))
        if missing:
            raise BadQuery(f"{missing[0]} is no column")
        return Query(text, condition, (), frozenset(alone), frozenset())
    columns, read = _qualified(tree, fields, others)
    return Query(text, None, columns, read, frozenset(tables - {BATCH}))


def _parse(text: str) -> exp.Expression:
    plain = text.replace("{batch}", BATCH).replace("{{", "{").replace("}}", "}")
    try:
        trees = sqlglot.parse(plain, read="spark")
    except SqlglotError as e:
        raise BadQuery(f"cannot be read as SQL: {str(e).splitlines()[0][:160]}") from e
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Expression) or not isinstance(tree, exp.Query):
        raise BadQuery("must be one SELECT")
    return tree


def _table_name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else table.name


def _named_queries(tree: exp.Expression) -> set[str]:
    return {c.alias for c in tree.find_all(exp.CTE)}


def _row_condition(tree: exp.Expression, text: str) -> str | None:
    plain = _PLAIN.match(text)
    where = tree.args.get("where")
    if not plain or not isinstance(tree, exp.Select) or where is None:
        return None
    others = {
        k
        for k, v in tree.args.items()
        if v and k not in ("expressions", "from", "from_", "where", "kind")
    }
    if others or any(where.find(kind) for kind in _READS_ROWS_TOGETHER):
        return None
    return plain["condition"].replace("{{", "{").replace("}}", "}").strip()


def _condition_fields(tree: exp.Expression) -> set[str]:
    bound = {e.name for f in tree.find_all(exp.Lambda) for e in f.expressions}
    return {c.parts[0].name for c in tree.find_all(exp.Column) if c.parts[0].name not in bound}


def _qualified(
    tree: exp.Expression, fields: Sequence[str], others: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The columns that the query returns, and the batch's fields that it reads."""
    schema: dict[str, object] = {BATCH: dict.fromkeys(fields, "unknown")}
    for name, columns in others.items():
        layer, _, table = name.partition(".")
        known = schema.setdefault(layer, {})
        assert isinstance(known, dict)
        known[table] = dict.fromkeys(columns, "unknown")
    # sqlglot wants every table at the same depth: the batch gets a layer of its own.
    flat = {"batch": {BATCH: schema.pop(BATCH)}, **schema}
    work = tree.copy()
    for node in work.find_all(exp.Table):
        if node.name == BATCH:
            node.set("db", exp.to_identifier("batch"))
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(BATCH)))
    try:
        work = qualify(work, dialect="spark", schema=flat, quote_identifiers=False)
    except SqlglotError as e:
        words = re.sub(r"\s+", " ", str(e)).replace(BATCH, "{batch}")[:160]
        raise BadQuery(f"names something that is not there: {words}") from e
    names = tuple(work.named_selects) if isinstance(work, exp.Query) else ()
    aliases = {t.alias_or_name for t in work.find_all(exp.Table) if t.name == BATCH}
    read = {c.name for c in work.find_all(exp.Column) if c.table in aliases}
    return names, frozenset(read & set(fields))


def run_query(spark: SparkSession, text: str, frames: Mapping[str, DataFrame]) -> DataFrame:
    """The rows that a query finds; `frames` holds the batch (`batch`) and the other tables."""
    names = {table: f"t{i}__" for i, table in enumerate(frames) if table != "batch"}
    for table, name in names.items():
        text = re.sub(rf"(?<![\w.]){re.escape(table)}(?![\w.])", "{" + name + "}", text)
    given: dict[str, Any] = {name: frames[table] for table, name in names.items()}
    return spark.sql(text, batch=frames["batch"], **given)
