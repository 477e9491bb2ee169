"""Numbers with a check character: organisations (GB 32100) and vehicles (GB 16735)."""

from __future__ import annotations

from collections.abc import Sequence

from onesource.clean.standardisers.model import (
    Context,
    Lookup,
    Request,
    Stage,
    Standardiser,
    Table,
)
from onesource.clean.standardisers.sql import (
    EMPTY_OR_BAD,
    UNREADABLE,
    cleaned,
    detail,
    flag,
    upper,
)

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I O S V Z
USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
BODY_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)  # GB 16735
VIN_LETTERS, VIN_DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789"


def _weighted(x: str, alphabet: str, weights: Sequence[int]) -> str:
    """Σ value × weight of the characters of `x`; a character's value is its place in `alphabet`."""
    terms = (
        f"(instr('{alphabet}', substr({x}, {i}, 1)) - 1) * {w}"
        for i, w in enumerate(weights, start=1)
    )
    return " + ".join(terms)


def _one_character(x: str) -> str:
    """Is it one character again and again? A well-formed number of that kind is a placeholder."""
    return f"length(replace({x}, left({x}, 1), '')) = 0"


def _names(context: Context, codelist: str, prefix: str) -> Table:
    """The codes of a list, each once, with its latest name."""
    rows: dict[str, str] = {}
    if codelist in context.codelists:
        rows = {r.code: r.name for r in context.codelist(codelist).rows}
    if codelist == "gb2260":
        rows["100000"] = "国家"  # what is registered with the state itself
    return Table(codelist, (f"{prefix}_code", f"{prefix}_name"), tuple(rows.items()))


def _uscc(request: Request) -> Sequence[Stage]:
    body, check = "substr(u, 9, 9)", "substr(u, 18, 1)"
    return [
        *cleaned(),
        {"u": f"regexp_replace({upper('t')}, '[-‐‑–—−]', '')"},
        {
            "formed": "coalesce(length(u) = 18 and "
            f"u rlike '^[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}$', false)",
        },
        {
            "total": f"case when formed then {_weighted('u', ALPHABET, USCC_WEIGHTS)} end",
            "inner_total": "case when formed then "
            f"{_weighted(body, BODY_ALPHABET, BODY_WEIGHTS)} end",
            "pair": "case when formed then left(u, 2) end",
            "registrar": "case when formed then left(u, 1) end",
            "division": "case when formed then substr(u, 3, 6) end",
        },
        {
            "expected": f"substr('{ALPHABET}', cast((31 - total % 31) % 31 + 1 as int), 1)",
            "inner": "substr('0X987654321', cast(inner_total % 11 + 1 as int), 1)",
        },
        Lookup(_names(request.context, "uscc_type", "type"), "pair"),
        Lookup(_names(request.context, "uscc_registrar", "registrar"), "registrar"),
        Lookup(_names(request.context, "gb2260", "division"), "division"),
        {
            "value": "u",
            "verdict": f"{EMPTY_OR_BAD}when not formed then 'FMT' "
            f"when {check} <> expected then 'CHK' "
            f"when {_one_character('u')} then 'SUSPECT' else 'OK' end",
            "detail": detail(
                unreadable=UNREADABLE,
                kind="case when formed or bad is not null then null "
                "when u rlike '^[0-9]{15}$' then 'registration_number' "
                "when u rlike '^[0-9A-Z]{8}[0-9X]$' then 'organisation_code' end",
                length="case when bad is null and not formed and length(u) not in (0, 18) "
                "then cast(length(u) as string) end",
                changed=flag("bad is null and formed and u <> raw"),
                registrar="registrar_name",
                type="type_name",
                div="division",
                div_name="division_name",
                warning="case when formed then concat_ws(',', "
                "case when type_name is null then 'type_unknown' end, "
                "case when division_name is null then 'division_unknown' end, "
                "case when inner <> substr(u, 17, 1) then 'organisation_code_check' end) end",
            ),
        },
    ]


def _vin(_: Request) -> Sequence[Stage]:
    digits = f"translate(u, '{VIN_LETTERS}', '{VIN_DIGITS}')"
    return [
        *cleaned(),
        {"u": f"regexp_replace({upper('t')}, '[-‐‑–—−*]', '')"},
        {
            "formed": "coalesce(length(u) = 17 and u rlike '^[A-HJ-NPR-Z0-9]{17}$', false)",
            "weighed": digits,
        },
        {"total": f"case when formed then {_weighted('weighed', '0123456789', VIN_WEIGHTS)} end"},
        {"expected": "substr('0123456789X', cast(total % 11 + 1 as int), 1)"},
        {
            "value": "u",
            "verdict": f"{EMPTY_OR_BAD}when not formed then 'FMT' "
            "when substr(u, 9, 1) <> expected then 'CHK' "
            f"when {_one_character('u')} then 'SUSPECT' else 'OK' end",
            "detail": detail(
                unreadable=UNREADABLE,
                length="case when bad is null and not formed and length(u) not in (0, 17) "
                "then cast(length(u) as string) end",
                letters=flag("bad is null and u rlike '[IOQ]'"),
                changed=flag("bad is null and formed and u <> raw"),
            ),
        },
    ]


USCC = Standardiser(
    "uscc",
    "统一社会信用代码（GB 32100）：校验码；登记部门、机构类别和内码校验不符为提醒",
    "Unified social credit code (GB 32100): check character; unknown registrar and type, division, "
    "or a wrong inner check are warnings in the detail",
    ("OK", "EMPTY", "FMT", "CHK", "SUSPECT"),
    build=_uscc,
    lists=("uscc_type", "uscc_registrar", "gb2260"),
)
VIN = Standardiser(
    "vin",
    "车辆识别代号（GB 16735）：17 位，无 I、O、Q，第 9 位为校验位",
    "Vehicle identification number (GB 16735): 17 characters, no I O Q, check digit at place 9",
    ("OK", "EMPTY", "FMT", "CHK", "SUSPECT"),
    build=_vin,
)
