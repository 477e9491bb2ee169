"""The table as readers see it: suppressed figures null, the status column, nothing unnamed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.model import CONFIDENTIAL, SHOWN, DisclosureRefused
from onesource.publish.disclosure.universe import Bools, Member, Universe


def checked_columns(cells: pa.Table, rule: DisclosureRule, name: str) -> None:
    """Every column of the table is named by the rule, and every named one is there."""
    falls = [d.column for d in rule.derived]
    named = {*(d.column for d in rule.dimensions), *rule.measures, *falls, *rule.unaffected}
    missing = sorted(named - set(cells.column_names))
    if missing:
        raise DisclosureRefused(f"column {missing[0]} is missing", where=name)
    strange = sorted(set(cells.column_names) - named - {rule.status_column})
    if strange:
        raise DisclosureRefused(
            f"the disclosure rule does not name column {strange[0]}",
            where=name,
            todo="list it under values, counts, derived or unaffected",
        )


def masked(universe: Universe, member: Member, suppressed: Bools) -> pa.Table:
    """The member's table with every figure of a suppressed row null, and the status beside it.

    Ratios fall with their row. A published table comes back as it is.
    """
    if member.published:
        return member.cells
    rule, table = member.rule, member.cells
    hide = pa.array(suppressed[list(member.keys)].tolist(), pa.bool_())
    for column in [*rule.measures, *(d.column for d in rule.derived)]:
        at = table.column_names.index(column)
        field = table.schema.field(at).with_nullable(True)
        values = table.column(column)
        table = table.set_column(at, field, pc.if_else(hide, pa.scalar(None, field.type), values))
    status = pc.if_else(hide, CONFIDENTIAL, SHOWN)
    return with_status(table, rule, status)


def with_status(table: pa.Table, rule: DisclosureRule, status: Any) -> pa.Table:
    if rule.status_column in table.column_names:
        table = table.drop_columns([rule.status_column])
    return table.append_column(rule.status_column, pa.array(status, pa.string()))
