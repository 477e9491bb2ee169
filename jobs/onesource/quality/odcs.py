"""The `quality` entries of a contract, in the words of ODCS v3.1, as rules.

* `type: text` is a remark for people and makes no rule;
* `type: custom` with `engine: greatExpectations`: `implementation` holds `expectation` and
  `kwargs` as in a rule file;
* `type: sql`: `query` returns one number, which the `mustBe…` must hold of;
* `type: library`: the metrics `rowCount`, `nullValues`, `missingValues`, `invalidValues`,
  `duplicateValues`.

`description` is the Chinese text and the custom property `en` the English one; `severity` and
`dimension` are ours or ODCS's own dimension words; the custom property `owner` says who acts.
"""

from __future__ import annotations

from typing import Any

from onesource.contracts.load import Lines, read_yaml
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.quality import vocabulary
from onesource.quality.load import Place, read_rule
from onesource.quality.predicates import literal, quoted
from onesource.quality.rules import Rule

# ODCS dimension → GB/T 36344.
_DIMENSIONS = {
    "conformity": "validity",
    "coverage": "completeness",
    "uniqueness": "consistency",
}
_SIGNS = {
    "mustBe": "=",
    "mustNotBe": "<>",
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": ">=",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=",
}
_BETWEEN = {"mustBeBetween": "BETWEEN", "mustNotBeBetween": "NOT BETWEEN"}


def contract_quality(contract: Contract, catalogue: Catalogue) -> list[Rule]:
    """The rules of the contract's own `quality`, of the table and of its fields.

    Raises ContractError with file and line for an entry that makes no rule here.
    """
    objects = contract.raw.get("schema") or [{}]
    table = objects[0]
    entries: list[tuple[tuple[str | int, ...], dict[str, Any], str | None]] = [
        (("schema", 0, "quality", i), q, None) for i, q in enumerate(table.get("quality") or [])
    ]
    for p, prop in enumerate(table.get("properties") or []):
        for i, q in enumerate(prop.get("quality") or []):
            here = ("schema", 0, "properties", p, "quality", i)
            entries.append((here, q, str(prop["name"])))
    if not entries:
        return []
    lines: Lines = read_yaml(contract.path)[1]
    rules = []
    for at, entry, field in entries:
        place = Place(contract.path, lines, at)
        raw = _as_rule(entry, field, contract, place)
        if raw is not None:
            rules.append(read_rule(raw, place, contract, catalogue))
    return rules


def _as_rule(
    q: dict[str, Any], field: str | None, contract: Contract, place: Place
) -> dict[str, Any] | None:
    kind = q.get("type") or ("library" if q.get("metric") or q.get("rule") else "text")
    if kind == "text":
        return None
    custom = {str(c["property"]): c.get("value") for c in q.get("customProperties") or []}
    dimension = str(q.get("dimension") or "")
    raw: dict[str, Any] = {
        "id": q.get("name") or q.get("id"),
        "severity": q.get("severity") or "hold",
        "dimension": _DIMENSIONS.get(dimension, dimension),
        "owner": custom.get("owner") or ("provider" if contract.kind is Kind.FEED else "onesource"),
        "zh": q.get("description"),
        "en": custom.get("en"),
    }
    raw |= {k: v for k, v in custom.items() if k not in ("owner", "en")}
    if kind == "custom":
        return raw | _custom(q, place)
    if kind == "sql":
        return raw | _sql(q, field, place)
    return raw | _library(q, field, place)


def _custom(q: dict[str, Any], place: Place) -> dict[str, Any]:
    made = q.get("implementation")
    if q.get("engine") != "greatExpectations" or not isinstance(made, dict):
        raise place.error(
            "a custom check needs engine: greatExpectations and an implementation",
            todo="implementation holds expectation and kwargs",
        )
    name = made.get("expectation") or made.get("type") or made.get("expectation_type")
    return {"expectation": name, "kwargs": made.get("kwargs") or {}}


def _comparison(q: dict[str, Any], place: Place) -> str:
    """What must hold of the number, as the tail of a SQL comparison."""
    for word, sign in _SIGNS.items():
        if q.get(word) is not None:
            return f"{sign} {literal(q[word])}"
    for word, sign in _BETWEEN.items():
        if q.get(word) is not None:
            low, high = q[word]
            return f"{sign} {literal(low)} AND {literal(high)}"
    raise place.error("a check needs one of mustBe, mustBeBetween, mustBeGreaterThan and the like")


def _sql(q: dict[str, Any], field: str | None, place: Place) -> dict[str, Any]:
    query = str(q.get("query") or "")
    for word in ("${object}", "${table}", "{object}"):
        query = query.replace(word, "{batch}")
    if field:
        query = query.replace("${property}", quoted(field))
    if not query:
        raise place.error("an sql check needs a query")
    inner = f"SELECT ({query.rstrip('; ')}) AS found"
    text = f"SELECT found FROM ({inner}) WHERE NOT (found {_comparison(q, place)})"
    return {
        "expectation": vocabulary.SQL_TYPE,
        "kwargs": {"unexpected_rows_query": text},
    }


def _library(q: dict[str, Any], field: str | None, place: Place) -> dict[str, Any]:
    metric = str(q.get("metric") or q.get("rule"))
    tail = _comparison(q, place)
    if metric == "rowCount":
        number = "count(*)"
    elif metric == "duplicateValues":
        columns = _named(q, field)
        if not columns:
            raise place.error("duplicateValues needs a field or arguments.properties")
        number = f"count(*) - count(DISTINCT {', '.join(quoted(c) for c in columns)})"
    elif metric in ("nullValues", "missingValues") and field:
        number = f"count_if({quoted(field)} IS NULL)"
    elif metric == "invalidValues" and field:
        number = f"count_if({_invalid(q, field, place)})"
    else:
        raise place.error(f"the metric {metric} is not served here")
    if q.get("unit") == "percent" and metric != "rowCount":
        number = f"100.0 * ({number}) / nullif(count(*), 0)"
    text = f"SELECT found FROM (SELECT {number} AS found FROM {{batch}}) WHERE NOT (found {tail})"
    return {"expectation": vocabulary.SQL_TYPE, "kwargs": {"unexpected_rows_query": text}}


def _named(q: dict[str, Any], field: str | None) -> list[str]:
    if field:
        return [field]
    return [str(c) for c in (q.get("arguments") or {}).get("properties") or []]


def _invalid(q: dict[str, Any], field: str, place: Place) -> str:
    given = q.get("arguments") or {}
    column = quoted(field)
    if given.get("validValues"):
        return f"{column} NOT IN ({', '.join(literal(v) for v in given['validValues'])})"
    if given.get("pattern"):
        return f"NOT ({column} RLIKE {literal(given['pattern'])})"
    raise place.error("invalidValues needs arguments.validValues or arguments.pattern")
