"""One division followed through time, along the successor table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from onesource.clean.geography.index import FOREVER, DivisionIndex, Step, Version
from onesource.clean.geography.names import level_of, up


@dataclass(frozen=True)
class Answer:
    """A code or the reason why there is none. `note`: further findings as `key=value` pairs."""

    code: str | None
    verdict: str
    method: str = ""
    confidence: float = 0.0
    name: str = ""
    note: tuple[str, ...] = ()

    def because(self, *notes: str) -> Answer:
        return replace(self, note=(*self.note, *notes))


class Walker:
    """Walks the versions of one index. Keeps no state but the index."""

    def __init__(self, index: DivisionIndex) -> None:
        self.index = index

    def to_day(self, version: Version, day: date | None) -> Answer:
        """The code on a day of the unit that `version` names."""
        when, moved = self.index.day_for(version.code, day)
        answer = self.walk(version, when)
        return answer.because("day=before_first_snapshot") if moved else answer

    def walk(self, version: Version, when: date) -> Answer:
        methods: list[str] = []
        sure = 1.0
        while not version.holds_on(when):
            forward = version.valid_to is not None and version.valid_to <= when
            step = self._next(version, when) if forward else self._previous(version)
            if isinstance(step, Answer):
                return step.because(f"name={version.name}") if not step.name else step
            if step.event != "rename":
                methods.append(step.method)
                sure *= step.confidence
            code = step.new_code if forward else step.old_code
            turn = step.on if forward else None
            version = self._after(code or "", turn) if turn else self._before(code or "", step.on)
        method = " > ".join(dict.fromkeys(methods)) or "exact_code"
        return Answer(version.code, "OK", method, round(sure, 4), version.name)

    def _after(self, code: str, day: date) -> Version:
        found = self.index.on(code, day)
        assert found, f"the successor {code} does not hold on {day}"
        return found

    def _before(self, code: str, day: date) -> Version:
        return next(v for v in self.index.versions[code] if v.valid_to == day)

    def _next(self, version: Version, when: date) -> Step | Answer:
        assert version.valid_to is not None
        steps = self.index.forward.get((version.code, version.valid_to), [])
        steps = [s for s in steps if s.new_code and s.event != "abolished"]
        kept = up(version.code, "town")
        if not steps:
            note = [f"until={version.valid_to}"]
            if level_of(version.code) == "village" and kept in self.index.versions:
                town = self._held_or_nearest(kept, when)
                note += [f"town={town.code}"] if town.code else []
            return Answer(None, "ABOLISHED", "no successor known", 0.0, version.name, tuple(note))
        best = max(steps, key=lambda s: (s.weight, s.new_code or ""))
        if len(steps) > 1 and best.weight <= 0.5:
            codes = ",".join(sorted(s.new_code or "" for s in steps))
            return Answer(None, "AMBIGUOUS", "split", 0.0, version.name, (f"candidates={codes}",))
        return best

    def _held_or_nearest(self, code: str, when: date) -> Answer:
        held = self.index.on(code, when)
        if held:
            return Answer(code, "OK", "exact_code", 1.0, held.name)
        return self.nearest(self.index.versions[code], when)

    def _previous(self, version: Version) -> Step | Answer:
        """Back in time only along a line with one origin: the same unit under another code or name,
        or the only one of which it was made. Else nobody can say which it was."""
        assert version.valid_from is not None
        steps = self.index.backward.get((version.code, version.valid_from), [])
        same = [s for s in steps if s.event in ("rename", "recode")]
        if len(same) == 1 or len(steps) == 1:
            return (same or steps)[0]
        note = (f"since={version.valid_from}",)
        return Answer(None, "NOT_YET", "no single predecessor", 0.0, version.name, note)

    def nearest(self, versions: list[Version], when: date) -> Answer:
        """A code that holds on other days only: from its last state before, else its first."""
        before = [v for v in versions if v.valid_to and v.valid_to <= when]
        if before:
            return self.walk(max(before, key=lambda v: v.valid_to or FOREVER), when)
        return self.walk(min(versions, key=lambda v: v.valid_from or date.min), when)
