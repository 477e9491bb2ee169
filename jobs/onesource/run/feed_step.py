"""One feed: landing → bronze → staged → gate → silver → audit, under the feed's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame

from onesource.clean import quarantine, silver
from onesource.clean.stage import Staged, drop, stage
from onesource.contracts.model import Contract
from onesource.contracts.properties import Correction
from onesource.ingest import landing
from onesource.lake import delta
from onesource.lake.files import locked, scratch
from onesource.lake.paths import scratch_path, table_path
from onesource.quality.results import GateResult
from onesource.quality.results import held as held_result
from onesource.quality.rules import Phase
from onesource.run import ledger
from onesource.run.before import keep_told
from onesource.run.bronze_step import Bronze, read_landed
from onesource.run.context import RunContext
from onesource.run.definition import feed_definition, step_digest
from onesource.run.gates import judge
from onesource.run.ledger import HELD, PASSED
from onesource.run.recover import recover
from onesource.run.results import Status, StepResult
from onesource.spark.written import put

Records = Sequence[landing.Record]
# Corrections whose rows may all be hidden, rightly.
_HIDING = (Correction.CHANGE_LOG, Correction.REVERSAL)


def run_feed(ctx: RunContext, table: str, *, bronze_only: bool = False) -> StepResult:
    """Takes what was delivered and not yet processed into the feed's silver table."""
    feed = ctx.catalogue.feeds[ctx.graph.contracts[table].id]
    locks = ctx.settings.root("ops") / "locks"
    with locked(locks / f"{table}.lock"):
        found = read_landed(ctx, feed, again=not bronze_only and _is_outdated(ctx, feed))
        if bronze_only:
            return StepResult(table, Status.UNCHANGED)
        if found.version is None and not found.unreadable:
            return StepResult(
                table, Status.WAITING, reason_en="nothing was delivered yet", reason_zh="尚无交付"
            )
        return _FeedStep(ctx, feed, found).run()


def _is_outdated(ctx: RunContext, feed: Contract) -> bool:
    """Was the feed's table made under another definition than today's?"""
    state = ledger.state(ctx.settings, feed.table)
    return bool(state.deliveries) and state.definition != _definition(ctx, feed)


def _definition(ctx: RunContext, feed: Contract) -> str:
    key = ctx.person_key if feed.tokens else None
    rules = ctx.rules[feed.table]
    return feed_definition(feed, ctx.catalogue, rules, ctx.divisions(feed), key)


def _settled(entry: Mapping[str, object] | None) -> bool:
    """Was the delivery judged? One that could not be read then is judged when it can be."""
    return entry is not None and not entry.get("unreadable")


@dataclass
class _Outcome:
    """What became of the deliveries of a step."""

    landed: dict[str, str] = field(default_factory=dict)
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    counts: dict[str, object] = field(default_factory=dict)


class _FeedStep:
    """One step of one silver table."""

    def __init__(self, ctx: RunContext, feed: Contract, found: Bronze) -> None:
        self.ctx, self.feed = ctx, feed
        self.known, self.unreadable = found.records, found.unreadable
        self.bronze_version, self.expired = found.version, found.expired
        self.table = feed.table
        self.path = table_path(ctx.settings, feed)
        self.rules = ctx.rules[self.table]
        self.key = ctx.person_key if feed.tokens else None
        self.definition = _definition(ctx, feed)
        self.outcome = _Outcome()
        self.folder = Path()
        self.told: list[DataFrame] | None = []
        self.state = ledger.TableState()
        self.step = ""

    def run(self) -> StepResult:
        ctx = self.ctx
        state = self.state = ledger.state(ctx.settings, self.table)
        head = recover(ctx, self.table, self.path, state)
        rebuild = (
            head is None
            or state.head is None
            or (bool(state.deliveries) and state.definition != self.definition)
        )
        done = {} if rebuild else state.deliveries
        pending = [r for r in self.known if not _settled(done.get(r.delivery_id))]
        damaged = {
            d: why for d, why in self.unreadable.items() if done.get(d, {}).get("reason_en") != why
        }
        lost = self.expired & set(state.deliveries) if rebuild else frozenset()
        if not pending and not damaged and not lost:
            return self._unchanged(state)
        if lost:
            ctx.say(
                f"{self.table}: {len(lost)} deliveries are past their retention in landing and "
                "bronze; built anew, it is without their rows"
            )
        for delivery, why in damaged.items():
            self.outcome.held[delivery] = ("落地的文件无法读取", why)
        self.step = step_digest(self.table, sorted(r.delivery_id for r in pending), self.definition)
        anew = ", built anew" if rebuild and state.head is not None else ""
        ctx.say(f"{self.table}: {len(pending)} deliveries{anew}")
        silver.prepare(ctx.spark, self.path, self.feed.served)
        if rebuild and head is not None:
            silver.empty(ctx.spark, self.path, self.feed.served)
        before = delta.latest_version(self.path)
        with scratch(scratch_path(ctx.settings, self.table, self.step)) as self.folder:
            if pending:
                self._take(pending)
            return self._finish(pending, rebuild, before, state)

    def _unchanged(self, state: ledger.TableState) -> StepResult:
        held = {
            d: (row.get("reason_zh") or "", row.get("reason_en") or "")
            for d, row in state.deliveries.items()
            if row.get("outcome") == HELD
        }
        return StepResult(self.table, Status.UNCHANGED, state.version, state.rows, held=held)

    def _take(self, records: Records) -> None:
        """Judges the batch and brings it into silver.

        Deliveries that the gate blames by name are held and the rest is judged anew. Where it
        cannot name them, the batch is halved until those that fail stand alone, so that one bad
        file does not hold the others; the good ones are judged once more together.
        """
        staged = self._stage(records)
        try:
            short = silver.cut_short(self.ctx.spark, self.path, self.feed.served, staged, records)
            verdict = GateResult("passed", ()) if short else self._judge_batch(staged, records)
            if verdict.passed and not short:
                self._land(staged, records)
                return
            blamed = [r for r in records if r.delivery_id in {*short, *verdict.held_deliveries}]
            if blamed or len(records) == 1:
                self._hold(staged, blamed or records, verdict)
                self.outcome.held |= short
        finally:
            drop(staged)
        if blamed or len(records) == 1:
            rest = [r for r in records if blamed and r not in blamed]
            if rest:
                self._take(rest)
            return
        good = self._passing(records)
        if not good:
            return
        staged = self._stage(good)
        try:
            verdict = self._judge_batch(staged, good)
            if verdict.passed:
                self._land(staged, good)
            else:
                self._hold(staged, good, verdict)
        finally:
            drop(staged)

    def _passing(self, records: Records) -> list[landing.Record]:
        """Of a batch that failed: the deliveries that pass; the others are held."""
        half = (len(records) + 1) // 2
        good: list[landing.Record] = []
        for part in (records[:half], records[half:]):
            if not part:
                continue
            staged = self._stage(part)
            try:
                verdict = self._judge_batch(staged, part)
                if verdict.passed:
                    good += part
                elif len(part) == 1:
                    self._hold(staged, part, verdict)
                else:
                    good += self._passing(part)
            finally:
                drop(staged)
        return good

    def _hold(self, staged: Staged, records: Records, verdict: GateResult) -> None:
        """The deliveries are held; the department finds their rejected rows in quarantine."""
        self.outcome.counts |= staged.counts
        for record in records:
            self.outcome.held[record.delivery_id] = verdict.reason_for(record.delivery_id)
        self._quarantine(staged, records)

    def _quarantine(self, staged: Staged, records: Records) -> None:
        quarantine.write(self.ctx.spark, self.ctx.settings, self.feed, staged, records, self.rules)

    def _stage(self, records: Records) -> Staged:
        ctx = self.ctx
        assert self.bronze_version is not None, "records that were read stand in bronze"
        return stage(
            ctx.spark,
            ctx.settings,
            ctx.catalogue,
            self.feed,
            records,
            self.rules,
            ctx.standardisers(self.feed),
            self.step,
            self.bronze_version,
            ctx.frames_for(self.rules),
            ctx.day,
            self.key,
        )

    def _judge_batch(self, staged: Staged, records: Records) -> GateResult:
        for record in records:
            counted = staged.counts[record.delivery_id].delivered
            if counted != record.rows:
                return held_result(
                    f"入库 {counted} 行，与交付的 {record.rows} 行不符",
                    f"bronze holds {counted} rows of a delivery of {record.rows}",
                )
        empty = all(r.rows == 0 for r in records) and self.feed.delivery.zero_allowed
        return judge(
            self.ctx,
            self.table,
            staged.frame,
            self.rules,
            Phase.BATCH,
            self.step,
            state=self.state,
            allow_empty=empty,
            counts=staged.counts,
        )

    def _land(self, staged: Staged, records: Records) -> None:
        """Brings a passed batch into silver; a version that fails its audit is restored.

        A batch that fails is halved, in the order of the statements, to hold only what fails.
        """
        ctx, before = self.ctx, delta.latest_version(self.path)
        applied = silver.apply(ctx.spark, self.path, self.feed.served, staged, records)
        verdict = self._audit(applied)
        if verdict.passed:
            self._remember(applied)
            self._quarantine(staged, records)
            self.outcome.counts |= staged.counts
            for r in records:
                late = r.delivery_id in applied.superseded
                self.outcome.landed[r.delivery_id] = "superseded" if late else "loaded"
            return
        delta.restore(ctx.spark, self.path, before)
        if len(records) == 1:
            self._hold(staged, records, verdict)
            return
        half = len(records) // 2
        for part in (records[:half], records[half:]):
            staged_part = self._stage(part)
            try:
                self._land(staged_part, part)
            finally:
                drop(staged_part)

    def _remember(self, applied: silver.Applied) -> None:
        """Keeps which keys were told anew, for the registries that are built from the table."""
        if applied.version is None:
            return
        if applied.concerned is None:
            self.told = None
        elif self.told is not None:
            place = self.folder / f"told_{len(self.told)}"
            self.told.append(put(self.ctx.spark, applied.concerned, place))

    def _audit(self, applied: silver.Applied) -> GateResult:
        if applied.version is None:
            return GateResult("passed", ())
        ctx = self.ctx
        version = delta.read(ctx.spark, self.path, applied.version)
        rows = silver.visible(version)
        # A table may be empty where an empty report is a statement, or where all that came so far
        # was deleted, cancelled, or still waits for the row that it cancels.
        empty = self.feed.delivery.zero_allowed or (
            self.feed.correction in _HIDING and not version.isEmpty()
        )
        return judge(
            ctx,
            self.table,
            rows,
            self.rules,
            Phase.TABLE,
            self.step,
            state=self.state,
            allow_empty=empty,
        )

    def _finish(
        self,
        pending: Records,
        rebuild: bool,
        before: int | None,
        state: ledger.TableState,
    ) -> StepResult:
        ctx, out = self.ctx, self.outcome
        held = bool(out.held) and not out.landed
        head = delta.latest_version(self.path)
        changed = head != before or rebuild or state.version is None
        if held and rebuild and state.version is not None:
            # Nothing passed under the new definition: the table stays what it was.
            head = delta.restore(ctx.spark, self.path, state.head)
        frame = silver.visible(delta.read(ctx.spark, self.path, head))
        rows = frame.count() if not held else None
        version = state.version if held else head
        patched = None
        if self.told and not rebuild and not held and head is not None:
            patched = before
            keep_told(ctx, self.table, head, reduce(DataFrame.unionByName, self.told))
        entries: list[dict[str, object]] = []
        for outcome in ("loaded", "superseded"):
            ids = [d for d, o in out.landed.items() if o == outcome]
            entries += ledger.outcomes(ids, outcome, out.counts)
        for d, (zh, en) in out.held.items():
            more = {"unreadable": True} if d in self.unreadable else {}
            entries += ledger.outcomes([d], HELD, out.counts, reason_zh=zh, reason_en=en, **more)
        first = next(iter(out.held.values()), ("", ""))
        read = self.bronze_version
        inputs = {} if read is None else {self.feed.bronze: read}
        ctx.record(
            {
                "kind": "step",
                "table": self.table,
                "step": self.step,
                "definition": self.definition,
                "person_key": self.key and self.key.id,
                "inputs": inputs,
                "patched": patched,
                "verdict": HELD if held else PASSED,
                "version": version,
                "head": head,
                "rows": rows,
                "rebuilt": rebuild,
                "expired": sorted(self.expired) if rebuild else [],
                "deliveries": entries,
                "reason_zh": first[0],
                "reason_en": first[1],
            }
        )
        if held:
            return StepResult(self.table, Status.HELD, version, state.rows, 0.0, *first, out.held)
        assert version is not None
        ctx.passed(self.table, version)
        status = Status.PASSED if changed else Status.UNCHANGED
        return StepResult(self.table, status, version, rows, held=out.held, taken=len(out.landed))
