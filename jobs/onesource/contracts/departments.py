"""Who provides data: departments by unified social credit code (USCC) and date.

The check character is that of GB 32100-2015.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

from onesource.contracts.findings import Finding, Weight
from onesource.contracts.model import City, Contract

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc_problem(code: str) -> str | None:
    """What is wrong with the form of a USCC, or None."""
    if len(code) != 18 or any(c not in _ALPHABET for c in code):
        return "a USCC has 18 characters, digits and capital letters without I, O, S, V, Z"
    total = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
    wanted = _ALPHABET[-total % 31]
    return None if code[17] == wanted else "its check character does not fit"


def check_departments(city: City, path: Path) -> Iterator[Finding]:
    """Every department's code, and that no two names of one code hold on the same day."""
    by_code: dict[str, list[tuple[str, str, str]]] = {}
    for d in city.departments:
        code, name = str(d.get("uscc", "")), str(d.get("name", ""))
        problem = uscc_problem(code)
        if problem:
            yield Finding(Weight.ERROR, str(path), f"departments: {name} {code}: {problem}")
        span = (str(d.get("valid_from") or ""), str(d.get("valid_to") or "9999"), name)
        if span[0] >= span[1]:
            yield Finding(Weight.ERROR, str(path), f"departments: {name} ends before it begins")
        by_code.setdefault(code, []).append(span)
    for code, spans in by_code.items():
        spans.sort()
        for (_, end, first), (start, _, second) in pairwise(spans):
            if start < end:
                what = f"departments: {first} and {second} have {code} on the same day"
                yield Finding(Weight.ERROR, str(path), what)


def department_on(city: City, uscc: str, day: date) -> str | None:
    """The name of the department that has this code on this day, or None."""
    text = day.isoformat()
    for d in city.departments:
        begins, ends = str(d.get("valid_from") or ""), str(d.get("valid_to") or "9999")
        if d.get("uscc") == uscc and begins <= text < ends:
            return str(d["name"])
    return None


def check_provider(contract: Contract, city: City, day: date) -> Iterator[Finding]:
    """The provider's code is well-formed and belongs to a department of the day."""
    code = contract.properties.provider_uscc
    if code is None:
        return
    problem = uscc_problem(code)
    if problem:
        yield Finding(Weight.ERROR, f"{contract.path}:1", f"provider_uscc {code}: {problem}")
    elif department_on(city, code, day) is None:
        yield Finding(
            Weight.ERROR,
            f"{contract.path}:1",
            f"provider_uscc {code}: no department of city.yaml has it on {day.isoformat()}",
            "add the department, or name the one that took the data over",
        )
