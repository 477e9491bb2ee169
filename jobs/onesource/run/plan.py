"""Which tables a run looks at, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from onesource.clean.context import DIVISION_TABLES, uses_divisions
from onesource.config import Settings
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.curate.persons import real_input
from onesource.curate.sqlfiles import CuratedSql, load_sql
from onesource.errors import ContractError, UsageError

LAYERS = ("bronze", "silver", "registry", "curated")


@dataclass(frozen=True)
class Graph:
    """Every table with what it is built from. `optional` inputs are read where they are served."""

    contracts: Mapping[str, Contract]
    inputs: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]]
    sql: Mapping[str, CuratedSql]
    order: tuple[str, ...]

    def all_inputs(self, table: str) -> tuple[str, ...]:
        return (*self.inputs[table], *self.optional[table])

    def downstream(self, tables: set[str]) -> set[str]:
        """The tables, and all that depends on them."""
        found = set(tables)
        for t in self.order:
            if found & set(self.all_inputs(t)):
                found.add(t)
        return found


def build_graph(settings: Settings, catalogue: Catalogue) -> Graph:
    """The graph of all tables. Raises ContractError for an unknown input or a cycle."""
    contracts = catalogue.tables
    inputs: dict[str, tuple[str, ...]] = {}
    optional: dict[str, tuple[str, ...]] = {}
    sql: dict[str, CuratedSql] = {}
    sources = _sources(catalogue)
    for table, c in contracts.items():
        optional[table] = ()
        if c.kind is Kind.FEED:
            inputs[table] = ()
            if uses_divisions(c) and table not in sources:
                optional[table] = DIVISION_TABLES
        elif c.kind is Kind.REGISTRY:
            inputs[table] = tuple(c.properties.inputs)
            optional[table] = tuple(c.properties.optional_inputs)
        else:
            sql[table] = load_sql(settings.sql / c.sector / f"{c.name}.sql")
            inputs[table] = tuple(
                sorted({real_input(t) for t in sql[table].inputs if not t.startswith("codelist.")})
            )
        optional[table] = tuple(
            t for t in optional[table] if t in contracts or c.kind is not Kind.FEED
        )
        for needed in (*inputs[table], *optional[table]):
            if needed not in contracts:
                raise ContractError(
                    f"{table} reads {needed}, which no contract describes", where=str(c.path)
                )
    try:
        order = tuple(
            TopologicalSorter({t: (*inputs[t], *optional[t]) for t in contracts}).static_order()
        )
    except CycleError as e:
        raise ContractError(f"tables depend on each other: {' → '.join(e.args[1])}") from e
    return Graph(contracts, inputs, optional, sql, order)


def _sources(catalogue: Catalogue) -> set[str]:
    """The tables from which the registry of divisions itself is built."""
    found: set[str] = set()
    todo = list(DIVISION_TABLES)
    by_table = {c.table: c for c in catalogue.registry.values()}
    while todo:
        c = by_table.get(todo.pop())
        for t in (*c.properties.inputs, *c.properties.optional_inputs) if c else ():
            if t not in found:
                found.add(t)
                todo.append(t)
    return found


def division_versions(
    graph: Graph, versions: Mapping[str, int | None], feed: Contract
) -> str | None:
    """The versions of the registry of divisions that a feed is read with, as text, or None."""
    if DIVISION_TABLES[0] not in graph.optional[feed.table]:
        return None
    found = [versions.get(t) for t in DIVISION_TABLES]
    return None if found[0] is None else "/".join(str(v) for v in found)


def select(
    graph: Graph, catalogue: Catalogue, words: Sequence[str], through: str | None
) -> tuple[str, ...]:
    """The tables that `--select` and `--through` name, in building order; no words: all.

    A word is a table, `sector:NAME`, `feed:ID`; a `+` behind adds what depends on it. Raises
    UsageError for a word that names nothing.
    """
    if through is not None and through not in LAYERS:
        raise UsageError(f"there is no layer {through}", todo=f"one of {', '.join(LAYERS)}")
    chosen: set[str] = set()
    for word in words:
        plain = word.removesuffix("+")
        found = _named(graph, catalogue, plain)
        chosen |= graph.downstream(found) if word.endswith("+") else found
    if not words:
        chosen = set(graph.order)
    limit = LAYERS.index(through) if through else len(LAYERS)
    return tuple(
        t
        for t in graph.order
        if t in chosen and max(1, LAYERS.index(t.split(".")[0])) <= max(1, limit)
    )


def _named(graph: Graph, catalogue: Catalogue, word: str) -> set[str]:
    if word.startswith("feed:"):
        feed = catalogue.feeds.get(word[5:])
        if feed is None:
            raise UsageError(
                f"there is no feed {word[5:]}", todo=f"feeds: {', '.join(sorted(catalogue.feeds))}"
            )
        return {feed.table}
    if word.startswith("sector:"):
        found = {t for t, c in graph.contracts.items() if c.sector == word[7:]}
        if not found:
            raise UsageError(
                f"there is no sector {word[7:]} with tables",
                todo=f"sectors: {', '.join(sorted(catalogue.city.sectors))}",
            )
        return found
    if word.startswith("bronze."):
        word = f"silver.{word[7:]}"
    if word not in graph.contracts:
        raise UsageError(f"there is no table {word}", todo="onesource status lists the tables")
    return {word}
