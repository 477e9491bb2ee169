"""Great Expectations on Spark: a suite made from rules, validated on one DataFrame.

Importing it takes seconds, so it is imported when the first gate runs, once, under a lock; the
context is shared by the threads of a run, and every validation has a data source of its own.

As few Spark jobs as possible: what can be judged row by row becomes a column of the frame, 1 where
the row is bad, whose sum is expected to be nought. So all such rules are one aggregation, the gate
counts exactly the rows that the split laid them on, and no query for samples is planned: Great
Expectations' own row expectations plan two aggregates and one such query each, which took 3 s of
processor time for a hundred rules. A test compares the two ways. No value is asked for, only
counts: `BASIC` with no samples.
"""

from __future__ import annotations

import functools
import math
import os
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.errors import ContractError, OneSourceError
from onesource.quality import parameters, vocabulary
from onesource.quality.predicates import bad_row
from onesource.quality.queries import run_query
from onesource.quality.rules import Rule

BAD_ROWS = "expect_column_sum_to_be_between"
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_lock = threading.Lock()
# Counts that a validation under way asks for, by the token that its expectation carries.
_counts: dict[str, Callable[[], int]] = {}


@dataclass(frozen=True)
class Outcome:
    """What one rule's expectation came to. error: class and condition only, never a message, for
    a message may quote a value. unexpected is None for rules that count no rows."""

    success: bool
    evaluated: int | None = None
    unexpected: int | None = None
    observed: Any = None
    error: str | None = None


@dataclass(frozen=True)
class _Engine:
    gx: Any
    context: Any
    classes: Mapping[str, type]
    query_class: type


def evaluate(
    frame: DataFrame,
    rules: Sequence[tuple[Rule, Mapping[str, Any]]],
    tables: Mapping[str, DataFrame],
    of: int | None = None,
) -> tuple[int, list[Outcome]]:
    """The frame's number of rows, and one outcome per rule, in the rules' order.

    rules: each with its arguments, parameters worked out. tables: what SQL rules read beside the
    batch. of: the rows of the whole, where the frame is a part of it in which all bad rows are.
    An error inside a rule is its outcome; an error of the engine itself raises.
    """
    engine = _engine()
    expectations, tokens = [], []
    flags: dict[str, Column] = {}
    unusable: dict[int, Outcome] = {}
    try:
        for i, (rule, kwargs) in enumerate(rules):
            if _is_query(rule):
                tokens.append(uuid.uuid4().hex)
                _counts[tokens[-1]] = _counter(frame, rule, tables)
                made = engine.query_class(token=tokens[-1], meta={"rule": i})
            else:
                name, given = rule.expectation, kwargs
                if _as_column(rule):
                    flags[f"_bad{i}"] = F.expr(f"CAST({bad_row(rule)} AS INT)")
                    name, given = BAD_ROWS, {"column": f"_bad{i}", "max_value": 0}
                try:
                    made = _expectation(engine, name, given, i)
                except Exception as e:  # its message may quote an argument, never the data
                    unusable[i] = Outcome(False, error=type(e).__name__)
                    continue
            expectations.append(made)
        counting = _expectation(engine, vocabulary.ROW_COUNT, {"min_value": 0}, -1)
        results = _validate(engine, frame.withColumns(flags), [counting, *expectations])
    finally:
        for token in tokens:
            _counts.pop(token, None)
    rows = results.get(-1, {}).get("result", {}).get("observed_value")
    if rows is None:
        raise OneSourceError(
            "the rows could not be counted", why=_error(results.get(-1, {})) or "no result"
        )
    return int(rows), [
        unusable.get(i) or _outcome(rule, results.get(i), int(rows) if of is None else of)
        for i, (rule, _) in enumerate(rules)
    ]


def _expectation(engine: _Engine, name: str, kwargs: Mapping[str, Any], i: int) -> Any:
    """A new expectation object: one cannot stand in two suites."""
    given = dict(kwargs)
    if given.get("row_condition"):
        given["condition_parser"] = "spark"
    if name == vocabulary.ROW_COUNT:
        # Great Expectations would cut a bound of 3.5 rows to 3.
        given |= {k: math.ceil(given[k]) for k in ("min_value",) if given.get(k) is not None}
        given |= {k: math.floor(given[k]) for k in ("max_value",) if given.get(k) is not None}
    return engine.classes[name](**given, meta={"rule": i})


def check_arguments(rules: Sequence[Rule]) -> None:
    """Raises ContractError for the first rule whose arguments Great Expectations refuses.

    Takes the seconds that importing it takes: for `onesource check` and the tests.
    """
    engine = _engine()
    for rule in rules:
        kwargs = {k: v for k, v in rule.kwargs.items() if not parameters.is_parameter(v)}
        if rule.expectation != vocabulary.SQL_TYPE:
            try:
                _expectation(engine, rule.expectation, kwargs, 0)
            except Exception as e:
                raise ContractError(
                    f"the arguments of {rule.id} do not suit {rule.expectation}",
                    where=rule.origin,
                    why=" ".join(str(e).split())[:200],
                ) from e


def _is_query(rule: Rule) -> bool:
    return rule.expectation == vocabulary.SQL_TYPE and rule.condition is None


def _as_column(rule: Rule) -> bool:
    """Is the rule's row condition counted as a column of its own? Not where the condition reads
    the rows of one value together: a window cannot be summed with the others."""
    condition = bad_row(rule)
    return condition is not None and " OVER (" not in condition


def _counter(frame: DataFrame, rule: Rule, tables: Mapping[str, DataFrame]) -> Callable[[], int]:
    def count() -> int:
        frames = {"batch": frame, **{t: tables[t] for t in rule.needs}}
        query = str(rule.kwargs["unexpected_rows_query"])
        return run_query(frame.sparkSession, query, frames).count()

    return count


def _validate(engine: _Engine, frame: DataFrame, expectations: list[Any]) -> dict[int, Any]:
    name = f"gate-{uuid.uuid4().hex}"
    with _lock:
        source = engine.context.data_sources.add_spark(name, persist=False)
    try:
        asset = source.add_dataframe_asset("frame")
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        suite = engine.gx.ExpectationSuite(name=name, expectations=expectations)
        found = batch.validate(suite, result_format=RESULT_FORMAT)
    finally:
        with _lock:
            engine.context.data_sources.delete(name)
    return {
        r.expectation_config.meta["rule"]: {
            "success": bool(r.success),
            "result": r.result or {},
            "exception_info": r.exception_info or {},
        }
        for r in found.results
    }


def _outcome(rule: Rule, found: Mapping[str, Any] | None, rows: int) -> Outcome:
    if found is None:
        return Outcome(False, error="no result")
    error = _error(found)
    if error:
        return Outcome(False, error=error)
    result = found["result"]
    if _is_query(rule):
        return _counted(rule, int(result["observed_value"]), rows)
    if _as_column(rule):
        return _counted(rule, int(result.get("observed_value") or 0), rows)
    if rule.spec.points_at_rows:
        unexpected = int(result.get("unexpected_count") or 0)  # left out of an empty table
        success = found["success"] or unexpected <= rule.tolerate
        return Outcome(success, rows, unexpected)
    return Outcome(found["success"], rows, None, result.get("observed_value"))


def _counted(rule: Rule, unexpected: int, rows: int) -> Outcome:
    # A hair's breadth, for shares such as 1 - 0.9 are not exact.
    allowed = (1 - float(rule.kwargs.get("mostly", 1))) * rows + 1e-9
    return Outcome(unexpected <= max(allowed, rule.tolerate), rows, unexpected)


_CONDITION = re.compile(r"\[([A-Z][A-Z_]+(?:\.[A-Z_]+)*)\]")


def _error(found: Mapping[str, Any]) -> str | None:
    """The error's class or Spark condition. The message itself may quote a value of the data."""
    info = found.get("exception_info") or {}
    infos = [info] if "raised_exception" in info else list(info.values())
    for one in infos:
        if one.get("raised_exception"):
            text = f"{one.get('exception_message')}\n{one.get('exception_traceback')}"
            condition = _CONDITION.search(text)
            return condition[1] if condition else "the check raised an error"
    return None


def _engine() -> _Engine:
    with _lock:
        return _load()


@functools.cache
def _load() -> _Engine:
    # No usage statistics leave the machine.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # A context of its own making would leave a folder for its HTML pages in /tmp.
    stores = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults())
    context = gx.get_context(mode="ephemeral", project_config=stores)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    by_name = {name.lower(): getattr(gxe, name) for name in dir(gxe)}
    classes = {
        name: by_name[name.replace("_", "")]
        for name in vocabulary.EXPECTATIONS
        if name != vocabulary.SQL_TYPE
    }
    return _Engine(gx, context, classes, _query_expectation())


def _query_expectation() -> type:
    """The expectation behind `unexpected_rows_expectation` with a query over several rows.

    Great Expectations' own names its view `tmp_view` whatever the thread, so that two gates at a
    time read each other's data, and it collects rows that nobody asked for. This one counts.
    """
    from great_expectations.execution_engine import SparkDFExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

    class OneSourceQueryCount(TableMetricProvider):  # type: ignore[misc]
        metric_name = "onesource.query.count"
        value_keys = ("token",)

        @metric_value(engine=SparkDFExecutionEngine)
        def _spark(cls, metric_value_kwargs, **_):  # type: ignore[no-untyped-def]
            return _counts[metric_value_kwargs["token"]]()

    class ExpectQueryToFindNoRows(BatchExpectation):  # type: ignore[misc]
        token: str
        metric_dependencies = ("onesource.query.count",)
        success_keys = ("token",)

        def _validate(self, metrics, runtime_configuration=None, execution_engine=None):  # type: ignore[no-untyped-def]
            found = metrics["onesource.query.count"]
            return {"success": found == 0, "result": {"observed_value": found}}

    return ExpectQueryToFindNoRows
