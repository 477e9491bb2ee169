"""The person key in use, and the refusal to make another in silence where one is lost."""

from __future__ import annotations

from onesource import person_keys
from onesource.config import Settings
from onesource.errors import OneSourceError
from onesource.lake import ops
from onesource.person_keys import PersonKey


def active_key(settings: Settings) -> PersonKey:
    """The key that id tokens and person keys are made with; the first one is made here.

    Raises OneSourceError where the lake knows of keys and the folder has none: another key in
    their place would part new rows from old ones without a word.
    """
    if not person_keys.exists(settings.keys) and known_keys(settings):
        raise OneSourceError(
            "the person key is gone, and tables stand on it",
            where=str(settings.keys),
            todo="restore the file, or see docs/runbooks/person-key.md",
        )
    return person_keys.ring(settings.keys).current


def known_keys(settings: Settings) -> dict[str, str]:
    """Tables that hold tokens or keys → the id of the key of their newest version that passed."""
    found: dict[str, str] = {}
    events = sorted(ops.rows(settings, "steps"), key=lambda e: str(e.get("at", "")))
    for event in events:
        if event.get("person_key") and event.get("verdict") == "passed":
            found[str(event["table"])] = str(event["person_key"])
    return found
