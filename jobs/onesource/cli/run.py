"""`onesource run` and `onesource plan`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from onesource.config import BEIJING, Settings, now


def run_command(
    settings: Settings, words: Sequence[str], through: str | None, day: date | None, debug: bool
) -> int:
    """Executes; prints a line a step and a summary. Exit code of the run."""
    from onesource.run.engine import run

    report = run(settings, words=words, through=through, day=day, say=_say, debug=debug)
    for r in report.results:
        for delivery, (zh, en) in r.held.items():
            print(f"held: {r.table} delivery {delivery}: {en} {zh}", file=sys.stderr)
        if r.status.value in ("held", "failed"):
            print(f"{r.status}: {r.table}: {r.reason_en} {r.reason_zh}", file=sys.stderr)
    by = {s: sum(1 for r in report.results if r.status.value == s) for s in _ORDER}
    counts = ", ".join(f"{n} {s}" for s, n in by.items() if n)
    served = f", served {len(report.served)} tables" if report.served else ", nothing new to serve"
    print(f"run {report.run}: {counts}{served} in {report.seconds:.1f} s")
    if words or through:
        return report.exit_code
    released = _release(settings, day)
    return report.exit_code or released


def _release(settings: Settings, day: date | None) -> int:
    """A whole run ends with the open release. What a run held does not hold the release: it says
    so; a dataset that is held there does not make the run a held one."""
    from onesource.lake.manifest import read_manifest

    if not any((settings.schemas / "open").glob("*.yaml")):
        return 0
    if read_manifest(settings).run is None:
        return 0
    from onesource.cli.release import release_command
    from onesource.publish.release import NothingReleased

    try:
        return 0 if release_command(settings, day) in (0, 3) else 1
    except NothingReleased as e:
        print(e.line(), file=sys.stderr)
        return 0


_ORDER = ("passed", "unchanged", "held", "waiting", "failed")


def _say(line: str) -> None:
    print(f"{now().astimezone(BEIJING):%H:%M:%S} {line}", flush=True)


def plan_command(settings: Settings, words: Sequence[str], through: str | None) -> int:
    """Prints what a run would do; starts nothing."""
    from onesource.run.preview import preview

    for row in preview(settings, words, through):
        print(f"{row.table}: {row.action}{f' ({row.why})' if row.why else ''}")
    return 0


def scan_command(settings: Settings, also: Sequence[Path]) -> int:
    """Looks for persons where none may be. Exit code 3 when something is found."""
    from onesource.run.identity_scan import identity_scan

    found = identity_scan(settings, also, _say)
    for f in found:
        print(f"look: {f.line()}", file=sys.stderr)
    if found:
        print("docs/runbooks/identity-found.md says what to do", file=sys.stderr)
    return 3 if found else 0


def maintain_command(settings: Settings, keep_days: int) -> int:
    """Does the lake's upkeep. Exit code 3 when a person has to look at something."""
    from onesource.run.maintain import maintain

    problems = maintain(settings, keep_days=keep_days, say=_say)
    for p in problems:
        print(f"look: {p.what_en} {p.what_zh}", file=sys.stderr)
    return 3 if problems else 0
