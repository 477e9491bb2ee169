"""Reads contracts, code lists and `city.yaml`; an error names file, line and field."""

from __future__ import annotations

import csv
import importlib.resources
import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import yaml
from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from onesource import digests
from onesource.contracts.model import (
    Catalogue,
    City,
    CodeList,
    CodeRow,
    Contract,
    FieldSpec,
    Kind,
)
from onesource.contracts.properties import ContractProperties, FieldProperties
from onesource.errors import ContractError

API_VERSION = "v3.1.0"
LOGICAL_TYPES = frozenset({"string", "integer", "number", "boolean", "date", "timestamp", "time"})
Path_ = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class Lines:
    """The line of every node of a YAML text, by its path."""

    def __init__(self, node: yaml.Node | None) -> None:
        self._lines: dict[Path_, int] = {}
        if node is not None:
            self._walk(node, ())

    def _walk(self, node: yaml.Node, path: Path_) -> None:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value))
                self._lines[here] = key.start_mark.line + 1
                self._walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                self._walk(item, (*path, i))

    def at(self, path: Path_) -> int:
        """The line of the node, or of the nearest one above it that exists."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


# The largest contract has some thousand values.
MAX_NODES = 100_000
# libyaml's loader reads the same in an eighth of the time; it is in every wheel of PyYAML.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_SafeLoader):  # type: ignore[misc]
    """A loader that refuses a key said twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read_yaml(path: Path) -> tuple[Any, Lines]:
    """The value of a YAML file and the lines of its nodes. Raises ContractError."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_SafeLoader)
        if _size(node, {}) > MAX_NODES:
            raise ContractError(
                f"holds more than {MAX_NODES} values once its anchors are written out",
                where=str(path),
            )
        value = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark
        line = mark.line + 1 if mark else 1
        raise ContractError(
            "is no valid YAML", where=f"{path}:{line}", why=str(e.problem or e)
        ) from e
    except (yaml.YAMLError, RecursionError) as e:  # a control character; nested without end
        why = "nested too deeply" if isinstance(e, RecursionError) else str(e).splitlines()[0]
        raise ContractError("is no valid YAML", where=f"{path}:1", why=why) from e
    except UnicodeDecodeError as e:
        raise ContractError("is not UTF-8", where=str(path), why=str(e)) from e
    except ValueError as e:  # 2019-02-31 has the shape of a date and is none
        raise ContractError("is no valid YAML", where=f"{path}:1", why=str(e)) from e
    return value, Lines(node)


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """The number of values in a node with every anchor written out; each is counted once.

    A few lines of anchors can stand for more values than any memory holds.
    """
    if node is None:
        return 0
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1  # a node inside itself has no end
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [n for pair in node.value for n in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        known[id(node)] = 1 + sum(_size(n, known) for n in inner)
    return known[id(node)]


def _dotted(path: Path_, value: Any) -> str:
    """A path in words: list items by their name where they have one."""
    words: list[str] = []
    for part in path:
        value = _child(value, part)
        if isinstance(part, int):
            name = None
            if isinstance(value, dict):
                name = value.get("name") or value.get("property")
            words.append(f"[{name or part}]")
        else:
            words.append(f".{part}" if words else part)
    return "".join(words)


def _child(value: Any, part: str | int) -> Any:
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return value.get(part) if isinstance(value, dict) else None


@cache
def odcs_schema() -> jsonschema.Draft201909Validator:
    text = (importlib.resources.files("open_data_contract_standard") / "schema.json").read_text(
        encoding="utf-8"
    )
    return jsonschema.Draft201909Validator(json.loads(text))


class Source:
    """One contract file while it is read: makes errors that name file, line and field."""

    def __init__(self, path: Path, raw: Any, lines: Lines) -> None:
        self.path, self.raw, self.lines = path, raw, lines

    def error(self, at: Path_, what: str, todo: str = "") -> ContractError:
        field = _dotted(at, self.raw)
        return ContractError(
            f"{field}: {what}" if field else what,
            where=f"{self.path}:{self.lines.at(at)}",
            todo=todo,
        )

    def custom(self, model: type[M], items: list[CustomProperty] | None, at: Path_) -> M:
        values: dict[str, Any] = {}
        position: dict[str, int] = {}
        for i, item in enumerate(items or []):
            name = str(item.property)
            if name in values:
                raise self.error((*at, i), f"the custom property {name} stands twice")
            values[name], position[name] = item.value, i
        try:
            return model.model_validate(values)
        except ValidationError as e:
            raise self.custom_errors(model, e, position, at)[0] from e

    def custom_errors(
        self, model: type[BaseModel], e: ValidationError, position: dict[str, int], at: Path_
    ) -> list[ContractError]:
        """Every error that a model found in a list of custom properties."""
        found: list[ContractError] = []
        for error in e.errors(include_url=False):
            loc = error["loc"]
            where: Path_ = at
            if loc and str(loc[0]) in position:
                where = (*at, position[str(loc[0])], "value", *(p for p in loc[1:]))
            known = ", ".join(sorted(model.model_fields))
            todo = (
                f"known here: {known}"
                if error["type"] == "extra_forbidden" and len(loc) == 1
                else ""
            )
            name = ".".join(str(p) for p in loc)
            found.append(self.error(where, f"{name}: {error['msg']}", todo))
        return found


def load_contract(path: Path, kind: Kind, *, odcs: bool = True) -> Contract:
    """One contract from its YAML file.

    Raises ContractError (file, line, field) when it is no ODCS v3.1 contract, when one of our
    properties is wrong, or when its id does not fit its place. `odcs=False` leaves the standard's
    JSON Schema, which takes most of the time, to those who check or run.
    """
    raw, lines = read_yaml(path)
    source = Source(path, raw, lines)
    if not isinstance(raw, dict):
        raise ContractError("is no contract", where=f"{path}:1", why="the file is no mapping")
    errors = odcs_schema().iter_errors(dates_as_text(raw)) if odcs else ()
    found = sorted(errors, key=lambda e: len(list(e.absolute_path)))
    if found:
        deepest = deepest_error(found[0])
        raise source.error(tuple(deepest.absolute_path), jsonschema_words(deepest))
    try:
        model = OpenDataContractStandard.model_validate(dates_as_text(raw))
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        raise source.error(tuple(first["loc"]), first["msg"]) from e
    return _contract(source, model, kind)


def deepest_error(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    while error.context:
        error = max(error.context, key=lambda e: len(list(e.absolute_path)))
    return error


def jsonschema_words(error: jsonschema.ValidationError) -> str:
    text = str(error.message)
    return text if len(text) <= 200 else text[:200] + "…"


def dates_as_text(value: Any) -> Any:
    """YAML reads 2024-01-01 as a date; ODCS and we mean the text."""
    if isinstance(value, dict):
        return {str(k): dates_as_text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [dates_as_text(v) for v in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _contract(source: Source, odcs: OpenDataContractStandard, kind: Kind) -> Contract:
    if odcs.apiVersion != API_VERSION:
        raise source.error(("apiVersion",), f"must be {API_VERSION}")
    for required in ("name", "domain", "status"):
        if not getattr(odcs, required):
            raise source.error((), f"{required} is missing")
    objects = odcs.schema_ or []
    if len(objects) != 1:
        raise source.error(("schema",), "must hold exactly one object")
    properties = source.custom(ContractProperties, odcs.customProperties, ("customProperties",))
    fields = tuple(_field(source, i, p) for i, p in enumerate(objects[0].properties or []))
    sector, name = _identity(source, odcs, kind)
    contract = Contract(
        id=str(odcs.id),
        kind=kind,
        sector=sector,
        name=name,
        business_name=str(odcs.name),
        version=str(odcs.version),
        status=str(odcs.status),
        purpose=(odcs.description.purpose if odcs.description else None) or "",
        limitations=(odcs.description.limitations if odcs.description else None) or "",
        usage=(odcs.description.usage if odcs.description else None) or "",
        fields=fields,
        properties=properties,
        path=source.path,
        digest=digests.of_json(dates_as_text(source.raw)),
        quality=tuple(q.model_dump(exclude_none=True) for q in [*(objects[0].quality or [])]),
        tags=tuple(odcs.tags or ()),
        raw=source.raw,
    )
    _check_contract(source, contract)
    return contract


def _identity(source: Source, odcs: OpenDataContractStandard, kind: Kind) -> tuple[str, str]:
    path = source.path
    name = path.stem
    if kind in (Kind.REGISTRY, Kind.OPEN):
        expected, sector = f"{kind.value}.{name}", kind.value
    else:
        sector = path.parent.name
        expected = f"{sector}.{name}" if kind is Kind.FEED else f"curated.{sector}_{name}"
    if odcs.id != expected:
        raise source.error(("id",), f"is {odcs.id}, but the file's place says {expected}")
    if odcs.domain != sector:
        raise source.error(("domain",), f"is {odcs.domain}, but the file's place says {sector}")
    return sector, name


def _field(source: Source, i: int, p: Any) -> FieldSpec:
    at: Path_ = ("schema", 0, "properties", i)
    if not p.logicalType:
        raise source.error(at, "logicalType is missing")
    if p.logicalType not in LOGICAL_TYPES:
        raise source.error(
            (*at, "logicalType"),
            f"{p.logicalType} is not served",
            f"one of {', '.join(sorted(LOGICAL_TYPES))}",
        )
    if not p.businessName:
        raise source.error(at, "businessName (the official Chinese name) is missing")
    return FieldSpec(
        name=str(p.name),
        business_name=str(p.businessName),
        logical_type=str(p.logicalType),
        physical_type=p.physicalType,
        description=p.description or "",
        required=bool(p.required) or bool(p.primaryKey),
        primary_key=bool(p.primaryKey),
        unique=bool(p.unique),
        options=dict(p.logicalTypeOptions or {}),
        enum=tuple(str(e.value) for e in p.enum or ()),
        examples=tuple(p.examples or ()),
        properties=source.custom(FieldProperties, p.customProperties, (*at, "customProperties")),
        line=source.lines.at(at),
    )


def _check_contract(source: Source, c: Contract) -> None:
    names = c.field_names
    for i, f in enumerate(c.fields):
        at: Path_ = ("schema", 0, "properties", i)
        if not f.name.isidentifier() or f.name != f.name.lower() or f.name.startswith("_"):
            raise source.error((*at, "name"), f"{f.name} must be snake_case and not begin with _")
        if names.count(f.name) > 1:
            raise source.error((*at, "name"), f"the field {f.name} stands twice")
        for value in f.properties.standardiser.args.values() if f.properties.standardiser else ():
            if value.startswith("$") and value[1:] not in names:
                raise source.error(at, f"the argument {value} names no field")
    if (c.kind is Kind.OPEN) != (c.properties.open is not None):
        what = "needs the custom property open" if c.kind is Kind.OPEN else "is no open dataset"
        raise source.error(("customProperties",), what)
    if c.kind is Kind.OPEN:
        _check_open(source, c)
    if c.kind is not Kind.FEED:
        return
    p = c.properties
    at = ("customProperties",)
    if p.delivery is None:
        raise source.error(at, "a feed needs the custom property delivery")
    if not c.key and p.delivery.correction.value not in ("append",):
        raise source.error(
            ("schema",), f"correction {p.delivery.correction.value} needs a primaryKey"
        )
    for needed in ("catalogue_code", "provider_uscc", "steward", "permanent_uri", "update_cycle"):
        if getattr(p, needed) is None:
            raise source.error(at, f"a feed needs the custom property {needed}")
    _check_references(source, c)


def _check_open(source: Source, c: Contract) -> None:
    """An open dataset names its columns rightly and can be found in the catalogue."""
    at: Path_ = ("customProperties",)
    for needed in ("catalogue_code", "provider_uscc", "permanent_uri", "update_cycle"):
        if getattr(c.properties, needed) is None:
            raise source.error(at, f"an open dataset needs the custom property {needed}")
    if not c.key:
        raise source.error(("schema",), "an open dataset needs a primaryKey")
    o = c.open
    named = [("temporal", o.temporal)]
    if o.place:
        named += [("place.longitude", o.place.longitude), ("place.latitude", o.place.latitude)]
    if o.chart:
        named += [(f"chart.{n}", getattr(o.chart, n)) for n in ("measure", "time", "county")]
    for what, name in named:
        if name is not None and name not in c.field_names:
            raise source.error(at, f"open.{what} names {name}, which is no field")


def _check_references(source: Source, c: Contract) -> None:
    """Field names said in the delivery must be fields; groups must be groups of the pattern."""
    import re

    d, names = c.delivery, set(c.field_names)
    at: Path_ = ("customProperties",)
    try:
        groups = set(re.compile(d.pattern).groupindex)
    except re.error as e:
        raise source.error(at, f"delivery.pattern is no regular expression: {e}") from e
    used: list[tuple[str, str]] = [("fill_down", n) for n in d.fill_down]
    used += [("skip_rows_in", n) for n in d.skip_rows_in]
    if d.change_type:
        used.append(("change_type.field", d.change_type.field))
    if d.reversal:
        used += [("reversal", n) for n in (d.reversal.amount, *d.reversal.match)]
    two_clocks = c.properties.history.value == "bitemporal"
    # With two clocks the period may stand in the file's name alone: it is the statement's day.
    if c.properties.period and not (two_clocks and c.properties.period in groups):
        used.append(("period", c.properties.period))
    for n in (c.properties.valid_from, c.properties.valid_to):
        if n:
            used.append(("valid_from/valid_to", n))
    for what, n in used:
        if n not in names:
            raise source.error(at, f"{what} names {n}, which is no field")
    for n in d.replace_scope:
        if n not in names | groups:
            raise source.error(at, f"replace_scope names {n}, no field and no group of the pattern")
    for f in c.fields:
        o = f.properties.origin
        if o and o.from_ == "file_name" and o.group not in groups:
            raise source.error(
                at, f"{f.name} comes from the group {o.group}, which the pattern lacks"
            )
    s = d.statement_time
    if s.from_ == "file_name" and s.group not in groups:
        raise source.error(at, f"statement_time names the group {s.group}, which the pattern lacks")
    if s.from_ == "column" and s.field not in names:
        raise source.error(at, f"statement_time names the field {s.field}, which is no field")
    if two_clocks and d.correction.value == "replace" and not c.properties.period:
        times = {s.group, s.field} & set(d.replace_scope)
        if times:
            raise source.error(
                at,
                f"replace_scope holds {times.pop()}, the time of the statement",
                todo=f"add period: {next(iter({s.group, s.field} & set(d.replace_scope)))}; "
                "without it no later file of the scope would end what it lacks",
            )
    if c.properties.history.value == "snapshot" and not c.properties.period:
        raise source.error(at, "history snapshot needs period")


def load_city(path: Path) -> City:
    """`city.yaml`. Raises ContractError."""
    raw, lines = read_yaml(path)
    try:
        return City(
            name=raw["name"],
            code=str(raw["code"]),
            sectors=dict(raw["sectors"]),
            departments=tuple(dates_as_text(raw.get("departments", []))),
            counties={str(k): str(v) for k, v in raw["counties"].items()},
            reporting_units={
                str(k): tuple(str(u) for u in v)
                for k, v in (raw.get("reporting_units") or {}).items()
            },
            **{f"open_{k}": str(v) for k, v in (raw.get("open") or {}).items()},
        )
    except (KeyError, TypeError, AttributeError) as e:
        raise ContractError(
            f"{e} is missing or of another shape", where=f"{path}:{lines.at(())}"
        ) from e


_CODE_COLUMNS = frozenset({"code", "name", "valid_from", "valid_to", "parent"})


def load_codelist(path: Path) -> CodeList:
    """A code list: CSV with `code,name` and optional `valid_from,valid_to,parent` and others.

    Lines that begin with # are remarks (title, origin, licence). Raises ContractError.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    remarks = [ln.lstrip("# ") for ln in lines if ln.startswith("#")]
    body = [ln for ln in lines if not ln.startswith("#")]
    reader = csv.DictReader(io.StringIO("\n".join(body)))
    if not {"code", "name"} <= set(reader.fieldnames or ()):
        raise ContractError("needs the columns code and name", where=f"{path}:1")
    rows = tuple(
        CodeRow(
            code=r["code"],
            name=r["name"],
            valid_from=r.get("valid_from") or None,
            valid_to=r.get("valid_to") or None,
            parent=r.get("parent") or None,
            extra={k: v or "" for k, v in r.items() if k and k not in _CODE_COLUMNS},
        )
        for r in reader
    )
    return CodeList(
        name=path.stem,
        title=remarks[0] if remarks else path.stem,
        path=path,
        digest=digests.of_text(text),
        rows=rows,
    )


def load_catalogue(schemas: Path, *, odcs: bool = True) -> Catalogue:
    """All contracts below `schemas/`. Raises ContractError at the first that is wrong.

    `odcs=False` is for commands that only read and must answer at once.
    """
    from onesource.contracts.source_of_record import FILE, load_source_of_record

    city = load_city(schemas / "city.yaml")
    feeds = _all(schemas / "feeds", "*/*.yaml", Kind.FEED, odcs)
    for c in feeds.values():
        if c.sector not in city.sectors:
            raise ContractError(
                f"domain: the sector {c.sector} is not in city.yaml", where=f"{c.path}:1"
            )
    catalogue = Catalogue(
        city=city,
        feeds=feeds,
        registry=_all(schemas / "registry", "*.yaml", Kind.REGISTRY, odcs),
        curated=_all(schemas / "curated", "*/*.yaml", Kind.CURATED, odcs),
        codelists={p.stem: load_codelist(p) for p in sorted((schemas / "codelists").glob("*.csv"))},
        open=_all(schemas / "open", "*.yaml", Kind.OPEN, odcs),
    )
    return replace(catalogue, source_of_record=load_source_of_record(schemas / FILE, catalogue))


def _all(folder: Path, pattern: str, kind: Kind, odcs: bool) -> dict[str, Contract]:
    found = (load_contract(p, kind, odcs=odcs) for p in sorted(folder.glob(pattern)))
    return {c.id: c for c in found}
