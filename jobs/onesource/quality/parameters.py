"""Bounds that depend on history: `{$PARAMETER: 0.5 * previous_rows}`.

Great Expectations' own notation. It is worked out here, so that a bound without history falls
back to the rule's floor instead of failing.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

KEY = "$PARAMETER"
NAMES = frozenset({"previous_rows", "median_rows", "batch_rows"})
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max}


class BadExpression(ValueError):
    """The expression of a parameter cannot be read; the text says why."""


def is_parameter(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {KEY}


def names_in(value: Any) -> frozenset[str]:
    """The parameters that a `{$PARAMETER: …}` names. Raises BadExpression."""
    tree = _parse(value)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(_FUNCTIONS)
    unknown = sorted(names - NAMES)
    if unknown:
        raise BadExpression(f"{unknown[0]} is no parameter; known: {', '.join(sorted(NAMES))}")
    _value(tree.body, dict.fromkeys(names, 1.0))
    return frozenset(names)


def _parse(value: Any) -> ast.Expression:
    try:
        return ast.parse(str(value[KEY]), mode="eval")
    except SyntaxError as e:
        raise BadExpression(f"{value[KEY]} is no arithmetic expression") from e


def resolve(value: Any, known: Mapping[str, float | None]) -> float | None:
    """The number, or None while one of the parameters is not known."""
    names = names_in(value)
    given = {n: known.get(n) for n in names}
    numbers = {n: v for n, v in given.items() if v is not None}
    return None if len(numbers) < len(names) else _value(_parse(value).body, numbers)


def _value(node: ast.expr, known: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, known)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, known), _value(right, known))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*[_value(a, known) for a in args])
    raise BadExpression(f"{ast.unparse(node)} is not allowed; + - * /, min() and max() are")


def resolved(
    kwargs: Mapping[str, Any], known: Mapping[str, float | None], floor: float | None
) -> dict[str, Any]:
    """The arguments with every parameter worked out.

    A `min_value` is never below the floor, and is the floor while history is unknown; any other
    bound falls away then.
    """
    out: dict[str, Any] = {}
    for name, value in kwargs.items():
        if not is_parameter(value):
            out[name] = value
            continue
        number = resolve(value, known)
        if name == "min_value" and floor is not None:
            number = floor if number is None else max(floor, number)
        if number is not None:
            out[name] = number
    return out
