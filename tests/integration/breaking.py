"""Makes, for any contract, a row that its rules pass, and rows that break one rule each.

Nothing here knows a table. A valid value of a field follows from its contract (examples, listed
values, code list, range, length, type); what may break a rule is tried out: values at and beyond
the bounds that contract and rules name, nulls, other types of text, far dates. Which row breaks
which rule is then asked of the rules themselves. What cannot be found so is said in
`tests/samples/<table>.yaml`: `row` overrides fields of the valid row, `rows` is a whole valid
table, `breaks` holds for a rule's id the rows that make the valid ones fail it, `instead` the rows
that fail it in their place, `tables` rows of the other tables that rules read. A row with
`each: {code: [a, b]}` stands for one row per value.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.contracts.model import Catalogue, Contract, FieldSpec, History, Kind
from onesource.quality.predicates import bad_row
from onesource.quality.rules import Phase, Rule
from onesource.spark.local import local_rows

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
ISSUES = "array<struct<field:string,verdict:string,raw:string,detail:string>>"
DAY = date(2020, 6, 15)
# How many values of a field are combined with those of the others that a rule reads with it.
COMBINED = 10
CLOCKS = {
    "valid_from": "date",
    "valid_to": "date",
    "known_from": "timestamp",
    "known_to": "timestamp",
}


@dataclass(frozen=True)
class Sample:
    """What `tests/samples/<table>.yaml` says; empty where there is no such file."""

    row: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    breaks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    instead: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def sample_of(table: str) -> Sample:
    path = SAMPLES / f"{table}.yaml"
    if not path.is_file():
        return Sample()
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Sample(
        row=said.pop("row", {}),
        rows=_each(said.pop("rows", [])),
        **{what: {k: _each(rows) for k, rows in by.items()} for what, by in said.items()},
    )


def _each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = []
    for row in rows:
        [(name, values)] = row.get("each", {None: [None]}).items()
        rest = {k: v for k, v in row.items() if k != "each"}
        made += [rest | ({name: v} if name else {}) for v in values]
    return made


def columns(contract: Contract, phase: Phase) -> dict[str, str]:
    """The columns that the gate of this phase sees: name → Spark type."""
    fields = {f.name: f.spark_type for f in contract.fields}
    if phase is Phase.BATCH:
        extra = {"_issues": ISSUES, "_delivery_id": "string", "_statement_at": "timestamp"}
        return fields | extra
    clocks = contract.kind is Kind.FEED and contract.history is History.BITEMPORAL
    return fields | (CLOCKS if clocks else {})


def typed(value: Any, spark_type: str) -> Any:
    """A value of YAML, or one made here, as Spark wants it."""
    if value is None:
        return None
    if spark_type.startswith("decimal"):
        scale = int(re.findall(r"\d+", spark_type)[1]) if "," in spark_type else 0
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-scale))
    if spark_type in ("int", "bigint", "smallint", "tinyint", "long", "integer"):
        return int(value)
    if spark_type in ("double", "float"):
        return float(value)
    if spark_type == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    if spark_type == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if spark_type == "timestamp" and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    if spark_type == "string" and not isinstance(value, str):
        return str(value)
    return value


def valid_row(contract: Contract, catalogue: Catalogue, phase: Phase) -> dict[str, Any]:
    """One row that the contract allows, with the sample's own values over it."""
    row: dict[str, Any] = {}
    for f in contract.fields:
        row[f.name] = valid_value(f, catalogue)
    row |= {"_issues": [], "_delivery_id": "d1", "_statement_at": datetime(2020, 6, 15)}
    row |= {"valid_from": row.get("valid_from") or DAY, "known_from": row.get("known_from") or DAY}
    row |= sample_of(contract.table).row
    return {n: typed(row.get(n), t) for n, t in columns(contract, phase).items()}


def valid_value(f: FieldSpec, catalogue: Catalogue) -> Any:
    o = f.options
    if f.enum:
        return f.enum[0]
    if f.properties.codelist:
        return catalogue.codelists[f.properties.codelist].codes[0]
    if f.spark_type == "string":
        return _valid_text(f)
    if f.spark_type == "date":
        return DAY
    if f.spark_type == "timestamp":
        return datetime(2020, 6, 15, 8)
    if f.spark_type == "boolean":
        return True
    if f.spark_type.startswith(("array", "map", "struct")):
        return None
    low = o.get("minimum", o.get("exclusiveMinimum"))
    high = o.get("maximum", o.get("exclusiveMaximum"))
    step = o.get("multipleOf")
    if low is not None and high is not None:
        value = (Decimal(str(low)) + Decimal(str(high))) / 2
    else:
        value = Decimal(str(low)) + 1 if low is not None else Decimal(str(high or 2)) - 1
    if step:
        value = value // Decimal(str(step)) * Decimal(str(step))
    return value


def _valid_text(f: FieldSpec) -> str:
    pattern = f.options.get("pattern", "")
    low, high = f.options.get("minLength", 0), f.options.get("maxLength", 10**6)
    given = [str(e) for e in f.examples]
    for n in range(max(low, 1), min(high, 24) + 1):
        given += ["1" * n, "a" * n, "A" * n, "吕" * n]
    given += re.findall(r"[^()^$|\\\[\]]+", pattern)
    given += [
        "2020-06-15",
        "2020-06",
        "2020",
        "141100",
        "141102000000",
        "08:00",
        "M100",
        "sha256:0",
    ]
    for text in given:
        if low <= len(text) <= high and (not pattern or re.search(pattern, text)):
            return text
    return given[0]


def values_to_try(f: str, spark_type: str, good: Any, words: Sequence[str]) -> list[Any]:
    """Values of a field that may break something. words: literals that rules and contract name."""
    found: list[Any] = [None]
    if spark_type == "string":
        found += ["", "x", "x" * 300, "测试", "吕" * 50, f"{good}x", f"x{good}", *words]
        found += [w[:-1] for w in words if w]
    elif spark_type in ("date", "timestamp"):
        if good is not None:
            steps = (-4000, -400, -40, -1, 1, 40, 400, 4000)
            found += [good + timedelta(days=d) for d in steps]
        found += [date(1900, 1, 1), date(2100, 1, 1)]
        for w in words:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", w):
                found += [date.fromisoformat(w) + timedelta(days=d) for d in (-1, 0, 1)]
    elif spark_type == "boolean":
        found += [True, False]
    elif not spark_type.startswith(("array", "map", "struct")):
        numbers = [Decimal(w) for w in words if re.fullmatch(r"-?\d+(\.\d+)?", w)]
        near = [n + d for n in numbers for d in (0, 1, -1, Decimal("0.5"), Decimal("0.001"))]
        near += [n * k for n in numbers for k in (2, Decimal("0.5"))]
        scaled = [Decimal(str(good)) * k for k in (-1, 2, 10, 1000, Decimal("0.1"))] if good else []
        found += [0, -1, 1, 2, 100, 10**4, 10**6, 10**9, *scaled, *near]
    return _fitting(found, spark_type)


def _fitting(values: Sequence[Any], spark_type: str) -> list[Any]:
    fitting: list[Any] = []
    for value in values:
        try:
            made = typed(value, spark_type)
        except (ValueError, ArithmeticError):
            continue
        if spark_type.startswith("decimal") and made is not None:
            precision = int(re.findall(r"\d+", spark_type)[0])
            if len(made.as_tuple().digits) > precision:
                continue
        if spark_type in ("int", "integer") and made is not None and abs(made) >= 2**31:
            continue
        if made not in fitting:
            fitting.append(made)
    return fitting


def candidates(
    contract: Contract, rules: Sequence[Rule], good: dict[str, Any], phase: Phase
) -> list[dict[str, Any]]:
    """Rows that each differ from the good one in what some rule looks at."""
    types = columns(contract, phase)
    words = _words(contract, rules)
    tries = {
        n: values_to_try(n, t, good[n], words.get(n, [])) for n, t in types.items() if n[0] != "_"
    }
    rows = [good | {n: v} for n, values in tries.items() for v in values if v != good[n]]
    if phase is Phase.BATCH:
        unread = {"verdict": "FMT", "raw": None, "detail": None}
        rows += [good | {n: None, "_issues": [{"field": n, **unread}]} for n in tries]
    for rule in rules:
        read = sorted(_fields(rule, types) & set(tries))
        if 2 <= len(read) <= 4:
            some = [_spread(tries[n], COMBINED if len(read) < 4 else 6) for n in read]
            rows += [good | dict(zip(read, c, strict=True)) for c in itertools.product(*some)]
    return rows


def _spread(values: list[Any], n: int) -> list[Any]:
    step = max(1, len(values) // n)
    return values[::step][:n]


def _fields(rule: Rule, types: dict[str, str]) -> set[str]:
    text = " ".join(str(v) for v in (rule.condition, rule.by, *rule.kwargs.values()))
    return {n for n in types if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text)}


def _words(contract: Contract, rules: Sequence[Rule]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    names = [f.name for f in contract.fields]
    for rule in rules:
        text = " ".join(
            str(v)
            for v in (bad_row(rule) or "", rule.valid_from, rule.valid_to, *rule.kwargs.values())
        )
        literals = re.findall(r"'([^']*)'", text) + re.findall(r"(?<![\w.'-])-?\d+(?:\.\d+)?", text)
        for name in _fields(rule, dict.fromkeys(names, "")):
            found.setdefault(name, []).extend(dict.fromkeys(literals))
    return {n: list(dict.fromkeys(w))[:40] for n, w in found.items()}


def frame(spark: SparkSession, rows: Sequence[dict[str, Any]], types: dict[str, str]) -> DataFrame:
    schema = ", ".join(f"`{n}` {t}" for n, t in types.items())
    values = [tuple(typed(r.get(n), t) for n, t in types.items()) for r in rows]
    return local_rows(spark, values, schema).coalesce(1)


def local(rules: Sequence[Rule]) -> list[Rule]:
    """The rules that a row answers by itself."""
    return [r for r in rules if (c := bad_row(r)) and " OVER (" not in c and not r.per_delivery]


def failures(
    spark: SparkSession,
    rows: Sequence[dict[str, Any]],
    types: dict[str, str],
    rules: Sequence[Rule],
) -> list[frozenset[str]]:
    """For each row the ids of the rules that it fails, as the split would find them."""
    made = frame(spark, [r | {"_n": i} for i, r in enumerate(rows)], types | {"_n": "int"})
    cases = ", ".join(f"CASE WHEN {bad_row(r)} THEN '{r.id}' END" for r in rules)
    found = made.select("_n", F.expr(f"array_compact(array({cases}))").alias("bad")).collect()
    by_row = {r["_n"]: frozenset(r["bad"]) for r in found}
    return [by_row[i] for i in range(len(rows))]
