"""`onesource deliver`: hands files in and says, file by file, what became of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from onesource.clean.context import moment_reader, standardise_one
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.ingest.deliver import Deliverer, Outcome

_WORD = {"taken": "taken", "known": "had already", "refused": "REFUSED"}


def deliver_command(settings: Settings, paths: Sequence[Path], feed: str | None) -> int:
    """Exit code 0, or 1 when any file was refused."""
    counted: Counter[str] = Counter()
    for outcome in _outcomes(settings, paths, feed):
        counted[outcome.status] += 1
        stream = sys.stderr if outcome.status == "refused" else sys.stdout
        print(_line(outcome), file=stream, flush=True)
    print(f"{counted['taken']} taken, {counted['known']} had already, {counted['refused']} refused")
    return 1 if counted["refused"] else 0


def deliver_files(
    settings: Settings, paths: Sequence[Path], feed: str | None = None
) -> list[Outcome]:
    """Hands the files in; one outcome each."""
    return list(_outcomes(settings, paths, feed))


def _outcomes(settings: Settings, paths: Sequence[Path], feed: str | None) -> Iterator[Outcome]:
    catalogue = load_catalogue(settings.schemas)
    deliverer = Deliverer(
        settings,
        catalogue,
        standardise_one(settings, catalogue),
        moment_reader(settings, catalogue),
    )
    yield from deliverer.deliver(paths, feed)


def _line(o: Outcome) -> str:
    return "".join(c if c.isprintable() else "?" for c in _words(o))


def _words(o: Outcome) -> str:
    if o.status == "refused":
        return f"{_WORD[o.status]} [{o.reason}] {o.message}"
    rows = f" {o.rows} rows" if o.rows is not None else ""
    note = f" ({o.message})" if o.message else ""
    return f"{_WORD[o.status]} {o.file} → {o.feed} {o.delivery_id}{rows}{note}"
