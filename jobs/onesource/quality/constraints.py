"""What a contract says of a field's values, `logicalTypeOptions` and `enum`, as expectations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from onesource.contracts.model import FieldSpec
from onesource.quality import vocabulary
from onesource.quality.predicates import literal, quoted

# Values of a list that a text names before it says "…".
_SHOWN = 8


@dataclass(frozen=True)
class Constraint:
    """name: the end of the rule's id. condition: set for SQL, what a bad row meets. zh, en: what
    must hold, to be read after the field's name."""

    name: str
    expectation: str
    kwargs: dict[str, Any]
    zh: str
    en: str
    condition: str | None = None


def constraints(f: FieldSpec) -> Iterator[Constraint]:
    """What the contract says of the field's values; nothing for a field without options."""
    o = f.options
    if any(k in o for k in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")):
        yield _range(f.name, o)
    if o.get("multipleOf"):
        yield _multiple(f.name, o["multipleOf"])
    if "minLength" in o or "maxLength" in o:
        yield _length(f.name, o.get("minLength"), o.get("maxLength"))
    if o.get("pattern"):
        yield Constraint(
            "pattern",
            "expect_column_values_to_match_regex",
            {"column": f.name, "regex": o["pattern"]},
            f"格式应符合 {o['pattern']}",
            f"is written as {o['pattern']}",
        )
    if f.enum:
        shown = [*f.enum[:_SHOWN], *(["…"] if len(f.enum) > _SHOWN else [])]
        yield Constraint(
            "allowed",
            "expect_column_values_to_be_in_set",
            {"column": f.name, "value_set": list(f.enum)},
            f"应为：{'、'.join(shown)}",
            f"is one of: {', '.join(shown)}",
        )


def _range(name: str, o: dict[str, Any]) -> Constraint:
    kwargs: dict[str, Any] = {"column": name}
    zh, en = [], []
    if "minimum" in o:
        kwargs["min_value"] = o["minimum"]
        zh.append(f"不小于 {o['minimum']}")
        en.append(f"at least {o['minimum']}")
    elif "exclusiveMinimum" in o:
        kwargs |= {"min_value": o["exclusiveMinimum"], "strict_min": True}
        zh.append(f"大于 {o['exclusiveMinimum']}")
        en.append(f"above {o['exclusiveMinimum']}")
    if "maximum" in o:
        kwargs["max_value"] = o["maximum"]
        zh.append(f"不大于 {o['maximum']}")
        en.append(f"at most {o['maximum']}")
    elif "exclusiveMaximum" in o:
        kwargs |= {"max_value": o["exclusiveMaximum"], "strict_max": True}
        zh.append(f"小于 {o['exclusiveMaximum']}")
        en.append(f"below {o['exclusiveMaximum']}")
    return Constraint(
        "range",
        "expect_column_values_to_be_between",
        kwargs,
        "应" + "且".join(zh),
        "is " + " and ".join(en),
    )


def _multiple(name: str, step: Any) -> Constraint:
    condition = f"{quoted(name)} % {literal(step)} <> 0"
    return Constraint(
        "multiple",
        vocabulary.SQL_TYPE,
        {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {condition}"},
        f"应为 {step} 的倍数",
        f"is a multiple of {step}",
        condition,
    )


def _length(name: str, low: int | None, high: int | None) -> Constraint:
    kwargs: dict[str, Any] = {"column": name}
    if low is not None:
        kwargs["min_value"] = low
    if high is not None:
        kwargs["max_value"] = high
    if low == high:
        zh, en = f"长度应为 {low}", f"has {low} characters"
    elif high is None:
        zh, en = f"长度不少于 {low}", f"has at least {low} characters"
    else:
        zh, en = f"长度应在 {low or 0} 与 {high} 之间", f"has {low or 0} to {high} characters"
    return Constraint("length", "expect_column_value_lengths_to_be_between", kwargs, zh, en)
