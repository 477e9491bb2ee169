"""May this dataset go out? Denied by default, column by column; every reason is said by name.

A column goes out when the open contract lists it, its own four properties and those of the column
it is taken from allow it, an approval covers it, nothing on the negative list forbids it, and no
identifier of a person is found on the way from the delivered field (by the lineage of the SQL:
computed, not declared), unless the contract names the law by which it must be public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from onesource.contracts.model import Catalogue, Contract, FieldSpec
from onesource.curate.lineage import AGGREGATION, COUNTED, column_lineage
from onesource.curate.sqlfiles import CuratedSql
from onesource.publish.approvals import Approval, Forbidden

_OPEN_LEVELS = ("L1", "L2")


@dataclass(frozen=True)
class Refusal:
    """Why a dataset, or one column of it, may not go out."""

    column: str | None
    zh: str
    en: str


@dataclass(frozen=True)
class Rules:
    """What permits are judged by: contracts, the curated SQL, approvals and the negative list."""

    catalogue: Catalogue
    sql: Mapping[str, CuratedSql]
    approvals: Mapping[str, Approval]
    negative: Sequence[Forbidden]


def refusals(dataset: Contract, rules: Rules, day: date) -> list[Refusal]:
    """Everything that forbids the dataset on this day; empty: it may go out."""
    return [
        *_approval(dataset, rules, day),
        *_whole(dataset, rules, day),
        *(r for f in dataset.fields for r in _column(dataset, f, rules, day)),
    ]


def _approval(dataset: Contract, rules: Rules, day: date) -> Iterator[Refusal]:
    name = dataset.open.approval
    approval = rules.approvals.get(name)
    if approval is None:
        yield Refusal(None, f"没有编号为 {name} 的审批", f"there is no approval {name}")
        return
    if approval.dataset != dataset.name:
        yield Refusal(
            None,
            f"审批 {name} 是给数据集 {approval.dataset} 的",
            f"the approval {name} is for {approval.dataset}",
        )
    if not approval.holds_on(day):
        yield Refusal(
            None,
            f"审批 {name} 在 {day} 不在有效期内",
            f"the approval {name} is not in force on {day}",
        )
    for column in dataset.field_names:
        if column not in approval.columns:
            yield Refusal(
                column,
                f"审批 {name} 不包括字段 {column}",
                f"the approval {name} does not cover the column {column}",
            )


def _whole(dataset: Contract, rules: Rules, day: date) -> Iterator[Refusal]:
    """What the dataset, and the table that it is taken from, say of themselves."""
    p = dataset.properties
    yield from _four(None, p.sharing, p.opening, p.disclosure, p.security_level)
    if p.opening == "依条件公开" and not dataset.open.condition:
        yield Refusal(
            None, "依条件公开，但没有写明开放条件", "open under conditions, but none is stated"
        )
    source = rules.catalogue.tables.get(dataset.open.source)
    if source is not None:
        s = source.properties
        closed = any(_four(None, s.sharing, s.opening, s.disclosure, s.security_level))
        if closed and dataset.open.disclosure_rule is None:
            yield Refusal(
                None,
                f"{source.table} 本身不可公开，须经披露控制",
                f"{source.table} may not be published as it stands: a disclosure rule is needed",
            )
    for resource in (dataset.open.source, dataset.table):
        yield from _forbidden(None, resource, rules, day)


def _four(
    column: str | None, sharing: str, opening: str, disclosure: str, level: str
) -> Iterator[Refusal]:
    what_zh, what_en = (f"字段 {column} ", f"the column {column} ") if column else ("", "")
    for word, is_closed in (
        (f"共享属性“{sharing}”", sharing == "不予"),
        (f"开放属性“{opening}”", opening == "不可公开"),
        (f"信息公开属性“{disclosure}”", disclosure == "不予公开"),
        (f"安全级别 {level}", level not in _OPEN_LEVELS),
    ):
        if is_closed:
            yield Refusal(column, f"{what_zh}{word}不允许开放", f"{what_en}is closed: {word}")


def _forbidden(column: str | None, resource: str, rules: Rules, day: date) -> Iterator[Refusal]:
    for row in rules.negative:
        if row.covers(resource, day):
            yield Refusal(
                column,
                f"{resource} 在负面清单上：{row.reason_zh}（{row.legal_basis}）",
                f"{resource} is on the negative list ({row.legal_basis})",
            )


def _column(dataset: Contract, f: FieldSpec, rules: Rules, day: date) -> Iterator[Refusal]:
    p, d = f.properties, dataset.properties
    yield from _four(
        f.name,
        p.sharing or d.sharing,
        p.opening or d.opening,
        p.disclosure or d.disclosure,
        p.security_level or d.security_level,
    )
    yield from _person(f.name, dataset.table, f, f)
    source = rules.catalogue.tables.get(dataset.open.source)
    if source is None:
        return  # a view of ops: it holds no column of a delivery
    if f.name == dataset.open.made_column:
        return  # disclosure control makes it
    taken = p.source_column or f.name
    if taken not in source.field_names:
        yield Refusal(
            f.name,
            f"{source.table} 没有字段 {taken}",
            f"{source.table} has no column {taken}",
        )
        return
    yield from _forbidden(f.name, f"{source.table}.{taken}", rules, day)
    yield from _on_the_way(source, taken, f, rules, day, set())


def _on_the_way(
    table: Contract,
    column: str,
    published: FieldSpec,
    rules: Rules,
    day: date,
    seen: set[tuple[str, str, bool]],
    is_sum: bool = False,
) -> Iterator[Refusal]:
    """The column that is taken, and every one that its values come from.

    is_sum: only sums of it go out; then its properties forbid nothing, but what identifies a
    person still does. Counts show no value at all.
    """
    if (table.table, column, is_sum) in seen:
        return
    seen.add((table.table, column, is_sum))
    field = table.field(column)
    p = field.properties
    if not is_sum:
        yield from _four(
            published.name,
            p.sharing or "无条件",
            p.opening or "可公开",
            p.disclosure or "主动公开",
            p.security_level or "L1",
        )
    yield from _person(published.name, table.table, field, published)
    sql = rules.sql.get(table.table)
    if sql is None:
        return
    for found, how in column_lineage(sql, rules.catalogue).columns.get(column, {}).items():
        above = rules.catalogue.tables.get(found.table)
        if above is None or found.column not in above.field_names:
            continue
        yield from _forbidden(published.name, f"{found.table}.{found.column}", rules, day)
        is_number = published.logical_type in ("integer", "number")
        if not (is_number and how == COUNTED):
            summed = is_sum or (is_number and how == AGGREGATION)
            yield from _on_the_way(above, found.column, published, rules, day, seen, summed)


def _person(column: str, table: str, field: FieldSpec, published: FieldSpec) -> Iterator[Refusal]:
    """A field that names a person goes out only by a law, which the open contract cites."""
    p = field.properties
    speaks = p.identifier == "direct" or p.personal is not None
    if speaks and not published.properties.lawful_publication:
        yield Refusal(
            column,
            f"字段 {column} 含个人标识（{table}.{field.name}），未写明公开的法律依据",
            f"the column {column} identifies persons ({table}.{field.name}), and the contract "
            "names no law by which it must be public",
        )
