"""`onesource reads`: who read a person's rows, and for what."""

from __future__ import annotations

from datetime import datetime

from onesource.config import BEIJING, Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.lake.reads import record_read
from onesource.run.audit import audit_keys, reads_of


def reads_command(settings: Settings, who: str, since: str | None, purpose: str) -> int:
    """Prints the reads of a person, the newest first; the question itself is recorded.

    who: a person_id or ID number, from standard input. Raises UsageError.
    """
    who = who.strip()
    if not who:
        raise UsageError("nobody is named", todo="give a person_id or ID number on standard input")
    try:
        start = datetime.fromisoformat(since).replace(tzinfo=BEIJING) if since else None
    except ValueError as e:
        raise UsageError(f"--since {since} is no day", todo="write it as 2026-11-01") from e
    catalogue = load_catalogue(settings.schemas, odcs=False)
    found = list(reads_of(settings, catalogue, who, start))
    record_read(
        settings,
        "reads",
        ["ops.reads"],
        rows=len(found),
        purpose=purpose,
        run=None,
        statement="reads",
        people=audit_keys(settings, [{"person_id": who}, {"id_no": who}]),
    )
    for r in found:
        at = datetime.fromisoformat(r.at).astimezone(BEIJING).isoformat(timespec="seconds")
        sure = "this person 本人" if r.is_certain else "a table with this person 所在表"
        print(f"{at} {r.who} {r.command} {', '.join(r.tables)}: {sure}; {r.purpose or '∅'}")
    print(f"{len(found)} reads 次查询")
    return 0
