"""What a gate found: one result per rule, a verdict, and rows for `ops.quality_results`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from onesource.quality.engine import Outcome
from onesource.quality.rules import Phase, Rule

Verdict = Literal["passed", "held"]
# Reasons named in a verdict; the others are in ops.quality_results.
_NAMED = 3


@dataclass(frozen=True)
class RuleResult:
    """One rule's result. unexpected: rows that fail it (None: the rule counts no rows).
    delivery_ids: the deliveries that fail a rule judged per delivery; delivery_rows: what such a
    delivery brought, and how many of its rows fail (None: the rule counts its rows). error: the
    rule could not be judged, which holds whatever its severity. detail never holds a value of a
    personal field.
    """

    run_id: str
    step: str
    table: str
    phase: Phase
    rule: Rule
    success: bool
    evaluated: int | None
    unexpected: int | None
    detail: str
    at: datetime
    delivery_ids: tuple[str, ...] = ()
    error: str | None = None
    delivery_rows: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Does this result hold the batch or the version?"""
        return self.error is not None or (not self.success and self.rule.severity == "hold")

    @property
    def unexpected_share(self) -> float | None:
        if self.unexpected is None or not self.evaluated:
            return None
        return self.unexpected / self.evaluated

    def reason(self, delivery_id: str | None = None) -> tuple[str, str]:
        """(Chinese, English) why it failed; with the counts of one delivery, if it has any."""
        zh, en = self.rule.zh, self.rule.en
        evaluated, unexpected, detail = self.evaluated, self.unexpected, self.detail
        if delivery_id is not None and delivery_id in self.delivery_rows:
            evaluated, unexpected = self.delivery_rows[delivery_id]
            detail = f"observed={evaluated}" if unexpected is None else ""
        if self.error:
            return (
                f"规则“{zh}”无法判断（{self.error}）",
                f"the rule {self.rule.id} could not be judged ({self.error})",
            )
        count_zh = count_en = ""
        if unexpected:
            count_zh = f"：{evaluated} 行中有 {unexpected} 行不符"
            count_en = f": {unexpected} of {evaluated} rows are not so"
        shown = f" ({detail})" if detail else ""
        return f"{zh}{count_zh}{shown}", f"{self.rule.id}: {en}{count_en}{shown}"

    def row(self) -> dict[str, Any]:
        """The row for `ops.quality_results`."""
        return {
            "run": self.run_id,
            "at": self.at.isoformat(),
            "step": self.step,
            "table": self.table,
            "phase": str(self.phase),
            "rule": self.rule.id,
            "expectation": self.rule.expectation,
            "dimension": str(self.rule.dimension),
            "owner": self.rule.owner,
            "severity": str(self.rule.severity),
            "success": self.success,
            "evaluated": self.evaluated,
            "unexpected": self.unexpected,
            "unexpected_share": self.unexpected_share,
            "detail": self.detail,
            "deliveries": list(self.delivery_ids),
            "zh": self.rule.zh,
            "en": self.rule.en,
        }


@dataclass(frozen=True)
class GateResult:
    """The verdict on a batch or a version. rows: how many were judged (None: it never came to
    that). held_deliveries: those to blame, where every reason to hold can name them; the rest of
    the batch may then go on in a gate of its own."""

    verdict: Verdict
    results: tuple[RuleResult, ...]
    reason_zh: str = ""
    reason_en: str = ""
    rows: int | None = None
    held_deliveries: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"

    def reason_for(self, delivery_id: str) -> tuple[str, str]:
        """(Chinese, English) why this delivery is held: what can be said of it alone, if so."""
        own = [r for r in self.results if r.holds and delivery_id in r.delivery_ids]
        if not own:
            return self.reason_zh, self.reason_en
        zh, en = zip(*[r.reason(delivery_id) for r in own[:_NAMED]], strict=True)
        return "；".join(zh), "; ".join(en)

    def rows_for_ops(self) -> list[dict[str, Any]]:
        return [r.row() for r in self.results]


def verdict_of(results: Sequence[RuleResult], rows: int) -> GateResult:
    """Held when a `hold` rule failed or any rule could not be judged; the reasons name up to
    three rules."""
    bad = [r for r in results if r.holds]
    if not bad:
        return GateResult("passed", tuple(results), rows=rows)
    zh, en = zip(*[r.reason() for r in bad[:_NAMED]], strict=True)
    rest = len(bad) - _NAMED
    more_zh, more_en = (f"；另有 {rest} 条", f"; and {rest} more") if rest > 0 else ("", "")
    blamed = {d for r in bad for d in r.delivery_ids}
    every = all(r.delivery_ids and not r.error for r in bad)
    return GateResult(
        "held",
        tuple(results),
        "；".join(zh) + more_zh,
        "; ".join(en) + more_en,
        rows,
        tuple(sorted(blamed)) if every else (),
    )


def held(
    zh: str, en: str, results: Sequence[RuleResult] = (), rows: int | None = None
) -> GateResult:
    """A gate that holds for a reason of its own."""
    return GateResult("held", tuple(results), zh, en, rows)


def observed(rule: Rule, outcome: Outcome, kwargs: Mapping[str, Any]) -> str:
    """What was seen, in a few words; empty where that could be a value of a personal field."""
    words = []
    if rule.kwargs != kwargs:
        bounds = [f"{k}={_short(kwargs[k])}" for k in ("min_value", "max_value") if k in kwargs]
        words += bounds
    if outcome.observed is not None and not rule.sensitive:
        words.insert(0, f"observed={_short(outcome.observed)}")
    return " ".join(words)


def _short(value: Any) -> str:
    if isinstance(value, float | Decimal):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= 120 else text[:120] + "…"
