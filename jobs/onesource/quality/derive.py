"""Rules that follow from a contract: nobody writes them, and they cannot contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onesource.contracts.model import Catalogue, CodeList, Contract, FieldSpec, Kind
from onesource.contracts.properties import History
from onesource.quality import vocabulary
from onesource.quality.constraints import constraints
from onesource.quality.predicates import literal, quoted
from onesource.quality.rules import Dimension, Phase, Rule, Severity, sensitive_fields

# A column of which more than half cannot be read has another format than the contract says; fewer
# are dirty values, which become null with an issue. Twenty, so that a small delivery with a few
# dirty values is not taken for a new format.
UNREADABLE_SHARE = 0.5
UNREADABLE_ALWAYS_TOLERATED = 20
# A version with less than half of the rows before is looked at; it is held only by rules that
# know the table.
KEPT_SHARE = 0.5


def derived_rules(contract: Contract, catalogue: Catalogue) -> list[Rule]:
    """The batch and table rules of a contract. Registry and curated tables have table rules only:
    what is built from checked tables is judged as built."""
    if contract.kind is Kind.FEED:
        return [*_batch_rules(contract), *_silver_table_rules(contract)]
    return list(_built_table_rules(contract, catalogue))


def _batch_rules(c: Contract) -> Iterator[Rule]:
    d = c.delivery
    zero = "，零报告除外" if d.zero_allowed else ""
    zero_en = ", or none at all (a zero report)" if d.zero_allowed else ""
    yield _rule(
        c,
        "min_rows",
        Phase.BATCH,
        Severity.HOLD,
        Dimension.COMPLETENESS,
        vocabulary.ROW_COUNT,
        {"min_value": max(d.min_rows, 0 if d.zero_allowed else 1)},
        f"每次交付不少于 {max(d.min_rows, 1)} 行{zero}",
        f"a delivery has at least {_rows(max(d.min_rows, 1))}{zero_en}",
        per_delivery=True,
    )
    share = d.max_quarantine_share
    yield _rule(
        c,
        "rejected_share",
        Phase.BATCH,
        Severity.HOLD,
        Dimension.VALIDITY,
        vocabulary.SQL_TYPE,
        {
            "unexpected_rows_query": "SELECT * FROM {batch} WHERE _rejects IS NOT NULL",
            "mostly": 1 - share,
        },
        f"进入问题数据的行不超过 {share:.0%}",
        f"at most {share:.0%} of a delivery's rows are rejected",
        condition="_rejects IS NOT NULL",
        per_delivery=True,
    )
    for f in c.fields:
        yield from _batch_field_rules(c, f)


def _batch_field_rules(c: Contract, f: FieldSpec) -> Iterator[Rule]:
    fatal = f.primary_key or f.properties.fatal
    issue = f"exists(_issues, i -> i.field = {literal(f.name)} AND i.verdict = upper(i.verdict))"
    empty = f"{quoted(f.name)} IS NULL AND NOT {issue}"
    if fatal:
        # Standardising rejects the row with the value's own verdict; here it is only counted.
        bad = f"{quoted(f.name)} IS NULL" if f.primary_key else issue
        yield _sql(
            c,
            f,
            "readable",
            Severity.ROW,
            Dimension.VALIDITY,
            bad,
            f"{_zh(f)}必须可读" + ("且不为空" if f.primary_key else ""),
            f"{f.name} can be read" + (" and is not empty" if f.primary_key else ""),
            judged_in_staging=True,
        )
    elif f.standardiser.name != "text" or f.properties.codelist:  # any text can be read
        yield _sql(
            c,
            f,
            "unreadable_share",
            Severity.HOLD,
            Dimension.VALIDITY,
            issue,
            f"{_zh(f)}无法识别的值不超过一半；超过说明格式已变",
            f"at most half of the values of {f.name} cannot be read; more means another format",
            mostly=1 - UNREADABLE_SHARE,
            tolerate=UNREADABLE_ALWAYS_TOLERATED,
        )
    if f.required and not f.primary_key:
        severity = Severity.ROW if fatal else Severity.FLAG
        yield _sql(
            c,
            f,
            "required",
            severity,
            Dimension.COMPLETENESS,
            empty,
            f"{_zh(f)}不得为空",
            f"{f.name} is not empty",
        )
    yield from _value_rules(c, f, Phase.BATCH, Severity.ROW if fatal else Severity.FLAG)


def _silver_table_rules(c: Contract) -> Iterator[Rule]:
    floor = 0 if c.delivery.zero_allowed else 1
    yield from _whole_table_rules(c, floor)
    key = c.key
    if c.history is History.SNAPSHOT and c.properties.period and c.properties.period not in key:
        key = (*key, c.properties.period) if key else ()
    if c.history is History.BITEMPORAL and key:
        key = (*key, "valid_from", "known_from")
    yield from _key_rules(c, key)
    for f in c.fields:
        if f.required and f.properties.fatal and not f.primary_key:
            yield _not_null(c, f)


def _built_table_rules(c: Contract, catalogue: Catalogue) -> Iterator[Rule]:
    yield from _whole_table_rules(c, c.properties.min_rows)
    yield from _key_rules(c, c.key)
    for f in c.fields:
        if f.required and not f.primary_key:
            yield _not_null(c, f)
        if f.unique and not (f.primary_key and len(c.key) == 1):
            yield _rule(
                c,
                f"{f.name}_unique",
                Phase.TABLE,
                Severity.HOLD,
                Dimension.CONSISTENCY,
                "expect_column_values_to_be_unique",
                {"column": f.name},
                f"{_zh(f)}不得重复",
                f"{f.name} does not repeat",
                field=f.name,
            )
        yield from _value_rules(c, f, Phase.TABLE, Severity.HOLD)
        if f.properties.codelist:
            yield _codelist(c, f, catalogue.codelists[f.properties.codelist])


def _whole_table_rules(c: Contract, floor: int) -> Iterator[Rule]:
    yield _rule(
        c,
        "min_rows",
        Phase.TABLE,
        Severity.HOLD,
        Dimension.COMPLETENESS,
        vocabulary.ROW_COUNT,
        {"min_value": floor},
        f"不少于 {floor} 行",
        f"has at least {_rows(floor)}",
    )
    yield _rule(
        c,
        "columns_present",
        Phase.TABLE,
        Severity.HOLD,
        Dimension.VALIDITY,
        "expect_table_columns_to_match_set",
        {"column_set": list(c.field_names), "exact_match": False},
        "含有数据规范的全部字段",
        "has all columns of the contract",
    )
    yield _rule(
        c,
        "rows_kept",
        Phase.TABLE,
        Severity.WARN,
        Dimension.COMPLETENESS,
        vocabulary.ROW_COUNT,
        {"min_value": {"$PARAMETER": f"{KEPT_SHARE} * previous_rows"}},
        "行数不少于上一版本的一半",
        "has at least half of the rows of the version before",
        floor=0.0,
    )


def _key_rules(c: Contract, key: tuple[str, ...]) -> Iterator[Rule]:
    for f in c.fields:
        if f.primary_key:
            yield _not_null(c, f)
    if not key:
        return
    names = "、".join(c.field(k).business_name if k in c.field_names else k for k in key)
    one = len(key) == 1
    yield _rule(
        c,
        "key_unique",
        Phase.TABLE,
        Severity.HOLD,
        Dimension.CONSISTENCY,
        "expect_column_values_to_be_unique" if one else "expect_compound_columns_to_be_unique",
        {"column": key[0]} if one else {"column_list": list(key)},
        f"主键（{names}）不得重复",
        f"the key ({', '.join(key)}) does not repeat",
        field=key[0],
    )


def _not_null(c: Contract, f: FieldSpec) -> Rule:
    return _rule(
        c,
        f"{f.name}_required",
        Phase.TABLE,
        Severity.HOLD,
        Dimension.COMPLETENESS,
        "expect_column_values_to_not_be_null",
        {"column": f.name},
        f"{_zh(f)}不得为空",
        f"{f.name} is not empty",
        field=f.name,
    )


def _value_rules(c: Contract, f: FieldSpec, on: Phase, severity: Severity) -> Iterator[Rule]:
    """Range, multiple, length, pattern and listed values."""
    for said in constraints(f):
        yield _rule(
            c,
            f"{f.name}_{said.name}",
            on,
            severity,
            Dimension.ACCURACY if said.name == "range" else Dimension.VALIDITY,
            said.expectation,
            said.kwargs,
            f"{_zh(f)}{said.zh}",
            f"{f.name} {said.en}",
            field=f.name,
            condition=said.condition,
        )


def _codelist(c: Contract, f: FieldSpec, codes: CodeList) -> Rule:
    """A coded column of a built table holds codes of its list; whenever they were valid, for the
    rows of a built table reach back."""
    return _rule(
        c,
        f"{f.name}_code",
        Phase.TABLE,
        Severity.HOLD,
        Dimension.VALIDITY,
        "expect_column_values_to_be_in_set",
        {"column": f.name, "value_set": list(dict.fromkeys(codes.codes))},
        f"{_zh(f)}应为代码表“{codes.title}”中的代码",
        f"{f.name} is a code of the list {codes.name}",
        field=f.name,
    )


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _zh(f: FieldSpec) -> str:
    return f"“{f.business_name}”"


def _sql(
    c: Contract,
    f: FieldSpec,
    suffix: str,
    severity: Severity,
    dimension: Dimension,
    condition: str,
    zh: str,
    en: str,
    *,
    mostly: float | None = None,
    **more: Any,
) -> Rule:
    kwargs: dict[str, Any] = {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {condition}"}
    if mostly is not None:
        kwargs["mostly"] = mostly
    return _rule(
        c,
        f"{f.name}_{suffix}",
        Phase.BATCH,
        severity,
        dimension,
        vocabulary.SQL_TYPE,
        kwargs,
        zh,
        en,
        field=f.name,
        condition=condition,
        **more,
    )


def _rule(
    c: Contract,
    id_: str,
    on: Phase,
    severity: Severity,
    dimension: Dimension,
    expectation: str,
    kwargs: dict[str, Any],
    zh: str,
    en: str,
    **more: Any,
) -> Rule:
    owner = "provider" if c.kind is Kind.FEED and on is Phase.BATCH else "onesource"
    return Rule(
        id=id_,
        table=c.table,
        expectation=expectation,
        kwargs=kwargs,
        on=on,
        severity=severity,
        dimension=dimension,
        owner=owner,
        zh=zh,
        en=en,
        key=c.key,
        sensitive=more.get("field") in sensitive_fields(c),
        **more,
    )
