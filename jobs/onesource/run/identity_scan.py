"""`onesource maintain --scan`: does anything outside the zones of identities name a person (P10)?

Every file of the lake outside landing, bronze, quarantine and registry, every release, and what
else is asked for (logs, a status page) is read with the eyes of the leak gate: ID numbers with a
good check, phones, names beside births; in Parquet also the statistics and the metadata, in the
logs of Delta every value. A finding never repeats what was found.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pyarrow as pa

from onesource.config import Settings
from onesource.publish.leak.columns import Looking
from onesource.publish.leak.contents import look_at_contents
from onesource.publish.leak.digits import Known
from onesource.publish.leak.gather import Gather
from onesource.publish.leak.headings import safe
from onesource.publish.leak.lines import look_at_text
from onesource.publish.leak.model import Allowance, Confidence, Finding, Hit, Kind
from onesource.publish.leak.pairs import in_line, in_parquet
from onesource.publish.leak.scan import ever_divisions

ZONES = ("landing", "bronze", "quarantine", "registry")
_LOOKED_FOR = (Kind.RESIDENT_ID, Kind.MOBILE)
_PAIR = Hit(Kind.PERSON_NAME, True, 0, note="a name beside a day of birth")
_LONGEST = 1 << 20  # a longer line is looked at in pieces


def identity_scan(
    settings: Settings, also: Sequence[Path] = (), say: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """What is found, file by file; `also`: more files and folders. Reads every byte.

    What cannot be read is a finding (P11). Raises nothing for what a file holds.
    """
    against = Known(ever_divisions(settings.schemas), datetime.now(UTC).year)
    found: list[Finding] = []
    count = 0
    for path in sorted(_files(settings, also)):
        found += _scan_file(path, against)
        count += 1
    say(f"{count} files outside {', '.join(ZONES)} read")
    return found


def _files(settings: Settings, also: Sequence[Path]) -> Iterator[Path]:
    """All files that may hold no identity; the keys' folder is no part of the lake."""
    zones = {settings.root(z).resolve() for z in ZONES}
    places = {settings.lake, settings.open, *also}
    places |= {root for layer, root in settings.roots.items() if layer not in ZONES}
    seen: set[Path] = set()
    for place in places:
        if place.is_file():
            seen.add(place.resolve())
        for folder, inside, files in os.walk(place.resolve()):
            here = Path(folder)
            inside[:] = [d for d in inside if (here / d).resolve() not in zones]
            seen.update(here / f for f in files)
    yield from seen


def _scan_file(path: Path, against: Known) -> list[Finding]:
    out = Gather(None, safe(str(path), against))
    to = Looking(against, 9, out)
    look_at_text(path.name, "name of the file", to)
    try:
        with path.open("rb") as raw:
            look_at_contents(_without_bounds(raw, path), path.name, Allowance(), to)
        _look_for_pairs(path, to)
    except FileNotFoundError:
        return []  # a run has moved on meanwhile
    except OSError as e:
        out.problem(Kind.UNREADABLE, "", f"cannot be read ({type(e).__name__})")
    return [
        f
        for f in out.findings()
        if f.confidence is Confidence.STOP
        and (f.kind in (*_LOOKED_FOR, Kind.UNREADABLE) or _is_pair(f))
    ]


# Delta counts files by size, in bins up to 2^34 bytes: written out, that is a mobile number.
_BIN = b"17179869184"
# And it cuts the least and greatest texts off behind 32 characters, in the middle of a long number.
_CUT = re.compile(rb'(\\"[^"\\]{21})[0-9]{11}(?=\\")')


def _without_bounds(raw: IO[bytes], path: Path) -> IO[bytes]:
    """A file as it is; of a log of Delta without what looks like a mobile number and is none.

    Whatever is left out here is still found in the data file that it was taken from.
    """
    if path.parent.name != "_delta_log" or path.suffix not in (".json", ".crc"):
        return raw
    return io.BytesIO(_CUT.sub(rb"\1", raw.read().replace(_BIN, b"2^34")))


def _is_pair(f: Finding) -> bool:
    return f.kind is Kind.PERSON_NAME and (_PAIR.note in f.masked or "beside" in f.masked)


def _look_for_pairs(path: Path, to: Looking) -> None:
    if path.suffix == ".parquet":
        # What cannot be read was said by the look before.
        with suppress(pa.ArrowException), path.open("rb") as raw:
            for name, day in in_parquet(raw):
                to.out.add(_PAIR, f"columns {safe(name, to.against)} and {safe(day, to.against)}")
        return
    with path.open("r", encoding="utf-8", errors="replace", newline="\n") as text:
        number = 0
        while line := text.readline(_LONGEST):
            number += 1
            if in_line(line):
                to.out.add(_PAIR, f"line {number}")
