"""Takes a table that a dead process left half-way back to the version that the ledger knows."""

from __future__ import annotations

from pathlib import Path

from onesource.lake import delta
from onesource.run.context import RunContext
from onesource.run.ledger import TableState


def recover(ctx: RunContext, table: str, path: Path, state: TableState) -> int | None:
    """The table's head version, equal in content to the one that the ledger knows.

    A version that no finished step left is the trace of a crash: the table is restored to the
    known one (or removed, where none is known), and the restore is recorded.
    """
    delta.drop_torn_commit(path)
    head = delta.latest_version(path)
    if head == state.head:
        return head
    if head is None:
        # The ledger knows a table that is gone: everything is built again from what is below.
        ctx.say(f"{table}: the table is gone, it will be built anew")
        return None
    ctx.say(f"{table}: found a version that no finished step left; restoring the last good one")
    # What readers stand on is never removed, whatever the ledger has lost.
    known = state.head if state.head is not None else ctx.served.get(table)
    restored = delta.restore(ctx.spark, path, known)
    if restored is not None:
        ctx.record({"kind": "restored", "table": table, "head": restored})
    return restored
