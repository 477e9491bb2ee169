"""Landing → bronze: reads what landed and was not read yet, or all of it in another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.ingest import bronze, landing
from onesource.ingest.readers import inspect
from onesource.lake import delta
from onesource.lake.paths import bronze_path
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.definition import reading, step_digest
from onesource.run.ledger import EXPIRED, PASSED
from onesource.run.recover import recover

Records = Sequence[landing.Record]


@dataclass(frozen=True)
class Bronze:
    """Bronze's version (None: it was never written), the records that it holds, and why the others
    could not be read (delivery → one line); expired: those past their retention, whose rows
    cannot be made again."""

    version: int | None
    records: list[landing.Record]
    unreadable: dict[str, str]
    expired: frozenset[str] = frozenset()


def read_landed(ctx: RunContext, feed: Contract, *, again: bool = False) -> Bronze:
    """Bronze with everything that landed and can be read.

    again: silver is built anew, so deliveries whose rows went after their retention are read from
    landing once more, as long as landing has them.

    When the contract reads files otherwise than before (a field renamed, a header row more), all
    of landing is read anew, so that old deliveries and new ones are rows of one kind (P7).
    """
    path = bronze_path(ctx.settings, feed)
    state = ledger.state(ctx.settings, feed.bronze)
    head = recover(ctx, feed.bronze, path, state)
    gone = head is None and state.head is not None
    how = reading(feed)
    anew = head is not None and bool(state.deliveries) and state.definition != how
    done = {} if head is None or anew else state.deliveries
    records = [r for r in landing.records(ctx.settings, feed) if _stays(ctx, feed, r, done)]
    past = {d for d, entry in done.items() if entry.get("outcome") == EXPIRED}
    back = {
        r.delivery_id
        for r in records
        if again and r.delivery_id in past and not landing.is_cleared(ctx.settings, feed, r)
    }
    records = [r for r in records if r.delivery_id not in past - back]
    # What could not be read is tried again: somebody may have put the kept bytes right.
    pending = [r for r in records if not _was_read(done.get(r.delivery_id, {}))]
    version = head
    if pending:
        why = ", the contract reads files otherwise" if anew else ""
        ctx.say(f"{feed.bronze}: reading {len(pending)} deliveries{why}")
        read, unreadable = _append(ctx, feed, pending, anew)
        version = delta.latest_version(path)
        entries = [{"id": r.delivery_id, "outcome": "read", "rows": r.rows} for r in read]
        for delivery, what in unreadable.items():
            if done.get(delivery, {}).get("reason_en") != what:
                entries.append({"id": delivery, "outcome": "unreadable", "reason_en": what})
        if entries:
            ctx.record(
                {
                    "kind": "step",
                    "table": feed.bronze,
                    "step": step_digest(feed.bronze, sorted(r.delivery_id for r in pending), how),
                    "definition": how,
                    "verdict": PASSED,
                    "version": version,
                    "head": version,
                    "rebuilt": gone or anew,
                    "deliveries": entries,
                }
            )
        done = ledger.state(ctx.settings, feed.bronze).deliveries
    known: list[landing.Record] = []
    bad: dict[str, str] = {}
    for record in records:
        entry = done[record.delivery_id]
        if _was_read(entry):
            known.append(replace(record, rows=entry.get("rows", record.rows)))
        else:
            bad[record.delivery_id] = entry["reason_en"]
    return Bronze(version, known, bad, frozenset(past - back))


def _stays(
    ctx: RunContext, feed: Contract, record: landing.Record, done: Mapping[str, object]
) -> bool:
    """A delivery whose bytes were taken away on purpose is known only as long as bronze has it."""
    return record.delivery_id in done or not landing.is_cleared(ctx.settings, feed, record)


def _was_read(entry: Mapping[str, object]) -> bool:
    return bool(entry.get("outcome") == "read")


def _append(
    ctx: RunContext, feed: Contract, pending: Records, anew: bool
) -> tuple[list[landing.Record], dict[str, str]]:
    """Appends the deliveries (anew: in place of all that bronze held).

    One whose kept bytes cannot be read does not stop the others. Those that were taken under
    another contract are counted anew, as this one reads them.
    """
    unreadable: dict[str, str] = {}
    sound: list[landing.Record] = []
    for record in pending:
        try:
            landing.verify(ctx.settings, feed, record)
            if anew or record.contract_version != feed.version:
                path = landing.payload(ctx.settings, feed, record)
                record = replace(record, rows=inspect(path, feed, record.file_name).rows)
            sound.append(record)
        except OneSourceError as e:
            unreadable[record.delivery_id] = e.line()
    if sound:
        bronze.append(ctx.spark, ctx.settings, feed, sound, anew=anew)
    return sound, unreadable
