"""Who read what, and for what: one line in `ops.reads` before the answer leaves."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from onesource import person_keys
from onesource.config import Settings, now
from onesource.errors import OneSourceError
from onesource.lake import ops

# Tables of these layers may be read only when the read can be recorded.
GUARDED = frozenset({"landing", "bronze", "quarantine", "silver", "registry"})


def record_read(
    settings: Settings,
    command: str,
    tables: Sequence[str],
    *,
    rows: int | None,
    purpose: str,
    run: str | None,
    statement: str,
    people: Sequence[str] = (),
) -> None:
    """Writes a read down; of the statement only its digest, for it may hold a person's value.

    people: audit keys of the persons whose rows were read, where the command knows them: so that
    "who read this person's rows" can be answered, by who holds the audit key and no one else.

    Raises OneSourceError when that fails and a table is guarded (P11); for other tables a line on
    standard error says so and the answer is given.
    """
    who, at = user(), now()
    row = {
        "at": at.isoformat(),
        "who": who,
        "command": command,
        "tables": list(tables),
        "purpose": purpose,
        "run": run,
        "rows": rows,
        "statement_digest": _digest(settings, statement),
        "people": list(people),
    }
    # A file for each account: one cannot write into another's.
    writer = f"{command}-{re.sub(r'[^A-Za-z0-9_.-]', '_', who)}-{at:%Y-%m}"
    try:
        ops.append(settings, "reads", writer, [row])
    except (OSError, OneSourceError) as e:
        why = e.why if isinstance(e, OneSourceError) else (e.strerror or str(e))
        if any(t.split(".", 1)[0] in GUARDED for t in tables):
            raise OneSourceError(
                "the read cannot be recorded in ops.reads, so it is refused",
                why=why,
                todo=f"get leave to write to {settings.root('ops') / 'reads'}",
            ) from e
        print(f"the read could not be recorded in ops.reads ({why})", file=sys.stderr)


def _digest(settings: Settings, statement: str) -> str | None:
    """The statement's keyed digest; None for an account that has no audit key.

    Without a key it would give an ID number in a statement away in minutes: there are too few.
    """
    try:
        return person_keys.audit_key(settings.keys).key("statement", statement.strip())
    except OneSourceError:
        return None


def user() -> str:
    """The account that the system knows, not the one that the environment claims."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
