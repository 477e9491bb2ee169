"""Frozen cadence: a published period stays as it was until it is restated with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure.model import DisclosureRefused, Earlier, Protected
from onesource.publish.disclosure.rollup import codes, row_keys


def keep_frozen(
    cells: pa.Table,
    contributions: pa.Table | None,
    rule: DisclosureRule,
    earlier: Sequence[Earlier],
    restated: Mapping[str, str],
    name: str,
) -> tuple[pa.Table, pa.Table | None, pa.Table | None]:
    """(cells to decide, their contributions, rows that stay as published) under a frozen cadence.

    `earlier` goes from the newest to the oldest release; of a frozen period the newest holds.
    """
    if rule.frozen is None:
        if restated:
            raise DisclosureRefused("nothing is frozen, so nothing is restated", where=name)
        return cells, contributions, None
    if contributions is None:
        raise DisclosureRefused("contributions are missing", where=name)
    period = rule.frozen.period
    newest: dict[str, Earlier] = {}
    for old in earlier:
        for code in codes(old.cells, period, f"release {old.release}"):
            newest.setdefault(code, old)
    for again, reason in restated.items():
        if again not in newest or not reason.strip():
            why = "was never published" if again not in newest else "has no reason"
            raise DisclosureRefused(f"the restated period {again} {why}", where=name)
    frozen = {p: old for p, old in newest.items() if p not in restated}
    kept = [
        _where(old.cells, period, [p for p, o in frozen.items() if o is old])
        for old in _different(list(frozen.values()))
    ]
    column = rule.contributions.column(period)
    return (
        _where(cells, period, list(frozen), inside=False),
        _where(contributions, column, list(frozen), inside=False),
        pa.concat_tables(kept, promote_options="default") if kept else None,
    )


def _different(releases: Sequence[Earlier]) -> list[Earlier]:
    found: list[Earlier] = []
    for old in releases:
        if not any(old is f for f in found):
            found.append(old)
    return found


def _where(table: pa.Table, column: str, values: list[str], inside: bool = True) -> pa.Table:
    text = pa.array([str(v) for v in table.column(column).to_pylist()], pa.string())
    hit = pc.is_in(text, value_set=pa.array(values, pa.string()))
    return table.filter(hit if inside else pc.invert(hit))


def thaw(
    done: Protected,
    frozen: pa.Table | None,
    restated: Mapping[str, str],
    rule: DisclosureRule,
    cells: pa.Table,
) -> Protected:
    """Puts the frozen rows back, in the order of the input, rows that are gone from it last."""
    if rule.frozen is None:
        return done
    table = done.table
    if frozen is not None:
        missing = sorted(set(table.column_names) - set(frozen.column_names))
        if missing:
            raise DisclosureRefused(
                f"the earlier release has no column {missing[0]}", todo="restate all periods"
            )
        table = pa.concat_tables([frozen.select(table.column_names).cast(table.schema), table])
    order = {k: i for i, k in enumerate(row_keys(cells, rule, "table"))}
    keys = row_keys(table, rule, "table")
    rows = sorted(range(len(keys)), key=lambda r: (order.get(keys[r], len(order)), keys[r]))
    periods = 0 if frozen is None else len(set(codes(frozen, rule.frozen.period, "table")))
    proof = done.proof | {"frozen": {"periods": periods, "restated": dict(restated)}}
    return replace(done, table=table.take(rows), proof=proof)
