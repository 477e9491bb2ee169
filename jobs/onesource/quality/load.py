"""Reads the rule files below `expectations/`; an error names file and line.

The format is described for people in expectations/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from onesource.contracts.load import Lines, read_yaml
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.contracts.properties import History
from onesource.errors import ContractError
from onesource.quality import parameters, vocabulary
from onesource.quality.predicates import bad_row
from onesource.quality.queries import BadQuery, Query, read_query
from onesource.quality.rules import OWNERS, Dimension, Phase, Rule, Severity, sensitive_fields

NEEDED = ("id", "expectation", "kwargs", "severity", "dimension", "owner", "zh", "en")
KEYS = (
    *NEEDED, "on", "field", "report", "with", "within", "floor", "by", "valid_from", "valid_to",
)  # fmt: skip
# Columns of the staged batch that a rule may read beside the contract's fields.
BATCH_COLUMNS = ("_delivery_id", "_statement_at")
_LAYER = {Kind.FEED: "silver", Kind.REGISTRY: "registry", Kind.CURATED: "curated"}
_ID = re.compile(r"^[a-z][a-z0-9_]*$")


def rule_file(contract: Contract, expectations: Path) -> Path:
    """Where the contract's rule file stands, whether or not there is one."""
    layer = expectations / _LAYER[contract.kind]
    folder = layer if contract.kind is Kind.REGISTRY else layer / contract.sector
    return folder / f"{contract.name}.yaml"


def check_places(expectations: Path, catalogue: Catalogue) -> None:
    """Raises ContractError for a rule file that belongs to no contract."""
    known = {rule_file(c, expectations) for c in catalogue.tables.values()}
    for path in sorted([*expectations.rglob("*.yaml"), *expectations.rglob("*.yml")]):
        if path not in known:
            raise ContractError(
                "belongs to no contract",
                where=f"{path}:1",
                todo="rules of silver.sector_name stand in expectations/silver/sector/name.yaml",
            )


def file_rules(contract: Contract, expectations: Path, catalogue: Catalogue) -> list[Rule]:
    """The rules of the contract's file; none when there is no file. Raises ContractError."""
    path = rule_file(contract, expectations)
    if not path.is_file():
        return []
    raw, lines = read_yaml(path)
    if not isinstance(raw, dict) or set(raw) != {"rules"} or not isinstance(raw["rules"], list):
        raise ContractError(
            "must hold one key, `rules`, with a list",
            where=f"{path}:1",
            todo="see expectations/README.md",
        )
    return [
        read_rule(item, Place(path, lines, ("rules", i)), contract, catalogue)
        for i, item in enumerate(raw["rules"])
    ]


@dataclass(frozen=True)
class Place:
    """Where a rule is written, for its errors and its origin."""

    path: Path
    lines: Lines
    at: tuple[str | int, ...]

    def origin(self, *more: str | int) -> str:
        return f"{self.path}:{self.lines.at((*self.at, *more))}"

    def error(self, what: str, *more: str | int, todo: str = "") -> ContractError:
        return ContractError(what, where=self.origin(*more), todo=todo)


def read_rule(raw: Any, place: Place, contract: Contract, catalogue: Catalogue) -> Rule:
    """One rule from its YAML mapping. Raises ContractError with file and line."""
    raw = _keys(raw, place)
    on = _word(raw, "on", Phase, place, "batch" if contract.kind is Kind.FEED else "table")
    severity = _word(raw, "severity", Severity, place)
    columns = _columns(contract, on)
    kwargs = _kwargs(raw, place, columns)
    query = _query(raw, kwargs, place, columns, catalogue)
    spec = vocabulary.EXPECTATIONS[raw["expectation"]]
    fields = _fields(kwargs, spec, query)
    sensitive = sensitive_fields(contract)
    rule = Rule(
        id=raw["id"],
        table=contract.table,
        expectation=spec.type,
        kwargs=kwargs,
        on=on,
        severity=severity,
        dimension=_word(raw, "dimension", Dimension, place),
        owner=_owner(raw, place, catalogue),
        zh=_text(raw, "zh", place),
        en=_text(raw, "en", place),
        origin=place.origin(),
        field=_field(raw, fields, place, columns),
        report=_report(raw, place, query, columns, sensitive),
        needs=tuple(raw.get("with") or ()),
        floor=_floor(raw, kwargs, place),
        by=_by(raw, place, contract, columns),
        valid_from=_day(raw, "valid_from", place),
        valid_to=_day(raw, "valid_to", place),
        sensitive=bool(set(fields) & sensitive),
        condition=query.condition if query else None,
        within=_within(raw, place, columns),
        key=contract.key,
    )
    _check_severity(rule, place, query)
    return rule


def _keys(item: Any, place: Place) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise place.error("a rule must be a mapping")
    # YAML 1.1 reads a bare `on` as true.
    raw: dict[str, Any] = {"on" if k is True else str(k): v for k, v in item.items()}
    name = raw.get("id", "?")
    for key in raw:
        if key not in KEYS:
            raise place.error(
                f"the rule {name} has an unknown key {key}", key, todo=f"known: {', '.join(KEYS)}"
            )
    for key in NEEDED:
        if raw.get(key) in (None, ""):
            raise place.error(f"the rule {name} lacks {key}")
    if not isinstance(raw["id"], str) or not _ID.match(raw["id"]):
        raise place.error(f"the id {raw['id']} must be snake_case", "id")
    if raw["expectation"] not in vocabulary.EXPECTATIONS:
        raise place.error(
            f"{raw['expectation']} is no expectation that rules may use",
            "expectation",
            todo="the list is in expectations/README.md",
        )
    return raw


def _word(raw: Mapping[str, Any], key: str, kind: Any, place: Place, default: str = "") -> Any:
    try:
        return kind(raw.get(key) or default)
    except ValueError as e:
        raise place.error(
            f"{key}: {raw.get(key)} is not known", key, todo=f"one of {', '.join(kind)}"
        ) from e


def _text(raw: Mapping[str, Any], key: str, place: Place) -> str:
    if not isinstance(raw[key], str):
        raise place.error(f"{key} must be a text", key)
    return " ".join(raw[key].split())


def _columns(contract: Contract, on: Phase) -> tuple[str, ...]:
    if on is Phase.BATCH:
        return (*contract.field_names, *BATCH_COLUMNS)
    if contract.kind is Kind.FEED and contract.history is History.BITEMPORAL:
        clocks = ("valid_from", "valid_to", "known_from", "known_to")
        return tuple(dict.fromkeys((*contract.field_names, *clocks)))
    return contract.field_names


def _kwargs(raw: Mapping[str, Any], place: Place, columns: Sequence[str]) -> dict[str, Any]:
    spec = vocabulary.EXPECTATIONS[raw["expectation"]]
    kwargs = raw["kwargs"]
    if not isinstance(kwargs, dict):
        raise place.error("kwargs must be a mapping", "kwargs")
    for name in kwargs:
        if name not in spec.arguments:
            raise place.error(
                f"{spec.type} has no argument {name}",
                "kwargs",
                name,
                todo=f"it has {', '.join(sorted(spec.arguments))}",
            )
    for name in (*spec.columns, *spec.needed):
        if kwargs.get(name) in (None, "", [], ()):
            raise place.error(f"{spec.type} needs {name}", "kwargs")
    if spec.either and all(kwargs.get(n) is None for n in spec.either):
        raise place.error(f"{spec.type} needs one of {', '.join(spec.either)}", "kwargs")
    for name in spec.columns:
        named = kwargs[name] if isinstance(kwargs[name], list) else [kwargs[name]]
        for column in named:
            if column not in columns:
                raise place.error(f"{column} is no column of the table", "kwargs", name)
    for name in ("min_value", "max_value"):
        if not _is_bound(kwargs.get(name)):
            raise place.error(f"{name} must be a number or a date", "kwargs", name)
    mostly = kwargs.get("mostly", 1)
    if isinstance(mostly, bool) or not isinstance(mostly, int | float) or not 0 < mostly <= 1:
        raise place.error("mostly must lie between 0 and 1", "kwargs", "mostly")
    if isinstance(kwargs.get("row_condition"), str):
        _check_condition(kwargs["row_condition"], place, columns)
    _check_parameters(kwargs, place)
    return dict(kwargs)


def _is_bound(value: Any) -> bool:
    if isinstance(value, str):
        try:
            return bool(datetime.fromisoformat(value))
        except ValueError:
            return False
    number = isinstance(value, int | float | date) and not isinstance(value, bool)
    return value is None or number or parameters.is_parameter(value)


def _check_condition(text: str, place: Place, columns: Sequence[str]) -> None:
    try:
        query = read_query(f"SELECT * FROM {{batch}} WHERE {text}", columns, {})
    except BadQuery as e:
        raise place.error(f"row_condition: {e}", "kwargs", "row_condition") from e
    if query.condition is None:
        raise place.error("row_condition must look at one row alone", "kwargs", "row_condition")


def _check_parameters(kwargs: Mapping[str, Any], place: Place) -> None:
    for name, value in kwargs.items():
        if isinstance(value, dict) and "$PARAMETER" in value:
            try:
                parameters.names_in(value)
            except parameters.BadExpression as e:
                raise place.error(f"{name}: {e}", "kwargs", name) from e


def _query(
    raw: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    place: Place,
    columns: Sequence[str],
    catalogue: Catalogue,
) -> Query | None:
    others = raw.get("with") or []
    is_sql = raw["expectation"] == vocabulary.SQL_TYPE
    for key in ("with", "within", "report"):
        if raw.get(key) and not is_sql:
            raise place.error(f"{key} goes with {vocabulary.SQL_TYPE} only", key)
        if not isinstance(raw.get(key) or [], list):
            raise place.error(f"{key} must be a list", key)
    if not is_sql:
        return None
    for table in others:
        if table not in catalogue.tables:
            raise place.error(f"{table} is no table of the catalogue", "with")
    fields = {t: _readable(catalogue.tables[t]) for t in others}
    try:
        return read_query(str(kwargs["unexpected_rows_query"]), columns, fields)
    except BadQuery as e:
        raise place.error(f"the query {e}", "kwargs", "unexpected_rows_query") from e


def _readable(contract: Contract) -> tuple[str, ...]:
    return _columns(contract, Phase.TABLE)


def _fields(
    kwargs: Mapping[str, Any], spec: vocabulary.Expectation, query: Query | None
) -> tuple[str, ...]:
    if query:
        return tuple(sorted(query.fields))
    found: list[str] = []
    for name in spec.columns:
        found += kwargs[name] if isinstance(kwargs[name], list) else [kwargs[name]]
    return tuple(found)


def _field(
    raw: Mapping[str, Any], fields: Sequence[str], place: Place, columns: Sequence[str]
) -> str | None:
    named = raw.get("field")
    if named is not None:
        if named not in columns:
            raise place.error(f"{named} is no column of the table", "field")
        return str(named)
    return fields[0] if fields and raw["expectation"] != vocabulary.SQL_TYPE else None


def _within(raw: Mapping[str, Any], place: Place, columns: Sequence[str]) -> tuple[str, ...]:
    named = tuple(str(c) for c in raw.get("within") or ())
    for name in named:
        if name not in columns:
            raise place.error(f"{name} is no column of the table", "within")
    return named


def _report(
    raw: Mapping[str, Any],
    place: Place,
    query: Query | None,
    columns: Sequence[str],
    sensitive: frozenset[str],
) -> tuple[str, ...]:
    report = tuple(str(c) for c in raw.get("report") or ())
    if not query:
        return report
    returned = query.columns or tuple(columns)
    for name in report:
        if name not in returned:
            raise place.error(f"the query returns no column {name}", "report")
        # A computed column may carry what it was computed from.
        computed = name not in columns
        if name in sensitive or (computed and query.fields & sensitive):
            raise place.error(
                f"{name} may name a person and cannot be reported",
                "report",
                todo="report columns that name no person",
            )
    return report


def _owner(raw: Mapping[str, Any], place: Place, catalogue: Catalogue) -> str:
    owner = str(raw["owner"])
    departments = {str(v) for d in catalogue.city.departments for v in d.values()}
    if owner not in OWNERS and owner not in departments:
        raise place.error(
            f"the owner {owner} is not known",
            "owner",
            todo=f"one of {', '.join(OWNERS)}, or a department of city.yaml",
        )
    return owner


def _floor(raw: Mapping[str, Any], kwargs: Mapping[str, Any], place: Place) -> float | None:
    floor = raw.get("floor")
    wanted = parameters.is_parameter(kwargs.get("min_value"))
    if wanted and floor is None:
        raise place.error("a min_value that depends on history needs a floor")
    if floor is None:
        return None
    if not wanted:
        raise place.error("floor goes with a min_value that is a $PARAMETER", "floor")
    if isinstance(floor, bool) or not isinstance(floor, int | float):
        raise place.error("floor must be a number", "floor")
    return float(floor)


def _by(
    raw: Mapping[str, Any], place: Place, contract: Contract, columns: Sequence[str]
) -> str | None:
    by = raw.get("by")
    if by is None:
        return None
    if by not in contract.field_names or contract.field(by).logical_type not in (
        "date",
        "timestamp",
    ):
        raise place.error(f"by: {by} is no date field of the contract", "by")
    if not raw.get("valid_from") and not raw.get("valid_to"):
        raise place.error("by goes with valid_from or valid_to", "by")
    return str(by)


def _day(raw: Mapping[str, Any], key: str, place: Place) -> str | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as e:
        raise place.error(f"{key} must be a date such as 2026-01-31", key) from e


def _check_severity(rule: Rule, place: Place, query: Query | None) -> None:
    """`row` and `flag` need rows to point at; `by` needs a condition on one row."""
    local = bad_row(rule) is not None
    if rule.by and not local:
        raise place.error(f"by: {rule.expectation} of this form is not judged row by row", "by")
    if rule.severity not in (Severity.ROW, Severity.FLAG):
        return
    if rule.on is not Phase.BATCH:
        raise place.error(f"severity {rule.severity} goes with on: batch only", "severity")
    if not rule.spec.points_at_rows or "mostly" in rule.kwargs:
        raise place.error(
            f"severity {rule.severity}: {rule.expectation}"
            + (" with mostly" if "mostly" in rule.kwargs else "")
            + " cannot point at rows",
            "severity",
            todo="use hold or warn",
        )
    if not local and query:
        missing = [k for k in rule.key if k not in (query.columns or ())]
        if missing or not rule.key:
            raise place.error(
                f"severity {rule.severity}: the query must return the key of the contract"
                + (f"; {missing[0]} is missing" if missing else ", which has none"),
                "kwargs",
                "unexpected_rows_query",
            )
