"""Column lineage of a curated table, read from its SQL, and its OpenLineage event.

Direct: the value of an output column is made of these input columns. Indirect: they decide which
rows there are (joins, filters, groups). `IDENTITY` means passed through unchanged.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from onesource import __version__
from onesource.config import now
from onesource.contracts.model import Catalogue
from onesource.curate.sqlfiles import DIALECT, CuratedSql, first_line, schema_of
from onesource.errors import ContractError

IDENTITY, TRANSFORMATION, AGGREGATION = "IDENTITY", "TRANSFORMATION", "AGGREGATION"
# An aggregate that shows one of its values (min, any_value, …), and one that shows none (count).
PICKED, COUNTED = "PICKED", "COUNTED"
JOIN, FILTER, GROUP_BY, SORT = "JOIN", "FILTER", "GROUP_BY", "SORT"
# What shows more of the value comes first.
_RANK = {IDENTITY: 0, TRANSFORMATION: 1, PICKED: 2, AGGREGATION: 3, COUNTED: 4}
_COUNTS = (exp.Count, exp.CountIf, exp.ApproxDistinct)
_SUMS = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)
# OpenLineage knows three.
_SUBTYPE = {h: h if h in (IDENTITY, TRANSFORMATION) else AGGREGATION for h in _RANK}
_PRODUCER = f"urn:onesource:{__version__}"


@dataclass(frozen=True, order=True)
class InputColumn:
    """A column of an input table: `silver.energy_coal_daily`, `output_t`."""

    table: str
    column: str


@dataclass(frozen=True)
class Lineage:
    """Where a table's columns come from.

    columns: output column → input column → how: `IDENTITY`, `TRANSFORMATION`, or by an aggregate
    `PICKED` (it shows one of the values), `AGGREGATION` (a sum or mean), `COUNTED`. Of several ways
    it is the one that shows most of the value.
    rows: input column → how it decides which rows there are (`JOIN`, `FILTER`, `GROUP_BY`).
    """

    columns: Mapping[str, Mapping[InputColumn, str]]
    rows: Mapping[InputColumn, frozenset[str]]

    def unchanged(self, column: str) -> tuple[InputColumn, ...]:
        """The input columns whose value the output column passes on as it is."""
        found = self.columns.get(column, {})
        return tuple(sorted(c for c, how in found.items() if how == IDENTITY))


_Made = dict[str, dict[InputColumn, str]]


@dataclass
class _Reading:
    """The scopes that were read so far: what each makes, by output column."""

    made: dict[int, _Made] = field(default_factory=dict)
    rows: dict[InputColumn, set[str]] = field(default_factory=dict)


def column_lineage(sql: CuratedSql, catalogue: Catalogue) -> Lineage:
    """The lineage of every output column.

    Raises ContractError with file and line when a column cannot be found in the inputs.
    """
    tree = _qualified(sql, catalogue)
    reading = _Reading()
    outer: _Made = {}
    for scope in traverse_scope(tree):
        outer = _scope(scope, reading)
        reading.made[id(scope)] = outer
    return Lineage(
        {name: dict(sorted(found.items())) for name, found in outer.items()},
        {column: frozenset(how) for column, how in sorted(reading.rows.items())},
    )


def _qualified(sql: CuratedSql, catalogue: Catalogue) -> exp.Query:
    schema: dict[str, Any] = {}
    for table in sql.inputs:
        layer, name = table.split(".", 1)
        columns = schema_of(catalogue, table)
        if columns is not None:
            schema.setdefault(layer, {})[name] = dict.fromkeys(columns, "string")
    try:
        return qualify(
            sql.tree.copy(),
            schema=schema,
            dialect=DIALECT,
            validate_qualify_columns=True,
            identify=False,
        )
    except SqlglotError as e:
        why = first_line(e)
        line = why.split("Line: ")[1].split(",")[0] if "Line: " in why else "1"
        raise ContractError(
            "a column is not found in the inputs",
            where=f"{sql.path}:{line}",
            why=why.split(". Line:")[0],
        ) from e


def _scope(scope: Scope, reading: _Reading) -> _Made:
    if scope.set_operation_scopes:
        return _union(scope, reading)
    query = scope.expression
    if isinstance(query, exp.UDTF):
        return _exploded(scope, query, reading)
    if not isinstance(query, exp.Select):
        return {}
    _note_rows(scope, query, reading)
    made: _Made = {}
    for selected in query.selects:
        found = made.setdefault(selected.alias_or_name, {})
        inner = selected.unalias()
        for column, how in _of_expression(inner, scope, reading):
            _keep(found, column, how)
    return made


def _exploded(scope: Scope, query: exp.UDTF, reading: _Reading) -> _Made:
    """The columns that LATERAL VIEW makes: each of all that the function is given."""
    found: dict[InputColumn, str] = {}
    for column in query.find_all(exp.Column):
        for source, how in _of_column(column, scope, reading):
            _keep(found, source, max(TRANSFORMATION, how, key=lambda h: _RANK[h]))
    return {name: dict(found) for name in query.alias_column_names}


def _union(scope: Scope, reading: _Reading) -> _Made:
    """Column by place: what the two halves make; named as in the first."""
    left, right = (reading.made.get(id(s), {}) for s in scope.set_operation_scopes)
    made: _Made = {name: dict(found) for name, found in left.items()}
    for name, found in zip(made, right.values(), strict=False):
        for column, how in found.items():
            _keep(made[name], column, how)
    return made


def _keep(found: dict[InputColumn, str], column: InputColumn, how: str) -> None:
    """Of several ways the one that shows most of the value is kept."""
    if column not in found or _RANK[how] < _RANK[found[column]]:
        found[column] = how


def _of_expression(
    node: exp.Expr, scope: Scope, reading: _Reading
) -> Iterator[tuple[InputColumn, str]]:
    """The input columns in an expression of a scope, and what was done to them on the way."""
    for column in _columns_of(node):
        own = _how(column, node)
        for found, how in _of_column(column, scope, reading):
            yield found, max(own, how, key=lambda h: _RANK[h])
    for query in node.find_all(exp.Query):
        inner = next((s for s in scope.subquery_scopes if s.expression is query.unnest()), None)
        own = _how(query, node)
        for made in reading.made.get(id(inner), {}).values():
            for found, how in made.items():
                yield found, max(own, how, key=lambda h: _RANK[h])


def _columns_of(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns of an expression, those of queries inside left out."""
    for part in node.walk(prune=lambda n: isinstance(n, exp.Query)):
        if isinstance(part, exp.Column):
            yield part


def _how(part: exp.Expr, node: exp.Expr) -> str:
    """What an expression does to a part of it: the aggregate around the part decides."""
    if part is node.unnest():
        return IDENTITY
    at: exp.Expr | None = part
    while at is not None and not isinstance(at, exp.AggFunc):
        at = at.parent if at is not node else None
    if at is None:
        return TRANSFORMATION
    if isinstance(at, _COUNTS):
        return COUNTED
    return AGGREGATION if isinstance(at, _SUMS) else PICKED


def _of_column(
    column: exp.Column, scope: Scope, reading: _Reading
) -> Iterator[tuple[InputColumn, str]]:
    at: Scope | None = scope
    while at is not None:  # a correlated subquery reads columns of the queries around it
        source = at.sources.get(column.table)
        if isinstance(source, Scope):
            yield from reading.made.get(id(source), {}).get(column.name, {}).items()
            return
        if isinstance(source, exp.Table) and source.db:
            yield InputColumn(f"{source.db}.{source.name}", column.name), IDENTITY
            return
        at = at.parent


def _note_rows(scope: Scope, query: exp.Select, reading: _Reading) -> None:
    """Notes the columns by which rows are joined, filtered and grouped."""
    parts: list[tuple[exp.Expr, str]] = []
    for join in query.args.get("joins") or ():
        parts += [(node, JOIN) for node in (join.args.get("on"),) if node is not None]
    for key, how in (("where", FILTER), ("having", FILTER), ("qualify", FILTER)):
        if query.args.get(key) is not None:
            parts.append((query.args[key], how))
    group = query.args.get("group")
    if group is not None:
        parts.append((group, GROUP_BY))
    for node, how in parts:
        for column, _ in _of_expression(node, scope, reading):
            reading.rows.setdefault(column, set()).add(how)


def openlineage_event(
    sql: CuratedSql,
    catalogue: Catalogue,
    run: str,
    *,
    inputs: Mapping[str, int],
    version: int,
) -> dict[str, Any]:
    """The OpenLineage RunEvent (COMPLETE) of one build of a curated table, as JSON values.

    Holds the SQL, the input versions, the schema and the column lineage; never a row. The run's
    id is the UUID that follows from our run's name and the table.
    """
    from openlineage.client import event_v2
    from openlineage.client.serde import Serde

    contract = next(
        c
        for c in catalogue.curated.values()
        if c.sector == sql.path.parent.name and c.name == sql.path.stem
    )
    lineage = column_lineage(sql, catalogue)
    event = event_v2.RunEvent(
        eventType=event_v2.RunState.COMPLETE,
        eventTime=now().isoformat(),
        run=event_v2.Run(
            runId=str(uuid.uuid5(uuid.NAMESPACE_URL, f"onesource:{run}:{contract.table}")),
            facets=_run_facets(run),
        ),
        job=event_v2.Job(
            namespace=catalogue.city.name, name=contract.table, facets=_job_facets(sql)
        ),
        inputs=[
            event_v2.InputDataset(catalogue.city.name, name, facets=_version(inputs.get(name)))
            for name in sql.inputs
        ],
        outputs=[
            event_v2.OutputDataset(
                catalogue.city.name,
                contract.table,
                facets=_version(version) | _output_facets(contract, lineage, catalogue.city.name),
            )
        ],
        producer=_PRODUCER,
    )
    value: dict[str, Any] = json.loads(Serde.to_json(event))
    return value


def _version(version: int | None) -> dict[str, Any]:
    from openlineage.client.generated import dataset_version_dataset as facet

    if version is None:
        return {}
    return {
        "version": facet.DatasetVersionDatasetFacet(datasetVersion=str(version), producer=_PRODUCER)
    }


def _run_facets(run: str) -> dict[str, Any]:
    from openlineage.client.generated import parent_run

    return {
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=str(uuid.uuid5(uuid.NAMESPACE_URL, f"onesource:{run}"))),
            job=parent_run.Job(namespace="onesource", name="run"),
            producer=_PRODUCER,
        )
    }


def _job_facets(sql: CuratedSql) -> dict[str, Any]:
    from openlineage.client.generated import documentation_job, sql_job

    return {
        "sql": sql_job.SQLJobFacet(query=sql.text, producer=_PRODUCER),
        "documentation": documentation_job.DocumentationJobFacet(
            description=sql.header, producer=_PRODUCER
        ),
    }


def _output_facets(contract: Any, lineage: Lineage, namespace: str) -> dict[str, Any]:
    from openlineage.client.generated import column_lineage_dataset as facet
    from openlineage.client.generated import schema_dataset

    def item(column: InputColumn, kind: str, hows: list[str]) -> facet.InputField:
        return facet.InputField(
            namespace=namespace,
            name=column.table,
            field=column.column,
            transformations=[facet.Transformation(type=kind, subtype=how) for how in hows],
        )

    return {
        "schema": schema_dataset.SchemaDatasetFacet(
            fields=[
                schema_dataset.SchemaDatasetFacetFields(
                    name=f.name, type=f.spark_type, description=f.business_name
                )
                for f in contract.fields
            ],
            producer=_PRODUCER,
        ),
        "columnLineage": facet.ColumnLineageDatasetFacet(
            fields={
                name: facet.Fields(
                    inputFields=[item(c, "DIRECT", [_SUBTYPE[how]]) for c, how in found.items()]
                )
                for name, found in lineage.columns.items()
            },
            dataset=[item(c, "INDIRECT", sorted(hows)) for c, hows in lineage.rows.items()],
            producer=_PRODUCER,
        ),
    }
