"""What changed in a contract since an earlier version, and whether a reader or provider breaks.

Works on the files' own YAML, so that an old version needs not satisfy today's models. A change
breaks when a delivery that was accepted may now be refused, or when a query that answered may now
fail or mean something else. Semantic versions: breaking → major, additive → minor, words → patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Step(IntEnum):
    """How far the version must move."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True)
class Change:
    """One change; field is None for the contract itself."""

    step: Step
    what: str
    field: str | None = None


_BOUNDS_LOW = ("minimum", "exclusiveMinimum", "minLength")
_BOUNDS_HIGH = ("maximum", "exclusiveMaximum", "maxLength")
# Properties of a field whose change gives its values another meaning or shape.
_MEANING = ("unit", "codelist", "period_kind", "identifier", "origin")
# Properties of a contract that say what its rows are.
_ROWS = ("history", "period", "valid_from", "valid_to")
# Parts of a delivery that say how files are read and what a file speaks for.
_FILES = ("format", "correction", "replace_scope", "change_type", "reversal", "crs")
_DEFAULTS: dict[str, Any] = {
    "history": "current",
    "correction": "upsert",
    "replace_scope": [],
    "identifier": "none",
}


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every change between two versions of a contract's YAML value."""
    found = [*_contract(old, new), *_fields(old, new)]
    if not found and _without_version(old) != _without_version(new):
        found.append(Change(Step.PATCH, "words or other properties changed"))
    return found


def needed_version(old: str, changes: list[Change]) -> str:
    """The least version that the changes need after `old`."""
    major, minor, patch = version_parts(old)
    step = max((c.step for c in changes), default=Step.PATCH)
    return {
        Step.MAJOR: f"{major + 1}.0.0",
        Step.MINOR: f"{major}.{minor + 1}.0",
        Step.PATCH: f"{major}.{minor}.{patch + 1}",
    }[step]


def version_parts(text: object) -> tuple[int, int, int]:
    """(major, minor, patch); what is missing or no number counts as 0."""
    numbers = [int(n) for n in re.findall(r"\d+", str(text))[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _without_version(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in raw.items() if k != "version"}


def custom(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The `customProperties` of a contract or field as a mapping."""
    return {
        str(p.get("property")): p.get("value")
        for p in raw.get("customProperties") or ()
        if isinstance(p, Mapping)
    }


def fields_of(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of a contract's YAML value by name."""
    objects = raw.get("schema") or [{}]
    first = objects[0] if isinstance(objects, list) and objects else {}
    fields = (dict(f) for f in first.get("properties") or () if isinstance(f, Mapping))
    return {str(f.get("name")): f for f in fields}


def _contract(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    was, now = custom(old), custom(new)
    for name in _ROWS:
        yield from _changed(name, was, now)
    if "builder" in was and was.get("inputs") != now.get("inputs"):
        yield Change(Step.MINOR, "inputs changed")
    before, after = was.get("delivery") or {}, now.get("delivery") or {}
    for name in _FILES:
        if name == "replace_scope" and not {"replace"} & {
            d.get("correction", _DEFAULTS["correction"]) for d in (before, after)
        }:
            # Nothing is replaced by scope: it only tells a file handed in twice from a new one.
            if before.get(name) != after.get(name):
                yield Change(Step.MINOR, "delivery.replace_scope changed")
            continue
        yield from _changed(name, before, after, "delivery.")
    if before.get("zero_allowed") and not after.get("zero_allowed"):
        yield Change(Step.MAJOR, "delivery.zero_allowed was taken back")
    if after.get("control_file") == "required" and before.get("control_file") != "required":
        yield Change(Step.MAJOR, "delivery.control_file became required")
    if before.get("pattern") != after.get("pattern"):
        yield Change(Step.MINOR, "delivery.pattern changed; see that old file names still match")
    keys = _key(old), _key(new)
    if keys[0] != keys[1]:
        shown = [", ".join(k) or "none" for k in keys]
        yield Change(Step.MAJOR, f"the key changed from {shown[0]} to {shown[1]}")


def _changed(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], prefix: str = ""
) -> Iterator[Change]:
    default = _DEFAULTS.get(name)
    before, after = was.get(name, default), now.get(name, default)
    if before != after:
        yield Change(Step.MAJOR, f"{prefix}{name} changed from {_shown(before)} to {_shown(after)}")


def _shown(value: Any) -> str:
    text = "none" if value in (None, [], {}) else str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _key(raw: Mapping[str, Any]) -> list[str]:
    key = [(n, f) for n, f in fields_of(raw).items() if f.get("primaryKey")]
    return sorted(n for n, _ in key)


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = fields_of(old), fields_of(new)
    is_feed = "delivery" in custom(new)
    for name, was in before.items():
        if name not in after:
            yield Change(Step.MAJOR, "the field was removed", name)
            continue
        for step, what in _field(was, after[name], is_feed):
            yield Change(step, what, name)
    for name, now in after.items():
        if name in before:
            continue
        required = is_feed and bool(now.get("required") or now.get("primaryKey"))
        what = "a required field was added" if required else "the field was added"
        yield Change(Step.MAJOR if required else Step.MINOR, what, name)


def _field(
    was: Mapping[str, Any], now: Mapping[str, Any], is_feed: bool
) -> Iterator[tuple[Step, str]]:
    for name in ("logicalType", "physicalType"):
        if was.get(name) != now.get(name):
            yield (
                Step.MAJOR,
                f"{name} changed from {_shown(was.get(name))} to {_shown(now.get(name))}",
            )
    if now.get("required") and not (was.get("required") or was.get("primaryKey")):
        yield Step.MAJOR, "became required"
    if was.get("required") and not (now.get("required") or now.get("primaryKey")):
        yield Step.MINOR, "is no longer required"
    if now.get("unique") and not was.get("unique"):
        yield Step.MAJOR, "became unique"
    yield from _enum(was, now)
    yield from _options(was.get("logicalTypeOptions") or {}, now.get("logicalTypeOptions") or {})
    before, after = custom(was), custom(now)
    for name in _MEANING:
        for change in _changed(name, before, after):
            yield change.step, change.what
    yield from _standardiser(before.get("standardiser"), after.get("standardiser"))
    if is_feed:
        for header in sorted(_headers(was) - _headers(now)):
            yield Step.MAJOR, f"the header {header} is no longer accepted (keep it as an alias)"
        if _headers(now) - _headers(was):
            yield Step.MINOR, "another header is accepted"


def _enum(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[Step, str]]:
    before, after = _values(was), _values(now)
    if after and not before:
        yield Step.MAJOR, "its values were narrowed to a list"
    elif before and not after:
        yield Step.MINOR, "its values are no longer bound to a list"
    else:
        if before - after:
            gone = ", ".join(sorted(before - after))
            yield Step.MAJOR, f"values were taken from its list: {gone}"
        if after - before:
            yield Step.MINOR, "values were added to its list"


def _values(field: Mapping[str, Any]) -> set[str]:
    return {
        str(e.get("value")) if isinstance(e, Mapping) else str(e) for e in field.get("enum") or ()
    }


def _options(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[Step, str]]:
    for names, narrower in ((_BOUNDS_LOW, 1), (_BOUNDS_HIGH, -1)):
        for name in names:
            before, after = was.get(name), now.get(name)
            if before == after:
                continue
            if after is None:
                yield Step.MINOR, f"{name} was dropped"
            elif before is None:
                yield Step.MAJOR, f"{name} {after} was set"
            else:
                narrowed = (_number(after) - _number(before)) * narrower > 0
                step = Step.MAJOR if narrowed else Step.MINOR
                yield step, f"{name} changed from {before} to {after}"
    for name in ("pattern", "format"):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        # Whether one pattern accepts all that another did cannot be told in general.
        step = Step.MINOR if after is None else Step.MAJOR
        yield step, f"{name} changed from {_shown(before)} to {_shown(after)}"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _standardiser(was: Any, now: Any) -> Iterator[tuple[Step, str]]:
    """Another standardiser, or another unit or list for it, gives other values."""
    before, after = _use(was), _use(now)
    if before == after:
        return
    same = all(before.get(k) == after.get(k) for k in ("name", "unit", "list", "crs"))
    step = Step.MINOR if same else Step.MAJOR
    yield step, f"standardiser changed from {_shown(was)} to {_shown(now)}"


def _use(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        arguments = value.get("args")
        rest = {k: v for k, v in value.items() if k != "args"}
        return {**rest, **(arguments if isinstance(arguments, Mapping) else {})}
    return {} if value is None else {"name": value}


def _headers(field: Mapping[str, Any]) -> set[str]:
    names = [field.get("businessName"), field.get("name"), *(custom(field).get("aliases") or ())]
    return {str(n) for n in names if n}
